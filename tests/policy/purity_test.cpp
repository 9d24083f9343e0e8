// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <random>

#include "policy/scene.hpp"
#include "support/allocations.hpp"

namespace memtuned::test {

TEST_SUITE("purity") {
    /// Rules of every kind, some of them active all the time, in `copies`.
    std::string many_rules(int copies) {
        std::string text = R"~(
            [baseline]
            vm.vfs_cache_pressure = 120
            vm.page-cluster = { at_most = "psi.io.some.avg10 > 50% ? 0 : 1" }
            [[rule]]
            name = "stepping"
            when = "psi.memory.some.avg10 > 1%"
            every = "1s"
            step = { vm.min_free_kbytes = "min(current * 1.25, 2% * mem.total)" }
            relax = { vm.min_free_kbytes = "current * 0.8" }
            [[rule]]
            name = "bytes"
            when = "psi.memory.some.avg10 > 1%"
            set = { vm.dirty_bytes = "clamp(0.6s * io.out, 12 MiB, 1 GiB)" }
            [[rule]]
            name = "ratio"
            when = "psi.memory.some.avg10 > 1%"
            priority = 40
            set = { vm.dirty_ratio = 10 }
        )~";
        for (int i = 0; i < copies; ++i)
            text += fmt::format(R"~(
                [[rule]]
                name = "idle-{0}"
                when = "psi.memory.full.avg10 > {1}% and zones.free < {0} MiB"
                for = "1s"
                set = {{ vm.swappiness = {1} }}
                [[rule]]
                name = "window-{0}"
                when = "predict_linear(zones.free, {1}s, 5s) < zones.low"
                hold = "10s"
                set = {{ vm.watermark_scale_factor = "lerp(psi.memory.some.avg10, 0%, 20%, 50, 300)" }}
                [[rule]]
                name = "active-{0}"
                when = "psi.memory.some.avg10 > 1%"
                set = {{ vm.swappiness = {{ at_most = "avg_over_time(psi.memory.some.avg10, {1}s) > 50% ? 0 : 99" }} }}
            )~",
                                i, 20 + i % 50);
        return text;
    }

    TEST_CASE("a steady turn allocates nothing") {
        Scene scene(many_rules(100));
        scene.set("psi.memory.some.avg10", 0.1);
        scene.set("zones.free", 4e9);
        scene.set("zones.low", 1e8);
        scene.set("mem.total", 16e9);
        scene.set("io.out", 1e8);
        scene.run(3min);
        scene.forget();
        const std::size_t before = allocations();
        scene.run(1000s);  // 10,000 turns
        CHECK(allocations() == before);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
        CHECK(scene.state("active-7") == RuleState::active);
        CHECK(scene.value("vm.min_free_kbytes") == 312500);
    }

    /// Everything that is decided and said in a run of random samples.
    std::string history(unsigned seed) {
        Scene scene(many_rules(3));
        std::mt19937 random(seed);
        const auto share = [&] { return static_cast<double>(random() % 1000) / 1000; };
        std::string said;
        for (int i = 0; i < 2000; ++i) {
            if (i % 20 == 0) {
                scene.set("psi.memory.some.avg10", share() * share() * 0.05);
                scene.set("psi.memory.full.avg10", share());
                scene.set("io.out", share() * 3e8);
                scene.set("mem.total", 16e9);
                scene.set("zones.low", 1e8);
            }
            scene.set("zones.free", share() * 1e9);
            scene.after(100ms * (1 + random() % 20));
            said += scene.taken_orders() + "\n" + scene.taken_reasons() + "\n" + scene.taken_events() + "\n";
        }
        return said;
    }

    TEST_CASE("the same samples give the same decisions and the same words") {
        const std::string first = history(1);
        CHECK(first.size() > 100000);
        CHECK(first == history(1));
        CHECK(first != history(2));
    }
}

}  // namespace memtuned::test
