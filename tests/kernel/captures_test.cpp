// SPDX-License-Identifier: GPL-2.0-or-later
//
// Every reader against every capture of a real kernel, checked against a plain reading of the same text.
#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "memtuned/kernel/buddyinfo.hpp"
#include "memtuned/kernel/keyed_file.hpp"
#include "memtuned/kernel/machine.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/swaps.hpp"
#include "memtuned/kernel/zoneinfo.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

constexpr std::string_view captures[] = {"linux-6.1", "linux-6.12-numa", "linux-6.12-numa-later", "linux-6.18"};

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    return lines;
}

/// Name, value as a file of two columns or more has them.
std::vector<std::pair<std::string, std::uint64_t>> pairs_of(const std::string& text) {
    std::vector<std::pair<std::string, std::uint64_t>> pairs;
    for (const std::string& line : lines_of(text)) {
        std::istringstream words(line);
        std::string name, unit;
        std::uint64_t value = 0;
        words >> name >> value >> unit;
        if (name.ends_with(':')) name.pop_back();
        pairs.emplace_back(name, unit == "kB" ? value * 1024 : value);
    }
    return pairs;
}

/// The numbers of all lines that begin with `start`.
std::vector<std::uint64_t> column(const std::string& text, const std::string& start) {
    std::vector<std::uint64_t> numbers;
    for (const std::string& line : lines_of(text))
        if (line.starts_with(start)) numbers.push_back(std::stoull(line.substr(start.size())));
    return numbers;
}

std::vector<std::uint64_t> column(std::span<const Zone> zones, std::uint64_t Zone::*field) {
    std::vector<std::uint64_t> numbers;
    for (const Zone& zone : zones) numbers.push_back(zone.*field);
    return numbers;
}

void check_keyed(KeyedFile file, const std::vector<std::pair<std::string, std::uint64_t>>& pairs) {
    REQUIRE(file.refresh());
    for (int twice = 0; twice < 2; ++twice) {
        for (std::size_t i = 0; i < pairs.size(); ++i) {
            CAPTURE(pairs[i].first);
            CHECK(file.value(i) == pairs[i].second);
        }
        REQUIRE(file.refresh());
    }
}

std::vector<std::string> names_of(const std::vector<std::pair<std::string, std::uint64_t>>& pairs) {
    std::vector<std::string> names;
    for (const auto& [name, value] : pairs) names.push_back(name);
    return names;
}

}  // namespace

TEST_CASE("every key of a captured vmstat and meminfo is found with its value") {
    for (const std::string_view name : captures) {
        CAPTURE(name);
        const Root root = test::fixture(name);
        const auto vmstat = pairs_of(test::text_of(root, vmstat_path));
        const auto meminfo = pairs_of(test::text_of(root, meminfo_path));
        CHECK(vmstat.size() > 100);
        CHECK(meminfo.size() > 40);
        check_keyed(KeyedFile::vmstat(root, names_of(vmstat)), vmstat);
        check_keyed(KeyedFile::meminfo(root, names_of(meminfo)), meminfo);
    }
}

TEST_CASE("every zone of a captured zoneinfo has the figures of its lines") {
    for (const std::string_view name : captures) {
        CAPTURE(name);
        const std::string text = test::text_of(test::fixture(name), "proc/zoneinfo");
        ZoneinfoFile file(test::fixture(name));
        REQUIRE(file.refresh());
        CHECK(column(file.zones(), &Zone::free) == column(text, "  pages free "));
        CHECK(column(file.zones(), &Zone::min) == column(text, "        min "));
        CHECK(column(file.zones(), &Zone::low) == column(text, "        low "));
        CHECK(column(file.zones(), &Zone::high) == column(text, "        high "));
        CHECK(column(file.zones(), &Zone::boost) == column(text, "        boost "));
        CHECK(column(file.zones(), &Zone::spanned) == column(text, "        spanned "));
        CHECK(column(file.zones(), &Zone::present) == column(text, "        present "));
        CHECK(column(file.zones(), &Zone::managed) == column(text, "        managed "));
        CHECK(column(file.zones(), &Zone::cma) == column(text, "        cma "));

        std::vector<std::uint64_t> inactive;
        std::vector<std::uint64_t> write_pending;
        for (const Zone& zone : file.zones()) {
            CHECK(zone.protection.size() == 5);
            CHECK_FALSE(zone.node_unreclaimable);
            if (!zone.populated()) continue;
            inactive.push_back(zone.inactive_file);
            write_pending.push_back(zone.write_pending);
        }
        CHECK(inactive == column(text, "      nr_zone_inactive_file "));
        CHECK(write_pending == column(text, "      nr_zone_write_pending "));
    }
}

