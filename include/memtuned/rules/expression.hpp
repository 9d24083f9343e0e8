// SPDX-License-Identifier: GPL-2.0-or-later
//
// A compiled expression: a flat program for a small stack machine, checked for names, dimensions and depth when it
// was compiled, so that running it needs no checks, no allocation and no more than `stack_depth` numbers.
//
// Every value is a double in base units (bytes, seconds, 1 = 100 %). NaN is "no data" and spreads through arithmetic;
// conditions are 1, 0 or NaN (unknown): `and` is false if either side is, `or` true if either is, else unknown
// spreads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "memtuned/base/dimension.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/indicators/sample.hpp"

namespace memtuned::rules {

enum class Op : std::uint8_t {
    constant,
    indicator,
    own,  // an indicator of the unit at hand
    available,
    boot,
    baseline,
    current,
    window,  // these push
    negate,
    logical_not,
    abs,
    floor,
    ceil,
    round,  // one operand
    add,
    subtract,
    multiply,
    divide,
    min,
    max,  // two
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    not_equal,
    logical_and,
    logical_or,
    select,
    clamp,  // three
    lerp,   // five
};

enum class WindowFunction : std::uint8_t { avg, min, max, deriv, predict_linear, time_to };

struct Instruction {
    Op op;
    WindowFunction function = {};  ///< Op::window only
    std::uint32_t index = 0;       ///< slot of an indicator, number of one of the unit at hand, number of a window
    double number = 0;             ///< Op::constant only
};

/// An indicator whose recent past a windowed function looks at.
struct Window {
    std::uint32_t slot;
    Duration length;

    friend bool operator==(const Window&, const Window&) = default;
};

/// A part of a program whose value is shown with a decision: an indicator or a windowed function over one.
struct Figure {
    std::string text;  ///< as the rule writes it
    Dimension dimension;
    std::uint32_t first;  ///< its instructions: [first, last)
    std::uint32_t last;
};

/// What windowed functions know of the past. Implemented by the policy.
class Trends {
public:
    virtual ~Trends() = default;
    /// avg, min, max and deriv of window `window`.
    virtual double over_time(WindowFunction function, std::uint32_t window) const = 0;
    /// predict_linear: the value `operand` seconds from now; time_to: seconds until the trend reaches `operand`.
    virtual double extrapolate(WindowFunction function, std::uint32_t window, double operand) const = 0;
};

/// What an expression sees when it runs. boot, baseline and current are of the tunable at hand, in base units.
struct Scope {
    const indicators::Sample* sample = nullptr;
    const Trends* trends = nullptr;
    double boot = indicators::no_data;
    double baseline = indicators::no_data;
    double current = indicators::no_data;
    const double* own = nullptr;  ///< the figures of the unit at hand: Sample::own from its place on
};

class Program {
public:
    static constexpr std::size_t stack_depth = 64;
    /// Longer expressions are refused: nobody could read them, and each runs at every sample.
    static constexpr std::size_t most_instructions = 512;

    double run(const Scope& scope) const { return run(scope, 0, code.size()); }
    double run(const Scope& scope, std::size_t first, std::size_t last) const;

    /// How near a condition is to holding: 1 exactly where it holds, else from 0 to 0.99: of a comparison, how alike
    /// its sides are by the greater of them; the least of those that `and` joins, the greatest with `or`. NaN: no
    /// data.
    double nearness(const Scope& scope) const;

    /// "zones.headroom = -3%, reclaim.direct_stalls = 42/s": the figures the program looked at.
    std::string measured(const Scope& scope) const;

    std::string text;  ///< as written, on one line
    Dimension dimension;
    std::vector<Instruction> code;
    std::vector<Figure> figures;

private:
    template <class Logic>
    double execute(const Scope& scope, std::size_t first, std::size_t last, Logic logic) const;
};

}  // namespace memtuned::rules
