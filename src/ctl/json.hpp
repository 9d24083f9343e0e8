// SPDX-License-Identifier: GPL-2.0-or-later
//
// What --json prints: keys in snake_case that stay as they are, times in ISO 8601 and UTC, null for what is not
// there.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "ctl/client.hpp"

namespace memtuned::ctl {

/// Keys in the order in which they are set: a person reads it too.
using Json = nlohmann::ordered_json;

Json to_json(std::optional<Realtime> at);
/// NaN and infinities, which JSON has not, are null.
Json to_json(double number);

Json to_json(const ManagerState& manager);
Json to_json(const TunableState& tunable);
Json to_json(const RuleState& rule);
Json to_json(const ServiceState& service);
Json to_json(const ExplainedClaim& claim);
Json to_json(const PastDecision& decision);
Json to_json(const Client::Signal& signal);
/// With dimension and description from the catalogue.
Json to_json(const std::map<std::string, double>& indicators);

template <class T>
Json to_json(const std::vector<T>& list) {
    Json array = Json::array();
    for (const T& item : list) array.push_back(to_json(item));
    return array;
}

/// Indented, with a line end. Bytes that are no UTF-8 are replaced.
std::string to_text(const Json& json);
/// The same on one line.
std::string to_line(const Json& json);

}  // namespace memtuned::ctl
