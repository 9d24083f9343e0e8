// SPDX-License-Identifier: GPL-2.0-or-later
//
// Values as people write them on the command line, and as they are printed.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "memtuned/base/result.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::ctl {

/// The catalogue's entry for a name: "vm.swappiness", "oom_score_adj.cron.service"; nullptr: not one of memtuned's.
const tunables::Tunable* find_tunable(std::string_view name);

/// A value in the tunable's kernel unit. A plain number is in that unit already; with a unit it is what it would be
/// in a rule: "64 MiB", "20%"; what format_value() prints is understood too. Whether it is in range the daemon knows.
Result<std::int64_t> parse_value(std::string_view text, const tunables::Tunable& tunable);

/// A whole number, for a tunable that only the daemon may know.
Result<std::int64_t> parse_integer(std::string_view text);

/// "90s", "30m", "1h30m", "1h 30min", "500ms"; more than nothing.
Result<std::chrono::microseconds> parse_lifetime(std::string_view text);

/// A value with the unit as in TunableState: "67584 kB", "20%", "80/10000".
std::string format_value(std::int64_t value, std::string_view unit);

/// The same, with an amount of memory also as people say it: "67584 kB (66 MiB)".
std::string format_value_at_length(std::int64_t value, std::string_view unit);

}  // namespace memtuned::ctl
