// SPDX-License-Identifier: GPL-2.0-or-later
//
// Figures over time as one row of blocks, and how far a figure has come as a bar. Each has a form in ASCII.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "memtuned/base/dimension.hpp"
#include "memtuned/base/time.hpp"

namespace memtuned::ctl {

/// The indicators of the last ten minutes.
class History {
public:
    void record(Instant at, const std::map<std::string, double>& indicators);
    /// The newest last, each column the worst of `step`; NaN where nothing was measured. Columns begin at multiples
    /// of `step`, so that a peak stays the same block while it moves to the left.
    std::vector<double> columns(const std::string& name, std::size_t count, std::chrono::seconds step) const;

private:
    struct Sample {
        Instant at;
        double value;
    };
    std::map<std::string, std::deque<Sample>> samples_;
    Instant latest_{};
};

/// What the lowest and the highest block stand for.
struct Scale {
    double low;
    double high;
};

/// From 0 for what comes and goes; around the values for sizes, of which only the change is of interest. Wide enough
/// that noise stays flat.
Scale scale_for(const std::vector<double>& values, Dimension dimension);

/// One character for each value, a blank for NaN. Whatever is above `low` shows above the lowest block.
std::string sparkline(const std::vector<double>& values, Scale scale, bool utf8);

/// `width` characters, all of them full from a `share` of 1 on and not before; blank for NaN.
std::string bar(double share, int width, bool utf8);

}  // namespace memtuned::ctl
