// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/lists.hpp"

#include <fmt/format.h>

#include <cmath>

#include "ctl/table.hpp"
#include "ctl/text.hpp"
#include "ctl/time_text.hpp"
#include "ctl/value.hpp"
#include "memtuned/base/dimension.hpp"

namespace memtuned::ctl {
namespace {

constexpr Table::Side right = Table::Side::right;

Cell state_cell(const std::string& state) {
    return {state, tone_of_state(state)};
}

std::string format_nearness(double nearness) {
    return std::isfinite(nearness) ? fmt::format("{:.0f}%", std::floor(nearness * 100)) : "no data";
}

/// A rule that is not at rest has a reason; one that is says how its figures stand.
std::string about(const RuleState& rule) {
    if (rule.state == "idle") return rule.figures;
    return rule.state_reason.empty() ? rule.figures : rule.state_reason;
}

}  // namespace

std::string render_tunables(const std::vector<TunableState>& tunables, const View& view) {
    Table table({"TUNABLE",
                 {"VALUE", right},
                 {"AT BOOT", right},
                 {"LEAST", right},
                 {"MOST", right},
                 "STATE",
                 "WRITTEN",
                 "BY"});
    for (const TunableState& tunable : tunables)
        table.add({tunable.name, format_value(tunable.value, tunable.unit),
                   format_value(tunable.boot_value, tunable.unit), std::to_string(tunable.minimum),
                   std::to_string(tunable.maximum), state_cell(tunable.state),
                   format_age(tunable.last_write, view.now), tunable.source});
    return table.render(view);
}

std::string render_rules(const std::vector<RuleState>& rules, const View& view) {
    if (rules.empty()) return "The active profile has no rules.\n";
    Table table({"RULE", "STATE", "SINCE", {"TIMES", right}, {"NEAR", right}, "FIGURES"});
    for (const RuleState& rule : rules)
        table.add({rule.name, state_cell(rule.state), rule.since ? format_age(rule.since, view.now) : "-",
                   std::to_string(rule.activations), rule.state == "active" ? "-" : format_nearness(rule.nearness),
                   about(rule)});
    return table.render(view);
}

std::string render_services(const std::vector<ServiceState>& services, const View& view) {
    if (services.empty()) return "No unit of systemd's is known.\n";
    Table table({"SERVICE", {"MEMORY", right}, {"PROCESSES", right}, {"OOM SCORE ADJ", right}, "STATE", "BY"});
    for (const ServiceState& service : services)
        table.add({service.unit,
                   service.memory == 0 ? "-" : format_quantity(static_cast<double>(service.memory), dimension::bytes),
                   std::to_string(service.processes), std::to_string(service.oom_score_adj),
                   state_cell(service.state), service.source});
    return table.render(view);
}

std::string render_history(const std::vector<PastDecision>& decisions, const View& view) {
    if (decisions.empty()) return "Nothing was written yet.\n";
    Table table({"TIME", "TUNABLE", {"FROM", right}, {"TO", right}, "BY", "REASON"});
    for (const PastDecision& decision : decisions)
        table.add({format_local(decision.at), decision.tunable, std::to_string(decision.from),
                   std::to_string(decision.to), decision.source, decision.reason});
    return table.render(view);
}

std::string render_profiles(const ManagerState& manager, const View& view) {
    std::string text;
    for (const std::string& profile : manager.profiles) {
        const bool active = profile == manager.profile;
        text += fmt::format("{} {}\n", active ? "*" : " ",
                            paint(active ? Tone::good : Tone::plain, printable(profile), view.colour));
    }
    return text;
}

}  // namespace memtuned::ctl
