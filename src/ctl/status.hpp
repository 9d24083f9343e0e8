// SPDX-License-Identifier: GPL-2.0-or-later
//
// The daemon at a glance: what it does, what it cannot do, and what is not as it would be without it.
#pragma once

#include <string>

#include "ctl/client.hpp"
#include "ctl/json.hpp"
#include "ctl/view.hpp"

namespace memtuned::ctl {

struct StatusReport {
    ManagerState manager;
    Objects objects;
};

std::string render_status(const StatusReport& report, const View& view);
Json to_json(const StatusReport& report);

}  // namespace memtuned::ctl
