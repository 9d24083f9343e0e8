// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>
#include <vector>

#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::daemon {

/// One key for each indicator; those with an argument have one for every node or populated zone here, for order 9, a
/// huge page, or for all services together.
std::vector<indicators::Key> all_keys(const kernel::Root& root);

/// The catalogue of indicators with this machine's values, measured over one second: a table for a person, or JSON.
std::string indicator_table(const kernel::Root& root, bool json);

}  // namespace memtuned::daemon
