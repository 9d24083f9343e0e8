// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/json.hpp"

#include <charconv>
#include <cmath>

#include "ctl/indicators.hpp"
#include "ctl/time_text.hpp"

namespace memtuned::ctl {
namespace {

std::string dump(const Json& json, int indent) {
    return json.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// What is a number on the bus is one here.
Json argument(const std::string& name, const std::string& text) {
    if (name != "old" && name != "new" && name != "ours" && name != "found") return text;
    std::int64_t number = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
    return failure == std::errc{} && rest == text.data() + text.size() ? Json(number) : Json(text);
}

}  // namespace

Json to_json(std::optional<Realtime> at) {
    return at ? Json(format_utc(*at)) : Json();
}

Json to_json(double number) {
    return std::isfinite(number) ? Json(number) : Json();
}

Json to_json(const ManagerState& manager) {
    Json degraded = Json::array();
    for (const auto& [subject, reason] : manager.degraded)
        degraded.push_back({{"subject", subject}, {"reason", reason}});
    return {{"version", manager.version},
            {"mode", manager.mode},
            {"profile", manager.profile},
            {"profiles", manager.profiles},
            {"sample_interval_seconds", std::chrono::duration<double>(manager.sample_interval).count()},
            {"last_sample", to_json(manager.last_sample)},
            {"rules_loaded", to_json(manager.rules_loaded)},
            {"degraded", degraded}};
}

Json to_json(const TunableState& tunable) {
    return {{"name", tunable.name},
            {"value", tunable.value},
            {"boot_value", tunable.boot_value},
            {"target", tunable.target},
            {"unit", tunable.unit},
            {"minimum", tunable.minimum},
            {"maximum", tunable.maximum},
            {"state", tunable.state},
            {"source", tunable.source},
            {"reason", tunable.reason},
            {"override_expires", to_json(tunable.override_expires)},
            {"last_write", to_json(tunable.last_write)},
            {"writes", tunable.writes}};
}

Json to_json(const RuleState& rule) {
    return {{"name", rule.name},
            {"profile", rule.profile},
            {"description", rule.description},
            {"order", rule.order},
            {"when", rule.when},
            {"state", rule.state},
            {"state_reason", rule.state_reason},
            {"since", to_json(rule.since)},
            {"activations", rule.activations},
            {"figures", rule.figures},
            {"nearness", to_json(rule.nearness)},
            {"enabled", rule.enabled}};
}

Json to_json(const ServiceState& service) {
    return {{"unit", service.unit},
            {"oom_score_adj", service.oom_score_adj},
            {"state", service.state},
            {"source", service.source},
            {"processes", service.processes},
            {"memory_bytes", service.memory},
            {"reason", service.reason},
            {"override_expires", to_json(service.override_expires)},
            {"last_write", to_json(service.last_write)}};
}

Json to_json(const ExplainedClaim& claim) {
    return {{"source", claim.source}, {"kind", claim.kind}, {"value", claim.value}, {"reason", claim.reason}};
}

Json to_json(const PastDecision& decision) {
    return {{"at", to_json(decision.at)}, {"tunable", decision.tunable}, {"old", decision.from},
            {"new", decision.to},         {"source", decision.source},   {"reason", decision.reason}};
}

Json to_json(const Client::Signal& signal) {
    Json json{{"at", to_json(signal.at)}, {"signal", signal.name}};
    for (const auto& [name, text] : signal.arguments) json[name] = argument(name, text);
    return json;
}

Json to_json(const std::map<std::string, double>& indicators) {
    Json array = Json::array();
    for (const auto& [name, value] : indicators) {
        const indicators::Indicator* about = find_indicator(name);
        Json row{{"name", name}, {"value", to_json(value)}};
        row["dimension"] = about != nullptr ? Json(describe(about->dimension)) : Json();
        row["help"] = about != nullptr ? Json(about->help) : Json();
        array.push_back(std::move(row));
    }
    return array;
}

std::string to_text(const Json& json) {
    return dump(json, 2);
}

std::string to_line(const Json& json) {
    return dump(json, -1);
}

}  // namespace memtuned::ctl
