// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the properties of an object on the bus to plain structs. Each must be there and of its type: an answer that
// lacks one is an error, not a zero.
#pragma once

#include <map>
#include <string>

#include "bus/sdbus.hpp"
#include "ctl/client.hpp"

namespace memtuned::ctl {

using Properties = std::map<std::string, sdbus::Variant>;

ManagerState to_manager(const Properties& from);
TunableState to_tunable(const Properties& from);
RuleState to_rule(const Properties& from);
ServiceState to_service(const Properties& from);

}  // namespace memtuned::ctl
