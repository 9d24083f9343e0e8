// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/units.hpp"

namespace memtuned::kernel {

/// Whether the memory controller is on cgroup v1. There a write to vm.swappiness changes the root group only, and
/// groups that exist keep their own.
bool memory_controller_is_v1(const Root& root);

/// The memory that a group and those below it hold, in bytes; page cache included. ENOENT where it is not counted.
Result<std::uint64_t> read_memory(const Root& root, const CgroupLayout& layout, const std::string& group);

}  // namespace memtuned::kernel
