// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/time_text.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <string_view>

namespace memtuned::ctl {
namespace {

using std::chrono::microseconds;

struct Unit {
    std::int64_t seconds;
    std::string_view name;
};
constexpr std::array units{Unit{86400, "d"}, Unit{3600, "h"}, Unit{60, "min"}, Unit{1, "s"}};

std::string format_whole(std::int64_t seconds) {
    for (std::size_t i = 0; i + 1 < units.size(); ++i) {
        if (seconds < units[i].seconds) continue;
        const std::int64_t whole = seconds / units[i].seconds;
        const std::int64_t rest = seconds % units[i].seconds / units[i + 1].seconds;
        if (rest == 0) return fmt::format("{}{}", whole, units[i].name);
        return fmt::format("{}{} {}{}", whole, units[i].name, rest, units[i + 1].name);
    }
    return fmt::format("{}s", seconds);
}

std::time_t to_seconds(Realtime at) {
    return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

std::string format_calendar(const std::tm& time, char between) {
    return fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", time.tm_year + 1900, time.tm_mon + 1, time.tm_mday,
                       between, time.tm_hour, time.tm_min, time.tm_sec);
}

}  // namespace

std::string format_duration(microseconds duration) {
    if (duration <= microseconds(0)) return "0s";
    if (duration < std::chrono::milliseconds(1)) return fmt::format("{}us", duration.count());
    if (duration < std::chrono::seconds(1)) return fmt::format("{}ms", duration.count() / 1000);
    if (duration >= std::chrono::seconds(10))
        return format_whole(std::chrono::floor<std::chrono::seconds>(duration).count());
    const std::int64_t tenths = duration.count() / 100000;
    return tenths % 10 == 0 ? fmt::format("{}s", tenths / 10) : fmt::format("{}.{}s", tenths / 10, tenths % 10);
}

std::string format_age(std::optional<Realtime> at, Realtime now) {
    return at ? format_duration(now - *at) + " ago" : "never";
}

std::string format_local(Realtime at) {
    const std::time_t seconds = to_seconds(at);
    std::tm time{};
    ::localtime_r(&seconds, &time);
    return format_calendar(time, ' ');
}

std::string format_utc(Realtime at) {
    const std::time_t seconds = to_seconds(at);
    std::tm time{};
    ::gmtime_r(&seconds, &time);
    const auto fraction = at - std::chrono::floor<std::chrono::seconds>(at);
    return fmt::format("{}.{:06}Z", format_calendar(time, 'T'), fraction.count());
}

}  // namespace memtuned::ctl
