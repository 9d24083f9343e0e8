// SPDX-License-Identifier: GPL-2.0-or-later
//
// The recent past of indicators, for windowed functions. Trends are least-squares lines; an average weighs each value
// by the time it stands for, because samples come at varying distances. A window says "no data" until what it holds
// spans half its length: two points a tenth of a second apart are no trend.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/indicators/sample.hpp"
#include "memtuned/rules/expression.hpp"

namespace memtuned::policy {

class WindowTrends final : public rules::Trends {
public:
    /// Makes room for samples that come `shortest_interval` apart; should they come faster, the oldest give way.
    WindowTrends(std::span<const rules::Window> windows, Duration shortest_interval);

    /// Takes a sample in. After a gap the past is forgotten. Allocates nothing.
    void add(const indicators::Sample& sample);

    /// Takes over the past of the windows that look at the same indicator for as long. The keys are those that the
    /// windows' slots count in: `old_keys` for `old`, `keys` here.
    void adopt(const WindowTrends& old, std::span<const indicators::Key> old_keys,
               std::span<const indicators::Key> keys);

    double over_time(rules::WindowFunction function, std::uint32_t window) const override;
    double extrapolate(rules::WindowFunction function, std::uint32_t window, double operand) const override;

private:
    struct Point {
        Instant at;
        double value;
    };

    /// value = level + slope * (seconds since the newest point)
    struct Line {
        double level;
        double slope;
    };

    /// What was computed since the last sample: many rules ask the same of the same window.
    struct Memo {
        std::optional<double> average, least, greatest;
        std::optional<Line> line;
    };

    /// A ring of points, oldest first.
    struct Series {
        rules::Window window;
        std::vector<Point> points;
        std::size_t first = 0;
        std::size_t count = 0;
        mutable Memo memo;

        const Point& oldest() const { return points[first]; }
        const Point& newest() const { return points[(first + count - 1) % points.size()]; }
        bool covers_half() const;
        void drop_oldest();
        void age(Instant now);
        void push(Point point);
        template <class Visit>
        void visit(Visit visit) const;
    };

    static double average(const Series& series);
    static double extreme(const Series& series, bool greatest);
    static Line fit(const Series& series);
    static const Line& line(const Series& series);

    std::vector<Series> series_;
};

}  // namespace memtuned::policy
