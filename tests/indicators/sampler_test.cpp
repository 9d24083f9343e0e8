// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/indicators/sampler.hpp"

#include <chrono>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::indicators {

namespace {

using namespace std::chrono_literals;

const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
constexpr double KiB = 1024;

/// "zone.free(0/Normal)" as a key.
Key key(std::string_view text) {
    const std::size_t open = text.find('(');
    if (open == std::string_view::npos) return {find(text).value(), ""};
    return {find(text.substr(0, open)).value(), std::string(text.substr(open + 1, text.size() - open - 2))};
}

std::vector<Key> keys(std::initializer_list<std::string_view> texts) {
    std::vector<Key> made;
    for (const std::string_view text : texts) made.push_back(key(text));
    return made;
}

std::vector<Key> every_key() {
    std::vector<Key> made;
    for (std::size_t i = 0; i < catalogue().size(); ++i) {
        const Argument argument = catalogue()[i].argument;
        made.push_back({i, argument == Argument::zone    ? "0/Normal"
                           : argument == Argument::node  ? "0"
                           : argument == Argument::order ? "9"
                           : argument == Argument::unit  ? "*.service"
                                                         : ""});
    }
    return made;
}

/// A sampler over a tree of the test's own, with its clock.
struct Bench {
    explicit Bench(std::initializer_list<std::string_view> names) : sampler(tree.root(), keys(names)) {}

    const Sample& take(Duration step = 1s) { return sampler.take(now += step); }
    double value(std::size_t slot = 0) const { return sample->values[slot]; }
    void tick(Duration step = 1s) { sample = &take(step); }

    test::TempRoot tree;
    Sampler sampler;
    Instant now = Instant() + 100s;
    const Sample* sample = nullptr;
};

bool none(double value) {
    return std::isnan(value);
}

constexpr std::string_view meminfo =
    "MemTotal:       1000 kB\nMemFree:         200 kB\nMemAvailable:    600 kB\nBuffers:          10 kB\n"
    "Cached:          300 kB\nSwapCached:        1 kB\nSwapTotal:       500 kB\nSwapFree:        400 kB\n"
    "SReclaimable:     40 kB\nHugePages_Total:   3\nHugepagesize:   2048 kB\nHugetlb:        6144 kB\n";

std::string vmstat(std::initializer_list<std::pair<std::string_view, std::uint64_t>> lines) {
    std::string text = "nr_free_pages 1\n";
    for (const auto& [name, value] : lines) text += std::string(name) + " " + std::to_string(value) + "\n";
    return text;
}

std::string pressure(std::uint64_t some, std::uint64_t full) {
    return "some avg10=12.50 avg60=3.00 avg300=1.00 total=" + std::to_string(some) +
           "\nfull avg10=5.00 avg60=2.00 avg300=0.50 total=" + std::to_string(full) + "\n";
}

std::string zone(int node, std::string_view name, std::uint64_t free, std::uint64_t managed, int unreclaimable = 0) {
    return "Node " + std::to_string(node) + ", zone " + std::string(name) + "\n  pages free     " +
           std::to_string(free) +
           "\n        boost    1\n        min      100\n        low      200\n        high     300\n        managed "
           " " +
           std::to_string(managed) + "\n  pagesets\n    cpu: 0\n              high:  9\n  node_unreclaimable:  " +
           std::to_string(unreclaimable) + "\n";
}

}  // namespace

TEST_CASE("levels of meminfo are in bytes, and counts are counts") {
    Bench bench({"mem.total", "mem.free", "mem.available", "hugepages.total", "hugepages.size", "hugepages.bytes"});
    bench.tree.write("proc/meminfo", meminfo);
    bench.tick();
    CHECK(bench.value(0) == 1000 * KiB);
    CHECK(bench.value(1) == 200 * KiB);
    CHECK(bench.value(2) == 600 * KiB);
    CHECK(bench.value(3) == 3);
    CHECK(bench.value(4) == 2048 * KiB);
    CHECK(bench.value(5) == 6144 * KiB);
}

