// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/time_text.hpp"

#include <doctest/doctest.h>

namespace memtuned::ctl {

using namespace std::chrono_literals;

TEST_CASE("a duration has at most two units") {
    CHECK(format_duration(-5s) == "0s");
    CHECK(format_duration(0s) == "0s");
    CHECK(format_duration(5us) == "5us");
    CHECK(format_duration(400ms) == "400ms");
    CHECK(format_duration(1s) == "1s");
    CHECK(format_duration(3250ms) == "3.2s");
    CHECK(format_duration(9999ms) == "9.9s");
    CHECK(format_duration(45900ms) == "45s");
    CHECK(format_duration(60s) == "1min");
    CHECK(format_duration(725s) == "12min 5s");
    CHECK(format_duration(90min) == "1h 30min");
    CHECK(format_duration(76h + 59min) == "3d 4h");
}

TEST_CASE("an age is told from now, and what never was is told as that") {
    const Realtime now{1h};
    CHECK(format_age(now - 12s, now) == "12s ago");
    CHECK(format_age(now + 12s, now) == "0s ago");
    CHECK(format_age(std::nullopt, now) == "never");
}

TEST_CASE("a point in time for programs is in UTC, to the microsecond") {
    CHECK(format_utc(Realtime{0us}) == "1970-01-01T00:00:00.000000Z");
    CHECK(format_utc(Realtime{1'763'843'641'000'042us}) == "2025-11-22T20:34:01.000042Z");
    CHECK(format_utc(Realtime{-1us}) == "1969-12-31T23:59:59.999999Z");
}

}  // namespace memtuned::ctl
