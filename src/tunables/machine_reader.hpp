// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/keyed_file.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/kernel/zoneinfo.hpp"
#include "memtuned/tunables/limits.hpp"

namespace memtuned::tunables {

/// Reads what the limits of this machine follow from.
class MachineReader {
public:
    MachineReader(const kernel::Root& root, kernel::SysctlFiles& files);

    /// After an error machine() is of no use. Allocates nothing once files are open and zones do not change.
    Status refresh();
    const Machine& machine() const { return machine_; }

private:
    Status refresh_total();

    kernel::SysctlFiles& files_;
    kernel::ZoneinfoFile zoneinfo_;
    kernel::KeyedFile meminfo_;
    Machine machine_;
    bool pageblock_known_ = false;
};

}  // namespace memtuned::tunables
