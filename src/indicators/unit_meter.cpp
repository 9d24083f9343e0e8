// SPDX-License-Identifier: GPL-2.0-or-later
#include "indicators/unit_meter.hpp"

#include <cmath>
#include <cstdint>

#include <fmt/format.h>

#include "indicators/argument.hpp"

namespace memtuned::indicators {

namespace {

/// memory.current and its like: a number and the end of its line.
double number(std::string_view text) {
    if (text.ends_with('\n')) text.remove_suffix(1);
    const std::optional<std::uint64_t> value = parse_number<std::uint64_t>(text);
    return value ? static_cast<double>(*value) : no_data;
}

std::string path(const std::string& hierarchy, const std::string& group, std::string_view file) {
    return fmt::format("{}{}/{}", hierarchy, group, file);
}

}  // namespace

std::string_view pressure_name(kernel::Resource resource) {
    switch (resource) {
        case kernel::Resource::memory: return "memory.pressure";
        case kernel::Resource::io: return "io.pressure";
        case kernel::Resource::cpu: break;
    }
    return "cpu.pressure";
}

bool wants_pressure(const Columns& columns, kernel::Resource resource) {
    return columns[column::stall(resource, kernel::Stalled::some)] ||
           columns[column::stall(resource, kernel::Stalled::full)];
}

UnitMeter::UnitMeter(const kernel::Unit& unit) : name_(unit.name), group_(unit.group), since_(unit.since) {
    figures_.fill(no_data);
}

double UnitMeter::NumberFile::read(Instant now) {
    if (!patience.has(now)) return no_data;
    const Result<std::string_view> content = file.read();
    if (content) return number(*content);
    patience.note(content.error(), now);
    return no_data;
}

double UnitMeter::StatFile::read(Instant now) {
    if (!patience.has(now)) return no_data;
    const Result<std::string_view> content = file.read();
    if (!content) {
        patience.note(content.error(), now);
        return no_data;
    }
    text.parse(*content);
    const std::optional<std::uint64_t> value = text.value(0);
    return value ? static_cast<double>(*value) : no_data;
}

kernel::Pressure UnitMeter::StallFile::read(Instant now) {
    if (!patience.has(now)) return {};
    const Result<kernel::Pressure> pressure = file.read();
    if (pressure) return *pressure;
    patience.note(pressure.error(), now);
    return {};
}

void UnitMeter::want(const Columns& columns, const kernel::Root& root, const kernel::CgroupLayout& layout) {
    wanted_ = columns;
    for (std::size_t i = 0; i < column::count; ++i)
        if (!wanted_[i]) figures_[i] = no_data;
    if (!wanted_[column::growth])
        trend_.reset();
    else if (!trend_)
        trend_.emplace();
    open_memory(root, layout);
    open_swap(root, layout);
    open_stalls(root, layout);
}

void UnitMeter::open_memory(const kernel::Root& root, const kernel::CgroupLayout& layout) {
    const std::string_view file = layout.memory_is_v1 ? "memory.usage_in_bytes" : "memory.current";
    if ((!wanted_[column::memory] && !wanted_[column::growth]) || layout.memory.empty())
        memory_.reset();
    else if (memory_)
        memory_->patience.renew();
    else
        memory_.emplace(NumberFile{kernel::KeptFile(root, path(layout.memory, group_, file))});
}

void UnitMeter::open_swap(const kernel::Root& root, const kernel::CgroupLayout& layout) {
    if (!wanted_[column::swap] || layout.memory.empty()) {
        swap_.reset();
        stat_.reset();
    } else if (swap_) {
        swap_->patience.renew();
    } else if (stat_) {
        stat_->patience.renew();
    } else if (layout.memory_is_v1) {
        stat_.emplace(StatFile{kernel::KeptFile(root, path(layout.memory, group_, "memory.stat")),
                               kernel::KeyedText({"total_swap"}, ' ')});
    } else {
        swap_.emplace(NumberFile{kernel::KeptFile(root, path(layout.memory, group_, "memory.swap.current"))});
    }
}

void UnitMeter::open_stalls(const kernel::Root& root, const kernel::CgroupLayout& layout) {
    for (std::size_t i = 0; i < stalls_.size(); ++i) {
        if (!wants_pressure(wanted_, resources[i]) || !layout.has_pressure)
            stalls_[i].reset();
        else if (stalls_[i])
            stalls_[i]->patience.renew();
        else
            stalls_[i].emplace(
                StallFile{kernel::PressureFile(root, path(layout.units, group_, pressure_name(resources[i])))});
    }
}

void UnitMeter::read(const Round& round, const kernel::Unit& unit) {
    read_memory(round.now);
    if (swap_) figures_[column::swap] = swap_->read(round.now);
    if (stat_) figures_[column::swap] = stat_->read(round.now);
    if (round.stalls) read_stalls(round.now);
    if (wanted_[column::processes]) {
        round.units.processes(unit, round.pids);
        figures_[column::processes] = static_cast<double>(round.pids.size());
    }
}

void UnitMeter::read_memory(Instant now) {
    if (!memory_) return;
    const double memory = memory_->read(now);
    if (wanted_[column::memory]) figures_[column::memory] = memory;
    if (!trend_) return;
    if (!std::isnan(memory)) trend_->add(now, memory);
    figures_[column::growth] = std::isnan(memory) ? no_data : trend_->slope();
}

void UnitMeter::read_stalls(Instant now) {
    for (std::size_t i = 0; i < stalls_.size(); ++i) {
        if (!stalls_[i]) continue;
        const kernel::Pressure pressure = stalls_[i]->read(now);
        for (const kernel::Stalled who : {kernel::Stalled::some, kernel::Stalled::full}) {
            const std::optional<kernel::StallTimes>& times = pressure.of(who);
            figures_[column::stall(resources[i], who)] = times ? times->avg10 : no_data;
        }
    }
}

}  // namespace memtuned::indicators
