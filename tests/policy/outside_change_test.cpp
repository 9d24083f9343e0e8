// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <cerrno>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("outside changes") {
    constexpr std::string_view on = R"(
        [[rule]]
        name = "on"
        when = "psi.memory.some.avg10 > 10%"
        hold = "30s"
        set = { vm.swappiness = 40 }
    )";

    Scene active(std::string_view configuration = "", std::string_view rules = on) {
        Scene scene(rules, configuration);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.turn();
        scene.after(2s);
        scene.forget();
        return scene;
    }

    TEST_CASE("what somebody else wrote is left alone for an hour and then taken up again") {
        Scene scene = active();
        REQUIRE(scene.value("vm.swappiness") == 40);
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(2s);
        CHECK(scene.taken_orders() == "disown vm.swappiness 40 -> 33");
        CHECK(scene.taken_reasons() == "rule on: changed by somebody else");
        CHECK(scene.taken_events() ==
              "vm.swappiness: somebody set 33 in place of 40; vm.swappiness: yielded for 1h: left at 33");
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::yielded);
        scene.somebody_sets("vm.swappiness", 34);
        scene.run(59min, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
        scene.run(1min, 1s);
        CHECK(scene.taken_events() == "vm.swappiness: no longer yielded: taken up again");
        CHECK(scene.taken_orders() == "write vm.swappiness 34 -> 40");
        scene.set("psi.memory.some.avg10", 0);
        scene.after(2s);
        CHECK(scene.value("vm.swappiness") == 34);
    }

    TEST_CASE("how long it yields is the administrator's to say") {
        Scene scene = active("[tunable.vm.swappiness]\nyield_for = \"10s\"");
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(1s);
        scene.after(9s);
        CHECK(scene.value("vm.swappiness") == 33);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 40);
    }

    TEST_CASE("a claimed value that was right already and so never written is yielded too") {
        Scene scene("[baseline]\nvm.swappiness = 60");
        scene.run(10s, 1s);
        CHECK(scene.orders.empty());
        scene.somebody_sets("vm.swappiness", 30);
        scene.run(10s, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.value("vm.swappiness") == 30);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::yielded);
        CHECK(scene.taken_events() ==
              "vm.swappiness: somebody set 30 in place of 60; vm.swappiness: yielded for 1h: left at 30");
    }

    TEST_CASE("a yield lasts though the claims go and come meanwhile") {
        Scene scene = active();
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(2s);
        scene.set("psi.memory.some.avg10", 0);
        scene.run(1min, 1s);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.swappiness") == 33);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::yielded);
    }

    TEST_CASE("a yield without claims ends by itself") {
        Scene scene = active();
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(2s);
        scene.set("psi.memory.some.avg10", 0);
        scene.run(61min, 1s);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::free);
        CHECK(scene.value("vm.swappiness") == 33);
    }

    TEST_CASE("a yielded tunable is taken up at once when asked for") {
        Scene scene = active();
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(2s);
        scene.policy().resume(*tunables::find("vm.swappiness"));
        scene.after(2s);
        CHECK(scene.value("vm.swappiness") == 40);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::managed);
    }

    TEST_CASE("a value that changes hands while it is given back stays as it is") {
        Scene scene = active("", R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            every = "5s"
            set = { vm.swappiness = 100 }
            relax = { vm.swappiness = "current - 10" }
        )");
        scene.set("psi.memory.some.avg10", 0);
        scene.after(2s);
        REQUIRE(scene.value("vm.swappiness") == 90);
        scene.somebody_sets("vm.swappiness", 77);
        scene.run(2min);
        CHECK(scene.value("vm.swappiness") == 77);
        CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
    }

    TEST_CASE("a disown that fails is tried again") {
        Scene scene = active();
        scene.tunables.fail("vm.swappiness", EIO);
        scene.somebody_sets("vm.swappiness", 33);
        scene.run(10s);
        CHECK(scene.orders.size() == 4);  // after 0, 1, 3 and 7 s
        CHECK(scene.times_said("somebody set") == 1);
        CHECK(scene.tunables["vm.swappiness"].ours);
        scene.tunables.fail("vm.swappiness", 0);
        scene.run(10s);
        CHECK(scene.orders.back() == "disown vm.swappiness 40 -> 33");
        CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
        CHECK(scene.value("vm.swappiness") == 33);
    }

    TEST_CASE("enforce writes over what somebody else wrote") {
        Scene scene = active("[tunable.vm.swappiness]\non_outside_change = \"enforce\"");
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(2s);
        CHECK(scene.taken_orders() == "take_back vm.swappiness 33 -> 40");
        CHECK(scene.taken_reasons() ==
              "rule on: written over what somebody set, psi.memory.some.avg10 > 10% (psi.memory.some.avg10 = 20%)");
        CHECK(scene.taken_events() == "vm.swappiness: somebody set 33 in place of 40");
        scene.set("psi.memory.some.avg10", 0);
        scene.run(1min, 1s);
        CHECK(scene.value("vm.swappiness") == 60);
    }

    TEST_CASE("enforce too keeps the pace") {
        Scene scene = active("[tunable.vm.swappiness]\non_outside_change = \"enforce\"");
        scene.somebody_sets("vm.swappiness", 160);
        scene.run(10s);
        CHECK(scene.taken_orders() ==
              "take_back vm.swappiness 160 -> 120; write vm.swappiness 120 -> 80; write vm.swappiness 80 -> 40");
    }

    TEST_CASE("a war over a value ends frozen and then yielded") {
        Scene scene = active("[tunable.vm.swappiness]\non_outside_change = \"enforce\"");
        scene.somebody_sets("vm.swappiness", 20);
        scene.run(5s);
        CHECK(scene.value("vm.swappiness") == 40);
        scene.somebody_sets("vm.swappiness", 20);
        scene.run(5s);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        CHECK(scene.state("on") == RuleState::suspended);
        CHECK(scene.value("vm.swappiness") == 40);  // nearer to 60 than 20 is
        CHECK(
            scene.said("vm.swappiness: frozen at 40 for 10min: it flips between 40 and 20, and that is the one "
                       "nearer to the boot value"));
        scene.forget();
        scene.somebody_sets("vm.swappiness", 20);
        scene.run(9min, 1s);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::yielded);
        CHECK(scene.value("vm.swappiness") == 20);
        CHECK(scene.taken_orders() == "disown vm.swappiness 40 -> 20");
    }

    TEST_CASE("a war that froze at the other's value is over") {
        Scene scene = active("[tunable.vm.swappiness]\non_outside_change = \"enforce\"");
        for (int i = 0; i < 2; ++i) {
            scene.somebody_sets("vm.swappiness", 50);
            scene.run(5s);
        }
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        CHECK(scene.value("vm.swappiness") == 50);
        scene.forget();
        scene.set("psi.memory.some.avg10", 0);
        scene.run(9min, 1s);
        CHECK(scene.orders.empty());
        scene.run(2min, 1s);
        CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
    }

    TEST_CASE("rebase takes what somebody else wrote for the boot value") {
        Scene scene = active("[tunable.vm.swappiness]\non_outside_change = \"rebase\"");
        scene.somebody_sets("vm.swappiness", 33);
        scene.run(4s, 1s);
        CHECK(scene.taken_orders() == "rebase vm.swappiness 40 -> 33; write vm.swappiness 33 -> 40");
        scene.set("psi.memory.some.avg10", 0);
        scene.run(1min, 1s);
        CHECK(scene.taken_orders() == "release vm.swappiness 40 -> 33");
    }

    TEST_CASE("a rebase that fails is tried again before anything is written") {
        Scene scene = active("[tunable.vm.swappiness]\non_outside_change = \"rebase\"");
        scene.tunables.fail("vm.swappiness", EIO);
        scene.somebody_sets("vm.swappiness", 33);
        scene.run(2s);
        scene.tunables.fail("vm.swappiness", 0);
        scene.run(5s);
        CHECK(scene.tunables["vm.swappiness"].boot == 33);
        CHECK(scene.value("vm.swappiness") == 40);
    }

    TEST_CASE("a baseline that is a multiple of boot follows a rebase without climbing on itself") {
        Scene scene("baseline.vm.swappiness = \"boot / 2\"",
                    "[tunable.vm.swappiness]\non_outside_change = \"rebase\"");
        scene.run(5s);
        REQUIRE(scene.value("vm.swappiness") == 30);
        scene.somebody_sets("vm.swappiness", 100);
        scene.run(1min);
        CHECK(scene.value("vm.swappiness") == 50);
    }

    TEST_CASE("what the kernel itself set is told apart and written over") {
        Scene scene = active("", R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            hold = "30s"
            set = { vm.min_free_kbytes = 80000 }
        )");
        REQUIRE(scene.value("vm.min_free_kbytes") == 80000);
        scene.somebody_sets("vm.min_free_kbytes", 90000);
        scene.tunables["vm.min_free_kbytes"].kernel_made = true;
        scene.after(2s);
        CHECK(scene.taken_orders() == "take_back vm.min_free_kbytes 90000 -> 80000");
        CHECK(scene.taken_events() ==
              "vm.min_free_kbytes: the kernel itself set 90000 in place of 80000: not a wish "
              "of anybody's, going on");
        CHECK(scene.tunable_state("vm.min_free_kbytes") == TunableState::managed);
    }

    TEST_CASE("what the kernel set and is just right is gone over by the next write") {
        Scene scene = active("", R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.min_free_kbytes = "psi.memory.some.avg10 > 30% ? 96 MiB : 80 MiB" }
        )");
        scene.tunables["vm.min_free_kbytes"].kernel_made = true;
        scene.set("psi.memory.some.avg10", 0.4);
        scene.somebody_sets("vm.min_free_kbytes", 96 * 1024);
        scene.after(2s);
        CHECK(scene.orders.empty());
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(2s);
        CHECK(scene.value("vm.min_free_kbytes") == 80 * 1024);
        CHECK(scene.tunables["vm.min_free_kbytes"].ours);
    }

    TEST_CASE("a tunable that cannot be read is unavailable and says so once") {
        Scene scene = active();
        scene.tunables["vm.swappiness"].available = false;
        scene.tunables["vm.swappiness"].error = EACCES;
        scene.run(1min, 1s);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::unavailable);
        CHECK(scene.taken_events() == "vm.swappiness: unavailable: proc/sys/vm/swappiness: Permission denied");
        scene.override_with("vm.swappiness", 20);
        scene.run(1min, 1s);
        CHECK(scene.events.empty());
        CHECK(scene.orders.empty());
        scene.tunables["vm.swappiness"].available = true;
        scene.after(2s);
        CHECK(scene.value("vm.swappiness") == 20);
    }

    TEST_CASE("a change while it could not be read is an outside change") {
        Scene scene = active();
        scene.tunables["vm.swappiness"].available = false;
        scene.after(1s);
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(1s);
        scene.tunables["vm.swappiness"].available = true;
        scene.after(1s);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::yielded);
        CHECK(scene.value("vm.swappiness") == 33);
    }
}

