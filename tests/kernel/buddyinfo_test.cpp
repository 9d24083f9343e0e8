// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/buddyinfo.hpp"

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

std::string refusal(std::string_view text) {
    std::vector<FreeBlocks> zones;
    const Status status = parse_buddyinfo(text, zones);
    return status ? "accepted" : status.error().message;
}

}  // namespace

TEST_CASE("free blocks are read by zone and order, as many orders as come") {
    std::vector<FreeBlocks> zones;
    REQUIRE(parse_buddyinfo("Node 0, zone      DMA      0      0      3 \nNode 12, zone   Normal    391    168 \n",
                            zones));
    REQUIRE(zones.size() == 2);
    CHECK(zones[0].node == 0);
    CHECK(zones[0].zone == "DMA");
    CHECK(zones[0].count == std::vector<std::uint64_t>{0, 0, 3});
    CHECK(zones[1].node == 12);
    CHECK(zones[1].zone == "Normal");
    CHECK(zones[1].count == std::vector<std::uint64_t>{391, 168});
    REQUIRE(parse_buddyinfo("Node 0, zone DMA 1\njunk\n", zones));
    REQUIRE(zones.size() == 1);
    CHECK(zones[0].count == std::vector<std::uint64_t>{1});
}

TEST_CASE("a broken buddyinfo is refused with the line") {
    CHECK(refusal("") == "no zones");
    CHECK(refusal("junk\n") == "no zones");
    CHECK(refusal("Node 0, zone DMA\n") == "not a zone and its free blocks: \"Node 0, zone DMA\"");
    CHECK(refusal("Node 0, zone DMA 1 x\n") == "not a zone and its free blocks: \"Node 0, zone DMA 1 x\"");
    CHECK(refusal("Node 0, zone DMA -1\n") == "not a zone and its free blocks: \"Node 0, zone DMA -1\"");
    CHECK(refusal("Node 0 zone DMA 1\n") == "not a zone and its free blocks: \"Node 0 zone DMA 1\"");
}

TEST_CASE("this machine's buddyinfo parses, and again without allocating") {
    BuddyinfoFile file{Root()};
    REQUIRE(file.refresh());
    CHECK_FALSE(file.zones().empty());
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(file.refresh());
    CHECK(test::allocations() == before);
}

TEST_CASE("a missing buddyinfo says so") {
    const test::TempRoot tree;
    BuddyinfoFile file(tree.root());
    const Status status = file.refresh();
    REQUIRE_FALSE(status);
    CHECK(status.error().message == "proc/buddyinfo: No such file or directory");
}

}  // namespace memtuned::kernel
