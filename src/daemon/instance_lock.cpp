// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/instance_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>

namespace memtuned::daemon {

Result<InstanceLock> InstanceLock::take(const std::filesystem::path& file) {
    std::error_code failure;
    std::filesystem::create_directories(file.parent_path(), failure);
    if (failure) return system_error(file.parent_path().string(), failure.value());
    kernel::Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!descriptor) return system_error(file.string(), errno);
    if (::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) return InstanceLock(std::move(descriptor));
    if (errno == EWOULDBLOCK) return Error{"another memtuned runs on this machine; stop it first", EWOULDBLOCK};
    return system_error(file.string(), errno);
}

}  // namespace memtuned::daemon
