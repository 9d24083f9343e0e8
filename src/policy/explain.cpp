// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the policy can tell people: who claims a tunable, and what would change it. Nothing here decides anything, and
// nothing of it runs in a turn.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "memtuned/policy/policy.hpp"

namespace memtuned::policy {
namespace {

std::string show(Duration duration) {
    return format_quantity(seconds(std::max(duration, Duration{0})), dimension::seconds);
}

std::int64_t kernel_units(double value, std::size_t tunable) {
    return std::llround(std::clamp(value / tunables::about(tunable).unit, -0x1p62, 0x1p62));
}

}  // namespace

std::string Policy::shown(const rules::Program& condition) const {
    const std::string measured = has_figures() ? condition.measured(scope_) : std::string();
    return measured.empty() ? condition.text : fmt::format("{} ({})", condition.text, measured);
}

std::string Policy::figures(std::size_t rule) const {
    return has_figures() ? rules_->rules[rule].when.measured(scope_) : std::string();
}

double Policy::nearness(std::size_t rule) const {
    return has_figures() ? rules_->rules[rule].when.nearness(scope_) : indicators::no_data;
}

std::string Policy::source(std::size_t tunable) const {
    const TunableMachine& machine = tunables_[tunable];
    const bool decided = machine.state() == TunableState::managed || machine.state() == TunableState::overridden ||
                         machine.state() == TunableState::frozen;
    return decided ? source_name(machine.source()) : std::string();
}

// --- who claims it ---

std::vector<Standing> Policy::explain(std::size_t tunable, const tunables::Reading& reading) const {
    if (tunables::about(tunable).trigger) return {};  // holds no value
    std::vector<Standing> standing{
        {"boot value", rules::Bound::exactly, reading.boot,
         reading.ours ? "what it held before memtuned wrote it" : "what it holds by itself"}};
    Standing row{source_name({Source::Kind::baseline, 0}), rules::Bound::exactly, 0, "the profile is active"};
    for (std::size_t c = 0; c < baseline_levels_.size(); ++c) {
        const rules::Claim& claim = rules_->baseline[c];
        if (claim.tunable != tunable || std::isnan(baseline_levels_[c])) continue;
        row.bound = claim.bound;
        row.value = kernel_units(baseline_levels_[c], tunable);
        standing.push_back(row);
    }
    append_units(baseline_units_, tunable, row, 0, standing);
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        row = {source_name({Source::Kind::rule, i}), rules::Bound::exactly, 0,
               machines_[i].relaxing() ? "gives back step by step, " + rule_reasons_[i] : rule_reasons_[i]};
        for (std::size_t c = 0; c < rules_->rules[i].claims.size(); ++c) {
            const rules::Claim& claim = rules_->rules[i].claims[c];
            const std::optional<double> level = claim.tunable == tunable ? machines_[i].standing(c) : std::nullopt;
            if (!level) continue;
            row.bound = claim.bound;
            row.value = kernel_units(*level, tunable);
            standing.push_back(row);
        }
        if (machines_[i].state() == RuleState::active && !rule_units_.empty())
            append_units(rule_units_[i], tunable, row, machines_[i].activations(), standing);
    }
    for (const Override& o : overrides_)
        if (o.tunable == tunable) standing.push_back({"override", rules::Bound::exactly, o.value, o.reason});
    return standing;
}

void Policy::append_units(const std::vector<UnitClaimed>& claims, std::size_t tunable, const Standing& like,
                          std::uint64_t activation, std::vector<Standing>& standing) const {
    for (const UnitClaimed& claimed : claims)
        for (const UnitValue& unit : claimed.units) {
            if (unit.tunable != tunable || std::isnan(unit.value) || unit.activation != activation) continue;
            standing.push_back(like);
            standing.back().bound = claimed.claim->bound;
            standing.back().value = kernel_units(unit.value, tunable);
        }
}

// --- what would change it ---

std::vector<Prospect> Policy::outlook(std::size_t tunable, Instant now) const {
    std::vector<Prospect> prospects;
    const TunableMachine& machine = tunables_[tunable];
    if (machine.state() == TunableState::yielded || machine.state() == TunableState::frozen)
        prospects.push_back({to_string(machine.state()),
                             fmt::format("ends in {}, or when it is released", show(machine.until() - now))});
    for (auto o = overrides_.rbegin(); o != overrides_.rend(); ++o) {
        if (o->tunable != tunable) continue;
        std::string end = !o->holder.empty() ? fmt::format("ends when {} leaves the bus", o->holder)
                          : o->expires       ? fmt::format("ends in {}", show(*o->expires - now))
                                             : std::string("stays until it is cleared");
        prospects.push_back({"override", fmt::format("{} {}", o->value, end)});
    }
    for (std::size_t i = machines_.size(); i-- > 0;)
        if (concerns(i, tunable))
            prospects.push_back({source_name({Source::Kind::rule, i}), prospect(i, tunable, now)});
    return prospects;
}

/// Whether a rule claims the tunable while it is active, or fires it.
bool Policy::concerns(std::size_t rule, std::size_t tunable) const {
    const rules::Rule& r = rules_->rules[rule];
    const auto is_it = [tunable](const auto& claim) { return claim.tunable == tunable; };
    const auto matches = [&](const UnitClaimed& claimed) {
        return std::any_of(claimed.units.begin(), claimed.units.end(), is_it);
    };
    return std::any_of(r.claims.begin(), r.claims.end(), is_it) ||
           std::any_of(r.triggers.begin(), r.triggers.end(), is_it) ||
           (!rule_units_.empty() && std::any_of(rule_units_[rule].begin(), rule_units_[rule].end(), matches));
}

std::string Policy::prospect(std::size_t rule, std::size_t tunable, Instant now) const {
    const RuleMachine& machine = machines_[rule];
    const rules::Rule& r = rules_->rules[rule];
    const char* const acts = tunables::about(tunable).trigger ? "fires it" : "claims it";
    const Duration since = now - machine.since();
    switch (machine.state()) {
        case RuleState::idle: {
            const std::string first = machine.relaxing() ? "gives it back step by step; " : "";
            const std::string lasting = r.for_at_least > Duration{0} ? " for " + show(r.for_at_least) : "";
            return fmt::format("{}{} when {}{}", first, acts, shown(r.when), lasting);
        }
        case RuleState::pending:
            return fmt::format("{} in {} if this lasts: {}", acts, show(r.for_at_least - since), shown(r.when));
        case RuleState::active: {
            const std::string when =
                r.until ? "when " + shown(*r.until) : fmt::format("when this is over: {}", shown(r.when));
            const Duration held = machine.hold() - since;
            const std::string earliest =
                held > Duration{0} ? fmt::format(", not before {} from now", show(held)) : "";
            return fmt::format("{} {}{}", tunables::about(tunable).trigger ? "is released" : "lets go of it", when,
                               earliest);
        }
        case RuleState::suspended:
            return fmt::format("is suspended for another {}: {}", show(machine.suspended_until() - now),
                               rule_reasons_[rule]);
        case RuleState::disabled:
        case RuleState::unavailable: break;
    }
    return fmt::format("is {}{}{}", to_string(machine.state()), rule_reasons_[rule].empty() ? "" : ": ",
                       rule_reasons_[rule]);
}

}  // namespace memtuned::policy
