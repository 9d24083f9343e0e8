// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <string>

#include "ctl/view.hpp"
#include "memtuned/indicators/catalogue.hpp"

namespace memtuned::ctl {

/// The catalogue's entry for a name as the daemon prints it, `zone.free("0/Normal")`; nullptr: unknown here.
const indicators::Indicator* find_indicator(const std::string& name);

/// Those whose name a pattern as in a shell means, with or without their argument; an empty pattern means all.
std::map<std::string, double> matching(const std::map<std::string, double>& indicators, const std::string& pattern);

std::string render_indicators(const std::map<std::string, double>& indicators, const View& view);

}  // namespace memtuned::ctl
