// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the checker says of expressions, to the letter. Places are counted in the expression, from 1.
#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "memtuned/rules/expression_compiler.hpp"
#include "rules/support.hpp"

using namespace memtuned;
using namespace memtuned::rules;

namespace {

const Purpose condition{.condition = true, .subject = "`when`"};
const Purpose reserve{.dimension = dimension::bytes, .subject = "vm.min_free_kbytes", .boot = true};
const Purpose dirty_share{.dimension = dimension::ratio, .subject = "vm.dirty_ratio"};
const Purpose delay{.dimension = dimension::seconds, .subject = "`for`", .constant = true};
const Purpose swappiness{
    .dimension = dimension::count, .subject = "vm.swappiness", .boot = true, .baseline = true, .current = true};

/// Diagnostics without the excerpt.
std::string brief(const std::string& text, const Purpose& purpose,
                  const Surroundings& surroundings = some_machine()) {
    Needs needs;
    Diagnostics diagnostics;
    const auto compiled = compile_expression(expression_text(text), purpose, surroundings, needs, diagnostics);
    CHECK(compiled.has_value() != diagnostics.has_errors());
    std::string all;
    for (const Diagnostic& d : diagnostics.sorted()) {
        all += std::to_string(d.at.column - 3);
        all += d.severity == Diagnostic::Severity::error ? ": error: " : ": warning: ";
        all += d.message + "\n";
        if (!d.help.empty()) all += "   = " + d.help + "\n";
    }
    return all;
}

struct Row {
    const Purpose& purpose;
    std::string text;
    std::string_view diagnostics;
};

void check_all(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.text);
        CHECK(brief(row.text, row.purpose) == row.diagnostics);
    }
}

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
}

}  // namespace

TEST_CASE("words and signs that are none of the language") {
    check_all({
        {condition, "psi.memory.some.avg10 > 5% && mem.free < 1 MiB",
         "28: error: `&&` is not an operator here\n"
         "   = write and\n"},
        {condition, "psi.memory.some.avg10 > 5% || mem.free < 1 MiB",
         "28: error: `||` is not an operator here\n"
         "   = write or\n"},
        {condition, "!(psi.memory.some.avg10 > 5%)",
         "1: error: `!` is not an operator here\n"
         "   = write not\n"},
        {condition, "psi.memory.some.avg10 = 5%",
         "23: error: `=` is not an operator here\n"
         "   = write ==\n"},
        {condition, "psi.memory.some.avg10 <> 5%",
         "23: error: `<>` is not an operator here\n"
         "   = write !=\n"},
        {condition, "psi.memory.some.avg10 > 5% AND mem.free < 1 MiB",
         "28: error: `AND` is not an operator here\n"
         "   = write and\n"},
        {condition, "mem.free < 64 MB",
         "12: error: `MB` is not a unit\n"
         "   = write 64 MiB\n"},
        {condition, "mem.free < 64MB",
         "12: error: `MB` is not a unit\n"
         "   = write 64 MiB\n"},
        {condition, "mem.free < 64 kB",
         "12: error: `kB` is not a unit\n"
         "   = write 64 KiB\n"},
        {condition, "host.uptime > 5m",
         "15: error: `m` is not a unit\n"
         "   = write 5 min\n"},
        {condition, "host.uptime > 5 fortnights",
         "15: error: `fortnights` is not a unit\n"
         "   = units are: % B KiB MiB GiB TiB pages us ms s min h d, and /s /min /h after any of them\n"},
        {condition, "psi.memory.some.avg10 > 5 percent",
         "25: error: `percent` is not a unit\n"
         "   = write 5%\n"},
        {condition, "zone.free(\"0/Normal) > 1 MiB", "11: error: this quote is never closed\n"},
        {condition, "é > 5", "1: error: `é` has no meaning in an expression\n"},
        {condition, "mem.free > 5 é", "14: error: `é` has no meaning in an expression\n"},
        {condition, "mem.free $ 5", "10: error: `$` has no meaning in an expression\n"},
        {swappiness, "'abc", "1: error: this quote is never closed\n"},
    });
}

