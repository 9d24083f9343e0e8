// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/diagnostic.hpp"

#include <doctest/doctest.h>

#include <string>

#include "rules/support.hpp"

using namespace memtuned::rules;

namespace {

/// What is said of a profile with this `when`, as it stands in the file.
std::string said_of(const std::string& when) {
    return check_profile("[[rule]]\nname = \"a\"\nhold = \"1s\"\nset = { vm.swappiness = 10 }\nwhen = " + when + "\n")
        .diagnostics;
}

std::string rendered(const std::string& text, std::size_t offset, std::string help = {}) {
    Diagnostics diagnostics;
    diagnostics.error(make_source(text), offset, "wrong", std::move(help));
    return diagnostics.render_all();
}

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
}

}  // namespace

TEST_CASE("a diagnostic names its place, shows the line with a caret, and says what to write") {
    CHECK(rendered("first\n  second = 5\n", 11, "write 6") == R"(test.toml:2:6: error: wrong
    2 |   second = 5
      |      ^
      = write 6
)");
    CHECK(rendered("a = 1", 0) == "test.toml:1:1: error: wrong\n    1 | a = 1\n      | ^\n");
}

TEST_CASE("a place at the end of a file, or on an empty line, has no line to show") {
    CHECK(rendered("a = 1\n", 6) == "test.toml:2:1: error: wrong\n");
    CHECK(rendered("a\n\nb", 2) == "test.toml:2:1: error: wrong\n");
    CHECK(rendered("", 100, "write something") == "test.toml:1:1: error: wrong\n      = write something\n");
}

TEST_CASE("a file as a whole has no place") {
    Diagnostics diagnostics;
    diagnostics.error("rules/a.toml", "No such file or directory", "mend it");
    CHECK(diagnostics.render_all() == "rules/a.toml: error: No such file or directory\n      = mend it\n");
}

TEST_CASE("tabs before the place stay tabs, so that the caret stands under it wherever they go") {
    CHECK(rendered("\ta\t= 5", 5) == "test.toml:1:6: error: wrong\n    1 | \ta\t= 5\n      | \t \t  ^\n");
}

TEST_CASE("the caret counts characters") {
    CHECK(rendered("é€😀 = 5", 10) == "test.toml:1:5: error: wrong\n    1 | é€😀 = 5\n      |     ^\n");
}

TEST_CASE("what a terminal should not be sent is shown as question marks") {
    CHECK(rendered("a\x1b[31m \x7f \xff \xc3( \xed\xa0\x80 \xc2\x85", 0) ==
          "test.toml:1:1: error: wrong\n    1 | a?[31m ? ? ?( ??? ??\n      | ^\n");
}

TEST_CASE("of a line that would fill the screen the part around the place is shown") {
    const std::string line = repeated("0123456789", 50);
    CHECK(rendered(line, 3) == "test.toml:1:4: error: wrong\n    1 | " + line.substr(0, 160) + "…\n      |    ^\n");
    CHECK(rendered(line, 250) == "test.toml:1:251: error: wrong\n    1 | …" + line.substr(170, 160) + "…\n      | " +
                                     std::string(81, ' ') + "^\n");
    CHECK(rendered(line, 499) == "test.toml:1:500: error: wrong\n    1 | …" + line.substr(419) + "\n      | " +
                                     std::string(81, ' ') + "^\n");
    CHECK(rendered(repeated("€", 200), 300) == "test.toml:1:101: error: wrong\n    1 | …" + repeated("€", 54) +
                                                   "…\n      | " + std::string(28, ' ') + "^\n");
}

TEST_CASE("diagnostics come in the order of the files, and of the places in each") {
    const Source first = make_source("aaaa\nbbbb\n", "first");
    const Source second = make_source("cccc\n", "second");
    Diagnostics diagnostics;
    diagnostics.error(first, 7, "three");
    diagnostics.warning(second, 0, "five");
    diagnostics.error(first, 5, "two");
    diagnostics.error(first, 1, "one");
    diagnostics.error(first, 7, "four");
    CHECK(diagnostics.errors() == 4);
    CHECK(diagnostics.has_errors());
    std::string order;
    for (const Diagnostic& d : diagnostics.sorted()) order += d.message + " ";
    CHECK(order == "one two three four five ");
    CHECK(diagnostics.render_all().ends_with("\n\nsecond:1:1: warning: five\n    1 | cccc\n      | ^\n"));
}

