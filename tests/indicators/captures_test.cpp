// SPDX-License-Identifier: GPL-2.0-or-later
//
// The sampler against captures of real kernels, checked against a plain reading of the same text.
#include <chrono>
#include <cmath>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include "memtuned/indicators/sampler.hpp"
#include "memtuned/kernel/machine.hpp"
#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::indicators {

namespace {

using namespace std::chrono_literals;

const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));

using Counters = std::map<std::string, double>;

Counters counters(const kernel::Root& root) {
    Counters all;
    std::istringstream words(test::text_of(root, "proc/vmstat"));
    std::string name;
    double value = 0;
    while (words >> name >> value) all[name] = value;
    return all;
}

/// Every indicator once, with an argument that most machines have.
std::vector<Key> every_key() {
    std::vector<Key> made;
    for (std::size_t i = 0; i < catalogue().size(); ++i) {
        const Argument argument = catalogue()[i].argument;
        made.push_back({i, argument == Argument::zone    ? "0/DMA32"
                           : argument == Argument::node  ? "0"
                           : argument == Argument::order ? "9"
                           : argument == Argument::unit  ? "*.service"
                                                         : ""});
    }
    return made;
}

/// A sample of every indicator, by name.
struct All {
    explicit All(const kernel::Root& root) : sampler(root, every_key()) {}

    void take(Duration step = 1s) { sample = &sampler.take(now += step, 100s); }
    double operator[](std::string_view name) const { return sample->values[find(name).value()]; }
    bool unavailable(std::string_view name) const { return sample->unavailable[find(name).value()] != 0; }
    std::string why(std::string_view name) const { return std::string(sampler.why_unavailable(find(name).value())); }
    /// Without the services', which no capture has.
    std::string all_unavailable() const {
        std::string names;
        for (std::size_t i = 0; i < catalogue().size(); ++i)
            if (sample->unavailable[i] && catalogue()[i].argument != Argument::unit)
                names += (names.empty() ? "" : " ") + std::string(catalogue()[i].name);
        return names;
    }

    Sampler sampler;
    Instant now;
    const Sample* sample = nullptr;
};

}  // namespace

TEST_CASE("on the kernels that were captured little is unavailable") {
    const auto unavailable = [](std::string_view name) {
        All all(test::fixture(name));
        all.take();
        return all.all_unavailable();
    };
    // Debian's kernels for clouds have no zswap.
    CHECK(unavailable("linux-6.1") == "swap.zswap_pool swap.zswapped cache.hit_ratio");
    CHECK(unavailable("linux-6.12-numa") == "swap.zswap_pool swap.zswapped cache.hit_ratio");
    CHECK(unavailable("linux-6.18") == "cache.hit_ratio");
}

TEST_CASE("levels of a captured kernel keep the order they must have") {
    for (const std::string_view name : {"linux-6.1", "linux-6.12-numa", "linux-6.12-numa-later"}) {
        CAPTURE(name);
        All all(test::fixture(name));
        all.take();
        CHECK(all["mem.total"] > all["mem.available"]);
        CHECK(all["mem.available"] > all["mem.free"]);
        CHECK(all["mem.used"] + all["mem.available"] == all["mem.total"]);
        CHECK(all["mem.buff_cache"] >= all["mem.cached"]);
        CHECK(all["mem.anon"] > 0);
        CHECK(all["swap.used"] + all["swap.free"] == all["swap.total"]);
        CHECK(all["zones.min"] < all["zones.low"]);
        CHECK(all["zones.low"] < all["zones.high"]);
        CHECK(all["zones.managed"] <= all["mem.total"]);
        CHECK(all["zones.below_min"] <= all["zones.below_low"]);
        CHECK(all["zones.below_low"] <= all["zones.below_high"]);
        CHECK((all["zones.headroom"] < 0) == (all["zones.below_low"] > 0));
        CHECK(all["zones.headroom"] <= all["node.headroom"]);
        CHECK(all["node.headroom"] <= all["zone.headroom"]);
        CHECK(all["frag.unusable"] > 0);
        CHECK(all["frag.unusable"] <= 1);
        CHECK(all["mem.dirty_background_limit"] < all["mem.dirty_limit"]);
        CHECK(std::isnan(all["swap.in"]));
        CHECK(std::isnan(all["psi.memory.some.now"]));
    }
}

