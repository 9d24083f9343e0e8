// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/base/dimension.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

namespace memtuned {
namespace {

using Kind = Dimension::Kind;

/// Exponents nobody has a use for are cut off rather than let run over into ones that mean something.
std::int8_t exponent(int value) {
    return static_cast<std::int8_t>(std::clamp(value, -99, 99));
}

Dimension make(int bytes, int seconds, Kind kind) {
    return {exponent(bytes), exponent(seconds), bytes != 0 ? Kind::plain : kind};
}

struct Scale {
    double size;
    std::string_view unit;
};

/// The largest unit that leaves at least one whole of it.
template <std::size_t N>
Scale scale_for(double value, const std::array<Scale, N>& scales) {
    for (const Scale& scale : scales)
        if (std::abs(value) >= scale.size) return scale;
    return scales.back();
}

/// Three significant digits, without a trailing ".0"; whole numbers below a million are kept whole.
std::string digits(double value) {
    const double size = std::abs(value);
    if (size == 0) return "0";
    if (size >= 1e6 || size < 0.001) return fmt::format("{:.3g}", value);
    if (size >= 1000 || value == std::round(value)) return fmt::format("{:.0f}", value);
    std::string text = fmt::format("{:.{}f}", value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3);
    if (text.find('.') == std::string::npos) return text;
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
    return text;
}

constexpr std::array<Scale, 5> byte_scales{
    {{1099511627776.0, " TiB"}, {1073741824.0, " GiB"}, {1048576.0, " MiB"}, {1024.0, " KiB"}, {0.0, " B"}}};
/// 90s rather than 1.5min, 36h rather than 1.5d.
constexpr std::array<Scale, 5> time_scales{{{172800.0, "d"}, {3600.0, "h"}, {120.0, "min"}, {1.0, "s"}, {0.0, "ms"}}};

std::string format_bytes(double value) {
    const Scale scale = scale_for(value, byte_scales);
    return digits(scale.size > 0 ? value / scale.size : value) + std::string(scale.unit);
}

std::string format_time(double value) {
    if (value == 0) return "0s";
    const Scale scale = scale_for(value, time_scales);
    const double size = scale.unit == "ms"    ? 0.001
                        : scale.unit == "min" ? 60.0
                        : scale.unit == "d"   ? 86400.0
                                              : scale.size;
    return digits(value / size) + std::string(scale.unit);
}

std::string format_base(double value, Dimension d) {
    if (d.bytes == 1) return format_bytes(value);
    if (d.seconds == 1) return format_time(value);
    if (d.kind == Kind::ratio) return digits(value * 100) + "%";
    return digits(value);
}

std::string power(std::string_view unit, int exponent) {
    return exponent == 1 ? std::string(unit) : fmt::format("{}^{}", unit, exponent);
}

}  // namespace

std::optional<Dimension> unify(Dimension a, Dimension b) {
    if (a.bytes != b.bytes || a.seconds != b.seconds) return std::nullopt;
    if (a.kind == b.kind || b.kind == Kind::plain) return a;
    if (a.kind == Kind::plain) return b;
    return std::nullopt;
}

Dimension multiply(Dimension a, Dimension b) {
    const bool counts = a.kind == Kind::count || b.kind == Kind::count;
    const bool ratios = a.kind == Kind::ratio || b.kind == Kind::ratio;
    return make(a.bytes + b.bytes, a.seconds + b.seconds, counts ? Kind::count : ratios ? Kind::ratio : Kind::plain);
}

Dimension divide(Dimension a, Dimension b) {
    Kind kind = a.kind;
    const bool alike = a == b && a != dimension::plain;
    if (alike || (a.kind == Kind::count && b.kind == Kind::count)) kind = Kind::ratio;
    return make(a.bytes - b.bytes, a.seconds - b.seconds, kind);
}

std::string describe(Dimension d) {
    if (d == dimension::plain) return "a plain number";
    if (d == dimension::ratio) return "a ratio (%)";
    if (d == dimension::count) return "a count";
    if (d == dimension::bytes) return "bytes";
    if (d == dimension::seconds) return "a time";
    std::string above = d.bytes > 0 ? power("bytes", d.bytes) : d.kind == Kind::ratio ? "a ratio" : "a number";
    if (d.seconds > 0) above += " times " + power("seconds", d.seconds);
    if (d.seconds < 0) above += d.seconds == -1 ? " per second" : " per " + power("second", -d.seconds);
    if (d.bytes < 0) above += " per " + power("byte", -d.bytes);
    return above;
}

std::string format_quantity(double value, Dimension d) {
    if (std::isnan(value)) return "no data";
    if (std::isinf(value)) return value > 0 ? "never" : "-never";
    if (d.seconds == -1 && (d.bytes == 0 || d.bytes == 1)) {
        Dimension base = d;
        base.seconds = 0;
        return format_base(value, base) + "/s";
    }
    if (d.bytes < 0 || d.bytes > 1 || d.seconds < 0 || d.seconds > 1 || (d.bytes == 1 && d.seconds == 1))
        return fmt::format("{:.3g} {}", value, describe(d));
    return format_base(value, d);
}

}  // namespace memtuned
