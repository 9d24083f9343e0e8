// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/zoneinfo.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

// Two cpus, as 6.18 prints it, shortened in the parts that are jumped over.
constexpr std::string_view two_zones =
    "Node 0, zone      DMA\n"
    "  per-node stats\n"
    "      nr_inactive_anon 466778\n"
    "      workingset_refault_file 147641\n"
    "  pages free     3840\n"
    "        boost    0\n"
    "        min      38\n"
    "        low      47\n"
    "        high     56\n"
    "        promo    65\n"
    "        spanned  4095\n"
    "        present  3998\n"
    "        managed  3840\n"
    "        cma      0\n"
    "        protection: (0, 3019, 6603, 6603, 6603)\n"
    "      nr_free_pages 3840\n"
    "      nr_zone_inactive_anon 0\n"
    "      nr_free_cma  0\n"
    "      numa_hit     0\n"
    "  pagesets\n"
    "    cpu: 0\n"
    "              count:    0\n"
    "              high:     777\n"
    "              batch:    1\n"
    "  vm stats threshold: 4\n"
    "  node_unreclaimable:  0\n"
    "  start_pfn:           1\n"
    "Node 0, zone   Normal\n"
    "  pages free     32830\n"
    "        boost    5\n"
    "        min      9149\n"
    "        low      11436\n"
    "        high     13723\n"
    "        promo    16010\n"
    "        spanned  5505024\n"
    "        present  5505023\n"
    "        managed  917504\n"
    "        cma      6\n"
    "        protection: (0, 0, 0, 0, 0)\n"
    "      nr_free_pages 32830\n"
    "      nr_zone_inactive_anon 466778\n"
    "      nr_zone_active_anon 388\n"
    "      nr_zone_inactive_file 243617\n"
    "      nr_zone_active_file 99245\n"
    "      nr_zone_unevictable 3713\n"
    "      nr_zone_write_pending 94760\n"
    "      nr_mlock     3473\n"
    "      nr_free_cma  4\n"
    "      numa_hit     4790578\n"
    "  pagesets\n"
    "    cpu: 0\n"
    "              count:    6501\n"
    "              high:     31983\n"
    "  vm stats threshold: 24\n"
    "  node_unreclaimable:  1\n"
    "  start_pfn:           1048576\n"
    "Node 0, zone  Movable\n"
    "  pages free     0\n"
    "        boost    0\n"
    "        min      32\n"
    "        low      32\n"
    "        high     32\n"
    "        promo    32\n"
    "        spanned  0\n"
    "        present  0\n"
    "        managed  0\n"
    "        cma      0\n"
    "        protection: (0, 0, 0, 0, 0)\n";

// As 5.10 prints it: no boost, promo and cma.
constexpr std::string_view old_zone =
    "Node 1, zone   Normal\n"
    "  pages free     100\n"
    "        min      10\n"
    "        low      20\n"
    "        high     30\n"
    "        spanned  4000\n"
    "        present  4000\n"
    "        managed  3000\n"
    "        protection: (0, 0)\n"
    "      nr_free_pages 100\n"
    "      nr_zone_inactive_anon 1\n"
    "      nr_zone_active_anon 2\n"
    "      nr_zone_inactive_file 3\n"
    "      nr_zone_active_file 4\n"
    "      nr_free_cma  0\n"
    "  pagesets\n"
    "    cpu: 0\n"
    "              high:  99999\n"
    "  node_unreclaimable:  1\n"
    "  start_pfn:           1\n";

std::vector<Zone> parsed(std::string_view text) {
    std::vector<Zone> zones;
    const Status status = parse_zoneinfo(text, zones);
    REQUIRE_MESSAGE(status, (status ? "" : status.error().message));
    return zones;
}

std::string refusal(std::string_view text) {
    std::vector<Zone> zones;
    const Status status = parse_zoneinfo(text, zones);
    return status ? "accepted" : status.error().message;
}

/// `text` without the first line that contains `part` at or after `from`.
std::string without(std::string text, std::string_view part, std::string_view from = "") {
    const std::size_t at = text.find(part, text.find(from));
    const std::size_t line = text.rfind('\n', at) + 1;
    return text.erase(line, text.find('\n', at) + 1 - line);
}

}  // namespace

TEST_CASE("a zone's marks, figures and counters are read") {
    const std::vector<Zone> zones = parsed(two_zones);
    REQUIRE(zones.size() == 3);
    const Zone& normal = zones[1];
    CHECK(normal.node == 0);
    CHECK(normal.name == "Normal");
    CHECK(normal.free == 32830);
    CHECK(normal.boost == 5);
    CHECK(normal.min == 9149);
    CHECK(normal.low == 11436);
    CHECK(normal.spanned == 5505024);
    CHECK(normal.present == 5505023);
    CHECK(normal.managed == 917504);
    CHECK(normal.cma == 6);
    CHECK(normal.inactive_anon == 466778);
    CHECK(normal.active_anon == 388);
    CHECK(normal.inactive_file == 243617);
    CHECK(normal.active_file == 99245);
    CHECK(normal.unevictable == 3713);
    CHECK(normal.write_pending == 94760);
    CHECK(normal.free_cma == 4);
    CHECK(normal.protection == std::vector<std::uint64_t>{0, 0, 0, 0, 0});
    CHECK(zones[0].protection == std::vector<std::uint64_t>{0, 3019, 6603, 6603, 6603});
}

TEST_CASE("the high mark is not taken from a cpu's page lists") {
    const std::vector<Zone> zones = parsed(two_zones);
    CHECK(zones[0].high == 56);
    CHECK(zones[1].high == 13723);
    CHECK(parsed(old_zone)[0].high == 30);
}