TEST_CASE("rates between two captures of one machine are the counters' growth by the time between") {
    const kernel::Root before = test::fixture("linux-6.12-numa");
    const kernel::Root after = test::fixture("linux-6.12-numa-later");
    const double seconds_between = *kernel::read_uptime(after) - *kernel::read_uptime(before);
    REQUIRE(seconds_between > 5);
    REQUIRE(seconds_between < 100);
    const Counters first = counters(before);
    const Counters second = counters(after);
    const auto grown = [&](const std::string& name) { return second.at(name) - first.at(name); };

    test::TempRoot tree;
    tree.copy(before);
    All all(tree.root());
    all.take();
    for (const std::string_view file : {"proc/vmstat", "proc/pressure/memory", "proc/uptime", "proc/meminfo"})
        tree.copy(after, file);
    all.take(from_seconds(seconds_between));

    const auto rate = [&](const std::string& name) { return doctest::Approx(grown(name) / seconds_between); };
    const auto pages = [&](const std::string& name) { return doctest::Approx(grown(name) * page / seconds_between); };
    CHECK(all["swap.in"] == pages("pswpin"));
    CHECK(all["swap.out"] == pages("pswpout"));
    CHECK(all["refault.anon"] == pages("workingset_refault_anon"));
    CHECK(all["refault.file"] == pages("workingset_refault_file"));
    CHECK(all["refault.anon_active"] == pages("workingset_activate_anon"));
    CHECK(all["refault.file_active"] == pages("workingset_activate_file"));
    CHECK(all["reclaim.kswapd_scan"] == pages("pgscan_kswapd"));
    CHECK(all["reclaim.direct_scan"] == pages("pgscan_direct"));
    CHECK(all["reclaim.kswapd_steal"] == pages("pgsteal_kswapd"));
    CHECK(all["reclaim.direct_steal"] == pages("pgsteal_direct"));
    CHECK(all["reclaim.kswapd_runs"] == rate("pageoutrun"));
    CHECK(all["reclaim.kswapd_hurried"] == rate("kswapd_low_wmark_hit_quickly"));
    CHECK(all["reclaim.throttled"] == rate("pgscan_direct_throttle"));
    CHECK(all["fault.major"] == rate("pgmajfault"));
    CHECK(all["numa.hit"] == rate("numa_hit"));
    CHECK(all["numa.miss"] == rate("numa_miss"));
    CHECK(all["compact.stalls"] == rate("compact_stall"));
    CHECK(all["io.in"] == doctest::Approx(grown("pgpgin") * 1024 / seconds_between));
    CHECK(all["io.out"] == doctest::Approx(grown("pgpgout") * 1024 / seconds_between));
    CHECK(all["fault.minor"] == doctest::Approx((grown("pgfault") - grown("pgmajfault")) / seconds_between));
    const double stalls = grown("allocstall_dma") + grown("allocstall_dma32") + grown("allocstall_normal") +
                          grown("allocstall_movable") + grown("allocstall_device");
    CHECK(all["reclaim.direct_stalls"] == doctest::Approx(stalls / seconds_between));
    CHECK(all["reclaim.efficiency"] == doctest::Approx((grown("pgsteal_kswapd") + grown("pgsteal_direct")) /
                                                       (grown("pgscan_kswapd") + grown("pgscan_direct"))));

    // The load was heavy enough for these to say something.
    CHECK(all["swap.out"] > 0);
    CHECK(all["reclaim.kswapd_scan"] > 0);
    CHECK(all["reclaim.efficiency"] > 0);
    CHECK(all["reclaim.efficiency"] < 1);
    CHECK(all["psi.memory.some.now"] > 0);
    CHECK(all["psi.memory.some.now"] < 1);
    CHECK(all["psi.memory.full.now"] <= all["psi.memory.some.now"]);
    CHECK(all.all_unavailable() == "swap.zswap_pool swap.zswapped cache.hit_ratio");
}

TEST_CASE("a capture's steady tick allocates nothing") {
    All all(test::fixture("linux-6.12-numa"));
    all.take();
    all.take();
    const std::size_t before = test::allocations();
    for (int i = 0; i < 1000; ++i) all.take(10ms);
    CHECK(test::allocations() == before);
}

TEST_CASE("a machine with two nodes has figures for each") {
    Sampler sampler(test::fixture("linux-6.12-numa"), {{find("numa.nodes").value(), ""},
                                                       {find("zones.free").value(), ""},
                                                       {find("node.free").value(), "0"},
                                                       {find("node.free").value(), "1"},
                                                       {find("zone.free").value(), "1/Normal"},
                                                       {find("zone.free").value(), "1/DMA"}});
    const Sample& sample = sampler.take(Instant());
    CHECK(sample.values[0] == 2);
    CHECK(sample.values[1] == sample.values[2] + sample.values[3]);
    CHECK(sample.values[3] == sample.values[4]);
    CHECK(sampler.why_unavailable(5) ==
          "no zone 1/DMA with memory on this machine; there are 0/DMA, 0/DMA32, 0/Normal, 1/Normal");
}

