// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/expression.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "rules/support.hpp"

using namespace memtuned;
using namespace memtuned::rules;
using indicators::no_data;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double mib = 1024.0 * 1024;

using Values = std::map<std::string, double>;

/// Answers with what it is told to and remembers what it was asked.
class FakeTrends final : public Trends {
public:
    double over_time(WindowFunction function, std::uint32_t window) const override {
        calls.push_back({function, window, no_data});
        return answer;
    }
    double extrapolate(WindowFunction function, std::uint32_t window, double operand) const override {
        calls.push_back({function, window, operand});
        return answer;
    }

    struct Call {
        WindowFunction function;
        std::uint32_t window;
        double operand;
    };
    mutable std::vector<Call> calls;
    double answer = no_data;
};

/// A compiled expression and a sample made for it: an indicator that `values` lacks has no data and is unavailable.
class Run {
public:
    Run(const std::string& text, const Purpose& purpose, const Values& values) {
        Checked checked = check_expression(text, purpose);
        CHECK_MESSAGE(checked.compiled, text, "\n", checked.diagnostics);
        if (!checked.compiled) return;
        program = std::move(checked.compiled->program);
        needs = std::move(checked.needs);
        for (const indicators::Key& key : needs.keys) {
            const auto found = values.find(to_string(key));
            values_.push_back(found == values.end() ? no_data : found->second);
            unavailable_.push_back(found == values.end() ? 1 : 0);
        }
        sample_ = {{}, values_, unavailable_};
        scope.sample = &sample_;
        scope.trends = &trends;
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    double value() const { return program.run(scope); }

    Program program;
    Needs needs;
    FakeTrends trends;
    Scope scope;

private:
    std::vector<double> values_;
    std::vector<std::uint8_t> unavailable_;
    indicators::Sample sample_;
};

double number(const std::string& text, Dimension dimension = dimension::plain, const Values& values = {}) {
    return Run(text, {.dimension = dimension}, values).value();
}

double condition(const std::string& text, const Values& values = {}) {
    return Run(text, {.condition = true}, values).value();
}

bool unknown(double value) {
    return std::isnan(value);
}

}  // namespace

TEST_CASE("every unit stands for its size in the base unit") {
    CHECK(number("5%", dimension::ratio) == 0.05);
    CHECK(number("5 %", dimension::ratio) == 0.05);
    CHECK(number("12 B", dimension::bytes) == 12);
    CHECK(number("2KiB", dimension::bytes) == 2048);
    CHECK(number("64 MiB", dimension::bytes) == 64 * mib);
    CHECK(number("1.5 GiB", dimension::bytes) == 1536 * mib);
    CHECK(number("1 TiB", dimension::bytes) == mib * mib);
    CHECK(number("3 pages", dimension::bytes) == 3.0 * static_cast<double>(::sysconf(_SC_PAGESIZE)));
    CHECK(number("250us", dimension::seconds) == doctest::Approx(250e-6));
    CHECK(number("500ms", dimension::seconds) == 0.5);
    CHECK(number("3s", dimension::seconds) == 3);
    CHECK(number("2min", dimension::seconds) == 120);
    CHECK(number("1h", dimension::seconds) == 3600);
    CHECK(number("2d", dimension::seconds) == 172800);
    CHECK(number("100/s", dimension::per_second) == 100);
    CHECK(number("90/min", dimension::per_second) == 1.5);
    CHECK(number("1 MiB/s", dimension::bytes_per_second) == mib);
    CHECK(number("60 MiB/min", dimension::bytes_per_second) == mib);
    CHECK(number("5%/s", {0, -1, Dimension::Kind::ratio}) == 0.05);
    CHECK(number(".5") == 0.5);
    CHECK(number("0.25") == 0.25);
}

TEST_CASE("arithmetic binds as on paper") {
    CHECK(number("1 + 2 * 3") == 7);
    CHECK(number("(1 + 2) * 3") == 9);
    CHECK(number("10 - 4 - 3") == 3);
    CHECK(number("24 / 4 / 3") == 2);
    CHECK(number("2 * 6 / 3") == 4);
    CHECK(number("-2 * 3") == -6);
    CHECK(number("2 * -3") == -6);
    CHECK(number("- -2") == 2);
    CHECK(number("-(1 + 2)") == -3);
    CHECK(number("1 - -1") == 2);
    CHECK(number("5% * 200 MiB", dimension::bytes) == 10 * mib);
}

