// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/base/dimension.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>

using namespace memtuned;
using namespace memtuned::dimension;

namespace {

using Kind = Dimension::Kind;

constexpr Dimension bytes_squared{2, 0, Kind::plain};
constexpr Dimension seconds_per_byte{-1, 1, Kind::plain};
constexpr Dimension share_per_second{0, -1, Kind::ratio};
constexpr Dimension plain_per_second{0, -1, Kind::plain};

}  // namespace

TEST_CASE("a plain number goes together with a ratio, a count and itself, and takes their kind") {
    CHECK(unify(plain, plain) == plain);
    CHECK(unify(plain, ratio) == ratio);
    CHECK(unify(ratio, plain) == ratio);
    CHECK(unify(plain, count) == count);
    CHECK(unify(count, plain) == count);
    CHECK(unify(per_second, plain_per_second) == per_second);
}

TEST_CASE("what is of different dimensions does not go together") {
    CHECK(unify(ratio, count) == std::nullopt);
    CHECK(unify(bytes, plain) == std::nullopt);
    CHECK(unify(bytes, seconds) == std::nullopt);
    CHECK(unify(bytes, bytes_per_second) == std::nullopt);
    CHECK(unify(seconds, per_second) == std::nullopt);
    CHECK(unify(per_second, share_per_second) == std::nullopt);
}

TEST_CASE("products") {
    CHECK(multiply(ratio, bytes) == bytes);
    CHECK(multiply(bytes, count) == bytes);
    CHECK(multiply(plain, plain) == plain);
    CHECK(multiply(ratio, ratio) == ratio);
    CHECK(multiply(plain, ratio) == ratio);
    CHECK(multiply(ratio, count) == count);
    CHECK(multiply(per_second, seconds) == count);
    CHECK(multiply(bytes_per_second, seconds) == bytes);
    CHECK(multiply(bytes, bytes) == bytes_squared);
}

TEST_CASE("quotients") {
    CHECK(divide(bytes, bytes) == ratio);
    CHECK(divide(seconds, seconds) == ratio);
    CHECK(divide(ratio, ratio) == ratio);
    CHECK(divide(count, count) == ratio);
    CHECK(divide(per_second, per_second) == ratio);
    CHECK(divide(plain, plain) == plain);
    CHECK(divide(ratio, plain) == ratio);
    CHECK(divide(bytes, count) == bytes);
    CHECK(divide(bytes, seconds) == bytes_per_second);
    CHECK(divide(count, seconds) == per_second);
    CHECK(divide(ratio, seconds) == share_per_second);
    CHECK(divide(bytes, bytes_per_second) == seconds);
    CHECK(divide(seconds, bytes) == seconds_per_byte);
}

TEST_CASE("exponents beyond any use stay what they are, instead of running over into useful ones") {
    Dimension product = bytes;
    for (int i = 0; i < 300; ++i) {
        product = multiply(product, bytes);
        REQUIRE(product.bytes > 1);
    }
    Dimension quotient = plain;
    for (int i = 0; i < 300; ++i) {
        quotient = divide(quotient, seconds);
        REQUIRE(quotient.seconds < 0);
    }
}

TEST_CASE("how a person says a dimension") {
    CHECK(describe(plain) == "a plain number");
    CHECK(describe(ratio) == "a ratio (%)");
    CHECK(describe(count) == "a count");
    CHECK(describe(bytes) == "bytes");
    CHECK(describe(seconds) == "a time");
    CHECK(describe(per_second) == "a number per second");
    CHECK(describe(share_per_second) == "a ratio per second");
    CHECK(describe(bytes_per_second) == "bytes per second");
    CHECK(describe(bytes_squared) == "bytes^2");
    CHECK(describe({1, 1, Kind::plain}) == "bytes times seconds");
    CHECK(describe({0, -2, Kind::plain}) == "a number per second^2");
    CHECK(describe(seconds_per_byte) == "a number times seconds per byte");
}

TEST_CASE("a quantity is written as a rule would write it") {
    struct Row {
        double value;
        Dimension dimension;
        std::string_view text;
    };
    constexpr double kib = 1024;
    constexpr double mib = kib * 1024;
    constexpr double gib = mib * 1024;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const Row rows[] = {
        {0, plain, "0"},
        {-0.0, plain, "0"},
        {42, plain, "42"},
        {-3, count, "-3"},
        {999999, count, "999999"},
        {12345678, count, "1.23e+07"},
        {3.14159, plain, "3.14"},
        {0.5, plain, "0.5"},
        {123.456, plain, "123"},
        {1234.5, plain, "1234"},
        {0.0001234, plain, "0.000123"},
        {0.1234, ratio, "12.3%"},
        {0.07, ratio, "7%"},
        {1, ratio, "100%"},
        {-0.031, ratio, "-3.1%"},
        {0, bytes, "0 B"},
        {512, bytes, "512 B"},
        {kib, bytes, "1 KiB"},
        {64 * mib, bytes, "64 MiB"},
        {1.5 * gib, bytes, "1.5 GiB"},
        {-2 * mib, bytes, "-2 MiB"},
        {2048 * gib, bytes, "2 TiB"},
        {0, seconds, "0s"},
        {0.0005, seconds, "0.5ms"},
        {0.25, seconds, "250ms"},
        {1.5, seconds, "1.5s"},
        {90, seconds, "90s"},
        {120, seconds, "2min"},
        {5400, seconds, "1.5h"},
        {129600, seconds, "36h"},
        {172800, seconds, "2d"},
        {-5, seconds, "-5s"},
        {42, per_second, "42/s"},
        {0.05, share_per_second, "5%/s"},
        {3 * mib, bytes_per_second, "3 MiB/s"},
        {mib * mib, bytes_squared, "1.1e+12 bytes^2"},
        {infinity, seconds, "never"},
        {-infinity, seconds, "-never"},
        {std::numeric_limits<double>::quiet_NaN(), bytes, "no data"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.value);
        CHECK(format_quantity(row.value, row.dimension) == row.text);
    }
}
