// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a profile compiles to: checked, in order of strength, ready to be run at every sample.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/rules/expression.hpp"
#include "memtuned/rules/expression_compiler.hpp"
#include "memtuned/rules/profile_text.hpp"
#include "memtuned/rules/settings.hpp"

namespace memtuned::rules {

/// A wish for one tunable. Values are in the base unit of the tunable's dimension.
struct Claim {
    std::size_t tunable = 0;
    Bound bound = Bound::exactly;
    bool step = false;  ///< integrates: recomputed from `current` every `Rule::every`, not at each sample
    Program value;
    std::optional<Program> relax;  ///< on release the claim is given back in such steps
};

/// The same for the oom_score_adj of all units that a pattern means (names_unit). It is a level.
struct UnitClaim {
    std::string units;
    Bound bound = Bound::exactly;
    Program value;
};

struct TriggerClaim {
    std::size_t tunable = 0;
    Program value;
};

struct Rule {
    std::string name;
    std::string description;
    std::string file;
    std::string when_text;
    bool enabled = true;
    int priority = 50;
    Program when;
    std::optional<Program> until;  ///< releases; without it the rule releases when `when` is false
    Duration for_at_least{0};
    Duration hold_from{0};
    Duration hold_to{0};  ///< hold_from where the hold does not grow
    Duration every{0};
    std::vector<Claim> claims;
    std::vector<UnitClaim> unit_claims;
    std::vector<TriggerClaim> triggers;
    std::vector<std::uint32_t> needs;  ///< slots whose lack makes the rule unavailable
};

/// An administrator's limit of a tunable, in place of the safe one.
struct Limit {
    std::size_t tunable = 0;
    bool maximum = false;
    Program value;
};

struct RuleSet {
    std::string profile;
    std::string description;
    std::vector<indicators::Key> keys;  ///< what to sample; a program's slots are indices into it
    std::vector<Window> windows;
    std::vector<std::size_t> own;  ///< indicators to sample of every unit: indices into the indicators' catalogue
    std::vector<Claim> baseline;
    std::vector<UnitClaim> unit_baseline;
    std::vector<Rule> rules;  ///< from the weakest: by priority, then in the order of the files
    std::vector<Limit> limits;

    /// Whether units are to be looked at: some claim or condition is about them.
    bool about_units() const;
};

/// Checks and compiles a whole profile together with the limits of `settings`. All errors go to `diagnostics`; with
/// any nothing is returned. Warnings do not stop it.
std::optional<RuleSet> compile_profile(const std::string& name, const ProfileText& profile, const Settings& settings,
                                       const Surroundings& surroundings, Diagnostics& diagnostics);

}  // namespace memtuned::rules
