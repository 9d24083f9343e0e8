// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/limits.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/kernel/zoneinfo.hpp"
#include "support/temp_root.hpp"

using namespace memtuned;
using namespace memtuned::tunables;

namespace {

constexpr std::int64_t huge_page = 512;  // pages

/// A machine of 5 GB seen with 6.18: nothing used in DMA and DMA32, Normal full of file cache.
Machine small_machine() {
    Machine machine{.zones = {{.managed = 3840, .free = 3840, .reserve = 6347, .high = 57},
                              {.managed = 772915, .free = 772915, .reserve = 3328, .high = 15444},
                              {.managed = 491520, .free = 20000, .reclaimable = 300000, .high = 9822}},
                    .usable_kbytes = 5073100,
                    .pageblock_pages = huge_page};
    find_deciding(machine.zones);
    return machine;
}

bool fits(const Machine& machine, std::int64_t min_free_kbytes, std::int64_t factor) {
    for (const ZoneMemory& zone : machine.zones) {
        const Marks marks = project(zone, lowmem_pages(machine.zones), min_free_kbytes / 4, factor);
        if (zone.decides && 100 * marks.high >= 98 * (zone.free + zone.reclaimable)) return false;
    }
    return true;
}

}  // namespace

TEST_CASE("a zone's marks follow from both tunables as the kernel computes them") {
    const Machine machine = small_machine();
    const std::int64_t lowmem = lowmem_pages(machine.zones);
    CHECK(lowmem == 1268275);
    const ZoneMemory& dma32 = machine.zones[1];

    const Marks stock = project(dma32, lowmem, 67584 / 4, 10);
    CHECK(stock.min == 10296);
    CHECK(stock.low == 12870);
    CHECK(stock.high == 15444);

    SUBCASE("the scale factor counts only once its gap passes a quarter of min") {
        CHECK(project(dma32, lowmem, 67584 / 4, 33).high == stock.high);
        CHECK(project(dma32, lowmem, 67584 / 4, 34).high == 10296 + 2 * 2627);
        CHECK(project(dma32, lowmem, 67584 / 4, 500).min == stock.min);
        CHECK(project(dma32, lowmem, 67584 / 4, 500).low == 10296 + 38645);
        CHECK(project(dma32, lowmem, 67584 / 4, 3000).high == 10296 + 2 * 231874);
    }
    SUBCASE("a capped zone's min stays within 32 and 128 pages and its gap does not") {
        const auto capped = [&](std::int64_t managed) {
            return project({.managed = managed, .capped = true}, lowmem, 67584 / 4, 10);
        };
        CHECK(capped(1000).min == 32);
        CHECK(capped(100000).min == 97);
        CHECK(capped(772915).min == 128);
        CHECK(capped(772915).low == 128 + 2574);
        CHECK(capped(772915).high == 128 + 2 * 2574);
    }
    SUBCASE("a machine of capped zones alone has no share to give") {
        CHECK(project({.managed = 100000, .capped = true}, 0, 16896, 10).high == 97 + 2 * 100);
    }
}

TEST_CASE("captured kernels share min_free_kbytes out and space the marks as projected") {
    // After boot the marks are those of the memory there was before the kernel freed its initial RAM disk, so shares
    // are a little off until the next write; what they sum up to and the gaps are not.
    for (const std::string capture : {"linux-6.1", "linux-6.12-numa", "linux-6.18"}) {
        CAPTURE(capture);
        kernel::ZoneinfoFile file(test::fixture(capture));
        REQUIRE(file.refresh());
        kernel::ProcSysctls sysctls(test::fixture(capture));
        const auto min_free = sysctls.read("proc/sys/vm/min_free_kbytes");
        const auto factor = sysctls.read("proc/sys/vm/watermark_scale_factor");
        REQUIRE(min_free);
        REQUIRE(factor);
        std::vector<ZoneMemory> zones;
        for (const kernel::Zone& zone : file.zones())
            if (zone.populated()) zones.push_back(zone_memory(zone));
        REQUIRE(zones.size() >= 3);

        std::int64_t sum = 0;
        for (const kernel::Zone& zone : file.zones()) {
            if (!zone.populated()) continue;
            CAPTURE(zone.name);
            const auto min = static_cast<std::int64_t>(zone.min - zone.boost);
            const auto gap = static_cast<std::int64_t>(zone.low - zone.min);
            sum += min;
            CHECK(zone.high - zone.low == zone.low - zone.min);
            const Marks projected = project(zone_memory(zone), lowmem_pages(zones), *min_free / 4, *factor);
            CHECK(static_cast<double>(projected.min) == doctest::Approx(static_cast<double>(min)).epsilon(0.1));
            // With all of the minimum for the one zone, the share is the printed min.
            const ZoneMemory memory = zone_memory(zone);
            CHECK(project(memory, memory.managed, min, *factor).low - min == gap);
        }
        CHECK(sum <= *min_free / 4);
        CHECK(sum > *min_free / 4 - static_cast<std::int64_t>(zones.size()));
    }
}

