// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <cerrno>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("triggers") {
    constexpr std::string_view shed = R"(
        [[rule]]
        name = "shed"
        when = "psi.memory.some.avg10 > 10%"
        every = "1h"
        trigger = { vm.drop_caches = 2 }
    )";

    TEST_CASE("a trigger fires on activation and not again while the rule stays active") {
        Scene scene(shed);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.turn();
        CHECK(scene.taken_orders() == "fire vm.drop_caches 0 -> 2");
        CHECK(scene.taken_reasons() == "rule shed: psi.memory.some.avg10 > 10% (psi.memory.some.avg10 = 20%)");
        scene.run(2h, 10s);
        CHECK(scene.orders.empty());
    }

    TEST_CASE("a trigger that is not due yet fires later if the rule is still active") {
        Scene scene(shed);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.turn();
        scene.set("psi.memory.some.avg10", 0);
        scene.after(1s);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.forget();
        SUBCASE("still active") {
            scene.run(59min, 1s);
            CHECK(scene.orders.empty());
            scene.run(1min, 1s);
            CHECK(scene.taken_orders() == "fire vm.drop_caches 0 -> 2");
        }
        SUBCASE("no longer active") {
            scene.run(30min, 1s);
            scene.set("psi.memory.some.avg10", 0);
            scene.run(1h, 1s);
            CHECK(scene.orders.empty());
        }
    }

    TEST_CASE("a trigger keeps its own pace whatever every says and whichever rules ask for it") {
        Scene scene(R"(
            [[rule]]
            name = "one"
            when = "psi.memory.some.avg10 > 10%"
            every = "1s"
            trigger = { vm.compact_memory = 1 }
            [[rule]]
            name = "two"
            when = "psi.memory.some.avg10 > 20%"
            trigger = { vm.compact_memory = 1 }
        )");
        std::vector<Instant> fired;
        scene.on_decision = [&](const Decision&, const Outcome&) { fired.push_back(scene.now); };
        for (int i = 0; i < 300; ++i) {
            scene.set("psi.memory.some.avg10", i % 2 == 0 ? 0.3 : 0);
            scene.after(1s);
        }
        REQUIRE(fired.size() == 5);
        for (std::size_t i = 1; i < fired.size(); ++i) CHECK(fired[i] - fired[i - 1] >= 60s);
    }

    TEST_CASE("a trigger that does not come off is fired again while the rule is active") {
        Scene scene(R"(
            [[rule]]
            name = "compact"
            when = "psi.memory.some.avg10 > 10%"
            trigger = { vm.compact_memory = 1 }
        )");
        scene.tunables.fail("vm.compact_memory", EBUSY);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(90s, 1s);
        CHECK(scene.orders.size() == 2);
        CHECK(scene.times_said("vm.compact_memory: vm.compact_memory: Device or resource busy") == 2);
        scene.tunables.fail("vm.compact_memory", 0);
        scene.run(10min, 1s);
        CHECK(scene.orders.size() == 3);
    }

    TEST_CASE("a rule that flips does not fire more often than every so often") {
        Scene scene(shed);
        for (int i = 0; i < 7200; ++i) {
            scene.set("psi.memory.some.avg10", i % 2 == 0 ? 0.2 : 0);
            scene.after(1s);
        }
        CHECK(scene.orders.size() == 2);
    }
}

}  // namespace memtuned::test
