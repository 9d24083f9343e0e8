// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/base/unit_name.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <array>

namespace memtuned {
namespace {

constexpr std::array<std::string_view, 6> suffixes{".service", ".scope", ".slice", ".socket", ".mount", ".swap"};
constexpr std::size_t longest_name = 255;

bool ends_as_units_do(std::string_view name) {
    return std::ranges::any_of(
        suffixes, [&](std::string_view suffix) { return name.size() > suffix.size() && name.ends_with(suffix); });
}

bool is_allowed(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view(":-_.\\@/").find(c) != std::string_view::npos;
}

}  // namespace

bool is_unit_name(std::string_view name) {
    return ends_as_units_do(name) && std::ranges::all_of(name, is_allowed);
}

bool could_name_units(std::string_view pattern) {
    if (pattern.empty() || pattern.size() > 2 * longest_name + 1) return false;
    return ends_as_units_do(pattern) || std::string_view("*?]").find(pattern.back()) != std::string_view::npos;
}

bool names_unit(const std::string& pattern, const std::string& unit) {
    return ::fnmatch(pattern.c_str(), unit.c_str(), FNM_PATHNAME | FNM_NOESCAPE) == 0;
}

}  // namespace memtuned