// procps 4: used is total less available, buff/cache is Buffers, Cached and SReclaimable.
TEST_CASE("memory is used and cached as free shows it") {
    Bench bench({"mem.used", "mem.buff_cache", "swap.used"});
    bench.tree.write("proc/meminfo", meminfo);
    bench.tick();
    CHECK(bench.value(0) == 400 * KiB);
    CHECK(bench.value(1) == 350 * KiB);
    CHECK(bench.value(2) == 100 * KiB);
}

TEST_CASE("a difference of levels is never less than nothing") {
    Bench bench({"mem.used"});
    bench.tree.write("proc/meminfo", "MemTotal: 10 kB\nMemAvailable: 12 kB\n");
    bench.tick();
    CHECK(bench.value() == 0);
}

TEST_CASE("rates count from the sample before, by the time that really passed") {
    Bench bench({"swap.in", "io.in", "fault.major", "fault.minor"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 100}, {"pgpgin", 50}, {"pgmajfault", 7}, {"pgfault", 1000}}));
    bench.tick();
    for (std::size_t slot = 0; slot < 4; ++slot) CHECK(none(bench.value(slot)));
    CHECK_FALSE(bench.sample->gap);
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 110}, {"pgpgin", 90}, {"pgmajfault", 8}, {"pgfault", 1005}}));
    bench.tick(2s);
    CHECK(bench.value(0) == 10 * page / 2);
    CHECK(bench.value(1) == 40 * KiB / 2);
    CHECK(bench.value(2) == 0.5);
    CHECK(bench.value(3) == 2);
    bench.tick(500ms);
    CHECK(bench.value(0) == 0);
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 111}, {"pgpgin", 90}, {"pgmajfault", 9}, {"pgfault", 1006}}));
    bench.tick(100ms);
    CHECK(bench.value(0) == doctest::Approx(page / 0.1));
    CHECK(bench.value(2) == doctest::Approx(10));
    CHECK(bench.value(3) == 0);
}

TEST_CASE("a counter that went backwards has no data once, and it alone") {
    Bench bench({"swap.in", "swap.out"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 100}, {"pswpout", 100}}));
    bench.tick();
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 5}, {"pswpout", 101}}));
    bench.tick();
    CHECK(none(bench.value(0)));
    CHECK(bench.value(1) == page);
    CHECK(bench.sample->unavailable[0] == 0);
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 6}, {"pswpout", 101}}));
    bench.tick();
    CHECK(bench.value(0) == page);
}

TEST_CASE("after a gap rates have no data once, and the sample says so") {
    Bench bench({"swap.in", "mem.free", "psi.memory.some.now"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 100}})).write("proc/meminfo", meminfo);
    bench.tree.write("proc/pressure/memory", pressure(0, 0));
    bench.tick();
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 200}}));
    bench.sample = &bench.sampler.take(bench.now += 6001ms, 6s);
    CHECK(bench.sample->gap);
    CHECK(none(bench.value(0)));
    CHECK(bench.value(1) == 200 * KiB);
    CHECK(none(bench.value(2)));
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 206}})).write("proc/pressure/memory", pressure(3000000, 0));
    bench.sample = &bench.sampler.take(bench.now += 6s, 6s);
    CHECK_FALSE(bench.sample->gap);
    CHECK(bench.value(0) == page);
    CHECK(bench.value(2) == 0.5);
}

TEST_CASE("two samples at one instant have no rates") {
    Bench bench({"swap.in"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 100}}));
    bench.tick();
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 200}}));
    bench.tick(0s);
    CHECK(none(bench.value()));
    CHECK_FALSE(bench.sample->gap);
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 201}}));
    bench.tick();
    CHECK(bench.value() == page);
}

TEST_CASE("a sample knows its instant") {
    Bench bench({"host.uptime"});
    bench.tree.write("proc/uptime", "12.50 20.00\n");
    bench.tick();
    CHECK(bench.sample->at == bench.now);
    CHECK(bench.value() == 12.5);
}

