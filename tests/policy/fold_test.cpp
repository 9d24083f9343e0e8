// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("fold") {
    TEST_CASE("a tunable that nothing claims is left alone") {
        Scene scene(R"(
            [[rule]]
            name = "never"
            when = "psi.memory.some.avg10 > 50%"
            set = { vm.swappiness = 10 }
        )");
        scene.run(1min, 1s);
        scene.somebody_sets("vm.swappiness", 33);
        scene.run(1min, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::free);
    }

    TEST_CASE("a baseline is claimed from the first turn on") {
        Scene scene("[baseline]\nvm.swappiness = 30");
        scene.turn();
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 30");
        CHECK(scene.taken_reasons() == "baseline of scene: the profile is active");
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::managed);
    }

    TEST_CASE("claims are stronger from boot over baseline and rules to an override") {
        Scene scene(R"(
            baseline.vm.swappiness = 50
            [[rule]]
            name = "strong"
            when = "psi.memory.some.avg10 > 30%"
            priority = 70
            set = { vm.swappiness = 20 }
            [[rule]]
            name = "first"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 40 }
            [[rule]]
            name = "second"
            when = "psi.memory.some.avg10 > 20%"
            set = { vm.swappiness = 30 }
        )");
        const auto at = [&](double pressure) {
            scene.set("psi.memory.some.avg10", pressure);
            scene.after(2min);
            return scene.value("vm.swappiness");
        };
        CHECK(at(0) == 50);
        CHECK(at(0.15) == 40);
        CHECK(at(0.25) == 30);  // later in the file
        CHECK(at(0.35) == 20);  // priority before file order
        scene.override_with("vm.swappiness", 77);
        CHECK(at(0.35) == 77);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::overridden);
    }

    TEST_CASE("at_least and at_most bound what lies below and exactly replaces it") {
        Scene scene(R"(
            baseline.vm.swappiness = { at_least = 70 }
            [[rule]]
            name = "cap"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = { at_most = 65 } }
            [[rule]]
            name = "floor"
            when = "psi.memory.some.avg10 > 20%"
            set = { vm.swappiness = { at_least = 50 } }
            [[rule]]
            name = "fixed"
            when = "psi.memory.some.avg10 > 30%"
            set = { vm.swappiness = 40 }
            [[rule]]
            name = "both"
            when = "psi.memory.some.avg10 > 40%"
            set = { vm.swappiness = { at_least = 80, at_most = 90 } }
        )");
        const auto at = [&](double pressure) {
            scene.set("psi.memory.some.avg10", pressure);
            scene.after(2min);
            return scene.value("vm.swappiness");
        };
        CHECK(at(0) == 70);
        CHECK(at(0.15) == 65);
        CHECK(at(0.25) == 65);  // the floor is under it
        CHECK(at(0.35) == 40);
        CHECK(at(0.45) == 80);
    }

    TEST_CASE("a bound that does not bite writes nothing and leaves the tunable unowned") {
        Scene scene("[baseline]\nvm.swappiness = { at_most = 100 }");
        scene.run(10s, 1s);
        CHECK(scene.orders.empty());
        CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::managed);
    }

    TEST_CASE("expressions see boot and baseline and current of their own tunable") {
        Scene scene(R"(
            [baseline]
            vm.swappiness = "boot - 20"
            vm.min_free_kbytes = "boot + 1 MiB"
            [[rule]]
            name = "relative"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = "baseline + boot / 6" }
            [[rule]]
            name = "stepping"
            when = "psi.memory.some.avg10 > 20%"
            every = "10s"
            step = { vm.swappiness = "current + 25" }
        )");
        scene.turn();
        CHECK(scene.value("vm.swappiness") == 40);
        CHECK(scene.value("vm.min_free_kbytes") == 68608);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.after(2s);
        CHECK(scene.value("vm.swappiness") == 50);
        scene.set("psi.memory.some.avg10", 0.25);
        scene.after(2s);
        CHECK(scene.value("vm.swappiness") == 75);  // from what lies below
        scene.after(10s);
        CHECK(scene.value("vm.swappiness") == 100);  // from its own
    }

    TEST_CASE("a claim without data keeps its last value and one that never had any is no claim") {
        Scene scene(R"(
            baseline.vm.page-cluster = "psi.io.some.avg10 > 50% ? 0 : 1"
            [[rule]]
            name = "level"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 'lerp(psi.memory.some.avg60, 0%, 100%, 0, 100)' }
        )");
        scene.set("psi.io.some.avg10", indicators::no_data);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.set("psi.memory.some.avg60", indicators::no_data);
        scene.run(10s, 1s);
        CHECK(scene.orders.empty());
        scene.set("psi.io.some.avg10", 0);
        scene.set("psi.memory.some.avg60", 0.4);
        scene.after(1s);
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 40; write vm.page-cluster 3 -> 1");
        scene.set("psi.io.some.avg10", indicators::no_data);
        scene.set("psi.memory.some.avg60", indicators::no_data);
        scene.run(1min, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.state("level") == RuleState::active);
    }
}

