// SPDX-License-Identifier: GPL-2.0-or-later
//
// Dimensions of numbers: bytes, seconds, and what has neither: a ratio (5%), a count (3 zones) or a plain
// number (5), which may stand for either. A rule that compares bytes with % is refused when it is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace memtuned {

struct Dimension {
    enum class Kind : std::uint8_t { plain, ratio, count };

    std::int8_t bytes = 0;    ///< exponent of bytes
    std::int8_t seconds = 0;  ///< exponent of seconds
    Kind kind = Kind::plain;  ///< what is left besides; always plain where bytes != 0

    friend constexpr bool operator==(const Dimension&, const Dimension&) = default;
};

namespace dimension {
inline constexpr Dimension plain{0, 0, Dimension::Kind::plain};
inline constexpr Dimension ratio{0, 0, Dimension::Kind::ratio};
inline constexpr Dimension count{0, 0, Dimension::Kind::count};
inline constexpr Dimension bytes{1, 0, Dimension::Kind::plain};
inline constexpr Dimension seconds{0, 1, Dimension::Kind::plain};
inline constexpr Dimension per_second{0, -1, Dimension::Kind::count};
inline constexpr Dimension bytes_per_second{1, -1, Dimension::Kind::plain};
}  // namespace dimension

/// The dimension of a sum, a comparison or a choice between both; none where they do not go together.
/// A plain number takes the other's kind.
std::optional<Dimension> unify(Dimension a, Dimension b);

/// Dimensions of a product and of a quotient. A count spreads a whole over parts, so it vanishes beside bytes;
/// alike over alike is a ratio.
Dimension multiply(Dimension a, Dimension b);
Dimension divide(Dimension a, Dimension b);

/// How a person says it: "bytes", "a ratio (%)", "bytes per second".
std::string describe(Dimension d);

/// A value to three significant digits as a rule would write it: "12.3%", "64 MiB", "1.5s", "42/s", "3 MiB/s".
/// NaN is "no data", infinity "never".
std::string format_quantity(double value, Dimension d);

}  // namespace memtuned