TEST_CASE("a zone's memory leaves out boost, CMA, and file cache that is dirty") {
    kernel::Zone zone;
    zone.name = "Normal";
    zone.managed = 100000;
    zone.free = 5000;
    zone.free_cma = 1000;
    zone.boost = 300;
    zone.min = 1300, zone.low = 1550, zone.high = 1800;
    zone.inactive_file = 2000, zone.active_file = 700, zone.write_pending = 500;
    zone.protection = {0, 0, 800, 200};
    const ZoneMemory memory = zone_memory(zone);
    CHECK(memory.managed == 100000);
    CHECK(memory.free == 4000);
    CHECK(memory.reclaimable == 2200);
    CHECK(memory.reserve == 800);
    CHECK(memory.high == 1500);
    CHECK(memory.buffers);
    CHECK_FALSE(memory.capped);

    zone.write_pending = 2800;  // counters are read one after the other
    CHECK(zone_memory(zone).reclaimable == 0);
    zone.protection.clear();
    CHECK(zone_memory(zone).reserve == 0);
}

TEST_CASE("Movable is in the sum where its min mark shows that this kernel has it there") {
    kernel::Zone zone;
    zone.name = "Movable";
    zone.managed = 100000;
    zone.boost = 50;
    zone.min = 97 + 50;
    CHECK(zone_memory(zone).capped);
    CHECK_FALSE(zone_memory(zone).buffers);
    zone.min = 1300 + 50;
    CHECK_FALSE(zone_memory(zone).capped);
    CHECK_FALSE(zone_memory(zone).buffers);
    zone.name = "HighMem";
    CHECK(zone_memory(zone).capped);
    CHECK_FALSE(zone_memory(zone).buffers);
}

TEST_CASE("the ceilings are the last values that fit") {
    const Machine machine = small_machine();
    const std::int64_t kbytes = greatest_min_free_kbytes(machine, 10);
    CHECK(fits(machine, kbytes, 10));
    CHECK_FALSE(fits(machine, kbytes + 4, 10));
    // Normal is what bounds: min * 3/2 of its share under 98 % of 320000 pages.
    CHECK(kbytes == doctest::Approx(0.98 * 320000 / 1.5 * 1268275 / 491520 * 4).epsilon(0.001));

    const std::int64_t factor = greatest_watermark_scale_factor(machine, 67584);
    CHECK(fits(machine, 67584, factor));
    CHECK(factor == 3000);

    Machine full = machine;
    full.zones[2].reclaimable = 10000;
    const std::int64_t less = greatest_watermark_scale_factor(full, 67584);
    CHECK(fits(full, 67584, less));
    CHECK_FALSE(fits(full, 67584, less + 1));
    CHECK(less == doctest::Approx((0.98 * 30000 - 6548) / 2 / 491520 * 10000).epsilon(0.01));
}

TEST_CASE("where nothing fits the ceilings are the least values the kernel takes") {
    Machine machine = small_machine();
    machine.zones[2].free = machine.zones[2].reclaimable = 0;
    CHECK(greatest_min_free_kbytes(machine, 10) == 0);
    CHECK(greatest_watermark_scale_factor(machine, 67584) == 1);
}

TEST_CASE("the zones that decide are those that ordinary allocations fill and that make up much of their node") {
    std::vector<ZoneMemory> zones = small_machine().zones;
    CHECK_FALSE(zones[0].decides);
    CHECK(zones[1].decides);
    CHECK(zones[2].decides);

    zones[0].reserve = 152;  // a small machine: now DMA is filled down to that, and still a small part
    find_deciding(zones);
    CHECK_FALSE(zones[0].decides);
    zones[1].reserve = 772915;  // 800 GB
    find_deciding(zones);
    CHECK_FALSE(zones[1].decides);

    zones = {{.node = 0, .managed = 100}, {.node = 0, .managed = 700}, {.node = 1, .managed = 100}};
    find_deciding(zones);
    CHECK(zones[0].decides);
    zones[1].managed = 701;
    find_deciding(zones);
    CHECK_FALSE(zones[0].decides);
    CHECK(zones[1].decides);
    CHECK(zones[2].decides);
}

TEST_CASE("a zone that does not decide does not bound the ceilings") {
    Machine machine = small_machine();
    const std::int64_t kbytes = greatest_min_free_kbytes(machine, 10);
    const std::int64_t factor = greatest_watermark_scale_factor(machine, 67584);
    machine.zones[0].free = 3;  // used up by drivers
    CHECK(greatest_min_free_kbytes(machine, 10) == kbytes);
    CHECK(greatest_watermark_scale_factor(machine, 67584) == factor);
    machine.zones[0].decides = true;
    CHECK(greatest_watermark_scale_factor(machine, 67584) == 1);
}

