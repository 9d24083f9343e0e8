// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <cerrno>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("overrides") {
    constexpr std::string_view quiet = R"(
        [[rule]]
        name = "on"
        when = "psi.memory.some.avg10 > 10%"
        set = { vm.swappiness = 40 }
    )";

    TEST_CASE("an override ends when its time is over") {
        Scene scene(quiet);
        scene.override_with("vm.swappiness", 100, 1min, "a test of swap");
        scene.turn();
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 100");
        CHECK(scene.taken_reasons() == "override: a test of swap");
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::overridden);
        scene.run(59s, 1s);
        CHECK(scene.orders.empty());
        scene.after(1s);
        CHECK(scene.taken_orders() == "release vm.swappiness 100 -> 60");
        CHECK(scene.taken_reasons() == "override: back to the boot value, the override ended");
        CHECK(scene.policy().overrides().empty());
    }

    TEST_CASE("what an override wrote is given back in one step and without a pause") {
        Scene scene(quiet);
        scene.override_with("vm.swappiness", 200, 300ms);
        scene.turn();
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 200");
        scene.after(300ms);
        CHECK(scene.taken_orders() == "release vm.swappiness 200 -> 60");
    }

    TEST_CASE("an override without a time lasts until it is cleared") {
        Scene scene(quiet);
        const auto id = scene.override_with("vm.swappiness", 100);
        scene.turn();
        scene.run(24h, 10s);
        CHECK(scene.value("vm.swappiness") == 100);
        CHECK(scene.policy().clear_override(id));
        CHECK_FALSE(scene.policy().clear_override(id));
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 60);
    }

    TEST_CASE("overrides of a former run are in force again, in their order, and a unit's when the unit is there") {
        Scene former(quiet);
        former.units({"", "cron.service"});
        former.override_with("vm.swappiness", 100, {}, "first");
        former.override_with("vm.swappiness", 20, 1min, "second");
        former.override_with("oom_score_adj.cron.service", 300);
        Scene scene(quiet);
        scene.policy().bring_back(former.policy().overrides());
        scene.turn();
        CHECK(scene.taken_orders() == "write vm.swappiness 60 -> 20");
        scene.units({"cron.service"});
        scene.turn();
        CHECK(scene.taken_orders() == "write oom_score_adj.cron.service 0 -> 300");
        const auto id = scene.override_with("vm.page-cluster", 0);
        CHECK(scene.policy().clear_override(id));
        CHECK(scene.policy().overrides().size() == 3);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.swappiness") == 100);
    }

    TEST_CASE("an override works on a tunable that no rule claims") {
        Scene scene(quiet);
        CHECK(scene.policy().tunables().size() == 1);
        scene.override_with("vm.page-cluster", 0, 1min);
        CHECK(scene.policy().tunables().size() == 2);
        scene.turn();
        CHECK(scene.value("vm.page-cluster") == 0);
        scene.run(2min, 1s);
        CHECK(scene.value("vm.page-cluster") == 3);
    }

    TEST_CASE("the later of two overrides wins and the earlier comes back with its own reason") {
        Scene scene(quiet);
        scene.override_with("vm.swappiness", 100, 1h, "first");
        scene.after(1s);
        scene.override_with("vm.swappiness", 20, 1min, "second");
        scene.after(1s);
        scene.run(1min, 1s);
        CHECK(scene.taken_orders() ==
              "write vm.swappiness 60 -> 100; write vm.swappiness 100 -> 20; write vm.swappiness 20 -> 100");
        CHECK(scene.taken_reasons() == "override: first; override: second; override: first");
        SUBCASE("the earlier may end first") {
            scene.override_with("vm.swappiness", 20, 24h, "third");
            scene.run(2h, 1s);
            CHECK(scene.value("vm.swappiness") == 20);
            CHECK(scene.taken_reasons() == "override: third");
        }
    }

    TEST_CASE("the end of an override brings the rules back") {
        Scene scene(quiet);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(2s);
        scene.override_with("vm.swappiness", 100, 10s);
        scene.run(20s, 1s);
        CHECK(scene.value("vm.swappiness") == 40);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::managed);
    }

    TEST_CASE("an override takes up what was yielded") {
        Scene scene(quiet);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(2s);
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(2s);
        scene.override_with("vm.swappiness", 100);
        scene.after(2s);
        CHECK(scene.value("vm.swappiness") == 100);
    }

    TEST_CASE("an override yields to an outside change and does not fight") {
        Scene scene(quiet);
        scene.override_with("vm.swappiness", 100);
        scene.after(1s);
        scene.somebody_sets("vm.swappiness", 33);
        scene.forget();
        scene.run(30min, 1s);
        CHECK(scene.value("vm.swappiness") == 33);
        CHECK(scene.events.size() == 2);
        CHECK(scene.orders.size() == 1);
        SUBCASE("a new one goes over it") {
            scene.override_with("vm.swappiness", 101);
            scene.after(1s);
            CHECK(scene.value("vm.swappiness") == 101);
        }
        SUBCASE("an hour later it is taken up again") {
            scene.run(31min, 1s);
            CHECK(scene.value("vm.swappiness") == 100);
        }
    }

    TEST_CASE("an enforced override does not fight for ever") {
        Scene scene(quiet, "[tunable.vm.swappiness]\non_outside_change = \"enforce\"");
        scene.override_with("vm.swappiness", 100);
        scene.after(1s);
        for (int i = 0; i < 20; ++i) {
            scene.somebody_sets("vm.swappiness", 33);
            scene.run(1s);
        }
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        CHECK(scene.value("vm.swappiness") == 33);
        CHECK(scene.orders.size() <= 3);
    }

    TEST_CASE("an override may leave what is advisable but not what the kernel takes or can bear") {
        Scene scene(quiet);
        scene.tunables["vm.min_free_kbytes"].ceiling = 200000;
        scene.tunables["vm.min_free_kbytes"].safe_maximum = 100000;
        scene.override_with("vm.min_free_kbytes", 150000);
        scene.after(1s);
        CHECK(scene.value("vm.min_free_kbytes") == 150000);
        CHECK(scene.events.empty());
        scene.override_with("vm.min_free_kbytes", 900000);
        scene.run(10s, 1s);
        CHECK(scene.value("vm.min_free_kbytes") == 200000);
        CHECK(scene.taken_events() ==
              "vm.min_free_kbytes: 900000 is asked for, the limits are 0 to 200000: kept at 200000");
    }
}