TEST_CASE("every function") {
    CHECK(number("min(3, 1)") == 1);
    CHECK(number("min(3, 1, 2)") == 1);
    CHECK(number("max(3, 1)") == 3);
    CHECK(number("max(3, 1, 7, 2, 5)") == 7);
    CHECK(number("clamp(5, 1, 3)") == 3);
    CHECK(number("clamp(-5, 1, 3)") == 1);
    CHECK(number("clamp(2, 1, 3)") == 2);
    CHECK(number("clamp(2, 5, 3)") == 3);
    CHECK(number("abs(-2)") == 2);
    CHECK(number("floor(1.7)") == 1);
    CHECK(number("floor(-1.2)") == -2);
    CHECK(number("ceil(1.2)") == 2);
    CHECK(number("round(2.5)") == 3);
    CHECK(number("round(-0.4)") == 0);
    CHECK(number("lerp(15, 10, 20, 100, 200)") == 150);
    CHECK(number("lerp(5, 10, 20, 100, 200)") == 100);
    CHECK(number("lerp(50, 10, 20, 100, 200)") == 200);
    CHECK(number("lerp(15, 20, 10, 100, 200)") == 150);
    CHECK(number("lerp(10%, 0%, 20%, 64 MiB, 128 MiB)", dimension::bytes) == 96 * mib);
}

TEST_CASE("min, max and clamp without data have none, whichever argument it is") {
    const Values none{};
    for (const char* text :
         {"min(host.cpus, 1)", "min(1, host.cpus)", "max(1, 2, host.cpus)", "clamp(host.cpus, 1, 2)",
          "clamp(1, host.cpus, 2)", "clamp(1, 1, host.cpus)", "lerp(host.cpus, 1, 2, 3, 4)"}) {
        CAPTURE(text);
        CHECK(unknown(number(text, dimension::count, none)));
    }
}

TEST_CASE("every comparison") {
    CHECK(condition("1 < 2") == 1);
    CHECK(condition("host.cpus < 2", {{"host.cpus", 2}}) == 0);
    CHECK(condition("host.cpus <= 2", {{"host.cpus", 2}}) == 1);
    CHECK(condition("host.cpus > 1", {{"host.cpus", 2}}) == 1);
    CHECK(condition("host.cpus > 2", {{"host.cpus", 2}}) == 0);
    CHECK(condition("host.cpus >= 2", {{"host.cpus", 2}}) == 1);
    CHECK(condition("host.cpus == 2", {{"host.cpus", 2}}) == 1);
    CHECK(condition("host.cpus != 2", {{"host.cpus", 2}}) == 0);
    CHECK(condition("mem.free < 5% * mem.total", {{"mem.free", mib}, {"mem.total", 100 * mib}}) == 1);
}

TEST_CASE("comparison binds before not, not before and, and before or, or before a choice") {
    const Values values{{"host.cpus", 2}, {"numa.nodes", 1}};
    CHECK(condition("not host.cpus > 5", values) == 1);
    CHECK(condition("not host.cpus > 5 and host.cpus > 5", values) == 0);
    CHECK(condition("not (host.cpus > 5 and host.cpus > 5)", values) == 1);
    CHECK(condition("host.cpus > 1 or host.cpus > 5 and numa.nodes > 5", values) == 1);
    CHECK(condition("(host.cpus > 1 or host.cpus > 5) and numa.nodes > 1", values) == 0);
    CHECK(condition("not not host.cpus > 1", values) == 1);
    CHECK(number("host.cpus > 5 or host.cpus == 2 ? 10 : 20", dimension::plain, values) == 10);
    CHECK(number("host.cpus > 5 ? 10 : host.cpus > 1 ? 20 : 30", dimension::plain, values) == 20);
    CHECK(number("host.cpus > 1 ? host.cpus > 5 ? 10 : 20 : 30", dimension::plain, values) == 20);
    CHECK(condition("host.cpus > 1 ? numa.nodes == 1 : numa.nodes > 1", values) == 1);
}

