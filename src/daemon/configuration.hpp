// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the command line to checked settings and compiled rules: the one way in, for the daemon's start, its reload
// and `memtuned --check`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/options.hpp"
#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/rules/settings.hpp"

namespace memtuned::daemon {

struct Configuration {
    std::shared_ptr<const rules::Settings> settings;
    std::shared_ptr<const rules::RuleSet> rules;
};

/// Nothing is returned if there are errors; warnings may be there all the same.
std::optional<Configuration> load_configuration(const Options& options, rules::Diagnostics& diagnostics);

/// Checks one file as the daemon would load it: a rule file, or a memtuned.toml by its name.
void check_file(const Options& options, const std::string& file, rules::Diagnostics& diagnostics);

}  // namespace memtuned::daemon
