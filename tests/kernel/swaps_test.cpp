// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/swaps.hpp"

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

constexpr std::string_view heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

std::vector<Swap> parsed(std::string_view lines) {
    std::vector<Swap> swaps;
    REQUIRE(parse_swaps(std::string(heading) + std::string(lines), swaps));
    return swaps;
}

std::string refusal(std::string_view text) {
    std::vector<Swap> swaps;
    const Status status = parse_swaps(text, swaps);
    return status ? "accepted" : status.error().message;
}

}  // namespace

TEST_CASE("swap areas are read with sizes in bytes") {
    const std::vector<Swap> swaps = parsed(
        "/dev/zram0                              partition\t262140\t\t16384\t\t100\n"
        "/swapfile                               file\t\t1048572\t\t0\t\t-2\n");
    REQUIRE(swaps.size() == 2);
    CHECK(swaps[0].name == "/dev/zram0");
    CHECK(swaps[0].type == "partition");
    CHECK(swaps[0].size_bytes == 262140U * 1024);
    CHECK(swaps[0].used_bytes == 16384U * 1024);
    CHECK(swaps[0].priority == 100);
    CHECK(swaps[0].on_zram());
    CHECK(swaps[1].type == "file");
    CHECK(swaps[1].priority == -2);
    CHECK_FALSE(swaps[1].on_zram());
}

TEST_CASE("no swap is an empty list") {
    CHECK(parsed("").empty());
    CHECK(refusal("") == "accepted");
}

TEST_CASE("names with blanks, tabs and backslashes are read as they are") {
    const std::vector<Swap> swaps = parsed("/my\\040swap\\011\\134x\\04 file 4 0 -2\n");
    REQUIRE(swaps.size() == 1);
    CHECK(swaps[0].name == "/my swap\t\\x\\04");
}

TEST_CASE("only zram devices are zram") {
    CHECK(parsed("/dev/zram12 partition 4 0 5\n")[0].on_zram());
    for (const std::string_view name :
         {"/dev/zram", "/dev/zramx", "/dev/sda2", "/zram0", "/home/zram0/swap", "/dev/zram0p1"}) {
        CAPTURE(name);
        CHECK_FALSE(parsed(std::string(name) + " file 4 0 5\n")[0].on_zram());
    }
}

TEST_CASE("a broken swap area is refused with the line, and other lines are passed over") {
    CHECK(refusal("/dev/sda2 partition 4 0\n") == "not a swap area: \"/dev/sda2 partition 4 0\"");
    CHECK(refusal("/dev/sda2 partition x 0 -2\n") == "not a swap area: \"/dev/sda2 partition x 0 -2\"");
    CHECK(parsed("junk\n").empty());
}

TEST_CASE("reading the same swap areas again allocates nothing") {
    test::TempRoot tree;
    tree.write("proc/swaps", std::string(heading) + "/a/swap/file/with/a/long/name file 4 0 -2\n");
    SwapsFile file(tree.root());
    REQUIRE(file.refresh());
    REQUIRE(file.swaps().size() == 1);
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(file.refresh());
    CHECK(test::allocations() == before);
}

TEST_CASE("this machine's swap areas parse") {
    SwapsFile file{Root()};
    CHECK(file.refresh());
}

}  // namespace memtuned::kernel
