// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/indicators/bounds.hpp"
#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/expression.hpp"
#include "memtuned/rules/source.hpp"

namespace memtuned::rules {

/// What a set of compiled expressions reads; instructions refer to it by index.
struct Needs {
    std::vector<indicators::Key> keys;
    std::vector<Window> windows;
    std::vector<std::size_t> own;  ///< indicators wanted of every unit: catalogue indices

    std::uint32_t own_number(std::size_t indicator);
    std::uint32_t slot(const indicators::Key& key);
    std::uint32_t window(const Window& window);
};

/// What an expression finds there: the machine and how it is sampled, for warnings, and conditions it may use by
/// name.
struct Surroundings {
    indicators::Machine machine;
    Duration idle_interval = std::chrono::seconds(2);
    std::map<std::string, Text, std::less<>> conditions = {};
};

/// What an expression is for: which dimension it must have, and which names of its tunable it may use.
struct Purpose {
    bool condition = false;             ///< true or false is wanted; the rest is ignored
    Dimension dimension = {};           ///< of the value
    std::string_view subject = "this";  ///< whose value it is, for messages: "vm.swappiness", "a duration"
    bool boot = false;
    bool baseline = false;
    bool current = false;
    bool constant = false;  ///< must not depend on anything measured
    bool unit = false;      ///< it is for one unit: service.* without an argument means that one
};

/// `indicator < number` anywhere in a condition: what trips it and what releases it.
struct Threshold {
    std::uint32_t slot;
    bool rising;  ///< holds when the indicator is above
    double value;
};

struct Compiled {
    Program program;
    double lowest;  ///< bounds of the value, as far as they are known
    double highest;
    std::vector<Threshold> thresholds;
    std::vector<std::uint32_t> needs;    ///< slots without which it means nothing
    std::vector<std::uint32_t> guarded;  ///< slots it asks available() of
};

/// Windows longer than this would hold tens of thousands of samples.
inline constexpr Duration longest_window = std::chrono::hours(1);

/// Whether the language has a use for this name already: for an indicator, a function, or a word of its own.
bool is_taken(std::string_view name);

/// Checks and compiles `text`; on errors everything found goes to `diagnostics` and nothing is returned.
std::optional<Compiled> compile_expression(const Text& text, const Purpose& purpose, const Surroundings& surroundings,
                                           Needs& needs, Diagnostics& diagnostics);

}  // namespace memtuned::rules
