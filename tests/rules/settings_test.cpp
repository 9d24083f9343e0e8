// SPDX-License-Identifier: GPL-2.0-or-later
//
// memtuned.toml: what it sets, and what is said of one that is wrong, to the letter.
#include "memtuned/rules/settings.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "rules/support.hpp"

using namespace memtuned;
using namespace memtuned::rules;

namespace {

std::string said(std::string_view text) {
    return without_list(settings_diagnostics(test_text(text)));
}

Settings parsed(std::string_view text) {
    Diagnostics diagnostics;
    Settings settings = parse_settings(make_source(test_text(text)), diagnostics);
    CHECK(diagnostics.render_all() == "");
    return settings;
}

const TunableSettings& of(const Settings& settings, std::string_view name) {
    return settings.tunables[tunables::find(name).value()];
}

}  // namespace

TEST_CASE("an empty file is a valid one, and every key has its default") {
    const Settings settings = parsed("");
    CHECK(settings.profile == "balanced");
    CHECK_FALSE(settings.observe);
    CHECK(settings.folders == std::vector<std::string>{"/etc/memtuned/rules", "/usr/share/memtuned/rules"});
    CHECK(settings.idle == std::chrono::seconds(2));
    CHECK(settings.busy == std::chrono::milliseconds(100));
    CHECK(settings.busy_for == std::chrono::seconds(10));
    REQUIRE(settings.tunables.size() == tunables::catalogue().size() + 1);
    for (const TunableSettings& tunable : settings.tunables) {
        CHECK_FALSE(tunable.keep_on_exit);
        CHECK(tunable.on_outside_change == OnOutsideChange::yield);
        CHECK(tunable.yield_for == std::chrono::hours(1));
        CHECK_FALSE(tunable.minimum);
        CHECK_FALSE(tunable.maximum);
    }
}

TEST_CASE("every key has its effect") {
    const Settings settings = parsed(R"(
profile = "database"
mode = "observe"
rules = ["/a", "/b"]
[sampling]
idle = "1s"
busy = "2 * 100ms"
busy_for = "1min"
[tunable.vm.min_free_kbytes]
min = 4096
max = "5% * mem.total"
on_exit = "keep"
on_outside_change = "enforce"
yield_for = "90s"
[tunable.vm]
swappiness = { on_outside_change = "rebase" }
)");
    CHECK(settings.profile == "database");
    CHECK(settings.observe);
    CHECK(settings.folders == std::vector<std::string>{"/a", "/b"});
    CHECK(settings.idle == std::chrono::seconds(1));
    CHECK(settings.busy == std::chrono::milliseconds(200));
    CHECK(settings.busy_for == std::chrono::minutes(1));

    const TunableSettings& reserve = of(settings, "vm.min_free_kbytes");
    CHECK(reserve.keep_on_exit);
    CHECK(reserve.on_outside_change == OnOutsideChange::enforce);
    CHECK(reserve.yield_for == std::chrono::seconds(90));
    REQUIRE(reserve.minimum);
    CHECK(std::get<std::int64_t>(reserve.minimum->value) == 4096);
    REQUIRE(reserve.maximum);
    CHECK(std::get<Text>(reserve.maximum->value).value == "5% * mem.total");
    CHECK(of(settings, "vm.swappiness").on_outside_change == OnOutsideChange::rebase);
    CHECK(of(settings, "vm.dirty_ratio").on_outside_change == OnOutsideChange::yield);
}

TEST_CASE("100 ms is the shortest time between samples") {
    CHECK(parsed("[sampling]\nbusy = \"100ms\"\nidle = \"100ms\"\n").busy == shortest_interval);
    CHECK(said("[sampling]\nbusy = \"99.9ms\"\n") ==
          R"(memtuned.toml:2:9: error: busy is between 100ms and 60s, here is 99.9ms
    2 | busy = "99.9ms"
      |         ^
      = reading pressure faster than every 100ms damages it for every reader
)");
}

TEST_CASE("a trigger has nothing to set") {
    CHECK(said("[tunable.vm.drop_caches]\non_exit = \"keep\"\n") ==
          R"(memtuned.toml:1:1: error: vm.drop_caches acts when written, so there is nothing to set for it
    1 | [tunable.vm.drop_caches]
      | ^
      = take these lines out
)");
}