TEST_CASE("a node that kswapd gave up on is told from one that it did not") {
    const std::vector<Zone> zones = parsed(two_zones);
    CHECK_FALSE(zones[0].node_unreclaimable);
    CHECK(zones[1].node_unreclaimable);
    CHECK_FALSE(zones[2].node_unreclaimable);
    CHECK(parsed(old_zone)[0].node_unreclaimable);
}

TEST_CASE("a zone without memory is kept and not populated") {
    const std::vector<Zone> zones = parsed(two_zones);
    CHECK(zones[0].populated());
    CHECK(zones[2].name == "Movable");
    CHECK(zones[2].low == 32);
    CHECK_FALSE(zones[2].populated());
    CHECK(populated_zones(zones) == 2);
    CHECK(nodes_with_memory(zones) == 1);
    CHECK(nodes_with_memory(parsed(std::string(two_zones) + std::string(old_zone))) == 2);
}

TEST_CASE("what an old kernel does not print is 0") {
    const std::vector<Zone> zones = parsed(old_zone);
    REQUIRE(zones.size() == 1);
    CHECK(zones[0].node == 1);
    CHECK(zones[0].boost == 0);
    CHECK(zones[0].cma == 0);
    CHECK(zones[0].managed == 3000);
    CHECK(zones[0].inactive_file == 3);
    CHECK(zones[0].write_pending == 0);
}

TEST_CASE("a populated zone without a mark is refused by node and zone") {
    const std::string text(two_zones);
    CHECK(refusal(without(text, "pages free", "Normal")) == "node 0, zone Normal: no free");
    CHECK(refusal(without(text, "  min ", "Normal")) == "node 0, zone Normal: no min");
    CHECK(refusal(without(text, "  low ", "Normal")) == "node 0, zone Normal: no low");
    CHECK(refusal(without(text, "  high ", "Normal")) == "node 0, zone Normal: no high");
    CHECK(refusal(without(text, "  high ")) == "node 0, zone DMA: no high");
    CHECK(refusal(without(text, "managed", "Normal")) == "node 0, zone Normal: no managed");
    CHECK(refusal(without(text, "managed", "Movable")) == "node 0, zone Movable: no managed");
    CHECK(refusal(without(text, "  low ", "Movable")) == "accepted");
}

TEST_CASE("a mark that is no number is missing") {
    std::string text(two_zones);
    text.replace(text.find("min      9149"), 13, "min      9x49");
    CHECK(refusal(text) == "node 0, zone Normal: no min");
    text.replace(text.find("min      9x49"), 13, "min  1844674407370955161600");
    CHECK(refusal(text) == "node 0, zone Normal: no min");
}

TEST_CASE("a text without zones and a heading that is none are refused") {
    CHECK(refusal("") == "no zones");
    CHECK(refusal("junk\n") == "no zones");
    CHECK(refusal("Node x, zone DMA\n") == "not a zone's heading: \"Node x, zone DMA\"");
    CHECK(refusal("Node 0, zone\n") == "not a zone's heading: \"Node 0, zone\"");
    CHECK(refusal("Node 0 zone DMA\n") == "not a zone's heading: \"Node 0 zone DMA\"");
}

TEST_CASE("junk around the zones is passed over") {
    const std::vector<Zone> zones =
        parsed("junk\n" + std::string(two_zones) + "more junk\n\n" + std::string(old_zone) + "x");
    REQUIRE(zones.size() == 4);
    CHECK(zones[3].node == 1);
}

TEST_CASE("every prefix of a zoneinfo parses or is refused") {
    std::vector<Zone> zones;
    for (std::size_t size = 0; size < two_zones.size(); ++size) {
        const std::string text(two_zones.substr(0, size));  // its own memory, for a sanitizer to see an overrun
        if (parse_zoneinfo(text, zones)) CHECK(zones.size() <= 3);
    }
}

TEST_CASE("nothing of an earlier text stays in the zones") {
    std::vector<Zone> zones;
    REQUIRE(parse_zoneinfo(two_zones, zones));
    REQUIRE(parse_zoneinfo(old_zone, zones));
    REQUIRE(zones.size() == 1);
    CHECK(zones[0].name == "Normal");
    CHECK(zones[0].cma == 0);
    CHECK(zones[0].protection.size() == 2);
}

TEST_CASE("a zoneinfo file that fails has no zones") {
    test::TempRoot tree;
    tree.write("proc/zoneinfo", two_zones);
    ZoneinfoFile file(tree.root());
    CHECK(file.zones().empty());
    REQUIRE(file.refresh());
    CHECK(file.zones().size() == 3);
    tree.write("proc/zoneinfo", without(std::string(two_zones), "  low "));
    const Status broken = file.refresh();
    REQUIRE_FALSE(broken);
    CHECK(broken.error().message == "proc/zoneinfo: node 0, zone DMA: no low");
    CHECK(broken.error().code == 0);
    CHECK(file.zones().empty());
    ZoneinfoFile missing(test::fixture("no such capture"));
    const Status status = missing.refresh();
    REQUIRE_FALSE(status);
    CHECK(status.error().message == "proc/zoneinfo: No such file or directory");
    CHECK(status.error().code == ENOENT);
}

TEST_CASE("this machine's zoneinfo parses, and again without allocating") {
    ZoneinfoFile file{Root()};
    REQUIRE(file.refresh());
    CHECK(populated_zones(file.zones()) > 0);
    CHECK(nodes_with_memory(file.zones()) > 0);
    for (const Zone& zone : file.zones())
        CHECK((!zone.populated() || (zone.min <= zone.low && zone.low <= zone.high)));
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(file.refresh());
    CHECK(test::allocations() == before);
}

}  // namespace memtuned::kernel
