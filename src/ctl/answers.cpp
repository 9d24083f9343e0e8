// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/answers.hpp"

#include "ctl/failures.hpp"

namespace memtuned::ctl {
namespace {

using std::chrono::microseconds;

/// 0 on the bus is "never".
std::optional<Realtime> point_in_time(std::uint64_t at) {
    if (at == 0) return std::nullopt;
    return Realtime(microseconds(at));
}

template <class T>
T property(const Properties& properties, const char* name) {
    const auto found = properties.find(name);
    if (found == properties.end()) throw incomplete_answer(name);
    return found->second.template get<T>();
}

std::optional<Realtime> time_property(const Properties& properties, const char* name) {
    return point_in_time(property<std::uint64_t>(properties, name));
}

}  // namespace

ManagerState to_manager(const Properties& from) {
    ManagerState state;
    state.version = property<std::string>(from, "Version");
    state.mode = property<std::string>(from, "Mode");
    state.profile = property<std::string>(from, "Profile");
    state.profiles = property<std::vector<std::string>>(from, "Profiles");
    for (const auto& row : property<std::vector<sdbus::Struct<std::string, std::string>>>(from, "Degraded"))
        state.degraded.emplace_back(row.get<0>(), row.get<1>());
    state.sample_interval = microseconds(property<std::uint64_t>(from, "SampleInterval"));
    state.last_sample = time_property(from, "LastSample");
    state.rules_loaded = time_property(from, "RulesLoaded");
    return state;
}

TunableState to_tunable(const Properties& from) {
    TunableState state;
    state.name = property<std::string>(from, "Name");
    state.value = property<std::int64_t>(from, "Value");
    state.boot_value = property<std::int64_t>(from, "BootValue");
    state.target = property<std::int64_t>(from, "Target");
    state.source = property<std::string>(from, "Source");
    state.reason = property<std::string>(from, "Reason");
    state.unit = property<std::string>(from, "Unit");
    state.minimum = property<std::int64_t>(from, "Minimum");
    state.maximum = property<std::int64_t>(from, "Maximum");
    state.state = property<std::string>(from, "State");
    state.override_expires = time_property(from, "OverrideExpires");
    state.last_write = time_property(from, "LastWrite");
    state.writes = property<std::uint64_t>(from, "Writes");
    return state;
}

RuleState to_rule(const Properties& from) {
    RuleState state;
    state.name = property<std::string>(from, "Name");
    state.profile = property<std::string>(from, "Profile");
    state.description = property<std::string>(from, "Description");
    state.order = property<std::uint32_t>(from, "Order");
    state.when = property<std::string>(from, "When");
    state.state = property<std::string>(from, "State");
    state.state_reason = property<std::string>(from, "StateReason");
    state.since = time_property(from, "Since");
    state.activations = property<std::uint64_t>(from, "Activations");
    state.figures = property<std::string>(from, "Figures");
    state.nearness = property<double>(from, "Nearness");
    state.enabled = property<bool>(from, "Enabled");
    return state;
}

ServiceState to_service(const Properties& from) {
    ServiceState state;
    state.unit = property<std::string>(from, "Unit");
    state.oom_score_adj = property<std::int64_t>(from, "OomScoreAdj");
    state.source = property<std::string>(from, "Source");
    state.processes = property<std::uint32_t>(from, "Processes");
    state.memory = property<std::uint64_t>(from, "Memory");
    state.state = property<std::string>(from, "State");
    state.reason = property<std::string>(from, "Reason");
    state.override_expires = time_property(from, "OverrideExpires");
    state.last_write = time_property(from, "LastWrite");
    return state;
}

}  // namespace memtuned::ctl
