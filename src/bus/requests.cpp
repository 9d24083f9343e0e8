// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::bus {
namespace {

using policy::Override;

/// Longer is "until it is cleared" for all practical purposes, and the sum with a clock must not overflow.
constexpr std::chrono::hours longest_lifetime{24 * 365 * 10};
constexpr std::size_t longest_reason = 200;

/// Callers that hold something at the same time: each is a claim that is folded at every sample.
constexpr std::size_t most_overrides_of_one = 256;

std::string with_help(std::string message, std::string_view close) {
    return close.empty() ? message : fmt::format("{}; did you mean {}?", message, close);
}

[[noreturn]] void refuse(const char* name, const std::string& message) {
    throw make_error(name, message);
}

void take(const std::pair<Refusal, std::string>& outcome) {
    switch (outcome.first) {
        case Refusal::none: return;
        case Refusal::no_such_profile: refuse(error::no_such_profile, outcome.second);
        case Refusal::invalid_rules: refuse(error::invalid_rules, outcome.second);
    }
}

std::string reason_of(const Wish& wish, std::uint32_t user) {
    const std::string reason = rules::quote(wish.reason, longest_reason);
    return reason.empty() ? fmt::format("set by user {}", user) : fmt::format("{} (user {})", reason, user);
}

}  // namespace

std::size_t Requests::find(std::string_view name) {
    policy::Policy& policy = host_.policy();
    const std::optional<std::size_t> known = policy.find(name);
    if (known) {
        host_.refresh(*known);
        return *known;
    }
    std::vector<std::string_view> candidates;
    for (const tunables::Tunable& tunable : tunables::catalogue()) candidates.push_back(tunable.name);
    for (std::size_t place = 0; place < host_.units().size(); ++place)
        if (!host_.units()[place].name.empty()) candidates.push_back(policy.tunable(tunables::of_unit(place)).name());
    refuse(error::no_such_tunable,
           with_help(fmt::format("there is no tunable `{}`", rules::quote(name)), rules::nearest(name, candidates)));
}

std::size_t Requests::rule_number(std::string_view name) {
    const std::vector<rules::Rule>& rules = host_.policy().rule_set().rules;
    std::vector<std::string_view> candidates;
    for (std::size_t i = 0; i < rules.size(); ++i) {
        if (rules[i].name == name) return i;
        candidates.push_back(rules[i].name);
    }
    refuse(error::no_such_rule, with_help(fmt::format("profile {} has no rule `{}`",
                                                      host_.policy().rule_set().profile, rules::quote(name)),
                                          rules::nearest(name, candidates)));
}

void Requests::with_right(Answer<> answer, const std::string& sender, const char* action,
                          std::function<void(std::uint32_t)> then) {
    guarded(answer, [&] {
        authority_.ask(sender, action, [answer, then = std::move(then)](const Authority::Verdict& verdict) {
            guarded(answer, [&] {
                if (!verdict.user) refuse(error::not_authorized, verdict.refusal);
                then(*verdict.user);
            });
        });
    });
}

// --- overrides ---

void Requests::check(const Wish& wish, std::size_t tunable) {
    const tunables::Tunable& info = tunables::about(tunable);
    if (info.trigger)
        refuse(error::read_only,
               fmt::format("{} acts when it is written and holds no value that could be overridden", wish.tunable));
    const tunables::Reading& reading = host_.readings()[tunable];
    if (!reading.available)
        refuse(error::failed, fmt::format("{} is unavailable: {}", wish.tunable,
                                          tunables::is_of_unit(tunable)
                                              ? "the unit has no process that may be written"
                                              : system_error(std::string(info.path), reading.error).message));
    if (const std::string_view why = host_.policy().hands_off(tunable); !why.empty())
        refuse(error::read_only, fmt::format("{} is left alone: {}", wish.tunable, why));
    const policy::Limits limits = policy::override_limits(reading);
    if (wish.value < limits.low || wish.value > limits.high)
        refuse(error::out_of_range, fmt::format("{} is not within {} and {}, which is what {} takes on this machine",
                                                wish.value, limits.low, limits.high, wish.tunable));
    const std::chrono::microseconds longest = longest_lifetime;
    if (wish.lifetime_us > static_cast<std::uint64_t>(longest.count()))
        refuse(error::out_of_range, "an override lasts ten years at most; with 0 it lasts until it is cleared");
    const auto held = std::count_if(host_.policy().overrides().begin(), host_.policy().overrides().end(),
                                    [tunable](const Override& o) { return o.tunable == tunable; });
    if (static_cast<std::size_t>(held) >= most_overrides_of_one)
        refuse(error::busy, fmt::format("{} has {} overrides already; clear them first", wish.tunable, held));
}

void Requests::override_tunable(Answer<> answer, const std::string& sender, Wish wish) {
    guarded(answer, [&] {
        check(wish, find(wish.tunable));
        with_right(answer, sender, action::override_,
                   [this, answer, sender, wish](std::uint32_t user) { carry_out(answer, sender, wish, user); });
    });
}

