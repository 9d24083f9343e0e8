// SPDX-License-Identifier: GPL-2.0-or-later
//
// Overrides outlive the daemon: an upgrade or a crash of memtuned is no reason to take back what an administrator
// asked for. They end with the boot, as all values of the kernel do, and those that last while a caller is connected
// end with the daemon.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/policy/policy.hpp"

namespace memtuned::bus {

class OverrideFile {
public:
    /// `boot_id` is the kernel's: times of expiry count from the boot.
    OverrideFile(std::filesystem::path file, std::string boot_id);

    /// Those of a former run in this boot, the earliest first; for Policy::bring_back(). None without a file.
    Result<std::vector<policy::Override>> load();

    /// Makes the file hold these, unless it does. What failed is tried again when they change.
    Status keep(std::span<const policy::Override> overrides);
    /// How many were there at the last keep().
    std::size_t kept() const { return kept_.size(); }

private:
    std::filesystem::path file_;
    std::string boot_id_;
    std::vector<std::uint64_t> kept_;  ///< the ids of those in the file
};

}  // namespace memtuned::bus
