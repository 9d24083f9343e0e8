// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/catalogue.hpp"

#include <doctest/doctest.h>

#include <set>
#include <string>

using namespace memtuned;
using namespace memtuned::tunables;

TEST_CASE("the catalogue names each tunable once and find() finds it by its whole name") {
    std::set<std::string_view> names, paths;
    for (std::size_t i = 0; i < catalogue().size(); ++i) {
        names.insert(catalogue()[i].name);
        paths.insert(catalogue()[i].path);
        CHECK(find(catalogue()[i].name) == i);
    }
    CHECK(names.size() == 14);
    CHECK(paths.size() == 14);
    CHECK_FALSE(find("vm.swap"));
    CHECK_FALSE(find("vm.swappiness "));
    CHECK_FALSE(find("swappiness"));
    CHECK_FALSE(find(""));
}

TEST_CASE("a tunable's path is its name under proc/sys") {
    for (const Tunable& tunable : catalogue())
        CHECK(std::string(tunable.path) == "proc/sys/vm/" + std::string(tunable.name.substr(3)));
}

TEST_CASE("limits of the catalogue lie within each other") {
    for (const Tunable& tunable : catalogue()) {
        CAPTURE(tunable.name);
        CHECK(tunable.minimum <= tunable.safe_minimum);
        CHECK(tunable.safe_minimum <= tunable.safe_maximum);
        CHECK(tunable.safe_maximum <= tunable.maximum);
        CHECK(tunable.older_maximum <= tunable.maximum);
        CHECK(tunable.minimum <= tunable.older_maximum);
        CHECK(static_cast<std::int64_t>(static_cast<double>(tunable.maximum)) == tunable.maximum);
    }
}

TEST_CASE("every tunable has a pace, a unit and a line of help") {
    for (const Tunable& tunable : catalogue()) {
        CAPTURE(tunable.name);
        CHECK(tunable.least_interval >= std::chrono::seconds(1));
        CHECK((tunable.greatest_step > 0 || tunable.greatest_factor > 1));
        CHECK(tunable.greatest_factor >= 1);
        CHECK(tunable.unit > 0);
        CHECK_FALSE(tunable.help.empty());
        CHECK(tunable.help.find('\n') == std::string_view::npos);
    }
}

TEST_CASE("twins name each other and start from no step of their own") {
    int twins = 0;
    for (std::size_t i = 0; i < catalogue().size(); ++i) {
        const std::size_t twin = catalogue()[i].twin;
        if (twin == no_twin) continue;
        ++twins;
        REQUIRE(twin < catalogue().size());
        CHECK(catalogue()[twin].twin == i);
        CHECK(catalogue()[twin].dimension != catalogue()[i].dimension);
    }
    CHECK(twins == 4);
    CHECK(catalogue()[*find("vm.dirty_bytes")].twin == find("vm.dirty_ratio"));
    CHECK(catalogue()[*find("vm.dirty_background_ratio")].twin == find("vm.dirty_background_bytes"));
}

TEST_CASE("the triggers are drop_caches and compact_memory, once a minute at most") {
    for (const Tunable& tunable : catalogue()) {
        CHECK(tunable.trigger == (tunable.name == "vm.drop_caches" || tunable.name == "vm.compact_memory"));
        if (tunable.trigger) CHECK(tunable.least_interval == std::chrono::minutes(1));
    }
}

TEST_CASE("units turn kernel values into base units") {
    CHECK(catalogue()[*find("vm.min_free_kbytes")].dimension == dimension::bytes);
    CHECK(catalogue()[*find("vm.min_free_kbytes")].unit == 1024);
    CHECK(catalogue()[*find("vm.dirty_ratio")].dimension == dimension::ratio);
    CHECK(catalogue()[*find("vm.dirty_ratio")].unit == 0.01);
    CHECK(catalogue()[*find("vm.dirty_bytes")].dimension == dimension::bytes);
    CHECK(catalogue()[*find("vm.swappiness")].dimension == dimension::count);
}
