// SPDX-License-Identifier: GPL-2.0-or-later
#include "indicators/source.hpp"

#include <algorithm>
#include <cerrno>

namespace memtuned::indicators {

bool lasting(int code) {
    return code == ENOENT || code == ENOTDIR || code == EOPNOTSUPP || code == EACCES || code == EPERM ||
           code == EISDIR;
}

void Slots::begin() {
    std::fill(values_.begin(), values_.end(), no_data);
}

void Slots::set(std::size_t slot, double value) {
    values_[slot] = value;
    if (unavailable_[slot]) release(slot);
}

void Slots::release(std::size_t slot) {
    unavailable_[slot] = 0;
    why_[slot].clear();
}

void Source::take(const Tick& tick, Slots& slots) {
    if (missing_ && tick.now < retry_) return;
    const Status status = refresh();
    if (!status) return fail(status.error(), tick.now, slots);
    if (failing_)
        for (const std::size_t slot : owned_) slots.release(slot);
    failing_ = missing_ = false;
    compute(elapsed(tick), slots);
    last_read_ = tick.now;
    read_before_ = true;
}

double Source::elapsed(const Tick& tick) const {
    if (!read_before_) return no_data;
    const Duration step = tick.now - last_read_;
    return step > Duration::zero() && step <= tick.longest_step ? seconds(step) : no_data;
}

void Source::fail(const Error& error, Instant now, Slots& slots) {
    if (error.code != 0 && !lasting(error.code)) return;
    failing_ = true;
    missing_ = error.code != 0;
    retry_ = now + retry_after;
    for (const std::size_t slot : owned_) {
        slots.release(slot);
        slots.lack(slot, [&] { return missing_ ? error.message + std::string(advice()) : error.message; });
    }
}

}  // namespace memtuned::indicators
