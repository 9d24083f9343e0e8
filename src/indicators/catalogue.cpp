// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/indicators/catalogue.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "indicators/argument.hpp"
#include "memtuned/base/unit_name.hpp"

namespace memtuned::indicators {

std::optional<std::size_t> find(std::string_view name) {
    const std::span<const Indicator> all = catalogue();
    const auto at =
        std::find_if(all.begin(), all.end(), [name](const Indicator& indicator) { return indicator.name == name; });
    if (at == all.end()) return std::nullopt;
    return static_cast<std::size_t>(at - all.begin());
}

std::string to_string(const Key& key) {
    const Indicator& indicator = catalogue()[key.indicator];
    switch (indicator.argument) {
        case Argument::none: break;
        case Argument::zone:
        case Argument::unit: return fmt::format("{}(\"{}\")", indicator.name, key.argument);
        case Argument::node:
        case Argument::order: return fmt::format("{}({})", indicator.name, key.argument);
    }
    return std::string(indicator.name);
}

std::optional<std::string> check_argument(const Key& key) {
    const Indicator& indicator = catalogue()[key.indicator];
    const std::string_view name = indicator.name;
    switch (indicator.argument) {
        case Argument::none:
            if (!key.argument.empty()) return fmt::format("{} takes no argument; write {}", name, name);
            break;
        case Argument::zone:
            if (!parse_zone_name(key.argument))
                return fmt::format("{} wants a zone as \"NODE/NAME\"; write, for example, {}(\"0/Normal\")", name,
                                   name);
            break;
        case Argument::node:
            if (!parse_node(key.argument))
                return fmt::format("{} wants the number of a node; write, for example, {}(0)", name, name);
            break;
        case Argument::order:
            if (!parse_order(key.argument))
                return fmt::format(
                    "{} wants an order from 0 to {}, of blocks of 2^order pages; write, for example, {}(9)", name,
                    highest_order, name);
            break;
        case Argument::unit:
            if (!could_name_units(key.argument))
                return fmt::format(
                    "{} wants a unit as \"NAME.service\", with * for any; write, for example, {}(\"ssh.service\")",
                    name, name);
            break;
    }
    return std::nullopt;
}

}  // namespace memtuned::indicators
