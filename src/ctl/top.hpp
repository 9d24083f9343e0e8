// SPDX-License-Identifier: GPL-2.0-or-later
//
// `memtunectl top`: the daemon's state as a live screen.
#pragma once

#include <string>

namespace memtuned::ctl {

struct TopOptions {
    double interval_seconds = 1;
    bool once = false;
};

/// Until the user leaves; one frame of text where standard output is no terminal or cannot be one's own screen. The
/// exit status. Throws CallFailed where there is no daemon to begin with.
int run_top(const std::string& address, const TopOptions& options);

}  // namespace memtuned::ctl
