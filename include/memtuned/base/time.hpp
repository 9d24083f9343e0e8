// SPDX-License-Identifier: GPL-2.0-or-later
//
// Time as memtuned measures it: since boot, suspend included, so that a suspend shows as a gap between two
// samples. CLOCK_MONOTONIC stops in suspend and would hide it. Nothing here reads the clock but `now()`;
// policy and tests are handed Instants.
#pragma once

#include <chrono>

namespace memtuned {

using Duration = std::chrono::nanoseconds;

struct BootClock {
    using duration = Duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<BootClock>;
    static constexpr bool is_steady = true;
    static time_point now() noexcept;
};

using Instant = BootClock::time_point;

constexpr double seconds(Duration d) {
    return std::chrono::duration<double>(d).count();
}
constexpr Duration from_seconds(double s) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(s));
}

}  // namespace memtuned