TEST_SUITE("levels") {
    constexpr std::string_view following = R"(
        [[rule]]
        name = "follow"
        when = "psi.memory.some.avg10 > 10%"
        set = { vm.swappiness = 'lerp(psi.memory.some.avg60, 0%, 100%, 0, 100)' }
    )";

    TEST_CASE("a level is rewritten only when it moved by more than the dead band") {
        Scene scene(following);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.set("psi.memory.some.avg60", 0.50);
        scene.after(2s);
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 50");
        scene.set("psi.memory.some.avg60", 0.55);
        scene.after(2s);
        scene.set("psi.memory.some.avg60", 0.45);
        scene.after(2s);
        CHECK(scene.taken_orders().empty());
        scene.set("psi.memory.some.avg60", 0.56);
        scene.after(2s);
        CHECK(scene.taken_orders() == "write vm.swappiness 50 -> 56");
    }

    TEST_CASE("the exact value is written when other claims stand than before") {
        Scene scene(R"(
            baseline.vm.swappiness = 50
            [[rule]]
            name = "near"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 52 }
        )");
        scene.turn();
        scene.forget();
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(2s);
        CHECK(scene.taken_orders() == "write vm.swappiness 50 -> 52");
        scene.set("psi.memory.some.avg10", 0);
        scene.after(2s);
        CHECK(scene.taken_orders() == "write vm.swappiness 52 -> 50");
    }

    TEST_CASE("writes keep the least interval and the greatest step") {
        Scene scene("[baseline]\nvm.swappiness = 200");
        const Instant start = scene.now;
        std::vector<std::pair<Duration, std::int64_t>> writes;
        scene.on_decision = [&](const Decision&, const Outcome& outcome) {
            writes.emplace_back(scene.now - start, outcome.value);
        };
        scene.turn();
        scene.run(10s);
        CHECK(writes == std::vector<std::pair<Duration, std::int64_t>>{{0s, 100}, {1s, 140}, {2s, 180}, {3s, 200}});
    }

    TEST_CASE("an override is exempt from the pace") {
        Scene scene("[baseline]\nvm.min_free_kbytes = 80000");
        scene.turn();
        scene.override_with("vm.min_free_kbytes", 400000);
        scene.after(100ms);
        scene.override_with("vm.min_free_kbytes", 70000);
        scene.after(100ms);
        CHECK(scene.taken_orders() ==
              "write vm.min_free_kbytes 67584 -> 80000; write vm.min_free_kbytes 80000 -> 400000; "
              "write vm.min_free_kbytes 400000 -> 70000");
    }

    TEST_CASE("a steady state orders nothing") {
        Scene scene(R"(
            [baseline]
            vm.swappiness = 30
            vm.min_free_kbytes = "1% * mem.total"
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            every = "1s"
            step = { vm.watermark_scale_factor = 'min(current * 2, 80)' }
        )");
        scene.set("mem.total", 16e9);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(30s);
        scene.forget();
        scene.run(5min);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
    }
}

TEST_SUITE("release") {
    TEST_CASE("a released tunable goes back to boot with one release and is then left alone") {
        Scene scene(R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 40 }
        )");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(2s);
        scene.set("psi.memory.some.avg10", 0);
        scene.after(2s);
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 40; release vm.swappiness 40 -> 60");
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::free);
        scene.somebody_sets("vm.swappiness", 11);
        scene.run(1min, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.value("vm.swappiness") == 11);
    }

    TEST_CASE("a release too keeps the pace") {
        Scene scene(R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 160 }
        )");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(5s, 1s);
        scene.set("psi.memory.some.avg10", 0);
        scene.forget();
        scene.run(10s);
        CHECK(scene.taken_orders() ==
              "write vm.swappiness 160 -> 120; write vm.swappiness 120 -> 80; release vm.swappiness 80 -> 60");
    }

    TEST_CASE("a value that was ours and equals boot by chance is released as well") {
        Scene scene(R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = "psi.memory.some.avg10 > 20% ? 40 : boot" }
        )");
        scene.set("psi.memory.some.avg10", 0.3);
        scene.after(2s);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.after(2s);
        CHECK(scene.tunables["vm.swappiness"].ours);
        scene.set("psi.memory.some.avg10", 0);
        scene.after(2s);
        CHECK(scene.taken_orders() ==
              "write vm.swappiness 60 -> 40; write vm.swappiness 40 -> 60; release vm.swappiness 60 -> 60");
        CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
    }
}

}  // namespace memtuned::test
