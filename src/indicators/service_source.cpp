// SPDX-License-Identifier: GPL-2.0-or-later
#include "indicators/service_source.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "memtuned/base/unit_name.hpp"

namespace memtuned::indicators {

namespace {

constexpr Duration pace = std::chrono::seconds(1);

}  // namespace

void StallProbe::look(const kernel::Root& root, const kernel::CgroupLayout& layout, kernel::Resource resource,
                      Instant now) {
    if (found_ || !patience_.has(now)) return;
    kernel::PressureFile file(root, fmt::format("{}/{}", layout.units, pressure_name(resource)));
    const Result<kernel::Pressure> pressure = file.read();
    found_ = static_cast<bool>(pressure);
    if (!pressure) patience_.note(pressure.error(), now);
    const bool off = !pressure && lasting(pressure.error().code);
    for (const kernel::Stalled who : {kernel::Stalled::some, kernel::Stalled::full}) {
        std::string& why = lacks_[static_cast<std::size_t>(who)];
        why.clear();
        if (off)
            why = pressure.error().message + std::string(psi_is_off);
        else if (found_ && !pressure->of(who))
            why = fmt::format("{} has no {} line", file.name(), who == kernel::Stalled::some ? "some" : "full");
    }
}

ServiceSource::ServiceSource(const kernel::Root& root, const kernel::Units* units, std::vector<std::size_t> own)
    : root_(root), units_(units), own_(std::move(own)) {
    for (const std::size_t column : own_) any_.set(column);
    if (!units_) lacks_.fill("no services are looked at");
}

std::size_t ServiceSource::intern(const std::string& pattern) {
    const auto at = std::find_if(groups_.begin(), groups_.end(),
                                 [&pattern](const Group& group) { return group.pattern == pattern; });
    if (at != groups_.end()) return static_cast<std::size_t>(at - groups_.begin());
    groups_.push_back({pattern, {}, {}});
    return groups_.size() - 1;
}

void ServiceSource::want(std::size_t slot, const ServiceFormula& formula, const std::string& pattern) {
    const std::size_t group = intern(pattern);
    const std::size_t column = column::of(formula);
    groups_[group].wanted.set(column);
    any_.set(column);
    wanted_.push_back({slot, column, group, no_data});
}

void ServiceSource::take(const Tick& tick, Slots& slots) {
    if (units_ && any_.any()) {
        start_anew_after_gap(tick);
        const bool changed = take_in_changes();
        const bool read = read_if_due(tick.now);
        if (changed || read) add_up();
    }
    for (const Wanted& wanted : wanted_) {
        const std::string& why = lacks_[wanted.column];
        if (why.empty()) {
            slots.set(wanted.slot, wanted.value);
            continue;
        }
        if (slots.why(wanted.slot) != why) slots.release(wanted.slot);
        slots.lack(wanted.slot, [&why] { return why; });
    }
}

void ServiceSource::start_anew_after_gap(const Tick& tick) {
    if (last_tick_ && tick.now - *last_tick_ > tick.longest_step)
        for (const std::unique_ptr<UnitMeter>& meter : meters_)
            if (meter) meter->start_anew();
    last_tick_ = tick.now;
}

/// A unit that just came is read with the others when they are next due, so that a busy machine, where units come and
/// go all the time, does not have all of them read each time.
bool ServiceSource::take_in_changes() {
    if (version_ == units_->version()) return false;
    version_ = units_->version();
    const std::span<const kernel::Unit> units = units_->units();
    Columns of_every;
    for (const std::size_t column : own_) of_every.set(column);
    std::vector<Columns> columns(units.size(), of_every);
    for (Group& group : groups_) {
        group.find_members(units);
        for (const std::size_t place : group.members) columns[place] |= group.wanted;
    }
    meters_.resize(units.size());
    for (std::size_t place = 0; place < units.size(); ++place) measure(place, columns[place]);
    own_values_.resize(units.size() * own_.size(), no_data);
    return true;
}

void ServiceSource::Group::find_members(std::span<const kernel::Unit> units) {
    std::vector<bool> meant(units.size());
    for (std::size_t i = 0; i < units.size(); ++i)
        meant[i] = !units[i].name.empty() && names_unit(pattern, units[i].name);
    members.clear();
    for (std::size_t i = 0; i < units.size(); ++i) {
        std::size_t outer = units[i].around;
        while (outer < units.size() && !meant[outer]) outer = units[outer].around;
        if (meant[i] && outer >= units.size()) members.push_back(i);
    }
}

void ServiceSource::measure(std::size_t place, const Columns& columns) {
    const kernel::Unit& unit = units_->units()[place];
    std::unique_ptr<UnitMeter>& meter = meters_[place];
    if (unit.name.empty() || columns.none() || (meter && !meter->measures(unit))) meter.reset();
    if (unit.name.empty() || columns.none()) return;
    if (!meter) meter = std::make_unique<UnitMeter>(unit);
    meter->want(columns, root_, units_->layout());
}

bool ServiceSource::read_if_due(Instant now) {
    if (last_round_ && now - *last_round_ < pace) return false;
    judge(now);
    const bool stalls = std::any_of(probes_.begin(), probes_.end(), [](const StallProbe& p) { return p.found(); });
    const UnitMeter::Round round{now, *units_, pids_, stalls};
    for (std::size_t place = 0; place < meters_.size(); ++place)
        if (meters_[place]) meters_[place]->read(round, units_->units()[place]);
    last_round_ = now;
    return true;
}

/// What no unit can have here, and why.
void ServiceSource::judge(Instant now) {
    if (units_->layout().has_pressure)
        for (std::size_t i = 0; i < resources.size(); ++i)
            if (wants_pressure(any_, resources[i])) probes_[i].look(root_, units_->layout(), resources[i], now);
    for (std::size_t column = 0; column < column::count; ++column)
        if (any_[column] && lacks_[column] != missing(column)) lacks_[column] = missing(column);
}

std::string_view ServiceSource::missing(std::size_t column) const {
    const kernel::CgroupLayout& layout = units_->layout();
    if (layout.units.empty()) return "this machine has no cgroups that services could be in";
    if (column == column::processes) return {};
    if (column < column::stalled)
        return layout.memory.empty() ? "no memory controller counts services on this machine" : std::string_view();
    if (!layout.has_pressure) return "cgroup v1 has no pressure files";
    const std::size_t stall = column - column::stalled;
    return probes_[stall / 2].lacks(static_cast<kernel::Stalled>(stall % 2));
}

void ServiceSource::add_up() {
    for (Wanted& wanted : wanted_) wanted.value = together(wanted);
    for (std::size_t place = 0; place < meters_.size(); ++place)
        for (std::size_t i = 0; i < own_.size(); ++i)
            own_values_[place * own_.size() + i] = meters_[place] ? (*meters_[place])[own_[i]] : no_data;
}

/// A unit without data is left out. Stalls are the worst unit's: shares of time do not add up. Where there is no unit
/// nothing uses memory and nothing waits: a rule that a service's pressure made active must end with the service.
double ServiceSource::together(const Wanted& wanted) const {
    const std::vector<std::size_t>& members = groups_[wanted.group].members;
    if (members.empty()) return 0;
    double result = no_data;
    for (const std::size_t place : members) {
        const double value = (*meters_[place])[wanted.column];
        if (std::isnan(value)) continue;
        if (std::isnan(result))
            result = value;
        else
            result = wanted.column >= column::stalled ? std::max(result, value) : result + value;
    }
    return result;
}

void ServiceSource::append_files(std::vector<std::string>& files) const {
    if (!units_) return;
    const kernel::CgroupLayout& layout = units_->layout();
    const bool memory = any_[column::memory] || any_[column::swap] || any_[column::growth];
    const bool stalls = std::any_of(resources.begin(), resources.end(),
                                    [this](kernel::Resource resource) { return wants_pressure(any_, resource); });
    if (memory && !layout.memory.empty()) files.push_back(layout.memory);
    const bool more = any_[column::processes] || (stalls && layout.has_pressure);
    if (more && !layout.units.empty() && !(memory && layout.memory == layout.units)) files.push_back(layout.units);
}

}  // namespace memtuned::indicators
