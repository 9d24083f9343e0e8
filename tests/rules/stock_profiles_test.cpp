// SPDX-License-Identifier: GPL-2.0-or-later
//
// The stock profiles as they are shipped: each compiles without a word on machines of all kinds, says what it is for
// and what not, and the rules that are not obvious do in a scene what they are there for.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memtuned/indicators/bounds.hpp"
#include "memtuned/rules/profile_loader.hpp"
#include "policy/scene.hpp"
#include "rules/support.hpp"
#include "support/temp_root.hpp"

using namespace memtuned;
using namespace memtuned::rules;
using namespace std::chrono_literals;

namespace {

constexpr double mib = 1024.0 * 1024;
constexpr double gib = 1024 * mib;

const std::filesystem::path folder = std::filesystem::path(MEMTUNED_FIXTURES) / ".." / ".." / "rules";

/// Read from the folder, so that a new one is covered by being there.
std::vector<std::string> stock_profiles() {
    return list_profiles({folder.string()});
}

CheckedProfile check_stock(const std::string& name, const Surroundings& machine = some_machine()) {
    Diagnostics diagnostics;
    CheckedProfile checked;
    if (const auto profile = load_profile(name, {folder.string()}, diagnostics))
        checked.rules = compile_profile(name, *profile, Settings{}, machine, diagnostics);
    checked.diagnostics = diagnostics.render_all();
    return checked;
}

/// A profile alone, without what it includes.
test::Scene scene_of(std::string_view name) {
    return test::Scene(test::text_of(kernel::Root(folder), std::string(name) + ".toml"));
}

/// Of a profile's text what begins with `heading`, up to the next rule.
std::string part_of(std::string_view name, std::string_view heading) {
    const std::string text = test::text_of(kernel::Root(folder), std::string(name) + ".toml");
    const std::size_t from = text.find(heading);
    REQUIRE(from != std::string::npos);
    return text.substr(from, text.find("[[rule]]", from + 1) - from);
}

/// The text of one rule, as a profile that includes `name` has it.
std::string rule_of(std::string_view name, std::string_view rule) {
    return part_of(name, fmt::format("[[rule]]\nname = \"{}\"\n", rule));
}

Surroundings made_up(double memory, double swap, double on_zram, double zones, double nodes) {
    return {{memory, swap, on_zram, zones, nodes}, 2s};
}

std::vector<std::pair<std::string, Surroundings>> machines() {
    std::vector<std::pair<std::string, Surroundings>> all{
        {"of which nothing is known", Surroundings{}},
        {"small, without swap", made_up(512 * mib, 0, 1, 2, 1)},
        {"with swap on zram", made_up(16 * gib, 8 * gib, 1, 3, 1)},
        {"with swap on a disk", made_up(16 * gib, 16 * gib, 0, 3, 1)},
        {"with swap on both", made_up(16 * gib, 12 * gib, 2.0 / 3, 3, 1)},
        {"large, of 8 nodes", made_up(2048 * gib, 4 * gib, 0, 10, 8)},
    };
    for (const std::string_view root : {"", "odd"})
        for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(MEMTUNED_FIXTURES) / root))
            if (std::filesystem::exists(entry.path() / "proc"))
                all.emplace_back(entry.path().string(),
                                 Surroundings{indicators::read_machine(kernel::Root(entry.path())), 2s});
    return all;
}

bool is_constant(const Program& program) {
    return std::ranges::all_of(program.code, [](const Instruction& instruction) {
        return instruction.op == Op::constant || instruction.op == Op::negate;
    });
}

std::vector<UnitClaim> unit_claims(const RuleSet& rules) {
    std::vector<UnitClaim> all = rules.unit_baseline;
    for (const Rule& rule : rules.rules) all.insert(all.end(), rule.unit_claims.begin(), rule.unit_claims.end());
    return all;
}

}  // namespace

TEST_CASE("ten stock profiles or more compile without a word on machines of all kinds") {
    REQUIRE(stock_profiles().size() >= 10);
    REQUIRE(machines().size() >= 6 + 13);
    for (const std::string& name : stock_profiles())
        for (const auto& machine : machines()) {
            CAPTURE(name);
            CAPTURE(machine.first);
            const CheckedProfile checked = check_stock(name, machine.second);
            CHECK(checked.diagnostics == "");
            CHECK(checked.rules);
        }
}

