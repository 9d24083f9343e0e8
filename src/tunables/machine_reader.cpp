// SPDX-License-Identifier: GPL-2.0-or-later
#include "tunables/machine_reader.hpp"

#include <algorithm>
#include <cerrno>

#include "memtuned/kernel/machine.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::tunables {
namespace {

enum MeminfoKey : std::size_t { mem_total, hugetlb };

}  // namespace

MachineReader::MachineReader(const kernel::Root& root, kernel::SysctlFiles& files)
    : files_(files), zoneinfo_(root), meminfo_(kernel::KeyedFile::meminfo(root, {"MemTotal", "Hugetlb"})) {
    machine_.page_kbytes = static_cast<std::int64_t>(kernel::page_size() / 1024);
}

Status MachineReader::refresh() {
    if (!pageblock_known_) {
        // The size of a page block is printed in pagetypeinfo alone, which takes 0.65 ms; with transparent huge
        // pages, the only reason to ask, it is that of a huge page.
        const auto bytes = files_.read(huge_page_size_path());
        machine_.pageblock_pages = bytes ? *bytes / 1024 / machine_.page_kbytes : 0;
        pageblock_known_ = true;
    }
    if (auto status = zoneinfo_.refresh(); !status) return status;
    machine_.zones.clear();
    for (const kernel::Zone& zone : zoneinfo_.zones())
        if (zone.populated()) machine_.zones.push_back(zone_memory(zone));
    if (machine_.zones.empty()) return Error{zoneinfo_.name() + ": no zone has memory", ENODATA};
    find_deciding(machine_.zones);
    return refresh_total();
}

Status MachineReader::refresh_total() {
    if (auto status = meminfo_.refresh(); !status) return status;
    const auto total = meminfo_.value(mem_total);
    if (!total) return Error{meminfo_.name() + ": no MemTotal", ENODATA};
    // Missing where huge pages are not compiled in, and before 4.19.
    const auto huge = meminfo_.value(hugetlb).value_or(0);
    machine_.usable_kbytes = static_cast<std::int64_t>((*total - std::min(*total, huge)) / 1024);
    return Done{};
}

}  // namespace memtuned::tunables