TEST_SUITE("flapping") {
    constexpr std::string_view nervous = R"(
        [[rule]]
        name = "nervous"
        when = "psi.memory.some.avg10 > 10%"
        set = { vm.swappiness = 40 }
        [[rule]]
        name = "calm"
        when = "psi.memory.some.avg10 > 90%"
        set = { vm.page-cluster = 0 }
    )";

    void flip(Scene & scene, int times) {
        for (int i = 0; i < times; ++i) {
            scene.set("psi.memory.some.avg10", i % 2 == 0 ? 0.2 : 0);
            scene.after(2s);
        }
    }

    TEST_CASE("a value that goes there and back twice within a minute is frozen at the one nearer to boot") {
        Scene scene(nervous);
        flip(scene, 3);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::managed);
        flip(scene, 0);
        scene.forget();
        scene.set("psi.memory.some.avg10", 0);
        scene.after(2s);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        CHECK(scene.state("nervous") == RuleState::suspended);
        CHECK(scene.state("calm") == RuleState::idle);
        CHECK(scene.value("vm.swappiness") == 60);
        CHECK(scene.taken_orders() == "release vm.swappiness 40 -> 60");
        CHECK(scene.taken_reasons() == "rule nervous: back to the boot value, the rule is suspended");
        CHECK(scene.taken_events() ==
              "nervous: idle: no longer psi.memory.some.avg10 > 10% (psi.memory.some.avg10 = 0%); "
              "vm.swappiness: frozen at 60 for 10min: it flips between 40 and 60, and that is the one nearer to the "
              "boot value; nervous: suspended for 10min: what it claims flips");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(9min, 1s);
        CHECK(scene.orders.empty());
        CHECK(scene.events.empty());
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        scene.run(1min, 1s);
        CHECK(scene.state("nervous") == RuleState::active);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::managed);
        CHECK(scene.value("vm.swappiness") == 40);
        CHECK(scene.said("vm.swappiness: no longer frozen: taken up again"));
    }

    TEST_CASE("a level that flips is frozen as well") {
        Scene scene(R"(
            [[rule]]
            name = "level"
            when = "psi.memory.some.avg10 >= 0%"
            set = { vm.swappiness = "psi.memory.some.avg10 > 10% ? 30 : 80" }
        )");
        flip(scene, 4);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        scene.run(9min, 1s);
        CHECK(scene.value("vm.swappiness") == 80);
        SUBCASE("and goes back to boot afterwards if nothing claims it any more") {
            scene.set("psi.memory.some.avg10", indicators::no_data);
            scene.run(2min, 1s);
            CHECK(scene.value("vm.swappiness") == 60);
            CHECK(scene.tunable_state("vm.swappiness") == TunableState::free);
        }
    }

    TEST_CASE("the same at a slower pace is not flapping") {
        Scene scene(nervous);
        for (int i = 0; i < 20; ++i) {
            scene.set("psi.memory.some.avg10", i % 2 == 0 ? 0.2 : 0);
            scene.run(30s, 1s);
        }
        CHECK(scene.tunable_state("vm.swappiness") != TunableState::frozen);
        CHECK(scene.state("nervous") == RuleState::idle);
    }

    TEST_CASE("a rule whose hold still grows is probing and not flapping") {
        Scene scene(R"(
            [[rule]]
            name = "probe"
            when = "reclaim.direct_stalls > 0/s"
            hold = { from = "4s", to = "2min" }
            set = { vm.swappiness = 40 }
        )");
        for (int i = 0; i < 10; ++i) {
            scene.set("reclaim.direct_stalls", 5);
            scene.after(1s);
            scene.set("reclaim.direct_stalls", 0);
            while (scene.state("probe") == RuleState::active) scene.after(1s);
            CHECK(scene.state("probe") == RuleState::idle);
        }
        CHECK(scene.rule("probe").hold() == 2min);
    }

    TEST_CASE("an override ends a freeze") {
        Scene scene(nervous);
        flip(scene, 4);
        REQUIRE(scene.tunable_state("vm.swappiness") == TunableState::frozen);
        scene.override_with("vm.swappiness", 99);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 99);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::overridden);
    }
}