TEST_CASE("a capture without PSI has the rest") {
    All all(test::fixture("odd/psi-off"));
    all.take();
    CHECK(all.unavailable("psi.cpu.some.avg10"));
    CHECK(all.why("psi.cpu.some.avg10") ==
          "proc/pressure/cpu: No such file or directory (PSI is off: boot with psi=1)");
    CHECK(all["mem.total"] > 0);
    CHECK(all["zones.free"] > 0);
    CHECK_FALSE(all.unavailable("fault.major"));
}

TEST_CASE("a kernel without swap has counts of nothing, not unknowns") {
    All all(test::fixture("odd/no-swap"));
    all.take();
    CHECK(all["swap.total"] == 0);
    CHECK(all["swap.used"] == 0);
    CHECK(all.unavailable("swap.on_zram"));
    CHECK(all.why("swap.on_zram") == "proc/swaps: No such file or directory");
    CHECK(all["mem.total"] > 0);
}

TEST_CASE("a key that only resembles the wanted one is not taken for it") {
    All all(test::fixture("odd/vmstat-missing-key"));
    all.take();
    all.take();
    CHECK(all.why("refault.file") == "proc/vmstat has no workingset_refault_file");
    CHECK(all.why("reclaim.direct_stalls") == "proc/vmstat has no allocstall_*");
    CHECK(all["refault.anon"] == 0);
}

TEST_CASE("an old kernel's vmstat and zoneinfo give what they have") {
    All all(test::fixture("odd/old-vmstat"));
    all.take();
    all.take();
    CHECK(all.why("refault.file") == "proc/vmstat has no workingset_refault_file");
    CHECK(all.why("refault.anon") == "proc/vmstat has no workingset_refault_anon");
    CHECK(all["reclaim.direct_stalls"] == 0);
    CHECK(all["zones.boost"] == 0);
    CHECK(all["zones.low"] > all["zones.min"]);
}

TEST_CASE("junk behind the last proper line changes nothing") {
    All all(test::fixture("odd/trailing-junk"));
    All clean(test::fixture("linux-6.12-numa"));
    all.take();
    clean.take();
    CHECK(all["mem.free"] == clean["mem.free"]);
    CHECK(all["psi.memory.some.avg10"] == clean["psi.memory.some.avg10"]);
    CHECK(all["zones.free"] == clean["zones.free"]);
    CHECK(all["frag.unusable"] == clean["frag.unusable"]);
    CHECK(all["swap.on_zram"] == 0);
    CHECK_FALSE(all.unavailable("fault.major"));
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) all.take(10ms);
    CHECK(test::allocations() == before);
}

TEST_CASE("empty files are unavailable, each with its reason") {
    All all(test::fixture("odd/empty"));
    all.take();
    all.take();
    CHECK(all.why("psi.memory.some.avg10") == "proc/pressure/memory: neither a some nor a full line");
    CHECK(all.why("mem.free") == "proc/meminfo has no MemFree");
    CHECK(all.why("fault.major") == "proc/vmstat has no pgmajfault");
    CHECK(all.why("zones.free") == "proc/zoneinfo: no zones");
    CHECK(all.why("frag.unusable") == "proc/buddyinfo: no zones");
    CHECK(all["swap.on_zram"] == 0);
    for (std::size_t i = 0; i < catalogue().size(); ++i)
        if (catalogue()[i].name != "time.hour" && catalogue()[i].name != "swap.on_zram")
            CHECK(std::isnan(all.sample->values[i]));
}

TEST_CASE("a machine with sixteen nodes has sixty-four zones") {
    All all(test::fixture("odd/64-zones"));
    all.take();
    CHECK(all["numa.nodes"] == 16);
    CHECK(all["zones.managed"] > all["node.managed"] * 15);
    CHECK(all["zones.below_high"] <= 64);
    CHECK(all["frag.unusable"] > 0);
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) all.take(10ms);
    CHECK(test::allocations() == before);
}

TEST_CASE("the cpu pressure of a kernel before 5.13 has one line") {
    All all(test::fixture("odd/cpu-some-only"));
    all.take();
    CHECK(all["psi.cpu.some.avg10"] == doctest::Approx(0.9375));
    CHECK(all.why("psi.cpu.full.avg10") == "proc/pressure/cpu has no full line");
    CHECK_FALSE(all.unavailable("psi.io.full.avg10"));
}

}  // namespace memtuned::indicators
