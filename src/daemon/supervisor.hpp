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
    void feed_watchdog();
    /// How often the watchdog wants to be fed at least; none without one.
    std::optional<Duration> watchdog_interval() const { return interval_; }

private:
    std::optional<Duration> interval_;
    std::string last_status_;
};

}  // namespace memtuned::daemon
