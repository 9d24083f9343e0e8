// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/policy/tunable_machine.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace memtuned::policy {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using tunables::Outcome;
using tunables::Reading;

/// Four commitments A-B-A-B within this time are flapping; with a hold of 30 s a rule can not do it.
constexpr Duration flapping_within = seconds(60);
constexpr Duration frozen_for = minutes(10);

/// A write that was cut down to what the zones bear at that moment is tried again after this.
constexpr Duration look_for_room = minutes(1);

constexpr Duration first_retry = seconds(1);
constexpr Duration longest_retry = minutes(5);

std::string show(Duration duration) {
    return format_quantity(memtuned::seconds(duration), dimension::seconds);
}

}  // namespace

const char* to_string(TunableState state) {
    switch (state) {
        case TunableState::free: return "free";
        case TunableState::managed: return "managed";
        case TunableState::overridden: return "overridden";
        case TunableState::yielded: return "yielded";
        case TunableState::frozen: return "frozen";
        case TunableState::unavailable: return "unavailable";
    }
    return "";
}

Limits override_limits(const Reading& reading) {
    return {std::min(reading.hard_minimum, reading.boot),
            std::max(std::min(reading.hard_maximum, reading.ceiling), reading.boot)};
}

Event TunableMachine::event(Event::Kind kind, std::string text) const {
    return {kind, name_, std::move(text)};
}

Event TunableMachine::outside_change(std::int64_t ours, std::int64_t found, std::string text) const {
    return {Event::Kind::outside_change, name_, std::move(text), false, ours, found};
}

std::optional<Decision> TunableMachine::settle(const Target& target, const Reading& reading, Limits limits,
                                               const rules::TunableSettings& settings, Instant now,
                                               std::vector<Event>& events) {
    end_wait(target, now, events);
    if (owed_) return owed(reading, now);
    if (!target.claimed && !reading.ours) {
        rest(reading);
        return std::nullopt;
    }
    if (state_ == TunableState::yielded || !follow_availability(reading, events)) return std::nullopt;
    bool contested = false;
    if (held_ && reading.value != *held_) {
        contested = react(reading, settings, now, events);
        if (owed_) return owed(reading, now);
        if (state_ == TunableState::yielded) return std::nullopt;
    }
    held_ = reading.value;
    if (state_ != TunableState::frozen) {
        state_ = target.overridden() ? TunableState::overridden : TunableState::managed;
        commit(target, reading, limits, now, events);
    }
    if (contested && committed_ != reading.value) {
        remember(reading.value, source_, reading.boot, now, events);
        remember(committed_, source_, reading.boot, now, events);
    }
    return due(target, reading, now);
}

void TunableMachine::give_way(const Target& target, const Reading& reading, Instant now, std::vector<Event>& events) {
    end_wait(target, now, events);
    // With its own claims gone this is a release, which the twin's write carries out.
    if (target.claims == 0 && has_commitment_ && committed_ != reading.boot && !target.probing)
        remember(reading.boot, source_, reading.boot, now, events);
    rest(reading);
}

/// Ends a yield or a freeze whose time is over, or which an override goes over.
void TunableMachine::end_wait(const Target& target, Instant now, std::vector<Event>& events) {
    if (state_ != TunableState::yielded && state_ != TunableState::frozen) return;
    if (now < until_ && !(target.overridden() && target.source.index != waits_under_)) return;
    events.push_back(event(Event::Kind::state, fmt::format("no longer {}{}", to_string(state_),
                                                           target.claimed ? ": taken up again" : "")));
    state_ = TunableState::free;
    has_commitment_ = false;
    owed_.reset();
}

/// Nothing is to be done with it, and what happens to it is nobody's business here.
void TunableMachine::rest(const Reading& reading) {
    const bool lacking = state_ == TunableState::unavailable && !reading.available;
    if (state_ == TunableState::yielded || state_ == TunableState::frozen || lacking)
        forget();
    else
        let_go();
}

/// Whether it can be tuned at all; says so once when that changes.
bool TunableMachine::follow_availability(const Reading& reading, std::vector<Event>& events) {
    if (!reading.available && state_ != TunableState::unavailable) {
        state_ = TunableState::unavailable;
        events.push_back(
            event(Event::Kind::state,
                  fmt::format("unavailable: {}", system_error(std::string(info_->path), reading.error).message)));
    }
    if (reading.available && state_ == TunableState::unavailable) state_ = TunableState::free;
    return reading.available;
}

/// The tunable holds what nobody here wrote. Returns whether it is to be fought over.
bool TunableMachine::react(const Reading& reading, const rules::TunableSettings& settings, Instant now,
                           std::vector<Event>& events) {
    using rules::OnOutsideChange;
    const std::int64_t before = *held_;
    events.push_back(
        outside_change(before, reading.value,
                       reading.kernel_made
                           ? fmt::format("the kernel itself set {} in place of {}: not a wish of anybody's, going on",
                                         reading.value, before)
                           : fmt::format("somebody set {} in place of {}", reading.value, before)));
    // A frozen value was fought over, or flipped: whoever changes it now shall have it.
    const bool wished = !reading.kernel_made && settings.on_outside_change == OnOutsideChange::yield;
    if (state_ == TunableState::frozen || wished) {
        yield(reading, settings.yield_for, now, events);
        return false;
    }
    if (!reading.kernel_made && settings.on_outside_change == OnOutsideChange::rebase) {
        held_ = reading.value;
        has_commitment_ = false;
        if (reading.ours) owed_ = Debt{Decision::Order::rebase, before};
        return false;
    }
    take_back_ = reading.ours;
    arrived_ = false;
    return true;
}

