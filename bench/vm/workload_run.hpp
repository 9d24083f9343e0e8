// SPDX-License-Identifier: GPL-2.0-or-later
//
// The run: one process for each load, and a parent that does nothing but read the kernel's counters at the edges of
// the windows and see how its children end.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workload_board.hpp"
#include "workload_options.hpp"
#include "workload_system.hpp"

namespace workload {

struct Ending {
    enum class How { finished, killed, failed, stopped };
    How how = How::stopped;
    int signal = 0;
    double after_seconds = 0;
    std::string message;
};

/// The counters at both ends of a window's measured part; nothing of what the run did not come to.
struct Reading {
    std::optional<Snapshot> before;
    std::optional<Snapshot> after;
};

struct Run {
    std::int64_t start = 0;
    double elapsed_seconds = 0;
    bool locked = false;
    bool interrupted = false;
    std::vector<Ending> endings;
    std::vector<Reading> windows;
};

Run run_loads(const Options& options, Board& board);

/// Whether a load's end makes the run a failure.
bool is_bad(const Load& load, const Ending& ending);

}  // namespace workload
