// SPDX-License-Identifier: GPL-2.0-or-later
//
// Arguments of indicators, taken apart.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string_view>
#include <system_error>

namespace memtuned::indicators {

/// No kernel has blocks of more than 2^63 pages; those of today end at order 10 to 13.
inline constexpr std::size_t highest_order = 63;

template <class Number>
std::optional<Number> parse_number(std::string_view digits) {
    Number value{};
    if (digits.empty() || digits.front() < '0' || digits.front() > '9') return std::nullopt;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

inline std::optional<int> parse_node(std::string_view argument) {
    return parse_number<int>(argument);
}

inline std::optional<std::size_t> parse_order(std::string_view argument) {
    const auto order = parse_number<std::size_t>(argument);
    return order && *order <= highest_order ? order : std::nullopt;
}

struct ZoneName {
    int node;
    std::string_view name;
};

/// "0/Normal".
inline std::optional<ZoneName> parse_zone_name(std::string_view argument) {
    const std::size_t slash = argument.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const std::optional<int> node = parse_node(argument.substr(0, slash));
    const std::string_view name = argument.substr(slash + 1);
    const bool word = std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    });
    if (!node || name.empty() || !word) return std::nullopt;
    return ZoneName{*node, name};
}

}  // namespace memtuned::indicators
