// SPDX-License-Identifier: GPL-2.0-or-later
//
// The life of one rule: idle -> pending (for) -> active -> (until, hold) -> idle; besides disabled, unavailable and
// suspended. And what it claims meanwhile: a level, a value that steps, or one that is being given back.
//
// A rule that only its `hold` keeps active takes no further steps: the reason for them is gone, and a hold that has
// grown to minutes would run every step to its limit.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/indicators/sample.hpp"
#include "memtuned/rules/rule_set.hpp"

namespace memtuned::policy {

enum class RuleState : std::uint8_t { idle, pending, active, disabled, unavailable, suspended };

const char* to_string(RuleState state);

/// What a claim stands on in one turn, in base units.
struct Ground {
    rules::Scope scope;  ///< `current` is the tunable's value under this claim
    double low = 0;      ///< the limits within which a step may go
    double high = 0;
    double unit = 1;                        ///< one kernel unit
    double in_force = indicators::no_data;  ///< what all claims added up to in the last turn
    bool still = false;                     ///< the tunable does not follow at present: a step would only wind up
};

class RuleMachine {
public:
    /// `rule` must outlive the machine.
    explicit RuleMachine(const rules::Rule& rule);

    /// One turn: looks at the conditions and changes state if it is due. Returns whether it did.
    /// `unavailable`: an indicator that the rule needs does not exist here.
    bool advance(const rules::Scope& scope, bool unavailable, Instant now);

    /// Brings a claim up to date and returns whether it stands; `value` is then what it asks for, in base units.
    bool claim(std::size_t index, const Ground& ground, Instant now, double& value);

    /// Whether the triggers are due.
    bool trigger_due(Instant now) const;
    void fired(Instant now);
    /// What was fired did not come off: it is due again after `every`, should the rule still be active.
    void misfired() { fire_pending_ = state_ == RuleState::active; }

    void suspend(Instant now, Instant until);
    /// Switches the rule off, which gives back at once what it claims, or on again; whatever its file says.
    void enable(bool enabled, Instant now);
    /// Takes over the state of the machine of the same rule before a reload, as far as both claim the same.
    void adopt(const RuleMachine& old);

    const rules::Rule& rule() const { return *rule_; }
    RuleState state() const { return state_; }
    Instant since() const { return since_; }
    Duration hold() const { return hold_; }
    Instant suspended_until() const { return suspended_until_; }
    /// What a claim asks for at present, in base units; none while it does not stand.
    std::optional<double> standing(std::size_t claim) const;
    std::uint64_t activations() const { return activations_; }
    /// Its hold doubles as long as it fires again soon after a release, and is not too short to begin with: what goes
    /// there and back by it is a probe, and no flapping.
    bool probing() const { return hold_ >= shortest_probe && hold_ < rule_->hold_to; }
    /// A claim is being given back step by step.
    bool relaxing() const { return relaxing_; }
    /// It acts, or is about to.
    bool busy() const { return state_ == RuleState::pending || state_ == RuleState::active || relaxing_; }

    /// The hold with which feedback on direct-reclaim stalls was measured to settle.
    static constexpr Duration shortest_probe = std::chrono::seconds(4);

private:
    struct ClaimState {
        double value = 0;
        bool standing = false;
        Instant stepped{};
    };

    void enter(RuleState state, Instant now);
    void activate(Instant now);
    void release(Instant now);
    void drop_claims();
    bool any_standing() const;
    void step(ClaimState& state, const rules::Program& program, const Ground& ground, Instant now) const;
    bool relax(ClaimState& state, const rules::Program& program, const Ground& ground, Instant now);

    const rules::Rule* rule_;
    rules::Program when_;  // the rule's, without its words: side by side they are read in half the time
    std::vector<ClaimState> claims_;
    Instant since_{};
    Instant given_back_{};  // when it was released, or the last step of giving back
    Instant suspended_until_{};
    Instant fired_{};
    Duration hold_{0};
    std::uint64_t activations_ = 0;
    RuleState state_ = RuleState::idle;
    std::optional<bool> switched_;  // on or off, by a person
    bool driven_ = false;           // active for its condition's sake, not only for its hold's
    bool relaxing_ = false;         // it is not active and a claim stands
    bool ever_released_ = false;
    bool ever_fired_ = false;
    bool fire_pending_ = false;
};

}  // namespace memtuned::policy