TEST_CASE("a stock profile says what it is for and what not, and each of its rules why") {
    for (const std::string& name : stock_profiles()) {
        CAPTURE(name);
        const CheckedProfile checked = check_stock(name);
        REQUIRE(checked.rules);
        const std::string& text = checked.rules->description;
        const std::size_t against = text.find("Not for ");
        // The default is for any machine.
        CHECK((name == "balanced" || (against != std::string::npos && against > 80)));
        CHECK(std::ranges::count(text, '.') >= 2);
        for (const Rule& rule : checked.rules->rules) {
            CAPTURE(rule.name);
            CHECK(rule.description.size() > 40);
        }
    }
}

TEST_CASE("the stock profiles react as balanced does, or say why not") {
    const CheckedProfile balanced = check_stock("balanced");
    REQUIRE(balanced.rules);
    for (const std::string& name : stock_profiles()) {
        CAPTURE(name);
        const CheckedProfile checked = check_stock(name);
        REQUIRE(checked.rules);
        for (const Rule& rule : balanced.rules->rules) {
            CAPTURE(rule.name);
            CHECK(std::ranges::count(checked.rules->rules, rule.name, &Rule::name) == 1);
        }
    }
}

TEST_CASE("between them the stock profiles tune swap, reserve, node reclaim, caches and the services' scores") {
    std::set<std::string> claimed;
    for (const std::string& name : stock_profiles()) {
        const CheckedProfile checked = check_stock(name);
        REQUIRE(checked.rules);
        const auto note = [&claimed](const auto& claims) {
            for (const auto& claim : claims) claimed.emplace(tunables::about(claim.tunable).name);
        };
        note(checked.rules->baseline);
        for (const Rule& rule : checked.rules->rules) {
            if (!rule.enabled) continue;
            note(rule.claims);
            note(rule.triggers);
        }
        if (!unit_claims(*checked.rules).empty()) claimed.emplace(tunables::oom_score_adj().name);
    }
    for (const std::string tunable : {"vm.swappiness", "vm.min_free_kbytes", "vm.zone_reclaim_mode", "vm.drop_caches",
                                      "vm.watermark_scale_factor", "oom_score_adj"})
        CHECK_MESSAGE(claimed.contains(tunable), tunable);
}

TEST_CASE("the stock profiles protect no service beyond its author's wish and make none unkillable") {
    for (const std::string& name : stock_profiles()) {
        const CheckedProfile checked = check_stock(name);
        REQUIRE(checked.rules);
        for (const UnitClaim& claim : unit_claims(*checked.rules)) {
            CAPTURE(name);
            CAPTURE(claim.units);
            // Each bound leaves alone what its author chose beyond it.
            CHECK(claim.bound != Bound::exactly);
            // A user's own units may only be raised.
            if (claim.units.find('/') != std::string::npos) CHECK(claim.bound == Bound::at_least);
            if (!is_constant(claim.value)) continue;
            const double value = claim.value.run({});
            CHECK(value >= -900);
            CHECK((value < 0) == (claim.bound == Bound::at_most));
        }
    }
}

TEST_CASE("what the stock profiles protect starts after memtuned, but for what starts before it can") {
    const std::set<std::string> early{
        "NetworkManager.service",   "dbus-broker.service",      "dbus.service",
        "rpcbind.service",          "systemd-journald.service", "systemd-logind.service",
        "systemd-networkd.service", "ovs-vswitchd.service",     "ovsdb-server.service"};
    std::set<std::string> after;
    std::istringstream unit(test::text_of(kernel::Root(folder / ".." / "systemd"), "memtuned.service.in"));
    for (std::string line; std::getline(unit, line);) {
        if (!line.starts_with("Before=")) continue;
        std::istringstream names(line.substr(line.find('=') + 1));
        for (std::string name; names >> name;) after.insert(name);
    }
    std::set<std::string> wanted;
    for (const std::string& name : stock_profiles()) {
        const CheckedProfile checked = check_stock(name);
        REQUIRE(checked.rules);
        for (const UnitClaim& claim : checked.rules->unit_baseline) {
            if (claim.bound != Bound::at_most || early.contains(claim.units)) continue;
            // The order of units knows no patterns: postgresql*.service is postgresql.service there.
            std::string plain = claim.units;
            std::erase(plain, '*');
            wanted.insert(plain);
        }
    }
    CHECK(wanted.size() > 20);
    for (const std::string& name : wanted) CHECK_MESSAGE(after.contains(name), name);
}