TEST_CASE("pressure is given as averages and as the share since the last sample") {
    Bench bench({"psi.memory.some.avg10", "psi.memory.full.avg60", "psi.memory.some.now", "psi.memory.full.now"});
    bench.tree.write("proc/pressure/memory", pressure(1000000, 500000));
    bench.tick();
    CHECK(bench.value(0) == 0.125);
    CHECK(bench.value(1) == 0.02);
    CHECK(none(bench.value(2)));
    bench.tree.write("proc/pressure/memory", pressure(1500000, 700000));
    bench.tick(2s);
    CHECK(bench.value(2) == doctest::Approx(0.25));
    CHECK(bench.value(3) == doctest::Approx(0.1));
    bench.tree.write("proc/pressure/memory", pressure(9500000, 600000));
    bench.tick();
    CHECK(bench.value(2) == 1);
    CHECK(none(bench.value(3)));
}

TEST_CASE("without PSI its indicators are unavailable with what to do") {
    Bench bench({"psi.memory.some.avg10", "psi.memory.some.now", "mem.free"});
    bench.tree.write("proc/meminfo", meminfo);
    bench.tick();
    for (std::size_t slot = 0; slot < 2; ++slot) {
        CHECK(none(bench.value(slot)));
        CHECK(bench.sample->unavailable[slot] == 1);
        CHECK(bench.sampler.why_unavailable(slot) ==
              "proc/pressure/memory: No such file or directory (PSI is off: boot with psi=1)");
    }
    CHECK(bench.sample->unavailable[2] == 0);
    CHECK(bench.sampler.why_unavailable(2).empty());
}

TEST_CASE("a missing file is looked for again a minute later, not before") {
    Bench bench({"psi.memory.some.avg10", "psi.memory.some.now"});
    bench.tick();
    bench.tree.write("proc/pressure/memory", pressure(0, 0));
    bench.tick(59s);
    CHECK(bench.sample->unavailable[0] == 1);
    CHECK(bench.sampler.why_unavailable(0) ==
          "proc/pressure/memory: No such file or directory (PSI is off: boot with psi=1)");
    bench.tick(1s);
    CHECK(bench.sample->unavailable[0] == 0);
    CHECK(bench.sampler.why_unavailable(0).empty());
    CHECK(bench.value(0) == 0.125);
    CHECK(none(bench.value(1)));
    bench.tree.write("proc/pressure/memory", pressure(500000, 0));
    bench.tick(1s);
    CHECK(bench.value(1) == 0.5);
}

TEST_CASE("an old kernel's cpu pressure has no full line") {
    Bench bench({"psi.cpu.full.avg10", "psi.cpu.full.now", "psi.cpu.some.avg10"});
    bench.tree.write("proc/pressure/cpu", "some avg10=50.00 avg60=0.00 avg300=0.00 total=1\n");
    bench.tick();
    CHECK(bench.sample->unavailable[0] == 1);
    CHECK(bench.sampler.why_unavailable(0) == "proc/pressure/cpu has no full line");
    CHECK(bench.sample->unavailable[1] == 1);
    CHECK(bench.value(2) == 0.5);
}

// /proc/self/mem opens, and gives EIO when it is read from the start.
TEST_CASE("a read error that may pass is no data for one tick and makes nothing unavailable") {
    Bench bench({"mem.free"});
    std::filesystem::create_directories(bench.tree.root() / "proc");
    std::filesystem::create_symlink("/proc/self/mem", bench.tree.root() / "proc/meminfo");
    bench.tick();
    CHECK(none(bench.value()));
    CHECK(bench.sample->unavailable[0] == 0);
    CHECK(bench.sampler.why_unavailable(0).empty());
    bench.tree.remove("proc/meminfo").write("proc/meminfo", meminfo);
    bench.tick();
    CHECK(bench.value() == 200 * KiB);
}

