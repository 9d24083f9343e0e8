// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ratio>

#include "ctl/table.hpp"
#include "ctl/text.hpp"
#include "ctl/time_text.hpp"
#include "ctl/value.hpp"

namespace memtuned::ctl {
namespace {

constexpr std::size_t indent = 2;

/// A title over a table; nothing where the table is empty.
std::string section(std::string_view title, const Table& table, const View& view) {
    if (table.empty()) return {};
    return fmt::format("\n{}\n{}", paint(Tone::strong, title, view.colour), table.render(view));
}

/// Until the next sample; a little of that is gone when it is asked for.
std::string format_interval(std::chrono::microseconds interval) {
    return format_duration(std::chrono::round<std::chrono::duration<std::int64_t, std::deci>>(interval));
}

std::string head(const ManagerState& manager, const View& view) {
    const bool observes = manager.mode == "observe";
    return fmt::format("memtuned {}: profile {}, {}\nsampling every {}, last {}; rules read {}\n",
                       printable(manager.version), paint(Tone::strong, printable(manager.profile), view.colour),
                       observes ? paint(Tone::warning, "observing: nothing is written", view.colour)
                                : (manager.mode == "enforce" ? "enforcing" : printable(manager.mode)),
                       format_interval(manager.sample_interval), format_age(manager.last_sample, view.now),
                       format_age(manager.rules_loaded, view.now));
}

Table degraded(const ManagerState& manager) {
    Table table({"", ""}, indent);
    for (const auto& [subject, reason] : manager.degraded) table.add({{subject, Tone::bad}, reason});
    return table;
}

Table active_rules(const std::vector<RuleState>& rules, const View& view) {
    Table table({"", "", ""}, indent);
    for (const RuleState& rule : rules)
        if (rule.state == "active")
            table.add({{rule.name, Tone::good},
                       rule.since ? "for " + format_duration(view.now - *rule.since) : "",
                       rule.state_reason});
    return table;
}

bool is_free(const std::string& state) {
    return state == "free" || state == "unavailable";
}

Table claimed_tunables(const std::vector<TunableState>& tunables, const View& view) {
    Table table({"TUNABLE", {"VALUE", Table::Side::right}, {"AT BOOT", Table::Side::right}, "STATE", "WRITTEN", "BY"},
                indent);
    for (const TunableState& tunable : tunables)
        if (!is_free(tunable.state))
            table.add({tunable.name,
                       format_value(tunable.value, tunable.unit),
                       format_value(tunable.boot_value, tunable.unit),
                       {tunable.state, tone_of_state(tunable.state)},
                       format_age(tunable.last_write, view.now),
                       tunable.source});
    return table;
}

Table claimed_services(const std::vector<ServiceState>& services) {
    Table table({"SERVICE", {"OOM SCORE ADJ", Table::Side::right}, "STATE", "BY"}, indent);
    for (const ServiceState& service : services)
        if (!is_free(service.state))
            table.add({service.unit,
                       std::to_string(service.oom_score_adj),
                       {service.state, tone_of_state(service.state)},
                       service.source});
    return table;
}

std::string time_left(const std::optional<Realtime>& expires, const View& view) {
    return expires ? format_duration(*expires - view.now) + " left" : "until it is cleared or its caller leaves";
}

Table overrides(const Objects& objects, const View& view) {
    Table table({"", {"", Table::Side::right}, "", ""}, indent);
    for (const TunableState& tunable : objects.tunables)
        if (tunable.state == "overridden")
            table.add({{tunable.name, Tone::warning},
                       format_value(tunable.value, tunable.unit),
                       time_left(tunable.override_expires, view),
                       tunable.reason});
    for (const ServiceState& service : objects.services)
        if (service.state == "overridden")
            table.add({{tunables::score_name(service.unit), Tone::warning},
                       std::to_string(service.oom_score_adj),
                       time_left(service.override_expires, view),
                       service.reason});
    return table;
}

/// So that "nothing to report" does not look like "nothing was looked at".
std::string quiet_line(const Table& rules, const Table& tunables, const Table& services) {
    if (!rules.empty() || !tunables.empty() || !services.empty()) return {};
    return "\nNo rule is active, and every tunable is as it was found.\n";
}

template <class T>
Json chosen(const std::vector<T>& list, bool (*choose)(const T&)) {
    std::vector<T> found;
    std::copy_if(list.begin(), list.end(), std::back_inserter(found), choose);
    return to_json(found);
}

}  // namespace

std::string render_status(const StatusReport& report, const View& view) {
    const Table rules = active_rules(report.objects.rules, view);
    const Table tunables = claimed_tunables(report.objects.tunables, view);
    const Table services = claimed_services(report.objects.services);
    return head(report.manager, view) + section("Degraded", degraded(report.manager), view) +
           section("Active rules", rules, view) + section("Tunables", tunables, view) +
           section("Services", services, view) + section("Overrides", overrides(report.objects, view), view) +
           quiet_line(rules, tunables, services);
}

Json to_json(const StatusReport& report) {
    Json json = to_json(report.manager);
    json["active_rules"] =
        chosen<RuleState>(report.objects.rules, [](const RuleState& rule) { return rule.state == "active"; });
    json["tunables"] = chosen<TunableState>(report.objects.tunables,
                                            [](const TunableState& tunable) { return !is_free(tunable.state); });
    json["services"] = chosen<ServiceState>(report.objects.services,
                                            [](const ServiceState& service) { return !is_free(service.state); });
    return json;
}

}  // namespace memtuned::ctl
