// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::daemon {

/// Held by the one memtuned that may write on this machine. The kernel drops it with the process, however that ends.
class InstanceLock {
public:
    /// Creates `file` and its folder if need be. EWOULDBLOCK: another memtuned runs.
    static Result<InstanceLock> take(const std::filesystem::path& file);

private:
    explicit InstanceLock(kernel::Descriptor file) : file_(std::move(file)) {}
    kernel::Descriptor file_;
};

}  // namespace memtuned::daemon
