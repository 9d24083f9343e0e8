// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("reasons") {
    TEST_CASE("a decision says the condition with the figures it saw") {
        Scene scene(R"~(
            [[rule]]
            name = "reserve"
            when = "reclaim.direct_stalls > 5/s or zones.headroom < 0% and psi.memory.some.avg10 > 1%"
            until = "reclaim.direct_stalls == 0/s and zones.free > 64 MiB"
            set = { vm.watermark_scale_factor = 80 }
        )~");
        scene.set("reclaim.direct_stalls", 42);
        scene.set("zones.headroom", -0.031);
        scene.set("psi.memory.some.avg10", 0.1234);
        scene.after(1s);
        CHECK(scene.taken_reasons() ==
              "rule reserve: reclaim.direct_stalls > 5/s or zones.headroom < 0% and psi.memory.some.avg10 > 1% "
              "(reclaim.direct_stalls = 42/s, zones.headroom = -3.1%, psi.memory.some.avg10 = 12.3%)");
        CHECK(scene.taken_events() ==
              "reserve: active: reclaim.direct_stalls > 5/s or zones.headroom < 0% and psi.memory.some.avg10 > 1% "
              "(reclaim.direct_stalls = 42/s, zones.headroom = -3.1%, psi.memory.some.avg10 = 12.3%)");
        scene.set("reclaim.direct_stalls", 0);
        scene.set("zones.free", 65 << 20);
        scene.after(1s);
        CHECK(
            scene.taken_reasons() ==
            "rule reserve: back to the boot value, given back: reclaim.direct_stalls == 0/s and zones.free > 64 MiB "
            "(reclaim.direct_stalls = 0/s, zones.free = 65 MiB)");
        CHECK(scene.taken_events() ==
              "reserve: idle: reclaim.direct_stalls == 0/s and zones.free > 64 MiB "
              "(reclaim.direct_stalls = 0/s, zones.free = 65 MiB)");
    }

    TEST_CASE("a windowed function is one figure and its operand another") {
        Scene scene(R"~(
            [[rule]]
            name = "soon"
            when = "time_to(zones.free, zones.low, 10s) < 10s"
            set = { vm.watermark_scale_factor = 80 }
        )~");
        scene.set("zones.low", 100 << 20);
        for (int i = 0; i <= 10; ++i) {
            scene.set("zones.free", (250 - 10 * i) << 20);
            scene.after(1s);
        }
        CHECK(scene.taken_reasons() ==
              "rule soon: time_to(zones.free, zones.low, 10s) < 10s "
              "(zones.low = 100 MiB, time_to(zones.free, zones.low, 10s) = 9s)");
    }

    TEST_CASE("a claim that is given back in steps says why") {
        Scene scene(R"(
            [[rule]]
            name = "grow"
            when = "reclaim.direct_stalls > 0/s"
            every = "5s"
            step = { vm.swappiness = "current + 40" }
            relax = { vm.swappiness = "current - 10" }
        )");
        scene.set("reclaim.direct_stalls", 7);
        scene.after(2s);
        scene.set("reclaim.direct_stalls", 0);
        scene.forget();
        scene.after(2s);
        CHECK(scene.taken_orders() == "write vm.swappiness 100 -> 90");
        CHECK(scene.taken_reasons() ==
              "rule grow: given back: no longer reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 0/s)");
    }

    TEST_CASE("what decides is named and not the strongest that claims") {
        Scene scene(R"(
            baseline.vm.swappiness = 30
            [[rule]]
            name = "loose"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = { at_most = 100 } }
        )");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(1s);
        CHECK(scene.taken_reasons() == "baseline of scene: the profile is active");
        CHECK(scene.policy().tunable(*tunables::find("vm.swappiness")).source().kind ==
              policy::Source::Kind::baseline);
    }

    TEST_CASE("what an unavailable rule gives back says so") {
        Scene scene(R"(
            [[rule]]
            name = "needy"
            when = "swap.in > 1 MiB/s"
            set = { vm.swappiness = 40 }
        )");
        scene.set("swap.in", 1e9);
        scene.after(2s);
        scene.forget();
        scene.lack("swap.in");
        scene.after(2s);
        CHECK(scene.taken_reasons() == "rule needy: back to the boot value, the rule is unavailable");
    }
}

}  // namespace memtuned::test