TEST_CASE("conditions of which a part is unknown follow Kleene's logic") {
    const Values values{{"host.cpus", 2}};
    const std::string yes = "host.cpus == 2";
    const std::string no = "host.cpus == 3";
    const std::string what = "host.uptime > 1s";
    CHECK(unknown(condition(what, values)));
    CHECK(unknown(condition("not " + what, values)));
    CHECK(unknown(condition(what + " and " + yes, values)));
    CHECK(unknown(condition(yes + " and " + what, values)));
    CHECK(condition(what + " and " + no, values) == 0);
    CHECK(condition(no + " and " + what, values) == 0);
    CHECK(condition(what + " or " + yes, values) == 1);
    CHECK(condition(yes + " or " + what, values) == 1);
    CHECK(unknown(condition(what + " or " + no, values)));
    CHECK(unknown(condition(no + " or " + what, values)));
    CHECK(unknown(condition(what + " or " + what, values)));
    CHECK(unknown(condition(what + " and " + what, values)));
    CHECK(unknown(condition("host.uptime != 1s", values)));
    CHECK(unknown(number(what + " ? 1 : 2", dimension::plain, values)));
    CHECK(number(yes + " ? 1 : host.cpus", dimension::count, values) == 1);
}

TEST_CASE("no data spreads through arithmetic") {
    for (const char* text : {"host.cpus + 1", "1 - host.cpus", "host.cpus * 0", "host.cpus / 2", "-host.cpus",
                             "abs(host.cpus)", "floor(host.cpus)", "ceil(host.cpus)", "round(host.cpus)"}) {
        CAPTURE(text);
        CHECK(unknown(number(text, dimension::count)));
    }
}

TEST_CASE("a division by zero while running has no data") {
    CHECK(unknown(number("1 / host.cpus", dimension::plain, {{"host.cpus", 0}})));
    CHECK(unknown(condition("mem.free / mem.total > 5%", {{"mem.free", mib}, {"mem.total", 0}})));
    CHECK(unknown(
        number("lerp(1, host.cpus, numa.nodes, 1, 2)", dimension::plain, {{"host.cpus", 2}, {"numa.nodes", 2}})));
}

TEST_CASE("an infinite time is later than any other") {
    Run run("time_to(mem.free, 0 B, 10s) < 30s", {.condition = true}, {{"mem.free", mib}});
    run.trends.answer = infinity;
    CHECK(run.value() == 0);
    run.trends.answer = 20;
    CHECK(run.value() == 1);
    run.trends.answer = no_data;
    CHECK(unknown(run.value()));
}

TEST_CASE("available() tells an indicator that this kernel lacks from one without data") {
    CHECK(condition("available(host.cpus)", {{"host.cpus", no_data}}) == 1);
    CHECK(condition("available(host.cpus)") == 0);
    CHECK(condition("available(node.free(1))", {{"node.free(1)", 0}}) == 1);
    CHECK(condition("available(host.uptime) and host.uptime > 1s or host.cpus == 2", {{"host.cpus", 2}}) == 1);
}

TEST_CASE("what is asked with available() is not needed, the rest is") {
    const Checked checked =
        check_expression("available(host.cpus) and host.cpus > 1 or host.uptime > 1s", {.condition = true});
    REQUIRE(checked.compiled);
    REQUIRE(checked.needs.keys.size() == 2);
    CHECK(to_string(checked.needs.keys[0]) == "host.cpus");
    CHECK(checked.compiled->needs == std::vector<std::uint32_t>{0, 1});
    CHECK(checked.compiled->guarded == std::vector<std::uint32_t>{0});
}

TEST_CASE("an indicator named twice is sampled once, one with another argument is another") {
    const Checked checked = check_expression(
        "node.free(0) + node.free(1) + node.free(0) > 2 * zone.free(\"0/Normal\")", {.condition = true});
    REQUIRE(checked.compiled);
    REQUIRE(checked.needs.keys.size() == 3);
    CHECK(to_string(checked.needs.keys[0]) == "node.free(0)");
    CHECK(to_string(checked.needs.keys[1]) == "node.free(1)");
    CHECK(to_string(checked.needs.keys[2]) == "zone.free(\"0/Normal\")");
}

