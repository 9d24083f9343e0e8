// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace memtuned::daemon {

/// What the command line says.
struct Options {
    std::optional<std::string> config;  ///< none: ROOT/etc/memtuned/memtuned.toml, if it is there
    std::string root = "/";
    std::vector<std::string> folders;  ///< where profiles are looked for, in place of the configured ones
    std::optional<std::string> profile;
    std::optional<bool> observe;  ///< in place of the configured mode
    std::string bus = "system";   ///< "system", "session", "none", or a D-Bus address
    bool verbose = false;
};

}  // namespace memtuned::daemon
