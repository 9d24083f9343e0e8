// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the service.* indicators are made of: which units a pattern means, and the figures of those added up.
//
// The files are read at most once a second, also while a tick comes every 100 ms: 200 services are 200 files, and a
// stall's average moves every 2 s only. In between the last figures stand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "indicators/formula.hpp"
#include "indicators/source.hpp"
#include "indicators/unit_meter.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/units.hpp"

namespace memtuned::indicators {

/// Whether the kernel counts a resource's stalls for each cgroup, as the root of the hierarchy shows.
class StallProbe {
public:
    /// Looks until it finds the file, and then never again: what the root shows is the whole system's pressure, which
    /// somebody else reads at the same time.
    void look(const kernel::Root& root, const kernel::CgroupLayout& layout, kernel::Resource resource, Instant now);
    bool found() const { return found_; }
    /// Why there is no such figure; empty if there is, or if it is not known yet.
    std::string_view lacks(kernel::Stalled who) const { return lacks_[static_cast<std::size_t>(who)]; }

private:
    bool found_ = false;
    Patience patience_;
    std::array<std::string, 2> lacks_;
};

class ServiceSource {
public:
    /// `units`: null if nobody looks at them. `own`: the figures wanted of every unit, as columns.
    ServiceSource(const kernel::Root& root, const kernel::Units* units, std::vector<std::size_t> own);

    /// Before the first take().
    void want(std::size_t slot, const ServiceFormula& formula, const std::string& pattern);

    void take(const Tick& tick, Slots& slots);

    /// By place of the unit, the figures wanted of every unit each.
    std::span<const double> own() const { return own_values_; }
    /// Why no unit at all can have one of them; empty if it can.
    std::string_view lacks_of_own(std::size_t i) const { return lacks_[own_[i]]; }
    /// The folders that are read, relative to the root.
    void append_files(std::vector<std::string>& files) const;

private:
    /// A pattern of a rule's and the units it means, by place. A unit within another one that it means is not among
    /// them: the outer one's figures have it in them.
    struct Group {
        std::string pattern;
        Columns wanted;
        std::vector<std::size_t> members;
        void find_members(std::span<const kernel::Unit> units);
    };
    struct Wanted {
        std::size_t slot;
        std::size_t column;
        std::size_t group;
        double value;
    };

    std::size_t intern(const std::string& pattern);
    bool take_in_changes();
    void measure(std::size_t place, const Columns& columns);
    void start_anew_after_gap(const Tick& tick);
    bool read_if_due(Instant now);
    void judge(Instant now);
    std::string_view missing(std::size_t column) const;
    void add_up();
    double together(const Wanted& wanted) const;

    kernel::Root root_;
    const kernel::Units* units_;
    std::vector<std::size_t> own_;
    std::vector<double> own_values_;
    std::vector<Group> groups_;
    std::vector<Wanted> wanted_;
    Columns any_;                                     ///< what is wanted of any unit at all
    std::vector<std::unique_ptr<UnitMeter>> meters_;  ///< by place; none where nothing is wanted
    std::optional<std::uint64_t> version_;            ///< of the units, as taken in
    std::optional<Instant> last_tick_;
    std::optional<Instant> last_round_;
    std::vector<pid_t> pids_;
    std::array<StallProbe, resources.size()> probes_;
    std::array<std::string, column::count> lacks_;
};

}  // namespace memtuned::indicators