TEST_CASE("warnings are no errors") {
    Diagnostics diagnostics;
    CHECK(diagnostics.empty());
    diagnostics.warning(make_source("a"), 0, "hm");
    CHECK_FALSE(diagnostics.empty());
    CHECK_FALSE(diagnostics.has_errors());
    CHECK(diagnostics.render_all() == "test.toml:1:1: warning: hm\n    1 | a\n      | ^\n");
}

TEST_CASE("more mistakes than anybody reads are counted") {
    const Source source = make_source(std::string(Diagnostics::most_kept + 3, 'a'));
    Diagnostics diagnostics;
    for (std::size_t i = 0; i < Diagnostics::most_kept + 3; ++i) diagnostics.error(source, i, "wrong");
    CHECK(diagnostics.errors() == Diagnostics::most_kept + 3);
    CHECK(diagnostics.sorted().size() == Diagnostics::most_kept);
    CHECK(diagnostics.render_all().ends_with("\n\nand 3 more\n"));
}

TEST_CASE("what was said of a place is not said again") {
    const Source source = make_source("a\nb");
    Diagnostics diagnostics;
    diagnostics.error(source, 0, "wrong");
    diagnostics.error(source, 0, "wrong");
    diagnostics.warning(source, 0, "wrong");
    diagnostics.error(source, 2, "wrong");
    CHECK(diagnostics.sorted().size() == 3);
    CHECK(diagnostics.has_errors());
}

TEST_CASE("the nearest name is at most a third of its letters away") {
    const std::vector<std::string_view> names{"swappiness", "min_free_kbytes", "when", "step"};
    CHECK(nearest("swapiness", names) == "swappiness");
    CHECK(nearest("swappinses", names) == "swappiness");
    CHECK(nearest("min_fre_kbyte", names) == "min_free_kbytes");
    CHECK(nearest("wehn", names) == "when");
    CHECK(nearest("stop", names) == "step");
    CHECK(nearest("dirty", names) == "");
    CHECK(nearest("", names) == "");
    CHECK(nearest("abc", {}) == "");
    CHECK(nearest(std::string(10000, 'a'), names) == "");
}

TEST_CASE("a quotation is on one line, printable and not too long") {
    CHECK(quote("a  b\n\tc") == "a b c");
    CHECK(quote("a\x01") == "a?");
    CHECK(quote(repeated("é", 61)) == repeated("é", 60) + "…");
    CHECK(quote(repeated("é", 60)) == repeated("é", 60));
    CHECK(quote("abc", 2) == "ab…");
    CHECK(quote("") == "");
}

