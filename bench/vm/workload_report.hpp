// SPDX-License-Identifier: GPL-2.0-or-later
//
// The report, as JSON for programs and as a table for people. What is not known is null, never 0.
#pragma once

#include <string>

#include "workload_board.hpp"
#include "workload_options.hpp"
#include "workload_run.hpp"
#include "workload_system.hpp"

namespace workload {

struct Report {
    const Options& options;
    const Run& run;
    const Clock& clock;
    Board& board;
};

std::string as_json(const Report& report);
std::string as_table(const Report& report);

}  // namespace workload
