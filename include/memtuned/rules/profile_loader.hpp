// SPDX-License-Identifier: GPL-2.0-or-later
//
// From a profile's name to its whole text: the file itself, what it includes, and the drop-ins of each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/profile_text.hpp"

namespace memtuned::rules {

/// Profile NAME is the first FOLDER/NAME.toml; to it are added FOLDER/NAME.d/*.toml of all folders, from the last
/// folder to the first and in the order of their names. Included profiles come first, each once, each with its own
/// drop-ins. A claim of a later file replaces those of an earlier one for the same tunable or its twin in [baseline];
/// a rule replaces the rule of the same name and keeps its place. Errors go to `diagnostics`, and the rest is
/// returned for more to be found.
std::optional<ProfileText> load_profile(const std::string& name, const std::vector<std::string>& folders,
                                        Diagnostics& diagnostics);

/// The same for a file named by its path; its own folder comes before `folders`.
std::optional<ProfileText> load_profile_file(const std::string& path, const std::vector<std::string>& folders,
                                             Diagnostics& diagnostics);

/// The names of all profiles in these folders, sorted; those in plain ASCII without blanks.
std::vector<std::string> list_profiles(const std::vector<std::string>& folders);

}  // namespace memtuned::rules
