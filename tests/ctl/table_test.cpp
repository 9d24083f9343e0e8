// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/table.hpp"

#include <doctest/doctest.h>

#include "ctl/text.hpp"

namespace memtuned::ctl {
namespace {

constexpr Table::Side right = Table::Side::right;

View no_terminal() {
    return {};
}

}  // namespace

TEST_CASE("columns are as wide as their widest cell, and no line ends in blanks") {
    Table table({"NAME", {"VALUE", right}, "REASON"});
    table.add({"vm.swappiness", "60", ""});
    table.add({"x", "1000000", "because"});
    CHECK(table.render(no_terminal()) ==
          "NAME             VALUE  REASON\n"
          "vm.swappiness       60\n"
          "x              1000000  because\n");
}

TEST_CASE("a table without titles has only rows, and may be indented") {
    Table table({"", ""}, 2);
    table.add({"psi", "is off"});
    CHECK(table.render(no_terminal()) == "  psi  is off\n");
    CHECK(Table({"", ""}).render(no_terminal()).empty());
}

TEST_CASE("a last column to the right is not wrapped") {
    Table table({"NAME", {"TIMES", right}});
    table.add({"a", "7"});
    CHECK(table.render({{}, 30, false}) == "NAME  TIMES\na         7\n");
}

TEST_CASE("on a terminal the last column is wrapped into what is left of the line") {
    Table table({"RULE", "FIGURES"});
    table.add({"grow", "reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 42/s)"});
    CHECK(table.render({{}, 40, false}) ==
          "RULE  FIGURES\n"
          "grow  reclaim.direct_stalls > 0/s\n"
          "      (reclaim.direct_stalls = 42/s)\n");
    CHECK(table.render(no_terminal()) ==
          "RULE  FIGURES\n"
          "grow  reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 42/s)\n");
}

TEST_CASE("a terminal too narrow for the last column is run over") {
    Table table({"RULE", "FIGURES"});
    table.add({"grow-reserve", "some figures of it"});
    CHECK(table.render({{}, 30, false}) ==
          "RULE          FIGURES\n"
          "grow-reserve  some figures of it\n");
}

TEST_CASE("colour does not count as width") {
    Table table({"STATE", "BY"});
    table.add({{"active", Tone::good}, "x"});
    table.add({{"idle", Tone::plain}, {"", Tone::bad}});
    CHECK(table.render({{}, 0, true}) ==
          "\033[1mSTATE\033[0m   \033[1mBY\033[0m\n"
          "\033[32mactive\033[0m  x\n"
          "idle\n");
}

TEST_CASE("cells are as wide as they are shown") {
    Table table({"NAME", "X"});
    table.add({"größe", "1"});
    table.add({"内存", "2"});
    table.add({"e\u0301", "3"});
    CHECK(table.render(no_terminal()) ==
          "NAME   X\n"
          "größe  1\n"
          "内存   2\n"
          "e\u0301      3\n");
}

TEST_CASE("a cell cannot steer the terminal nor break the table") {
    Table table({"", ""});
    table.add({"a\033[31mred\x07", "two\nlines\tand a tab"});
    CHECK(table.render(no_terminal()) == "a?[31mred?  two lines and a tab\n");
}

TEST_CASE("what is no UTF-8 is replaced byte by byte") {
    CHECK(printable("a\xff z") == "a? z");
    CHECK(printable("\xc3") == "?");
    CHECK(printable("\xc0\xaf") == "??");
    CHECK(printable("\xed\xa0\x80") == "???");
    CHECK(printable("\xf4\x90\x80\x80") == "????");
    CHECK(printable("\u0085\u202e") == "??");
    CHECK(printable("ä 内 🐧") == "ä 内 🐧");
}

TEST_CASE("a text of several lines keeps them") {
    CHECK(printable_lines("").empty());
    CHECK(printable_lines("one") == "one");
    CHECK(printable_lines("one\n\n  two\033\n") == "one\n\n  two?");
}

TEST_CASE("lines are broken at blanks, and a long word keeps a line of its own") {
    using Lines = std::vector<std::string>;
    CHECK(wrap("", 10) == Lines{""});
    CHECK(wrap("a b c", 0) == Lines{"a b c"});
    CHECK(wrap("one two three", 7) == Lines{"one two", "three"});
    CHECK(wrap("a incomprehensibilities b", 10) == Lines{"a", "incomprehensibilities", "b"});
    CHECK(wrap("  leading  and double   blanks", 12) == Lines{"leading and", "double", "blanks"});
    CHECK(wrap("ä ö ü", 3) == Lines{"ä ö", "ü"});
}

}  // namespace memtuned::ctl