TEST_CASE("an argument is a number, or a name in quotes of either kind") {
    CHECK(number("zone.free('0/DMA32')", dimension::bytes, {{"zone.free(\"0/DMA32\")", 7}}) == 7);
    CHECK(number("zone.free(\"0/DMA32\")", dimension::bytes, {{"zone.free(\"0/DMA32\")", 7}}) == 7);
    CHECK(number("frag.unusable( 9 )", dimension::ratio, {{"frag.unusable(9)", 0.5}}) == 0.5);
}

TEST_CASE("functions over time ask the trends for their window") {
    struct Row {
        std::string text;
        WindowFunction function;
        Dimension dimension;
    };
    const Row rows[] = {
        {"avg_over_time(mem.free, 10s)", WindowFunction::avg, dimension::bytes},
        {"min_over_time(mem.free, 10s)", WindowFunction::min, dimension::bytes},
        {"max_over_time(mem.free, 10s)", WindowFunction::max, dimension::bytes},
        {"deriv(mem.free, 10s)", WindowFunction::deriv, dimension::bytes_per_second},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        Run run(row.text, {.dimension = row.dimension}, {{"mem.free", mib}});
        run.trends.answer = 42;
        CHECK(run.value() == 42);
        REQUIRE(run.needs.windows.size() == 1);
        CHECK(run.needs.windows[0] == Window{0, std::chrono::seconds(10)});
        REQUIRE(run.trends.calls.size() == 1);
        CHECK(run.trends.calls[0].function == row.function);
        CHECK(run.trends.calls[0].window == 0);
    }
}

TEST_CASE("predict_linear hands over how far ahead, time_to the target") {
    Run ahead("predict_linear(mem.free, 10s, 2 * 5s)", {.dimension = dimension::bytes}, {{"mem.free", mib}});
    ahead.trends.answer = 7;
    CHECK(ahead.value() == 7);
    REQUIRE(ahead.trends.calls.size() == 1);
    CHECK(ahead.trends.calls[0].function == WindowFunction::predict_linear);
    CHECK(ahead.trends.calls[0].operand == 10);

    Run target("1s + time_to(mem.free, 5% * mem.total, 10s)", {.dimension = dimension::seconds},
               {{"mem.free", mib}, {"mem.total", 100 * mib}});
    target.trends.answer = 7;
    CHECK(target.value() == 8);
    REQUIRE(target.trends.calls.size() == 1);
    CHECK(target.trends.calls[0].function == WindowFunction::time_to);
    CHECK(target.trends.calls[0].operand == 5 * mib);
}

TEST_CASE("the same window over the same indicator is kept once") {
    const Checked checked = check_expression(
        "avg_over_time(mem.free, 60s) > min_over_time(mem.free, 1min) and deriv(mem.free, 30s) < 0 MiB/s and "
        "avg_over_time(mem.dirty, 60s) > 1 MiB",
        {.condition = true});
    REQUIRE(checked.compiled);
    CHECK(checked.needs.windows == std::vector<Window>{{0, std::chrono::seconds(60)},
                                                       {0, std::chrono::seconds(30)},
                                                       {1, std::chrono::seconds(60)}});
}

TEST_CASE("a window's length may be computed, exactly") {
    const auto length = [](const std::string& text) {
        const Checked checked =
            check_expression("deriv(mem.free, " + text + ")", {.dimension = dimension::bytes_per_second});
        CHECK_MESSAGE(checked.compiled, checked.diagnostics);
        return checked.needs.windows.empty() ? Duration{} : checked.needs.windows[0].length;
    };
    CHECK(length("2 * 5s") == std::chrono::seconds(10));
    CHECK(length("10s / 4") == std::chrono::milliseconds(2500));
    CHECK(length("1min - 30s") == std::chrono::seconds(30));
    CHECK(length("round(2.4) * 1s") == std::chrono::seconds(2));
    CHECK(length("floor(2.9) * 1s") == std::chrono::seconds(2));
    CHECK(length("ceil(2.1) * 1s") == std::chrono::seconds(3));
    CHECK(length("max(3s, 5s, 4s)") == std::chrono::seconds(5));
    CHECK(length("clamp(1s, 2s, 4s)") == std::chrono::seconds(2));
    CHECK(length("abs(-3s)") == std::chrono::seconds(3));
}

TEST_CASE("boot, baseline and current are those of the tunable at hand") {
    Run run("current * 2 + baseline - boot",
            {.dimension = dimension::count, .boot = true, .baseline = true, .current = true}, {});
    CHECK(unknown(run.value()));
    run.scope.boot = 60;
    run.scope.baseline = 10;
    run.scope.current = 30;
    CHECK(run.value() == 10);
}

