// SPDX-License-Identifier: GPL-2.0-or-later
//
// The catalogue of tunables: every knob memtuned may write, with its limits and its pace, as one table.
// Numbers here are in the kernel's own unit for the file, as in sysctl.conf.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "memtuned/base/dimension.hpp"
#include "memtuned/base/time.hpp"

namespace memtuned::tunables {

inline constexpr std::size_t no_twin = std::numeric_limits<std::size_t>::max();

struct Tunable {
    std::string_view name;                 ///< "vm.swappiness"
    std::string_view path;                 ///< under the root: "proc/sys/vm/swappiness"
    Dimension dimension;                   ///< what an expression for it must have
    double unit = 1;                       ///< one kernel unit in the dimension's base unit: 1024 for kB, 0.01 for %
    std::string_view unit_name = {};       ///< "kB", "%", "/10000", ""
    std::int64_t minimum;                  ///< the kernel refuses less
    std::int64_t maximum;                  ///< the newest kernel known refuses more, or no machine has a use for more
    std::int64_t older_maximum = maximum;  ///< what older kernels refuse to pass; adopted after EINVAL
    std::int64_t safe_minimum = minimum;   ///< advisable on any machine; limits.hpp narrows it for the one at hand
    std::int64_t safe_maximum = maximum;

    std::int64_t dead_band = 0;      ///< a level is rewritten when it moved by more than this ...
    double dead_band_share = 0;      ///< ... and by more than this share of the present value
    Duration least_interval;         ///< between two writes; for a trigger between two firings
    std::int64_t greatest_step = 0;  ///< one write moves by at most this ...
    double greatest_factor = 1;  ///< ... or to at most this multiple (and at least its inverse), whichever is more.
                                 ///< 0 in a tunable with a twin means "not in force": a step from there is free.

    bool trigger = false;        ///< acts when written, holds no value
    std::size_t twin = no_twin;  ///< index of the tunable that the kernel zeroes when this one is written
    std::string_view help;       ///< one line
};

/// The machine's own tunables. Wherever a tunable has a number it is an index into this or, from its size on, the
/// oom_score_adj of one unit.
std::span<const Tunable> catalogue();
inline constexpr std::size_t catalogue_size = 14;

/// Index into catalogue() of the tunable with exactly this name.
std::optional<std::size_t> find(std::string_view name);

/// What there is to know of every unit's oom_score_adj. It has no path: the value is written to each process.
const Tunable& oom_score_adj();

/// -1000 takes a process out of the OOM killer's reach altogether, also when it is the one that leaks.
inline constexpr std::int64_t unkillable = -1000;

/// The number of the oom_score_adj of the unit at this place of kernel::Units, and back.
constexpr std::size_t of_unit(std::size_t place) {
    return catalogue_size + place;
}
constexpr bool is_of_unit(std::size_t tunable) {
    return tunable >= catalogue_size;
}
constexpr std::size_t place_of(std::size_t tunable) {
    return tunable - catalogue_size;
}

/// The name of a unit's: "oom_score_adj.cron.service".
std::string score_name(std::string_view unit);

/// The entry for a tunable's number.
const Tunable& about(std::size_t tunable);

/// Where the kernel says how large a transparent huge page is, in bytes; missing where it has none.
std::string_view huge_page_size_path();

}  // namespace memtuned::tunables
