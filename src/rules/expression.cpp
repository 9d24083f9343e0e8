// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/expression.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace memtuned::rules {
namespace {

using indicators::no_data;

double truth(bool value) {
    return value ? 1.0 : 0.0;
}

bool unknown(double a, double b) {
    return std::isnan(a) || std::isnan(b);
}

double both(double a, double b) {
    if (a == 0 || b == 0) return 0;
    return unknown(a, b) ? no_data : 1;
}

double either(double a, double b) {
    if (a == 1 || b == 1) return 1;
    return unknown(a, b) ? no_data : 0;
}

double interpolate(double x, double x0, double x1, double y0, double y1) {
    if (x0 == x1) return no_data;
    const double share = std::clamp((x - x0) / (x1 - x0), 0.0, 1.0);
    return y0 + share * (y1 - y0);
}

double unary(Op op, double a) {
    switch (op) {
        case Op::negate: return -a;
        case Op::abs: return std::abs(a);
        case Op::floor: return std::floor(a);
        case Op::ceil: return std::ceil(a);
        default: return std::round(a);
    }
}

double compare(Op op, double a, double b) {
    if (unknown(a, b)) return no_data;
    switch (op) {
        case Op::less: return truth(a < b);
        case Op::less_equal: return truth(a <= b);
        case Op::greater: return truth(a > b);
        case Op::greater_equal: return truth(a >= b);
        case Op::equal: return truth(a == b);
        default: return truth(a != b);
    }
}

double binary(Op op, double a, double b) {
    switch (op) {
        case Op::add: return a + b;
        case Op::subtract: return a - b;
        case Op::multiply: return a * b;
        case Op::divide: return b == 0 ? no_data : a / b;
        case Op::min: return unknown(a, b) ? no_data : std::min(a, b);
        default: return unknown(a, b) ? no_data : std::max(a, b);
    }
}

bool is_logic(Op op) {
    return op >= Op::less;
}

/// What comparisons and the words between them come to: true, false or unknown.
struct Truth {
    double operator()(Op op, double a, double b) const {
        if (op == Op::logical_and) return both(a, b);
        if (op == Op::logical_or) return either(a, b);
        return compare(op, a, b);
    }
};

/// The same as nearness to being true: 1 exactly where Truth says so.
struct Nearness {
    double operator()(Op op, double a, double b) const {
        if (op == Op::logical_and) return unknown(a, b) ? no_data : std::min(a, b);
        if (op == Op::logical_or) return std::fmax(a, b);
        const double holds = compare(op, a, b);
        if (holds != 0) return holds;
        const double greater = std::max(std::abs(a), std::abs(b));
        return greater > 0 && std::isfinite(greater) ? std::clamp(1 - std::abs(a - b) / greater, 0.0, 0.99) : 0;
    }
};

}  // namespace

double Program::run(const Scope& scope, std::size_t first, std::size_t last) const {
    return execute(scope, first, last, Truth{});
}

double Program::nearness(const Scope& scope) const {
    return execute(scope, 0, code.size(), Nearness{});
}

template <class Logic>
double Program::execute(const Scope& scope, std::size_t first, std::size_t last, Logic logic) const {
    std::array<double, stack_depth> stack;
    std::size_t top = 0;  // the compiler saw to it that this stays within the stack
    for (std::size_t i = first; i < last; ++i) {
        const Instruction& in = code[i];
        switch (in.op) {
            case Op::constant: stack[top++] = in.number; break;
            case Op::indicator: stack[top++] = scope.sample->values[in.index]; break;
            case Op::own: stack[top++] = scope.own[in.index]; break;
            case Op::available: stack[top++] = truth(scope.sample->unavailable[in.index] == 0); break;
            case Op::boot: stack[top++] = scope.boot; break;
            case Op::baseline: stack[top++] = scope.baseline; break;
            case Op::current: stack[top++] = scope.current; break;
            case Op::window:
                if (in.function < WindowFunction::predict_linear)
                    stack[top++] = scope.trends->over_time(in.function, in.index);
                else
                    stack[top - 1] = scope.trends->extrapolate(in.function, in.index, stack[top - 1]);
                break;
            case Op::negate:
            case Op::abs:
            case Op::floor:
            case Op::ceil:
            case Op::round: stack[top - 1] = unary(in.op, stack[top - 1]); break;
            case Op::logical_not:
                stack[top - 1] = std::isnan(stack[top - 1]) ? no_data : truth(stack[top - 1] != 1);
                break;
            case Op::select: {
                top -= 2;
                const double condition = stack[top - 1];
                stack[top - 1] = std::isnan(condition) ? no_data : condition == 1 ? stack[top] : stack[top + 1];
                break;
            }
            case Op::clamp: {
                top -= 2;
                const double low = stack[top];
                const double high = stack[top + 1];
                stack[top - 1] = unknown(low, high) ? no_data : std::min(std::max(stack[top - 1], low), high);
                break;
            }
            case Op::lerp:
                top -= 4;
                stack[top - 1] =
                    interpolate(stack[top - 1], stack[top], stack[top + 1], stack[top + 2], stack[top + 3]);
                break;
            default:
                --top;
                stack[top - 1] = is_logic(in.op) ? logic(in.op, stack[top - 1], stack[top])
                                                 : binary(in.op, stack[top - 1], stack[top]);
        }
    }
    return top > 0 ? stack[top - 1] : no_data;
}

std::string Program::measured(const Scope& scope) const {
    std::string text_so_far;
    for (const Figure& figure : figures) {
        if (!text_so_far.empty()) text_so_far += ", ";
        text_so_far += figure.text + " = " + format_quantity(run(scope, figure.first, figure.last), figure.dimension);
    }
    return text_so_far;
}

}  // namespace memtuned::rules
