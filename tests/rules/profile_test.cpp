// SPDX-License-Identifier: GPL-2.0-or-later
//
// What rule files become: plain texts, then compiled rules.
#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/rules/profile_loader.hpp"
#include "memtuned/rules/profile_text.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "rules/support.hpp"

using namespace memtuned;
using namespace memtuned::rules;

namespace {

/// A file of tests/rules/files.
Source test_file(std::string_view name) {
    auto source = SourceFile::read(std::string(MEMTUNED_FIXTURES) + "/../rules/files/" + std::string(name));
    REQUIRE(source);
    return make_source(std::string((*source)->text()), std::string(name));
}

RuleSet compiled(std::string_view text) {
    CheckedProfile checked = check_profile(test_text(text));
    CHECK(checked.diagnostics == "");
    REQUIRE(checked.rules);
    return std::move(*checked.rules);
}

std::string warnings(std::string_view text, const Surroundings& surroundings = some_machine()) {
    const CheckedProfile checked = check_profile(test_text(text), surroundings);
    CHECK(checked.rules);
    return checked.diagnostics;
}

std::size_t tunable(std::string_view name) {
    return tunables::find(name).value();
}

std::vector<std::string> names(const RuleSet& rules) {
    std::vector<std::string> all;
    for (const Rule& rule : rules.rules) all.push_back(rule.name);
    return all;
}

std::string rule(std::string_view name, std::string_view more) {
    return "[[rule]]\nname = \"" + std::string(name) + "\"\nhold = \"1s\"\n" + std::string(more) + "\n";
}

}  // namespace

TEST_CASE("every key of a rule file is read") {
    Diagnostics diagnostics;
    const auto profile = parse_profile(test_file("every-key.toml"), diagnostics);
    CHECK(diagnostics.render_all() == "");
    REQUIRE(profile);
    CHECK(profile->description == "PostgreSQL and other databases that manage their own cache");
    REQUIRE(profile->baseline.size() == 2);
    CHECK(profile->baseline[0].tunable == "vm.min_free_kbytes");
    CHECK(profile->baseline[0].bound == Bound::at_least);
    CHECK(std::get<Text>(profile->baseline[0].value).value == "1% * mem.total");
    CHECK(profile->baseline[1].tunable == "vm.swappiness");
    CHECK(profile->baseline[1].bound == Bound::exactly);
    CHECK(std::get<std::int64_t>(profile->baseline[1].value) == 10);

    REQUIRE(profile->rules.size() == 4);
    const RuleText& first = profile->rules[0];
    CHECK(first.name == "reserve-ahead");
    CHECK(first.description == "Wake kswapd earlier when free memory is about to run out.");
    CHECK(first.when->value == "predict_linear(zones.free, 10s, 5s) < zones.low or reclaim.direct_stalls > 5/s");
    CHECK(first.for_at_least->value == "500ms");
    CHECK(first.until->value == "reclaim.direct_stalls == 0/s and zones.headroom > 50%");
    CHECK(first.hold_from->value == "30s");
    CHECK_FALSE(first.hold_to);
    CHECK(first.priority == 50);
    CHECK(first.set.size() == 1);
    const RuleText& second = profile->rules[1];
    CHECK(second.step.size() == 1);
    CHECK(second.relax.size() == 1);
    CHECK(second.every->value == "5s");
    CHECK(second.hold_from->value == "4s");
    CHECK(second.hold_to->value == "2min");
    CHECK(profile->rules[2].trigger.size() == 1);
    CHECK_FALSE(profile->rules[3].enabled);
    CHECK(profile->rules[3].set.size() == 3);
}

