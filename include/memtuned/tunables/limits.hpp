// SPDX-License-Identifier: GPL-2.0-or-later
//
// How far the watermarks of the machine at hand may be raised. The kernel takes any vm.min_free_kbytes and a
// vm.watermark_scale_factor of up to 30 % of memory per gap: a value that puts a zone's high watermark above what can
// be freed there keeps kswapd reclaiming without end, one that does so with min ends in the OOM killer. So the marks
// are projected before a write with the formula that the kernel has used since 4.6 (mm/page_alloc.c,
// __setup_per_zone_wmarks, in 5.10 to 7.2). With all divisions rounded down, for each zone:
//
//     share = min_free_pages * managed / (sum of managed over all zones but capped ones)
//     min   = share, or in a capped zone managed / 1024 within 32 .. 128
//     gap   = max(share / 4, managed * watermark_scale_factor / 10000)
//     low   = min + gap;  high = low + gap
//
// Pure functions; sizes are in pages unless the name says otherwise.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "memtuned/kernel/zoneinfo.hpp"

namespace memtuned::tunables {

struct ZoneMemory {
    int node = 0;
    std::int64_t managed = 0;      ///< what the allocator hands out
    std::int64_t free = 0;         ///< what lies in CMA areas excluded: kswapd does not count it either
    std::int64_t reclaimable = 0;  ///< file cache that is neither dirty nor under writeback
    std::int64_t reserve = 0;      ///< kept from ordinary allocations: the greatest of the zone's `protection`
    std::int64_t high = 0;         ///< the high watermark now, boost excluded
    bool buffers = true;           ///< of use to the kernel itself: neither HighMem nor Movable
    bool capped = false;           ///< its min mark does not grow: HighMem, and Movable in newer kernels
    bool decides = true;           ///< its marks bound the ceilings: see find_deciding()
};

/// What the limits of this machine follow from.
struct Machine {
    std::vector<ZoneMemory> zones = {};  ///< the populated ones
    std::int64_t page_kbytes = 4;
    std::int64_t usable_kbytes = 0;    ///< all memory but huge pages
    std::int64_t pageblock_pages = 0;  ///< of a transparent huge page; 0 where the kernel has none
};

ZoneMemory zone_memory(const kernel::Zone& zone);

struct Marks {
    std::int64_t min = 0, low = 0, high = 0;
};

/// The sum that vm.min_free_kbytes is shared out by.
std::int64_t lowmem_pages(std::span<const ZoneMemory> zones);

/// A zone's marks, boost excluded, under these values.
Marks project(const ZoneMemory& zone, std::int64_t lowmem_pages, std::int64_t min_free_pages,
              std::int64_t watermark_scale_factor);

/// Sets `decides` in all zones of a machine. Not in one that ordinary allocations leave alone: they take no page of
/// the last `reserve` ones, which is all of the 15 MiB DMA zone from 6 GB on, and all of DMA32 from 800 GB on. What
/// happens to be free in it says nothing about what can be freed. Nor in one that is under an eighth of its node:
/// kswapd is content when any zone of the node reaches its high mark, and allocations pass over the others. On a busy
/// machine of 400 MB with 175 free and reclaimable pages in DMA that zone alone would have set the ceiling of
/// vm.watermark_scale_factor to 195; the others allow 354.
void find_deciding(std::span<ZoneMemory> zones);

/// The greatest values for which every zone that ordinary allocations fill has a projected high mark under 98 % of
/// what is free or reclaimable in it (the margin that adaptivemm keeps), the other one being as given; at least the
/// least value the kernel takes (0 and 1), also where that is too much already.
std::int64_t greatest_min_free_kbytes(const Machine& machine, std::int64_t watermark_scale_factor);
std::int64_t greatest_watermark_scale_factor(const Machine& machine, std::int64_t min_free_kbytes);

/// 5 % of memory without huge pages: from there on vm.min_free_kbytes is "too high" (Red Hat, RHEL 6 Performance
/// Tuning Guide 5.5). Never below the 1024 kB that vm.rst calls a deadlock risk.
std::int64_t safe_min_free_kbytes(const Machine& machine);

/// What the kernel sets vm.min_free_kbytes to. At boot and on hot-plug: sqrt(16 * lowmem), within 128 kB and `most`:
/// 256 MiB, before 5.8 64 MiB. With transparent huge pages it is raised to eleven pageblocks for each zone, at most 5
/// % of lowmem (khugepaged: two free ones, and three for each of three mobility types). Here lowmem is what is above
/// the high marks in zones that are `buffers`.
std::int64_t boot_min_free_kbytes(std::int64_t lowmem_kbytes, std::int64_t most);
std::int64_t khugepaged_min_free_kbytes(const Machine& machine, std::int64_t lowmem_kbytes);

/// Whether a value of vm.min_free_kbytes is one of the above, so that the kernel may have set it itself. khugepaged's
/// pageblocks are exact; what follows from lowmem lies between what that gives now and what it gave before there were
/// marks to subtract, or before the kernel freed what only its boot had used.
bool is_kernel_made(const Machine& machine, std::int64_t min_free_kbytes);

}  // namespace memtuned::tunables
