// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "memtuned/base/time.hpp"

namespace memtuned::indicators {

/// "No data": what a rate is in the first sample, after a counter went backwards and after a gap.
inline constexpr double no_data = std::numeric_limits<double>::quiet_NaN();

/// The values of a list of keys at one instant; slot i belongs to key i of the list the sampler was made with.
struct Sample {
    Instant at;
    std::span<const double> values;             ///< base units; NaN where there is no data
    std::span<const std::uint8_t> unavailable;  ///< 1 where this kernel or machine lacks the indicator
    bool gap = false;                           ///< too long since the last sample for any trend to hold across it
    /// For each unit, by its place in kernel::Units, one value for each indicator wanted of every unit; NaN: no data.
    std::span<const double> own = {};
    std::size_t own_width = 0;  ///< how many of them are one unit's
};

}  // namespace memtuned::indicators
