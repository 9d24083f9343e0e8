// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the parsers of kernel files share. Nothing here allocates but excerpt().
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace memtuned::kernel::text {

/// Takes the first line off `rest`, without its end.
inline std::string_view take_line(std::string_view& rest) {
    const auto* end = static_cast<const char*>(std::memchr(rest.data(), '\n', rest.size()));
    const std::size_t length = end ? static_cast<std::size_t>(end - rest.data()) : rest.size();
    const std::string_view line = rest.substr(0, length);
    rest.remove_prefix(end ? length + 1 : length);
    return line;
}

/// Moves `rest` to the next line.
inline void skip_line(std::string_view& rest) {
    if (rest.starts_with('\n'))
        rest.remove_prefix(1);
    else
        take_line(rest);
}

inline void skip_blanks(std::string_view& rest) {
    while (!rest.empty() && (rest.front() == ' ' || rest.front() == '\t')) rest.remove_prefix(1);
}

/// Takes the next word off `rest`; empty when there is none.
inline std::string_view take_word(std::string_view& rest) {
    skip_blanks(rest);
    std::size_t length = 0;
    while (length < rest.size() && rest[length] != ' ' && rest[length] != '\t') ++length;
    const std::string_view word = rest.substr(0, length);
    rest.remove_prefix(length);
    return word;
}

/// `digits` as a number, if all of it is one and it fits.
template <class Number>
std::optional<Number> number(std::string_view digits) {
    Number value{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

/// Takes the digits off `rest`, if they are a number that fits.
inline std::optional<std::uint64_t> take_number(std::string_view& rest) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    return error == std::errc{} ? std::optional(value) : std::nullopt;
}

/// A number such as 12.34: what from_chars also takes (inf, nan, a sign) is not one.
inline std::optional<double> decimal(std::string_view digits) {
    if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
    return number<double>(digits);
}

/// Where `what` begins in `text`, or npos. string_view::find stops at each occurrence of the first character, which
/// in a file of short lines is slower by an order.
inline std::size_t find(std::string_view text, std::string_view what, std::size_t from = 0) {
    if (from > text.size()) return std::string_view::npos;
    const void* at = ::memmem(text.data() + from, text.size() - from, what.data(), what.size());
    return at ? static_cast<std::size_t>(static_cast<const char*>(at) - text.data()) : std::string_view::npos;
}

/// Foreign text fit for an error message: one line, quoted, plain ASCII, cut to a length that still tells what it is.
inline std::string excerpt(std::string_view text) {
    constexpr std::size_t most = 40;
    text = text.substr(0, text.find('\n'));
    std::string quoted = "\"";
    for (const char c : text.substr(0, most)) quoted += c >= ' ' && c <= '~' ? c : '?';
    return quoted + (text.size() > most ? "...\"" : "\"");
}

}  // namespace memtuned::kernel::text