TEST_CASE("a file that is not what it should be makes its indicators unavailable until it is") {
    Bench bench({"psi.memory.some.avg10", "zones.free"});
    bench.tree.write("proc/pressure/memory", "").write("proc/zoneinfo", "Node 0, zone DMA\n");
    bench.tick();
    CHECK(none(bench.value(0)));
    CHECK(bench.sampler.why_unavailable(0) == "proc/pressure/memory: neither a some nor a full line");
    CHECK(bench.sampler.why_unavailable(1) == "proc/zoneinfo: node 0, zone DMA: no free");
    bench.tree.write("proc/pressure/memory", pressure(0, 0)).write("proc/zoneinfo", zone(0, "DMA", 5, 1000));
    bench.tick();
    CHECK(bench.value(0) == 0.125);
    CHECK(bench.value(1) == 5 * page);
    CHECK(bench.sampler.why_unavailable(0).empty());
    CHECK(bench.sampler.why_unavailable(1).empty());
}

TEST_CASE("a key that this kernel lacks is unavailable, and the others are not") {
    Bench bench({"refault.file", "mem.used", "mem.buff_cache", "reclaim.efficiency", "swap.in", "mem.free"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 1}, {"pgsteal_kswapd", 1}, {"pgsteal_direct", 1}}));
    bench.tree.write("proc/meminfo", "MemTotal: 2 kB\nMemFree: 1 kB\nBuffers: 1 kB\nCached: 1 kB\n");
    bench.tick();
    bench.tick();
    CHECK(bench.sampler.why_unavailable(0) == "proc/vmstat has no workingset_refault_file");
    CHECK(bench.sampler.why_unavailable(1) == "proc/meminfo has no MemAvailable");
    CHECK(bench.sampler.why_unavailable(2) == "proc/meminfo has no SReclaimable");
    CHECK(bench.sampler.why_unavailable(3) == "proc/vmstat has no pgscan_kswapd");
    for (std::size_t slot = 0; slot < 4; ++slot) {
        CHECK(bench.sample->unavailable[slot] == 1);
        CHECK(none(bench.value(slot)));
    }
    CHECK(bench.value(4) == 0);
    CHECK(bench.value(5) == KiB);
}

TEST_CASE("a value that is no number is no data, not zero and not unavailable") {
    Bench bench({"mem.free", "swap.in"});
    bench.tree.write("proc/meminfo", "MemFree: lots kB\n").write("proc/vmstat", "pswpin 5\n");
    bench.tick();
    bench.tree.write("proc/vmstat", "pswpin -5\n");
    bench.tick();
    CHECK(none(bench.value(0)));
    CHECK(none(bench.value(1)));
    CHECK(bench.sample->unavailable[0] == 0);
    CHECK(bench.sample->unavailable[1] == 0);
    bench.tree.write("proc/vmstat", "pswpin 10\n");
    bench.tick();
    CHECK(none(bench.value(1)));
    bench.tree.write("proc/vmstat", "pswpin 11\n");
    bench.tick();
    CHECK(bench.value(1) == page);
}

TEST_CASE("direct stalls are summed over the kinds of zones there are") {
    Bench bench({"reclaim.direct_stalls"});
    bench.tree.write("proc/vmstat",
                     vmstat({{"allocstall_dma", 1}, {"allocstall_normal", 10}, {"allocstall_movable", 5}}));
    bench.tick();
    bench.tree.write("proc/vmstat",
                     vmstat({{"allocstall_dma", 2}, {"allocstall_normal", 13}, {"allocstall_movable", 5}}));
    bench.tick(2s);
    CHECK(bench.value() == 2);
}

TEST_CASE("an old kernel has one counter of direct stalls") {
    Bench bench({"reclaim.direct_stalls"});
    bench.tree.write("proc/vmstat", vmstat({{"allocstall", 1}}));
    bench.tick();
    bench.tree.write("proc/vmstat", vmstat({{"allocstall", 5}}));
    bench.tick();
    CHECK(bench.value() == 4);
}

