// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>

#include "memtuned/base/time.hpp"

namespace memtuned::daemon {

/// What systemd is told, where it started us; nothing happens elsewhere.
class Supervisor {
public:
    Supervisor();
    void ready(const std::string& status);
    void reloading();
    void status(const std::string& text);
    void stopping();
    /// Only when it is due, so that it may be called as often as one likes: each time it is fed wakes systemd, of
    /// which a machine short of memory has to read pages again then.
    void feed_watchdog(Instant now);
    /// How often feed_watchdog() wants to be called at least, a quarter of WatchdogSec=; none without a watchdog.
    std::optional<Duration> watchdog_interval() const { return interval_; }

private:
    std::optional<Duration> interval_;
    std::optional<Instant> fed_;
    std::string last_status_;
};

}  // namespace memtuned::daemon
