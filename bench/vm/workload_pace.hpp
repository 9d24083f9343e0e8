// SPDX-License-Identifier: GPL-2.0-or-later
//
// When a load does how much. Instants are counted from the first one and not from when the work was done, so that a
// slow machine does not make a slower load. But what was held up for long is not made good in one go either: that
// would be another load than the one that was asked for. What is left out so is counted.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "workload_loads.hpp"

namespace workload {

/// For `every=`: a beat whose instant has passed while the one before was still at work is left out.
class Beat {
public:
    Beat(Session& session, std::int64_t first, std::int64_t interval)
        : session_(session), next_(first), interval_(interval) {}

    /// Waits for the next beat; false if the time is over.
    bool wait() {
        if (const std::int64_t late = now() - next_; late > 0 && !first_) {
            const std::int64_t left_out = (late + interval_ - 1) / interval_;
            session_.meter.missed(left_out);
            next_ += left_out * interval_;
        }
        first_ = false;
        sleep_until(std::min(next_, session_.until));
        const bool more = next_ < session_.until;
        next_ += interval_;
        return more;
    }

private:
    Session& session_;
    std::int64_t next_;
    std::int64_t interval_;
    bool first_ = true;
};

/// For `rate=`: operations come in small batches, as a sleep costs more than many of them.
class Pace {
public:
    /// With a rate of 0 batches of so many follow each other after a pause of `think`, which may be 0.
    Pace(Session& session, double rate, std::int64_t batch, std::int64_t think)
        : session_(session), next_(session.begin), batch_(batch), think_(think) {
        if (rate <= 0) return;
        constexpr double wakeups_per_second = 500;
        batch_ = std::max<std::int64_t>(1, std::llround(std::ceil(rate / wakeups_per_second)));
        interval_ = std::max<std::int64_t>(1, std::llround(1e9 * static_cast<double>(batch_) / rate));
    }

    /// Waits until there is something to do. Returns how many operations; 0 if the time is over.
    std::int64_t wait() {
        if (interval_ > 0) catch_up();
        const std::int64_t instant = interval_ > 0 ? next_ : think_ > 0 ? now() + think_ : 0;
        if (instant > 0) sleep_until(std::min(instant, session_.until));
        next_ += interval_;
        return now() < session_.until ? batch_ : 0;
    }

private:
    void catch_up() {
        constexpr std::int64_t made_good = 100'000'000;
        const std::int64_t late = now() - next_ - made_good;
        if (late <= 0) return;
        const std::int64_t left_out = late / interval_ + 1;
        session_.meter.missed(left_out * batch_);
        next_ += left_out * interval_;
    }

    Session& session_;
    std::int64_t next_;
    std::int64_t batch_;
    std::int64_t think_;
    std::int64_t interval_ = 0;
};

}  // namespace workload
