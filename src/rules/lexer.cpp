// SPDX-License-Identifier: GPL-2.0-or-later
#include "lexer.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cmath>

#include "memtuned/rules/diagnostic.hpp"

namespace memtuned::rules {
namespace {

struct Unit {
    std::string_view name;
    double size;
    Dimension dimension;
};

const std::array units{
    Unit{"%", 0.01, dimension::ratio},
    Unit{"B", 1, dimension::bytes},
    Unit{"KiB", 1024, dimension::bytes},
    Unit{"MiB", 1024.0 * 1024, dimension::bytes},
    Unit{"GiB", 1024.0 * 1024 * 1024, dimension::bytes},
    Unit{"TiB", 1024.0 * 1024 * 1024 * 1024, dimension::bytes},
    Unit{"pages", static_cast<double>(::sysconf(_SC_PAGESIZE)), dimension::bytes},
    Unit{"us", 1e-6, dimension::seconds},
    Unit{"ms", 1e-3, dimension::seconds},
    Unit{"s", 1, dimension::seconds},
    Unit{"min", 60, dimension::seconds},
    Unit{"h", 3600, dimension::seconds},
    Unit{"d", 86400, dimension::seconds},
};

/// What people write for a unit, and what it is called here.
struct Mistaken {
    std::string_view wrong;
    std::string_view right;
};
constexpr std::array mistaken{
    Mistaken{"kB", "KiB"},   Mistaken{"KB", "KiB"},      Mistaken{"kb", "KiB"},  Mistaken{"k", "KiB"},
    Mistaken{"K", "KiB"},    Mistaken{"kib", "KiB"},     Mistaken{"MB", "MiB"},  Mistaken{"mb", "MiB"},
    Mistaken{"M", "MiB"},    Mistaken{"mib", "MiB"},     Mistaken{"GB", "GiB"},  Mistaken{"gb", "GiB"},
    Mistaken{"G", "GiB"},    Mistaken{"gib", "GiB"},     Mistaken{"TB", "TiB"},  Mistaken{"T", "TiB"},
    Mistaken{"bytes", "B"},  Mistaken{"page", "pages"},  Mistaken{"sec", "s"},   Mistaken{"seconds", "s"},
    Mistaken{"m", "min"},    Mistaken{"minutes", "min"}, Mistaken{"hours", "h"}, Mistaken{"days", "d"},
    Mistaken{"second", "s"}, Mistaken{"minute", "min"},  Mistaken{"hour", "h"},  Mistaken{"percent", "%"},
};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
    return is_letter(c) || is_digit(c);
}
bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const Unit* find_unit(std::string_view name) {
    for (const Unit& unit : units)
        if (unit.name == name) return &unit;
    return nullptr;
}

std::string_view right_unit(std::string_view name) {
    for (const Mistaken& pair : mistaken)
        if (pair.wrong == name) return pair.right;
    return {};
}

/// The letters at `at`, or a lone %.
std::string_view unit_word(std::string_view text, std::size_t at) {
    if (at < text.size() && text[at] == '%') return text.substr(at, 1);
    std::size_t end = at;
    while (end < text.size() && is_letter(text[end])) ++end;
    if (end < text.size() && (is_digit(text[end]) || text[end] == '.' || text[end] == '(')) return {};
    return text.substr(at, end - at);
}

bool is_operator_word(std::string_view word) {
    return word == "and" || word == "or" || word == "not";
}

Token make_token(Token::Kind kind, std::size_t begin, std::size_t end) {
    Token token;
    token.kind = kind;
    token.begin = begin;
    token.end = end;
    return token;
}

void make_bad(Token& token, std::string message, std::string help) {
    token.kind = Token::Kind::bad;
    token.message = std::move(message);
    token.help = std::move(help);
}

void unknown_unit(Token& token, std::string_view number, std::string_view word) {
    const std::string_view right = right_unit(word);
    make_bad(token, fmt::format("`{}` is not a unit", quote(word)),
             right.empty() ? "units are: % B KiB MiB GiB TiB pages us ms s min h d, and /s /min /h after any of them"
                           : fmt::format("write {}{}{}", quote(number), right.size() > 2 ? " " : "", right));
}

/// `/s` and the like right behind a number: a rate.
void lex_rate(Token& token, std::string_view text) {
    if (token.end >= text.size() || text[token.end] != '/') return;
    const std::string_view word = unit_word(text, token.end + 1);
    const Unit* unit = find_unit(word);
    if (unit == nullptr || unit->dimension != dimension::seconds) return;
    token.number /= unit->size;
    token.dimension = token.dimension == dimension::plain ? Dimension{0, -1, Dimension::Kind::plain}
                                                          : divide(token.dimension, dimension::seconds);
    token.end += 1 + word.size();
}

void lex_unit(Token& token, std::string_view text) {
    std::size_t at = token.end;
    while (at < text.size() && is_space(text[at])) ++at;
    const std::string_view word = unit_word(text, at);
    if (word.empty() || is_operator_word(word)) return;
    const std::string_view number = text.substr(token.begin, token.end - token.begin);
    const Unit* unit = find_unit(word);
    token.end = at + word.size();
    if (unit == nullptr) return unknown_unit(token, number, word);
    token.number *= unit->size;
    token.dimension = unit->dimension;
}

Token lex_number(std::string_view text, std::size_t begin) {
    Token token = make_token(Token::Kind::number, begin, begin);
    const auto [rest, failure] =
        std::from_chars(text.data() + begin, text.data() + text.size(), token.number, std::chars_format::fixed);
    token.end = static_cast<std::size_t>(rest - text.data());
    lex_unit(token, text);
    if (token.kind == Token::Kind::number) lex_rate(token, text);
    if (failure != std::errc{} || !std::isfinite(token.number)) make_bad(token, "this number is out of range", "");
    token.text = text.substr(begin, token.end - begin);
    return token;
}

Token lex_string(std::string_view text, std::size_t begin) {
    Token token = make_token(Token::Kind::string, begin, text.size());
    const std::size_t close = text.find(text[begin], begin + 1);
    if (close == std::string_view::npos) {
        make_bad(token, "this quote is never closed", "");
    } else {
        token.end = close + 1;
        token.text = text.substr(begin + 1, close - begin - 1);
    }
    return token;
}

constexpr std::array<std::string_view, 15> symbols{"<=", ">=", "==", "!=", "<", ">", "+", "-",
                                                   "*",  "/",  "(",  ")",  ",", "?", ":"};

/// Operators of other languages; those of two characters must not be read as two of ours.
struct Foreign {
    std::string_view wrong;
    std::string_view right;
};
constexpr std::array foreign{Foreign{"&&", "and"}, Foreign{"||", "or"}, Foreign{"<>", "!="}, Foreign{"=", "=="},
                             Foreign{"!", "not"}};
constexpr std::array foreign_words{Foreign{"AND", "and"}, Foreign{"OR", "or"}, Foreign{"NOT", "not"}};

void make_foreign(Token& token, const Foreign& other) {
    make_bad(token, fmt::format("`{}` is not an operator here", other.wrong), fmt::format("write {}", other.right));
}

Token lex_symbol(std::string_view text, std::size_t begin) {
    Token token = make_token(Token::Kind::symbol, begin, begin + 1);
    const std::string_view rest = text.substr(begin);
    const auto starts = [&](std::string_view word) { return rest.substr(0, word.size()) == word; };
    for (const std::string_view symbol : symbols) {
        if (!starts(symbol) || starts("<>")) continue;
        token.end = begin + symbol.size();
        token.text = symbol;
        return token;
    }
    for (const Foreign& other : foreign) {
        if (!starts(other.wrong)) continue;
        token.end = begin + other.wrong.size();
        make_foreign(token, other);
        return token;
    }
    while (token.end < text.size() && (static_cast<unsigned char>(text[token.end]) & 0xC0U) == 0x80U) ++token.end;
    make_bad(token, fmt::format("`{}` has no meaning in an expression", quote(text.substr(begin, token.end - begin))),
             "");
    return token;
}

Token lex_name(std::string_view text, std::size_t begin) {
    std::size_t end = begin;
    while (end < text.size() && (is_name(text[end]) || text[end] == '.')) ++end;
    Token token = make_token(Token::Kind::name, begin, end);
    token.text = text.substr(begin, end - begin);
    for (const Foreign& other : foreign_words)
        if (other.wrong == token.text) make_foreign(token, other);
    return token;
}

}  // namespace

Token next_token(std::string_view text, std::size_t from) {
    std::size_t at = from;
    while (at < text.size() && is_space(text[at])) ++at;
    if (at >= text.size()) return make_token(Token::Kind::end, text.size(), text.size());
    const char c = text[at];
    if (is_digit(c) || (c == '.' && at + 1 < text.size() && is_digit(text[at + 1]))) return lex_number(text, at);
    if (c == '"' || c == '\'') return lex_string(text, at);
    return is_letter(c) ? lex_name(text, at) : lex_symbol(text, at);
}

}  // namespace memtuned::rules
