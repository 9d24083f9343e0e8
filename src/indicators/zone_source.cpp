// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "indicators/sources.hpp"
#include "memtuned/kernel/machine.hpp"

namespace memtuned::indicators {

namespace {

using kernel::Zone;
using Measure = ZoneFormula::Measure;

/// A zone without a low mark is never short.
double headroom(const Zone& zone) {
    if (zone.low == 0) return std::numeric_limits<double>::infinity();
    const auto low = static_cast<double>(zone.low);
    return (static_cast<double>(zone.free) - low) / low;
}

void append(std::string& list, std::string_view item) {
    if (!list.empty()) list += ", ";
    list += item;
}

}  // namespace

bool ZoneSource::Wanted::covers(const Zone& candidate) const {
    if (!candidate.populated()) return false;
    if (scope == Argument::none) return true;
    return candidate.node == node && (scope == Argument::node || candidate.name == zone);
}

void ZoneSource::want(std::size_t slot, const ZoneFormula& formula, Argument kind, std::string_view argument) {
    own(slot);
    Wanted wanted{slot, formula, kind, 0, {}};
    if (kind == Argument::node) wanted.node = parse_node(argument).value_or(-1);
    if (kind == Argument::zone) {
        const ZoneName zone = parse_zone_name(argument).value_or(ZoneName{-1, argument});
        wanted.node = zone.node;
        wanted.zone = zone.name;
    }
    wanted_.push_back(std::move(wanted));
}

/// None if no zone is meant.
std::optional<double> ZoneSource::figure(const Wanted& wanted) const {
    const auto [measure, field] = wanted.formula;
    bool any = false;
    double sum = 0;
    double least = std::numeric_limits<double>::infinity();
    for (const Zone& zone : file_.zones()) {
        if (!wanted.covers(zone)) continue;
        any = true;
        if (measure == Measure::bytes) sum += static_cast<double>(zone.*field);
        if (measure == Measure::below) sum += zone.free < zone.*field;
        if (measure == Measure::unreclaimable) sum += zone.node_unreclaimable;
        if (measure == Measure::headroom) least = std::min(least, headroom(zone));
    }
    if (!any) return std::nullopt;
    if (measure == Measure::bytes) return sum * static_cast<double>(kernel::page_size());
    if (measure == Measure::headroom) return least;
    return measure == Measure::nodes ? static_cast<double>(kernel::nodes_with_memory(file_.zones())) : sum;
}

bool ZoneSource::exists(const Wanted& wanted) const {
    return std::any_of(file_.zones().begin(), file_.zones().end(),
                       [&wanted](const Zone& zone) { return zone.node == wanted.node && zone.name == wanted.zone; });
}

std::string ZoneSource::lacks(const Wanted& wanted) const {
    std::string there;
    int last = -1;
    for (const Zone& zone : file_.zones()) {
        if (!zone.populated() || (wanted.scope == Argument::node && zone.node == last)) continue;
        last = zone.node;
        append(there, wanted.scope == Argument::node ? fmt::format("{}", zone.node)
                                                     : fmt::format("{}/{}", zone.node, zone.name));
    }
    if (wanted.scope == Argument::node)
        return fmt::format("no node {} with memory on this machine; there are {}", wanted.node, there);
    if (wanted.scope == Argument::zone)
        return fmt::format("no zone {}/{}{} on this machine; there are {}", wanted.node, wanted.zone,
                           exists(wanted) ? " with memory" : "", there);
    return fmt::format("{} has no zone with memory", file());
}

void ZoneSource::compute(double /*elapsed*/, Slots& slots) {
    for (const Wanted& wanted : wanted_) {
        if (const std::optional<double> value = figure(wanted))
            slots.set(wanted.slot, *value);
        else
            slots.lack(wanted.slot, [&] { return lacks(wanted); });
    }
}

}  // namespace memtuned::indicators
