// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/policy/policy.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "memtuned/base/unit_name.hpp"

namespace memtuned::policy {
namespace {

using rules::Bound;
using tunables::about;
using tunables::catalogue;
using tunables::Reading;
using tunables::Tunable;

constexpr Duration suspended_for = std::chrono::minutes(10);

double base_units(std::int64_t value, std::size_t tunable) {
    return static_cast<double>(value) * about(tunable).unit;
}

/// "reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 42/s)"
std::string with_figures(const rules::Program& condition, const rules::Scope& scope) {
    const std::string figures = condition.measured(scope);
    return figures.empty() ? condition.text : fmt::format("{} ({})", condition.text, figures);
}

}  // namespace

Policy::Policy(std::shared_ptr<const rules::RuleSet> rules, std::shared_ptr<const rules::Settings> settings)
    : rules_(std::move(rules)),
      settings_(std::move(settings)),
      trends_(rules_->windows, settings_->busy),
      firings_(catalogue().size()),
      readings_(catalogue().size()),
      targets_(catalogue().size()),
      baselines_(catalogue().size(), indicators::no_data),
      in_force_(catalogue().size(), indicators::no_data),
      baseline_levels_(rules_->baseline.size(), indicators::no_data) {
    machines_.reserve(rules_->rules.size());
    for (const rules::Rule& rule : rules_->rules) machines_.emplace_back(rule);
    rule_reasons_.resize(machines_.size());
    for (std::size_t i = 0; i < catalogue().size(); ++i) tunables_.emplace_back(i, std::string(catalogue()[i].name));
    for (const rules::UnitClaim& claim : rules_->unit_baseline) baseline_units_.push_back({&claim, {}});
    for (std::size_t i = 0; i < rules_->rules.size(); ++i) {
        if (rules_->rules[i].unit_claims.empty()) continue;
        rule_units_.resize(rules_->rules.size());
        for (const rules::UnitClaim& claim : rules_->rules[i].unit_claims) rule_units_[i].push_back({&claim, {}});
    }
    find_claimable();
}

/// The tunables that something claims or may claim, and what is still ours: that must be read on, to be put back.
void Policy::find_claimable() {
    claimable_.clear();
    for (const rules::Claim& claim : rules_->baseline) claim_tunable(claim.tunable);
    for (const rules::Rule& rule : rules_->rules)
        for (const rules::Claim& claim : rule.claims) claim_tunable(claim.tunable);
    for (std::size_t i = 0; i < readings_.size(); ++i)
        if (readings_[i].ours || tunables_[i].state() != TunableState::free) claim_tunable(i);
    for (const Override& o : overrides_)
        if (o.tunable != no_tunable) claim_tunable(o.tunable);
    std::vector<char> listed(readings_.size());
    for (const std::size_t i : claimable_) listed[i] = 1;
    const auto list = [&](const std::vector<UnitClaimed>& claims) {
        for (const UnitClaimed& claimed : claims)
            for (const UnitValue& unit : claimed.units)
                if (std::exchange(listed[unit.tunable], 1) == 0) claimable_.push_back(unit.tunable);
    };
    list(baseline_units_);
    for (const auto& claims : rule_units_) list(claims);
    std::sort(claimable_.begin(), claimable_.end());
}

void Policy::claim_tunable(std::size_t tunable) {
    const auto place = std::lower_bound(claimable_.begin(), claimable_.end(), tunable);
    if (place == claimable_.end() || *place != tunable) claimable_.insert(place, tunable);
}

void Policy::adopt(const Policy& old) {
    std::unordered_map<std::string_view, const RuleMachine*> known;
    for (const RuleMachine& machine : old.machines_) known.emplace(machine.rule().name, &machine);
    std::unordered_map<std::string_view, std::uint64_t> numbers;
    for (std::size_t i = 0; i < machines_.size(); ++i) {
        const std::string& name = machines_[i].rule().name;
        if (const auto before = known.find(name); before != known.end()) {
            machines_[i].adopt(*before->second);
            rule_reasons_[i] = old.rule_reasons_[static_cast<std::size_t>(before->second - old.machines_.data())];
        }
        numbers.emplace(name, i);
    }
    unit_names_ = old.unit_names_;
    users_units_ = old.users_units_;
    hands_off_ = old.hands_off_;
    tunables_ = old.tunables_;
    for (TunableMachine& tunable : tunables_) {
        if (tunable.source().kind != Source::Kind::rule) continue;
        const auto number = numbers.find(old.machines_[tunable.source().index].rule().name);
        tunable.set_source(number == numbers.end() ? Source{} : Source{Source::Kind::rule, number->second});
    }
    overrides_ = old.overrides_;
    last_override_ = old.last_override_;
    firings_ = old.firings_;
    readings_ = old.readings_;
    in_force_ = old.in_force_;
    trends_.adopt(old.trends_, old.rules_->keys, rules_->keys);
    adopt_baseline(old);
    targets_.resize(readings_.size());
    baselines_.resize(readings_.size(), indicators::no_data);
    find_claimable();
    for (const std::size_t i : old.claimable_)
        if (!tunables::is_of_unit(i)) claim_tunable(i);
}

// --- units ---

std::optional<std::size_t> Policy::find(std::string_view name) const {
    if (const auto machine = tunables::find(name)) return machine;
    for (std::size_t i = catalogue().size(); i < tunables_.size(); ++i)
        if (!unit_names_[tunables::place_of(i)].empty() && tunables_[i].name() == name) return i;
    return std::nullopt;
}

void Policy::meet(std::span<const kernel::Unit> units) {
    settle_in(units);
    for (Override& o : overrides_) {
        if (o.unit.empty()) continue;
        const auto place = std::find(unit_names_.begin(), unit_names_.end(), o.unit);
        o.tunable = place == unit_names_.end()
                        ? no_tunable
                        : tunables::of_unit(static_cast<std::size_t>(place - unit_names_.begin()));
    }
    match(baseline_units_, units);
    for (auto& claims : rule_units_) match(claims, units);
    find_claimable();
}

/// Room for each place; where another unit moved in, or none is, nothing is left of the one before.
void Policy::settle_in(std::span<const kernel::Unit> units) {
    const std::size_t count = tunables::of_unit(units.size());
    readings_.resize(std::max(readings_.size(), count));
    targets_.resize(readings_.size());
    baselines_.resize(readings_.size(), indicators::no_data);
    in_force_.resize(readings_.size(), indicators::no_data);
    unit_names_.resize(std::max(unit_names_.size(), units.size()));
    users_units_.resize(unit_names_.size());
    hands_off_.resize(unit_names_.size());
    for (std::size_t place = 0; place < unit_names_.size(); ++place) {
        const std::size_t i = tunables::of_unit(place);
        const std::string name = place < units.size() ? units[place].name : std::string();
        const bool known = i < tunables_.size();
        if (known && unit_names_[place] == name) continue;
        TunableMachine fresh(i, tunables::score_name(name));
        if (known)
            tunables_[i] = std::move(fresh);
        else
            tunables_.push_back(std::move(fresh));
        unit_names_[place] = name;
        users_units_[place] = place < units.size() && units[place].users;
        hands_off_[place] = place < units.size() ? units[place].hands_off : std::string_view();
        readings_[i] = {};
        targets_[i] = {};
        in_force_[i] = indicators::no_data;
        forget(baseline_units_, i);
        for (auto& claims : rule_units_) forget(claims, i);
    }
}

void Policy::forget(std::vector<UnitClaimed>& claims, std::size_t tunable) {
    for (UnitClaimed& claimed : claims)
        std::erase_if(claimed.units, [tunable](const UnitValue& unit) { return unit.tunable == tunable; });
}

void Policy::match(std::vector<UnitClaimed>& claims, std::span<const kernel::Unit> units) {
    for (UnitClaimed& claimed : claims) match(claimed, units);
}

void Policy::match(UnitClaimed& claimed, std::span<const kernel::Unit> units) {
    std::vector<UnitValue> now;
    for (std::size_t place = 0; place < units.size(); ++place) {
        if (units[place].name.empty() || !names_unit(claimed.claim->units, units[place].name)) continue;
        if (!units[place].hands_off.empty()) {
            leave_alone(*claimed.claim, units[place]);
            continue;
        }
        const std::size_t i = tunables::of_unit(place);
        const auto before = std::find_if(claimed.units.begin(), claimed.units.end(),
                                         [i](const UnitValue& unit) { return unit.tunable == i; });
        now.push_back(before == claimed.units.end() ? UnitValue{i} : *before);
    }
    claimed.units = std::move(now);
}

/// Said once for each pattern and reason: a kubelet's units come and go by the hundred.
void Policy::leave_alone(const rules::UnitClaim& claim, const kernel::Unit& unit) {
    std::string what = fmt::format("{} {}", claim.units, unit.hands_off);
    if (std::find(left_alone_.begin(), left_alone_.end(), what) != left_alone_.end()) return;
    left_alone_.push_back(std::move(what));
    events_before_.push_back({Event::Kind::state, tunables::score_name(unit.name),
                              fmt::format("left alone, though \"{}\" means it: {}", claim.units, unit.hands_off)});
}

/// Each unit has a figure of its own for service.* without an argument. A user's own units can only be raised: he
/// may give a folder any name, and must not win protection by it.
void Policy::fold_units(UnitClaimed& claimed, Source source, std::uint64_t activation, std::uint64_t id) {
    for (UnitValue& unit : claimed.units) {
        rules::Scope scope = scope_;
        const std::size_t place = tunables::place_of(unit.tunable);
        if ((place + 1) * rules_->own.size() > scope_.sample->own.size()) continue;
        scope.own = scope_.sample->own.data() + place * rules_->own.size();
        scope.boot = base_units(readings_[unit.tunable].boot, unit.tunable);
        scope.baseline = baselines_[unit.tunable];
        const double value = claimed.claim->value.run(scope);
        if (std::isfinite(value)) unit = {unit.tunable, value, activation};
        if (std::isnan(unit.value) || unit.activation != activation) continue;
        if (!users_units_[place])
            apply(unit.tunable, claimed.claim->bound, unit.value, source, id);
        else if (claimed.claim->bound != Bound::at_most)
            apply(unit.tunable, Bound::at_least, unit.value, source, id);
    }
}

/// The last good values, so that a baseline does not lapse while its indicators have no data yet.
void Policy::adopt_baseline(const Policy& old) {
    for (std::size_t c = 0; c < baseline_levels_.size(); ++c)
        for (std::size_t o = 0; o < old.baseline_levels_.size(); ++o) {
            const rules::Claim& now = rules_->baseline[c];
            const rules::Claim& before = old.rules_->baseline[o];
            if (now.tunable == before.tunable && now.bound == before.bound && now.value.text == before.value.text)
                baseline_levels_[c] = old.baseline_levels_[o];
        }
}

Turn Policy::turn(const indicators::Sample& sample, std::span<const Reading> readings) {
    decisions_.clear();
    events_.clear();
    std::swap(events_, events_before_);
    trends_.add(sample);
    scope_ = {.sample = &sample, .trends = &trends_};
    any_unavailable_ =
        std::any_of(sample.unavailable.begin(), sample.unavailable.end(), [](auto lacks) { return lacks != 0; });
    read(readings);
    fold_baseline();
    fold_rules(sample);
    fold_overrides(sample.at);
    settle_twins();
    for (const std::size_t tunable : claimable_) {
        settle(tunable, sample.at);
        in_force_[tunable] = targets_[tunable].claimed ? targets_[tunable].value : indicators::no_data;
    }
    return {decisions_, events_, busy_};
}

/// While a twin of it is ours, a tunable holds 0 because of that, and its boot value is the one from before.
void Policy::read(std::span<const Reading> readings) {
    for (const std::size_t i : claimable_) {
        const std::size_t twin = about(i).twin;
        const bool zeroed = twin != tunables::no_twin && readings[twin].ours && !readings[i].ours;
        const std::int64_t boot = zeroed && readings_[i].available ? readings_[i].boot : readings[i].boot;
        readings_[i] = readings[i];
        readings_[i].boot = boot;
    }
}

// --- the fold ---

void Policy::apply(std::size_t tunable, Bound bound, double value, Source source, std::uint64_t claim) {
    Target& target = targets_[tunable];
    const bool not_in_force = about(tunable).twin != tunables::no_twin && target.value == 0;
    const bool decides = bound == Bound::exactly || not_in_force ||
                         (bound == Bound::at_least ? target.value < value : target.value > value);
    if (decides) target.value = value;
    if (decides || !target.claimed) target.source = source;
    if (bound != Bound::at_most) target.low = bound == Bound::exactly ? value : std::max(target.low, value);
    if (bound != Bound::at_least) target.high = bound == Bound::exactly ? value : std::min(target.high, value);
    if (bound == Bound::at_least) target.high = std::max(target.high, value);
    if (bound == Bound::at_most) target.low = std::min(target.low, value);
    target.claimed = true;
    target.claims = target.claims * 1099511628211U + claim + 1;  // FNV-1a's prime: which claims stand, in which order
}

void Policy::fold_baseline() {
    for (const std::size_t i : claimable_) {
        targets_[i] = {};
        targets_[i].value = base_units(readings_[i].boot, i);
    }
    for (std::size_t c = 0; c < rules_->baseline.size(); ++c) {
        const rules::Claim& claim = rules_->baseline[c];
        rules::Scope scope = scope_;
        scope.boot = base_units(readings_[claim.tunable].boot, claim.tunable);
        const double value = claim.value.run(scope);
        if (std::isfinite(value)) baseline_levels_[c] = value;
        if (!std::isnan(baseline_levels_[c]))
            apply(claim.tunable, claim.bound, baseline_levels_[c], {Source::Kind::baseline, 0}, c);
    }
    for (std::size_t c = 0; c < baseline_units_.size(); ++c)
        fold_units(baseline_units_[c], {Source::Kind::baseline, 0}, 0, rules_->baseline.size() + c);
    for (const std::size_t i : claimable_) baselines_[i] = targets_[i].value;
}

bool Policy::lacks(const rules::Rule& rule, const indicators::Sample& sample) const {
    return any_unavailable_ && std::any_of(rule.needs.begin(), rule.needs.end(),
                                           [&](std::uint32_t slot) { return sample.unavailable[slot] != 0; });
}

void Policy::fold_rules(const indicators::Sample& sample) {
    busy_ = false;
    for (std::uint32_t i = 0; i < machines_.size(); ++i) {
        RuleMachine& machine = machines_[i];
        const RuleState before = machine.state();
        if (machine.advance(scope_, lacks(machine.rule(), sample), sample.at)) note_rule(machine, before);
        busy_ = busy_ || machine.busy();
        if (machine.state() != RuleState::active && !machine.relaxing()) continue;
        fold_rule(i, sample.at);
        if (!rule_units_.empty() && machine.state() == RuleState::active)
            for (std::size_t c = 0; c < rule_units_[i].size(); ++c)
                fold_units(rule_units_[i][c], {Source::Kind::rule, i}, machine.activations(),
                           (std::uint64_t{i} + 1) << 16U | (rules_->rules[i].claims.size() + c));
        fire(i, sample.at);
    }
}

void Policy::fold_rule(std::uint32_t index, Instant now) {
    const rules::Rule& rule = machines_[index].rule();
    for (std::size_t c = 0; c < rule.claims.size(); ++c) {
        const rules::Claim& claim = rule.claims[c];
        double value = 0;
        if (machines_[index].claim(c, ground(claim), now, value))
            apply(claim.tunable, claim.bound, value, {Source::Kind::rule, index},
                  (std::uint64_t{index} + 1) << 16U | c);
    }
}

Ground Policy::ground(const rules::Claim& claim) const {
    const std::size_t t = claim.tunable;
    Ground ground{.scope = scope_, .unit = catalogue()[t].unit, .in_force = in_force_[t]};
    ground.scope.boot = base_units(readings_[t].boot, t);
    ground.scope.baseline = baselines_[t];
    ground.scope.current = targets_[t].value;
    if (!claim.step && !claim.relax) return ground;
    const Limits range = limits(t);
    ground.low = base_units(range.low, t);
    ground.high = base_units(range.high, t);
    ground.still = tunables_[t].still();
    return ground;
}

/// A trigger has a pace of its own, whichever rules ask for it.
bool Policy::triggers_rested(const rules::Rule& rule, Instant now) const {
    return std::all_of(rule.triggers.begin(), rule.triggers.end(), [&](const rules::TriggerClaim& trigger) {
        const Firing& last = firings_[trigger.tunable];
        return !last.at || now - *last.at >= catalogue()[trigger.tunable].least_interval;
    });
}

void Policy::fire(std::uint32_t index, Instant now) {
    RuleMachine& machine = machines_[index];
    const rules::Rule& rule = machine.rule();
    if (rule.triggers.empty() || !machine.trigger_due(now) || !triggers_rested(rule, now)) return;
    machine.fired(now);
    for (const rules::TriggerClaim& trigger : rule.triggers) {
        const double value = trigger.value.run(scope_);
        const Tunable& info = catalogue()[trigger.tunable];
        if (!std::isfinite(value)) {
            machine.misfired();
            continue;
        }
        const double inside =
            std::clamp(std::round(value), static_cast<double>(info.minimum), static_cast<double>(info.maximum));
        Decision decision{Decision::Order::fire, trigger.tunable, 0, static_cast<std::int64_t>(inside), {}, {},
                          std::string(info.name)};
        give_reason(decision, {Source::Kind::rule, index}, true);
        decisions_.push_back(std::move(decision));
        firings_[trigger.tunable] = {now, index};
    }
}

void Policy::fold_overrides(Instant now) {
    std::erase_if(overrides_, [now](const Override& o) { return o.expires && *o.expires <= now; });
    for (const Override& o : overrides_)
        if (o.tunable != no_tunable)
            apply(o.tunable, Bound::exactly, base_units(o.value, o.tunable), {Source::Kind::override_, o.id},
                  (std::uint64_t{1} << 63U) | o.id);
}

/// Of two twins only one can be claimed, for the kernel zeroes the other: the one with the stronger claim. Units,
/// which come last, have none.
void Policy::settle_twins() {
    for (const std::size_t i : claimable_) {
        if (tunables::is_of_unit(i)) break;
        const std::size_t twin = about(i).twin;
        if (twin == tunables::no_twin || targets_[i].overridden()) continue;
        if (tunables_[i].stands_down() || tunables_[twin].holds_pair()) targets_[i].claimed = false;
        if (changed_hands(i)) {
            targets_[i].claimed = true;  // it has to yield before the other one is thought of
            targets_[twin].claimed = targets_[twin].overridden();
        }
    }
    for (const std::size_t i : claimable_) {
        if (tunables::is_of_unit(i)) break;
        const std::size_t twin = about(i).twin;
        if (twin == tunables::no_twin || twin < i || !targets_[i].claimed || !targets_[twin].claimed) continue;
        targets_[targets_[i].source < targets_[twin].source ? i : twin].claimed = false;
    }
}

/// Somebody wrote one of the pair since the last turn. It is not us who did if the other one is not ours.
bool Policy::changed_hands(std::size_t tunable) const {
    const std::size_t twin = about(tunable).twin;
    return !readings_[twin].ours && tunables_[tunable].changed(readings_[tunable]) &&
           settings_->tunables[tunable].on_outside_change == rules::OnOutsideChange::yield;
}

/// Whether its twin has the pair. What is still ours while the twin must be left alone is to be put back first.
bool Policy::gives_way(std::size_t tunable) const {
    const std::size_t twin = about(tunable).twin;
    if (twin == tunables::no_twin || targets_[tunable].claimed) return false;
    if (tunables_[twin].holds_pair() && !targets_[twin].overridden()) return !readings_[tunable].ours;
    return targets_[twin].claimed;
}

// --- from targets to decisions ---

Limits Policy::limits(std::size_t tunable) const {
    const Reading& reading = readings_[tunable];
    Limits limits{reading.safe_minimum, reading.safe_maximum};
    for (const rules::Limit& limit : rules_->limits) {
        if (limit.tunable != std::min(tunable, catalogue().size())) continue;
        const double value = limit.value.run(scope_) / about(tunable).unit;
        if (std::isfinite(value)) (limit.maximum ? limits.high : limits.low) = std::llround(value);
    }
    limits.high = std::clamp(std::min(limits.high, reading.ceiling), reading.hard_minimum, reading.hard_maximum);
    limits.low = std::clamp(limits.low, reading.hard_minimum, limits.high);
    return {std::min(limits.low, reading.boot), std::max(limits.high, reading.boot)};
}

void Policy::settle(std::size_t tunable, Instant now) {
    TunableMachine& machine = tunables_[tunable];
    Target& target = targets_[tunable];
    // A unit that just came, or is just going, has no readings: it will be met, or is gone.
    if (tunables::is_of_unit(tunable) && !readings_[tunable].available) return;
    const Source decides = target.claimed ? target.source : machine.source();
    target.probing = decides.kind == Source::Kind::rule && machines_[decides.index].probing();
    std::optional<Decision> decision;
    if (gives_way(tunable))
        machine.give_way(target, readings_[tunable], now, events_);
    else
        decision = machine.settle(target, readings_[tunable], limits(tunable), settings_->of(tunable), now, events_);
    if (const std::optional<Source> flipping = machine.take_flipping()) suspend_rule(*flipping, now);
    if (!decision) return;
    give_reason(*decision, machine.source(), target.claimed);
    decisions_.push_back(std::move(*decision));
}

std::string Policy::source_name(Source source) const {
    switch (source.kind) {
        case Source::Kind::none: break;
        case Source::Kind::baseline: return "baseline of " + rules_->profile;
        case Source::Kind::override_: return "override";
        case Source::Kind::rule: return "rule " + machines_[source.index].rule().name;
    }
    return "profile " + rules_->profile;
}

void Policy::give_reason(Decision& decision, Source source, bool claimed) const {
    decision.source = source_name(source);
    decision.reason = reason(source, claimed);
    switch (decision.order) {
        case Decision::Order::release: decision.reason = "back to the boot value, " + decision.reason; break;
        case Decision::Order::take_back:
            decision.reason = "written over what somebody set, " + decision.reason;
            break;
        case Decision::Order::disown:
        case Decision::Order::rebase: decision.reason = "changed by somebody else"; break;
        case Decision::Order::write:
        case Decision::Order::fire: break;
    }
}

/// Why a tunable goes where it goes: the condition with its figures, or what became of the claim.
std::string Policy::reason(Source source, bool claimed) const {
    if (source.kind == Source::Kind::override_) {
        const Override* const found = find_override(source.index);
        return found ? found->reason : "the override ended";
    }
    if (source.kind == Source::Kind::baseline && claimed) return "the profile is active";
    if (source.kind != Source::Kind::rule) return "no longer claimed";
    const RuleMachine& machine = machines_[source.index];
    switch (machine.state()) {
        case RuleState::active:
            return claimed ? with_figures(machine.rule().when, scope_) : std::string("no longer claimed");
        case RuleState::idle:
        case RuleState::pending: return "given back: " + released_by(machine.rule());
        case RuleState::disabled:
        case RuleState::unavailable:
        case RuleState::suspended: break;
    }
    return fmt::format("the rule is {}", to_string(machine.state()));
}

const Override* Policy::find_override(std::uint64_t id) const {
    const auto found =
        std::find_if(overrides_.begin(), overrides_.end(), [id](const Override& o) { return o.id == id; });
    return found == overrides_.end() ? nullptr : &*found;
}

std::string Policy::released_by(const rules::Rule& rule) const {
    return rule.until ? with_figures(*rule.until, scope_) : "no longer " + with_figures(rule.when, scope_);
}

void Policy::suspend_rule(Source source, Instant now) {
    if (source.kind != Source::Kind::rule || machines_[source.index].state() == RuleState::suspended) return;
    machines_[source.index].suspend(now, now + suspended_for);
    rule_reasons_[source.index] = "what it claims flips";
    events_.push_back(
        {Event::Kind::rule, machines_[source.index].rule().name,
         fmt::format("suspended for {}: {}", format_quantity(seconds(suspended_for), dimension::seconds),
                     rule_reasons_[source.index])});
}

/// The first indicator that a rule needs and this machine lacks.
std::string Policy::lacking(const rules::Rule& rule, const indicators::Sample& sample) const {
    for (const std::uint32_t slot : rule.needs)
        if (sample.unavailable[slot] != 0) return "there is no " + to_string(rules_->keys[slot]) + " here";
    return {};
}

void Policy::note_rule(const RuleMachine& machine, RuleState before) {
    const rules::Rule& rule = machine.rule();
    std::string why;
    if (machine.state() == RuleState::active || machine.state() == RuleState::pending)
        why = with_figures(rule.when, scope_);
    if (machine.state() == RuleState::unavailable) why = lacking(rule, *scope_.sample);
    if (machine.state() == RuleState::idle && machine.activations() > 0) why = released_by(rule);
    const bool fleeting =
        machine.state() == RuleState::pending || (machine.state() == RuleState::idle && before == RuleState::pending);
    events_.push_back({Event::Kind::rule, rule.name,
                       fmt::format("{}{}{}", to_string(machine.state()), why.empty() ? "" : ": ", why), fleeting});
    rule_reasons_[static_cast<std::size_t>(&machine - machines_.data())] = std::move(why);
}

void Policy::carried_out(const Decision& decision, const tunables::Outcome& outcome, Instant now) {
    if (decision.order != Decision::Order::fire)
        return tunables_[decision.tunable].carried_out(decision, outcome, now, events_);
    if (outcome.kind != tunables::Outcome::Kind::failed) return tunables_[decision.tunable].fired(decision, now);
    if (const std::uint32_t rule = firings_[decision.tunable].rule; rule < machines_.size())
        machines_[rule].misfired();
    events_.push_back({Event::Kind::failed, decision.name, outcome.error.message});
}

// --- overrides ---

std::uint64_t Policy::add_override(std::size_t tunable, std::int64_t value, std::optional<Instant> expires,
                                   std::string reason, std::string holder) {
    assert(!about(tunable).trigger);
    const std::string unit = tunables::is_of_unit(tunable) ? unit_names_[tunables::place_of(tunable)] : std::string();
    std::erase_if(overrides_, [&](const Override& o) {
        const bool outlasted =
            holder.empty() && o.holder.empty() && (!expires || (o.expires && *o.expires <= *expires));
        return o.tunable == tunable && (outlasted || (!holder.empty() && o.holder == holder));
    });
    overrides_.push_back({++last_override_, tunable, value, expires, std::move(reason), unit, std::move(holder)});
    claim_tunable(tunable);
    return last_override_;
}

void Policy::bring_back(std::span<const Override> overrides) {
    for (const Override& o : overrides) {
        overrides_.push_back(o);
        overrides_.back().id = ++last_override_;
        if (!o.unit.empty()) overrides_.back().tunable = no_tunable;  // until meet() finds its place
    }
    find_claimable();
}

bool Policy::clear_override(std::uint64_t id) {
    return std::erase_if(overrides_, [id](const Override& o) { return o.id == id; }) > 0;
}

std::size_t Policy::clear_overrides(std::string_view name) {
    return std::erase_if(overrides_, [name](const Override& o) {
        return name == (o.unit.empty() ? std::string(about(o.tunable).name) : tunables::score_name(o.unit));
    });
}

std::size_t Policy::clear_overrides_of(std::string_view holder) {
    return std::erase_if(overrides_, [holder](const Override& o) { return o.holder == holder; });
}

const Override* Policy::override_of(std::size_t tunable) const {
    const auto found = std::find_if(overrides_.rbegin(), overrides_.rend(),
                                    [tunable](const Override& o) { return o.tunable == tunable; });
    return found == overrides_.rend() ? nullptr : &*found;
}

void Policy::enable_rule(std::size_t rule, bool enabled, Instant now) {
    RuleMachine& machine = machines_[rule];
    const RuleState before = machine.state();
    machine.enable(enabled, now);
    if (machine.state() == before) return;
    rule_reasons_[rule] = enabled ? "switched on" : "switched off";
    events_before_.push_back({Event::Kind::rule, machine.rule().name,
                              fmt::format("{}: {}", to_string(machine.state()), rule_reasons_[rule])});
}

void Policy::resume(std::size_t tunable) {
    tunables_[tunable].resume();
    if (const std::size_t twin = about(tunable).twin; twin != tunables::no_twin) tunables_[twin].resume();
}

}  // namespace memtuned::policy
