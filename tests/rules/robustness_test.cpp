// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files nobody would write: whatever a file holds, it is told what is wrong with it, soon and without a crash.
#include <doctest/doctest.h>

#include <ctime>
#include <string>
#include <string_view>

#include "fuzz/targets.hpp"
#include "rules/support.hpp"

using namespace memtuned;
using namespace memtuned::rules;

namespace {

std::string test_file(std::string_view name) {
    const auto source = SourceFile::read(std::string(MEMTUNED_FIXTURES) + "/../rules/files/" + std::string(name));
    REQUIRE(source);
    return std::string((*source)->text());
}

std::string repeated(std::string_view part, std::size_t times) {
    std::string text;
    text.reserve(part.size() * times);
    for (std::size_t i = 0; i < times; ++i) text += part;
    return text;
}

/// Seconds of processor time that `work` takes: what else the machine does is none of its business.
template <class Work>
double time_of(Work work) {
    const std::clock_t begin = std::clock();
    work();
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

bool is_refused(const std::string& text) {
    const CheckedProfile checked = check_profile(text);
    CHECK(settings_diagnostics(text) != "");
    return !checked.rules && !checked.diagnostics.empty();
}

/// Slow enough for a sanitizer on a slow machine, and far from what a quadratic step would take.
constexpr double patience = 60;

}  // namespace

TEST_CASE("every prefix of a good file parses and compiles, or is told what is wrong") {
    const std::string text = test_file("every-key.toml");
    CHECK(check_profile(text).diagnostics == "");
    for (std::size_t size = 0; size < text.size(); ++size) fuzz::profile(std::string_view(text).substr(0, size));
}

TEST_CASE("every prefix of good settings parses, or is told what is wrong") {
    const std::string text =
        "profile = \"a\"\nmode = 'observe'\nrules = [\"/a\"]\n[sampling]\nidle = \"2s\"\nbusy = \"\"\"100ms\"\"\"\n"
        "[tunable.vm.min_free_kbytes]\nmax = \"5% * mem.total\"\nyield_for = '''\n1h'''\n";
    CHECK(settings_diagnostics(text) == "");
    for (std::size_t size = 0; size < text.size(); ++size) fuzz::settings(std::string_view(text).substr(0, size));
}

TEST_CASE("a good file with any byte changed, taken out or doubled does no harm") {
    const std::string text = test_file("every-key.toml").substr(0, 1200);
    for (std::size_t at = 0; at < text.size(); at += 3) {
        for (const char byte : {'\0', '"', '\'', '\\', '\n', '\r', '.', '[', '{', '=', '\x80', '\xff', '9'}) {
            std::string changed = text;
            changed[at] = byte;
            fuzz::profile(changed);
        }
        fuzz::profile(text.substr(0, at) + text.substr(at + 1));
        fuzz::profile(text.substr(0, at) + text[at] + text.substr(at));
    }
}

TEST_CASE("bytes that are no text are told with their place") {
    CHECK(check_profile(std::string("a = 1\n\0", 7)).diagnostics ==
          "test.toml:2:1: error: this file is not text: it holds a NUL byte\n    2 | ?\n      | ^\n");
    CHECK(check_profile("description = \"\xff\"\n").diagnostics.starts_with("test.toml:1:"));
    CHECK(check_profile("# \xc3\n").diagnostics.starts_with("test.toml:1:"));
    std::string all;
    for (int byte = 1; byte < 256; ++byte) all += static_cast<char>(byte);
    CHECK(is_refused(all));
}

TEST_CASE("what is nested by the thousand is refused before it takes the stack") {
    constexpr std::size_t many = 10000;
    CHECK(is_refused("x = " + repeated("[", many) + repeated("]", many)));
    CHECK(is_refused("x = " + repeated("[", many)));
    CHECK(is_refused("x = " + repeated("{ a = ", many) + "1" + repeated(" }", many)));
    CHECK(is_refused("x = " + repeated("[{ a.b.c.d.e.f = ", many)));
    CHECK(is_refused(repeated("a.", many) + "a = 1"));
    CHECK(is_refused(repeated("'a'.", many) + "a = 1"));
    CHECK(is_refused(repeated("a . ", many) + "a = 1"));
    CHECK(is_refused("[" + repeated("a.", many) + "a]"));
    CHECK(is_refused("[[" + repeated("a.", many) + "a]]"));
    CHECK(is_refused("x = { " + repeated("a.", many) + "a = 1 }"));
    CHECK(is_refused(repeated("[[", many)));
    CHECK(is_refused(repeated("\"", many + 1)));
    CHECK(is_refused(repeated("'", many + 1)));
}

TEST_CASE("keys as deep as they may be are still told apart by their names") {
    std::string text = "[a.b.c.d.e.f.g.h]\n";
    text += "a.b.c.d.e.f.g.h = " + repeated("[", 14) + "{ a.b.c.d.e.f.g.h = 1 }" + repeated("]", 14) + "\n";
    CHECK(check_profile(text).diagnostics.starts_with("test.toml:1:2: error: unknown key `a` in a profile\n"));
    const std::string claims = "[baseline.a.b.c.d.e.f.g]\na.b.c.d.e.f.g.h = { a.b.c.d.e.f.g.h = 5 }\n";
    CHECK(check_profile(claims).diagnostics.find(
              "there is no tunable `a.b.c.d.e.f.g.a.b.c.d.e.f.g.h.a.b.c.d.e.f.g.h`") != std::string::npos);
}

TEST_CASE("long values are told in few words") {
    const std::string long_text = repeated("long ", 100000);
    const auto short_enough = [](const std::string& said) { return !said.empty() && said.size() < 5000; };
    CHECK(short_enough(check_profile("\"" + long_text + "\" = 1").diagnostics));
    CHECK(short_enough(check_profile("[[rule]]\nname = \"" + long_text + "\"").diagnostics));
    CHECK(short_enough(check_profile("[baseline]\n\"" + long_text + "\" = 1").diagnostics));
    CHECK(short_enough(check_profile("[baseline]\nvm.swappiness = \"" + long_text + "\"").diagnostics));
    CHECK(short_enough(
        check_profile("[baseline]\nvm.swappiness = \"1 " + std::string(100000, ' ') + "+ mem.free\"").diagnostics));
    CHECK(short_enough(settings_diagnostics("mode = \"" + long_text + "\"")));
    CHECK(short_enough(settings_diagnostics("[tunable.\"" + long_text + "\"]")));
}

TEST_CASE("10,000 rules compile in a moment") {
    std::string text;
    for (int i = 0; i < 10000; ++i)
        text += "[[rule]]\nname='r" + std::to_string(i) + "'\nwhen='host.cpus>" + std::to_string(i) +
                "'\nset={vm.swappiness=1}\n";
    REQUIRE(text.size() < SourceFile::largest);
    CheckedProfile checked;
    CHECK(time_of([&] { checked = check_profile(text); }) < patience);
    REQUIRE(checked.rules);
    CHECK(checked.rules->rules.size() == 10000);
    CHECK(checked.diagnostics.ends_with("\nand 19499 more\n"));  // each may flap, and all but the first have a rival
}

TEST_CASE("a file as large as may be, all on one line and full of mistakes, is told in a moment") {
    const auto told_soon = [](const std::string& text) {
        REQUIRE(text.size() <= SourceFile::largest);
        CHECK(time_of([&] { CHECK(check_profile(text).diagnostics != ""); }) < patience);
    };
    const auto settings_told_soon = [](const std::string& text) {
        REQUIRE(text.size() <= SourceFile::largest);
        CHECK(time_of([&] { CHECK(settings_diagnostics(text) != ""); }) < patience);
    };
    const auto numbered = [](std::string_view before, std::string_view after, int count) {
        std::string text;
        for (int i = 0; i < count; ++i) text += std::string(before) + std::to_string(i) + std::string(after);
        return text;
    };
    told_soon("rule = [" + repeated("{},", 300000) + "]");
    told_soon("# é\nrule = [" + repeated("'é',", 200000) + "]");
    told_soon("baseline = {" + numbered("vm.x", "=1,", 80000) + "y=1}");
    told_soon("[baseline]\n" + numbered("vm.x", "='1+'\n", 70000));
    settings_told_soon("[tunable.vm]\n" + numbered("x", "={}\n", 80000));
    settings_told_soon(numbered("x", "=1\n", 100000));
    told_soon(numbered("[x", "]\n", 100000));
    told_soon("[[rule]]\nname='a'\nwhen='" + repeated("x+", 500000) + "'\n");
    told_soon("[[rule]]\nname='a'\nwhen='" + repeated("9", 1000000) + "'\n");
    told_soon(numbered("[[rule]]\nname='a'\nwhen='zone.free(\"0/Z", "\")'\n", 20000));
    told_soon(repeated("[[rule]]\nname='a'\nset={}\n", 40000));
}

TEST_CASE("10,000 different windows and zones compile in a moment") {
    std::string text;
    for (int i = 0; i < 10000; ++i)
        text += "[[rule]]\nname='r" + std::to_string(i) + "'\nwhen='deriv(zone.free(\"0/Z" + std::to_string(i) +
                "\"),9s)>mem.free/1s'\ntrigger.vm.drop_caches=1\n";
    REQUIRE(text.size() < SourceFile::largest);
    CheckedProfile checked;
    CHECK(time_of([&] { checked = check_profile(text); }) < patience);
    CHECK(checked.diagnostics == "");
    REQUIRE(checked.rules);
    CHECK(checked.rules->keys.size() == 10001);
    CHECK(checked.rules->windows.size() == 10000);
}