TEST_CASE("the caret stands inside a basic string, behind escapes") {
    CHECK(said_of(R"("zone.free(\"0/Normal\") < mem.fre")") ==
          R"(test.toml:5:35: error: there is no indicator or function `mem.fre`
    5 | when = "zone.free(\"0/Normal\") < mem.fre"
      |                                   ^
      = did you mean mem.free?
)");
    CHECK(said_of(R"("mem.free \u003C \u00e9 mem.fre")") ==
          R"(test.toml:5:25: error: `é` has no meaning in an expression
    5 | when = "mem.free \u003C \u00e9 mem.fre"
      |                         ^
)");
    CHECK(said_of(R"("\t\t\u0020 mem.fre < 5 MiB")") ==
          R"(test.toml:5:20: error: there is no indicator or function `mem.fre`
    5 | when = "\t\t\u0020 mem.fre < 5 MiB"
      |                    ^
      = did you mean mem.free?
)");
    CHECK(said_of(R"("mem.free > 5 \\ 3")") ==
          R"(test.toml:5:22: error: `\` has no meaning in an expression
    5 | when = "mem.free > 5 \\ 3"
      |                      ^
)");
}

TEST_CASE("the caret stands inside a literal string") {
    CHECK(said_of(R"('zone.free("0/Normal") < mem.fre')") ==
          R"(test.toml:5:33: error: there is no indicator or function `mem.fre`
    5 | when = 'zone.free("0/Normal") < mem.fre'
      |                                 ^
      = did you mean mem.free?
)");
    CHECK(said_of(R"('mem.free > 5 \t MiB')") ==
          R"(test.toml:5:22: error: `\` has no meaning in an expression
    5 | when = 'mem.free > 5 \t MiB'
      |                      ^
)");
}

TEST_CASE("the end of an expression is the quote that ends it") {
    CHECK(said_of(R"("mem.free >")") ==
          R"(test.toml:5:19: error: the expression ends where a number or a name should be
    5 | when = "mem.free >"
      |                   ^
)");
    CHECK(said_of(R"("")") ==
          R"(test.toml:5:9: error: the expression ends where a number or a name should be
    5 | when = ""
      |         ^
)");
}

TEST_CASE("in strings of several lines the caret stands on the right one") {
    CHECK(said_of("\"\"\"\nmem.free > 5 MiB\n\tand mem.fre < 5 MiB\"\"\"") ==
          "test.toml:7:6: error: there is no indicator or function `mem.fre`\n"
          "    7 | \tand mem.fre < 5 MiB\"\"\"\n"
          "      | \t    ^\n"
          "      = did you mean mem.free?\n");
    CHECK(said_of("'''mem.free > 5 MiB and\nmem.fre < 5 MiB'''") ==
          "test.toml:6:1: error: there is no indicator or function `mem.fre`\n"
          "    6 | mem.fre < 5 MiB'''\n"
          "      | ^\n"
          "      = did you mean mem.free?\n");
    CHECK(said_of("\"\"\"\n    mem.free > 5 MiB \\\n\n    and mem.fre < 5 MiB \"\"\"") ==
          "test.toml:8:9: error: there is no indicator or function `mem.fre`\n"
          "    8 |     and mem.fre < 5 MiB \"\"\"\n"
          "      |         ^\n"
          "      = did you mean mem.free?\n");
}

TEST_CASE("files with line breaks of DOS have the same places") {
    const std::string text =
        "[[rule]]\r\nname = \"a\"\r\nhold = \"1s\"\r\nset = { vm.swapiness = 10 }\r\n"
        "when = \"\"\"\r\nmem.free > 5 MiB\r\n  or mem.fre > 5 MiB\"\"\"\r\n";
    CHECK(check_profile(text).diagnostics ==
          "test.toml:4:12: error: there is no tunable `vm.swapiness`\n"
          "    4 | set = { vm.swapiness = 10 }\n"
          "      |            ^\n"
          "      = did you mean vm.swappiness?\n"
          "\n"
          "test.toml:7:6: error: there is no indicator or function `mem.fre`\n"
          "    7 |   or mem.fre > 5 MiB\"\"\"\n"
          "      |      ^\n"
          "      = did you mean mem.free?\n");
}

TEST_CASE("a byte order mark does not move the places of the first line") {
    CHECK(check_profile("\xEF\xBB\xBF"
                        "descripton = 'x'\n")
              .diagnostics ==
          "test.toml:1:1: error: unknown key `descripton` in a profile\n"
          "    1 | descripton = 'x'\n"
          "      | ^\n"
          "      = did you mean description?\n");
}

TEST_CASE("letters before the place in a line count as one column each") {
    CHECK(said_of("\"zone.free('é€😀') > 5 MiB\"").starts_with("test.toml:5:19: error: zone.free wants a zone"));
    CHECK(check_profile("description = \"é€😀\" # é\n[baseline] # é\n\"vm.é\" = 5\n")
              .diagnostics.starts_with("test.toml:3:1: error: there is no tunable `vm.é`\n"));
}