TEST_CASE("the figures behind a decision are its indicators and functions over time, as the rule writes them") {
    Run run(
        "zones.headroom < 10% and reclaim.direct_stalls > 5/s or\n\t predict_linear( zones.free,\n 10s, 5s ) < "
        "zones.low",
        {.condition = true},
        {{"zones.headroom", -0.03}, {"reclaim.direct_stalls", 42}, {"zones.free", mib}, {"zones.low", 3 * mib}});
    run.trends.answer = 2 * mib;
    CHECK(run.program.measured(run.scope) ==
          "zones.headroom = -3%, reclaim.direct_stalls = 42/s, predict_linear( zones.free, 10s, 5s ) = 2 MiB, "
          "zones.low = 3 MiB");
}

TEST_CASE("a figure is listed once, with its argument, and without data says so") {
    Run run("node.free(0) > 1 MiB and node.free(0) < 2 MiB and host.uptime > 1s", {.condition = true},
            {{"node.free(0)", mib}});
    CHECK(run.program.measured(run.scope) == "node.free(0) = 1 MiB, host.uptime = no data");
    CHECK(Run("1 < 2", {.condition = true}, {}).program.measured({}) == "");
}

TEST_CASE("a target that is computed brings its own figures") {
    Run run("time_to(mem.free, 5% * mem.total, 10s) < 1min", {.condition = true},
            {{"mem.free", mib}, {"mem.total", 100 * mib}});
    run.trends.answer = infinity;
    CHECK(run.program.measured(run.scope) == "mem.total = 100 MiB, time_to(mem.free, 5% * mem.total, 10s) = never");
}

TEST_CASE("a program keeps its text and its dimension") {
    const Run run("64 MiB + mem.free", {.dimension = dimension::bytes}, {});
    CHECK(run.program.text == "64 MiB + mem.free");
    CHECK(run.program.dimension == dimension::bytes);
}

TEST_CASE("a program without instructions has no data") {
    CHECK(unknown(Program{}.run({})));
}

TEST_CASE("the deepest expression that is allowed runs within its stack") {
    std::string deep = "1";
    for (int i = 0; i < 46; ++i) deep = "1 + (" + deep + ")";
    CHECK(number(deep) == 47);
}

TEST_CASE("nearness is 1 where a condition holds and below that tells how alike its sides are") {
    const auto nearness = [](const std::string& text, const Values& values) {
        const Run run(text, {.condition = true}, values);
        return run.program.nearness(run.scope);
    };
    const Values values = {{"psi.memory.some.avg10", 0.05}, {"swap.in", 0}, {"mem.free", 10 * mib}};
    CHECK(nearness("psi.memory.some.avg10 > 4%", values) == 1);
    CHECK(nearness("psi.memory.some.avg10 > 10%", values) == doctest::Approx(0.5));
    CHECK(nearness("psi.memory.some.avg10 > 5%", values) == doctest::Approx(0.99));  // so near, and yet
    CHECK(nearness("mem.free < 1 MiB", values) == doctest::Approx(0.1));
    CHECK(nearness("swap.in > 1 MiB/s", values) == 0);
    CHECK(nearness("swap.in != 0 MiB/s", values) == 0);
    CHECK(nearness("psi.memory.some.avg10 > 10% and mem.free < 1 MiB", values) == doctest::Approx(0.1));
    CHECK(nearness("psi.memory.some.avg10 > 10% or mem.free < 1 MiB", values) == doctest::Approx(0.5));
    CHECK(nearness("psi.memory.some.avg10 > 10% or swap.in == 0 MiB/s", values) == 1);
    CHECK(nearness("not psi.memory.some.avg10 > 10%", values) == 1);
    CHECK(nearness("not psi.memory.some.avg10 > 4%", values) == 0);
    CHECK(std::isnan(nearness("swap.out > 1 MiB/s", values)));
    CHECK(std::isnan(nearness("swap.out > 1 MiB/s and swap.in > 1 MiB/s", values)));
    CHECK(nearness("swap.out > 1 MiB/s or psi.memory.some.avg10 > 10%", values) == doctest::Approx(0.5));
}
