// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

/// Whether the memory controller is on cgroup v1. There a write to vm.swappiness changes the root group only, and
/// groups that exist keep their own.
bool memory_controller_is_v1(const Root& root);

}  // namespace memtuned::kernel