void TunableMachine::yield(const Reading& reading, Duration length, Instant now, std::vector<Event>& events) {
    if (reading.ours) owed_ = Debt{Decision::Order::disown, *held_};
    forget();
    wait(TunableState::yielded, length, now);
    events.push_back(
        event(Event::Kind::state, fmt::format("yielded for {}: left at {}", show(length), reading.value)));
}

void TunableMachine::wait(TunableState state, Duration length, Instant now) {
    state_ = state;
    until_ = now + length;
    waits_under_ = source_.kind == Source::Kind::override_ ? source_.index : 0;
}

std::optional<Decision> TunableMachine::owed(const Reading& reading, Instant now) const {
    if (now < retry_at_) return std::nullopt;
    return Decision{owed_->order, index_, owed_->from, reading.value, {}, {}, name_};
}

void TunableMachine::commit(const Target& target, const Reading& reading, Limits limits, Instant now,
                            std::vector<Event>& events) {
    const Grounds grounds{target.value, target.low, target.high, target.claimed, target.claims, limits, reading.boot};
    const bool same = grounds == std::exchange(grounds_, grounds);
    if (has_commitment_ && same) return;
    const bool other_claims = !has_commitment_ || target.claims != claims_;
    if (target.overridden()) limits = override_limits(reading);
    const std::int64_t value = target.claimed ? clamped(target, limits, events) : reading.boot;
    const Limits range = range_of(target, limits);
    const bool allowed = !target.claimed || (committed_ >= limits.low && committed_ <= limits.high);
    const bool settled = within_dead_band(value, committed_) && within_dead_band(range.low, range_.low) &&
                         within_dead_band(range.high, range_.high);
    if (!other_claims && allowed && settled) return;
    const bool moved = !has_commitment_ || value != committed_;
    // What other values met with is no reason to keep a person waiting.
    if (moved && target.overridden()) retry_at_ = now;
    committed_ = value;
    range_ = range;
    if (target.claimed) source_ = target.source;
    claims_ = target.claims;
    has_commitment_ = true;
    arrived_ = false;
    if (moved) room_at_ = {};
    if (target.probing || target.overridden())
        recents_ = 0;
    else if (moved)
        remember(value, source_, reading.boot, now, events);
}

std::int64_t TunableMachine::clamped(const Target& target, Limits limits, std::vector<Event>& events) {
    const double wanted = target.value / info_->unit;
    const double inside = std::clamp(wanted, static_cast<double>(limits.low), static_cast<double>(limits.high));
    const bool outside = std::round(wanted) != std::round(inside);
    if (outside && clamp_said_of_ != target.source) {
        clamp_said_of_ = target.source;
        events.push_back(
            event(Event::Kind::clamped, fmt::format("{:.0f} is asked for, the limits are {} to {}: kept at {:.0f}",
                                                    wanted, limits.low, limits.high, inside)));
    }
    return static_cast<std::int64_t>(std::llround(inside));
}

/// Where the processes of a unit may go; of no meaning for a tunable of the machine, which has but one value.
Limits TunableMachine::range_of(const Target& target, Limits limits) const {
    if (!tunables::is_of_unit(index_) || !target.claimed) return {};
    const auto within = [&](double value) {
        return std::llround(std::clamp(value, static_cast<double>(limits.low), static_cast<double>(limits.high)));
    };
    return {std::isfinite(target.low) ? within(target.low) : info_->minimum,
            std::isfinite(target.high) ? within(target.high) : info_->maximum};
}

bool TunableMachine::within_dead_band(std::int64_t value, std::int64_t committed) const {
    const double moved = std::abs(static_cast<double>(value - committed));
    return moved <= static_cast<double>(info_->dead_band) ||
           moved <= info_->dead_band_share * std::abs(static_cast<double>(committed));
}

/// The order that brings it to where it is to go, or nearer, if one is due.
std::optional<Decision> TunableMachine::due(const Target& target, const Reading& reading, Instant now) {
    if (now < retry_at_ || (target.claimed && now < room_at_)) return std::nullopt;
    if (arrived_ && (target.claimed || !reading.ours)) return std::nullopt;
    if (writes_ > 0 && keeps_pace(target) && now - last_write_ < info_->least_interval) return std::nullopt;

    const std::int64_t next = keeps_pace(target) ? next_step() : committed_;
    const bool release = !target.claimed && next == reading.boot;
    const bool in_range = !tunables::is_of_unit(index_) || range_held_ == range_;
    if (next == reading.value && in_range && !release) {
        arrived_ = next == committed_;
        return std::nullopt;
    }
    const Decision::Order order = release      ? Decision::Order::release
                                  : take_back_ ? Decision::Order::take_back
                                               : Decision::Order::write;
    orders_override_ = target.overridden();
    return Decision{order, index_, reading.value, next, {}, {}, name_, range_.low, range_.high};
}

