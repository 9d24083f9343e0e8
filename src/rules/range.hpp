// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interval arithmetic: which values an expression can take on a machine, to warn of what can never hold. Where a
// bound is not known it is infinite; a result is never narrower than the truth.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace memtuned::rules {

struct Range {
    double low = -std::numeric_limits<double>::infinity();
    double high = std::numeric_limits<double>::infinity();

    bool single() const { return low == high; }
};

inline double bounded_product(double a, double b) {
    return a == 0 || b == 0 ? 0 : a * b;
}

inline Range operator-(Range a) {
    return {-a.high, -a.low};
}
inline Range operator+(Range a, Range b) {
    return {a.low + b.low, a.high + b.high};
}
inline Range operator-(Range a, Range b) {
    return a + -b;
}

inline Range operator*(Range a, Range b) {
    const auto [low, high] = std::minmax({bounded_product(a.low, b.low), bounded_product(a.low, b.high),
                                          bounded_product(a.high, b.low), bounded_product(a.high, b.high)});
    return {low, high};
}

inline Range operator/(Range a, Range b) {
    if (b.low <= 0 && b.high >= 0) return {};
    if (a.single() && b.single()) return {a.low / b.low, a.low / b.low};
    return a * Range{1 / b.high, 1 / b.low};
}

inline Range hull(Range a, Range b) {
    return {std::min(a.low, b.low), std::max(a.high, b.high)};
}
inline Range least(Range a, Range b) {
    return {std::min(a.low, b.low), std::min(a.high, b.high)};
}
inline Range greatest(Range a, Range b) {
    return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

}  // namespace memtuned::rules