TEST_CASE("expressions that do not hang together") {
    check_all({
        {condition, "", "1: error: the expression ends where a number or a name should be\n"},
        {condition, "1 <", "4: error: the expression ends where a number or a name should be\n"},
        {condition, "psi.memory.some.avg10 >> 5%", "24: error: `>` stands where a number or a name should be\n"},
        {condition, "1 < 2 < 3",
         "7: error: comparisons do not chain\n"
         "   = join two of them: a < b and b < c\n"},
        {condition, "1 < host.cpus <= 3",
         "15: error: comparisons do not chain\n"
         "   = join two of them: a <= b and b <= c\n"},
        {condition, "(host.cpus > 1",
         "15: error: the expression ends where `)` to close this parenthesis should be\n"},
        {condition, "host.cpus > 1)", "14: error: `)` stands where the end of the expression should be\n"},
        {condition, "host.cpus > 1 host.cpus > 2",
         "15: error: `host.cpus` stands where the end of the expression should be\n"},
        {condition, "host.cpus > 1 and", "18: error: the expression ends where a number or a name should be\n"},
        {condition, "and host.cpus > 1", "1: error: `and` stands where a number or a name should be\n"},
        {condition, "not", "4: error: the expression ends where a number or a name should be\n"},
        {condition, "host.cpus > 1 + not 2", "17: error: `not` stands where a number or a name should be\n"},
        {swappiness, "host.cpus > 1 ? 1",
         "18: error: the expression ends where `:` and the value for when the condition does not hold should be\n"},
        {swappiness, "min()", "5: error: `)` stands where a number or a name should be\n"},
        {swappiness, "avg_over_time(host.cpus)",
         "24: error: `)` stands where `,` as in avg_over_time(indicator, window) should be\n"},
        {swappiness, "avg_over_time(5, 10s)", "15: error: `5` stands where an indicator should be\n"},
        {swappiness, "avg_over_time(host.cpus + 1, 10s)",
         "25: error: `+` stands where `,` as in avg_over_time(indicator, window) should be\n"},
        {swappiness, "predict_linear(host.cpus, 10s)",
         "30: error: `)` stands where `,` as in predict_linear(indicator, window, ahead) should be\n"},
        {condition, "time_to(mem.free, 10s) < 10s",
         "22: error: `)` stands where `,` as in time_to(indicator, target, window) should be\n"},
        {reserve, "boot(1)", "5: error: `(` stands where the end of the expression should be\n"},
        {swappiness, "1e5", "2: error: `e5` stands where the end of the expression should be\n"},
        {swappiness, "0x10", "2: error: `x10` stands where the end of the expression should be\n"},
        {swappiness, "1.2.3", "4: error: `.3` stands where the end of the expression should be\n"},
        {swappiness, "1,5", "2: error: `,` stands where the end of the expression should be\n"},
        {swappiness, "\"abc\"", "1: error: `\"abc\"` stands where a number or a name should be\n"},
    });
}

