// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "ctl/client.hpp"

namespace memtuned::ctl {

/// One line: the time where the user is, and what happened. The diagnostics of a failed reload are more lines.
std::string render_signal(const Client::Signal& signal);

/// Prints what happens as it happens, until SIGINT, SIGTERM or SIGHUP.
void monitor(Client& client, bool json);

}  // namespace memtuned::ctl
