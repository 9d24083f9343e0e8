// SPDX-License-Identifier: GPL-2.0-or-later
//
// memtunectl's subcommands. Each returns the exit status and throws CallFailed, UsageError or OutputClosed.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "ctl/top.hpp"
#include "daemon/options.hpp"

namespace memtuned::ctl {

namespace status {
inline constexpr int well = 0;
inline constexpr int not_so = 1;
inline constexpr int usage = 2;
}  // namespace status

/// What was typed has no meaning, whatever the daemon might say.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// What the command line says, for whichever subcommand it is.
struct Arguments {
    std::string bus;  ///< "system", "session" or an address
    bool json = false;

    std::string pattern;
    std::string tunable;
    std::string value;
    std::string lifetime;  ///< empty: none given
    std::string reason;
    std::vector<std::string> command;  ///< behind --while
    std::string rule;
    std::string profile;
    std::string mode;
    std::uint32_t most = 20;
    bool all = false;
    std::string kind;  ///< of names to complete
    TopOptions top;

    daemon::Options check;
    std::vector<std::string> files;
};

using Command = int (*)(const Arguments&);

int show_status(const Arguments& arguments);
int show_top(const Arguments& arguments);
int show_indicators(const Arguments& arguments);
int show_tunables(const Arguments& arguments);
int show_rules(const Arguments& arguments);
int show_services(const Arguments& arguments);
int show_explanation(const Arguments& arguments);
int show_history(const Arguments& arguments);
int show_events(const Arguments& arguments);

int override_tunable(const Arguments& arguments);
int clear_override(const Arguments& arguments);
int release_tunable(const Arguments& arguments);
int enable_rule(const Arguments& arguments);
int disable_rule(const Arguments& arguments);
/// Without a name they tell.
int tell_or_switch_profile(const Arguments& arguments);
int tell_or_set_mode(const Arguments& arguments);
int reload(const Arguments& arguments);

int check_files(const Arguments& arguments);

/// For the shells: one name a line, and nothing at all where there is no daemon.
int complete_names(const Arguments& arguments);

}  // namespace memtuned::ctl