/// Checked once more: a person may have thought about it for minutes.
void Requests::carry_out(const Answer<>& answer, const std::string& sender, const Wish& wish, std::uint32_t user) {
    const std::size_t tunable = find(wish.tunable);
    check(wish, tunable);
    std::optional<Instant> expires;
    if (wish.lifetime_us > 0) expires = BootClock::now() + std::chrono::microseconds(wish.lifetime_us);
    const std::uint64_t id = host_.policy().add_override(tunable, wish.value, expires, reason_of(wish, user),
                                                         wish.while_connected ? sender : std::string());
    answer_after_turn({answer, tunable, id});
}

void Requests::answer_after_turn(Waiting waiting) {
    waiting_.push_back(std::move(waiting));
    host_.wake();
}

/// What could not be written is taken back, or it would come into force at some time that nobody expects.
void Requests::turn_taken() {
    for (const Waiting& one : std::exchange(waiting_, {})) {
        if (one.tunable == policy::no_tunable) {
            one.answer.give();
            continue;
        }
        const std::string failure = host_.policy().tunable(one.tunable).failure();
        const Override* const in_force = host_.policy().override_of(one.tunable);
        if (failure.empty() || in_force == nullptr || in_force->id != one.id) {
            one.answer.give();
            continue;
        }
        host_.policy().clear_override(one.id);
        one.answer.refuse(make_error(error::failed, failure));
    }
    if (want_indicators_.empty()) return;
    const auto values = host_.indicators();
    if (!values) return;
    for (const auto& answer : std::exchange(want_indicators_, {})) answer.give(*values);
}

void Requests::clear_override(Answer<> answer, const std::string& sender, const std::string& tunable) {
    with_right(answer, sender, action::override_, [this, answer, tunable](std::uint32_t) {
        if (host_.policy().clear_overrides(tunable) == 0) {
            find(tunable);
            refuse(error::failed, fmt::format("{} is not overridden", tunable));
        }
        answer_after_turn({answer});
    });
}

void Requests::release(Answer<> answer, const std::string& sender, const std::string& tunable) {
    guarded(answer, [&] {
        find(tunable);
        with_right(answer, sender, action::override_, [this, answer, tunable](std::uint32_t) {
            const std::size_t number = find(tunable);
            const policy::TunableState state = host_.policy().tunable(number).state();
            if (state != policy::TunableState::yielded && state != policy::TunableState::frozen)
                refuse(error::failed,
                       fmt::format("{} is neither yielded nor frozen, but {}", tunable, policy::to_string(state)));
            host_.policy().resume(number);
            answer_after_turn({answer});
        });
    });
}

void Requests::forget(const std::string& sender) {
    authority_.forget(sender);
    if (host_.policy().clear_overrides_of(sender) > 0) host_.wake();
}

// --- the daemon as a whole ---

void Requests::switch_profile(Answer<> answer, const std::string& sender, const std::string& name) {
    with_right(answer, sender, action::switch_profile, [this, answer, name](std::uint32_t) {
        take(host_.switch_profile(name));
        answer_after_turn({answer});
    });
}

void Requests::set_mode(Answer<> answer, const std::string& sender, const std::string& mode) {
    guarded(answer, [&] {
        if (mode != "enforce" && mode != "observe")
            refuse(error::out_of_range,
                   fmt::format("there is no mode `{}`, only enforce and observe", rules::quote(mode)));
        const auto wanted = mode == "enforce" ? tunables::Mode::enforce : tunables::Mode::observe;
        with_right(answer, sender, action::switch_profile, [this, answer, wanted](std::uint32_t) {
            if (const Status set = host_.set_mode(wanted); !set) refuse(error::failed, set.error().message);
            answer_after_turn({answer});
        });
    });
}

void Requests::reload(Answer<> answer, const std::string& sender) {
    with_right(answer, sender, action::reload, [this, answer](std::uint32_t) {
        take(host_.reload());
        answer_after_turn({answer});
    });
}

void Requests::enable_rule(Answer<> answer, const std::string& sender, const std::string& rule, bool enabled) {
    guarded(answer, [&] {
        rule_number(rule);
        with_right(answer, sender, action::switch_profile, [this, answer, rule, enabled](std::uint32_t) {
            enable_rule_now(rule, enabled);
            answer_after_turn({answer});
        });
    });
}

void Requests::enable_rule_now(const std::string& rule, bool enabled) {
    const std::size_t number = rule_number(rule);
    if (host_.policy().rule_set().rules[number].when.code.empty())
        refuse(error::failed, fmt::format("rule {} has no condition yet: complete it in {} first", rule,
                                          host_.policy().rule_set().rules[number].file));
    host_.policy().enable_rule(number, enabled, BootClock::now());
    host_.wake();
}

void Requests::get_indicators(Answer<std::map<std::string, double>> answer) {
    guarded(answer, [&] {
        if (const auto values = host_.indicators())
            answer.give(*values);
        else
            want_indicators_.push_back(std::move(answer));
    });
}

}  // namespace memtuned::bus