/// Towards the commitment by at most the greatest step. A twin's 0 is no place to start from or to stop at: it means
/// that the other twin rules.
std::int64_t TunableMachine::next_step() const {
    const std::int64_t from = *held_;
    if (info_->twin != tunables::no_twin && (from == 0 || committed_ == 0)) return committed_;
    const double value = static_cast<double>(from);
    const double up = std::max(value + static_cast<double>(info_->greatest_step), value * info_->greatest_factor);
    const double down = std::min(value - static_cast<double>(info_->greatest_step), value / info_->greatest_factor);
    return std::clamp(committed_, static_cast<std::int64_t>(std::ceil(down)),
                      static_cast<std::int64_t>(std::floor(up)));
}

/// Notes where the value is to go, and freezes it if it goes there and back and there and back.
void TunableMachine::remember(std::int64_t value, Source source, std::int64_t boot, Instant now,
                              std::vector<Event>& events) {
    std::rotate(recent_.begin(), recent_.begin() + 1, recent_.end());
    recent_.back() = {value, now};
    if (++recents_ < recent_.size()) return;
    const bool flips = recent_[0].value == recent_[2].value && recent_[1].value == recent_[3].value &&
                       recent_[0].value != recent_[1].value && now - recent_[0].at <= flapping_within;
    if (!flips) return;

    const std::int64_t a = recent_[2].value;
    const std::int64_t b = recent_[3].value;
    committed_ = std::llabs(a - boot) <= std::llabs(b - boot) ? a : b;
    arrived_ = false;
    wait(TunableState::frozen, frozen_for, now);
    recents_ = 0;
    flipping_ = source;
    events.push_back(
        event(Event::Kind::state, fmt::format("frozen at {} for {}: it flips between {} and {}, and that is the "
                                              "one nearer to the boot value",
                                              committed_, show(frozen_for), a, b)));
}

void TunableMachine::carried_out(const Decision& decision, const Outcome& outcome, Instant now,
                                 std::vector<Event>& events) {
    using Order = Decision::Order;
    if (outcome.kind == Outcome::Kind::written || outcome.kind == Outcome::Kind::observed) {
        note_write(decision, now);
        held_ = outcome.value;
    }
    // A release that the journal missed leaves the tunable ours: the next one mends that.
    const bool missed = decision.order == Order::release && !outcome.error.message.empty();
    if (outcome.kind == Outcome::Kind::failed || missed) return back_off(outcome, now, events);
    retry_after_ = Duration{0};
    failure_said_.clear();
    switch (decision.order) {
        case Order::write:
        case Order::take_back:
            if (outcome.kind == Outcome::Kind::foreign) {
                // What the order was made for was known, and meant to be gone over; else the next turn reacts to it.
                take_back_ = outcome.value == decision.from;
                return;
            }
            held_ = outcome.value;
            range_held_ = {decision.low, decision.high};
            arrived_ = decision.to == committed_ && outcome.value >= decision.to;
            if (outcome.value < decision.to) room_at_ = now + look_for_room;
            take_back_ = false;
            return;
        case Order::release:
            if (outcome.kind == Outcome::Kind::foreign)
                events.push_back(outside_change(
                    decision.from, outcome.value,
                    fmt::format("somebody set {} in place of {}: left there", outcome.value, decision.from)));
            if (state_ == TunableState::frozen)
                forget();
            else
                let_go();
            return;
        case Order::disown: owed_.reset(); return;
        case Order::rebase:
            owed_.reset();
            held_ = outcome.value;
            return;
        case Order::fire: return;
    }
}

void TunableMachine::back_off(const Outcome& outcome, Instant now, std::vector<Event>& events) {
    retry_after_ = std::clamp(retry_after_ * 2, first_retry, longest_retry);
    retry_at_ = now + retry_after_;
    if (failure_said_ == outcome.error.message) return;
    failure_said_ = outcome.error.message;
    events.push_back(event(Event::Kind::failed,
                           fmt::format("{}; trying again, at longer and longer intervals", outcome.error.message)));
}

void TunableMachine::note_write(const Decision& decision, Instant now) {
    last_write_ = now;
    override_wrote_ = orders_override_;
    ++writes_;
    reason_ = decision.reason;
}

void TunableMachine::forget() {
    held_.reset();
    range_held_.reset();
    has_commitment_ = false;
    arrived_ = false;
    take_back_ = false;
    claims_ = 0;
}

void TunableMachine::let_go() {
    forget();
    state_ = TunableState::free;
}

void TunableMachine::resume() {
    let_go();
    owed_.reset();
    retry_at_ = {};
    retry_after_ = Duration{0};
}

}  // namespace memtuned::policy
