// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/policy/trends.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <unordered_map>

#include "memtuned/base/least_squares.hpp"

namespace memtuned::policy {

using indicators::no_data;
using rules::WindowFunction;

WindowTrends::WindowTrends(std::span<const rules::Window> windows, Duration shortest_interval) {
    for (const rules::Window& window : windows) {
        const auto capacity = static_cast<std::size_t>(window.length / shortest_interval) + 3;
        series_.push_back({window, std::vector<Point>(capacity), 0, 0, {}});
    }
}

bool WindowTrends::Series::covers_half() const {
    return count >= 2 && (newest().at - oldest().at) * 2 >= window.length;
}

void WindowTrends::Series::drop_oldest() {
    first = (first + 1) % points.size();
    --count;
}

/// Without data too: what an indicator did before it fell silent says nothing of now.
void WindowTrends::Series::age(Instant now) {
    // A twentieth of slack: a timer that is a little late must not empty a window as long as the interval.
    const Duration keep = window.length + window.length / 20;
    while (count > 0 && now - oldest().at > keep) drop_oldest();
}

void WindowTrends::Series::push(Point point) {
    if (count == points.size()) drop_oldest();
    points[(first + count) % points.size()] = point;
    ++count;
}

/// From the oldest to the newest, in the two stretches that a ring is.
template <class Visit>
void WindowTrends::Series::visit(Visit visit) const {
    const std::size_t end = std::min(first + count, points.size());
    for (std::size_t i = first; i < end; ++i) visit(points[i]);
    for (std::size_t i = 0; i < first + count - end; ++i) visit(points[i]);
}

void WindowTrends::add(const indicators::Sample& sample) {
    for (Series& series : series_) {
        series.memo = {};
        if (sample.gap) series.count = 0;
        series.age(sample.at);
        const double value = sample.values[series.window.slot];
        if (!std::isnan(value)) series.push({sample.at, value});
    }
}

void WindowTrends::adopt(const WindowTrends& old, std::span<const indicators::Key> old_keys,
                         std::span<const indicators::Key> keys) {
    const auto name = [](const rules::Window& window, std::span<const indicators::Key> of) {
        return std::to_string(window.length.count()) + ' ' + to_string(of[window.slot]);
    };
    std::unordered_map<std::string, const Series*> known;
    for (const Series& series : old.series_) known.emplace(name(series.window, old_keys), &series);
    for (Series& series : series_) {
        const auto before = known.find(name(series.window, keys));
        if (before != known.end()) before->second->visit([&](const Point& point) { series.push(point); });
    }
}

double WindowTrends::average(const Series& series) {
    double weighted = 0;
    Instant last = series.oldest().at;
    series.visit([&](const Point& point) {
        weighted += point.value * seconds(point.at - last);
        last = point.at;
    });
    return weighted / seconds(series.newest().at - series.oldest().at);
}

double WindowTrends::extreme(const Series& series, bool greatest) {
    double found = series.oldest().value;
    series.visit(
        [&](const Point& point) { found = greatest ? std::max(found, point.value) : std::min(found, point.value); });
    return found;
}

/// Counted from the newest point, so that a flat series has a slope of exactly 0 whatever its level.
WindowTrends::Line WindowTrends::fit(const Series& series) {
    const Point newest = series.newest();
    LeastSquares fitted;
    series.visit([&](const Point& point) { fitted.add(seconds(point.at - newest.at), point.value - newest.value); });
    return {newest.value + fitted.level(), fitted.slope()};
}

const WindowTrends::Line& WindowTrends::line(const Series& series) {
    if (!series.memo.line) series.memo.line = fit(series);
    return *series.memo.line;
}

double WindowTrends::over_time(WindowFunction function, std::uint32_t window) const {
    const Series& series = series_[window];
    if (!series.covers_half()) return no_data;
    if (function == WindowFunction::deriv) return line(series).slope;
    const bool least = function == WindowFunction::min;
    std::optional<double>& known = function == WindowFunction::avg ? series.memo.average
                                   : least                         ? series.memo.least
                                                                   : series.memo.greatest;
    if (!known) known = function == WindowFunction::avg ? average(series) : extreme(series, !least);
    return *known;
}

double WindowTrends::extrapolate(WindowFunction function, std::uint32_t window, double operand) const {
    const Series& series = series_[window];
    if (std::isnan(operand) || !series.covers_half()) return no_data;
    const Line& trend = line(series);
    if (function == WindowFunction::predict_linear) return trend.level + trend.slope * operand;

    const double distance = operand - trend.level;
    if (distance == 0) return 0;
    const double wait = distance / trend.slope;
    // A flat or receding trend never gets there.
    return wait > 0 ? wait : std::numeric_limits<double>::infinity();
}

}  // namespace memtuned::policy
