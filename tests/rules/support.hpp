// SPDX-License-Identifier: GPL-2.0-or-later
//
// Steps that the tests of the rules' room have in common: text in, rendered diagnostics or a compiled thing out.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memtuned/rules/expression_compiler.hpp"
#include "memtuned/rules/profile_text.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/rules/settings.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::rules {

inline Source make_source(std::string text, std::string name = "test.toml") {
    return std::make_shared<const SourceFile>(std::move(name), std::move(text));
}

/// 16 GiB, 4 GiB of swap on zram, 4 zones, 2 nodes.
inline Surroundings some_machine() {
    constexpr double gib = 1024.0 * 1024 * 1024;
    indicators::Machine machine;
    machine.memory_bytes = 16 * gib;
    machine.swap_bytes = 4 * gib;
    machine.zones = 4;
    machine.nodes = 2;
    return {machine, std::chrono::seconds(2)};
}

/// The string that `literal`, quotes and all, stands for. `value` is what a TOML parser makes of it.
inline Text text_of_literal(std::string literal, std::string value) {
    return text_at(make_source(std::move(literal), "rule"), 0, std::move(value));
}

/// An expression as if it stood in single quotes at the beginning of a file "rule": character i, from 0, is in column
/// i + 4.
inline Text expression_text(const std::string& text) {
    return text_of_literal("'''" + text + "'''", text);
}

struct Checked {
    std::optional<Compiled> compiled;
    Needs needs;
    std::string diagnostics;
};

inline Checked check_expression(const std::string& text, const Purpose& purpose,
                                const Surroundings& surroundings = some_machine()) {
    Checked checked;
    Diagnostics diagnostics;
    checked.compiled = compile_expression(expression_text(text), purpose, surroundings, checked.needs, diagnostics);
    checked.diagnostics = diagnostics.render_all();
    return checked;
}

struct CheckedProfile {
    std::optional<RuleSet> rules;
    std::string diagnostics;
};

inline CheckedProfile check_profile(std::string text, const Surroundings& surroundings = some_machine()) {
    Diagnostics diagnostics;
    CheckedProfile checked;
    if (const std::optional<ProfileText> profile = parse_profile(make_source(std::move(text)), diagnostics))
        checked.rules = compile_profile("test", *profile, Settings{}, surroundings, diagnostics);
    checked.diagnostics = diagnostics.render_all();
    return checked;
}

/// A text as it stands in a test, between R"( and )": without the line break that begins it.
inline std::string test_text(std::string_view text) {
    if (text.starts_with('\n')) text.remove_prefix(1);
    return std::string(text);
}

/// `diagnostics` without the list of all tunables, which grows.
inline std::string without_list(std::string diagnostics) {
    std::string list;
    for (const tunables::Tunable& tunable : tunables::catalogue()) list += std::string(tunable.name) + ", ";
    list += tunables::oom_score_adj().name;
    for (std::size_t at; (at = diagnostics.find(list)) != std::string::npos;)
        diagnostics.replace(at, list.size(), "(all tunables)");
    return diagnostics;
}

inline std::string settings_diagnostics(std::string text) {
    Diagnostics diagnostics;
    parse_settings(make_source(std::move(text), "memtuned.toml"), diagnostics);
    return diagnostics.render_all();
}

}  // namespace memtuned::rules