TEST_CASE("limits of the settings are compiled with the profile, and their mistakes have their own place") {
    const auto compiled = [](std::string_view text) {
        Diagnostics diagnostics;
        const Settings settings = parse_settings(make_source(test_text(text), "memtuned.toml"), diagnostics);
        const auto profile = parse_profile(make_source("", "empty.toml"), diagnostics);
        auto rules = compile_profile("empty", *profile, settings, some_machine(), diagnostics);
        return std::pair(std::move(rules), diagnostics.render_all());
    };
    const auto good = compiled("[tunable.vm.min_free_kbytes]\nmin = 4096\nmax = \"5% * mem.total\"\n");
    CHECK(good.second == "");
    REQUIRE(good.first);
    REQUIRE(good.first->limits.size() == 2);
    CHECK_FALSE(good.first->limits[0].maximum);
    CHECK(good.first->limits[0].value.run({}) == 4096 * 1024);
    CHECK(good.first->limits[1].maximum);
    CHECK(good.first->limits[1].value.text == "5% * mem.total");
    CHECK(good.first->keys.size() == 1);

    const auto bad = compiled("[tunable.vm.swappiness]\nmin = -1\nmax = \"boot + mem.free\"\n");
    CHECK_FALSE(bad.first);
    CHECK(bad.second == R"(memtuned.toml:2:7: error: vm.swappiness takes 0 to 200, this is -1
    2 | min = -1
      |       ^

memtuned.toml:3:8: error: `boot` has no meaning here
    3 | max = "boot + mem.free"
      |        ^
      = `boot` is known in claims: in [baseline], set, step and relax
)");
}

