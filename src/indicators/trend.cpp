// SPDX-License-Identifier: GPL-2.0-or-later
#include "indicators/trend.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

#include "memtuned/base/least_squares.hpp"
#include "memtuned/indicators/sample.hpp"

namespace memtuned::indicators {

namespace {

constexpr Duration window = std::chrono::seconds(60);
constexpr Duration least_span = std::chrono::seconds(30);
constexpr std::size_t most_points = 61;

}  // namespace

Trend::Trend() {
    points_.reserve(most_points);
}

void Trend::add(Instant at, double value) {
    const auto recent =
        std::find_if(points_.begin(), points_.end(), [at](const Point& point) { return at - point.at <= window; });
    points_.erase(points_.begin(), recent);
    if (points_.size() == most_points) points_.erase(points_.begin());
    points_.push_back({at, value});
}

double Trend::slope() const {
    if (points_.empty() || points_.back().at - points_.front().at < least_span) return no_data;
    const Point& first = points_.front();
    LeastSquares fitted;
    for (const Point& point : points_) fitted.add(seconds(point.at - first.at), point.value - first.value);
    return fitted.slope();
}

}  // namespace memtuned::indicators
