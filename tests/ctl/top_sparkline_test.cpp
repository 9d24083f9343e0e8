// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/sparkline.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <vector>

using namespace memtuned;
using namespace memtuned::ctl;
using namespace std::chrono_literals;

namespace {

constexpr double no_data = std::numeric_limits<double>::quiet_NaN();
constexpr double infinite = std::numeric_limits<double>::infinity();

Instant at(int second) {
    return Instant(std::chrono::seconds(second));
}

std::string line(const std::vector<double>& values, Dimension dimension, bool utf8 = true) {
    return sparkline(values, scale_for(values, dimension), utf8);
}

}  // namespace

TEST_CASE("a sparkline goes from the lowest block at 0 to the highest at the greatest value") {
    CHECK(line({0, 10, 20, 30, 40, 50, 60, 70}, dimension::per_second) == "▁▂▃▄▅▆▇█");
}

TEST_CASE("without UTF-8 a sparkline is made of ASCII") {
    CHECK(line({0, 10, 20, 30, 40, 50, 60, 70}, dimension::per_second, false) == ".:-=+*#@");
    CHECK(line({no_data, 0}, dimension::per_second, false) == " .");
}

TEST_CASE("what is a little above nothing can be told from nothing in a sparkline") {
    CHECK(line({0, 1, 1000}, dimension::per_second) == "▁▂█");
}

TEST_CASE("a small share stays low in a sparkline however flat the rest is") {
    CHECK(line({0, 0.001, 0.002}, dimension::ratio) == "▁▂▂");
    CHECK(line({0, 0.05, 0.5}, dimension::ratio) == "▁▂█");
}

TEST_CASE("a constant rate is full, a constant size in the middle, and a constant nothing low") {
    CHECK(line({7, 7, 7}, dimension::per_second) == "███");
    CHECK(line({4e9, 4e9}, dimension::bytes) == "▅▅");
    CHECK(line({0, 0}, dimension::bytes) == "▁▁");
    CHECK(line({0, 0}, dimension::per_second) == "▁▁");
}

TEST_CASE("noise of a size stays flat in a sparkline and a change shows") {
    CHECK(line({4.00e9, 4.01e9, 4.00e9}, dimension::bytes) == "▅▅▅");
    CHECK(line({2e9, 4e9}, dimension::bytes) == "▁█");
}

TEST_CASE("a figure below nothing is the lowest block") {
    CHECK(line({-0.5, 0, 0.5}, dimension::ratio) == "▁▅█");
}

TEST_CASE("where no value is known a sparkline is blank") {
    CHECK(line({no_data, no_data, no_data}, dimension::ratio) == "   ");
    CHECK(line({}, dimension::ratio).empty());
    CHECK(line({no_data, 1, no_data}, dimension::ratio) == " █ ");
}

TEST_CASE("a single value makes a sparkline of one block") {
    CHECK(line({0.5}, dimension::ratio) == "█");
    CHECK(line({0}, dimension::ratio) == "▁");
}

TEST_CASE("infinite values do not decide the scale of a sparkline") {
    CHECK(line({0, 70, infinite, -infinite}, dimension::per_second) == "▁██▁");
    CHECK(line({infinite}, dimension::seconds) == "█");
}

TEST_CASE("a bar is full at 1 and not before") {
    CHECK(bar(0, 4, true) == "░░░░");
    CHECK(bar(0.5, 4, true) == "██░░");
    CHECK(bar(0.999, 4, true) == "███░");
    CHECK(bar(1, 4, true) == "████");
    CHECK(bar(0.5, 4, false) == "##..");
}

TEST_CASE("a bar of something out of bounds stays within its width, and one of nothing known is blank") {
    CHECK(bar(17, 3, true) == "███");
    CHECK(bar(-1, 3, true) == "░░░");
    CHECK(bar(infinite, 3, true) == "███");
    CHECK(bar(no_data, 3, true) == "   ");
    CHECK(bar(0.5, 0, true).empty());
}

TEST_CASE("the history has one column for each step, the newest last and the worst of each") {
    History history;
    for (int second = 0; second < 10; ++second) history.record(at(second), {{"swap.in", second}});
    const auto columns = history.columns("swap.in", 6, 2s);
    REQUIRE(columns.size() == 6);
    CHECK(std::isnan(columns[0]));
    CHECK(std::vector(columns.begin() + 1, columns.end()) == std::vector<double>{1, 3, 5, 7, 9});
}

TEST_CASE("the worst of what is scarce is the least") {
    History history;
    for (const char* name : {"mem.available", "zones.headroom", "zone.free(\"0/Normal\")", "mem.used"}) {
        history.record(at(0), {{name, 3.0}});
        history.record(at(1), {{name, 2.0}});
        history.record(at(2), {{name, 4.0}});
    }
    CHECK(history.columns("mem.available", 1, 10s).front() == 2);
    CHECK(history.columns("zones.headroom", 1, 10s).front() == 2);
    CHECK(history.columns("zone.free(\"0/Normal\")", 1, 10s).front() == 2);
    CHECK(history.columns("mem.used", 1, 10s).front() == 4);
}

TEST_CASE("no data hides no value beside it in the history") {
    History history;
    history.record(at(0), {{"swap.in", 3.0}});
    history.record(at(1), {{"swap.in", no_data}});
    CHECK(history.columns("swap.in", 1, 10s).front() == 3);
}

TEST_CASE("the history of an unknown name is empty") {
    const auto columns = History().columns("swap.in", 3, 1s);
    REQUIRE(columns.size() == 3);
    for (const double value : columns) CHECK(std::isnan(value));
}

TEST_CASE("the history forgets what is older than ten minutes") {
    History history;
    history.record(at(0), {{"swap.in", 1.0}});
    history.record(at(601), {{"swap.out", 1.0}});
    for (const double value : history.columns("swap.in", 100, 10s)) CHECK(std::isnan(value));
    CHECK(history.columns("swap.out", 1, 10s).front() == 1);
}
