// SPDX-License-Identifier: GPL-2.0-or-later
//
// toml++ as this room uses it: errors as values, and the few steps from a node to a checked field that the files an
// administrator writes have in common.
#pragma once

#define TOML_EXCEPTIONS 0
#define TOML_MAX_NESTED_VALUES 16  // what is freed by recursion must not take the stack with it
#include <toml++/toml.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/profile_text.hpp"
#include "memtuned/rules/source.hpp"

namespace memtuned::rules {

/// The document in `source`, or nothing and an error.
std::optional<toml::table> parse_toml(const Source& source, Diagnostics& diagnostics);

/// More parts than any key of ours has: "tunable.vm.swappiness.max".
inline constexpr int deepest_key = 8;

/// A table of a file, with what is needed to say what is wrong with it.
class Section {
public:
    Section(const Source& source, Diagnostics& diagnostics, const toml::table& table, std::string name)
        : source_(source), diagnostics_(diagnostics), table_(table), name_(std::move(name)) {}

    const Source& source() const { return source_; }
    const toml::table& table() const { return table_; }
    std::size_t at(const toml::node& node) const;
    std::size_t at(const toml::key& key) const;

    /// The field, if it is there and a string, an integer, a truth value, a table; an error if it is of another type.
    /// `instead` says what to write.
    std::optional<Text> string(std::string_view key, std::string_view instead) const;
    std::optional<std::int64_t> integer(std::string_view key, std::string_view instead) const;
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<Section> section(std::string_view key, std::string_view instead) const;
    std::optional<ValueText> value(const toml::node& node) const;

    /// An error for each key that is not in `known`.
    void refuse_unknown(const std::vector<std::string_view>& known) const;

    void error(std::size_t offset, std::string message, std::string help = {}) const {
        diagnostics_.error(source_, offset, std::move(message), std::move(help));
    }
    Section inner(const toml::table& table, std::string name) const {
        return {source_, diagnostics_, table, std::move(name)};
    }

private:
    void wrong_type(const toml::node& node, std::string_view key, std::string_view wanted,
                    std::string_view instead) const;

    const Source& source_;
    Diagnostics& diagnostics_;
    const toml::table& table_;
    std::string name_;
};

}  // namespace memtuned::rules
