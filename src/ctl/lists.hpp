// SPDX-License-Identifier: GPL-2.0-or-later
//
// The lists of the daemon's objects and of its decisions, as tables.
#pragma once

#include <string>
#include <vector>

#include "ctl/client.hpp"
#include "ctl/view.hpp"

namespace memtuned::ctl {

std::string render_tunables(const std::vector<TunableState>& tunables, const View& view);
std::string render_rules(const std::vector<RuleState>& rules, const View& view);
std::string render_services(const std::vector<ServiceState>& services, const View& view);
std::string render_history(const std::vector<PastDecision>& decisions, const View& view);
/// One profile a line, the active one marked.
std::string render_profiles(const ManagerState& manager, const View& view);

}  // namespace memtuned::ctl