TEST_CASE("a capture with two nodes has the zones of both") {
    ZoneinfoFile file(test::fixture("linux-6.12-numa"));
    REQUIRE(file.refresh());
    CHECK(nodes_with_memory(file.zones()) == 2);
    CHECK(file.zones().front().node == 0);
    CHECK(file.zones().back().node == 1);
    ZoneinfoFile one(test::fixture("linux-6.1"));
    REQUIRE(one.refresh());
    CHECK(nodes_with_memory(one.zones()) == 1);
}

TEST_CASE("a captured buddyinfo has the populated zones of the zoneinfo") {
    for (const std::string_view name : captures) {
        CAPTURE(name);
        ZoneinfoFile zoneinfo(test::fixture(name));
        BuddyinfoFile buddyinfo(test::fixture(name));
        REQUIRE(zoneinfo.refresh());
        REQUIRE(buddyinfo.refresh());
        REQUIRE(buddyinfo.zones().size() == populated_zones(zoneinfo.zones()));
        auto blocks = buddyinfo.zones().begin();
        for (const Zone& zone : zoneinfo.zones()) {
            if (!zone.populated()) continue;
            CHECK(blocks->node == zone.node);
            CHECK(blocks->zone == zone.name);
            CHECK(blocks->count.size() == 11);
            ++blocks;
        }
    }
}

TEST_CASE("captured pressure has both lines for each resource") {
    for (const std::string_view name : captures) {
        CAPTURE(name);
        for (const Resource resource : {Resource::memory, Resource::io, Resource::cpu}) {
            PressureFile file(test::fixture(name), pressure_path(resource));
            const Result<Pressure> pressure = file.read();
            REQUIRE_MESSAGE(pressure, (pressure ? "" : pressure.error().message));
            REQUIRE(pressure->some);
            REQUIRE(pressure->full);
            CHECK(pressure->some->avg10 >= pressure->full->avg10);
            CHECK(pressure->some->total_us >= pressure->full->total_us);
        }
    }
}

TEST_CASE("captured swap areas, cpus, uptimes and boot ids are read") {
    for (const std::string_view name : captures) {
        CAPTURE(name);
        const Root root = test::fixture(name);
        SwapsFile swaps(root);
        REQUIRE(swaps.refresh());
        std::uint64_t total = 0;
        for (const Swap& swap : swaps.swaps()) total += swap.size_bytes;
        KeyedFile meminfo = KeyedFile::meminfo(root, {"SwapTotal"});
        REQUIRE(meminfo.refresh());
        CHECK(meminfo.value(0) == total);
        CHECK(*read_uptime(root) > 1);
        if (name.ends_with("-later")) continue;  // what does not move was captured once
        CHECK(*read_online_cpus(root) >= 1);
        CHECK(*read_boot_id(root) == "00000000-0000-0000-0000-000000000000");
    }
}

TEST_CASE("sixty-four zones are read like one") {
    const Root root = test::fixture("odd/64-zones");
    const std::string text = test::text_of(root, "proc/zoneinfo");
    ZoneinfoFile zoneinfo(root);
    BuddyinfoFile buddyinfo(root);
    REQUIRE(zoneinfo.refresh());
    REQUIRE(buddyinfo.refresh());
    CHECK(populated_zones(zoneinfo.zones()) == 64);
    CHECK(nodes_with_memory(zoneinfo.zones()) == 16);
    CHECK(column(zoneinfo.zones(), &Zone::high) == column(text, "        high "));
    CHECK(column(zoneinfo.zones(), &Zone::managed) == column(text, "        managed "));
    CHECK(buddyinfo.zones().size() == 64);
}

TEST_CASE("zones that hold nothing are told from those that do") {
    ZoneinfoFile zoneinfo(test::fixture("odd/unpopulated-zone"));
    REQUIRE(zoneinfo.refresh());
    for (const Zone& zone : zoneinfo.zones()) {
        CAPTURE(zone.name);
        CHECK(zone.populated() == (zone.name == "Normal"));
    }
    CHECK(zoneinfo.zones().size() == 5);
}

TEST_CASE("a zoneinfo of before 6.1 has no boost and no cma to show") {
    const std::string text = test::text_of(test::fixture("odd/old-vmstat"), "proc/zoneinfo");
    ZoneinfoFile zoneinfo(test::fixture("odd/old-vmstat"));
    REQUIRE(zoneinfo.refresh());
    CHECK(text.find("boost") == std::string::npos);
    CHECK(column(zoneinfo.zones(), &Zone::low) == column(text, "        low "));
    CHECK(column(zoneinfo.zones(), &Zone::high) == column(text, "        high "));
    for (const Zone& zone : zoneinfo.zones()) {
        CHECK(zone.boost == 0);
        CHECK(zone.cma == 0);
    }
}

}  // namespace memtuned::kernel
