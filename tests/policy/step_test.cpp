// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <cerrno>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("steps") {
    constexpr std::string_view growing = R"(
        [[rule]]
        name = "grow"
        when = "reclaim.direct_stalls > 0/s"
        hold = "30s"
        every = "5s"
        step = { vm.swappiness = "current + 20" }
        relax = { vm.swappiness = "current - 15" }
    )";

    TEST_CASE("a step is taken on activation and then every so often while its reason lasts") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.turn();
        CHECK(scene.value("vm.swappiness") == 80);
        scene.after(4900ms);
        CHECK(scene.value("vm.swappiness") == 80);
        scene.after(100ms);
        CHECK(scene.value("vm.swappiness") == 100);
        scene.run(5s);
        CHECK(scene.value("vm.swappiness") == 120);
    }

    TEST_CASE("what only the hold keeps active takes no further step") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.turn();
        scene.set("reclaim.direct_stalls", 0);
        scene.run(20s);
        CHECK(scene.state("grow") == RuleState::active);
        CHECK(scene.value("vm.swappiness") == 80);
        SUBCASE("without data neither") {
            scene.set("reclaim.direct_stalls", indicators::no_data);
            scene.run(1min);
            CHECK(scene.state("grow") == RuleState::active);
            CHECK(scene.value("vm.swappiness") == 80);
        }
        SUBCASE("until the reason is back") {
            scene.set("reclaim.direct_stalls", 7);
            scene.after(100ms);
            CHECK(scene.value("vm.swappiness") == 100);
        }
    }

    TEST_CASE("with until the steps go on as long as it does not hold") {
        Scene scene(R"(
            [[rule]]
            name = "integrate"
            when = "psi.memory.some.avg10 > 20%"
            until = "psi.memory.some.avg10 < 5%"
            hold = "30s"
            every = "1s"
            step = { vm.swappiness = "current + 10" }
        )");
        scene.set("psi.memory.some.avg10", 0.3);
        scene.turn();
        scene.set("psi.memory.some.avg10", 0.1);
        scene.run(3s);
        CHECK(scene.value("vm.swappiness") == 100);
        scene.set("psi.memory.some.avg10", 0.01);
        scene.run(3s);
        CHECK(scene.state("integrate") == RuleState::active);
        CHECK(scene.value("vm.swappiness") == 100);
    }

    TEST_CASE("a released step is given back every so often down to what lies below") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.run(10s);
        REQUIRE(scene.value("vm.swappiness") == 100);
        scene.set("reclaim.direct_stalls", 0);
        scene.forget();
        scene.run(1min);
        CHECK(scene.taken_orders() ==
              "write vm.swappiness 100 -> 85; write vm.swappiness 85 -> 70; release vm.swappiness 70 -> 60");
        CHECK(scene.state("grow") == RuleState::idle);
        CHECK_FALSE(scene.busy);
    }

    TEST_CASE("giving back counts as busy and its steps keep their distance") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.run(10s);
        scene.set("reclaim.direct_stalls", 0);
        while (scene.state("grow") == RuleState::active) scene.after(100ms);
        CHECK(scene.value("vm.swappiness") == 85);
        scene.run(4900ms);
        CHECK(scene.value("vm.swappiness") == 85);
        CHECK(scene.busy);
        scene.after(100ms);
        CHECK(scene.value("vm.swappiness") == 70);
    }

    TEST_CASE("a rule that fires again while it gives back steps on from where it is") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.run(10s);
        scene.set("reclaim.direct_stalls", 0);
        while (scene.state("grow") == RuleState::active) scene.after(100ms);
        REQUIRE(scene.value("vm.swappiness") == 85);
        scene.after(2s);
        scene.set("reclaim.direct_stalls", 7);
        scene.after(100ms);
        CHECK(scene.value("vm.swappiness") == 105);
    }

    TEST_CASE("a claim that is being given back stands while its rule is pending again") {
        Scene scene(R"(
            [[rule]]
            name = "slow"
            when = "reclaim.direct_stalls > 0/s"
            for = "3s"
            every = "5s"
            step = { vm.swappiness = "current + 20" }
            relax = { vm.swappiness = "current - 10" }
        )");
        scene.set("reclaim.direct_stalls", 7);
        scene.run(4s);
        scene.set("reclaim.direct_stalls", 0);
        scene.run(1s);
        REQUIRE(scene.value("vm.swappiness") == 70);
        scene.set("reclaim.direct_stalls", 7);
        scene.run(2s);
        CHECK(scene.state("slow") == RuleState::pending);
        CHECK(scene.value("vm.swappiness") == 70);
        scene.run(2s);
        CHECK(scene.state("slow") == RuleState::active);
        CHECK(scene.value("vm.swappiness") == 90);
    }

    TEST_CASE("giving back ends when a step gets no nearer") {
        for (const std::string_view relax :
             {"current", "current + 5", "current * 1", "0 - current", "current / psi.memory.some.avg10"}) {
            CAPTURE(relax);
            Scene scene(R"(
                [[rule]]
                name = "slip"
                when = "reclaim.direct_stalls > 0/s"
                every = "5s"
                step = { vm.swappiness = "current + 40" }
                relax = { vm.swappiness = ")" +
                        std::string(relax) + "\" }");
            scene.set("reclaim.direct_stalls", 7);
            scene.run(2s);
            scene.set("reclaim.direct_stalls", 0);
            scene.run(70s);  // without data it waits a minute
            CHECK(scene.value("vm.swappiness") == 60);
            CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
            CHECK_FALSE(scene.busy);
        }
    }

    TEST_CASE("giving back towards nothing ends within a kernel unit of it") {
        Scene scene(R"(
            [[rule]]
            name = "halve"
            when = "reclaim.direct_stalls > 0/s"
            every = "1s"
            set = { vm.swappiness = 8 }
            relax = { vm.swappiness = "current / 2" }
        )");
        scene.somebody_sets("vm.swappiness", 0);
        scene.set("reclaim.direct_stalls", 7);
        scene.run(2s);
        scene.set("reclaim.direct_stalls", 0);
        scene.run(10s);
        CHECK(scene.value("vm.swappiness") == 0);
        CHECK_FALSE(scene.busy);
    }

    TEST_CASE("a step stops at the limits and is given back from there") {
        Scene scene(growing, "[tunable.vm.swappiness]\nmax = 90");
        scene.set("reclaim.direct_stalls", 7);
        scene.run(1min);
        CHECK(scene.value("vm.swappiness") == 90);
        CHECK(scene.times_said("vm.swappiness:") == 0);
        scene.set("reclaim.direct_stalls", 0);
        scene.after(100ms);
        CHECK(scene.value("vm.swappiness") == 75);
    }

    TEST_CASE("a step does not wind up while an override rules") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.turn();
        scene.override_with("vm.swappiness", 60, 10min);
        scene.run(9min, 1s);
        scene.run(2min);
        // One step was on the way when the override came; then it goes on from there.
        CHECK(scene.value("vm.swappiness") == 200);
        scene.forget();
        Scene other(growing);
        other.set("reclaim.direct_stalls", 7);
        other.turn();
        other.override_with("vm.swappiness", 60, 10min);
        other.run(10min - 1s, 1s);
        other.after(1s);
        CHECK(other.value("vm.swappiness") == 80);
    }

    TEST_CASE("a step does not wind up against a stronger bound") {
        Scene scene(R"(
            [[rule]]
            name = "grow"
            when = "reclaim.direct_stalls > 0/s"
            hold = "1min"
            every = "1s"
            step = { vm.swappiness = "current + 20" }
            [[rule]]
            name = "cap"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = { at_most = 70 } }
        )");
        scene.set("reclaim.direct_stalls", 7);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(30s);
        CHECK(scene.value("vm.swappiness") == 70);
        scene.set("reclaim.direct_stalls", 0);
        scene.set("psi.memory.some.avg10", 0);
        scene.run(5s);
        CHECK(scene.value("vm.swappiness") == 80);
    }

    TEST_CASE("a step catches up with a stronger bound and passes it") {
        Scene scene(R"(
            [[rule]]
            name = "grow"
            when = "reclaim.direct_stalls > 0/s"
            every = "1s"
            step = { vm.swappiness = { at_least = "current + 20" } }
            [[rule]]
            name = "floor"
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = { at_least = 130 } }
        )");
        scene.set("reclaim.direct_stalls", 7);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.run(30s);
        CHECK(scene.value("vm.swappiness") == 200);
    }

    TEST_CASE("a step waits for a tunable that cannot follow") {
        Scene scene(R"(
            [[rule]]
            name = "fast"
            when = "reclaim.direct_stalls > 0/s"
            every = "100ms"
            step = { vm.swappiness = "current + 80" }
            relax = { vm.swappiness = "current - 20" }
        )");
        scene.set("reclaim.direct_stalls", 7);
        SUBCASE("because of its pace") {
            scene.run(600ms);
            CHECK(scene.value("vm.swappiness") == 100);
            CHECK(scene.policy().tunable(*tunables::find("vm.swappiness")).target() == 140);
        }
        SUBCASE("because writing fails") {
            scene.tunables.fail("vm.swappiness", EIO);
            scene.run(1min);
            CHECK(scene.policy().tunable(*tunables::find("vm.swappiness")).target() == 140);
        }
        SUBCASE("because it is yielded") {
            scene.run(2s);
            scene.somebody_sets("vm.swappiness", 61);
            scene.run(30min, 1s);
            scene.set("reclaim.direct_stalls", 0);
            scene.run(1h, 1s);
            CHECK(scene.value("vm.swappiness") == 61);
        }
    }

    TEST_CASE("a rule that becomes unavailable while giving back lets go at once") {
        Scene scene(growing);
        scene.set("reclaim.direct_stalls", 7);
        scene.run(10s);
        scene.set("reclaim.direct_stalls", 0);
        while (scene.state("grow") == RuleState::active) scene.after(100ms);
        scene.lack("reclaim.direct_stalls");
        scene.run(3s);
        CHECK(scene.value("vm.swappiness") == 60);
        CHECK_FALSE(scene.tunables["vm.swappiness"].ours);
    }
}

}  // namespace memtuned::test