TEST_SUITE("reload") {
    constexpr std::string_view before = R"(
        [baseline]
        vm.page-cluster = 1
        [[rule]]
        name = "kept"
        when = "psi.memory.some.avg10 > 10%"
        hold = "1h"
        set = { vm.swappiness = 40 }
        [[rule]]
        name = "gone"
        when = "psi.memory.some.avg10 > 10%"
        set = { vm.vfs_cache_pressure = 150 }
        [[rule]]
        name = "stepping"
        when = "psi.memory.some.avg10 > 10%"
        hold = "1h"
        every = "10s"
        step = { vm.watermark_scale_factor = "current + 40" }
    )";
    constexpr std::string_view after = R"(
        [[rule]]
        name = "new"
        when = "psi.io.some.avg10 > 10%"
        set = { vm.compaction_proactiveness = 0 }
        [[rule]]
        name = "stepping"
        when = "psi.memory.some.avg10 > 10%"
        hold = "1h"
        every = "10s"
        step = { vm.watermark_scale_factor = "current + 60" }
        [[rule]]
        name = "kept"
        when = "psi.memory.some.avg10 > 20%"
        hold = "1h"
        set = { vm.swappiness = 45, vm.watermark_boost_factor = 0 }
    )";

    Scene reloaded() {
        Scene scene(before);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.run(15s);
        scene.forget();
        scene.reload(after);
        return scene;
    }

    TEST_CASE("active rules of the same name stay active and what vanished is given back") {
        Scene scene = reloaded();
        const Instant since = scene.rule("kept").since();
        scene.after(1s);
        CHECK(scene.state("kept") == RuleState::active);  // held, though `when` asks for more now
        CHECK(scene.rule("kept").since() == since);
        CHECK(scene.rule("kept").activations() == 1);
        CHECK(scene.events.empty());
        scene.run(20s, 1s);
        CHECK(scene.value("vm.page-cluster") == 3);
        CHECK(scene.value("vm.vfs_cache_pressure") == 100);
        CHECK(scene.value("vm.swappiness") == 45);
        CHECK(scene.value("vm.watermark_boost_factor") == 0);
        CHECK_FALSE(scene.tunables["vm.vfs_cache_pressure"].ours);
        CHECK_FALSE(scene.said("somebody"));
    }

    TEST_CASE("a step goes on from where it was") {
        Scene scene = reloaded();
        REQUIRE(scene.value("vm.watermark_scale_factor") == 90);
        scene.run(3s);
        CHECK(scene.value("vm.watermark_scale_factor") == 90);
        scene.run(5s);
        CHECK(scene.value("vm.watermark_scale_factor") == 150);
    }

    TEST_CASE("decisions name the rules by their new numbers") {
        Scene scene = reloaded();
        scene.set("psi.io.some.avg10", 0);
        scene.run(20s);
        for (std::size_t i = 0; i < scene.orders.size(); ++i) {
            CAPTURE(scene.orders[i]);
            const std::string& reason = scene.reasons[i];
            if (scene.orders[i].find("swappiness") != std::string::npos) CHECK(reason.starts_with("rule kept: "));
            if (scene.orders[i].find("scale") != std::string::npos) CHECK(reason.starts_with("rule stepping: "));
            if (scene.orders[i].find("vfs") != std::string::npos)
                CHECK(reason == "profile scene: back to the boot value, no longer claimed");
            if (scene.orders[i].find("page-cluster") != std::string::npos)
                CHECK(reason == "baseline of scene: back to the boot value, no longer claimed");
        }
        CHECK(scene.orders.size() >= 5);
    }

    TEST_CASE("a reload to nothing puts everything back") {
        Scene scene(before);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.run(30s);
        scene.reload("description = 'nothing'");
        scene.run(30s);
        scene.reload("description = 'still nothing'");
        scene.run(10min, 1s);
        for (const Reading& reading : scene.tunables.readings()) {
            CHECK_FALSE(reading.ours);
            CHECK(reading.value == reading.boot);
        }
        CHECK(scene.value("vm.watermark_scale_factor") == 10);
    }

    TEST_CASE("a reload with the same rules changes nothing") {
        Scene scene(before);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.run(2min);
        scene.set("psi.memory.some.avg10", 0);  // held
        scene.run(10s);
        scene.forget();
        for (int i = 0; i < 3; ++i) {
            scene.reload(before);
            scene.run(10s);
        }
        CHECK(scene.state("kept") == RuleState::active);
        CHECK(scene.orders.empty());
    }

    TEST_CASE("overrides survive a reload with their time") {
        Scene scene(before);
        scene.override_with("vm.swappiness", 100, 1min);
        scene.run(10s, 1s);
        scene.reload(after);
        scene.run(49s, 1s);
        CHECK(scene.value("vm.swappiness") == 100);
        scene.run(10s, 1s);
        CHECK(scene.value("vm.swappiness") == 60);
    }

    TEST_CASE("a yield survives a reload") {
        Scene scene(before);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.run(10s, 1s);
        scene.somebody_sets("vm.swappiness", 33);
        scene.run(10s, 1s);
        scene.reload(after);
        scene.set("psi.memory.some.avg10", 0.25);
        scene.run(30min, 1s);
        CHECK(scene.value("vm.swappiness") == 33);
        scene.run(31min, 1s);
        CHECK(scene.value("vm.swappiness") == 45);
    }

    TEST_CASE("a rule switched off by a reload gives back") {
        Scene scene(before);
        scene.set("psi.memory.some.avg10", 0.15);
        scene.run(10s, 1s);
        scene.reload("[[rule]]\nname = \"kept\"\nenabled = false\n");
        scene.run(10s, 1s);
        CHECK(scene.state("kept") == RuleState::disabled);
        CHECK(scene.value("vm.swappiness") == 60);
    }

    TEST_CASE("a window remembers across a reload") {
        constexpr std::string_view windowed = R"(
            [[rule]]
            name = "trend"
            when = "avg_over_time(psi.memory.some.avg10, 1min) > 10%"
            set = { vm.swappiness = 40 }
        )";
        Scene scene(windowed);
        scene.set("psi.memory.some.avg10", 0.05);
        scene.run(1min, 1s);
        scene.reload(std::string("[[rule]]\nname = \"first\"\nwhen = \"psi.io.some.avg10 > 1%\"\n"
                                 "set = { vm.page-cluster = 0 }\n") +
                     std::string(windowed));
        scene.set("psi.memory.some.avg10", 0.9);
        scene.run(10s, 1s);
        CHECK(scene.state("trend") == RuleState::active);  // (50 * 5 + 10 * 90) / 60 = 19 %
    }

    TEST_CASE("a baseline that has no data after a reload keeps its last value") {
        constexpr std::string_view measured = "baseline.vm.swappiness = \"swap.in > 1 MiB/s ? 20 : 50\"";
        Scene scene(measured);
        scene.run(3s);
        REQUIRE(scene.value("vm.swappiness") == 50);
        scene.reload(measured);
        scene.set("swap.in", indicators::no_data);
        scene.forget();
        scene.run(10s);
        CHECK(scene.orders.empty());
    }
}

