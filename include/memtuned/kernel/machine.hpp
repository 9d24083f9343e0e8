// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is known about the machine besides its memory.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

/// Bytes per page, the unit of vmstat, zoneinfo and buddyinfo.
std::size_t page_size();

inline constexpr std::string_view online_cpus_path = "sys/devices/system/cpu/online";
inline constexpr std::string_view uptime_path = "proc/uptime";

/// Numbers in a list such as "0-3,8": 5. Errors say what is wrong without naming a file.
Result<std::size_t> parse_cpu_list(std::string_view text);

/// Seconds since boot: the first figure of proc/uptime.
Result<double> parse_uptime(std::string_view text);

Result<std::size_t> read_online_cpus(const Root& root);
Result<double> read_uptime(const Root& root);

/// A UUID that is new at each boot.
Result<std::string> read_boot_id(const Root& root);

}  // namespace memtuned::kernel
