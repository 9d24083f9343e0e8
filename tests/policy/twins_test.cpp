// SPDX-License-Identifier: GPL-2.0-or-later
//
// vm.dirty_ratio and vm.dirty_bytes are two views of one knob: writing one makes the other read 0.
#include <doctest/doctest.h>

#include <cerrno>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("twins") {
    constexpr std::string_view rivals = R"(
        [[rule]]
        name = "by-ratio"
        when = "psi.io.some.avg10 > 10%"
        set = { vm.dirty_ratio = "boot / 2" }
        [[rule]]
        name = "by-bytes"
        when = "psi.io.full.avg10 > 10%"
        hold = "10s"
        priority = 60
        set = { vm.dirty_bytes = "256 MiB" }
    )";
    constexpr std::int64_t bytes = 256 << 20;

    void claim(Scene & scene, bool by_ratio, bool by_bytes, Duration length = std::chrono::seconds(20)) {
        scene.set("psi.io.some.avg10", by_ratio ? 0.2 : 0);
        scene.set("psi.io.full.avg10", by_bytes ? 0.2 : 0);
        scene.run(length, 1s);
    }

    void check_at_boot(Scene & scene) {
        CHECK(scene.value("vm.dirty_ratio") == 20);
        CHECK(scene.value("vm.dirty_bytes") == 0);
        CHECK_FALSE(scene.tunables["vm.dirty_ratio"].ours);
        CHECK_FALSE(scene.tunables["vm.dirty_bytes"].ours);
        CHECK_FALSE(scene.said("somebody"));
        CHECK_FALSE(scene.said("yielded"));
    }

    TEST_CASE("the stronger of two claimed twins wins and the weaker is not ordered") {
        Scene scene(rivals);
        claim(scene, true, true);
        CHECK(scene.taken_orders() == "write vm.dirty_bytes 0 -> 268435456");
        claim(scene, false, false);
        check_at_boot(scene);
    }

    TEST_CASE("the weaker twin gives way without being read as an outside change and comes back after") {
        Scene scene(rivals);
        claim(scene, true, false);
        claim(scene, true, true);
        claim(scene, true, false);
        CHECK(scene.taken_orders() ==
              "write vm.dirty_ratio 20 -> 10; write vm.dirty_bytes 0 -> 268435456; write vm.dirty_ratio 0 -> 10");
        claim(scene, false, false);
        CHECK(scene.taken_orders() == "release vm.dirty_ratio 10 -> 20");
        check_at_boot(scene);
    }

    TEST_CASE("twins that change places within one turn are no outside change") {
        Scene scene(rivals);
        for (int i = 0; i < 4; ++i) {
            claim(scene, true, false, 1min);
            CHECK(scene.value("vm.dirty_ratio") == 10);
            claim(scene, false, true, 1min);
            CHECK(scene.value("vm.dirty_bytes") == bytes);
            CHECK(scene.value("vm.dirty_ratio") == 0);
        }
        claim(scene, false, false);
        check_at_boot(scene);
    }

    TEST_CASE("an at_most bites where the twin was not in force") {
        Scene scene(R"(
            [[rule]]
            name = "cap"
            when = "psi.io.full.avg10 > 10%"
            set = { vm.dirty_bytes = { at_most = "256 MiB" } }
        )");
        scene.set("psi.io.full.avg10", 0.2);
        scene.turn();
        CHECK(scene.value("vm.dirty_bytes") == bytes);
        scene.set("psi.io.full.avg10", 0);
        scene.run(5s);
        CHECK(scene.value("vm.dirty_ratio") == 20);
        CHECK(scene.value("vm.dirty_bytes") == 0);
    }

    TEST_CASE("who writes one twin is left alone with both") {
        Scene scene(rivals);
        claim(scene, true, false);
        scene.somebody_sets("vm.dirty_bytes", 100 << 20);
        claim(scene, true, true, 30min);
        CHECK(scene.value("vm.dirty_bytes") == 100 << 20);
        claim(scene, false, false, 1min);
        claim(scene, false, true, 10min);
        CHECK(scene.value("vm.dirty_bytes") == 100 << 20);
        CHECK(scene.tunable_state("vm.dirty_ratio") == TunableState::yielded);
        claim(scene, false, true, 1h);
        CHECK(scene.value("vm.dirty_bytes") == bytes);
        claim(scene, false, false, 1min);
        CHECK(scene.value("vm.dirty_bytes") == 100 << 20);
    }

    TEST_CASE("an override of one twin goes over the yield of the other") {
        Scene scene(rivals);
        claim(scene, true, false);
        scene.somebody_sets("vm.dirty_ratio", 33);
        claim(scene, true, false);
        REQUIRE(scene.tunable_state("vm.dirty_ratio") == TunableState::yielded);
        scene.override_with("vm.dirty_bytes", 64 << 20, 1min);
        claim(scene, true, false, 30s);
        CHECK(scene.value("vm.dirty_bytes") == 64 << 20);
        claim(scene, true, false, 5min);
        CHECK(scene.value("vm.dirty_bytes") == 0);
        CHECK(scene.value("vm.dirty_ratio") == 33);
    }

    TEST_CASE("of two overrides on twins the later wins") {
        Scene scene(rivals);
        scene.override_with("vm.dirty_bytes", 64 << 20);
        const auto later = scene.override_with("vm.dirty_ratio", 5);
        scene.run(5s);
        CHECK(scene.value("vm.dirty_ratio") == 5);
        CHECK(scene.taken_orders() == "write vm.dirty_ratio 20 -> 5");
        scene.policy().clear_override(later);
        scene.run(5s);
        CHECK(scene.value("vm.dirty_bytes") == 64 << 20);
        CHECK(scene.taken_orders() == "write vm.dirty_bytes 0 -> 67108864");
    }

    TEST_CASE("a twin that flips is frozen where it is not in force and the other goes on") {
        Scene scene(R"(
            baseline.vm.dirty_ratio = 15
            [[rule]]
            name = "by-bytes"
            when = "psi.io.full.avg10 > 10%"
            set = { vm.dirty_bytes = "256 MiB" }
        )");
        for (int i = 0; i < 6; ++i) {
            scene.set("psi.io.full.avg10", i % 2 == 0 ? 0.2 : 0);
            scene.run(3s);
        }
        CHECK(scene.state("by-bytes") == RuleState::suspended);
        CHECK(scene.tunable_state("vm.dirty_bytes") == TunableState::frozen);
        CHECK(scene.value("vm.dirty_ratio") == 15);
        CHECK(scene.tunable_state("vm.dirty_ratio") == TunableState::managed);
        scene.run(11min, 1s);
        CHECK(scene.tunable_state("vm.dirty_bytes") == TunableState::free);
    }

    TEST_CASE("a claim on a twin that is not there counts for nothing") {
        Scene scene(rivals);
        scene.tunables["vm.dirty_bytes"].available = false;
        scene.tunables["vm.dirty_bytes"].error = ENOENT;
        claim(scene, true, true, 10min);
        CHECK(scene.value("vm.dirty_ratio") == 10);
        CHECK(scene.times_said("unavailable") == 1);
    }
}

}  // namespace memtuned::test
