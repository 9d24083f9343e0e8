// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/pressure_trigger.hpp"

#include <cerrno>
#include <chrono>
#include <string>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fmt/format.h>

namespace memtuned::kernel {

namespace {

using std::chrono::microseconds;

/// The kernel's own folding interval, and the unit of unprivileged windows.
constexpr Duration fold = std::chrono::seconds(2);

/// A capture of kernel files would take the write and be spoilt by it.
bool is_kernel_file(int fd) {
    struct statfs about {};
    return ::fstatfs(fd, &about) == 0 && (about.f_type == PROC_SUPER_MAGIC || about.f_type == CGROUP2_SUPER_MAGIC);
}

/// 0 or errno. The NUL is counted: the last byte of what is written to /proc/pressure is overwritten by the kernel,
/// which would make 200000 of a window of 2000000.
int arm(int fd, Stalled who, Duration stall, Duration window) {
    const std::string text = fmt::format("{} {} {}", who == Stalled::some ? "some" : "full",
                                         std::chrono::duration_cast<microseconds>(stall).count(),
                                         std::chrono::duration_cast<microseconds>(window).count());
    return ::write(fd, text.c_str(), text.size() + 1) < 0 ? errno : 0;
}

}  // namespace

Result<PressureTrigger> PressureTrigger::open(const Root& root, Resource resource, Stalled who, Duration stall,
                                              Duration window) {
    const std::string name(pressure_path(resource));
    Descriptor file(::open((root / name).c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!file) return system_error(name, errno);
    if (!is_kernel_file(file.get())) return system_error(name, EOPNOTSUPP);

    int error = arm(file.get(), who, stall, window);
    if (error == EINVAL && window > Duration::zero() && window % fold != Duration::zero()) {
        const Duration longer = (window / fold + 1) * fold;
        stall = from_seconds(seconds(stall) * (seconds(longer) / seconds(window)));
        window = longer;
        error = arm(file.get(), who, stall, window);
    }
    if (error != 0) return system_error(name, error);
    return PressureTrigger(std::move(file), stall, window);
}

}  // namespace memtuned::kernel
