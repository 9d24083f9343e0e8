// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names on the bus, and how times are told there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "memtuned/base/time.hpp"

namespace memtuned::bus {

inline constexpr const char* service_name = "org.memtuned1";
inline constexpr const char* manager_path = "/org/memtuned1";

namespace error {
inline constexpr const char* no_such_tunable = "org.memtuned1.Error.NoSuchTunable";
inline constexpr const char* no_such_rule = "org.memtuned1.Error.NoSuchRule";
inline constexpr const char* no_such_profile = "org.memtuned1.Error.NoSuchProfile";
inline constexpr const char* out_of_range = "org.memtuned1.Error.OutOfRange";
inline constexpr const char* invalid_rules = "org.memtuned1.Error.InvalidRules";
inline constexpr const char* not_authorized = "org.memtuned1.Error.NotAuthorized";
inline constexpr const char* read_only = "org.memtuned1.Error.ReadOnly";
inline constexpr const char* busy = "org.memtuned1.Error.Busy";
inline constexpr const char* failed = "org.memtuned1.Error.Failed";
}  // namespace error

namespace action {
inline constexpr const char* override_ = "org.memtuned1.override";
inline constexpr const char* switch_profile = "org.memtuned1.switch-profile";
inline constexpr const char* reload = "org.memtuned1.reload";
}  // namespace action

/// "/org/memtuned1/tunable/vm_2eswappiness": what is no letter or digit becomes "_" and two hexadecimal digits.
std::string path_of(std::string_view kind, std::string_view name);

/// Microseconds since the epoch; 0 for an instant that never was.
std::uint64_t realtime(Instant at);

}  // namespace memtuned::bus
