// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the policy tells people, and what they may ask of it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

#include "memtuned/policy/history.hpp"
#include "policy/scene.hpp"

namespace memtuned::test {
namespace {

constexpr std::string_view layered = R"(
    baseline.vm.swappiness = 30
    [[rule]]
    name = "bound"
    when = "psi.memory.some.avg10 > 10%"
    priority = 10
    set = { vm.swappiness = { at_most = 100 } }
    [[rule]]
    name = "fix"
    when = "psi.io.some.avg10 > 10%"
    until = "psi.io.some.avg10 < 5%"
    for = "2s"
    hold = "1min"
    set = { vm.swappiness = 45 }
)";

const char* kind(rules::Bound bound) {
    return bound == rules::Bound::at_least ? "at least" : bound == rules::Bound::at_most ? "at most" : "exactly";
}

/// "boot value exactly 60: what it holds by itself; ...".
std::string explained(Scene& scene, std::string_view tunable = "vm.swappiness") {
    std::string text;
    for (const policy::Standing& one : scene.policy().explain(scene.tunables.index(tunable), scene.tunables[tunable]))
        text += fmt::format("{}{} {} {}: {}", text.empty() ? "" : "; ", one.source, kind(one.bound), one.value,
                            one.reason);
    return text;
}

std::string outlook(Scene& scene, std::string_view tunable = "vm.swappiness") {
    std::string text;
    for (const policy::Prospect& one : scene.policy().outlook(scene.tunables.index(tunable), scene.now))
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", one.source, one.text);
    return text;
}

std::string source(Scene& scene, std::string_view tunable = "vm.swappiness") {
    return scene.policy().source(scene.tunables.index(tunable));
}

std::uint64_t hold(Scene& scene, std::int64_t value, const char* holder, std::optional<Duration> lifetime = {}) {
    const std::optional<Instant> expires = lifetime ? std::optional(scene.now + *lifetime) : std::nullopt;
    return scene.policy().add_override(scene.tunables.index("vm.swappiness"), value, expires, "because", holder);
}

}  // namespace

TEST_SUITE("who claims a tunable") {
    TEST_CASE("is told from the weakest to the strongest") {
        Scene scene(layered);
        CHECK(explained(scene, "vm.page-cluster") == "boot value exactly 3: what it holds by itself");
        CHECK(source(scene, "vm.page-cluster") == "");
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(1s);
        CHECK(
            explained(scene) ==
            "boot value exactly 60: what it held before memtuned wrote it; baseline of scene exactly 30: the profile "
            "is active; rule bound at most 100: psi.memory.some.avg10 > 10% (psi.memory.some.avg10 = 20%)");
        CHECK(source(scene) == "baseline of scene");
        scene.set("psi.io.some.avg10", 0.2);
        scene.run(3s, 1s);
        CHECK(explained(scene).ends_with("; rule fix exactly 45: psi.io.some.avg10 > 10% (psi.io.some.avg10 = 20%)"));
        CHECK(source(scene) == "rule fix");
        scene.override_with("vm.swappiness", 10, 1min, "a try");
        scene.after(1s);
        CHECK(explained(scene).ends_with("; override exactly 10: a try"));
        CHECK(source(scene) == "override");
    }

    TEST_CASE("a rule that gives back step by step still does") {
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
        scene.after(2s);
        CHECK(explained(scene).find("; rule grow exactly 90: gives back step by step, ") != std::string::npos);
        CHECK(outlook(scene) ==
              "rule grow: gives it back step by step; claims it when reclaim.direct_stalls > 0/s "
              "(reclaim.direct_stalls = 0/s)");
    }
}

