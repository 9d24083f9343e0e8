// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("rule states") {
    TEST_CASE("a rule acts at once without for and is released when its condition no longer holds") {
        Scene scene(R"(
            [[rule]]
            name = "calm"
            when = "psi.memory.some.avg10 > 5%"
            set = { vm.swappiness = 10 }
        )");
        scene.turn();
        CHECK(scene.state("calm") == RuleState::idle);
        CHECK_FALSE(scene.busy);
        scene.set("psi.memory.some.avg10", 0.07);
        scene.after(2s);
        CHECK(scene.state("calm") == RuleState::active);
        CHECK(scene.rule("calm").activations() == 1);
        CHECK(scene.rule("calm").since() == scene.now);
        CHECK(scene.busy);
        scene.set("psi.memory.some.avg10", 0.05);
        scene.after(2s);
        CHECK(scene.state("calm") == RuleState::idle);
        CHECK_FALSE(scene.busy);
        CHECK(scene.taken_events() ==
              "calm: active: psi.memory.some.avg10 > 5% (psi.memory.some.avg10 = 7%); "
              "calm: idle: no longer psi.memory.some.avg10 > 5% (psi.memory.some.avg10 = 5%)");
    }

    TEST_CASE("a condition with a name counts wherever it is used, as if it stood there in parentheses") {
        Scene scene(R"(
            [condition]
            thrashing = "swap.in > 1 MiB/s or short"
            short = "psi.memory.full.avg10 > 10%"
            [[rule]]
            name = "spare"
            when = "mem.free < 100 MiB and thrashing"
            until = "not thrashing"
            hold = "1s"
            set = { vm.swappiness = "short ? 10 : 20" }
        )");
        scene.set("swap.in", 0);
        scene.set("mem.free", 200 * 0x1p20);
        scene.set("psi.memory.full.avg10", 0.2);
        scene.turn();
        CHECK(scene.state("spare") == RuleState::idle);
        scene.set("mem.free", 50 * 0x1p20);
        scene.after(2s);
        CHECK(scene.state("spare") == RuleState::active);
        scene.run(20s, 2s);
        CHECK(scene.value("vm.swappiness") == 10);
        CHECK(scene.taken_events() ==
              "spare: active: mem.free < 100 MiB and thrashing "
              "(mem.free = 50 MiB, swap.in = 0 B/s, psi.memory.full.avg10 = 20%)");
        scene.set("swap.in", 2 * 0x1p20);
        scene.set("psi.memory.full.avg10", 0);
        scene.run(1min, 2s);
        CHECK(scene.value("vm.swappiness") == 20);
        scene.set("swap.in", 0);
        scene.after(2s);
        CHECK(scene.state("spare") == RuleState::idle);
    }

    TEST_CASE("a rule with for waits in pending and starts over when its condition breaks") {
        Scene scene(R"(
            [[rule]]
            name = "slow"
            when = "psi.memory.some.avg10 > 5%"
            for = "500ms"
            set = { vm.swappiness = 10 }
        )");
        scene.set("psi.memory.some.avg10", 0.07);
        scene.turn();
        CHECK(scene.state("slow") == RuleState::pending);
        CHECK(scene.busy);
        scene.after(400ms);
        CHECK(scene.state("slow") == RuleState::pending);
        scene.set("psi.memory.some.avg10", 0.01);
        scene.after(50ms);
        CHECK(scene.state("slow") == RuleState::idle);
        scene.set("psi.memory.some.avg10", 0.07);
        scene.after(50ms);
        scene.after(499ms);
        CHECK(scene.state("slow") == RuleState::pending);
        CHECK(scene.orders.empty());
        scene.after(1ms);
        CHECK(scene.state("slow") == RuleState::active);
        CHECK(scene.rule("slow").since() == scene.now);
    }

    TEST_CASE("until alone releases a rule whatever becomes of when") {
        Scene scene(R"(
            [[rule]]
            name = "latch"
            when = "psi.memory.some.avg10 > 5%"
            until = "psi.memory.some.avg60 < 1%"
            set = { vm.swappiness = 10 }
        )");
        scene.set("psi.memory.some.avg10", 0.07);
        scene.set("psi.memory.some.avg60", 0.07);
        scene.turn();
        scene.set("psi.memory.some.avg10", 0);
        scene.after(1h);
        CHECK(scene.state("latch") == RuleState::active);
        scene.set("psi.memory.some.avg60", 0.005);
        scene.after(1s);
        CHECK(scene.state("latch") == RuleState::idle);
    }

    TEST_CASE("hold keeps a rule active at least that long from its activation") {
        Scene scene(R"(
            [[rule]]
            name = "held"
            when = "psi.memory.some.avg10 > 5%"
            hold = "30s"
            set = { vm.swappiness = 10 }
        )");
        scene.set("psi.memory.some.avg10", 0.07);
        scene.turn();
        scene.set("psi.memory.some.avg10", 0);
        scene.after(29s);
        CHECK(scene.state("held") == RuleState::active);
        scene.after(1s);
        CHECK(scene.state("held") == RuleState::idle);
    }

    TEST_CASE("a hold range doubles each time the rule fires again soon and falls back when it was quiet") {
        Scene scene(R"(
            [[rule]]
            name = "probe"
            when = "reclaim.direct_stalls > 0/s"
            hold = { from = "4s", to = "20s" }
            trigger = { vm.compact_memory = 1 }
        )");
        // Fires, is held, is released, and fires again `quiet` after that.
        const auto fire = [&](Duration quiet) {
            scene.set("reclaim.direct_stalls", 0);
            while (scene.state("probe") == RuleState::active) scene.after(100ms);
            if (quiet > 100ms) scene.after(quiet - 100ms);
            scene.set("reclaim.direct_stalls", 9);
            scene.after(100ms);
            return scene.rule("probe").hold();
        };
        CHECK(fire(1min) == 4s);
        CHECK(fire(1s) == 8s);
        CHECK(fire(1s) == 16s);
        CHECK(fire(1s) == 20s);
        CHECK(fire(1s) == 20s);
        SUBCASE("quiet for less than the last hold is soon") {
            CHECK(fire(19s) == 20s);
        }
        SUBCASE("quiet for as long as the last hold is not") {
            CHECK(fire(20s) == 4s);
        }
    }

    TEST_CASE("no data makes a condition false and releases nothing") {
        Scene scene(R"(
            [[rule]]
            name = "plain"
            when = "psi.memory.some.avg10 > 5%"
            set = { vm.swappiness = 10 }
            [[rule]]
            name = "latched"
            when = "psi.memory.some.avg10 > 5%"
            until = "psi.memory.some.avg10 < 5%"
            for = "1s"
            set = { vm.page-cluster = 0 }
        )");
        scene.set("psi.memory.some.avg10", indicators::no_data);
        scene.turn();
        CHECK(scene.state("plain") == RuleState::idle);
        scene.set("psi.memory.some.avg10", 0.07);
        scene.after(1s);
        scene.set("psi.memory.some.avg10", indicators::no_data);
        scene.after(1s);
        CHECK(scene.state("plain") == RuleState::active);
        CHECK(scene.state("latched") == RuleState::idle);  // it was pending
        scene.set("psi.memory.some.avg10", 0.07);
        scene.run(2s, 1s);
        CHECK(scene.state("latched") == RuleState::active);
        scene.set("psi.memory.some.avg10", indicators::no_data);
        scene.run(10min, 1s);
        CHECK(scene.state("plain") == RuleState::active);
        CHECK(scene.state("latched") == RuleState::active);
        CHECK(scene.value("vm.swappiness") == 10);
    }

    TEST_CASE("a rule is unavailable while an indicator it needs is lacking and gives back what it held") {
        Scene scene(R"(
            [[rule]]
            name = "needy"
            when = "swap.in > 1 MiB/s"
            set = { vm.swappiness = 10 }
            [[rule]]
            name = "other"
            when = "psi.memory.some.avg10 > 5%"
            set = { vm.page-cluster = 0 }
        )");
        scene.set("swap.in", 1e9);
        scene.turn();
        CHECK(scene.value("vm.swappiness") == 20);  // on its way
        scene.lack("swap.in");
        scene.after(1s);
        CHECK(scene.state("needy") == RuleState::unavailable);
        CHECK(scene.state("other") == RuleState::idle);
        CHECK(scene.value("vm.swappiness") == 60);
        CHECK(scene.said("needy: unavailable: there is no swap.in here"));
        scene.forget();
        scene.run(1min, 1s);
        CHECK(scene.events.empty());
        CHECK(scene.orders.empty());
        scene.lack("swap.in", false);
        scene.set("swap.in", 1e9);
        scene.after(1s);
        CHECK(scene.state("needy") == RuleState::active);
    }

    TEST_CASE("a rule that asks available() does without the indicator") {
        Scene scene(R"(
            [[rule]]
            name = "modest"
            when = "available(swap.in) ? swap.in > 1 MiB/s : psi.memory.some.avg10 > 5%"
            set = { vm.swappiness = 10 }
        )");
        scene.lack("swap.in");
        scene.set("psi.memory.some.avg10", 0.07);
        scene.turn();
        CHECK(scene.state("modest") == RuleState::active);
    }

    TEST_CASE("a disabled rule does nothing") {
        Scene scene(R"(
            [[rule]]
            name = "off"
            enabled = false
            when = "psi.memory.some.avg10 > 5%"
            set = { vm.swappiness = 10 }
        )");
        scene.set("psi.memory.some.avg10", 0.9);
        scene.run(1min, 1s);
        CHECK(scene.state("off") == RuleState::disabled);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
    }

    TEST_CASE("a rule that stays as it is says so once") {
        Scene scene(R"(
            [[rule]]
            name = "calm"
            when = "psi.memory.some.avg10 > 5%"
            set = { vm.swappiness = 50 }
        )");
        scene.set("psi.memory.some.avg10", 0.07);
        scene.run(10min, 1s);
        CHECK(scene.events.size() == 1);
        CHECK(scene.orders.size() == 1);
    }
}

}  // namespace memtuned::test
