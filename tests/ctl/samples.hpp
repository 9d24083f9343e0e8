// SPDX-License-Identifier: GPL-2.0-or-later
//
// Made-up states of a daemon, all seen at the same moment.
#pragma once

#include <cmath>
#include <limits>

#include "ctl/client.hpp"
#include "ctl/view.hpp"

namespace memtuned::ctl::samples {

/// 2025-11-22 20:34:01 UTC
inline constexpr Realtime now{std::chrono::microseconds{1'763'843'641'250'000}};
inline constexpr View view{now, 0, false};

inline ManagerState manager() {
    return {"0.1.0",
            "enforce",
            "balanced",
            {"balanced", "database"},
            {{"psi", "this kernel has none: rules on psi.* are unavailable"}},
            std::chrono::seconds(2),
            now - std::chrono::milliseconds(400),
            now - std::chrono::minutes(192)};
}

inline TunableState tunable(const std::string& name, std::int64_t value, const std::string& state) {
    TunableState tunable;
    tunable.name = name;
    tunable.value = tunable.target = tunable.boot_value = value;
    tunable.maximum = 200;
    tunable.state = state;
    return tunable;
}

inline TunableState managed() {
    TunableState state = tunable("vm.watermark_scale_factor", 80, "managed");
    state.boot_value = 10;
    state.target = 160;
    state.source = "rule grow-reserve";
    state.reason = "reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)";
    state.unit = "/10000";
    state.last_write = now - std::chrono::seconds(12);
    state.writes = 3;
    return state;
}

inline TunableState overridden() {
    TunableState state = tunable("vm.swappiness", 10, "overridden");
    state.boot_value = 60;
    state.source = "override";
    state.reason = "nightly backup";
    state.override_expires = now + std::chrono::seconds(1781);
    state.last_write = now - std::chrono::seconds(19);
    state.writes = 1;
    return state;
}

inline RuleState rule(const std::string& name, const std::string& state, double nearness) {
    RuleState rule;
    rule.name = name;
    rule.profile = "balanced";
    rule.when = "reclaim.direct_stalls > 0/s";
    rule.state = state;
    rule.since = now - std::chrono::seconds(12);
    rule.figures = "reclaim.direct_stalls = 0/s";
    rule.nearness = nearness;
    return rule;
}

inline RuleState active_rule() {
    RuleState state = rule("grow-reserve", "active", 1);
    state.state_reason = "reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)";
    state.activations = 2;
    return state;
}

inline ServiceState service() {
    return {"ssh.service", -500, "baseline of balanced", 1, 6'500'000, "managed"};
}

inline Objects objects() {
    return {{overridden(), tunable("vm.vfs_cache_pressure", 100, "free"), managed()},
            {active_rule(), rule("lean-to-swap", "idle", 0.219),
             rule("no-figures", "unavailable", std::numeric_limits<double>::quiet_NaN())},
            {service(), {"cron.service", 0, "", 2, 0, "free"}}};
}

}  // namespace memtuned::ctl::samples
