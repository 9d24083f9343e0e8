// SPDX-License-Identifier: GPL-2.0-or-later
//
// Times as people and as programs read them.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "ctl/client.hpp"

namespace memtuned::ctl {

/// The two largest units: "400ms", "3.2s", "45s", "12min 5s", "1h 30min", "3d 4h". Less than nothing, which a clock
/// that was set back makes, is "0s".
std::string format_duration(std::chrono::microseconds duration);

/// "3.2s ago"; "never" without a time.
std::string format_age(std::optional<Realtime> at, Realtime now);

/// "2025-11-22 20:34:01" where the user is.
std::string format_local(Realtime at);

/// "2025-11-22T20:34:01.000000Z"
std::string format_utc(Realtime at);

}  // namespace memtuned::ctl
