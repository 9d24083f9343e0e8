// SPDX-License-Identifier: GPL-2.0-or-later
#include "workload_report.hpp"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <concepts>
#include <optional>

namespace workload {
namespace {

double in_seconds(std::int64_t ns) {
    return static_cast<double>(ns) / 1e9;
}

// --- figures ---

/// The seconds of a window in which a load was ready, alive and measured.
double active_seconds(const Report& report, std::size_t load, const Window& window) {
    const State& state = report.board.state(load);
    const std::int64_t start = report.run.start, ready = state.ready_at, ended = state.ended_at;
    if (ready == 0) return 0;
    const std::int64_t stopped = start + static_cast<std::int64_t>(report.run.elapsed_seconds * 1e9);
    const std::int64_t from = std::max(start + window.measured_from, ready);
    const std::int64_t until = std::min({start + window.until, stopped, ended == 0 ? stopped : ended});
    return in_seconds(std::max<std::int64_t>(0, until - from));
}

bool is_in(const Load& load, const Window& window) {
    return load.from < window.until && load.until > window.from;
}

struct Sum {
    Cell cell;
    double seconds = 0;
};

Sum sum_of(const Report& report, std::size_t load) {
    Sum sum;
    for (std::size_t i = 0; i < report.options.windows.size(); ++i) {
        const Cell& cell = report.board.cells(load)[i];
        sum.cell.bytes += cell.bytes;
        sum.cell.errors += cell.errors;
        for (std::size_t s = 0; s < cell.series.size(); ++s) sum.cell.series[s].merge(cell.series[s]);
        if (is_in(report.options.loads[load], report.options.windows[i]))
            sum.seconds += active_seconds(report, load, report.options.windows[i]);
    }
    return sum;
}

std::string_view how_text(Ending::How how) {
    switch (how) {
        case Ending::How::finished: return "finished";
        case Ending::How::killed: return "killed";
        case Ending::How::failed: return "failed";
        case Ending::How::stopped: break;
    }
    return "stopped";
}

// --- JSON ---

class Json {
public:
    void open(char bracket) {
        begin();
        put(bracket);
        first_ = true;
    }
    void open(std::string_view key, char bracket) {
        name(key);
        open(bracket);
    }
    void close(char bracket) {
        put(bracket);
        first_ = false;
    }
    template <class T>
    void member(std::string_view key, const T& content) {
        name(key);
        value(content);
    }
    std::string text() const { return fmt::to_string(out_) + "\n"; }

private:
    void put(char c) { out_.push_back(c); }
    void begin() {
        if (!first_ && !named_) out_.append(std::string_view(", "));
        first_ = false;
        named_ = false;
    }
    void name(std::string_view key) {
        value(key);
        out_.append(std::string_view(": "));
        named_ = true;
    }
    void value(std::string_view text) {
        begin();
        put('"');
        for (const char c : text) {
            if (c == '"' || c == '\\') put('\\');
            if (static_cast<unsigned char>(c) < 0x20)
                fmt::format_to(fmt::appender(out_), "\\u{:04x}", c);
            else
                put(c);
        }
        put('"');
    }
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(bool is) {
        begin();
        out_.append(std::string_view(is ? "true" : "false"));
    }
    void value(std::integral auto number) {
        begin();
        fmt::format_to(fmt::appender(out_), "{}", number);
    }
    void value(double number) {
        begin();
        fmt::format_to(fmt::appender(out_), "{:.3f}", number);
    }
    template <class T>
    void value(const std::optional<T>& number) {
        if (number) return value(*number);
        begin();
        out_.append(std::string_view("null"));
    }