TEST_CASE("names that there are not, and arguments that are none") {
    check_all({
        {condition, "psi.memory.sme.avg10 > 5%",
         "1: error: there is no indicator or function `psi.memory.sme.avg10`\n"
         "   = did you mean psi.memory.some.avg10?\n"},
        {condition, "foo > 5%",
         "1: error: there is no indicator or function `foo`\n"
         "   = memtuned --indicators lists the indicators\n"},
        {condition, "meminfo.free > 5%",
         "1: error: there is no indicator or function `meminfo.free`\n"
         "   = did you mean mem.free?\n"},
        {swappiness, "avg_over_time(host.cpu, 10s)",
         "15: error: there is no indicator or function `host.cpu`\n"
         "   = did you mean host.cpus?\n"},
        {condition, "available(mem.fre)",
         "11: error: there is no indicator or function `mem.fre`\n"
         "   = did you mean mem.free?\n"},
        {condition, "available(5)", "11: error: `5` stands where an indicator should be\n"},
        {condition, "available mem.free",
         "1: error: `available` is a function and wants its arguments\n"
         "   = write available(indicator)\n"
         "11: error: `mem.free` stands where the end of the expression should be\n"},
        {condition, "available(mem.free", "19: error: the expression ends where `)` after the indicator should be\n"},
        {condition, "node.free > 1 MiB",
         "10: error: node.free wants the number of a node; write, for example, node.free(0)\n"},
        {condition, "node.free(x) > 1 MiB", "11: error: `x` stands where a name in quotes or a number should be\n"},
        {condition, "node.free(\"a\") > 1 MiB",
         "11: error: node.free wants the number of a node; write, for example, node.free(0)\n"},
        {condition, "node.free() > 1 MiB", "11: error: `)` stands where a name in quotes or a number should be\n"},
        {condition, "node.free(0.5) > 1 MiB",
         "11: error: node.free wants the number of a node; write, for example, node.free(0)\n"},
        {condition, "node.free(5%) > 1 MiB", "11: error: `5%` stands where a name in quotes or a number should be\n"},
        {condition, "mem.free(0) > 1 MiB", "10: error: `mem.free` takes no argument\n"},
        {condition, "zone.free(0/Normal) > 1 MiB", "12: error: `/` stands where `)` after the argument should be\n"},
        {condition, "zone.free(\"Normal\") > 1 MiB",
         "11: error: zone.free wants a zone as \"NODE/NAME\"; write, for example, zone.free(\"0/Normal\")\n"},
        {condition, "frag.unusable(99) > 1%",
         "15: error: frag.unusable wants an order from 0 to 63, of blocks of 2^order pages; write, for example, "
         "frag.unusable(9)\n"},
        {swappiness, "true",
         "1: error: there is no indicator or function `true`\n"
         "   = memtuned --indicators lists the indicators\n"},
        {condition, "mem.free/s > 5 MiB",
         "10: error: there is no indicator or function `s`\n"
         "   = memtuned --indicators lists the indicators\n"},
        {condition, "100 / s > 5",
         "7: error: there is no indicator or function `s`\n"
         "   = memtuned --indicators lists the indicators\n"},
        {condition, "psi.memory.some.avg10 > 5% and mem.fre < 1 MiB or swap.i > 1 MiB/s",
         "32: error: there is no indicator or function `mem.fre`\n"
         "   = did you mean mem.free?\n"
         "51: error: there is no indicator or function `swap.i`\n"
         "   = did you mean swap.in?\n"},
        {condition, "psi.memory > 5%",
         "1: error: there is no indicator or function `psi.memory`\n"
         "   = memtuned --indicators lists the indicators\n"},
        {condition, "memory.psi.some > 5%",
         "1: error: there is no indicator or function `memory.psi.some`\n"
         "   = memtuned --indicators lists the indicators\n"},
    });
}

