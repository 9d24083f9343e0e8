// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string>

#include "memtuned/kernel/root.hpp"

namespace memtuned::daemon {

/// The catalogue of indicators with this machine's values, measured over one second: a table for a person, or JSON.
std::string indicator_table(const kernel::Root& root, bool json);

}  // namespace memtuned::daemon
