// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>

#include "ctl/client.hpp"

namespace memtuned::ctl {

/// One line: the time where the user is, and what happened. The diagnostics of a failed reload are more lines.
std::string render_signal(const Client::Signal& signal);

/// Tells what is of little interest: that a rule is pending, and that it is idle again without having been active.
class Fleeting {
public:
    bool operator()(const Client::Signal& signal);

private:
    std::map<std::string, std::string> states_;  // of each rule
};

/// Prints what happens as it happens, until SIGINT, SIGTERM or SIGHUP; `all`: also what is fleeting.
void monitor(Client& client, bool json, bool all);

}  // namespace memtuned::ctl
