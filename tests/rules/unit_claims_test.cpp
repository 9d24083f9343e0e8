// SPDX-License-Identifier: GPL-2.0-or-later
//
// oom_score_adj."UNIT" in rule files: what it compiles to, and what is said of what can not be.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "rules/support.hpp"

namespace memtuned::rules {
namespace {

std::string said(std::string_view text, const Settings& settings = {}) {
    Diagnostics diagnostics;
    if (const auto profile = parse_profile(make_source(test_text(text)), diagnostics))
        static_cast<void>(compile_profile("test", *profile, settings, some_machine(), diagnostics));
    return without_list(diagnostics.render_all());
}

}  // namespace

TEST_CASE("a claim on units keeps its pattern, whether the name is quoted or written with dots") {
    const CheckedProfile checked = check_profile(R"toml(
[baseline]
oom_score_adj."batch-*.service" = 800
oom_score_adj.cron.service = { at_most = -100 }
oom_score_adj.'foo@bar\x2dbaz.service' = 5
[[rule]]
name = "r"
when = "host.cpus > 1"
hold = "1s"
set = { oom_score_adj."*" = "clamp(boot + 100, 0, 1000)", vm.swappiness = 10 }
)toml");
    CHECK(checked.diagnostics.empty());
    REQUIRE(checked.rules);
    REQUIRE(checked.rules->unit_baseline.size() == 3);
    CHECK(checked.rules->unit_baseline[0].units == "batch-*.service");
    CHECK(checked.rules->unit_baseline[1].units == "cron.service");
    CHECK(checked.rules->unit_baseline[1].bound == Bound::at_most);
    CHECK(checked.rules->unit_baseline[2].units == "foo@bar\\x2dbaz.service");
    CHECK(checked.rules->baseline.empty());
    REQUIRE(checked.rules->rules[0].unit_claims.size() == 1);
    CHECK(checked.rules->rules[0].claims.size() == 1);
    CHECK(checked.rules->about_units());
}

TEST_CASE("service.* without an argument is of the unit at hand, and sampled of every unit once") {
    const CheckedProfile checked = check_profile(R"toml(
[baseline]
oom_score_adj."*.service" = "lerp(service.memory / mem.total, 10%, 60%, 0, 600)"
oom_score_adj."db.service" = "service.memory > 1 GiB ? 100 : service.processes"
)toml");
    CHECK(checked.diagnostics.empty());
    REQUIRE(checked.rules);
    REQUIRE(checked.rules->own.size() == 2);
    CHECK(indicators::catalogue()[checked.rules->own[0]].name == "service.memory");
    CHECK(indicators::catalogue()[checked.rules->own[1]].name == "service.processes");
    CHECK(checked.rules->keys.size() == 1);  // mem.total
}

TEST_CASE("rules that say nothing of units need none to be looked at") {
    const CheckedProfile none = check_profile("[baseline]\nvm.swappiness = 10\n");
    REQUIRE(none.rules);
    CHECK_FALSE(none.rules->about_units());
    const CheckedProfile by_figure = check_profile(R"toml(
[[rule]]
name = "r"
when = "service.growth(\"leaky.service\") > 1 MiB/s"
hold = "1s"
set = { vm.swappiness = 10 }
)toml");
    CHECK(by_figure.diagnostics.empty());
    REQUIRE(by_figure.rules);
    CHECK(by_figure.rules->about_units());
}

TEST_CASE("units that are no units, and a score without one") {
    CHECK(said(R"(
[baseline]
oom_score_adj = 5
oom_score_adjust."ssh.service" = 5
)") == R"(test.toml:2:1: error: oom_score_adj is of a unit, and none is named
    2 | oom_score_adj = 5
      | ^
      = write oom_score_adj."NAME.service" = …

test.toml:3:18: error: there is no tunable `oom_score_adjust.ssh.service`
    3 | oom_score_adjust."ssh.service" = 5
      |                  ^
      = did you mean oom_score_adj?
)");
    CHECK(said(R"(
[baseline]
oom_score_adj.ssh = 5
)") == R"(test.toml:2:15: error: `ssh` is no name of a unit
    2 | oom_score_adj.ssh = 5
      |               ^
      = write oom_score_adj."ssh.service", with * for any
)");
}

TEST_CASE("a score out of range, and one of another dimension") {
    CHECK(said(R"(
[baseline]
oom_score_adj."a.service" = 1001
oom_score_adj."b.service" = "service.memory"
)") == R"(test.toml:2:29: error: oom_score_adj takes -1000 to 1000, this is 1001
    2 | oom_score_adj."a.service" = 1001
      |                             ^

test.toml:3:30: error: oom_score_adj is a count, but this is bytes
    3 | oom_score_adj."b.service" = "service.memory"
      |                              ^
      = write a number such as 5
)");
}

TEST_CASE("-1000 has to be allowed in memtuned.toml") {
    constexpr std::string_view text = R"(
[baseline]
oom_score_adj."a.service" = -1000
oom_score_adj."b.service" = { at_most = "-500 * 2" }
)";
    CHECK(
        said(text) ==
        R"(test.toml:2:29: error: -1000 takes a unit out of the OOM killer's reach altogether, also when it is the one that leaks
    2 | oom_score_adj."a.service" = -1000
      |                             ^
      = write -999, or allow_unkillable = true in memtuned.toml

test.toml:3:42: error: -1000 takes a unit out of the OOM killer's reach altogether, also when it is the one that leaks
    3 | oom_score_adj."b.service" = { at_most = "-500 * 2" }
      |                                          ^
      = write -999, or allow_unkillable = true in memtuned.toml
)");
    Settings settings;
    settings.allow_unkillable = true;
    CHECK(said(text, settings).empty());
}

TEST_CASE("a score is set: it is not stepped, relaxed or triggered") {
    CHECK(said(R"(
[[rule]]
name = "r"
when = "host.cpus > 1"
hold = "1s"
every = "5s"
step = { oom_score_adj."a.service" = "current + 10" }
relax = { oom_score_adj."a.service" = "current - 10" }
trigger = { oom_score_adj."a.service" = 10 }
)") == R"(test.toml:6:24: error: `step` is not for oom_score_adj: a unit's score is set
    6 | step = { oom_score_adj."a.service" = "current + 10" }
      |                        ^
      = write set = { oom_score_adj."a.service" = … }

test.toml:7:25: error: `relax` is not for oom_score_adj: a unit's score is set
    7 | relax = { oom_score_adj."a.service" = "current - 10" }
      |                         ^
      = write set = { oom_score_adj."a.service" = … }

test.toml:8:27: error: `trigger` is not for oom_score_adj: a unit's score is set
    8 | trigger = { oom_score_adj."a.service" = 10 }
      |                           ^
      = write set = { oom_score_adj."a.service" = … }
)");
}

TEST_CASE("outside such a claim, and over time, service.* wants a unit") {
    CHECK(said(R"(
[[rule]]
name = "r"
when = "service.memory > 1 GiB"
hold = "1s"
set = { oom_score_adj."a.service" = "deriv(service.memory, 10s) > 1 MiB/s ? 500 : 0" }
)") == R"(test.toml:3:23: error: service.memory wants a unit as "NAME.service", with * for any; write, for example, service.memory("ssh.service")
    3 | when = "service.memory > 1 GiB"
      |                       ^

test.toml:5:58: error: service.memory wants a unit as "NAME.service", with * for any; write, for example, service.memory("ssh.service")
    5 | set = { oom_score_adj."a.service" = "deriv(service.memory, 10s) > 1 MiB/s ? 500 : 0" }
      |                                                          ^
)");
}

TEST_CASE("allow_unkillable is a truth value") {
    CHECK(settings_diagnostics("allow_unkillable = \"yes\"\n") ==
          R"(memtuned.toml:1:20: error: `allow_unkillable` is true or false, here is a string
    1 | allow_unkillable = "yes"
      |                    ^
      = write allow_unkillable = false
)");
}

}  // namespace memtuned::rules