TEST_SUITE("what could change a tunable") {
    TEST_CASE("rules are told from the strongest, with figures and times") {
        Scene scene(layered);
        scene.turn();
        CHECK(outlook(scene) ==
              "rule fix: claims it when psi.io.some.avg10 > 10% (psi.io.some.avg10 = 0%) for 2s; "
              "rule bound: claims it when psi.memory.some.avg10 > 10% (psi.memory.some.avg10 = 0%)");
        scene.set("psi.io.some.avg10", 0.2);
        scene.after(1s);
        scene.after(500ms);
        CHECK(outlook(scene).starts_with(
            "rule fix: claims it in 1.5s if this lasts: psi.io.some.avg10 > 10% (psi.io.some.avg10 = 20%); "));
        scene.after(2s);
        CHECK(
            outlook(scene).starts_with("rule fix: lets go of it when psi.io.some.avg10 < 5% (psi.io.some.avg10 = "
                                       "20%), not before 60s from now; "));
        CHECK(outlook(scene, "vm.page-cluster") == "");
    }

    TEST_CASE("overrides are told from the latest, with their ends") {
        Scene scene(layered);
        scene.override_with("vm.swappiness", 10, std::nullopt);
        scene.override_with("vm.swappiness", 20, 1h);
        hold(scene, 40, ":1.7");
        scene.after(1min);
        CHECK(outlook(scene).starts_with(
            "override: 40 ends when :1.7 leaves the bus; override: 20 ends in 59min; override: 10 stays until it is "
            "cleared; rule fix: "));
    }

    TEST_CASE("so is what was left to somebody else, and what is switched off") {
        Scene scene(layered);
        scene.after(1s);
        scene.somebody_sets("vm.swappiness", 33);
        scene.after(1s);
        scene.policy().enable_rule(0, false, scene.now);
        scene.after(1min);
        const std::string told = outlook(scene);
        CHECK(told.starts_with("yielded: ends in 59min, or when it is released; rule fix: claims it when "));
        CHECK(told.ends_with("; rule bound: is disabled: switched off"));
        CHECK(source(scene) == "");
    }
}

TEST_SUITE("figures of rules") {
    TEST_CASE("are those of the last turn, and there are none before the first") {
        Scene scene(layered);
        CHECK(scene.policy().figures(0) == "");
        CHECK(std::isnan(scene.policy().nearness(0)));
        scene.set("psi.memory.some.avg10", 0.05);
        scene.turn();
        CHECK(scene.policy().figures(0) == "psi.memory.some.avg10 = 5%");
        CHECK(scene.policy().nearness(0) == doctest::Approx(0.5));
        scene.reload(layered);
        CHECK(scene.policy().figures(0) == "");
        CHECK(std::isnan(scene.policy().nearness(0)));
    }
}

TEST_SUITE("overrides of holders") {
    TEST_CASE("a holder has one for each tunable") {
        Scene scene(layered);
        hold(scene, 10, ":1.1");
        hold(scene, 20, ":1.2");
        hold(scene, 40, ":1.1");
        CHECK(scene.policy().overrides().size() == 2);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 40);
        CHECK(scene.policy().clear_overrides_of(":1.1") == 1);
        CHECK(scene.policy().clear_overrides_of(":1.1") == 0);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 20);
    }

    TEST_CASE("nobody's goes for good with a later one that lasts as long, a holder's does not") {
        Scene scene(layered);
        hold(scene, 10, "", 1h);
        hold(scene, 20, ":1.1");
        hold(scene, 40, "", 30min);
        CHECK(scene.policy().overrides().size() == 3);
        hold(scene, 50, "", 1h);
        CHECK(scene.policy().overrides().size() == 2);
        hold(scene, 60, "");
        REQUIRE(scene.policy().overrides().size() == 2);
        CHECK(scene.policy().overrides().front().holder == ":1.1");
        CHECK(scene.policy().override_of(scene.tunables.index("vm.swappiness"))->value == 60);
        hold(scene, 70, ":1.2");
        CHECK(scene.policy().overrides().size() == 3);
    }

    TEST_CASE("all of a tunable end at once, and no other's") {
        Scene scene(layered);
        hold(scene, 10, ":1.1");
        hold(scene, 20, "");
        scene.override_with("vm.page-cluster", 0);
        CHECK(scene.policy().clear_overrides("vm.swappiness") == 2);
        CHECK(scene.policy().clear_overrides("vm.swappiness") == 0);
        REQUIRE(scene.policy().overrides().size() == 1);
        CHECK(scene.policy().override_of(scene.tunables.index("vm.swappiness")) == nullptr);
        CHECK(scene.policy().override_of(scene.tunables.index("vm.page-cluster"))->value == 0);
    }

    TEST_CASE("they survive a reload with their holders") {
        Scene scene(layered);
        hold(scene, 10, ":1.1");
        scene.after(1s);
        scene.reload("description = 'nothing'");
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 10);
        CHECK(scene.policy().clear_overrides_of(":1.1") == 1);
        scene.run(2s, 1s);
        CHECK(scene.value("vm.swappiness") == 60);
    }
}