TEST_SUITE("limits") {
    constexpr std::string_view wide = R"(
        [[rule]]
        name = "wide"
        when = "psi.memory.some.avg10 > 10%"
        set = { vm.swappiness = 190 }
        [[rule]]
        name = "narrow"
        when = "psi.io.some.avg10 > 10%"
        set = { vm.swappiness = 0 }
    )";

    TEST_CASE("a target outside the administrator's limits is clamped and that is said once") {
        Scene scene(wide, "[tunable.vm.swappiness]\nmin = 50\nmax = \"2 * 40\"");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.swappiness") == 80);
        CHECK(scene.times_said("vm.swappiness: 190 is asked for, the limits are 50 to 80: kept at 80") == 1);
        scene.set("psi.io.some.avg10", 0.2);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.swappiness") == 50);
        CHECK(scene.times_said("vm.swappiness: 0 is asked for, the limits are 50 to 80: kept at 50") == 1);
    }

    TEST_CASE("an administrator may go beyond the safe limits but not beyond the kernel's") {
        Scene scene("baseline.vm.watermark_scale_factor = 3000", "[tunable.vm.watermark_scale_factor]\nmax = 2000");
        scene.run(1min, 1s);
        CHECK(scene.value("vm.watermark_scale_factor") == 2000);
        scene.tunables["vm.watermark_scale_factor"].hard_maximum = 1000;
        scene.run(1min, 1s);
        CHECK(scene.value("vm.watermark_scale_factor") == 1000);
    }

    TEST_CASE("a boot value outside the limits is not touched by clamping") {
        Scene scene("baseline.vm.swappiness = { at_least = 10 }", "[tunable.vm.swappiness]\nmax = 50");
        scene.run(1min, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
        CHECK(scene.value("vm.swappiness") == 60);
    }

    TEST_CASE("the way back to a boot value outside the limits is open") {
        Scene scene(wide, "[tunable.vm.swappiness]\nmax = 30");
        scene.set("psi.io.some.avg10", 0.2);
        scene.run(10s, 1s);
        REQUIRE(scene.value("vm.swappiness") == 0);
        scene.set("psi.io.some.avg10", 0);
        scene.run(10s, 1s);
        CHECK(scene.value("vm.swappiness") == 60);
    }

    TEST_CASE("a write that was cut down is tried again after a while and not before") {
        Scene scene("baseline.vm.min_free_kbytes = 80000");
        SUBCASE("to what it held") {
            scene.tunables.cut_down("vm.min_free_kbytes", 67584);
        }
        SUBCASE("to something between") {
            scene.tunables.cut_down("vm.min_free_kbytes", 70000);
        }
        scene.run(59s);
        CHECK(scene.taken_orders() == "write vm.min_free_kbytes 67584 -> 80000");
        scene.tunables.cut_down("vm.min_free_kbytes", 100000);
        scene.run(3s);
        CHECK(scene.value("vm.min_free_kbytes") == 80000);
        CHECK(scene.orders.size() == 1);
    }

    TEST_CASE("a write that was cut down does not delay a release") {
        Scene scene(R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.min_free_kbytes = 80000 }
        )");
        scene.tunables.cut_down("vm.min_free_kbytes", 70000);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(2s);
        CHECK(scene.value("vm.min_free_kbytes") == 70000);
        scene.set("psi.memory.some.avg10", 0);
        scene.run(1s);
        CHECK(scene.value("vm.min_free_kbytes") == 67584);
    }

    TEST_CASE("the ceiling is never passed and a value above a falling one comes down at once") {
        Scene scene("baseline.vm.min_free_kbytes = \"200 MiB\"");
        scene.tunables["vm.min_free_kbytes"].ceiling = 100000;
        scene.run(10s, 1s);
        CHECK(scene.value("vm.min_free_kbytes") == 100000);
        scene.tunables["vm.min_free_kbytes"].ceiling = 99000;  // within the dead band
        scene.after(1s);
        CHECK(scene.value("vm.min_free_kbytes") == 99000);
        scene.tunables["vm.min_free_kbytes"].ceiling = 100000;
        scene.run(10s, 1s);
        CHECK(scene.value("vm.min_free_kbytes") == 99000);
        scene.tunables["vm.min_free_kbytes"].ceiling = 150000;
        scene.run(10s, 1s);
        CHECK(scene.value("vm.min_free_kbytes") == 150000);
        CHECK(scene.times_said("is asked for") == 1);
    }
}

}  // namespace memtuned::test
