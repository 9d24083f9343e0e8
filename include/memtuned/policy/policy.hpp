// SPDX-License-Identifier: GPL-2.0-or-later
//
// The policy: (sample, rule states, overrides, now) -> decisions. No I/O, no clock, no log, and no allocation in a
// turn that decides nothing; handed the same samples it decides the same, which is what replay and tests stand on.
//
// A tunable's target is a fold over its claims from the weakest to the strongest: boot value, baseline, active rules
// by priority and then in file order, override. An exact claim replaces the value so far, at_least and at_most bound
// it.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/indicators/sample.hpp"
#include "memtuned/policy/decision.hpp"
#include "memtuned/policy/rule_machine.hpp"
#include "memtuned/policy/trends.hpp"
#include "memtuned/policy/tunable_machine.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/rules/settings.hpp"
#include "memtuned/tunables/controller.hpp"

namespace memtuned::policy {

/// A claim made by a person or a program while the daemon runs, in kernel units.
struct Override {
    std::uint64_t id;
    std::size_t tunable;
    std::int64_t value;
    std::optional<Instant> expires;  ///< none: until it is cleared
    std::string reason;
    std::string unit;    ///< of an oom_score_adj: while it is not there, `tunable` is `no_tunable`
    std::string holder;  ///< whose leaving ends it; empty: nobody's
};

inline constexpr std::size_t no_tunable = std::numeric_limits<std::size_t>::max();

/// One claim to a tunable, in kernel units.
struct Standing {
    std::string source;  ///< "boot value", "baseline of balanced", "rule grow-reserve", "override"
    rules::Bound bound = rules::Bound::exactly;
    std::int64_t value = 0;
    std::string reason;
};

/// What could change a tunable, and when: "rule grow-reserve", "claims it when ...".
struct Prospect {
    std::string source;
    std::string text;
};

/// What one turn came to. Valid until the next turn, `events` until the first decision is reported as carried out.
struct Turn {
    std::span<const Decision> decisions;
    std::span<const Event> events;
    bool busy;  ///< a rule is pending or active, or gives back
};

class Policy {
public:
    Policy(std::shared_ptr<const rules::RuleSet> rules, std::shared_ptr<const rules::Settings> settings);

    /// Goes on where `old` was: overrides, tunables and the rules of the same name keep their state.
    void adopt(const Policy& old);

    /// The units there are now, by place. To be called when some came or went, before the next readings are taken:
    /// tunables() is another after it.
    void meet(std::span<const kernel::Unit> units);

    /// One turn with a sample taken for `rule_set().keys` and the readings of all tunables.
    Turn turn(const indicators::Sample& sample, std::span<const tunables::Reading> readings);

    /// What became of a decision. What it says is added to the events of the turn.
    void carried_out(const Decision& decision, const tunables::Outcome& outcome, Instant now);
    /// The events so far: those of the turn, and of what was carried out since.
    std::span<const Event> events() const { return events_; }

    /// The later of two overrides of one tunable wins, the earlier comes back when it ends. Gone for good are those
    /// that would end no later than this one, and the same holder's. Not for triggers.
    std::uint64_t add_override(std::size_t tunable, std::int64_t value, std::optional<Instant> expires,
                               std::string reason, std::string holder = {});
    /// Takes up those of a former run, the earliest first. One for a unit is in force when the unit is there.
    void bring_back(std::span<const Override> overrides);
    bool clear_override(std::uint64_t id);
    /// All of one tunable, also of a unit that is not there at present, or of one holder. Return how many there were.
    std::size_t clear_overrides(std::string_view name);
    std::size_t clear_overrides_of(std::string_view holder);
    /// Takes up again what was yielded or frozen.
    void resume(std::size_t tunable);
    /// Switches a rule on or off, as RuleMachine::enable().
    void enable_rule(std::size_t rule, bool enabled, Instant now);

    /// The tunables that can be claimed at all, and so are worth reading.
    std::span<const std::size_t> tunables() const { return claimable_; }
    const rules::RuleSet& rule_set() const { return *rules_; }
    std::span<const RuleMachine> rules() const { return machines_; }
    const TunableMachine& tunable(std::size_t index) const { return tunables_[index]; }
    /// Why a rule came into its state, with the figures of that moment; empty if it never left its first one.
    const std::string& rule_reason(std::size_t rule) const { return rule_reasons_[rule]; }
    /// The number of a tunable that is known by this name: one of the catalogue, or of a unit that is there.
    std::optional<std::size_t> find(std::string_view name) const;
    /// Why nobody may override it, for a person: a unit that must never be written. Empty if it may be.
    std::string_view hands_off(std::size_t tunable) const {
        return tunables::is_of_unit(tunable) ? hands_off_[tunables::place_of(tunable)] : std::string_view();
    }
    std::span<const Override> overrides() const { return overrides_; }
    /// The override in force.
    const Override* override_of(std::size_t tunable) const;

    // What follows is for people: figures are those of the last turn.

