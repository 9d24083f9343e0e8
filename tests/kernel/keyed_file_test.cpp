// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/keyed_file.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

TEST_CASE("keys are matched whole") {
    KeyedText text({"pgscan_direct", "pgscan", "direct"}, ' ');
    text.parse("xpgscan_direct 1\npgscan_direct_throttle 2\npgscan_direct 3\n");
    CHECK(text.value(0) == 3);
    CHECK_FALSE(text.has(1));
    CHECK_FALSE(text.value(2));

    KeyedText memory({"Cached", "SwapCached", "Active(file)"}, ':');
    memory.parse("SwapCached:  1 kB\nActive:  9 kB\nActive(file):  2 kB\nCached:  3 kB\n");
    CHECK(memory.value(0) == 3 * 1024);
    CHECK(memory.value(1) == 1024);
    CHECK(memory.value(2) == 2 * 1024);
}

TEST_CASE("the first line and a last line without an end count too") {
    KeyedText text({"first", "last"}, ' ');
    text.parse("first 1\nlast 2");
    CHECK(text.value(0) == 1);
    CHECK(text.value(1) == 2);
    text.parse("first 3\nlast 4");
    CHECK(text.value(0) == 3);
    CHECK(text.value(1) == 4);
}

TEST_CASE("kB are bytes and what has no unit is a count") {
    KeyedText text({"MemTotal", "HugePages_Total"}, ':');
    text.parse("MemTotal:       24684084 kB\nHugePages_Total:       7\n");
    CHECK(text.value(0) == 24684084ULL * 1024);
    CHECK(text.value(1) == 7);
}

TEST_CASE("a value that is no number of 64 bits is none, and never zero") {
    KeyedText text({"key", "good"}, ':');
    for (const std::string_view value : {"", " ", "-1", "+1", "abc", "12abc", "1 2", "18446744073709551616",
                                         "18014398509481985 kB", "5 MB", "5 kBx", "0x10", "1.5"}) {
        CAPTURE(value);
        text.parse("key:" + std::string(value) + "\ngood: 5\n");
        CHECK(text.has(0));
        CHECK_FALSE(text.value(0));
        CHECK(text.value(1) == 5);
    }
    text.parse("key: 18446744073709551615\n");
    CHECK(text.value(0) == 18446744073709551615U);
    text.parse("key: 18014398509481983 kB\n");
    CHECK(text.value(0) == 18014398509481983U * 1024);
}

TEST_CASE("keys are found when what stands before them changes its length") {
    KeyedText text({"c", "a", "e"}, ' ');
    text.parse("a 9\nb 9\nc 9\nd 9\ne 9\n");
    text.parse("a 10\nb 10\nc 10\nd 10\ne 10\n");
    CHECK(text.value(0) == 10);
    CHECK(text.value(1) == 10);
    CHECK(text.value(2) == 10);
    text.parse("a 1\nb 123456789\nc 2\nd 1\ne 3\n");
    CHECK(text.value(0) == 2);
    CHECK(text.value(1) == 1);
    CHECK(text.value(2) == 3);
}

TEST_CASE("keys are found again when lines come, go or change places") {
    KeyedText text({"a", "b", "c"}, ' ');
    text.parse("a 1\nb 2\n");
    CHECK_FALSE(text.has(2));
    text.parse("a 1\nc 3\nb 2\n");
    CHECK(text.value(1) == 2);
    CHECK(text.value(2) == 3);
    text.parse("c 4\nb 5\na 6\n");
    CHECK(text.value(0) == 6);
    CHECK(text.value(1) == 5);
    CHECK(text.value(2) == 4);
    text.parse("new 0\nc 4\na 6\n");
    CHECK(text.value(0) == 6);
    CHECK_FALSE(text.has(1));
    CHECK_FALSE(text.value(1));
    CHECK(text.value(2) == 4);
    text.parse("");
    CHECK_FALSE(text.has(0));
    CHECK_FALSE(text.has(2));
    text.parse("a 1\nb 2\nc 3\n");
    CHECK(text.value(0) == 1);
    CHECK(text.value(1) == 2);
    CHECK(text.value(2) == 3);
}

TEST_CASE("a key cut off at the end of the text is not there") {
    KeyedText text({"alpha", "beta"}, ' ');
    text.parse("alpha 1\nbeta 2\n");
    text.parse("alpha 1\nbet");
    CHECK(text.value(0) == 1);
    CHECK_FALSE(text.has(1));
    text.parse("alph");
    CHECK_FALSE(text.has(0));
}

TEST_CASE("a key may be asked for twice, and a list may be empty") {
    KeyedText twice({"a", "a"}, ' ');
    twice.parse("a 1\n");
    twice.parse("a 2\n");
    CHECK(twice.value(0) == 2);
    CHECK(twice.value(1) == 2);
    KeyedText none({}, ' ');
    none.parse("a 1\n");
}

TEST_CASE("a file that cannot be read leaves no values behind") {
    test::TempRoot tree;
    KeyedFile file = KeyedFile::meminfo(tree.root(), {"MemTotal"});
    const Status missing = file.refresh();
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message == "proc/meminfo: No such file or directory");
    CHECK(missing.error().code == ENOENT);
    tree.write("proc/meminfo", "MemTotal: 1 kB\n");
    REQUIRE(file.refresh());
    CHECK(file.value(0) == 1024);
    // The kept descriptor is of a plain file here and outlives the name; another refresh still works.
    REQUIRE(file.refresh());
    CHECK(file.value(0) == 1024);
}

TEST_CASE("after a failed refresh no key has its old value") {
    KeyedText text({"a"}, ' ');
    text.parse("a 1\n");
    text.forget();
    CHECK_FALSE(text.has(0));
    CHECK_FALSE(text.value(0));
    text.parse("a 2\n");
    CHECK(text.value(0) == 2);
}

TEST_CASE("this machine's vmstat and meminfo have the keys that every kernel has") {
    KeyedFile vmstat = KeyedFile::vmstat(Root(), {"pgfault", "oom_kill", "nr_free_pages", "no_such_key"});
    REQUIRE(vmstat.refresh());
    CHECK(vmstat.value(0).value_or(0) > 0);
    CHECK(vmstat.has(1));
    CHECK(vmstat.value(2).value_or(0) > 0);
    CHECK_FALSE(vmstat.has(3));
    KeyedFile meminfo = KeyedFile::meminfo(Root(), {"MemTotal", "MemFree"});
    REQUIRE(meminfo.refresh());
    CHECK(meminfo.value(0).value_or(0) > meminfo.value(1).value_or(0));
}

TEST_CASE("refreshing vmstat allocates nothing, with and without keys that are missing") {
    KeyedFile vmstat = KeyedFile::vmstat(Root(), {"pgfault", "oom_kill", "no_such_key", "nr_free_pages"});
    REQUIRE(vmstat.refresh());
    const std::size_t before = test::allocations();
    for (int i = 0; i < 1000; ++i) CHECK(vmstat.refresh());
    CHECK(test::allocations() == before);
}

}  // namespace memtuned::kernel
