// SPDX-License-Identifier: GPL-2.0-or-later
//
// memtuned.toml: how the daemon as a whole behaves. An empty file is a valid one, every key has its default.
#pragma once

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/profile_text.hpp"

namespace memtuned::rules {

enum class OnOutsideChange : std::uint8_t { yield, enforce, rebase };

/// How one tunable is treated, beyond what its profile claims.
struct TunableSettings {
    bool keep_on_exit = false;
    OnOutsideChange on_outside_change = OnOutsideChange::yield;
    Duration yield_for = std::chrono::hours(1);
    std::optional<ClaimText> minimum;  ///< in place of the safe limits; compiled with the profile
    std::optional<ClaimText> maximum;
};

struct Settings {
    std::string profile = "balanced";
    bool observe = false;
    std::vector<std::string> folders{"/etc/memtuned/rules", "/usr/share/memtuned/rules"};
    Duration idle = std::chrono::seconds(2);
    Duration busy = std::chrono::milliseconds(100);
    Duration busy_for = std::chrono::seconds(10);
    bool allow_unkillable = false;          ///< whether a unit may be given an oom_score_adj of -1000
    std::vector<TunableSettings> tunables;  ///< one for each entry of the tunables' catalogue, the last for all units

    Settings();
    /// More between two samples is a gap, across which rates mean nothing. Under pressure the loop itself is late by
    /// a second at times, and needs its data then, so only what no scheduling delay explains counts as one: three
    /// idle intervals, and no less than 6 s.
    Duration longest_step() const { return std::max<Duration>(3 * idle, std::chrono::seconds(6)); }

    /// Between samples while a rule is pending, active or gives back, but nothing came of it for busy_for: a rule may
    /// stay active for days.
    Duration settled() const { return std::min<Duration>(5 * busy, idle); }

    /// Those of a tunable by its number.
    const TunableSettings& of(std::size_t tunable) const;
};

/// Reading PSI faster than about ten clock ticks damages it for every reader (KERNEL: 3 ms and less showed 3 % of a
/// stall of 100 %); 100 ms is safe at any HZ.
inline constexpr Duration shortest_interval = std::chrono::milliseconds(100);
inline constexpr Duration longest_interval = std::chrono::minutes(1);

/// Checks a memtuned.toml. With errors in `diagnostics` the result is not to be used.
Settings parse_settings(const Source& source, Diagnostics& diagnostics);

}  // namespace memtuned::rules
