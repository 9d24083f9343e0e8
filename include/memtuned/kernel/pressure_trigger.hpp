// SPDX-License-Identifier: GPL-2.0-or-later
//
// A PSI trigger: the kernel wakes us when the stall time within a window passes a limit, so that we can sleep long
// while nothing presses.
#pragma once

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

class PressureTrigger {
public:
    /// Asks to be woken when tasks stalled for `stall` within `window` (at most 10 s). Without CAP_SYS_RESOURCE the
    /// kernel takes only windows of whole multiples of 2 s: then the next such is asked for, with `stall` in
    /// proportion. ENOENT: no PSI; EOPNOTSUPP: switched off, or not a kernel's file; EINVAL: refused.
    static Result<PressureTrigger> open(const Root& root, Resource resource, Stalled who, Duration stall,
                                        Duration window);

    /// Gives POLLPRI/EPOLLPRI when it fires, at most once per window. With POLLERR it is dead (a removed cgroup) and
    /// must be dropped. Level-triggered epoll consumes the event by polling; there is nothing to read.
    int fd() const { return file_.get(); }

    /// What the kernel accepted.
    Duration stall() const { return stall_; }
    Duration window() const { return window_; }

private:
    PressureTrigger(Descriptor file, Duration stall, Duration window)
        : file_(std::move(file)), stall_(stall), window_(window) {}

    Descriptor file_;
    Duration stall_;
    Duration window_;
};

}  // namespace memtuned::kernel