TEST_CASE("only one rule of the stock profiles drops caches, names and inodes alone, and once an hour at most") {
    std::vector<std::string> droppers;
    for (const std::string& name : stock_profiles()) {
        const CheckedProfile checked = check_stock(name);
        REQUIRE(checked.rules);
        for (const Rule& rule : checked.rules->rules)
            for (const TriggerClaim& trigger : rule.triggers) {
                droppers.push_back(name + "/" + rule.name);
                CHECK(trigger.value.run({}) == 2);
                CHECK(rule.every >= 1h);
            }
    }
    CHECK(droppers == std::vector<std::string>{"batch-host/shed-names"});
}

TEST_SUITE("stock profiles in a scene") {
    /// Two nodes, a job on each: with room on its own node a job misses nothing.
    struct Nodes {
        Nodes() {
            scene.set("mem.total", 64 * gib);
            scene.set("mem.inactive_file", 16 * gib);
            scene.set("numa.hit", 20000);
        }

        bool reclaims_locally() const { return scene.value("vm.zone_reclaim_mode") == 1; }
        /// Runs as the kernel would while a node is full of cache, and returns the share of it with local reclaim.
        double run(Duration length, bool cache_is_wanted = false) {
            int on = 0;
            int all = 0;
            for (const Instant end = scene.now + length; scene.now < end; ++all) {
                const bool local = reclaims_locally();
                on += local ? 1 : 0;
                scene.set("numa.miss", full && !local ? 5000 : 0);
                scene.set("reclaim.direct_steal", full && local ? 20 * mib : 0);
                scene.set("refault.file", full && local && cache_is_wanted ? 10 * mib : 0);
                scene.after(1s);
            }
            return static_cast<double>(on) / all;
        }

        test::Scene scene = scene_of("numa-partitioned");
        bool full = true;
    };

    TEST_CASE(
        "numa-partitioned of the stock profiles reclaims locally while pages go astray, and looks ever less often") {
        Nodes nodes;
        nodes.run(1min);
        REQUIRE(nodes.reclaims_locally());
        // What it cured does not end it: after ten minutes it looks, and that costs the minute between two writes.
        CHECK(nodes.run(10min) > 0.9);
        CHECK(nodes.run(2h) > 0.90);
        CHECK(nodes.run(8h) > 0.97);
        CHECK(nodes.scene.rule("reclaim-locally").hold() == 2h);
        CHECK_FALSE(nodes.scene.said("frozen"));

        nodes.full = false;
        nodes.run(2h + 1min);
        CHECK(nodes.scene.state("reclaim-locally") == policy::RuleState::idle);
        CHECK(nodes.run(8h) == 0);
        CHECK_FALSE(nodes.scene.tunables["vm.zone_reclaim_mode"].ours);
    }

    TEST_CASE(
        "numa-partitioned of the stock profiles leaves a machine alone whose jobs have room, or no cache to give") {
        Nodes nodes;
        SUBCASE("room") {
            nodes.full = false;
        }
        SUBCASE("no cache") {
            nodes.scene.set("mem.inactive_file", 1 * gib);
        }
        CHECK(nodes.run(1h) == 0);
        CHECK(nodes.scene.orders.empty());
    }

    TEST_CASE("numa-partitioned of the stock profiles gives the cache back where that was wanted") {
        Nodes nodes;
        CHECK(nodes.run(8h, true) < 0.08);
        CHECK(nodes.scene.rule("keep-file-cache").hold() == 2h);
        CHECK_FALSE(nodes.scene.said("frozen"));
    }

    /// Zram's own rules.
    test::Scene zram_scene() {
        return test::Scene(test::text_of(kernel::Root(folder), "zram.toml") + part_of("balanced", "[condition]"));
    }

    TEST_CASE(
        "zram of the stock profiles does nothing before there is zram, and then takes both kinds of page alike") {
        test::Scene scene = zram_scene();
        scene.set("swap.on_zram", 0);
        scene.run(5min, 2s);
        CHECK(scene.orders.empty());
        scene.set("swap.on_zram", 1);
        scene.run(5min, 2s);
        CHECK(scene.value("vm.swappiness") == 100);
        CHECK(scene.value("vm.page-cluster") == 0);
        CHECK(scene.value("vm.watermark_boost_factor") == 0);
        CHECK(scene.value("vm.watermark_scale_factor") == 10);
        CHECK_FALSE(scene.busy);
    }

    TEST_CASE("balanced of the stock profiles swaps more while files are missed and what was swapped is not") {
        const auto swappiness_with = [](double missed, double swapped_in, double on_zram) {
            test::Scene scene = scene_of("balanced");
            scene.set("swap.total", 1 * gib);
            scene.set("swap.free", 1 * gib);
            scene.set("swap.on_zram", on_zram);
            scene.set("psi.memory.some.avg10", 0.05);
            scene.set("reclaim.kswapd_runs", 10);
            scene.set("refault.file", 10 * mib);
            scene.set("refault.file_active", missed);
            scene.set("swap.in", swapped_in);
            scene.run(1min, 500ms);
            const auto value = scene.value("vm.swappiness");
            scene.set("refault.file_active", 0);
            scene.run(3min, 500ms);
            CHECK(scene.value("vm.swappiness") == 60);
            return value;
        };
        CHECK(swappiness_with(9 * mib, 0, 1) == 160);
        CHECK(swappiness_with(9 * mib, 0, 0) == 100);
        CHECK(swappiness_with(9 * mib, 2 * mib, 1) == 60);
        CHECK(swappiness_with(1 * mib, 0, 1) == 60);  // of a file that is only read through
    }

    TEST_CASE("zram of the stock profiles swaps first while files are missed and what was swapped is not") {
        const auto swappiness_with = [](double missed, double swapped_in, double on_zram) {
            test::Scene scene = zram_scene();
            scene.set("swap.total", 1 * gib);
            scene.set("swap.free", 1 * gib);
            scene.set("swap.on_zram", on_zram);
            scene.run(1min, 2s);
            const auto before = scene.value("vm.swappiness");
            scene.set("psi.memory.some.avg10", 0.05);
            scene.set("reclaim.kswapd_runs", 10);
            scene.set("refault.file", 10 * mib);
            scene.set("refault.file_active", missed);
            scene.set("swap.in", swapped_in);
            scene.run(5s, 500ms);
            const auto value = scene.value("vm.swappiness");
            scene.set("refault.file_active", 0);
            scene.run(1min, 500ms);
            CHECK(scene.value("vm.swappiness") == before);
            return value;
        };
        CHECK(swappiness_with(9 * mib, 0, 1) == 180);
        CHECK(swappiness_with(9 * mib, 2 * mib, 1) == 100);
        CHECK(swappiness_with(1 * mib, 0, 1) == 100);  // of a file that is only read through
        CHECK(swappiness_with(9 * mib, 0, 0) == 60);
    }

    TEST_CASE("batch-host of the stock profiles drops names only if all that speaks for it is so") {
        const auto fires = [](const std::function<void(test::Scene&)>& otherwise) {
            test::Scene scene = scene_of("batch-host");
            scene.set("mem.total", 64 * gib);
            scene.set("mem.slab_reclaimable", 20 * gib);
            scene.set("reclaim.kswapd_runs", 1);
            scene.set("psi.memory.some.avg60", 0.06);
            for (int i = 0; i < 7000; ++i) {
                otherwise(scene);
                scene.after(1s);
            }
            return std::ranges::count(scene.orders, "fire vm.drop_caches 0 -> 2");
        };
        CHECK(fires([](test::Scene&) {}) == 1);
        CHECK(fires([](test::Scene& scene) { scene.set("mem.slab_reclaimable", 15 * gib); }) == 0);
        CHECK(fires([](test::Scene& scene) { scene.set("reclaim.kswapd_runs", 0); }) == 0);
        CHECK(fires([](test::Scene& scene) { scene.set("psi.memory.some.avg60", 0.04); }) == 0);
        // The walk goes on.
        CHECK(fires([slab = 17 * gib](test::Scene& scene) mutable {
                  scene.set("mem.slab_reclaimable", slab += 2 * mib);
              }) == 0);
    }

    TEST_CASE(
        "database of the stock profiles lowers its dirty limits to what the disk writes, and never raises them") {
        test::Scene scene(test::text_of(kernel::Root(folder), "database.toml") +
                          rule_of("balanced", "steady-writes"));
        scene.set("mem.total", 64 * gib);
        scene.run(1min, 2s);
        REQUIRE(scene.value("vm.dirty_bytes") == 512 * 1024 * 1024);
        REQUIRE(scene.value("vm.dirty_background_bytes") == 64 * 1024 * 1024);
        scene.set("io.written", 100 * mib);
        scene.set("psi.io.some.avg10", 0.6);
        scene.run(1min, 100ms);
        CHECK(scene.value("vm.dirty_bytes") == 40 * 1024 * 1024);
        CHECK(scene.value("vm.dirty_background_bytes") == 15 * 1024 * 1024);
        scene.set("io.written", 20000 * mib);
        scene.run(1min, 100ms);
        CHECK(scene.value("vm.dirty_bytes") == 512 * 1024 * 1024);
        scene.set("io.written", 6 * mib);
        scene.run(1min, 100ms);
        CHECK(scene.value("vm.dirty_bytes") == 12 * 1024 * 1024);
        scene.set("psi.io.some.avg10", 0);
        scene.run(3min, 1s);
        CHECK(scene.value("vm.dirty_bytes") == 512 * 1024 * 1024);
    }

    /// A minute in which the disk is what everybody waits for, and writes so many bytes a second.
    void wait_for_disk(test::Scene & scene, double memory, double rate) {
        scene.set("mem.total", memory);
        scene.set("io.written", rate);
        scene.set("psi.io.some.avg10", 0.6);
        scene.run(1min, 100ms);
    }

    TEST_CASE("balanced of the stock profiles limits what is dirty while the disk is short, and then no more") {
        test::Scene scene = scene_of("balanced");
        wait_for_disk(scene, 4 * gib, 40 * mib);
        CHECK(scene.value("vm.dirty_bytes") == 16 * 1024 * 1024);
        CHECK(scene.value("vm.dirty_ratio") == 0);
        scene.set("psi.io.some.avg10", 0.1);
        scene.run(3min, 1s);
        CHECK(scene.value("vm.dirty_bytes") == 0);
        CHECK(scene.value("vm.dirty_ratio") == 20);
    }

    TEST_CASE("balanced of the stock profiles never lets more be dirty than the kernel would") {
        test::Scene scene = scene_of("balanced");
        wait_for_disk(scene, 1 * gib, 2000 * mib);
        CHECK(scene.value("vm.dirty_bytes") == 107374182);
        CHECK(scene.value("vm.dirty_background_bytes") == 32212255);
    }

    /// The machine of bench/vm's scenarios, of which 2 % keep what is in use and 1 % do not keep bursts from
    /// stalling.
    struct Bursts {
        Bursts() {
            scene.set("mem.total", 1 * gib);
            scene.set("mem.inactive_file", 600 * mib);
            scene.set("zones.managed", 1 * gib);
            run(2s);
        }

        /// With the marks as far apart as the watermarks' factor has them.
        void run(Duration time) {
            for (; time > Duration(0); time -= 500ms) {
                scene.set("zones.high", static_cast<double>(scene.value("vm.watermark_scale_factor")) / 10000 * gib);
                scene.run(500ms);
            }
        }

        void burst() {
            scene.set("reclaim.direct_stalls", scene.value("vm.watermark_scale_factor") < 200 ? 50 : 0);
            scene.set("reclaim.kswapd_runs", 10);
            scene.set("mem.anon", 164 * mib);
            run(500ms);
            scene.set("reclaim.direct_stalls", 0);
            scene.set("mem.anon", 100 * mib);
            run(1500ms);
        }

        test::Scene scene = scene_of("balanced");
    };

    TEST_CASE(
        "balanced of the stock profiles has two bursts stall and no more, and keeps what it took while they come") {
        Bursts bursts;
        bursts.burst();
        bursts.burst();
        CHECK(bursts.scene.value("vm.watermark_scale_factor") >= 200);
        CHECK(bursts.scene.value("vm.watermark_boost_factor") == 0);
        int stalled = 0;
        for (int i = 0; i < 25; ++i) {
            stalled += bursts.scene.value("vm.watermark_scale_factor") < 200 ? 1 : 0;
            bursts.burst();
        }
        CHECK(stalled == 0);
        bursts.scene.set("reclaim.kswapd_runs", 0);
        bursts.run(90s);
        CHECK(bursts.scene.value("vm.watermark_scale_factor") == 10);
        CHECK(bursts.scene.value("vm.watermark_boost_factor") == 15000);
    }

    TEST_CASE("balanced of the stock profiles takes no reserve where it would have to be swapped for") {
        Bursts bursts;
        bursts.scene.set("mem.inactive_file", 60 * mib);
        bursts.burst();
        bursts.burst();
        CHECK(bursts.scene.value("vm.watermark_scale_factor") == 10);
    }

    TEST_CASE("balanced of the stock profiles gives the reserve back within seconds when what is in use comes back") {
        for (const std::string_view wanted : {"refault.file_active", "swap.in"}) {
            CAPTURE(wanted);
            Bursts bursts;
            for (int i = 0; i < 5; ++i) bursts.burst();
            REQUIRE(bursts.scene.value("vm.watermark_scale_factor") >= 200);
            bursts.scene.set(wanted, 1 * mib);
            bursts.run(4s);
            CHECK(bursts.scene.value("vm.watermark_scale_factor") == 10);
            bursts.scene.set(wanted, 0);
            bursts.run(2min);
            CHECK(bursts.scene.value("vm.watermark_scale_factor") == 10);
        }
    }

    TEST_CASE(
        "balanced of the stock profiles keeps the reserve beside a file that is read through until no burst comes") {
        Bursts bursts;
        bursts.scene.set("refault.file", 50 * mib);
        bursts.burst();
        bursts.burst();
        for (int i = 0; i < 15; ++i) {
            CHECK(bursts.scene.value("vm.watermark_scale_factor") >= 200);
            bursts.burst();
        }
        bursts.run(10s);
        CHECK(bursts.scene.value("vm.watermark_scale_factor") == 10);
    }

    TEST_CASE(
        "balanced of the stock profiles goes by what is swapped in where a kernel counts no refaults of what was in "
        "use") {
        Bursts bursts;
        bursts.scene.lack("refault.file_active");
        for (int i = 0; i < 5; ++i) bursts.burst();
        CHECK(bursts.scene.value("vm.watermark_scale_factor") >= 200);
        bursts.scene.set("swap.in", 1 * mib);
        bursts.run(4s);
        CHECK(bursts.scene.value("vm.watermark_scale_factor") == 10);
    }

    TEST_CASE("desktop of the stock profiles lets a fast disk have more in flight") {
        test::Scene scene = scene_of("desktop");
        scene.set("mem.total", 16 * gib);
        scene.set("io.written", 100 * mib);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.dirty_bytes") == 16 * 1024 * 1024);
        scene.set("io.written", 1000 * mib);
        scene.run(1min, 100ms);
        CHECK(scene.value("vm.dirty_bytes") == 100 * 1024 * 1024);
        scene.set("io.written", 0);
        scene.run(3min, 1s);
        CHECK(scene.value("vm.dirty_bytes") == 16 * 1024 * 1024);
    }

    TEST_CASE("network of the stock profiles keeps 1 % of memory, and 3 % at most while that is used up") {
        test::Scene scene = scene_of("network");
        scene.set("mem.total", 100 * gib);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.min_free_kbytes") == 1024 * 1024);
        scene.set("zones.below_min", 1);
        scene.set("reclaim.kswapd_runs", 1);
        scene.run(1min, 100ms);
        CHECK(scene.value("vm.min_free_kbytes") == 3 * 1024 * 1024);
    }
}