TEST_CASE("a kernel without a counter of direct stalls says so") {
    Bench bench({"reclaim.direct_stalls"});
    bench.tree.write("proc/vmstat", vmstat({{"allocstalls", 1}}));
    bench.tick();
    CHECK(bench.sample->unavailable[0] == 1);
    CHECK(bench.sampler.why_unavailable(0) == "proc/vmstat has no allocstall_*");
}

TEST_CASE("reclaim's efficiency is what it freed of what it looked at, and nothing is no data") {
    Bench bench({"reclaim.efficiency"});
    const auto counters = [](std::uint64_t kswapd, std::uint64_t direct) {
        return vmstat({{"pgsteal_kswapd", kswapd / 2},
                       {"pgsteal_direct", direct / 4},
                       {"pgscan_kswapd", kswapd},
                       {"pgscan_direct", direct}});
    };
    bench.tree.write("proc/vmstat", counters(0, 0));
    bench.tick();
    bench.tree.write("proc/vmstat", counters(300, 100));
    bench.tick();
    CHECK(bench.value() == doctest::Approx(175.0 / 400));
    bench.tick();
    CHECK(none(bench.value()));
    CHECK(bench.sample->unavailable[0] == 0);
}

TEST_CASE("refaults have no data over an interval in which somebody dropped caches") {
    Bench bench({"refault.file", "refault.anon", "io.in"});
    const auto counters = [](std::uint64_t refaults, std::uint64_t pagecache, std::uint64_t slab) {
        return vmstat({{"workingset_refault_anon", refaults},
                       {"workingset_refault_file", refaults},
                       {"pgpgin", refaults},
                       {"drop_pagecache", pagecache},
                       {"drop_slab", slab}});
    };
    bench.tree.write("proc/vmstat", counters(0, 3, 2));
    bench.tick();
    bench.tree.write("proc/vmstat", counters(4, 3, 2));
    bench.tick();
    CHECK(bench.value(0) == 4 * page);
    CHECK(bench.value(1) == 4 * page);
    for (const auto& text : {counters(8, 4, 2), counters(12, 4, 3)}) {
        bench.tree.write("proc/vmstat", text);
        bench.tick();
        CHECK(none(bench.value(0)));
        CHECK(none(bench.value(1)));
        CHECK(bench.value(2) == 4 * KiB);
        CHECK(bench.sample->unavailable[0] == 0);
    }
    bench.tree.write("proc/vmstat", counters(20, 4, 3));
    bench.tick();
    CHECK(bench.value(0) == 8 * page);
}

TEST_CASE("zones are summed, counted and the worst of them found, without the unpopulated") {
    Bench bench({"zones.free", "zones.min", "zones.low", "zones.high", "zones.below_min", "zones.below_low",
                 "zones.below_high", "zones.headroom", "reclaim.unreclaimable", "numa.nodes", "zones.managed",
                 "zones.boost"});
    bench.tree.write("proc/zoneinfo", zone(0, "DMA", 5000, 6000) + zone(0, "Normal", 150, 9000, 1) +
                                          zone(0, "Movable", 0, 0) + zone(1, "Normal", 250, 9000));
    bench.tick();
    CHECK(bench.value(0) == 5400 * page);
    CHECK(bench.value(1) == 300 * page);
    CHECK(bench.value(2) == 600 * page);
    CHECK(bench.value(3) == 900 * page);
    CHECK(bench.value(4) == 0);
    CHECK(bench.value(5) == 1);
    CHECK(bench.value(6) == 2);
    CHECK(bench.value(7) == -0.25);
    CHECK(bench.value(8) == 1);
    CHECK(bench.value(9) == 2);
    CHECK(bench.value(10) == 24000 * page);
    CHECK(bench.value(11) == 3 * page);
}

