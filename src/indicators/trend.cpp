// SPDX-License-Identifier: GPL-2.0-or-later
#include "indicators/trend.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>

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

/// Least squares. Times and values are counted from the first, so that what does not move has no slope, exactly.
double Trend::slope() const {
    if (points_.empty() || points_.back().at - points_.front().at < least_span) return no_data;
    const auto count = static_cast<double>(points_.size());
    const auto time = [this](const Point& point) { return seconds(point.at - points_.front().at); };
    const auto rise = [this](const Point& point) { return point.value - points_.front().value; };
    double mean_time = 0;
    double mean_rise = 0;
    for (const Point& point : points_) {
        mean_time += time(point) / count;
        mean_rise += rise(point) / count;
    }
    double together = 0;
    double spread = 0;
    for (const Point& point : points_) {
        together += (time(point) - mean_time) * (rise(point) - mean_rise);
        spread += (time(point) - mean_time) * (time(point) - mean_time);
    }
    return together / spread;
}

}  // namespace memtuned::indicators
