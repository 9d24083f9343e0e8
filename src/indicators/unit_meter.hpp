// SPDX-License-Identifier: GPL-2.0-or-later
//
// The figures of one unit, out of the files of its cgroup. They are kept open as long as the unit is there, and only
// those behind a figure that somebody wants are opened at all.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "indicators/formula.hpp"
#include "indicators/source.hpp"
#include "indicators/trend.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/keyed_file.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/units.hpp"

namespace memtuned::indicators {

/// The figures of a unit in a row: memory, swap, processes, growth, then some and full of each resource's pressure.
namespace column {
inline constexpr std::size_t memory = 0;
inline constexpr std::size_t swap = 1;
inline constexpr std::size_t processes = 2;
inline constexpr std::size_t growth = 3;
inline constexpr std::size_t stalled = 4;
inline constexpr std::size_t count = 10;

constexpr std::size_t stall(kernel::Resource resource, kernel::Stalled who) {
    return stalled + 2 * static_cast<std::size_t>(resource) + static_cast<std::size_t>(who);
}
constexpr std::size_t of(const ServiceFormula& formula) {
    if (formula.figure == ServiceFormula::Figure::stalled) return stall(formula.resource, formula.who);
    return static_cast<std::size_t>(formula.figure);
}
}  // namespace column

using Columns = std::bitset<column::count>;

inline constexpr std::array resources = {kernel::Resource::memory, kernel::Resource::io, kernel::Resource::cpu};

/// "io.pressure", as it is called in each folder of a cgroup v2 hierarchy.
std::string_view pressure_name(kernel::Resource resource);
bool wants_pressure(const Columns& columns, kernel::Resource resource);

/// Asks a file again only after a while if it was not there.
class Patience {
public:
    bool has(Instant now) const { return !missing_ || now >= retry_; }
    void note(const Error& error, Instant now) {
        missing_ = lasting(error.code);
        retry_ = now + retry_after;
    }
    void renew() { missing_ = false; }

private:
    bool missing_ = false;
    Instant retry_;
};

class UnitMeter {
public:
    explicit UnitMeter(const kernel::Unit& unit);

    /// Whether `unit` is the one that is measured.
    bool measures(const kernel::Unit& unit) const { return unit.name == name_ && unit.since == since_; }

    /// What to read from now on, out of which files. What is not wanted has no data; files that were missing are
    /// looked for again.
    void want(const Columns& columns, const kernel::Root& root, const kernel::CgroupLayout& layout);

    /// What is the same for all meters.
    struct Round {
        Instant now;
        const kernel::Units& units;
        std::vector<pid_t>& pids;  ///< scratch
        bool stalls;               ///< whether the kernel counts any
    };
    void read(const Round& round, const kernel::Unit& unit);

    /// NaN where there is no data.
    double operator[](std::size_t wanted) const { return figures_[wanted]; }

    /// No trend holds across what just happened.
    void start_anew() {
        if (trend_) trend_->forget();
    }

private:
    struct NumberFile {
        kernel::KeptFile file;
        Patience patience = {};
        double read(Instant now);
    };
    struct StatFile {
        kernel::KeptFile file;
        kernel::KeyedText text;
        Patience patience = {};
        double read(Instant now);
    };
    struct StallFile {
        kernel::PressureFile file;
        Patience patience = {};
        kernel::Pressure read(Instant now);
    };

    void open_memory(const kernel::Root& root, const kernel::CgroupLayout& layout);
    void open_swap(const kernel::Root& root, const kernel::CgroupLayout& layout);
    void open_stalls(const kernel::Root& root, const kernel::CgroupLayout& layout);
    void read_memory(Instant now);
    void read_stalls(Instant now);

    std::string name_;
    std::string group_;
    std::uint64_t since_;
    Columns wanted_;
    std::array<double, column::count> figures_;
    std::optional<Trend> trend_;  ///< of the memory
    std::optional<NumberFile> memory_;
    std::optional<NumberFile> swap_;
    std::optional<StatFile> stat_;  ///< v1 has the swap in it
    std::array<std::optional<StallFile>, resources.size()> stalls_;
};

}  // namespace memtuned::indicators