TEST_CASE("a zone and a node are found by their names") {
    Bench bench({"zone.free(0/Normal)", "zone.free(1/Normal)", "zone.headroom(0/DMA)", "node.free(0)",
                 "node.below_low(0)", "node.below_low(1)", "node.headroom(0)", "zone.low(1/Normal)"});
    bench.tree.write("proc/zoneinfo", zone(0, "DMA", 5000, 6000) + zone(0, "Normal", 150, 9000) +
                                          zone(0, "Movable", 0, 0) + zone(1, "Normal", 250, 9000));
    bench.tick();
    CHECK(bench.value(0) == 150 * page);
    CHECK(bench.value(1) == 250 * page);
    CHECK(bench.value(2) == 24);
    CHECK(bench.value(3) == 5150 * page);
    CHECK(bench.value(4) == 1);
    CHECK(bench.value(5) == 0);
    CHECK(bench.value(6) == -0.25);
    CHECK(bench.value(7) == 200 * page);
}

TEST_CASE("a zone or node that is not there is unavailable with those that are") {
    Bench bench({"zone.free(0/Foo)", "zone.free(2/Normal)", "zone.free(0/Movable)", "node.free(7)", "zones.free"});
    bench.tree.write("proc/zoneinfo", zone(0, "DMA", 5000, 6000) + zone(0, "DMA32", 5000, 6000) +
                                          zone(0, "Normal", 150, 9000) + zone(0, "Movable", 0, 0) +
                                          zone(1, "Normal", 250, 9000));
    bench.tick();
    CHECK(bench.sampler.why_unavailable(0) ==
          "no zone 0/Foo on this machine; there are 0/DMA, 0/DMA32, 0/Normal, 1/Normal");
    CHECK(bench.sampler.why_unavailable(1) ==
          "no zone 2/Normal on this machine; there are 0/DMA, 0/DMA32, 0/Normal, 1/Normal");
    CHECK(bench.sampler.why_unavailable(2) ==
          "no zone 0/Movable with memory on this machine; there are 0/DMA, 0/DMA32, 0/Normal, 1/Normal");
    CHECK(bench.sampler.why_unavailable(3) == "no node 7 with memory on this machine; there are 0, 1");
    for (std::size_t slot = 0; slot < 4; ++slot) CHECK(bench.sample->unavailable[slot] == 1);
    CHECK(bench.sample->unavailable[4] == 0);
}

TEST_CASE("memory that is plugged in later becomes available") {
    Bench bench({"zone.free(1/Movable)"});
    bench.tree.write("proc/zoneinfo", zone(0, "Normal", 150, 9000));
    bench.tick();
    CHECK(bench.sample->unavailable[0] == 1);
    bench.tree.write("proc/zoneinfo", zone(0, "Normal", 150, 9000) + zone(1, "Movable", 77, 9000));
    bench.tick();
    CHECK(bench.sample->unavailable[0] == 0);
    CHECK(bench.value() == 77 * page);
}

TEST_CASE("memory is unusable at an order when its blocks are smaller") {
    Bench bench({"frag.unusable(0)", "frag.unusable(1)", "frag.unusable(2)", "frag.unusable(3)"});
    bench.tree.write("proc/buddyinfo", "Node 0, zone DMA 2 1 0\nNode 0, zone Normal 2 1 2\n");
    bench.tick();
    CHECK(bench.value(0) == 0);
    CHECK(bench.value(1) == 0.25);
    CHECK(bench.value(2) == 0.5);
    CHECK(bench.sampler.why_unavailable(3) == "no blocks of order 3 on this machine; orders go up to 2");
    bench.tree.write("proc/buddyinfo", "Node 0, zone DMA 0 0 0\n");
    bench.tick();
    CHECK(none(bench.value(1)));
    CHECK(bench.sample->unavailable[1] == 0);
}

TEST_CASE("the share of swap on zram is 0 without swap") {
    Bench bench({"swap.on_zram"});
    bench.tree.write("proc/swaps", "Filename Type Size Used Priority\n");
    bench.tick();
    CHECK(bench.value() == 0);
    CHECK(bench.sample->unavailable[0] == 0);
    bench.tree.write("proc/swaps",
                     "Filename Type Size Used Priority\n/dev/zram0 partition 300 0 5\n/swap file 100 0 -2\n");
    bench.tick();
    CHECK(bench.value() == 0.75);
    bench.tree.write("proc/swaps", "Filename Type Size Used Priority\n");
    bench.tick();
    CHECK(bench.value() == 0);
}