TEST_CASE("every key of a rule file is compiled") {
    Diagnostics diagnostics;
    const auto profile = parse_profile(test_file("every-key.toml"), diagnostics);
    REQUIRE(profile);
    const auto rules = compile_profile("database", *profile, {}, some_machine(), diagnostics);
    CHECK(diagnostics.render_all() == "");
    REQUIRE(rules);
    CHECK(rules->profile == "database");
    CHECK(rules->description == profile->description);
    REQUIRE(rules->baseline.size() == 2);
    CHECK(rules->baseline[0].tunable == tunable("vm.min_free_kbytes"));
    CHECK(rules->baseline[1].value.run({}) == 10);

    REQUIRE(rules->rules.size() == 4);
    const Rule& first = rules->rules[0];
    CHECK(first.name == "reserve-ahead");
    CHECK(first.file == "every-key.toml");
    CHECK(first.when_text == first.when.text);
    CHECK(first.enabled);
    CHECK(first.priority == 50);
    REQUIRE(first.until);
    CHECK(first.for_at_least == std::chrono::milliseconds(500));
    CHECK(first.hold_from == std::chrono::seconds(30));
    CHECK(first.hold_to == std::chrono::seconds(30));
    CHECK(first.every == Duration{0});
    REQUIRE(first.claims.size() == 1);
    CHECK_FALSE(first.claims[0].step);
    CHECK_FALSE(first.claims[0].relax);

    const Rule& second = rules->rules[1];
    CHECK_FALSE(second.until);
    CHECK(second.hold_from == std::chrono::seconds(4));
    CHECK(second.hold_to == std::chrono::minutes(2));
    CHECK(second.every == std::chrono::seconds(5));
    REQUIRE(second.claims.size() == 1);
    CHECK(second.claims[0].step);
    REQUIRE(second.claims[0].relax);
    CHECK(second.claims[0].value.run({.current = 1000}) == 1250);
    CHECK(second.claims[0].relax->run({.current = 1000}) == 800);

    const Rule& third = rules->rules[2];
    CHECK(third.claims.empty());
    REQUIRE(third.triggers.size() == 1);
    CHECK(third.triggers[0].tunable == tunable("vm.drop_caches"));
    CHECK(third.triggers[0].value.run({}) == 2);
    CHECK(third.every == std::chrono::hours(1));

    const Rule& last = rules->rules[3];
    CHECK_FALSE(last.enabled);
    CHECK(last.priority == 99);
    REQUIRE(last.claims.size() == 3);
    CHECK(last.claims[0].tunable == tunable("vm.dirty_bytes"));
    CHECK(last.claims[1].bound == Bound::at_least);
    CHECK(last.claims[2].bound == Bound::at_most);
    CHECK(last.claims[2].value.run({.boot = 60, .baseline = 10}) == 120);
}

TEST_CASE("an empty file is a profile without rules") {
    const RuleSet rules = compiled("");
    CHECK(rules.rules.empty());
    CHECK(rules.baseline.empty());
    CHECK(rules.keys.empty());
}

TEST_CASE("integers are in the kernel's unit, values in the base unit") {
    const RuleSet rules =
        compiled("[baseline]\nvm.dirty_ratio = 20\nvm.min_free_kbytes = 65536\nvm.page-cluster = 0\n");
    REQUIRE(rules.baseline.size() == 3);
    for (const Claim& claim : rules.baseline) {
        if (claim.tunable == tunable("vm.dirty_ratio")) CHECK(claim.value.run({}) == 0.2);
        if (claim.tunable == tunable("vm.min_free_kbytes")) CHECK(claim.value.run({}) == 64 * 1024 * 1024);
        if (claim.tunable == tunable("vm.page-cluster")) CHECK(claim.value.run({}) == 0);
    }
    CHECK(rules.baseline[0].value.text == "20");
}

TEST_CASE("the ends of a range are in it") {
    compiled("[baseline]\nvm.swappiness = 200\nvm.watermark_scale_factor = 3000\nvm.min_free_kbytes = 2147483647\n");
    compiled("[baseline]\nvm.swappiness = 0\nvm.watermark_scale_factor = 1\nvm.dirty_bytes = \"8 KiB\"\n");
    compiled("[baseline]\nvm.dirty_ratio = \"100%\"\nvm.dirty_background_ratio = \"0%\"\n");
}

TEST_CASE("the ends of a priority and of the times are in their ranges") {
    const RuleSet rules =
        compiled(rule("a", "when = \"host.cpus > 1\"\npriority = 0\nfor = \"0s\"\nset = { vm.swappiness = 1 }") +
                 rule("b", "when = \"host.cpus > 1\"\npriority = 99\nfor = \"30d\"\nset = { vm.swappiness = 1 }"));
    CHECK(rules.rules[0].for_at_least == Duration{0});
    CHECK(rules.rules[1].for_at_least == std::chrono::hours(720));
}

