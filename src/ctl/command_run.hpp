// SPDX-License-Identifier: GPL-2.0-or-later
//
// `memtunectl override … --while COMMAND…`: an override for as long as a command runs. It ends with memtunectl's
// connection, so that it ends also when memtunectl is killed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ctl/client.hpp"

namespace memtuned::ctl {

struct HeldOverride {
    std::string tunable;
    std::int64_t value = 0;
    std::string reason;
};

/// Makes the override, then runs the command. Returns its exit status, 128 and the signal's number if one ended it,
/// 127 if there is no such program, 126 if it could not be run.
int run_with_override(Client& client, const HeldOverride& held, const std::vector<std::string>& command);

}  // namespace memtuned::ctl
