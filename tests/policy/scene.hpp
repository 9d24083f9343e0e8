// SPDX-License-Identifier: GPL-2.0-or-later
//
// A scene for the policy: rules compiled from text as the daemon does it, a clock moved by hand, indicators set by
// name, and tunables that follow orders as the controller's do, twins and all, and fail or change hands as the test
// says. What was ordered and said is kept as text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/policy/policy.hpp"

namespace memtuned::test {

using namespace std::chrono_literals;
using policy::Decision;
using policy::Event;
using policy::Policy;
using policy::RuleMachine;
using policy::RuleState;
using policy::TunableState;
using tunables::Outcome;
using tunables::Reading;

/// What the controller is to the policy, without a kernel behind it.
class Tunables {
public:
    /// A new kernel's defaults.
    Tunables();

    std::span<const Reading> readings() const { return readings_; }
    Reading& operator[](std::string_view name);
    std::size_t index(std::string_view name) const;

    /// Other units than before: those of other names at a place are new, with a score of 0.
    void meet(std::span<const kernel::Unit> units);

    /// Somebody else writes; a twin is zeroed by that.
    void set(std::string_view name, std::int64_t value);
    /// Orders for `name` fail with `error` until it is 0.
    void fail(std::string_view name, int error);
    /// A write to `name` is lowered to this: the ceiling as it is then, of which the reading does not know yet.
    void cut_down(std::string_view name, std::int64_t most);
    Outcome carry_out(const Decision& decision);

private:
    struct Entry {
        std::int64_t boot = 0;
        std::int64_t twin_boot = 0;
        std::int64_t ours = 0;
    };

    Outcome act(Decision::Order order, std::size_t i, std::int64_t to);
    Outcome write(std::size_t i, std::int64_t value);
    Outcome release(std::size_t i);
    std::int64_t twin_value(std::size_t i) const;
    void assign(std::size_t i, std::int64_t value);
    void refresh();

    std::vector<Reading> readings_;
    std::vector<std::string> units_;           // their names by place
    std::vector<std::optional<Entry>> books_;  // in place of the undo journal
    std::vector<int> errors_;
    std::vector<std::int64_t> most_;
};

class Scene {
public:
    /// Throws what is wrong with the texts.
    explicit Scene(std::string_view rules, std::string_view configuration = "");

    // --- the machine ---

    Instant now{std::chrono::hours(1)};
    Tunables tunables;

    void set(std::string_view indicator, double value);
    void lack(std::string_view indicator, bool lacks = true);
    std::int64_t value(std::string_view tunable) const;
    /// These units are there from now on, by place; an empty name is a vacant place.
    void units(std::vector<std::string> names);
    void meet(std::vector<kernel::Unit> units);
    /// What service.* without an argument is for a unit.
    void set_own(std::string_view unit, std::string_view indicator, double value);
    void somebody_sets(std::string_view tunable, std::int64_t value) { tunables.set(tunable, value); }

    // --- time ---

    /// One turn now, carried out.
    void turn(bool gap = false);
    void after(Duration wait, bool gap = false);
    /// Turns every `step` until `length` from now, that one included.
    void run(Duration length, Duration step = std::chrono::milliseconds(100));

    // --- people ---

    std::uint64_t override_with(std::string_view tunable, std::int64_t value, std::optional<Duration> lifetime = {},
                                std::string reason = "because");
    void reload(std::string_view rules);
    void reload(std::string_view rules, std::string_view configuration);

    // --- what came of it ---

    Policy& policy() { return policy_; }
    const RuleMachine& rule(std::string_view name) const;
    RuleState state(std::string_view rule_name) const { return rule(rule_name).state(); }
    TunableState tunable_state(std::string_view tunable) const;

    /// What happened since it was last asked for, joined with "; ".
    std::string taken_orders();
    std::string taken_reasons();
    std::string taken_events();
    std::size_t times_said(std::string_view text) const;
    bool said(std::string_view text) const { return times_said(text) > 0; }
    void forget();

    std::vector<std::string> orders;   ///< "write vm.swappiness 60 -> 10"; of a unit with " (0 to 800)" behind it
    std::vector<std::string> reasons;  ///< "rule x: psi.memory.some.avg10 > 5% (psi.memory.some.avg10 = 7%)"
    std::vector<std::string> events;   ///< "vm.swappiness: yielded for 1h: left at 30"
    bool busy = false;
    std::function<void(const Decision&, const Outcome&)> on_decision;

private:
    std::optional<std::size_t> find_slot(std::string_view indicator) const;
    std::size_t slot(std::string_view indicator) const;
    void make_sample();
    void note(const Decision& decision);

    std::shared_ptr<const rules::Settings> settings_;
    Policy policy_;
    std::vector<double> values_;
    std::vector<std::uint8_t> unavailable_;
    std::vector<kernel::Unit> units_;
    std::vector<double> own_;
    indicators::Sample sample_{};  // the policy looks at it until the next turn
};

}  // namespace memtuned::test
