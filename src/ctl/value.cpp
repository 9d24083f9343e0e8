// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/value.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "memtuned/base/unit_name.hpp"
#include "rules/lexer.hpp"

namespace memtuned::ctl {
namespace {

using rules::Token;
using std::chrono::microseconds;

std::string_view trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::optional<std::int64_t> to_integer(std::string_view text) {
    std::int64_t value = 0;
    const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (failure != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
    return value;
}

/// An integer with the tunable's own unit behind it, as it is printed: "67584 kB".
std::optional<std::int64_t> in_own_unit(std::string_view text, std::string_view unit) {
    if (!text.ends_with(unit)) return std::nullopt;
    return to_integer(trimmed(text.substr(0, text.size() - unit.size())));
}

std::string in_unit_of(const tunables::Tunable& tunable) {
    if (tunable.unit_name.empty()) return "a plain number";
    if (tunable.dimension == dimension::bytes)
        return fmt::format("a number of {} or an amount of memory like 64MiB", tunable.unit_name);
    return fmt::format("a number of {}", tunable.unit_name == "%" ? "percent" : tunable.unit_name);
}

Error no_value(std::string_view text, const tunables::Tunable& tunable, std::string_view why) {
    return {fmt::format("`{}` is no value for {}: {}; it takes {}", text, tunable.name, why, in_unit_of(tunable))};
}

/// From base units to the kernel's. What does not come out whole is rounded, but not to nothing.
Result<std::int64_t> to_kernel_unit(double value, std::string_view text, const tunables::Tunable& tunable) {
    constexpr double exact = 9007199254740992.0;  // 2^53: above it a double skips integers
    const double scaled = std::round(value / tunable.unit);
    if (std::abs(scaled) > exact) return no_value(text, tunable, "that is out of all range");
    if (scaled == 0 && value != 0) return no_value(text, tunable, "that is less than one of its units");
    return static_cast<std::int64_t>(scaled);
}

/// The one number with a unit that a text is.
Result<Token> only_number(std::string_view text, const tunables::Tunable& tunable) {
    const Token token = rules::next_token(text, 0);
    if (token.kind == Token::Kind::bad)
        return no_value(text, tunable, token.help.empty() ? token.message : token.message + ", " + token.help);
    if (token.kind != Token::Kind::number || rules::next_token(text, token.end).kind != Token::Kind::end)
        return no_value(text, tunable, "that is not one number");
    return token;
}

struct TimeUnit {
    std::string_view name;
    std::int64_t microseconds;
};
constexpr std::array time_units{TimeUnit{"us", 1},
                                TimeUnit{"ms", 1'000},
                                TimeUnit{"s", 1'000'000},
                                TimeUnit{"m", 60'000'000},
                                TimeUnit{"min", 60'000'000},
                                TimeUnit{"h", 3'600'000'000},
                                TimeUnit{"d", 86'400'000'000}};

constexpr std::int64_t longest_lifetime_days = 3650;

const TimeUnit* find_time_unit(std::string_view name) {
    for (const TimeUnit& unit : time_units)
        if (unit.name == name) return &unit;
    return nullptr;
}

/// One number with its unit off the front of `text`, in microseconds.
std::optional<double> take_part(std::string_view& text) {
    double number = 0;
    const auto [rest, failure] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (failure != std::errc{} || number < 0) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
    text = trimmed(text);
    std::size_t letters = 0;
    while (letters < text.size() && text[letters] >= 'a' && text[letters] <= 'z') ++letters;
    const TimeUnit* unit = find_time_unit(text.substr(0, letters));
    if (unit == nullptr) return std::nullopt;
    text = trimmed(text.substr(letters));
    return number * static_cast<double>(unit->microseconds);
}

}  // namespace

const tunables::Tunable* find_tunable(std::string_view name) {
    if (const auto index = tunables::find(name)) return &tunables::about(*index);
    const std::string prefix = tunables::score_name("");
    if (name.starts_with(prefix) && is_unit_name(name.substr(prefix.size()))) return &tunables::oom_score_adj();
    return nullptr;
}

Result<std::int64_t> parse_integer(std::string_view text) {
    if (const auto value = to_integer(trimmed(text))) return *value;
    return Error{fmt::format("`{}` is not a whole number", text)};
}

Result<std::int64_t> parse_value(std::string_view text, const tunables::Tunable& tunable) {
    const std::string_view whole = trimmed(text);
    if (const auto plain = to_integer(whole)) return *plain;
    if (const auto own = in_own_unit(whole, tunable.unit_name)) return *own;
    const bool negative = whole.starts_with('-');
    const Result<Token> number = only_number(negative ? whole.substr(1) : whole, tunable);
    if (!number) return number.error();
    const Dimension dimension = number->dimension;
    if (dimension == dimension::plain) return no_value(text, tunable, "that is not a whole number");
    if (dimension != tunable.dimension) return no_value(text, tunable, "that is " + describe(dimension));
    return to_kernel_unit(negative ? -number->number : number->number, text, tunable);
}

Result<microseconds> parse_lifetime(std::string_view text) {
    const auto longest = std::chrono::duration_cast<microseconds>(std::chrono::hours(24 * longest_lifetime_days));
    std::string_view rest = trimmed(text);
    double total = 0;
    do {
        const std::optional<double> part = take_part(rest);
        if (!part) return Error{fmt::format("`{}` is not a length of time; write 90s, 30min, 2h or 1h30min", text)};
        total += *part;
    } while (!rest.empty());
    if (total < 1) return Error{fmt::format("`{}`: an override lasts longer than that, or not at all", text)};
    if (total > static_cast<double>(longest.count()))
        return Error{fmt::format("`{}` is more than {} days; without --for an override lasts until it is cleared",
                                 text, longest_lifetime_days)};
    return microseconds(std::llround(total));
}

std::string format_value(std::int64_t value, std::string_view unit) {
    const bool attached = unit.starts_with('%') || unit.starts_with('/');
    return fmt::format("{}{}{}", value, attached || unit.empty() ? "" : " ", unit);
}

std::string format_value_at_length(std::int64_t value, std::string_view unit) {
    const std::int64_t size = unit == "kB" ? 1024 : unit == "bytes" ? 1 : 0;
    const double bytes = static_cast<double>(value) * static_cast<double>(size);
    if (bytes < 1024) return format_value(value, unit);
    return fmt::format("{} ({})", format_value(value, unit), format_quantity(bytes, dimension::bytes));
}

}  // namespace memtuned::ctl
