// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/policy/rule_machine.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace memtuned::policy {
namespace {

/// A step of giving back that has no data waits this long for some: a value must not stay changed for want of them.
constexpr Duration longest_without_data = std::chrono::minutes(1);

}  // namespace

const char* to_string(RuleState state) {
    switch (state) {
        case RuleState::idle: return "idle";
        case RuleState::pending: return "pending";
        case RuleState::active: return "active";
        case RuleState::disabled: return "disabled";
        case RuleState::unavailable: return "unavailable";
        case RuleState::suspended: return "suspended";
    }
    return "";
}

RuleMachine::RuleMachine(const rules::Rule& rule)
    : rule_(&rule),
      claims_(rule.claims.size()),
      hold_(rule.hold_from),
      state_(rule.enabled ? RuleState::idle : RuleState::disabled) {
    when_.code = rule.when.code;
}

bool RuleMachine::advance(const rules::Scope& scope, bool unavailable, Instant now) {
    const RuleState before = state_;
    if (state_ == RuleState::disabled || (state_ == RuleState::suspended && now < suspended_until_)) return false;
    if (unavailable) {
        if (state_ != RuleState::unavailable) drop_claims();
        enter(RuleState::unavailable, now);
        return state_ != before;
    }
    if (state_ == RuleState::suspended || state_ == RuleState::unavailable) enter(RuleState::idle, now);

    // `when` is not asked while `until` alone decides: 10,000 rules are run at every sample.
    const bool asks_when = state_ != RuleState::active || !rule_->until;
    const double when = asks_when ? when_.run(scope) : 0;
    if (state_ == RuleState::active) {
        // No data releases nothing: 0 is a known "no", NaN is neither.
        const bool release_holds = rule_->until ? rule_->until->run(scope) == 1 : when == 0;
        driven_ = rule_->until ? !release_holds : when == 1;
        if (release_holds && now - since_ >= hold_) release(now);
    } else if (when != 1) {
        enter(RuleState::idle, now);
    } else {
        enter(RuleState::pending, now);
        if (now - since_ >= rule_->for_at_least) activate(now);
    }
    return state_ != before;
}

void RuleMachine::enter(RuleState state, Instant now) {
    if (state_ == state) return;
    state_ = state;
    since_ = now;
}

void RuleMachine::activate(Instant now) {
    // It fires again before it had been quiet for as long as it last held: giving back was a probe that failed.
    const bool soon = ever_released_ && now - given_back_ < std::max<Duration>(hold_, rule_->hold_from);
    hold_ = soon ? std::min(hold_ * 2, rule_->hold_to) : rule_->hold_from;
    enter(RuleState::active, now);
    ++activations_;
    driven_ = true;
    relaxing_ = false;
    fire_pending_ = true;
    for (ClaimState& claim : claims_) claim.stepped = now - rule_->every;
}

void RuleMachine::release(Instant now) {
    enter(RuleState::idle, now);
    given_back_ = now;
    ever_released_ = true;
    fire_pending_ = false;
    for (std::size_t i = 0; i < claims_.size(); ++i) {
        if (!rule_->claims[i].relax) claims_[i].standing = false;
        claims_[i].stepped = now - rule_->every;
    }
    relaxing_ = any_standing();
}

void RuleMachine::drop_claims() {
    for (ClaimState& claim : claims_) claim.standing = false;
    relaxing_ = false;
    fire_pending_ = false;
}

bool RuleMachine::claim(std::size_t index, const Ground& ground, Instant now, double& value) {
    const rules::Claim& claim = rule_->claims[index];
    ClaimState& state = claims_[index];
    if (state_ == RuleState::active && claim.step) {
        step(state, claim.value, ground, now);
    } else if (state_ == RuleState::active) {
        const double level = claim.value.run(ground.scope);
        state.standing = state.standing || std::isfinite(level);
        if (std::isfinite(level)) state.value = level;
    } else if (state.standing) {
        state.standing = relax(state, *claim.relax, ground, now);
        relaxing_ = any_standing();
    }
    value = state.value;
    return state.standing;
}