TEST_CASE("rules are ordered by priority and then as they stand in the file") {
    const std::string body = "when = \"host.cpus > 1\"\nset = { vm.swappiness = { at_least = 1 } }\n";
    const RuleSet rules =
        compiled(rule("d", body + "priority = 60") + rule("b", body) + rule("a", body + "priority = 40") +
                 rule("c", body + "priority = 50") + rule("e", body + "priority = 60"));
    CHECK(names(rules) == std::vector<std::string>{"a", "b", "c", "d", "e"});
    CHECK(rules.rules[1].priority == 50);
}

TEST_CASE("a rule needs what its conditions and claims name, without what it asks for") {
    const RuleSet rules = compiled(
        rule("a",
             "when = \"host.cpus > 1 and (not available(refault.anon) or refault.anon > 1 MiB/s)\"\n"
             "set = { vm.swappiness = \"lerp(psi.memory.some.now, 0%, 10%, 10, 60)\" }\nuntil = \"host.cpus == 1\""));
    std::vector<std::string> needs;
    for (const std::uint32_t slot : rules.rules[0].needs) needs.push_back(to_string(rules.keys[slot]));
    CHECK(needs == std::vector<std::string>{"host.cpus", "psi.memory.some.now"});
}

TEST_CASE("a trigger fires no more often than its tunable allows") {
    const RuleSet rules =
        compiled(rule("a", "when = \"host.cpus > 1\"\ntrigger = { vm.drop_caches = 1 }") +
                 rule("b", "when = \"host.cpus > 1\"\ntrigger = { vm.drop_caches = 1 }\nevery = \"1s\""));
    const Duration least = tunables::catalogue()[tunable("vm.drop_caches")].least_interval;
    CHECK(rules.rules[0].every == least);
    CHECK(rules.rules[1].every == least);
}

TEST_CASE("a condition over several lines is one line to those who read it") {
    const RuleSet rules =
        compiled(rule("a", "when = \"\"\"\n  host.cpus > 1\n\tand host.cpus < 5\"\"\"\nset = { vm.swappiness = 1 }"));
    CHECK(rules.rules[0].when_text == "host.cpus > 1 and host.cpus < 5");
}

TEST_CASE("a rule that is switched off needs no more than its name") {
    const RuleSet rules = compiled("[[rule]]\nname = \"a\"\nenabled = false\n");
    REQUIRE(rules.rules.size() == 1);
    CHECK_FALSE(rules.rules[0].enabled);
    CHECK(rules.rules[0].claims.empty());
}

