// SPDX-License-Identifier: GPL-2.0-or-later
//
// A rule file as it is written: plain structs that mirror its keys, with the place of each. Nothing here knows what a
// tunable or an expression means; that is the compiler's part.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/source.hpp"

namespace memtuned::rules {

enum class Bound : std::uint8_t { exactly, at_least, at_most };

/// An integer in the kernel's own unit, or an expression.
using ValueText = std::variant<std::int64_t, Text>;

struct ClaimText {
    Source source;
    std::string tunable;
    Bound bound = Bound::exactly;
    ValueText value;
    std::size_t tunable_at = 0;
    std::size_t value_at = 0;
};

struct RuleText {
    Source source;
    std::size_t at = 0;
    std::string name;
    std::size_t name_at = 0;
    std::string description;
    bool enabled = true;
    std::optional<std::int64_t> priority;
    std::size_t priority_at = 0;
    std::optional<Text> when, until, for_at_least, every, hold_from, hold_to;
    std::vector<ClaimText> set, step, relax, trigger;
};

/// A condition with a name, under which expressions may use it.
struct ConditionText {
    Source source;
    std::string name;
    std::size_t name_at = 0;
    Text text;
};

struct IncludeText {
    std::string name;
    std::size_t at = 0;
};

struct ProfileText {
    Source source;
    std::string description;
    std::vector<IncludeText> include;
    std::vector<ConditionText> conditions;
    std::vector<ClaimText> baseline;
    std::vector<RuleText> rules;
};

/// Reads a rule file's text. Whatever is wrong goes to `diagnostics`, and what is right is returned all the same, so
/// that the errors behind the first are found too; nothing is returned for a file that is not TOML.
std::optional<ProfileText> parse_profile(const Source& source, Diagnostics& diagnostics);

}  // namespace memtuned::rules