void RuleMachine::step(ClaimState& state, const rules::Program& program, const Ground& ground, Instant now) const {
    if (!driven_ || ground.still || now - state.stepped < rule_->every) return;
    rules::Scope scope = ground.scope;
    if (state.standing) scope.current = state.value;
    double next = program.run(scope);
    if (!std::isfinite(next)) return;
    next = std::clamp(next, ground.low, ground.high);
    // A stronger claim rules: a step towards what is in force catches up with it, one away from it only winds up.
    const bool rules = !state.standing || state.value == ground.in_force;
    if (!rules && !((next - state.value) * (ground.in_force - state.value) > 0)) return;
    state.value = next;
    state.standing = true;
    state.stepped = now;
}

/// One step of giving back, when it is due: false once nothing is left to give. A step that does not get nearer to
/// what lies below (rounding, or a slip in the rule) ends it too, or it would never end.
bool RuleMachine::relax(ClaimState& state, const rules::Program& program, const Ground& ground, Instant now) {
    if (now - state.stepped < rule_->every) return true;
    const double below = ground.scope.current;
    rules::Scope scope = ground.scope;
    state.value = scope.current = std::clamp(state.value, ground.low, ground.high);
    const double next = program.run(scope);
    if (std::isnan(next)) return now - state.stepped < rule_->every + longest_without_data;
    const double left = next - below;
    const bool nearer = left * (state.value - below) > 0 && std::abs(left) < std::abs(state.value - below);
    state.value = next;
    state.stepped = now;
    given_back_ = now;
    return nearer && std::abs(left) >= ground.unit / 2;
}

bool RuleMachine::trigger_due(Instant now) const {
    return state_ == RuleState::active && fire_pending_ && (!ever_fired_ || now - fired_ >= rule_->every);
}

void RuleMachine::fired(Instant now) {
    fire_pending_ = false;
    ever_fired_ = true;
    fired_ = now;
}

void RuleMachine::suspend(Instant now, Instant until) {
    suspended_until_ = until;
    enter(RuleState::suspended, now);
    drop_claims();
}

void RuleMachine::enable(bool enabled, Instant now) {
    switched_ = enabled;
    if (enabled == (state_ != RuleState::disabled)) return;
    if (!enabled) drop_claims();
    enter(enabled ? RuleState::idle : RuleState::disabled, now);
}

std::optional<double> RuleMachine::standing(std::size_t claim) const {
    if (!claims_[claim].standing) return std::nullopt;
    return claims_[claim].value;
}

void RuleMachine::adopt(const RuleMachine& old) {
    const bool was_enabled = old.switched_.value_or(old.rule_->enabled);
    switched_ = old.switched_;
    if (switched_) state_ = *switched_ ? RuleState::idle : RuleState::disabled;
    if (state_ == RuleState::disabled || !was_enabled) return;
    const rules::Rule& rule = *rule_;
    const auto alike = [](const rules::Claim& a, const rules::Claim& b) {
        return a.tunable == b.tunable && a.step == b.step && a.bound == b.bound;
    };
    std::vector<ClaimState> claims(rule.claims.size());
    for (std::size_t i = 0; i < claims.size(); ++i) {
        for (std::size_t j = 0; j < old.claims_.size(); ++j)
            if (alike(rule.claims[i], old.rule_->claims[j])) claims[i] = old.claims_[j];
        if (old.state_ != RuleState::active && !rule.claims[i].relax) claims[i].standing = false;
    }
    rules::Program when = std::move(when_);
    *this = old;
    rule_ = &rule;
    when_ = std::move(when);
    claims_ = std::move(claims);
    relaxing_ = state_ != RuleState::active && any_standing();
    hold_ = std::clamp(hold_, rule.hold_from, rule.hold_to);
}

bool RuleMachine::any_standing() const {
    return std::any_of(claims_.begin(), claims_.end(), [](const ClaimState& claim) { return claim.standing; });
}

}  // namespace memtuned::policy
