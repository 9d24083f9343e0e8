// SPDX-License-Identifier: GPL-2.0-or-later
//
// How fast something grows: the slope of a straight line through its values of the last minute. A difference of two
// values would take one burst of file cache for a leak.
#pragma once

#include <vector>

#include "memtuned/base/time.hpp"

namespace memtuned::indicators {

class Trend {
public:
    Trend();

    /// Values come at least a second apart. Never allocates.
    void add(Instant at, double value);
    /// By time, in seconds; NaN as long as the values span less than half a minute.
    double slope() const;
    void forget() { points_.clear(); }

private:
    struct Point {
        Instant at;
        double value;
    };
    std::vector<Point> points_;  ///< the oldest first
};

}  // namespace memtuned::indicators