TEST_CASE("the ceilings of busy small machines leave room for what rules ask for") {
    const auto ceiling = [](const char* capture) {
        kernel::ZoneinfoFile file(test::fixture(capture));
        REQUIRE(file.refresh());
        Machine machine;
        for (const kernel::Zone& zone : file.zones())
            if (zone.populated()) machine.zones.push_back(zone_memory(zone));
        find_deciding(machine.zones);
        return greatest_watermark_scale_factor(machine, 2492);
    };
    CHECK(ceiling("linux-6.1") >= 200);
    CHECK(ceiling("linux-6.12-numa") >= 200);
    CHECK(ceiling("linux-6.12-numa-later") >= 200);
    CHECK(ceiling("linux-6.18") == 3000);
}

TEST_CASE("the ceiling of min_free_kbytes stays an int on a machine of 16 TiB") {
    const std::int64_t pages = std::int64_t{16} << 28;
    const Machine machine{.zones = {{.managed = pages, .free = pages}}};
    CHECK(greatest_min_free_kbytes(machine, 10) == 2147483647);
}

TEST_CASE("the safe min_free_kbytes is 5 % of memory without huge pages, at least 1024 kB") {
    CHECK(safe_min_free_kbytes({.usable_kbytes = 1000000}) == 50000);
    CHECK(safe_min_free_kbytes({.usable_kbytes = 8192}) == 1024);
    CHECK(safe_min_free_kbytes({}) == 1024);
}

TEST_CASE("the kernel's minimum at boot is four times the root of lowmem within its clamps") {
    constexpr std::int64_t most = 256 * 1024;
    CHECK(boot_min_free_kbytes(16 * 1024, most) == 512);
    CHECK(boot_min_free_kbytes(512 * 1024, most) == 2896);
    CHECK(boot_min_free_kbytes(1024 * 1024, most) == 4096);
    CHECK(boot_min_free_kbytes(16 * 1024 * 1024, most) == 16384);
    CHECK(boot_min_free_kbytes(500, most) == 128);
    CHECK(boot_min_free_kbytes(std::int64_t{1} << 33, 64 * 1024) == 64 * 1024);
    CHECK(boot_min_free_kbytes(std::int64_t{1} << 33, most) == most);
}

TEST_CASE("khugepaged asks for eleven pageblocks a zone, at most 5 % of lowmem") {
    Machine machine = small_machine();
    CHECK(khugepaged_min_free_kbytes(machine, 5000000) == 67584);
    CHECK(khugepaged_min_free_kbytes(machine, 1000000) == 50000);
    CHECK(khugepaged_min_free_kbytes(machine, 1000060) == 50000);
    machine.zones.push_back({.managed = 100000, .buffers = false, .capped = true});
    CHECK(khugepaged_min_free_kbytes(machine, 5000000) == 67584);
}

TEST_CASE("values the kernel made itself are recognized") {
    Machine machine = small_machine();
    CHECK(is_kernel_made(machine, 67584));
    CHECK_FALSE(is_kernel_made(machine, 67580));
    CHECK_FALSE(is_kernel_made(machine, 67588));
    CHECK_FALSE(is_kernel_made(machine, 81920));
    CHECK_FALSE(is_kernel_made(machine, 65536));
    CHECK(is_kernel_made(machine, 9009));  // sqrt(16 * 5073100)
    CHECK(is_kernel_made(machine, 8860));  // of what is above the high marks, the initial RAM disk not yet freed
    CHECK_FALSE(is_kernel_made(machine, 9010));
    CHECK_FALSE(is_kernel_made(machine, 8192));
    CHECK_FALSE(is_kernel_made(machine, 0));

    machine.pageblock_pages = 0;
    CHECK_FALSE(is_kernel_made(machine, 67584));
    CHECK(is_kernel_made(machine, 9000));
}

TEST_CASE("on a machine under 1.3 GB khugepaged's minimum is a share of the memory it saw") {
    const Machine machine{.zones = {{.managed = 3840, .high = 200}, {.managed = 146000, .high = 11000}},
                          .usable_kbytes = 599360,
                          .pageblock_pages = huge_page};
    CHECK(is_kernel_made(machine, 29968));  // 5 % of all of it
    CHECK(is_kernel_made(machine, 24448));  // 5 % of what is above the marks, less 64 MiB
    CHECK_FALSE(is_kernel_made(machine, 29972));
    CHECK_FALSE(is_kernel_made(machine, 24440));
}

TEST_CASE("captured kernels made their min_free_kbytes themselves") {
    for (const std::string capture : {"linux-6.1", "linux-6.12-numa", "linux-6.18"}) {
        CAPTURE(capture);
        const kernel::Root root = test::fixture(capture);
        kernel::ZoneinfoFile file(root);
        REQUIRE(file.refresh());
        Machine machine{.pageblock_pages = huge_page};
        for (const kernel::Zone& zone : file.zones())
            if (zone.populated()) machine.zones.push_back(zone_memory(zone));
        const auto value = kernel::ProcSysctls(root).read("proc/sys/vm/min_free_kbytes");
        REQUIRE(value);
        CHECK(is_kernel_made(machine, *value));
        CHECK_FALSE(is_kernel_made(machine, *value * 5 / 4));
    }
}