TEST_CASE("six different mistakes give six diagnostics in one run") {
    Diagnostics diagnostics;
    const auto profile = parse_profile(test_file("six-mistakes.toml"), diagnostics);
    REQUIRE(profile);
    CHECK_FALSE(compile_profile("six-mistakes", *profile, {}, some_machine(), diagnostics));
    CHECK(diagnostics.errors() == 6);
    CHECK(diagnostics.render_all() == R"--(six-mistakes.toml:7:4: error: there is no tunable `vm.swapiness`
    7 | vm.swapiness = 10
      |    ^
      = did you mean vm.swappiness?

six-mistakes.toml:8:18: error: vm.dirty_ratio takes 0 to 100 %, this is 120
    8 | vm.dirty_ratio = 120
      |                  ^

six-mistakes.toml:12:33: error: `reclaim.direct_stalls` is a number per second, `5` is a plain number: they cannot be compared
   12 | when = "reclaim.direct_stalls > 5 and zones.below_low > 0"
      |                                 ^
      = write 5/s

six-mistakes.toml:14:1: error: unknown key `prority` in a rule
   14 | prority = 60
      | ^
      = did you mean priority?

six-mistakes.toml:15:43: error: there is no indicator or function `psi.memory.some.nwo`
   15 | set = { vm.watermark_scale_factor = "lerp(psi.memory.some.nwo, 0%, 20%, 50, 300)" }
      |                                           ^
      = did you mean psi.memory.some.now?

six-mistakes.toml:21:30: error: `MB` is not a unit
   21 | 	and psi.memory.some.avg60 > 64 MB"""
      | 	                            ^
      = write 64 MiB
)--");
}

TEST_CASE("swappiness above 100 is for swap that is no disk") {
    Surroundings disk = some_machine();
    disk.machine.swap_on_zram = 0.4;
    const std::string text = "[baseline]\nvm.swappiness = 150\n";
    CHECK(
        warnings(text, disk) ==
        R"(test.toml:2:17: warning: vm.swappiness above 100 says that swap is faster than files, and here swap is on a disk
    2 | vm.swappiness = 150
      |                 ^
      = above 100 is for swap on zram or zswap
)");
    CHECK(warnings("[baseline]\nvm.swappiness = \"swap.on_zram > 50% ? 160 : 60\"\n", disk)
              .starts_with("test.toml:2:18: warning: "));
    CHECK(warnings("[baseline]\nvm.swappiness = 100\n", disk) == "");
    CHECK(warnings("[baseline]\nvm.swappiness = { at_most = 150 }\n", disk) == "");
    CHECK(warnings("[baseline]\nvm.swappiness = \"boot\"\n", disk) == "");
    CHECK(warnings(text) == "");
    disk.machine.swap_bytes = 0;
    CHECK(warnings(text, disk) == "");
    CHECK(warnings(text, Surroundings{}) == "");
}

TEST_CASE("a window is compared with the interval at which an idle machine is sampled") {
    Surroundings slow = some_machine();
    slow.idle_interval = std::chrono::seconds(5);
    const std::string text = rule("a", "when = \"deriv(mem.free, 4s) < 0 MiB/s\"\nset = { vm.swappiness = 1 }");
    CHECK(warnings(text) == "");
    CHECK(
        warnings(text, slow) ==
        R"(test.toml:4:25: warning: this window is shorter than the sampling interval (5s): while the machine is idle it has no data
    4 | when = "deriv(mem.free, 4s) < 0 MiB/s"
      |                         ^
)");
}

TEST_CASE("what tells a gap between trip and release, and what does not") {
    const auto said = [](std::string_view keys) {
        const std::string text =
            warnings("[[rule]]\nname = \"a\"\nset = { vm.swappiness = 1 }\n" + std::string(keys));
        if (text.find("no gap between") != std::string::npos) return "no gap";
        return text.find("may flap") != std::string::npos ? "may flap" : text.empty() ? "" : "something else";
    };
    CHECK(said("when = 'psi.io.some.avg10 > 5%'") == "may flap");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nhold = '5s'") == "");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nuntil = 'psi.io.some.avg10 < 5%'") == "no gap");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nuntil = 'psi.io.some.avg10 <= 6%'") == "no gap");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nuntil = '6% > psi.io.some.avg10'") == "no gap");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nuntil = 'psi.io.some.avg10 < 4%'") == "");
    CHECK(said("when = 'psi.io.some.avg10 < 5%'\nuntil = 'psi.io.some.avg10 > 4%'") == "no gap");
    CHECK(said("when = 'psi.io.some.avg10 < 5%'\nuntil = 'psi.io.some.avg10 > 6%'") == "");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nuntil = 'psi.io.full.avg10 < 5%'") == "");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nuntil = 'psi.io.some.avg10 < 5%'\nhold = '5s'") == "");
    CHECK(said("when = 'reclaim.direct_stalls > 0/s'\nuntil = 'reclaim.direct_stalls <= 0/s'") == "");
    CHECK(said("when = 'mem.free < mem.dirty'") == "");
    CHECK(said("when = 'psi.io.some.avg10 > 5%'\nenabled = false") == "");
}

TEST_CASE("only what fixes the same tunable at the same priority are rivals") {
    const auto rivals = [](std::string_view first, std::string_view second) {
        const std::string when = "when = \"mem.free < mem.dirty\"\n";
        return warnings(rule("a", when + std::string(first)) + rule("b", when + std::string(second)))
                   .find("both fix") != std::string::npos;
    };
    CHECK(rivals("set = { vm.swappiness = 1 }", "set = { vm.swappiness = 2 }"));
    CHECK(rivals("set = { vm.swappiness = 1 }\npriority = 50", "set = { vm.swappiness = 2 }"));
    CHECK_FALSE(rivals("set = { vm.swappiness = 1 }", "set = { vm.swappiness = 2 }\npriority = 51"));
    CHECK_FALSE(rivals("set = { vm.swappiness = 1 }", "set = { vm.page-cluster = 2 }"));
    CHECK_FALSE(rivals("set = { vm.swappiness = 1 }", "set = { vm.swappiness = { at_least = 2 } }"));
    CHECK_FALSE(rivals("set = { vm.swappiness = 1 }", "set = { vm.swappiness = 2 }\nenabled = false"));
}
