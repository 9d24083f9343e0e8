// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/terminal.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace memtuned::ctl;

TEST_CASE("a text is fitted to exactly the width asked for") {
    CHECK(fit("abc", 5, true) == "abc  ");
    CHECK(fit("abc", 5, true, true) == "  abc");
    CHECK(fit("abc", 3, true) == "abc");
    CHECK(fit("abcd", 3, true) == "ab…");
    CHECK(fit("abcd", 3, false) == "ab~");
    CHECK(fit("abcd", 1, true) == "…");
    CHECK(fit("abcd", 0, true).empty());
    CHECK(fit("", 2, true) == "  ");
}

TEST_CASE("the width of a fitted text is counted in columns, not bytes") {
    CHECK(fit("größer", 6, true) == "größer");
    CHECK(fit("größer", 5, true) == "größ…");
    CHECK(fit("日本語", 6, true) == "日本語");
    CHECK(fit("日本語", 5, true) == "日本…");
    CHECK(fit("日本語", 4, true) == "日… ");
    CHECK(fit("e\u0301e\u0301", 3, true) == "e\u0301e\u0301 ");
}

TEST_CASE("a fitted text without UTF-8 is ASCII") {
    CHECK(fit("größer", 6, false) == "gr??er");
    CHECK(fit("日本", 3, false) == "?? ");
}

TEST_CASE("a fitted text cannot steer the terminal") {
    CHECK(fit("a\x1b[2Jb\x07", 7, true).find('\x1b') == std::string::npos);
    CHECK(fit("a\nb", 3, true) == "a b");
    CHECK(fit("a\u202eb", 3, true).find("\u202e") == std::string::npos);
}

TEST_CASE("a frame puts each line in its place and clears what is left of it and of the screen") {
    CHECK(frame_of({{{"ab"}}, {{"abc"}}}, {3, 4}, false, false) ==
          "\x1b[1;1Hab\x1b[K"
          "\x1b[2;1Habc"
          "\x1b[3;1H\x1b[J");
}

TEST_CASE("a frame of as many lines as the screen has clears nothing below") {
    CHECK(frame_of({{{"ab"}}, {{"abc"}}}, {3, 2}, false, false) == "\x1b[1;1Hab\x1b[K\x1b[2;1Habc");
}

TEST_CASE("a frame made for a larger screen stays within the one there is") {
    CHECK(frame_of({{{"abcd"}, {"ef"}}, {{"日本"}}, {{"x"}}}, {3, 2}, false, false) ==
          "\x1b[1;1Habc\x1b[2;1H日\x1b[K");
}

TEST_CASE("a frame has colours only where they are wanted") {
    const std::vector<Line> lines{{{"a", Tone::good}, {"b"}}};
    CHECK(frame_of(lines, {9, 1}, true, false) == "\x1b[1;1H\x1b[32ma\x1b[0mb\x1b[K");
    CHECK(frame_of(lines, {9, 1}, false, false) == "\x1b[1;1Hab\x1b[K");
}

TEST_CASE("a frame of old figures is faint but for its header") {
    CHECK(frame_of({{{"a"}}, {{"b", Tone::bad}}}, {9, 2}, true, true) ==
          "\x1b[1;1Ha\x1b[K\x1b[2;1H\x1b[2mb\x1b[0m\x1b[K");
}

TEST_CASE("a line as text ends with its last letter") {
    CHECK(plain_text({{"a", Tone::bad}, {" b "}, {"  "}}) == "a b");
    CHECK(plain_text({}).empty());
}

TEST_CASE("keys are found in what a terminal sends") {
    using enum Key;
    CHECK(keys_in("q") == std::vector{quit});
    CHECK(keys_in("p+-?h") == std::vector{pause, longer, shorter, help, help});
    CHECK(keys_in("\x1b[A\x1bOBjk") == std::vector{up, down, down, up});
    CHECK(keys_in("\x1b[5~\x1b[6~\x1b[H\x1b[F") == std::vector{page_up, page_down, home, end});
}

TEST_CASE("the end of an unknown escape sequence is not taken for a key") {
    CHECK(keys_in("\x1b[15~").empty());
    CHECK(keys_in("\x1b[1;5q").empty());
    CHECK(keys_in("\x1bOp").empty());
    CHECK(keys_in("\x1b[").empty());
    CHECK(keys_in("\x1b").empty());
    CHECK(keys_in("xyz").empty());
    CHECK(keys_in("\x1b[1;5Cq") == std::vector{Key::quit});
}
