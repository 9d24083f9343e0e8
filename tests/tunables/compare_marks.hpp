// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <doctest/doctest.h>
#include <fmt/core.h>

#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "memtuned/kernel/machine.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/kernel/zoneinfo.hpp"
#include "memtuned/tunables/limits.hpp"

namespace memtuned::test {

struct ComparedMarks {
    int zones = 0;
    std::string different;
};

/// The formula against the marks a kernel printed.
inline ComparedMarks compare_marks(const kernel::Root& root) {
    kernel::ZoneinfoFile file(root);
    REQUIRE(file.refresh());
    kernel::ProcSysctls sysctls(root);
    const auto min_free = sysctls.read("proc/sys/vm/min_free_kbytes");
    const auto factor = sysctls.read("proc/sys/vm/watermark_scale_factor");
    REQUIRE(min_free);
    REQUIRE(factor);

    std::vector<tunables::ZoneMemory> zones;
    for (const kernel::Zone& zone : file.zones())
        if (zone.populated()) zones.push_back(tunables::zone_memory(zone));
    const std::int64_t lowmem = tunables::lowmem_pages(zones);
    const std::int64_t min_free_pages = *min_free * 1024 / static_cast<std::int64_t>(kernel::page_size());
    ComparedMarks result;
    for (const kernel::Zone& zone : file.zones()) {
        if (!zone.populated()) continue;
        const tunables::Marks marks = tunables::project(tunables::zone_memory(zone), lowmem, min_free_pages, *factor);
        const auto equal = [&](std::int64_t mark, std::uint64_t printed) {
            return mark == static_cast<std::int64_t>(printed - zone.boost);
        };
        if (!equal(marks.min, zone.min) || !equal(marks.low, zone.low) || !equal(marks.high, zone.high))
            result.different +=
                fmt::format("{}/{}: {} {} {} projected, {} {} {} less {} found; ", zone.node, zone.name, marks.min,
                            marks.low, marks.high, zone.min, zone.low, zone.high, zone.boost);
        ++result.zones;
    }
    return result;
}

/// The same for the running kernel. A balloon or hot-plug changes a zone a moment before its marks, so it may take a
/// second look.
inline ComparedMarks compare_running_marks() {
    ComparedMarks result = compare_marks(kernel::Root("/"));
    for (int again = 0; again < 20 && !result.different.empty(); ++again) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        result = compare_marks(kernel::Root("/"));
    }
    return result;
}

}  // namespace memtuned::test
