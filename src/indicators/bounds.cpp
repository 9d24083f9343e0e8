// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/indicators/bounds.hpp"

#include "memtuned/kernel/keyed_file.hpp"
#include "memtuned/kernel/swaps.hpp"
#include "memtuned/kernel/zoneinfo.hpp"

namespace memtuned::indicators {

namespace {
constexpr double infinity = std::numeric_limits<double>::infinity();
}

Machine read_machine(const kernel::Root& root) {
    Machine machine;
    kernel::KeyedFile meminfo = kernel::KeyedFile::meminfo(root, {"MemTotal", "SwapTotal"});
    if (meminfo.refresh()) {
        if (const auto total = meminfo.value(0)) machine.memory_bytes = static_cast<double>(*total);
        if (const auto total = meminfo.value(1)) machine.swap_bytes = static_cast<double>(*total);
    }
    kernel::SwapsFile swaps(root);
    if (swaps.refresh()) machine.swap_on_zram = kernel::share_on_zram(swaps.swaps()).value_or(1);
    kernel::ZoneinfoFile zoneinfo(root);
    if (zoneinfo.refresh()) {
        machine.zones = static_cast<double>(kernel::populated_zones(zoneinfo.zones()));
        machine.nodes = static_cast<double>(kernel::nodes_with_memory(zoneinfo.zones()));
    }
    return machine;
}

std::pair<double, double> bounds(const Indicator& indicator, const Machine& machine) {
    switch (indicator.range) {
        case Range::any: break;
        case Range::not_negative: return {0, infinity};
        case Range::share: return {0, 1};
        case Range::of_memory: return {0, machine.memory_bytes};
        case Range::of_swap:
            // Swap can be switched on at any time, so its absence now bounds nothing.
            return {0, machine.swap_bytes > 0 ? machine.swap_bytes : infinity};
        case Range::of_zones: return {0, machine.zones};
        case Range::of_nodes: return {1, machine.nodes};
        case Range::hour: return {0, 24};
    }
    return {-infinity, infinity};
}

}  // namespace memtuned::indicators