TEST_SUITE("failures") {
    TEST_CASE(
        "a write that fails is said once and tried again after 1s and doubling to 5min while the others go on") {
        Scene scene("[baseline]\nvm.swappiness = 50\nvm.page-cluster = 0");
        scene.tunables.fail("vm.swappiness", EIO);
        const Instant start = scene.now;
        std::vector<double> attempts;
        scene.on_decision = [&](const Decision& decision, const Outcome&) {
            if (decision.tunable == tunables::find("vm.swappiness")) attempts.push_back(seconds(scene.now - start));
        };
        scene.turn();
        CHECK(scene.value("vm.page-cluster") == 0);
        scene.run(1112s, 1s);
        CHECK(attempts == std::vector<double>{0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111});
        CHECK(scene.taken_events() ==
              "vm.swappiness: vm.swappiness: Input/output error; trying again, at longer and longer intervals");
        scene.tunables.fail("vm.swappiness", 0);
        scene.run(5min, 1s);
        CHECK(scene.value("vm.swappiness") == 50);
    }

    TEST_CASE("back-off starts anew after a success") {
        Scene scene("[baseline]\nvm.swappiness = 140");
        scene.tunables.fail("vm.swappiness", EIO);
        scene.run(4s, 1s);
        scene.tunables.fail("vm.swappiness", 0);
        scene.run(4s, 1s);
        REQUIRE(scene.value("vm.swappiness") == 100);
        scene.tunables.fail("vm.swappiness", EIO);
        scene.forget();
        scene.after(1s);
        CHECK(scene.taken_events() ==
              "vm.swappiness: vm.swappiness: Input/output error; trying again, at longer and longer intervals");
    }

    TEST_CASE("a release that fails is tried until it comes off") {
        Scene scene(R"(
            [[rule]]
            name = "on"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 40 }
        )");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(2s);
        scene.set("psi.memory.some.avg10", 0);
        scene.tunables.fail("vm.swappiness", EPERM);
        scene.run(30min, 1s);
        CHECK(scene.value("vm.swappiness") == 40);
        scene.tunables.fail("vm.swappiness", 0);
        scene.run(6min, 1s);
        CHECK(scene.value("vm.swappiness") == 60);
        CHECK(scene.tunable_state("vm.swappiness") == TunableState::free);
    }

    TEST_CASE("a failing value does not keep a person's override waiting") {
        Scene scene("[baseline]\nvm.swappiness = 50");
        scene.tunables.fail("vm.swappiness", EINVAL);
        scene.run(10min, 1s);
        scene.tunables.fail("vm.swappiness", 0);
        scene.override_with("vm.swappiness", 70);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 70);
    }
}

}  // namespace memtuned::test
