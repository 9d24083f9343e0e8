// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/source.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <utility>

#include "rules/support.hpp"
#include "support/temp_root.hpp"

using namespace memtuned;
using namespace memtuned::rules;

namespace {

using Place = std::pair<std::size_t, std::size_t>;

Place place(const Source& source, std::size_t offset) {
    const Position at = source->position(offset);
    return {at.line, at.column};
}

/// Where each byte of the string that begins `literal` stands in it.
std::vector<std::uint32_t> offsets(std::string literal, std::string value) {
    const Text text = text_of_literal(std::move(literal), std::move(value));
    CHECK(text.offsets.size() == text.value.size() + 1);
    return text.offsets;
}

using Offsets = std::vector<std::uint32_t>;

}  // namespace

TEST_CASE("lines and columns count from 1, columns in characters") {
    const Source source = make_source("ab\nçd€e\n\r\nx");
    CHECK(place(source, 0) == Place{1, 1});
    CHECK(place(source, 2) == Place{1, 3});
    CHECK(place(source, 3) == Place{2, 1});
    CHECK(place(source, 5) == Place{2, 2});
    CHECK(place(source, 6) == Place{2, 3});
    CHECK(place(source, 9) == Place{2, 4});
    CHECK(place(source, 11) == Place{3, 1});
    CHECK(place(source, 13) == Place{4, 1});
    CHECK(place(source, 14) == Place{4, 2});
    CHECK(place(source, 1000) == Place{4, 2});
    CHECK(source->line(2) == "çd€e");
    CHECK(source->line(3) == "");
    CHECK(source->line(4) == "x");
    CHECK(source->line(0) == "");
    CHECK(source->line(5) == "");
}

TEST_CASE("a place leads back to its offset, in lines of any length") {
    std::string text = "\n";
    for (int i = 0; i < 3000; ++i) text += i % 7 == 0 ? "€" : i % 1000 == 999 ? "\n" : "x";
    const Source source = make_source(text);
    for (std::size_t offset = 0; offset <= text.size(); ++offset) {
        if (offset < text.size() && (static_cast<unsigned char>(text[offset]) & 0xC0U) == 0x80U) continue;
        REQUIRE(source->offset(source->position(offset)) == offset);
    }
    CHECK(source->offset({0, 1}) == text.size());
    CHECK(source->offset({1000, 1}) == text.size());
    CHECK(source->offset({1, 0}) == 0);
}

TEST_CASE("a byte order mark is no character of the first line") {
    const Source source = make_source(
        "\xEF\xBB\xBF"
        "ab\nc");
    CHECK(place(source, 0) == Place{1, 1});
    CHECK(place(source, 3) == Place{1, 1});
    CHECK(place(source, 4) == Place{1, 2});
    CHECK(source->offset({1, 2}) == 4);
    CHECK(source->line(1) == "ab");
}

TEST_CASE("an empty text has one empty line") {
    const Source source = make_source("");
    CHECK(place(source, 0) == Place{1, 1});
    CHECK(source->line(1) == "");
    CHECK(source->offset({1, 1}) == 0);
}

TEST_CASE("a value knows where its bytes stand, in each kind of string") {
    CHECK(offsets("'abc'", "abc") == Offsets{1, 2, 3, 4});
    CHECK(offsets(R"('a\tb')", R"(a\tb)") == Offsets{1, 2, 3, 4, 5});
    CHECK(offsets(R"("abc")", "abc") == Offsets{1, 2, 3, 4});
    CHECK(offsets(R"("")", "") == Offsets{1});
    CHECK(offsets(R"("a\"b")", "a\"b") == Offsets{1, 2, 4, 5});
    CHECK(offsets(R"("\\\t")", "\\\t") == Offsets{1, 3, 5});
    CHECK(offsets(R"("a\u00e9b")", "aéb") == Offsets{1, 2, 2, 8, 9});
    CHECK(offsets(R"("\U0001F600b")", "😀b") == Offsets{1, 1, 1, 1, 11, 12});
    CHECK(offsets(R"("\u20ACb")", "€b") == Offsets{1, 1, 1, 7, 8});
    CHECK(offsets("'''abc'''", "abc") == Offsets{3, 4, 5, 6});
    CHECK(offsets("'''\nab'''", "ab") == Offsets{4, 5, 6});
    CHECK(offsets("\"\"\"\na\nb\"\"\"", "a\nb") == Offsets{4, 5, 6, 7});
    CHECK(offsets("\"\"\"a\"\"b\"\"\"", "a\"\"b") == Offsets{3, 4, 5, 6, 7});
}

TEST_CASE("a backslash at the end of a line takes the line break and the spaces behind it along") {
    CHECK(offsets("\"\"\"a\\\n  \n\t b\"\"\"", "ab") == Offsets{3, 11, 12});
    CHECK(offsets("\"\"\"a\\  \n  b\"\"\"", "ab") == Offsets{3, 10, 11});
    CHECK(offsets("\"\"\"\\\n  a\"\"\"", "a") == Offsets{7, 8});
    CHECK(offsets("'''a\\\n b'''", "a\\\n b") == Offsets{3, 4, 5, 6, 7, 8});
}

TEST_CASE("line breaks of DOS stand for one character, as the parser reads them") {
    CHECK(offsets("\"\"\"\r\na\r\nb\"\"\"", "a\nb") == Offsets{5, 7, 8, 9});
    CHECK(offsets("'''\r\na\r\nb'''", "a\nb") == Offsets{5, 7, 8, 9});
    CHECK(offsets("\"\"\"a\\\r\n  b\"\"\"", "ab") == Offsets{3, 9, 10});
}

TEST_CASE("a value that does not fit its literal stays within the text") {
    for (const std::uint32_t offset : offsets("\"a\\u00", "abcdefgh")) CHECK(offset <= 12);
    CHECK(Text{}.offset(5) == 0);
    const Text text = text_of_literal("'ab'", "ab");
    CHECK(text.offset(100) == 3);
    text_at(make_source(""), 0, "abc");
}

TEST_CASE("a file is read whole, and what is none is refused with the reason") {
    test::TempRoot files;
    files.write("good.toml", "a = 1\n");
    files.write("large.toml", std::string(SourceFile::largest + 1, '#'));
    files.write("full.toml", std::string(SourceFile::largest, '#'));
    const auto path = [&](std::string_view name) { return (files.root() / name).string(); };
    std::filesystem::create_directory(path("folder.toml"));
    REQUIRE(::mkfifo(path("pipe.toml").c_str(), 0600) == 0);

    const auto good = SourceFile::read(path("good.toml"));
    REQUIRE(good);
    CHECK((*good)->text() == "a = 1\n");
    CHECK((*good)->name() == path("good.toml"));
    CHECK(SourceFile::read(path("full.toml")));
    const auto error = [&](std::string_view name) { return SourceFile::read(path(name)).error().message; };
    CHECK(error("none.toml") == path("none.toml") + ": No such file or directory");
    CHECK(error("folder.toml") == path("folder.toml") + ": not a regular file");
    CHECK(error("pipe.toml") == path("pipe.toml") + ": not a regular file");
    CHECK(error("large.toml") ==
          path("large.toml") + ": larger than 1 MiB; rules are a few KiB of text, is this the right file?");
}
