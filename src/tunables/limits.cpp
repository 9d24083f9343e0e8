// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace memtuned::tunables {
namespace {

/// What the kernel frees after it computed its minimum at boot: its own initialization code and the initial RAM disk,
/// 24 MiB in Debian's cloud kernels of 12 and 13, more in the general ones.
constexpr std::int64_t freed_late_kbytes = 64 * 1024;

/// The greatest value in [least, most] that `fits`, which must not fit again once it did not; `least` if none does.
template <class Fits>
std::int64_t greatest(std::int64_t least, std::int64_t most, Fits fits) {
    while (least < most) {
        const std::int64_t middle = most - (most - least) / 2;
        if (fits(middle))
            least = middle;
        else
            most = middle - 1;
    }
    return least;
}

bool all_fit(const Machine& machine, std::int64_t lowmem, std::int64_t min_free_kbytes, std::int64_t scale_factor) {
    const std::int64_t min_free = min_free_kbytes / machine.page_kbytes;
    return std::ranges::all_of(machine.zones, [&](const ZoneMemory& zone) {
        return !zone.decides ||
               100 * project(zone, lowmem, min_free, scale_factor).high < 98 * (zone.free + zone.reclaimable);
    });
}

std::int64_t managed_pages(std::span<const ZoneMemory> zones) {
    std::int64_t sum = 0;
    for (const ZoneMemory& zone : zones) sum += zone.managed;
    return sum;
}

/// Lowmem as the kernel counts it for its own minimum: what is above the high marks, or all there is.
std::int64_t buffer_kbytes(const Machine& machine, bool above_marks) {
    std::int64_t pages = 0;
    for (const ZoneMemory& zone : machine.zones)
        if (zone.buffers) pages += std::max<std::int64_t>(0, zone.managed - (above_marks ? zone.high : 0));
    return pages * machine.page_kbytes;
}

std::int64_t capped_min(std::int64_t managed) {
    return std::clamp<std::int64_t>(managed / 1024, 32, 128);
}

}  // namespace

ZoneMemory zone_memory(const kernel::Zone& zone) {
    const auto pages = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
    const std::int64_t cache = pages(zone.inactive_file + zone.active_file) - pages(zone.write_pending);
    const bool movable = zone.name == "Movable";
    const bool highmem = zone.name == "HighMem";
    // Movable's mark is capped in newer kernels (6.12 is one), and in the sum before. The mark it has tells which.
    const bool capped = highmem || (movable && pages(zone.min - zone.boost) == capped_min(pages(zone.managed)));
    return {.node = zone.node,
            .managed = pages(zone.managed),
            .free = pages(zone.free) - pages(zone.free_cma),
            .reclaimable = std::max<std::int64_t>(0, cache),
            .reserve = zone.protection.empty() ? 0 : pages(std::ranges::max(zone.protection)),
            .high = pages(zone.high - zone.boost),
            .buffers = !highmem && !movable,
            .capped = capped};
}

std::int64_t lowmem_pages(std::span<const ZoneMemory> zones) {
    std::int64_t sum = 0;
    for (const ZoneMemory& zone : zones)
        if (!zone.capped) sum += zone.managed;
    return sum;
}

Marks project(const ZoneMemory& zone, std::int64_t lowmem_pages, std::int64_t min_free_pages,
              std::int64_t watermark_scale_factor) {
    const std::int64_t share = lowmem_pages == 0 ? 0 : min_free_pages * zone.managed / lowmem_pages;
    const std::int64_t min = zone.capped ? capped_min(zone.managed) : share;
    const std::int64_t gap = std::max(share / 4, zone.managed * watermark_scale_factor / 10000);
    return {min, min + gap, min + 2 * gap};
}

void find_deciding(std::span<ZoneMemory> zones) {
    for (ZoneMemory& zone : zones) {
        std::int64_t node = 0;
        for (const ZoneMemory& other : zones)
            if (other.node == zone.node) node += other.managed;
        zone.decides = zone.managed > zone.reserve && 8 * zone.managed >= node;
    }
}

std::int64_t greatest_min_free_kbytes(const Machine& machine, std::int64_t watermark_scale_factor) {
    const std::int64_t lowmem = lowmem_pages(machine.zones);
    const std::int64_t most =
        std::min<std::int64_t>(managed_pages(machine.zones) * machine.page_kbytes, std::numeric_limits<int>::max());
    return greatest(0, most,
                    [&](std::int64_t kbytes) { return all_fit(machine, lowmem, kbytes, watermark_scale_factor); });
}

std::int64_t greatest_watermark_scale_factor(const Machine& machine, std::int64_t min_free_kbytes) {
    const std::int64_t lowmem = lowmem_pages(machine.zones);
    return greatest(1, 3000, [&](std::int64_t factor) { return all_fit(machine, lowmem, min_free_kbytes, factor); });
}

std::int64_t safe_min_free_kbytes(const Machine& machine) {
    return std::max<std::int64_t>(1024, machine.usable_kbytes / 20);
}

std::int64_t boot_min_free_kbytes(std::int64_t lowmem_kbytes, std::int64_t most) {
    // Rounded down: an int64 of up to 2^53 is exact as a double, and sqrt() is correctly rounded.
    const auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(16 * lowmem_kbytes)));
    return std::clamp<std::int64_t>(root, 128, most);
}

std::int64_t khugepaged_min_free_kbytes(const Machine& machine, std::int64_t lowmem_kbytes) {
    const auto zones = std::ranges::count_if(machine.zones, [](const ZoneMemory& z) { return z.buffers; });
    return std::min<std::int64_t>(zones * 11 * machine.pageblock_pages * machine.page_kbytes,
                                  lowmem_kbytes / 20 / machine.page_kbytes * machine.page_kbytes);
}

bool is_kernel_made(const Machine& machine, std::int64_t min_free_kbytes) {
    const std::int64_t most = buffer_kbytes(machine, false);
    const std::int64_t least = std::max<std::int64_t>(0, buffer_kbytes(machine, true) - freed_late_kbytes);
    const auto lies_within = [&](std::int64_t from, std::int64_t to) {
        return min_free_kbytes >= from && min_free_kbytes <= to;
    };
    for (const std::int64_t top : {64 * 1024, 256 * 1024})
        if (lies_within(boot_min_free_kbytes(least, top), boot_min_free_kbytes(most, top))) return true;
    return machine.pageblock_pages > 0 &&
           lies_within(khugepaged_min_free_kbytes(machine, least), khugepaged_min_free_kbytes(machine, most));
}

}  // namespace memtuned::tunables
