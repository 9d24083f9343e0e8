// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/indicator_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "memtuned/indicators/sampler.hpp"
#include "memtuned/kernel/units.hpp"
#include "memtuned/kernel/zoneinfo.hpp"

namespace memtuned::daemon {
namespace {

using indicators::Argument;
using indicators::Key;

}  // namespace

std::vector<Key> all_keys(const kernel::Root& root) {
    kernel::ZoneinfoFile zoneinfo(root);
    const bool known = static_cast<bool>(zoneinfo.refresh());
    std::vector<Key> keys;
    const auto add = [&keys](std::size_t indicator, std::string argument) {
        Key key{indicator, std::move(argument)};
        if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(std::move(key));
    };
    for (std::size_t i = 0; i < indicators::catalogue().size(); ++i) {
        const Argument argument = indicators::catalogue()[i].argument;
        if (argument == Argument::none) add(i, "");
        if (argument == Argument::order) add(i, "9");
        if (argument == Argument::unit) add(i, "*.service");
        if (!known || (argument != Argument::zone && argument != Argument::node)) continue;
        for (const kernel::Zone& zone : zoneinfo.zones())
            if (zone.populated())
                add(i, argument == Argument::node ? std::to_string(zone.node)
                                                  : fmt::format("{}/{}", zone.node, zone.name));
    }
    return keys;
}

std::string indicator_table(const kernel::Root& root, bool json) {
    kernel::Units units(root);
    // What it could not find is unavailable, and says so.
    static_cast<void>(units.start());
    indicators::Sampler sampler(root, all_keys(root), &units);
    sampler.take(BootClock::now());
    std::this_thread::sleep_for(std::chrono::seconds(1));
    units.refresh(BootClock::now());
    const indicators::Sample& sample = sampler.take(BootClock::now());

    nlohmann::json list = nlohmann::json::array();
    std::string text;
    for (std::size_t slot = 0; slot < sampler.keys().size(); ++slot) {
        const Key& key = sampler.keys()[slot];
        const indicators::Indicator& info = indicators::catalogue()[key.indicator];
        const std::string_view why = sampler.why_unavailable(slot);
        const double value = sample.values[slot];
        if (json) {
            nlohmann::json row{{"name", to_string(key)},
                               {"dimension", describe(info.dimension)},
                               {"source", info.source},
                               {"help", info.help}};
            row["value"] = std::isfinite(value) ? nlohmann::json(value) : nlohmann::json();
            if (!why.empty()) row["unavailable"] = why;
            list.push_back(std::move(row));
        } else {
            text += fmt::format("{:<43} {:>12}  {} ({})\n", to_string(key),
                                why.empty() ? format_quantity(value, info.dimension) : "unavailable",
                                why.empty() ? info.help : why, info.source);
        }
    }
    return json ? list.dump(2) + "\n" : text;
}

}  // namespace memtuned::daemon