TEST_CASE("what is wrong with a dimension") {
    check_all({
        {condition, "mem.free < 5%",
         "12: error: `mem.free` is bytes, `5%` is a ratio (%): they cannot be compared\n"
         "   = write a number such as 64 MiB, or a share of memory: 5% * mem.total\n"},
        {condition, "mem.free > 5",
         "12: error: `mem.free` is bytes, `5` is a plain number: they cannot be compared\n"
         "   = write a number such as 64 MiB, or a share of memory: 5% * mem.total\n"},
        {condition, "mem.free + swap.in > 1 MiB",
         "12: error: `mem.free` is bytes, `swap.in` is bytes per second: they cannot be added\n"},
        {condition, "psi.memory.some.avg10",
         "1: error: `when` wants a condition, `psi.memory.some.avg10` is a ratio (%)\n"
         "   = compare it: psi.memory.some.avg10 > 5%\n"},
        {condition, "mem.free",
         "1: error: `when` wants a condition, `mem.free` is bytes\n"
         "   = compare it: mem.free > 64 MiB, or a share of memory: 5% * mem.total\n"},
        {condition, "1 + 2",
         "1: error: `when` wants a condition, `1 + 2` is a plain number\n"
         "   = compare it: (1 + 2) > 5\n"},
        {reserve, "psi.memory.some.avg10 > 5%",
         "1: error: vm.min_free_kbytes wants a number, `psi.memory.some.avg10 > 5%` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {reserve, "64",
         "1: error: vm.min_free_kbytes is bytes, but this is a plain number\n"
         "   = write a number such as 64 MiB, or a share of memory: 5% * mem.total\n"},
        {reserve, "5%",
         "1: error: vm.min_free_kbytes is bytes, but this is a ratio (%)\n"
         "   = write a number such as 64 MiB, or a share of memory: 5% * mem.total\n"},
        {dirty_share, "10",
         "1: error: vm.dirty_ratio is a ratio (%), but this is a plain number\n"
         "   = write a number such as 5%\n"},
        {swappiness, "10%",
         "1: error: vm.swappiness is a count, but this is a ratio (%)\n"
         "   = write a number such as 5\n"},
        {swappiness, "5s",
         "1: error: vm.swappiness is a count, but this is a time\n"
         "   = write a number such as 5\n"},
        {delay, "10",
         "1: error: `for` is a time, but this is a plain number\n"
         "   = write a number such as 5s\n"},
        {delay, "1 MiB",
         "1: error: `for` is a time, but this is bytes\n"
         "   = write a number such as 5s\n"},
        {delay, "host.uptime",
         "1: error: `for` must not depend on what is measured\n"
         "   = write a number such as 5s\n"},
        {delay, "-(1s > 2s)",
         "2: error: `-` wants a number, `(1s > 2s)` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"
         "3: warning: `1s > 2s` can never be true on this machine\n"},
        {condition, "reclaim.direct_stalls > 5",
         "25: error: `reclaim.direct_stalls` is a number per second, `5` is a plain number: they cannot be compared\n"
         "   = write 5/s\n"},
        {condition, "5 < reclaim.direct_stalls",
         "5: error: `5` is a plain number, `reclaim.direct_stalls` is a number per second: they cannot be compared\n"
         "   = write 5/s\n"},
        {condition, "reclaim.direct_stalls > 5%",
         "25: error: `reclaim.direct_stalls` is a number per second, `5%` is a ratio (%): they cannot be compared\n"
         "   = write a number such as 5/s\n"},
        {condition, "psi.memory.some.avg10 > 5/s",
         "25: error: `psi.memory.some.avg10` is a ratio (%), `5/s` is a number per second: they cannot be compared\n"
         "   = write a number such as 5%\n"},
        {condition, "swap.in > 5/s",
         "11: error: `swap.in` is bytes per second, `5/s` is a number per second: they cannot be compared\n"
         "   = write a number such as 1 MiB/s\n"},
        {condition, "host.cpus and host.cpus > 1",
         "1: error: `and` wants a condition, `host.cpus` is a count\n"
         "   = compare it: host.cpus > 5\n"},
        {condition, "not host.cpus",
         "5: error: `not` wants a condition, `host.cpus` is a count\n"
         "   = compare it: host.cpus > 5\n"},
        {condition, "(host.cpus > 1) + 1 > 2",
         "1: error: what can be added wants a number, `(host.cpus > 1)` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {condition, "(host.cpus > 1) == (host.cpus > 2)",
         "1: error: what can be compared wants a number, `(host.cpus > 1)` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"
         "20: error: what can be compared wants a number, `(host.cpus > 2)` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {condition, "-(host.cpus > 1) > 2",
         "2: error: `-` wants a number, `(host.cpus > 1)` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {condition, "host.cpus > 1 ? 1 : 2",
         "1: error: `when` wants a condition, `host.cpus > 1 ? 1 : 2` is a plain number\n"
         "   = compare it: (host.cpus > 1 ? 1 : 2) > 5\n"},
        {swappiness, "host.cpus ? 1 : 2",
         "1: error: what stands before `?` wants a condition, `host.cpus` is a count\n"
         "   = compare it: host.cpus > 5\n"},
        {swappiness, "host.cpus > 1 ? 1 : 5%",
         "1: error: vm.swappiness is a count, but this is a ratio (%)\n"
         "   = write a number such as 5\n"},
        {swappiness, "host.cpus > 1 ? 1 : host.cpus > 2",
         "21: error: what can be chosen between wants a number, `host.cpus > 2` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {swappiness, "5 / 0", "5: error: this divides by zero\n"},
        {swappiness, "5 / (3 - 3)", "5: error: this divides by zero\n"},
        {swappiness, "lerp(psi.memory.some.now, 0%, 20 MiB, 50, 300)",
         "31: error: `psi.memory.some.now` is a ratio (%), `20 MiB` is bytes: they cannot be compared\n"
         "   = write a number such as 5%\n"},
        {swappiness, "min(1, 5%)",
         "1: error: vm.swappiness is a count, but this is a ratio (%)\n"
         "   = write a number such as 5\n"},
        {swappiness, "min(host.cpus, 5%)",
         "16: error: `host.cpus` is a count, `5%` is a ratio (%): they cannot be compared\n"
         "   = write a number such as 5\n"},
        {swappiness, "max(1, host.cpus > 1)",
         "8: error: what can be compared wants a number, `host.cpus > 1` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {swappiness, "abs(host.cpus > 1)",
         "5: error: `abs` wants a number, `host.cpus > 1` is a condition\n"
         "   = to choose between two numbers write: condition ? a : b\n"},
        {swappiness, "mem.total / 1 GiB",
         "1: error: vm.swappiness is a count, but this is a ratio (%)\n"
         "   = write a number such as 5\n"},
        {swappiness, "mem.total / mem.total * 5",
         "1: error: vm.swappiness is a count, but this is a ratio (%)\n"
         "   = write a number such as 5\n"},
    });
}

TEST_CASE("functions called in a wrong way") {
    check_all({
        {swappiness, "min(1)",
         "1: error: `min` takes 2 or more arguments, here is 1\n"
         "   = write min(a, b, …)\n"},
        {swappiness, "clamp(1, 2)",
         "1: error: `clamp` takes 3 arguments, here are 2\n"
         "   = write clamp(x, lowest, highest)\n"},
        {swappiness, "abs(1, 2)",
         "1: error: `abs` takes 1 argument, here are 2\n"
         "   = write abs(x)\n"},
        {swappiness, "clamp(1, 2, 3, 4)",
         "1: error: `clamp` takes 3 arguments, here are 4\n"
         "   = write clamp(x, lowest, highest)\n"},
        {swappiness, "lerp(1, 2, 3, 4)",
         "1: error: `lerp` takes 5 arguments, here are 4\n"
         "   = write lerp(x, x0, x1, y0, y1)\n"},
        {swappiness, "lerp(1, 2, 2, 4, 5)",
         "9: error: `lerp` goes from 2 to 2, which are the same\n"
         "   = write lerp(x, x0, x1, y0, y1): y0 up to x0, y1 from x1 on\n"},
        {swappiness, "lerp(1, 2, 3, 4, 5 MiB)",
         "18: error: `4` is a plain number, `5 MiB` is bytes: they cannot be the two ends of lerp\n"
         "   = write a number such as 5\n"},
        {swappiness, "min",
         "1: error: `min` is a function and wants its arguments\n"
         "   = write min(a, b, …)\n"},
        {swappiness, "min + 5",
         "1: error: `min` is a function and wants its arguments\n"
         "   = write min(a, b, …)\n"},
        {swappiness, "avg_over_time(host.cpus, 10)",
         "26: error: a window is a constant time above zero, `10` is not\n"
         "   = write a time such as 10s\n"},
        {swappiness, "avg_over_time(host.cpus, 0s)",
         "26: error: a window is a constant time above zero, `0s` is not\n"
         "   = write a time such as 10s\n"},
        {swappiness, "avg_over_time(host.cpus, host.uptime)",
         "26: error: a window is a constant time above zero, `host.uptime` is not\n"
         "   = write a time such as 10s\n"},
        {swappiness, "avg_over_time(host.cpus, 2h)",
         "26: error: a window longer than 1h would hold too many samples\n"
         "   = write 1h or less\n"},
        {swappiness, "predict_linear(host.cpus, 10s, 5)",
         "32: error: how far ahead is a time, `5` is a plain number\n"
         "   = write a time such as 5s\n"},
        {swappiness, "predict_linear(host.cpus, 10s, 5 MiB)",
         "32: error: how far ahead is a time, `5 MiB` is bytes\n"
         "   = write a time such as 5s\n"},
        {condition, "time_to(mem.free, 5%, 10s) < 10s",
         "19: error: `mem.free` is bytes, so the target must be too\n"
         "   = write a number such as 64 MiB, or a share of memory: 5% * mem.total\n"},
        {condition, "time_to(mem.free, mem.total > 5 MiB, 10s) < 10s",
         "19: error: `mem.free` is bytes, so the target must be too\n"
         "   = write a number such as 64 MiB, or a share of memory: 5% * mem.total\n"},
    });
}

TEST_CASE("boot, baseline and current have a meaning in some places only") {
    check_all({
        {condition, "boot > 5",
         "1: error: `boot` has no meaning here\n"
         "   = `boot` is known in claims: in [baseline], set, step and relax\n"},
        {condition, "baseline > 5",
         "1: error: `baseline` has no meaning here\n"
         "   = `baseline` is known in a rule's claims\n"},
        {condition, "current > 5",
         "1: error: `current` has no meaning here\n"
         "   = `current` is known in step and relax; set and [baseline] claim a level\n"},
        {reserve, "baseline",
         "1: error: `baseline` has no meaning here\n"
         "   = `baseline` is known in a rule's claims\n"},
        {reserve, "current",
         "1: error: `current` has no meaning here\n"
         "   = `current` is known in step and relax; set and [baseline] claim a level\n"},
    });
}

TEST_CASE("what is legal and surely wrong gets a warning") {
    check_all({
        {swappiness, "lerp(psi.memory.some.now, 0, 20, 50, 300)",
         "30: warning: `20` is more than `psi.memory.some.now` can ever be on this machine\n"
         "   = 20 means 2000%; write 20%\n"},
        {condition, "avg_over_time(mem.free, 1s) > 1 MiB",
         "25: warning: this window is shorter than the sampling interval (2s): while the machine is idle it has no "
         "data\n"},
        {condition, "psi.memory.some.avg10 > 5",
         "1: warning: `psi.memory.some.avg10 > 5` can never be true on this machine\n"
         "   = 5 means 500%; write 5%\n"},
        {condition, "psi.memory.some.avg10 < 5",
         "1: warning: `psi.memory.some.avg10 < 5` is always true on this machine\n"
         "   = 5 means 500%; write 5%\n"},
        {condition, "psi.memory.some.avg10 > 500%",
         "1: warning: `psi.memory.some.avg10 > 500%` can never be true on this machine\n"
         "   = here `psi.memory.some.avg10` stays between 0% and 100%\n"},
        {condition, "5 < psi.memory.some.avg10",
         "1: warning: `5 < psi.memory.some.avg10` can never be true on this machine\n"
         "   = 5 means 500%; write 5%\n"},
        {condition, "mem.free < 0 B",
         "1: warning: `mem.free < 0 B` can never be true on this machine\n"
         "   = here `mem.free` stays between 0 B and 16 GiB\n"},
        {condition, "mem.free > 32 GiB",
         "1: warning: `mem.free > 32 GiB` can never be true on this machine\n"
         "   = here `mem.free` stays between 0 B and 16 GiB\n"},
        {condition, "host.cpus < 0",
         "1: warning: `host.cpus < 0` can never be true on this machine\n"
         "   = here `host.cpus` is at least 0\n"},
        {condition, "zones.below_low > 4",
         "1: warning: `zones.below_low > 4` can never be true on this machine\n"
         "   = here `zones.below_low` stays between 0 and 4\n"},
        {condition, "numa.nodes > 2",
         "1: warning: `numa.nodes > 2` can never be true on this machine\n"
         "   = here `numa.nodes` stays between 1 and 2\n"},
        {condition, "swap.free > 5 GiB",
         "1: warning: `swap.free > 5 GiB` can never be true on this machine\n"
         "   = here `swap.free` stays between 0 B and 4 GiB\n"},
        {condition, "time.hour >= 25",
         "1: warning: `time.hour >= 25` can never be true on this machine\n"
         "   = here `time.hour` stays between 0 and 24\n"},
        {condition, "1 > 2", "1: warning: `1 > 2` can never be true on this machine\n"},
        {condition, "5% < psi.memory.some.avg10 and psi.memory.some.avg10 < 10",
         "32: warning: `psi.memory.some.avg10 < 10` is always true on this machine\n"
         "   = 10 means 1000%; write 10%\n"},
    });
}

TEST_CASE("what may be zero is divided by without a word") {
    CHECK(brief("5 / host.cpus", swappiness) == "");
    CHECK(brief("swap.used / swap.total > 5%", condition, {{.swap_bytes = 0}, std::chrono::seconds(2)}) == "");
}

TEST_CASE("guards for other machines get no warning") {
    Surroundings small = some_machine();
    small.machine.swap_bytes = 0;
    small.machine.nodes = 1;
    CHECK(brief("swap.total > 0 B and swap.free < 20% * swap.total", condition, small) == "");
    CHECK(brief("numa.nodes > 1", condition, small) == "");
    CHECK(brief("numa.nodes > 1 and swap.total > 0 B", condition, Surroundings{}) == "");
}

TEST_CASE("a number too great for a double is refused, however it comes about") {
    const std::string digits = repeated("9", 400);
    CHECK(brief(digits + " > 5", condition) == "1: error: this number is out of range\n");
    CHECK(brief(repeated("9", 305) + " TiB", reserve) == "1: error: this number is out of range\n");
    const std::string large = "1" + repeated("0", 200);
    CHECK(brief("1 + " + large + " * " + large, swappiness).starts_with("5: error: `1000000000"));
    CHECK(brief("1 + " + large + " * " + large, swappiness).ends_with("…` is out of range\n"));
}

TEST_CASE("a quotation of something long is cut") {
    CHECK(brief("psi.memory.some.avg10 + psi.memory.some.avg60 + psi.memory.some.avg300 > 5 MiB", condition) ==
          "74: error: `psi.memory.some.avg10 + psi.memory.some.avg60 + psi.memory.s…` is a ratio (%), `5 MiB` is "
          "bytes: "
          "they cannot be compared\n   = write a number such as 5%\n");
    CHECK(brief(repeated("a", 1000), condition) == "1: error: there is no indicator or function `" +
                                                       repeated("a", 60) +
                                                       "…`\n   = memtuned --indicators lists the indicators\n");
}

TEST_CASE("nesting and length have a limit that is told, whatever is nested") {
    constexpr int many = 10000;
    const auto refused = [](const std::string& text) {
        const std::string said = brief(text, condition);
        const bool deep = said.ends_with(": error: nested more than 48 deep\n   = split it into several rules\n");
        const bool too_long =
            said.ends_with(": error: this expression is too long\n   = split it into several rules\n");
        return deep || too_long;
    };
    CHECK(refused(repeated("(", many) + "1" + repeated(")", many) + " > 2"));
    CHECK(refused(repeated("(", many)));
    CHECK(refused("1" + repeated(" + 1", many) + " > 2"));
    CHECK(refused("1" + repeated(" * 1", many) + " > 2"));
    CHECK(refused(repeated("not ", many) + "1 > 2"));
    CHECK(refused(repeated("-", many) + "1 > 2"));
    CHECK(refused("host.cpus > 1" + repeated(" and host.cpus > 1", many)));
    CHECK(refused("host.cpus > 1" + repeated(" or host.cpus > 1", many)));
    CHECK(refused(repeated("host.cpus > 1 ? ", many)));
    CHECK(refused(repeated("host.cpus > 1 ? 1 : ", many) + "2 > 1"));
    CHECK(refused(repeated("min(1, ", many)));
    CHECK(refused("min(1" + repeated(", 1", many) + ") > 2"));
    CHECK(refused("clamp(1" + repeated(", 1", many) + ") > 2"));
    CHECK(refused(repeated("lerp(1, 2, 3, 4, ", many)));
    CHECK(refused(repeated("predict_linear(mem.free, 10s, ", many)));
}

TEST_CASE("48 levels are allowed, one more is not") {
    CHECK(brief(repeated("(", 47) + "1" + repeated(")", 47) + " > 2", condition).find("nested") == std::string::npos);
    CHECK(brief(repeated("(", 48) + "1" + repeated(")", 48) + " > 2", condition) ==
          "49: error: nested more than 48 deep\n   = split it into several rules\n");
}

TEST_CASE("bytes of all values are told from an expression") {
    for (int byte = 1; byte < 256; ++byte) {
        CAPTURE(byte);
        std::string text = "mem.free > 5 MiB ";
        text += static_cast<char>(byte);
        Needs needs;
        Diagnostics diagnostics;
        compile_expression(expression_text(text), condition, some_machine(), needs, diagnostics);
        const bool space = byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
        CHECK(diagnostics.has_errors() == !space);
    }
}

TEST_CASE("a place is counted in characters, not in bytes") {
    Needs needs;
    Diagnostics diagnostics;
    const std::string text = "zone.free('äöü€😀') > mem.fre";
    compile_expression(expression_text(text), condition, some_machine(), needs, diagnostics);
    CHECK(diagnostics.render_all() ==
          "rule:1:14: error: zone.free wants a zone as \"NODE/NAME\"; write, for example, zone.free(\"0/Normal\")\n"
          "    1 | '''zone.free('äöü€😀') > mem.fre'''\n"
          "      |              ^\n"
          "\n"
          "rule:1:25: error: there is no indicator or function `mem.fre`\n"
          "    1 | '''zone.free('äöü€😀') > mem.fre'''\n"
          "      |                         ^\n"
          "      = did you mean mem.free?\n");
}
