// SPDX-License-Identifier: GPL-2.0-or-later
#include "toml.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace memtuned::rules {
namespace {

Position position(const toml::source_position& at) {
    return {at.line, at.column};
}

std::string_view type_name(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::table: return "a table";
        case toml::node_type::array: return "an array";
        case toml::node_type::string: return "a string";
        case toml::node_type::integer: return "an integer";
        case toml::node_type::floating_point: return "a number with a fraction";
        case toml::node_type::boolean: return "true or false";
        default: return "a date or a time";
    }
}

/// Just behind the string that begins at `at`, or none if it is not closed.
std::optional<std::size_t> string_end(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const bool multiline = text.substr(at, 3) == std::string(3, quote);
    const std::string close(multiline ? 3 : 1, quote);
    for (std::size_t i = at + close.size(); i < text.size(); ++i) {
        if (text[i] == '\n' && !multiline) break;
        if (text[i] == '\\' && quote == '"') {
            ++i;
        } else if (text.substr(i, close.size()) == close) {
            i += close.size();
            while (multiline && i < text.size() && text[i] == quote) ++i;  // """a quote at the end""""
            return i;
        }
    }
    return std::nullopt;
}

bool is_bare(char c) {
    constexpr std::string_view marks = "_-+.:=,[]{} \t\r\n";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || marks.find(c) != marks.npos;
}

struct Refusal {
    std::size_t at;
    std::string message;
    std::string help;
};

/// What the parser is spared. It builds a table in a table for each dot of a key, which by the hundred thousand
/// overflow the stack when they are freed; and of a forgotten quote, the commonest slip, it tells no more than that
/// something was unexpected, if a letter outside ASCII does not take toml++ 3.3 into undefined behaviour first.
std::optional<Refusal> refuse(std::string_view text) {
    int parts = 1;
    std::size_t at = text.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    while (at < text.size()) {
        const char c = text[at];
        if (c == '"' || c == '\'') {
            const std::optional<std::size_t> end = string_end(text, at);
            if (!end) return Refusal{at, "this quote is never closed", "a string ends with the quotes it began with"};
            at = *end;
            continue;
        }
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size());
            continue;
        }
        if (!is_bare(c))
            return Refusal{at, "a character that has no meaning outside quotes",
                           "put text and expressions in quotes"};
        if (c == '.' && ++parts > deepest_key)
            return Refusal{at, "a key of so many parts", "no key has so many; did a quote get lost?"};
        if (std::string_view("=,[]{}\n").find(c) != std::string_view::npos) parts = 1;
        ++at;
    }
    return std::nullopt;
}

}  // namespace

std::optional<toml::table> parse_toml(const Source& source, Diagnostics& diagnostics) {
    const std::size_t nul = source->text().find('\0');
    if (nul != std::string_view::npos) {
        diagnostics.error(source, nul, "this file is not text: it holds a NUL byte");
        return std::nullopt;
    }
    if (const std::optional<Refusal> refusal = refuse(source->text())) {
        diagnostics.error(source, refusal->at, "this is not TOML: " + refusal->message, refusal->help);
        return std::nullopt;
    }
    toml::parse_result result = toml::parse(source->text(), source->name());
    if (result) return std::move(result).table();
    const toml::parse_error& failure = result.error();
    const std::size_t at = source->offset(position(failure.source().begin));
    diagnostics.error(source, at, fmt::format("this is not TOML: {}", quote(failure.description(), 200)),
                      "what follows was not read; mend this first");
    return std::nullopt;
}

std::size_t Section::at(const toml::node& node) const {
    return source_->offset(position(node.source().begin));
}
std::size_t Section::at(const toml::key& key) const {
    return source_->offset(position(key.source().begin));
}

void Section::wrong_type(const toml::node& node, std::string_view key, std::string_view wanted,
                         std::string_view instead) const {
    error(at(node), fmt::format("`{}` is {}, here is {}", key, wanted, type_name(node)),
          fmt::format("write {}", instead));
}

std::optional<Text> Section::string(std::string_view key, std::string_view instead) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* text = node->as_string()) return text_at(source_, at(*node), text->get());
    wrong_type(*node, key, "a string", instead);
    return std::nullopt;
}

std::optional<std::int64_t> Section::integer(std::string_view key, std::string_view instead) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* number = node->as_integer()) return number->get();
    wrong_type(*node, key, "an integer", instead);
    return std::nullopt;
}

std::optional<bool> Section::boolean(std::string_view key) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* truth = node->as_boolean()) return truth->get();
    wrong_type(*node, key, "true or false", fmt::format("{} = false", key));
    return std::nullopt;
}

std::optional<Section> Section::section(std::string_view key, std::string_view instead) const {
    const toml::node* node = table_.get(key);
    if (node == nullptr) return std::nullopt;
    if (const auto* table = node->as_table()) return inner(*table, std::string(key));
    wrong_type(*node, key, "a table", instead);
    return std::nullopt;
}

std::optional<ValueText> Section::value(const toml::node& node) const {
    if (const auto* number = node.as_integer()) return number->get();
    if (const auto* text = node.as_string()) return text_at(source_, at(node), text->get());
    error(at(node),
          fmt::format("a value is an integer in the kernel's own unit or an expression in quotes, here is {}",
                      type_name(node)),
          node.is_floating_point() ? "write it in quotes, with its unit: \"64 MiB\", \"5%\"" : "");
    return std::nullopt;
}

void Section::refuse_unknown(const std::vector<std::string_view>& known) const {
    for (const auto& [key, node] : table_) {
        if (std::find(known.begin(), known.end(), key.str()) != known.end()) continue;
        const std::string_view close = nearest(key.str(), known);
        error(at(key), fmt::format("unknown key `{}` in {}", quote(key.str()), name_),
              close.empty() ? fmt::format("known here: {}", fmt::join(known, ", "))
                            : fmt::format("did you mean {}?", close));
    }
}

}  // namespace memtuned::rules