TEST_CASE("the example of the manual loads without a word") {
    CHECK(said(R"(
profile = "balanced"
mode = "enforce"
rules = ["/etc/memtuned/rules", "/usr/share/memtuned/rules"]   # where profiles are looked for
[sampling]
idle = "2s"          # between samples when nothing presses
busy = "100ms"
busy_for = "10s"
[tunable.vm.min_free_kbytes]
max = "5% * mem.total"
on_exit = "restore"
on_outside_change = "yield"   # enforce | rebase
yield_for = "1h"
)") == R"()");
}

TEST_CASE("keys of a wrong type and unknown ones") {
    CHECK(said(R"(
profile = 5
mode = "dry-run"
rules = "/etc/memtuned/rules"
sampling = 5
tunable = 5
modus = "x"
)") == R"(memtuned.toml:1:11: error: `profile` is a string, here is an integer
    1 | profile = 5
      |           ^
      = write profile = "balanced"

memtuned.toml:2:9: error: `dry-run` is not a value of mode
    2 | mode = "dry-run"
      |         ^
      = write one of: enforce, observe

memtuned.toml:3:9: error: `rules` is a list of folders
    3 | rules = "/etc/memtuned/rules"
      |         ^
      = write rules = ["/etc/memtuned/rules"]

memtuned.toml:4:12: error: `sampling` is a table, here is an integer
    4 | sampling = 5
      |            ^
      = write a line [sampling]

memtuned.toml:5:11: error: `tunable` is a table, here is an integer
    5 | tunable = 5
      |           ^
      = write a line [tunable.vm.swappiness]

memtuned.toml:6:1: error: unknown key `modus` in memtuned.toml
    6 | modus = "x"
      | ^
      = known here: profile, mode, rules, allow_unkillable, sampling, tunable
)");
}

TEST_CASE("a list of folders that is empty and a mode that is no word") {
    CHECK(said(R"(
rules = []
mode = true
)") == R"(memtuned.toml:1:9: error: `rules` is a list of folders
    1 | rules = []
      |         ^
      = write rules = ["/etc/memtuned/rules"]

memtuned.toml:2:8: error: `mode` is a string, here is true or false
    2 | mode = true
      |        ^
      = write mode = "enforce"
)");
}

TEST_CASE("folders are full paths") {
    CHECK(said(R"(
rules = ["rules", 5, "/ok"]
)") == R"(memtuned.toml:1:10: error: `rules` lists folders by their full path
    1 | rules = ["rules", 5, "/ok"]
      |          ^
      = write rules = ["/etc/memtuned/rules"]

memtuned.toml:1:19: error: `rules` lists folders by their full path
    1 | rules = ["rules", 5, "/ok"]
      |                   ^
      = write rules = ["/etc/memtuned/rules"]
)");
}

TEST_CASE("times of sampling out of range") {
    CHECK(said(R"(
[sampling]
idle = "50ms"
busy = "99ms"
busy_for = "2h"
every = "1s"
)") == R"(memtuned.toml:2:9: error: idle is between 100ms and 60s, here is 50ms
    2 | idle = "50ms"
      |         ^

memtuned.toml:3:9: error: busy is between 100ms and 60s, here is 99ms
    3 | busy = "99ms"
      |         ^
      = reading pressure faster than every 100ms damages it for every reader

memtuned.toml:4:13: error: busy_for is between 0s and 1h, here is 2h
    4 | busy_for = "2h"
      |             ^

memtuned.toml:5:1: error: unknown key `every` in sampling
    5 | every = "1s"
      | ^
      = known here: idle, busy, busy_for
)");
}

TEST_CASE("times of sampling that are none") {
    CHECK(said(R"(
[sampling]
idle = 2
busy = "1 MiB"
busy_for = "10"
)") == R"(memtuned.toml:2:8: error: `idle` is a string, here is an integer
    2 | idle = 2
      |        ^
      = write idle = "2s"

memtuned.toml:3:9: error: busy is a time, but this is bytes
    3 | busy = "1 MiB"
      |         ^
      = write a number such as 5s

memtuned.toml:4:13: error: busy_for is a time, but this is a plain number
    4 | busy_for = "10"
      |             ^
      = write a number such as 5s
)");
}

TEST_CASE("times of sampling that are too long, negative or measured") {
    CHECK(said(R"(
[sampling]
idle = "2min"
busy = "host.uptime"
busy_for = "-1s"
)") == R"(memtuned.toml:2:9: error: idle is between 100ms and 60s, here is 2min
    2 | idle = "2min"
      |         ^

memtuned.toml:3:9: error: busy must not depend on what is measured
    3 | busy = "host.uptime"
      |         ^
      = write a number such as 5s

memtuned.toml:4:13: error: busy_for is between 0s and 1h, here is -1s
    4 | busy_for = "-1s"
      |             ^
)");
}

TEST_CASE("a busy machine is not sampled less often than an idle one") {
    CHECK(said(R"(
[sampling]
idle = "1s"
busy = "5s"
)") == R"(memtuned.toml:1:1: error: busy (5s) is longer than idle (1s)
    1 | [sampling]
      | ^
      = a busy machine is sampled more often than an idle one
)");
}

TEST_CASE("a tunable that there is not") {
    CHECK(said(R"(
[tunable.vm.swapiness]
max = 100
)") == R"(memtuned.toml:1:13: error: there is no tunable `vm.swapiness`
    1 | [tunable.vm.swapiness]
      |             ^
      = did you mean vm.swappiness?
)");
}

TEST_CASE("a tunable's settings are a table") {
    CHECK(said(R"(
[tunable.vm]
swappiness = 5
foo = 5
)") == R"(memtuned.toml:2:14: error: what is set for vm.swappiness is a table
    2 | swappiness = 5
      |              ^
      = write a line [tunable.vm.swappiness], and below it max = …

memtuned.toml:3:1: error: there is no tunable `vm.foo`
    3 | foo = 5
      | ^
      = there are: (all tunables)
)");
}

TEST_CASE("keys in the wrong place") {
    CHECK(said(R"(
[tunable.vm]
max = 5
[tunable.vm.swappiness]
maximum = 5
)") == R"(memtuned.toml:2:1: error: there is no tunable `vm.max`
    2 | max = 5
      | ^
      = there are: (all tunables)

memtuned.toml:4:1: error: unknown key `maximum` in [tunable.vm.swappiness]
    4 | maximum = 5
      | ^
      = known here: min, max, on_exit, on_outside_change, yield_for
)");
}

TEST_CASE("a tunable's name in quotes") {
    CHECK(said(R"(
[tunable]
vm = 5
"vm.swappiness" = { max = 50 }
)") == R"(memtuned.toml:2:1: error: there is no tunable `vm`
    2 | vm = 5
      | ^
      = there are: (all tunables)
)");
}

TEST_CASE("settings of a tunable with wrong values") {
    CHECK(said(R"(
[tunable.vm.swappiness]
min = true
max = 1.5
on_exit = "leave"
on_outside_change = 5
yield_for = "0s"
)") == R"(memtuned.toml:2:7: error: a value is an integer in the kernel's own unit or an expression in quotes, here is true or false
    2 | min = true
      |       ^

memtuned.toml:3:7: error: a value is an integer in the kernel's own unit or an expression in quotes, here is a number with a fraction
    3 | max = 1.5
      |       ^
      = write it in quotes, with its unit: "64 MiB", "5%"

memtuned.toml:4:12: error: `leave` is not a value of on_exit
    4 | on_exit = "leave"
      |            ^
      = write one of: restore, keep

memtuned.toml:5:21: error: `on_outside_change` is a string, here is an integer
    5 | on_outside_change = 5
      |                     ^
      = write on_outside_change = "yield"

memtuned.toml:6:14: error: yield_for is between 1s and 30d, here is 0s
    6 | yield_for = "0s"
      |              ^
)");
}