    fmt::memory_buffer out_;
    bool first_ = true;
    bool named_ = false;
};

void put_parameter(Json& json, const Load& load, const Key& key) {
    if (const auto* text = std::get_if<std::string Load::*>(&key.member)) return json.member(key.name, load.*(*text));
    const std::int64_t value = load.*std::get<std::int64_t Load::*>(key.member);
    if (value == none) return json.member(key.name, std::optional<std::int64_t>());
    if (key.unit == Unit::time) return json.member(key.name, in_seconds(value));
    if (key.unit == Unit::flag) return json.member(key.name, value != 0);
    if (key.unit != Unit::placement) return json.member(key.name, value);
    json.member(key.name, placement_names[static_cast<std::size_t>(value)]);
}

void put_latency(Json& json, std::string_view name, const Histogram& times) {
    const auto us = [&](double ns) { return times.count() > 0 ? std::optional(ns / 1e3) : std::nullopt; };
    json.open(name, '{');
    json.member("count", times.count());
    json.member("mean_us", us(times.mean_ns()));
    json.member("p50_us", us(times.quantile_ns(0.5)));
    json.member("p99_us", us(times.quantile_ns(0.99)));
    json.member("p999_us", us(times.quantile_ns(0.999)));
    json.member("max_us", us(times.max_ns()));
    json.close('}');
}

void put_cell(Json& json, const Kind& kind, const Cell& cell, double seconds) {
    const auto rate = [&](std::uint64_t count) {
        return seconds > 0 ? std::optional(static_cast<double>(count) / seconds) : std::nullopt;
    };
    const std::uint64_t operations = cell.series[0].count();
    json.member("active_s", seconds);
    json.member("operations", operations);
    json.member("bytes", cell.bytes);
    json.member("errors", cell.errors);
    json.member("operations_per_s", rate(operations));
    json.member("bytes_per_s", rate(cell.bytes));
    for (std::size_t s = 0; s < kind.series.size(); ++s) put_latency(json, kind.series[s], cell.series[s]);
}

void put_ending(Json& json, const Load& load, const Ending& ending) {
    json.open("ended", '{');
    json.member("how", how_text(ending.how));
    json.member("signal", ending.signal != 0 ? std::optional(ending.signal) : std::nullopt);
    json.member("after_s", ending.after_seconds);
    json.member("failure", is_bad(load, ending));
    json.member("message", ending.message);
    json.close('}');
}

void put_load(Json& json, const Report& report, std::size_t index) {
    const Load& load = report.options.loads[index];
    const State& state = report.board.state(index);
    json.open('{');
    json.member("name", load.name);
    json.member("kind", load.kind->name);
    json.open("parameters", '{');
    for (const Key& key : load.kind->keys) put_parameter(json, load, key);
    for (const Key& key : common_keys())
        if (key.name != "name") put_parameter(json, load, key);
    json.close('}');
    put_ending(json, load, report.run.endings[index]);
    json.member("ready_after_s",
                state.ready_at != 0 ? std::optional(in_seconds(state.ready_at - report.run.start)) : std::nullopt);
    json.member("missed", state.missed);
    const Sum sum = sum_of(report, index);
    put_cell(json, *load.kind, sum.cell, sum.seconds);
    json.open("windows", '[');
    for (std::size_t i = 0; i < report.options.windows.size(); ++i) {
        const Window& window = report.options.windows[i];
        if (!is_in(load, window)) continue;
        json.open('{');
        json.member("from_s", in_seconds(window.from));
        json.member("until_s", in_seconds(window.until));
        put_cell(json, *load.kind, report.board.cells(index)[i], active_seconds(report, index, window));
        json.close('}');
    }
    json.close(']');
    json.close('}');
}

void put_counters(Json& json, const Reading& reading) {
    const Snapshot before = reading.before.value_or(Snapshot{}), after = reading.after.value_or(Snapshot{});
    json.open("vmstat", '{');
    for (std::size_t i = 0; i < std::size(counter_names); ++i)
        json.member(counter_names[i], growth(before.counters[i], after.counters[i]));
    json.close('}');
    json.open("psi_us", '{');
    for (std::size_t i = 0; i < std::size(pressure_names); ++i) {
        json.open(pressure_names[i], '{');
        json.member("some", growth(before.pressure[i].some_us, after.pressure[i].some_us));
        json.member("full", growth(before.pressure[i].full_us, after.pressure[i].full_us));
        json.close('}');
    }
    json.close('}');
    json.member("mem_free_bytes", after.free_bytes);
}

/// The seconds between both readings, by the clock.
std::optional<double> length_of(const Reading& reading) {
    if (!reading.before || !reading.after) return std::nullopt;
    return in_seconds(reading.after->at - reading.before->at);
}

/// From the first reading to the last.
Reading whole(const Run& run) {
    Reading all;
    for (const Reading& reading : run.windows) {
        if (!all.before) all.before = reading.before;
        if (reading.after) all.after = reading.after;
    }
    return all;
}

// --- table ---

class Table {
public:
    template <class... Parts>
    void line(fmt::format_string<Parts...> text, Parts&&... parts) {
        fmt::format_to(fmt::appender(out_), text, std::forward<Parts>(parts)...);
        out_.push_back('\n');
    }
    std::string text() const { return fmt::to_string(out_); }

private:
    fmt::memory_buffer out_;
};

void show_cell(Table& table, const Load& load, const Cell& cell, double seconds) {
    for (std::size_t s = 0; s < load.kind->series.size(); ++s) {
        const Histogram& times = cell.series[s];
        if (times.count() == 0) {
            if (s == 0) table.line("{:<16} {:<10} {:>9}", load.name, load.kind->series[s], 0);
            continue;
        }
        const double rate = seconds > 0 ? static_cast<double>(times.count()) / seconds : 0;
        const double mebi = seconds > 0 && s == 0 ? static_cast<double>(cell.bytes) / seconds / (1 << 20) : 0;
        table.line("{:<16} {:<10} {:>9} {:>9.1f} {:>8.1f} {:>11.1f} {:>11.1f} {:>11.1f} {:>11.1f} {:>11.1f}",
                   load.name, load.kind->series[s], times.count(), rate, mebi, times.mean_ns() / 1e3,
                   times.quantile_ns(0.5) / 1e3, times.quantile_ns(0.99) / 1e3, times.quantile_ns(0.999) / 1e3,
                   times.max_ns() / 1e3);
    }
}

/// Only what moved: the rest is in the JSON.
void show_counters(Table& table, const Reading& reading) {
    if (!reading.before || !reading.after) return table.line("kernel: the run did not come to this");
    std::string text;
    for (std::size_t i = 0; i < std::size(counter_names); ++i)
        if (const Count moved = growth(reading.before->counters[i], reading.after->counters[i]).value_or(0);
            *moved > 0)
            text += fmt::format(" {} {}", counter_names[i], *moved);
    for (std::size_t i = 0; i < std::size(pressure_names); ++i) {
        const Pressure &before = reading.before->pressure[i], &after = reading.after->pressure[i];
        const Count some = growth(before.some_us, after.some_us), full = growth(before.full_us, after.full_us);
        if (some)
            text += fmt::format(" psi.{} {:.1f}/{:.1f} ms", pressure_names[i], static_cast<double>(*some) / 1e3,
                                static_cast<double>(full.value_or(0)) / 1e3);
    }
    table.line("kernel:{}", text);
}

void show_ending(Table& table, const Load& load, const Ending& ending, std::uint64_t missed) {
    std::string text = ending.message;
    if (ending.how == Ending::How::finished) text = fmt::format("finished after {:.1f} s", ending.after_seconds);
    if (ending.how == Ending::How::stopped) text = "stopped";
    if (ending.how == Ending::How::failed) text = fmt::format("failed: {}", ending.message);
    table.line("{}: {}{}", load.name, text, missed > 0 ? fmt::format(", {} operations missed", missed) : "");
}

}  // namespace

std::string as_json(const Report& report) {
    const Options& options = report.options;
    utsname system{};
    ::uname(&system);
    Json json;
    json.open('{');
    json.member("kernel", std::string_view(system.release));
    json.open("clock", '{');
    json.member("source", report.clock.source);
    json.member("reading_ns", report.clock.reading_ns);
    json.close('}');
    json.member("seconds", in_seconds(options.length));
    json.member("warm_s", in_seconds(options.warm));
    json.member("settle_s", in_seconds(options.settle));
    json.member("elapsed_s", report.run.elapsed_seconds);
    json.member("interrupted", report.run.interrupted);
    json.member("locked", report.run.locked);
    json.open("loads", '[');
    for (std::size_t i = 0; i < options.loads.size(); ++i) put_load(json, report, i);
    json.close(']');
    json.open("windows", '[');
    for (std::size_t i = 0; i < options.windows.size(); ++i) {
        json.open('{');
        json.member("from_s", in_seconds(options.windows[i].from));
        json.member("until_s", in_seconds(options.windows[i].until));
        json.member("measured_from_s", in_seconds(options.windows[i].measured_from));
        json.member("measured_s", length_of(report.run.windows[i]));
        put_counters(json, report.run.windows[i]);
        json.close('}');
    }
    json.close(']');
    const Reading all = whole(report.run);
    json.member("measured_s", length_of(all));
    put_counters(json, all);
    json.close('}');
    return json.text();
}

std::string as_table(const Report& report) {
    const Options& options = report.options;
    Table table;
    for (std::size_t i = 0; i < options.windows.size(); ++i) {
        const Window& window = options.windows[i];
        table.line("from {:g} s to {:g} s, measured from {:g} s; times in microseconds, PSI as some/full",
                   in_seconds(window.from), in_seconds(window.until), in_seconds(window.measured_from));
        table.line("{:<16} {:<10} {:>9} {:>9} {:>8} {:>11} {:>11} {:>11} {:>11} {:>11}", "load", "series", "count",
                   "a second", "MiB/s", "mean", "p50", "p99", "p99.9", "max");
        for (std::size_t l = 0; l < options.loads.size(); ++l)
            if (is_in(options.loads[l], window))
                show_cell(table, options.loads[l], report.board.cells(l)[i], active_seconds(report, l, window));
        show_counters(table, report.run.windows[i]);
        table.line("");
    }
    for (std::size_t l = 0; l < options.loads.size(); ++l)
        show_ending(table, options.loads[l], report.run.endings[l], report.board.state(l).missed);
    return table.text();
}

}  // namespace workload
