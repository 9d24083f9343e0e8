// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names of systemd's units and the patterns that mean them.
#pragma once

#include <string>
#include <string_view>

namespace memtuned {

/// Whether it could be the name of a unit that can have processes: it ends in .service, .scope, .slice, .socket,
/// .mount or .swap, and is of the characters that systemd allows, or "/" after a user's manager. Anybody may have a
/// manager, and give a cgroup below it any name; on the bus a string must be UTF-8.
bool is_unit_name(std::string_view name);

/// Whether a pattern could mean any unit: it ends as unit names do, or in a wildcard, and is not too long for one
/// (255 characters, and as many again for the user's manager before it).
bool could_name_units(std::string_view pattern);

/// Whether a unit's name is meant by a pattern: `*`, `?` and `[…]` as in a shell; `*` does not reach over a `/`, so
/// that "*.service" means no user's own. A backslash is itself, as it is common in unit names.
bool names_unit(const std::string& pattern, const std::string& unit);

}  // namespace memtuned
