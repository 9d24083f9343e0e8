// SPDX-License-Identifier: GPL-2.0-or-later
//
// The oom_score_adj of units: the same claims, fold and outside changes as for the machine's own tunables, for units
// that come and go.
#include <doctest/doctest.h>

#include <cerrno>

#include "policy/scene.hpp"
#include "support/allocations.hpp"

namespace memtuned::test {
namespace {

constexpr std::string_view batch_first = R"(
    [[rule]]
    name = "batch-first"
    when = "psi.memory.full.avg10 > 10%"
    hold = "2s"
    set = { oom_score_adj."batch-*.service" = 800 }
)";

}  // namespace

TEST_SUITE("units") {
    TEST_CASE("a baseline claims every unit that its pattern means, and no other") {
        Scene scene("[baseline]\noom_score_adj.\"batch-*.service\" = 300");
        scene.units({"ssh.service", "batch-a.service", "", "batch-b.service", "batch-c.service.d.scope"});
        scene.turn();
        CHECK(scene.taken_orders() ==
              "write oom_score_adj.batch-a.service 0 -> 300; write oom_score_adj.batch-b.service 0 -> 300");
        CHECK(scene.taken_reasons() ==
              "baseline of scene: the profile is active; baseline of scene: the profile is active");
        scene.run(1min, 1s);
        CHECK(scene.orders.empty());
    }

    TEST_CASE("a rule's claim on units stands while the rule is active, with its figures as the reason") {
        Scene scene(batch_first);
        scene.units({"batch-a.service", "ssh.service"});
        scene.turn();
        CHECK(scene.orders.empty());
        scene.set("psi.memory.full.avg10", 0.2);
        scene.after(1s);
        CHECK(scene.taken_orders() == "write oom_score_adj.batch-a.service 0 -> 800");
        CHECK(scene.taken_reasons() == "rule batch-first: psi.memory.full.avg10 > 10% (psi.memory.full.avg10 = 20%)");
        scene.set("psi.memory.full.avg10", 0);
        scene.run(3s, 1s);
        CHECK(scene.taken_orders() == "release oom_score_adj.batch-a.service 800 -> 0");
        CHECK(scene.tunable_state("oom_score_adj.batch-a.service") == TunableState::free);
    }

    TEST_CASE("a unit that comes while the rule is active is claimed in the next turn, one that went is forgotten") {
        Scene scene(batch_first);
        scene.units({"batch-a.service"});
        scene.set("psi.memory.full.avg10", 0.2);
        scene.turn();
        scene.units({"batch-a.service", "batch-b.service"});
        scene.forget();
        scene.after(100ms);
        CHECK(scene.taken_orders() == "write oom_score_adj.batch-b.service 0 -> 800");
        scene.units({"", "batch-b.service"});
        scene.after(100ms);
        scene.units({"batch-a.service", "batch-b.service"});
        scene.after(100ms);
        CHECK(scene.taken_orders() == "write oom_score_adj.batch-a.service 0 -> 800");
        CHECK(scene.events.empty());
    }

    TEST_CASE("another unit at the place of one that went has nothing of it") {
        Scene scene(batch_first);
        scene.units({"batch-a.service"});
        scene.set("psi.memory.full.avg10", 0.2);
        scene.turn();
        scene.somebody_sets("oom_score_adj.batch-a.service", 5);
        scene.after(100ms);
        REQUIRE(scene.tunable_state("oom_score_adj.batch-a.service") == TunableState::yielded);
        scene.units({"batch-b.service"});
        scene.forget();
        scene.after(100ms);
        CHECK(scene.taken_orders() == "write oom_score_adj.batch-b.service 0 -> 800");
    }

    TEST_CASE("bounds reach each process: they are ordered with the value, also where that stays") {
        Scene scene("[baseline]\noom_score_adj.\"db.service\" = { at_most = -500 }");
        scene.units({"db.service"});
        scene.tunables["oom_score_adj.db.service"].value = -900;
        scene.tunables["oom_score_adj.db.service"].boot = -900;
        scene.turn();
        CHECK(scene.taken_orders() == "write oom_score_adj.db.service -900 -> -900 (-1000 to -500)");
        scene.run(1min, 1s);
        CHECK(scene.orders.empty());
    }

    TEST_CASE("claims on one unit fold as any others: by priority, an override last") {
        Scene scene(R"(
            [baseline]
            oom_score_adj."*.service" = 100
            oom_score_adj."db.service" = { at_most = -200 }
            [[rule]]
            name = "weak"
            when = "psi.memory.full.avg10 > 10%"
            priority = 10
            set = { oom_score_adj."db.*" = 300 }
            [[rule]]
            name = "strong"
            when = "psi.memory.full.avg10 > 30%"
            priority = 90
            set = { oom_score_adj."d?.service" = { at_most = 50 } }
        )");
        scene.units({"db.service"});
        const auto at = [&](double pressure) {
            scene.set("psi.memory.full.avg10", pressure);
            scene.after(2min);
            return scene.value("oom_score_adj.db.service");
        };
        CHECK(at(0) == -200);
        CHECK(at(0.2) == 300);
        CHECK(at(0.4) == 50);
        scene.override_with("oom_score_adj.db.service", 7);
        CHECK(at(0.4) == 7);
        CHECK(scene.tunable_state("oom_score_adj.db.service") == TunableState::overridden);
    }

    TEST_CASE("an override waits for a unit that went, at whatever place it comes again") {
        Scene scene(batch_first);
        scene.units({"cron.service"});
        scene.override_with("oom_score_adj.cron.service", 77);
        scene.turn();
        CHECK(scene.taken_orders() == "write oom_score_adj.cron.service 0 -> 77");
        scene.units({"other.service"});
        scene.after(1s);
        CHECK(scene.orders.empty());
        scene.units({"other.service", "cron.service"});
        scene.after(1s);
        CHECK(scene.taken_orders() == "write oom_score_adj.cron.service 0 -> 77");
    }

    TEST_CASE("service.* without an argument is of the unit at hand") {
        Scene scene(
            "[baseline]\noom_score_adj.\"*.service\" = "
            "\"lerp(service.memory / mem.total, 10%, 60%, 0, 600)\"");
        scene.units({"small.service", "large.service", "unknown.service"});
        scene.set("mem.total", 1000);
        scene.set_own("small.service", "service.memory", 50);
        scene.set_own("large.service", "service.memory", 350);
        scene.turn();
        CHECK(scene.taken_orders() ==
              "write oom_score_adj.small.service 0 -> 0; write oom_score_adj.large.service 0 -> 300");
        scene.set_own("large.service", "service.memory", 351);  // within the dead band
        scene.after(10s);
        CHECK(scene.orders.empty());
        scene.set_own("large.service", "service.memory", 600);
        scene.after(10s);
        CHECK(scene.taken_orders() == "write oom_score_adj.large.service 300 -> 600");
        scene.set_own("large.service", "service.memory", indicators::no_data);
        scene.after(10s);
        CHECK(scene.orders.empty());
    }

    TEST_CASE("a value of a former activation does not stand in for one without data") {
        Scene scene(R"(
            [[rule]]
            name = "by-size"
            when = "psi.memory.full.avg10 > 10%"
            hold = "1s"
            set = { oom_score_adj."a.service" = "service.memory > 1 KiB ? 500 : 200" }
        )");
        scene.units({"a.service"});
        scene.set_own("a.service", "service.memory", 2048);
        scene.set("psi.memory.full.avg10", 0.2);
        scene.after(2s);
        CHECK(scene.value("oom_score_adj.a.service") == 500);
        scene.set("psi.memory.full.avg10", 0);
        scene.run(1min, 1s);
        CHECK(scene.value("oom_score_adj.a.service") == 0);
        scene.set_own("a.service", "service.memory", indicators::no_data);
        scene.set("psi.memory.full.avg10", 0.2);
        scene.run(10s, 1s);
        CHECK(scene.state("by-size") == RuleState::active);
        CHECK(scene.value("oom_score_adj.a.service") == 0);
    }

    TEST_CASE("a user's own unit is only ever raised, whatever he calls it") {
        Scene scene(R"(
            [baseline]
            oom_score_adj."user@*.service/*" = -300
            oom_score_adj."user@*.service/app-*.scope" = 400
            oom_score_adj."*/app-b.scope" = { at_most = -100 }
        )");
        std::vector<kernel::Unit> units;
        units.push_back({.name = "user@1000.service/app-a.scope", .group = {}, .users = true});
        units.push_back({.name = "user@1000.service/ssh.service", .group = {}, .users = true});
        units.push_back({.name = "user@1000.service/app-b.scope", .group = {}, .users = true});
        scene.meet(std::move(units));
        scene.turn();
        CHECK(scene.value("oom_score_adj.user@1000.service/app-a.scope") == 400);
        CHECK(scene.value("oom_score_adj.user@1000.service/ssh.service") == 0);
        CHECK(scene.value("oom_score_adj.user@1000.service/app-b.scope") == 400);
    }

    TEST_CASE("what must not be touched is left alone, and said once for a pattern") {
        Scene scene("[baseline]\noom_score_adj.\"*.slice\" = 300\noom_score_adj.\"init.scope\" = { at_most = -1 }");
        std::vector<kernel::Unit> units;
        units.push_back({.name = "init.scope", .group = {}, .hands_off = "PID 1 is in it"});
        units.push_back({.name = "kubepods.slice", .group = {}, .hands_off = "a kubelet manages it"});
        units.push_back({.name = "kubepods-besteffort.slice", .group = {}, .hands_off = "a kubelet manages it"});
        scene.meet(units);
        scene.turn();
        CHECK(scene.orders.empty());
        CHECK(scene.taken_events() ==
              "oom_score_adj.kubepods.slice: left alone, though \"*.slice\" means it: a kubelet manages it; "
              "oom_score_adj.init.scope: left alone, though \"init.scope\" means it: PID 1 is in it");
        scene.meet(units);
        scene.turn();
        CHECK(scene.events.empty());
    }

    TEST_CASE("limits hold for all units: those of the configuration, and -999 unless more is allowed") {
        Scene scene(
            "[baseline]\noom_score_adj.\"a.service\" = \"-2000 * host.cpus\"\n"
            "oom_score_adj.\"b.service\" = 900",
            "[tunable.oom_score_adj]\nmax = 700");
        scene.units({"a.service", "b.service"});
        scene.set("host.cpus", 1);
        scene.turn();
        CHECK(scene.taken_orders() ==
              "write oom_score_adj.a.service 0 -> -999; write oom_score_adj.b.service 0 -> 700");
        CHECK(scene.taken_events() ==
              "oom_score_adj.a.service: -2000 is asked for, the limits are -999 to 700: kept at -999; "
              "oom_score_adj.b.service: 900 is asked for, the limits are -999 to 700: kept at 700");
    }

    TEST_CASE("a refusal is one event for the unit, however often it is tried, and the others go on") {
        Scene scene("[baseline]\noom_score_adj.\"*.service\" = -500");
        scene.units({"a.service", "b.service"});
        scene.tunables.fail("oom_score_adj.a.service", EACCES);
        scene.run(1h, 1s);
        CHECK(scene.taken_events() ==
              "oom_score_adj.a.service: oom_score_adj.a.service: Permission denied; trying "
              "again, at longer and longer intervals");
        CHECK(scene.value("oom_score_adj.b.service") == -500);
    }

    TEST_CASE("a reload keeps what is ours, and gives back what the new rules do not claim") {
        Scene scene("[baseline]\noom_score_adj.\"*.service\" = 300");
        scene.units({"a.service", "b.service"});
        scene.turn();
        scene.forget();
        scene.reload("[baseline]\noom_score_adj.\"a.*\" = 300");
        scene.run(5s, 1s);
        CHECK(scene.taken_orders() == "release oom_score_adj.b.service 300 -> 0");
        CHECK(scene.value("oom_score_adj.a.service") == 300);
    }

    TEST_CASE("a steady turn with 200 units allocates nothing") {
        Scene scene(R"toml(
            [baseline]
            oom_score_adj."*.service" = "lerp(service.memory / mem.total, 10%, 60%, 0, 600)"
            [[rule]]
            name = "on"
            when = "psi.memory.full.avg10 > 10%"
            hold = "1s"
            set = { oom_score_adj."b-*.service" = { at_least = 700 } }
        )toml");
        std::vector<std::string> names;
        for (int i = 0; i < 200; ++i) names.push_back((i % 2 ? "a-" : "b-") + std::to_string(i) + ".service");
        scene.units(names);
        scene.set("mem.total", 1000);
        scene.set("psi.memory.full.avg10", 0.2);
        for (const std::string& name : names) scene.set_own(name, "service.memory", 300);
        scene.run(10s, 1s);
        REQUIRE(scene.value("oom_score_adj.b-0.service") == 700);
        scene.forget();
        const std::size_t before = allocations();
        scene.run(100s, 100ms);
        CHECK(allocations() == before);
        CHECK(scene.orders.empty());
    }
}

}  // namespace memtuned::test
