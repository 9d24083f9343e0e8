// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/explain.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ctl/table.hpp"
#include "ctl/text.hpp"
#include "ctl/time_text.hpp"
#include "ctl/value.hpp"

namespace memtuned::ctl {
namespace {

constexpr std::size_t indent = 2;

void take_over(Explanation& explanation, const TunableState& tunable) {
    explanation.unit = tunable.unit;
    explanation.value = tunable.value;
    explanation.target = tunable.target;
    explanation.state = tunable.state;
    explanation.source = tunable.source;
    explanation.reason = tunable.reason;
    explanation.override_expires = tunable.override_expires;
    explanation.last_write = tunable.last_write;
    explanation.writes = tunable.writes;
}

void take_over(Explanation& explanation, const ServiceState& service) {
    explanation.value = service.oom_score_adj;
    explanation.state = service.state;
    explanation.source = service.source;
    explanation.reason = service.reason;
    explanation.override_expires = service.override_expires;
    explanation.last_write = service.last_write;
}

std::string state_sentence(const Explanation& explanation, const View& view) {
    const std::string take_up = fmt::format("`memtunectl release {}` takes it up again.", explanation.name);
    if (explanation.state == "free") return "Nobody claims it: it is free.";
    if (explanation.state == "managed") return fmt::format("It is managed, by {}.", explanation.source);
    if (explanation.state == "overridden")
        return explanation.override_expires ? fmt::format("It is overridden, for another {}.",
                                                          format_duration(*explanation.override_expires - view.now))
                                            : "It is overridden, until that is cleared or its caller leaves.";
    if (explanation.state == "yielded") return "It is left to somebody else, who set it. " + take_up;
    if (explanation.state == "frozen") return "It is frozen, as it went to and fro. " + take_up;
    if (explanation.state == "unavailable") return "It is unavailable: this kernel has none.";
    return fmt::format("It is {}.", explanation.state);
}

std::string value_sentence(const Explanation& explanation, const View& view) {
    const std::string value = format_value_at_length(explanation.value, explanation.unit);
    std::string text = fmt::format("{} {} {}", printable(explanation.name), explanation.observing ? "would be" : "is",
                                   paint(Tone::strong, value, view.colour));
    if (explanation.target && *explanation.target != explanation.value)
        text += ", on its way to " + format_value_at_length(*explanation.target, explanation.unit);
    return text + (explanation.observing ? ", if memtuned did not only observe." : ".");
}

std::string claims_part(const Explanation& explanation, const View& view) {
    Table table({"", "", {"", Table::Side::right}, ""}, indent);
    for (const ExplainedClaim& claim : explanation.claims)
        table.add({claim.source, claim.kind, format_value(claim.value, explanation.unit), claim.reason});
    if (table.empty()) return {};
    return fmt::format("\n{}\n{}", paint(Tone::strong, "Who wants what, the weakest first:", view.colour),
                       table.render(view));
}

std::string last_write_part(const Explanation& explanation, const View& view) {
    if (!explanation.last_write) return {};
    const std::string reason = explanation.reason.empty() ? "" : ": " + printable(explanation.reason);
    const std::string times = explanation.writes > 1 ? fmt::format(", {} times so far", explanation.writes) : "";
    const std::string text =
        fmt::format("Last written {}{}{}", format_age(explanation.last_write, view.now), times, reason);
    return fmt::format("\n{}\n", fmt::join(wrap(text, view.width), "\n"));
}

std::string outlook_part(const Explanation& explanation, const View& view) {
    Table table({"", ""}, indent);
    for (const auto& [source, text] : explanation.outlook) table.add({source, text});
    if (table.empty()) return {};
    return fmt::format("\n{}\n{}", paint(Tone::strong, "What would change it next:", view.colour),
                       table.render(view));
}

}  // namespace

Explanation make_explanation(const std::string& name, const Objects& objects, std::vector<ExplainedClaim> claims) {
    Explanation explanation;
    explanation.name = name;
    if (!claims.empty() && claims.back().source == "result") {
        explanation.value = claims.back().value;
        explanation.state = claims.back().kind;
        explanation.reason = claims.back().reason;
        claims.pop_back();
    }
    explanation.claims = std::move(claims);
    for (const TunableState& tunable : objects.tunables)
        if (tunable.name == name) take_over(explanation, tunable);
    for (const ServiceState& service : objects.services)
        if (tunables::score_name(service.unit) == name) take_over(explanation, service);
    return explanation;
}

Explanation explain(Client& client, const std::string& tunable) {
    std::vector<ExplainedClaim> claims = client.explain(tunable);
    Explanation explanation = make_explanation(tunable, client.objects(), std::move(claims));
    explanation.outlook = client.outlook(tunable);
    explanation.observing = client.manager().mode == "observe";
    return explanation;
}

std::string render_explanation(const Explanation& explanation, const View& view) {
    return fmt::format("{}\n{}\n", value_sentence(explanation, view), printable(state_sentence(explanation, view))) +
           claims_part(explanation, view) + last_write_part(explanation, view) + outlook_part(explanation, view);
}

Json to_json(const Explanation& explanation) {
    Json outlook = Json::array();
    for (const auto& [source, text] : explanation.outlook) outlook.push_back({{"source", source}, {"text", text}});
    return {{"name", explanation.name},
            {"value", explanation.value},
            {"target", explanation.target ? Json(*explanation.target) : Json()},
            {"unit", explanation.unit},
            {"state", explanation.state},
            {"source", explanation.source},
            {"reason", explanation.reason},
            {"observing", explanation.observing},
            {"override_expires", to_json(explanation.override_expires)},
            {"last_write", to_json(explanation.last_write)},
            {"writes", explanation.writes},
            {"claims", to_json(explanation.claims)},
            {"outlook", outlook}};
}

}  // namespace memtuned::ctl
