// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/supervisor.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <time.h>

namespace memtuned::daemon {

Supervisor::Supervisor() {
    std::uint64_t microseconds = 0;
    if (::sd_watchdog_enabled(0, &microseconds) > 0) interval_ = std::chrono::microseconds(microseconds / 4);
}

void Supervisor::ready(const std::string& text) {
    last_status_ = text;
    ::sd_notify(0, fmt::format("READY=1\nSTATUS={}", text).c_str());
}

void Supervisor::reloading() {
    // Type=notify-reload wants the time too, on the monotonic clock.
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    ::sd_notify(0,
                fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000).c_str());
}

void Supervisor::status(const std::string& text) {
    if (text == last_status_) return;
    last_status_ = text;
    ::sd_notify(0, ("STATUS=" + text).c_str());
}

void Supervisor::stopping() {
    ::sd_notify(0, "STOPPING=1");
}

void Supervisor::feed_watchdog(Instant now) {
    if (!interval_ || (fed_ && now - *fed_ < *interval_)) return;
    fed_ = now;
    ::sd_notify(0, "WATCHDOG=1");
}

}  // namespace memtuned::daemon
