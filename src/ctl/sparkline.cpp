// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/sparkline.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace memtuned::ctl {
namespace {

constexpr Duration kept = std::chrono::minutes(10);
constexpr double no_data = std::numeric_limits<double>::quiet_NaN();

constexpr std::array<std::string_view, 8> blocks{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
constexpr std::array<std::string_view, 8> letters{".", ":", "-", "=", "+", "*", "#", "@"};

/// Of these the least of a while is the worst.
bool is_scarce(std::string_view name) {
    name = name.substr(0, name.find('('));
    return name.ends_with(".free") || name.ends_with(".available") || name.ends_with(".headroom");
}

std::int64_t place(Instant at, std::chrono::seconds step) {
    return at.time_since_epoch() / step;
}

double worse(double a, double b, bool scarce) {
    return scarce ? std::fmin(a, b) : std::fmax(a, b);
}

std::size_t level(double value, Scale scale) {
    if (!(value > scale.low)) return 0;
    if (value >= scale.high) return 7;
    return 1 + static_cast<std::size_t>((value - scale.low) / (scale.high - scale.low) * 6.999);
}

Scale around(double low, double high) {
    const double spread = std::max(high - low, 0.1 * std::abs(high));
    const double middle = (low + high) / 2;
    return {low >= 0 ? std::max(0.0, middle - spread / 2) : middle - spread / 2, middle + spread / 2};
}

}  // namespace

void History::record(Instant at, const std::map<std::string, double>& indicators) {
    latest_ = at;
    for (const auto& [name, value] : indicators) samples_[name].push_back({at, value});
    for (auto entry = samples_.begin(); entry != samples_.end();) {
        auto& samples = entry->second;
        while (!samples.empty() && samples.front().at < at - kept) samples.pop_front();
        entry = samples.empty() ? samples_.erase(entry) : std::next(entry);
    }
}

std::vector<double> History::columns(const std::string& name, std::size_t count, std::chrono::seconds step) const {
    std::vector<double> values(count, no_data);
    const auto found = samples_.find(name);
    if (found == samples_.end()) return values;
    const std::int64_t last = place(latest_, step);
    for (const Sample& sample : found->second) {
        const std::int64_t back = last - place(sample.at, step);
        if (back < 0 || back >= static_cast<std::int64_t>(count)) continue;
        double& value = values[count - 1 - static_cast<std::size_t>(back)];
        value = worse(value, sample.value, is_scarce(name));
    }
    return values;
}

Scale scale_for(const std::vector<double>& values, Dimension dimension) {
    double low = std::numeric_limits<double>::infinity();
    double high = -low;
    for (const double value : values) {
        if (!std::isfinite(value)) continue;
        low = std::min(low, value);
        high = std::max(high, value);
    }
    if (low > high) return {0, 1};
    if (dimension == dimension::bytes) return around(low, high);
    // A tenth of a share is the least that is worth a full block.
    return {std::min(low, 0.0), dimension == dimension::ratio ? std::max(high, 0.1) : high};
}

std::string sparkline(const std::vector<double>& values, Scale scale, bool utf8) {
    std::string text;
    for (const double value : values)
        text += std::isnan(value) ? std::string_view(" ") : (utf8 ? blocks : letters)[level(value, scale)];
    return text;
}

std::string bar(double share, int width, bool utf8) {
    const double filled = std::isnan(share) ? 0 : std::floor(std::clamp(share, 0.0, 1.0) * width);
    std::string text;
    for (int cell = 0; cell < width; ++cell) {
        if (std::isnan(share))
            text += ' ';
        else if (cell < filled)
            text += utf8 ? "█" : "#";
        else
            text += utf8 ? "░" : ".";
    }
    return text;
}

}  // namespace memtuned::ctl