TEST_CASE("the host's cpus are counted and the hour is the clock's") {
    Bench bench({"host.cpus", "time.hour"});
    bench.tree.write("sys/devices/system/cpu/online", "0-3,8\n");
    bench.tick();
    CHECK(bench.value(0) == 5);
    const double before = bench.value(1);
    CHECK(before >= 0);
    CHECK(before < 24);
    CHECK(before * 60 == doctest::Approx(std::round(before * 60)));
}

TEST_CASE("the page cache's hit ratio is unavailable and says why") {
    Bench bench({"cache.hit_ratio"});
    CHECK(bench.sampler.why_unavailable(0) ==
          "the kernel does not count the lookups in its page cache, so there is no hit ratio; see refault.file");
    bench.tick();
    CHECK(none(bench.value()));
    CHECK(bench.sample->unavailable[0] == 1);
    CHECK(bench.sampler.files().empty());
}

TEST_CASE("only the files behind the keys are read") {
    Bench bench({"mem.free", "refault.file", "psi.io.some.avg10", "fault.major", "cache.hit_ratio", "time.hour"});
    CHECK(bench.sampler.files() == std::vector<std::string>{"proc/meminfo", "proc/vmstat", "proc/pressure/io"});
    bench.tree.write("proc/meminfo", meminfo).write("proc/vmstat", vmstat({{"pgmajfault", 1}}));
    bench.tree.write("proc/pressure/io", pressure(0, 0));
    bench.tick();
    CHECK(bench.value(0) == 200 * KiB);
    CHECK(bench.value(2) == 0.125);
    Sampler nothing(bench.tree.root(), {});
    CHECK(nothing.files().empty());
    CHECK(nothing.take(bench.now).values.empty());
}

TEST_CASE("keys may repeat and come in any order") {
    Bench bench({"swap.in", "mem.free", "swap.in", "mem.free"});
    bench.tree.write("proc/meminfo", meminfo).write("proc/vmstat", vmstat({{"pswpin", 1}}));
    bench.tick();
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 3}}));
    bench.tick();
    CHECK(bench.value(0) == 2 * page);
    CHECK(bench.value(2) == 2 * page);
    CHECK(bench.value(1) == bench.value(3));
    CHECK(bench.sampler.keys() == keys({"swap.in", "mem.free", "swap.in", "mem.free"}));
}

TEST_CASE("a sampler can be moved") {
    Bench bench({"swap.in"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 1}}));
    bench.tick();
    Sampler moved(std::move(bench.sampler));
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 2}}));
    CHECK(moved.take(bench.now + 1s).values[0] == page);
}

TEST_CASE("every indicator can be taken of this machine, and again without allocating") {
    Sampler sampler(kernel::Root(), every_key());
    Instant now;
    sampler.take(now += 1s);
    const Sample& sample = sampler.take(now += 1s);
    CHECK(sample.values[find("mem.total").value()] > 0);
    CHECK(sample.unavailable[find("fault.minor").value()] == 0);
    const std::size_t before = test::allocations();
    for (int i = 0; i < 1000; ++i) sampler.take(now += 50ms);
    CHECK(test::allocations() == before);
}

TEST_CASE("a steady tick allocates nothing where files and keys are missing") {
    Bench bench({"psi.memory.some.now", "refault.file", "mem.free", "zone.free(0/Foo)", "frag.unusable(20)",
                 "swap.on_zram", "host.cpus"});
    bench.tree.write("proc/vmstat", vmstat({{"pswpin", 1}})).write("proc/zoneinfo", zone(0, "Normal", 150, 9000));
    bench.tree.write("proc/buddyinfo", "Node 0, zone DMA 2 1 0\n");
    bench.tick(10ms);
    const std::size_t before = test::allocations();
    for (int i = 0; i < 1000; ++i) bench.tick(10ms);
    CHECK(test::allocations() == before);
}

}  // namespace memtuned::indicators