TEST_SUITE("rules switched by people") {
    constexpr std::string_view one = R"(
        [[rule]]
        name = "on"
        when = "psi.memory.some.avg10 > 10%"
        hold = "1h"
        set = { vm.swappiness = 40 }
    )";

    TEST_CASE("a rule that is switched off gives back at once, whatever holds it") {
        Scene scene(one);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(1s);
        REQUIRE(scene.value("vm.swappiness") == 40);
        scene.forget();
        scene.policy().enable_rule(0, false, scene.now);
        CHECK(scene.state("on") == RuleState::disabled);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 60);
        CHECK(scene.taken_events() == "on: disabled: switched off");
        scene.run(1min, 1s);
        CHECK(scene.value("vm.swappiness") == 60);
        SUBCASE("switched on it works again") {
            scene.policy().enable_rule(0, true, scene.now);
            scene.run(2s, 1s);
            CHECK(scene.value("vm.swappiness") == 40);
            CHECK(scene.rule("on").activations() == 2);
        }
        SUBCASE("to switch it off again changes nothing") {
            scene.policy().enable_rule(0, false, scene.now);
            scene.after(1s);
            CHECK(scene.taken_events() == "");
        }
        SUBCASE("it stays off across reloads") {
            scene.reload(one);
            scene.run(2s, 1s);
            CHECK(scene.state("on") == RuleState::disabled);
            scene.reload(one);
            scene.run(2s, 1s);
            CHECK(scene.value("vm.swappiness") == 60);
            scene.policy().enable_rule(0, true, scene.now);
            scene.run(2s, 1s);
            CHECK(scene.value("vm.swappiness") == 40);
        }
    }

    TEST_CASE("a rule that its file switches off may be switched on, and stays so across a reload") {
        constexpr std::string_view off = R"(
            [[rule]]
            name = "on"
            enabled = false
            when = "psi.memory.some.avg10 > 10%"
            set = { vm.swappiness = 40 }
        )";
        Scene scene(off);
        scene.set("psi.memory.some.avg10", 0.2);
        scene.after(1s);
        REQUIRE(scene.state("on") == RuleState::disabled);
        scene.policy().enable_rule(0, true, scene.now);
        scene.after(1s);
        CHECK(scene.value("vm.swappiness") == 40);
        scene.reload(off);
        scene.run(2s, 1s);
        CHECK(scene.state("on") == RuleState::active);
        CHECK(scene.rule("on").activations() == 1);
    }
}

TEST_CASE("the history keeps the latest decisions, newest last") {
    policy::History history;
    for (std::int64_t i = 0; i < 1500; ++i) history.add({{}, "vm.swappiness", i, i + 1, "override", "because"});
    CHECK(history.decisions().size() == policy::History::most_kept);
    CHECK(history.decisions().front().from == 500);
    CHECK(history.decisions().back().from == 1499);
}

}  // namespace memtuned::test