    /// The claims to a tunable from the weakest, which is its boot value, to the strongest. The reading is handed in,
    /// for the policy has none of what nobody claims.
    std::vector<Standing> explain(std::size_t tunable, const tunables::Reading& reading) const;
    std::vector<Prospect> outlook(std::size_t tunable, Instant now) const;
    /// Who decides on a tunable: "rule grow-reserve"; empty if nobody claims it.
    std::string source(std::size_t tunable) const;
    /// What the condition of a rule looks at: "reclaim.direct_stalls = 42/s".
    std::string figures(std::size_t rule) const;
    /// How near the condition of a rule is to holding, see Program::nearness.
    double nearness(std::size_t rule) const;

private:
    /// When a trigger last fired, and for which rule.
    struct Firing {
        std::optional<Instant> at;
        std::uint32_t rule = 0;
    };

    /// The units that a claim is for at present, each with its last good value.
    struct UnitValue {
        std::size_t tunable;
        double value = indicators::no_data;
        std::uint64_t activation = 0;  ///< of the rule, when the value was made
    };
    struct UnitClaimed {
        const rules::UnitClaim* claim;
        std::vector<UnitValue> units;
    };

    void settle_in(std::span<const kernel::Unit> units);
    static void forget(std::vector<UnitClaimed>& claims, std::size_t tunable);
    void match(std::vector<UnitClaimed>& claims, std::span<const kernel::Unit> units);
    void match(UnitClaimed& claimed, std::span<const kernel::Unit> units);
    void leave_alone(const rules::UnitClaim& claim, const kernel::Unit& unit);
    void find_claimable();
    void fold_units(UnitClaimed& claimed, Source source, std::uint64_t activation, std::uint64_t id);
    void read(std::span<const tunables::Reading> readings);
    void fold_baseline();
    void fold_rules(const indicators::Sample& sample);
    void fold_rule(std::uint32_t index, Instant now);
    Ground ground(const rules::Claim& claim) const;
    void fold_overrides(Instant now);
    void fire(std::uint32_t index, Instant now);
    bool triggers_rested(const rules::Rule& rule, Instant now) const;
    void apply(std::size_t tunable, rules::Bound bound, double value, Source source, std::uint64_t claim);
    void settle_twins();
    bool changed_hands(std::size_t tunable) const;
    bool gives_way(std::size_t tunable) const;
    void settle(std::size_t tunable, Instant now);
    void claim_tunable(std::size_t tunable);
    Limits limits(std::size_t tunable) const;
    void adopt_baseline(const Policy& old);
    void give_reason(Decision& decision, Source source, bool claimed) const;
    std::string source_name(Source source) const;
    std::string reason(Source source, bool claimed) const;
    void append_units(const std::vector<UnitClaimed>& claims, std::size_t tunable, const Standing& like,
                      std::uint64_t activation, std::vector<Standing>& standing) const;
    bool concerns(std::size_t rule, std::size_t tunable) const;
    std::string prospect(std::size_t rule, std::size_t tunable, Instant now) const;
    bool has_figures() const { return scope_.sample != nullptr; }
    std::string shown(const rules::Program& condition) const;
    const Override* find_override(std::uint64_t id) const;
    void suspend_rule(Source source, Instant now);
    void note_rule(const RuleMachine& machine, RuleState before);
    std::string released_by(const rules::Rule& rule) const;
    std::string lacking(const rules::Rule& rule, const indicators::Sample& sample) const;
    bool lacks(const rules::Rule& rule, const indicators::Sample& sample) const;

    std::shared_ptr<const rules::RuleSet> rules_;
    std::shared_ptr<const rules::Settings> settings_;
    WindowTrends trends_;
    std::vector<RuleMachine> machines_;
    std::vector<std::string> rule_reasons_;
    std::vector<UnitClaimed> baseline_units_;
    std::vector<std::vector<UnitClaimed>> rule_units_;  // by rule; empty where no rule claims a unit
    std::vector<std::string> unit_names_;               // by place
    std::vector<bool> users_units_;                     // by place
    std::vector<std::string_view> hands_off_;           // by place
    std::vector<std::string> left_alone_;               // what was said of units that must never be written
    std::vector<TunableMachine> tunables_;
    std::vector<Firing> firings_;
    std::vector<std::size_t> claimable_;
    std::vector<Override> overrides_;
    std::uint64_t last_override_ = 0;

    // Indexed by tunable.
    std::vector<tunables::Reading> readings_;
    std::vector<Target> targets_;
    std::vector<double> baselines_;
    std::vector<double> in_force_;  // what the claims added up to in the last turn, NaN without any

    std::vector<double> baseline_levels_;  // last good value of each baseline claim
    rules::Scope scope_;
    std::vector<Decision> decisions_;
    std::vector<Event> events_;
    std::vector<Event> events_before_;  // what is to be said with the next turn
    bool any_unavailable_ = false;
    bool busy_ = false;
};

}  // namespace memtuned::policy
