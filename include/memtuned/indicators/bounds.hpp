// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an indicator can be at all on a given machine, so that a comparison that never holds is told when it is
// loaded.
#pragma once

#include <limits>
#include <utility>

#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::indicators {

/// The figures that bound indicators; infinity where one is not known.
struct Machine {
    double memory_bytes = std::numeric_limits<double>::infinity();
    double swap_bytes = std::numeric_limits<double>::infinity();
    double swap_on_zram = 1;  ///< share of the swap space that is on zram; 1 where there is none
    double zones = std::numeric_limits<double>::infinity();  ///< populated ones
    double nodes = std::numeric_limits<double>::infinity();  ///< with memory
};

/// Reads meminfo, swaps and zoneinfo.
Machine read_machine(const kernel::Root& root);

/// The least and the greatest value `indicator` can have on `machine`.
std::pair<double, double> bounds(const Indicator& indicator, const Machine& machine);

}  // namespace memtuned::indicators
