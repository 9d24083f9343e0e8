// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/indicators.hpp"

#include <fmt/format.h>
#include <fnmatch.h>

#include "ctl/table.hpp"

namespace memtuned::ctl {
namespace {

std::string without_argument(const std::string& name) {
    return name.substr(0, name.find('('));
}

bool fits(const std::string& pattern, const std::string& text) {
    return ::fnmatch(pattern.c_str(), text.c_str(), FNM_NOESCAPE) == 0;
}

}  // namespace

const indicators::Indicator* find_indicator(const std::string& name) {
    const auto index = indicators::find(without_argument(name));
    return index ? &indicators::catalogue()[*index] : nullptr;
}

std::map<std::string, double> matching(const std::map<std::string, double>& indicators, const std::string& pattern) {
    if (pattern.empty()) return indicators;
    std::map<std::string, double> found;
    for (const auto& [name, value] : indicators)
        if (fits(pattern, name) || fits(pattern, without_argument(name))) found.emplace(name, value);
    return found;
}

std::string render_indicators(const std::map<std::string, double>& indicators, const View& view) {
    Table table({"INDICATOR", {"VALUE", Table::Side::right}, "MEANING"});
    for (const auto& [name, value] : indicators) {
        const indicators::Indicator* about = find_indicator(name);
        table.add({name, format_quantity(value, about != nullptr ? about->dimension : dimension::plain),
                   about != nullptr ? about->help : ""});
    }
    return table.render(view);
}

}  // namespace memtuned::ctl
