// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/pressure.hpp"

#include <fmt/format.h>

#include "kernel/text.hpp"

namespace memtuned::kernel {

namespace {

/// The fields of one line as they are found.
struct Fields {
    std::optional<double> avg10, avg60, avg300;
    std::optional<std::uint64_t> total;

    std::string_view missing() const {
        if (!avg10) return "avg10";
        if (!avg60) return "avg60";
        if (!avg300) return "avg300";
        return total ? std::string_view() : "total";
    }
};

std::optional<double> percent(std::string_view digits) {
    const std::optional<double> value = text::decimal(digits);
    return value ? std::optional(*value / 100) : std::nullopt;
}

/// False where the field is one of ours and its value is no number.
bool take_field(std::string_view field, Fields& into) {
    const std::size_t sign = field.find('=');
    if (sign == std::string_view::npos) return true;
    const std::string_view name = field.substr(0, sign);
    const std::string_view value = field.substr(sign + 1);
    if (name == "avg10") return (into.avg10 = percent(value)).has_value();
    if (name == "avg60") return (into.avg60 = percent(value)).has_value();
    if (name == "avg300") return (into.avg300 = percent(value)).has_value();
    if (name == "total") return (into.total = text::number<std::uint64_t>(value)).has_value();
    return true;
}

Result<StallTimes> parse_line(std::string_view who, std::string_view rest) {
    Fields fields;
    for (std::string_view field = text::take_word(rest); !field.empty(); field = text::take_word(rest))
        if (!take_field(field, fields))
            return Error{fmt::format("{} line: not a number: {}", who, text::excerpt(field)), 0};
    if (const std::string_view missing = fields.missing(); !missing.empty())
        return Error{fmt::format("{} line: no {}", who, missing), 0};
    return StallTimes{*fields.avg10, *fields.avg60, *fields.avg300, *fields.total};
}

}  // namespace

std::string_view pressure_path(Resource resource) {
    switch (resource) {
        case Resource::memory: return "proc/pressure/memory";
        case Resource::io: return "proc/pressure/io";
        case Resource::cpu: break;
    }
    return "proc/pressure/cpu";
}

Result<Pressure> parse_pressure(std::string_view text) {
    Pressure pressure;
    while (!text.empty()) {
        std::string_view line = text::take_line(text);
        const std::string_view who = text::take_word(line);
        if (who != "some" && who != "full") continue;
        Result<StallTimes> times = parse_line(who, line);
        if (!times) return times.error();
        (who == "some" ? pressure.some : pressure.full) = *times;
    }
    if (!pressure.some && !pressure.full) return Error{"neither a some nor a full line", 0};
    return pressure;
}

Result<Pressure> PressureFile::read() {
    const Result<std::string_view> text = file_.read();
    if (!text) return text.error();
    Result<Pressure> pressure = parse_pressure(*text);
    if (!pressure) return Error{file_.name() + ": " + pressure.error().message, 0};
    return pressure;
}

}  // namespace memtuned::kernel
