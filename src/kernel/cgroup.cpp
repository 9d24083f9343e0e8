// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/cgroup.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace memtuned::kernel {
namespace {

/// One of the comma-separated mount options, whole.
bool has_option(const std::string& options, const std::string& wanted) {
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');)
        if (option == wanted) return true;
    return false;
}

}  // namespace

bool memory_controller_is_v1(const Root& root) {
    std::ifstream mounts(root / "proc/mounts");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::string device, folder, type, options;
        if (fields >> device >> folder >> type >> options && type == "cgroup" && has_option(options, "memory"))
            return true;
    }
    return false;
}

}  // namespace memtuned::kernel
