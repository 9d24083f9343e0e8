// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace memtuned {

/// The straight line through points with the least sum of squared distances. Give times and values as counted from
/// one of the points: then what does not move has a slope of exactly 0, whatever its level.
class LeastSquares {
public:
    void add(double time, double value) {
        ++count_;
        time_ += time;
        value_ += value;
        time_time_ += time * time;
        time_value_ += time * value;
    }
    /// By time. Wants two points at least, of different times.
    double slope() const { return (time_value_ - time_ * value_ / count_) / (time_time_ - time_ * time_ / count_); }
    /// Of the line at time 0.
    double level() const { return (value_ - slope() * time_) / count_; }

private:
    double count_ = 0;
    double time_ = 0;
    double value_ = 0;
    double time_time_ = 0;
    double time_value_ = 0;
};

}  // namespace memtuned
