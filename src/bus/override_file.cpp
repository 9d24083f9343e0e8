// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/override_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "memtuned/tunables/catalogue.hpp"
#include "memtuned/tunables/state_file.hpp"

namespace memtuned::bus {
namespace {

using nlohmann::json;
using policy::Override;

/// Policy counts from 1. Stands for whatever a former run left, so that the first keep() writes.
constexpr std::uint64_t no_id = 0;

json to_json(const Override& o) {
    json one{{"value", o.value}, {"reason", o.reason}};
    if (o.unit.empty())
        one["tunable"] = tunables::about(o.tunable).name;
    else
        one["unit"] = o.unit;
    if (o.expires) one["expires_ns"] = o.expires->time_since_epoch().count();
    return one;
}

/// Throws what nlohmann::json throws where a key is missing or of another type.
std::optional<Override> from_json(const json& one) {
    Override o{};
    o.value = one.at("value").get<std::int64_t>();
    o.reason = one.at("reason").get<std::string>();
    if (one.contains("expires_ns")) o.expires = Instant(Duration(one.at("expires_ns").get<Duration::rep>()));
    if (one.contains("unit")) {
        o.unit = one.at("unit").get<std::string>();
        o.tunable = policy::no_tunable;
        return o;
    }
    const auto known = tunables::find(one.at("tunable").get<std::string>());
    if (!known || tunables::about(*known).trigger) return std::nullopt;
    o.tunable = *known;
    return o;
}

}  // namespace

OverrideFile::OverrideFile(std::filesystem::path file, std::string boot_id)
    : file_(std::move(file)), boot_id_(std::move(boot_id)) {}

Result<std::vector<Override>> OverrideFile::load() {
    const Result<std::string> text = tunables::read_file(file_);
    if (!text && text.error().code == ENOENT) return std::vector<Override>();
    if (!text) return text.error();
    kept_ = {no_id};
    std::vector<Override> overrides;
    try {
        const json content = json::parse(*text);
        if (content.at("boot_id") != boot_id_) return overrides;
        for (const json& one : content.at("overrides"))
            if (std::optional<Override> o = from_json(one)) overrides.push_back(std::move(*o));
    } catch (const json::exception& failure) {
        return Error{fmt::format("{}: {}", file_.string(), failure.what()), EBADMSG};
    }
    return overrides;
}

Status OverrideFile::keep(std::span<const Override> overrides) {
    const auto lasts = [](const Override& o) { return o.holder.empty(); };
    auto known = kept_.begin();
    const bool same = std::ranges::all_of(
        overrides, [&](const Override& o) { return !lasts(o) || (known != kept_.end() && *known++ == o.id); });
    if (same && known == kept_.end()) return Done{};

    kept_.clear();
    json content{{"boot_id", boot_id_}, {"overrides", json::array()}};
    for (const Override& o : overrides) {
        if (!lasts(o)) continue;
        kept_.push_back(o.id);
        content["overrides"].push_back(to_json(o));
    }
    return tunables::replace_file(file_, content.dump(2) + "\n");
}

}  // namespace memtuned::bus
