// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/profile_loader.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "rules/support.hpp"
#include "support/temp_root.hpp"

using namespace memtuned;
using namespace memtuned::rules;

namespace {

/// Two folders of rule files, "etc" before "usr", and what loading a profile from them says, without their path.
class Folders {
public:
    Folders& write(std::string_view path, std::string_view text) {
        files_.write(path, text);
        return *this;
    }
    std::string path(std::string_view name) const { return (files_.root() / name).string(); }
    std::vector<std::string> both() const { return {path("etc"), path("usr")}; }

    std::optional<ProfileText> load(const std::string& name) {
        Diagnostics diagnostics;
        auto profile = load_profile(name, both(), diagnostics);
        said = without_path(diagnostics.render_all());
        return profile;
    }
    std::optional<ProfileText> load_file(std::string_view name) {
        Diagnostics diagnostics;
        auto profile = load_profile_file(path(name), both(), diagnostics);
        said = without_path(diagnostics.render_all());
        return profile;
    }

    std::string said;

private:
    std::string without_path(std::string text) const {
        const std::string prefix = path("");
        for (std::size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
        return text;
    }
    test::TempRoot files_;
};

/// A rule that is told by its value.
std::string rule(std::string_view name, int value) {
    return "[[rule]]\nname = \"" + std::string(name) +
           "\"\nwhen = \"host.cpus > 1\"\nhold = \"1s\"\nset = { vm.swappiness = { at_least = " +
           std::to_string(value) + " } }\n";
}

/// "a=1 b=2": the rules in their order with their values.
std::string rules_of(const std::optional<ProfileText>& profile) {
    std::string all;
    for (const RuleText& r : profile.value().rules) {
        all += (all.empty() ? "" : " ") + r.name + (r.enabled ? "=" : " off");
        if (!r.set.empty()) all += std::to_string(std::get<std::int64_t>(r.set[0].value));
    }
    return all;
}

std::string baseline_of(const std::optional<ProfileText>& profile) {
    std::string all;
    for (const ClaimText& claim : profile.value().baseline)
        all += (all.empty() ? "" : " ") + claim.tunable + "=" + std::to_string(std::get<std::int64_t>(claim.value));
    return all;
}

}  // namespace

TEST_CASE("a profile comes from the first folder that has it") {
    Folders folders;
    folders.write("etc/a.toml", "description = \"ours\"\n").write("usr/a.toml", "description = \"stock\"\n");
    folders.write("usr/b.toml", "description = \"stock b\"\n");
    CHECK(folders.load("a")->description == "ours");
    CHECK(folders.load("b")->description == "stock b");
    CHECK(folders.said == "");
}

TEST_CASE("a profile that is not there is told with the nearest one") {
    Folders folders;
    folders.write("etc/balanced.toml", "").write("usr/database.toml", "").write("usr/.hidden.toml", "");
    CHECK_FALSE(folders.load("balancd"));
    CHECK(folders.said ==
          "memtuned: error: there is no profile `balancd` in etc, usr\n      = did you mean balanced?\n");
    CHECK_FALSE(folders.load("x"));
    CHECK(folders.said ==
          "memtuned: error: there is no profile `x` in etc, usr\n      = there are: balanced, database\n");
    for (const char* name : {"../etc/balanced", "", ".hidden", "a/b", "balanced.toml/"}) {
        CAPTURE(name);
        CHECK_FALSE(folders.load(name));
    }
    CHECK_FALSE(Folders().load("x"));
}

TEST_CASE("folders without a profile say so") {
    Folders folders;
    CHECK_FALSE(folders.load("x"));
    CHECK(folders.said ==
          "memtuned: error: there is no profile `x` in etc, usr\n      = these folders hold no profiles\n");
}

TEST_CASE("included profiles come first, and a rule of the same name keeps its place") {
    Folders folders;
    folders.write("usr/base.toml", "description = \"base\"\n[baseline]\nvm.swappiness = 1\nvm.page-cluster = 1\n" +
                                       rule("a", 1) + rule("b", 1) + rule("c", 1));
    folders.write("etc/top.toml", "include = [\"base\"]\ndescription = \"top\"\n[baseline]\nvm.swappiness = 2\n" +
                                      rule("d", 2) + rule("b", 2));
    const auto profile = folders.load("top");
    CHECK(folders.said == "");
    CHECK(profile->description == "top");
    CHECK(rules_of(profile) == "a=1 b=2 c=1 d=2");
    CHECK(baseline_of(profile) == "vm.page-cluster=1 vm.swappiness=2");
}

TEST_CASE("a profile without a description has none of an included one") {
    Folders folders;
    folders.write("usr/base.toml", "description = \"base\"\n").write("etc/top.toml", "include = [\"base\"]\n");
    folders.write("etc/top.d/more.toml", "include = [\"base\"]\ndescription = \"more\"\n");
    CHECK(folders.load("top")->description == "");
    CHECK(folders.said == "");
}

TEST_CASE("a profile that is included on two ways comes once") {
    Folders folders;
    folders.write("usr/base.toml", rule("a", 1));
    folders.write("usr/one.toml", "include = [\"base\"]\n" + rule("a", 2));
    folders.write("usr/two.toml", "include = [\"base\"]\n" + rule("b", 3));
    folders.write("usr/top.toml", "include = [\"one\", \"two\"]\n");
    CHECK(rules_of(folders.load("top")) == "a=2 b=3");
    CHECK(folders.said == "");
}

TEST_CASE("drop-ins of all folders are added, those of the first folder last and each folder's by name") {
    Folders folders;
    folders.write("usr/a.toml", "[baseline]\nvm.swappiness = 1\nvm.page-cluster = 1\n" + rule("r", 1) + rule("s", 1));
    folders.write("usr/a.d/20.toml", "[baseline]\nvm.swappiness = 3\n" + rule("r", 3));
    folders.write("usr/a.d/10.toml", "[baseline]\nvm.swappiness = 2\n" + rule("r", 2) + rule("t", 2));
    folders.write("etc/a.d/05.toml", rule("s", 4) + rule("u", 4));
    folders.write("etc/a.d/notes.txt", "this is no rule file");
    folders.write("etc/a.d/.#05.toml", "nor is what an editor leaves");
    const auto profile = folders.load("a");
    CHECK(folders.said == "");
    CHECK(rules_of(profile) == "r=3 s=4 t=2 u=4");
    CHECK(baseline_of(profile) == "vm.page-cluster=1 vm.swappiness=3");
}

TEST_CASE("an included profile brings its drop-ins, and its rules stay weaker") {
    Folders folders;
    folders.write("usr/base.toml", rule("r", 1) + rule("s", 1));
    folders.write("etc/base.d/x.toml", rule("r", 2) + rule("s", 2));
    folders.write("usr/top.toml", "include = [\"base\"]\n" + rule("s", 3));
    CHECK(rules_of(folders.load("top")) == "r=2 s=3");
}

TEST_CASE("a drop-in switches a stock rule off by its name") {
    Folders folders;
    folders.write("usr/a.toml", rule("r", 1) + rule("s", 1));
    folders.write("etc/a.d/off.toml", "[[rule]]\nname = \"r\"\nenabled = false\n");
    const auto profile = folders.load("a");
    CHECK(rules_of(profile) == "r off s=1");
    Diagnostics diagnostics;
    const auto compiled = compile_profile("a", *profile, {}, some_machine(), diagnostics);
    CHECK(diagnostics.render_all() == "");
    REQUIRE(compiled);
    CHECK_FALSE(compiled->rules[0].enabled);
}

TEST_CASE("a claim in a drop-in replaces that of its twin as well") {
    Folders folders;
    folders.write("usr/a.toml", "[baseline]\nvm.dirty_ratio = 20\nvm.dirty_background_ratio = 10\n");
    folders.write("etc/a.d/x.toml", "[baseline]\nvm.dirty_bytes = 100000000\n");
    const auto profile = folders.load("a");
    CHECK(baseline_of(profile) == "vm.dirty_background_ratio=10 vm.dirty_bytes=100000000");
    Diagnostics diagnostics;
    CHECK(compile_profile("a", *profile, {}, some_machine(), diagnostics));
    CHECK(diagnostics.render_all() == "");
}

TEST_CASE("a drop-in replaces a condition by its name, for the stock rules that use it as well") {
    Folders folders;
    folders.write("usr/p.toml", "[condition]\nfull = \"mem.free < 1%\"\nbusy = \"host.cpus > 1\"\n" + rule("a", 1));
    folders.write("etc/p.d/1.toml", "[condition]\nfull = \"mem.free < 5%\"\n");
    const auto profile = folders.load("p");
    CHECK(folders.said == "");
    std::string all;
    for (const ConditionText& condition : profile.value().conditions)
        all += condition.name + ": " + condition.text.value + "; ";
    CHECK(all == "busy: host.cpus > 1; full: mem.free < 5%; ");
}

TEST_CASE("profiles that include each other are told with the way around") {
    Folders folders;
    folders.write("usr/a.toml", "include = [\"b\"]\n").write("usr/b.toml", "include = [\"a\"]\n");
    folders.load("a");
    CHECK(folders.said == R"(usr/b.toml:1:12: error: a profile cannot include itself: a -> b -> a
    1 | include = ["a"]
      |            ^
      = take one of these includes out
)");
    folders.write("usr/c.toml", "include = [\"c\"]\n");
    folders.load("c");
    CHECK(folders.said == R"(usr/c.toml:1:12: error: a profile cannot include itself: c -> c
    1 | include = ["c"]
      |            ^
      = take one of these includes out
)");
}

TEST_CASE("includes that there are not") {
    Folders folders;
    folders.write("usr/balanced.toml", "").write("usr/a.toml", "include = [\"balanced\", \"balancd\", \"../x\"]\n");
    folders.load("a");
    CHECK(folders.said == R"(usr/a.toml:1:24: error: there is no profile `balancd` in etc, usr
    1 | include = ["balanced", "balancd", "../x"]
      |                        ^
      = did you mean balanced?

usr/a.toml:1:35: error: `../x` is not the name of a profile
    1 | include = ["balanced", "balancd", "../x"]
      |                                   ^
      = write the name without folder and .toml: "balanced"
)");
}

TEST_CASE("includes nest no deeper than anybody follows") {
    Folders folders;
    for (int i = 0; i < 20; ++i)
        folders.write("usr/p" + std::to_string(i) + ".toml", "include = [\"p" + std::to_string(i + 1) + "\"]\n");
    folders.load("p0");
    CHECK(folders.said == R"(usr/p15.toml:1:12: error: includes nest more than 16 deep
    1 | include = ["p16"]
      |            ^
)");
}

TEST_CASE("two rules of one name in one file are a slip") {
    Folders folders;
    folders.write("usr/a.toml", rule("r", 1) + rule("s", 1) + rule("r", 2));
    folders.load("a");
    CHECK(folders.said == R"(usr/a.toml:12:8: error: a second rule `r` in this file
   12 | name = "r"
      |        ^
      = give it a name of its own
)");
}

TEST_CASE("mistakes of all files are told at once, and a broken drop-in does not hide the rest") {
    Folders folders;
    folders.write("usr/a.toml", "include = [\"b\"]\nfoo = 1\n").write("usr/b.toml", "bar = 1\n");
    folders.write("usr/a.d/1.toml", "= 5\n").write("usr/a.d/2.toml", "baz = 1\n");
    CHECK(folders.load("a"));
    for (const char* part :
         {"usr/a.toml:2:1: error: unknown key `foo`", "usr/b.toml:1:1: error: unknown key `bar`",
          "usr/a.d/1.toml:1:1: error: this is not TOML", "usr/a.d/2.toml:1:1: error: unknown key `baz`"}) {
        CAPTURE(part);
        CHECK(folders.said.find(part) != std::string::npos);
    }
}

TEST_CASE("a profile that is a folder, a pipe, binary or too large is refused with the reason") {
    Folders folders;
    folders.write("usr/folder.toml/x", "").write("usr/large.toml", std::string(std::size_t{10} << 20, '#'));
    folders.write("usr/binary.toml", std::string_view("a = 1\n\x7f"
                                                      "ELF\0\0",
                                                      12));
    REQUIRE(::mkfifo(folders.path("usr/pipe.toml").c_str(), 0600) == 0);
    CHECK_FALSE(folders.load("folder"));
    CHECK(folders.said ==
          "usr/folder.toml: error: not a regular file\n      = the profile cannot be loaded without this file\n");
    CHECK_FALSE(folders.load("pipe"));
    CHECK(folders.said ==
          "usr/pipe.toml: error: not a regular file\n      = the profile cannot be loaded without this file\n");
    CHECK_FALSE(folders.load("large"));
    CHECK(folders.said ==
          "usr/large.toml: error: larger than 1 MiB; rules are a few KiB of text, is this the right file?\n"
          "      = the profile cannot be loaded without this file\n");
    CHECK_FALSE(folders.load("binary"));
    CHECK(folders.said ==
          "usr/binary.toml:2:5: error: this file is not text: it holds a NUL byte\n    2 | ?ELF??\n      |     ^\n");
}

TEST_CASE("drop-ins that cannot be read are an error, not left out") {
    Folders folders;
    folders.write("usr/a.toml", rule("r", 1)).write("usr/a.d", "a file where a folder should be");
    folders.load("a");
    CHECK(folders.said == "usr/a.d: error: Not a directory\n      = its rules belong to the profile\n");
    folders.write("etc/a.d/x.toml/y", "");
    folders.load("a");
    CHECK(folders.said.find("etc/a.d/x.toml: error: not a regular file\n") != std::string::npos);
}

TEST_CASE("a file that may not be read is told with the reason") {
    if (::geteuid() == 0) return;  // root reads everything
    Folders folders;
    folders.write("usr/a.toml", "");
    std::filesystem::permissions(folders.path("usr/a.toml"), std::filesystem::perms::none);
    CHECK_FALSE(folders.load("a"));
    CHECK(folders.said ==
          "usr/a.toml: error: Permission denied\n      = the profile cannot be loaded without this file\n");
}

TEST_CASE("a profile named by its path looks for what it includes beside itself first") {
    Folders folders;
    folders.write("here/a.toml", "include = [\"base\", \"other\"]\n" + rule("r", 1));
    folders.write("here/base.toml", rule("s", 1))
        .write("etc/base.toml", rule("s", 2))
        .write("usr/other.toml", rule("t", 2));
    folders.write("etc/a.d/x.toml", rule("r", 3)).write("here/a.d/x.toml", rule("u", 4));
    CHECK(rules_of(folders.load_file("here/a.toml")) == "s=1 t=2 r=3 u=4");
    CHECK(folders.said == "");
    CHECK_FALSE(folders.load_file("here/none.toml"));
    CHECK(
        folders.said ==
        "here/none.toml: error: No such file or directory\n      = the profile cannot be loaded without this file\n");
}
