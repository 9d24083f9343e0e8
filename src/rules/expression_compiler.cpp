// SPDX-License-Identifier: GPL-2.0-or-later
//
// One pass: each grammar rule checks its operands and appends its instructions, so there is no tree to walk and the
// only recursion is that of the text's own nesting, which is limited. From the loosest binding:
//
//     choice     = either [ "?" choice ":" choice ]
//     either     = both { "or" both }
//     both       = negation { "and" negation }
//     negation   = "not" negation | comparison
//     comparison = sum [ ( "<" | "<=" | ">" | ">=" | "==" | "!=" ) sum ]
//     sum        = product { ( "+" | "-" ) product }
//     product    = unary { ( "*" | "/" ) unary }
//     unary      = "-" unary | primary
//     primary    = NUMBER | NAME [ "(" … ")" ] | "(" choice ")"
#include "memtuned/rules/expression_compiler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "lexer.hpp"
#include "range.hpp"

namespace memtuned::rules {
namespace {

constexpr int deepest_nesting = 48;

/// Thrown when what follows can't be made sense of; caught where the expression began.
struct Unreadable {};

struct Operand {
    enum class Type { number, condition, wrong };  // wrong: reported already, says nothing of what it stands in

    Type type = Type::number;
    Dimension dimension;
    Range range;
    std::size_t begin = 0;  // in the text
    std::size_t end = 0;
    std::int64_t slot = -1;  // if it is a bare indicator
    bool constant = false;
};

struct Function {
    std::string_view name;
    Op op;
    std::size_t least;
    std::size_t most;
    std::string_view usage;
};
constexpr std::size_t any_number = Program::most_instructions;
constexpr std::array functions{
    Function{"min", Op::min, 2, any_number, "min(a, b, …)"},
    Function{"max", Op::max, 2, any_number, "max(a, b, …)"},
    Function{"clamp", Op::clamp, 3, 3, "clamp(x, lowest, highest)"},
    Function{"abs", Op::abs, 1, 1, "abs(x)"},
    Function{"floor", Op::floor, 1, 1, "floor(x)"},
    Function{"ceil", Op::ceil, 1, 1, "ceil(x)"},
    Function{"round", Op::round, 1, 1, "round(x)"},
    Function{"lerp", Op::lerp, 5, 5, "lerp(x, x0, x1, y0, y1)"},
};

struct Windowed {
    std::string_view name;
    WindowFunction function;
    std::string_view usage;
};
constexpr std::array windowed{
    Windowed{"avg_over_time", WindowFunction::avg, "avg_over_time(indicator, window)"},
    Windowed{"min_over_time", WindowFunction::min, "min_over_time(indicator, window)"},
    Windowed{"max_over_time", WindowFunction::max, "max_over_time(indicator, window)"},
    Windowed{"deriv", WindowFunction::deriv, "deriv(indicator, window)"},
    Windowed{"predict_linear", WindowFunction::predict_linear, "predict_linear(indicator, window, ahead)"},
    Windowed{"time_to", WindowFunction::time_to, "time_to(indicator, target, window)"},
};

struct Comparison {
    std::string_view symbol;
    Op op;
};
constexpr std::array comparisons{Comparison{"<", Op::less},    Comparison{"<=", Op::less_equal},
                                 Comparison{">", Op::greater}, Comparison{">=", Op::greater_equal},
                                 Comparison{"==", Op::equal},  Comparison{"!=", Op::not_equal}};

std::optional<Op> comparison_op(const Token& token) {
    if (token.kind == Token::Kind::symbol)
        for (const Comparison& comparison : comparisons)
            if (comparison.symbol == token.text) return comparison.op;
    return std::nullopt;
}

template <class Table>
const typename Table::value_type* look_up(const Table& table, std::string_view name) {
    for (const auto& entry : table)
        if (entry.name == name) return &entry;
    return nullptr;
}

/// How a number of this dimension is written.
std::string_view example(Dimension d) {
    if (d == dimension::bytes) return "64 MiB, or a share of memory: 5% * mem.total";
    if (d == dimension::ratio) return "5%";
    if (d == dimension::seconds) return "5s";
    if (d == dimension::bytes_per_second) return "1 MiB/s";
    if (d.bytes == 0 && d.seconds == -1) return d.kind == Dimension::Kind::ratio ? "1%/s" : "5/s";
    return "5";
}

class Compiler {
public:
    Compiler(const Text& text, const Purpose& purpose, const Surroundings& surroundings, Needs& needs,
             Diagnostics& diagnostics)
        : text_(&text), purpose_(purpose), surroundings_(surroundings), needs_(needs), diagnostics_(diagnostics) {}

    std::optional<Compiled> compile() {
        const std::size_t errors_before = diagnostics_.errors();
        try {
            advance();
            const Operand whole = choice();
            if (token_.kind != Token::Kind::end) unexpected("the end of the expression");
            check_purpose(whole);
            out_.lowest = whole.range.low;
            out_.highest = whole.range.high;
            out_.program.dimension = whole.dimension;
        } catch (const Unreadable&) {
        }
        if (diagnostics_.errors() != errors_before) return std::nullopt;
        out_.program.text = quote(text_->value, std::string::npos);
        return std::move(out_);
    }

private:
    // --- text ---

    void advance() {
        previous_end_ = token_.end;
        token_ = next_token(text_->value, token_.end);
        if (token_.kind != Token::Kind::bad) return;
        error(token_.begin, token_.message, token_.help);
        throw Unreadable{};
    }

    bool is(std::string_view word) const {
        return (token_.kind == Token::Kind::symbol || token_.kind == Token::Kind::name) && token_.text == word;
    }

    bool accept(std::string_view word) {
        if (!is(word)) return false;
        advance();
        return true;
    }

    void expect(std::string_view word, std::string_view after) {
        if (!accept(word)) unexpected(fmt::format("`{}` {}", word, after));
    }

    [[noreturn]] void unexpected(std::string_view wanted) {
        if (token_.kind == Token::Kind::end)
            error(token_.begin, fmt::format("the expression ends where {} should be", wanted));
        else
            error(token_.begin,
                  fmt::format("`{}` stands where {} should be", shown(token_.begin, token_.end), wanted));
        throw Unreadable{};
    }

    void error(std::size_t at, std::string message, std::string help = {}) {
        diagnostics_.error(text_->source, text_->offset(at), std::move(message), std::move(help));
    }

    /// Of a condition by name only where it stands, not at each use.
    void warning(std::size_t at, std::string message, std::string help = {}) {
        if (!open_.empty()) return;
        diagnostics_.warning(text_->source, text_->offset(at), std::move(message), std::move(help));
    }

    std::string_view slice(std::size_t begin, std::size_t end) const {
        return std::string_view(text_->value).substr(begin, end - begin);
    }
    std::string shown(std::size_t begin, std::size_t end) const { return quote(slice(begin, end)); }
    std::string shown(const Operand& operand) const { return shown(operand.begin, operand.end); }

    /// Nesting is limited because each level is a few calls deep here and a few numbers deep when it runs.
    struct Nesting {
        explicit Nesting(Compiler& compiler) : compiler_(compiler) {
            if (++compiler_.nesting_ <= deepest_nesting) return;
            compiler_.error(compiler_.token_.begin, fmt::format("nested more than {} deep", deepest_nesting),
                            "split it into several rules");
            throw Unreadable{};
        }
        ~Nesting() { --compiler_.nesting_; }
        Nesting(const Nesting&) = delete;
        Nesting& operator=(const Nesting&) = delete;
        Compiler& compiler_;
    };

    // --- code ---

    void emit(Instruction instruction, int pushes) {
        out_.program.code.push_back(instruction);
        height_ += pushes;
        if (height_ <= static_cast<int>(Program::stack_depth) &&
            out_.program.code.size() <= Program::most_instructions)
            return;
        error(token_.begin, "this expression is too long", "split it into several rules");
        throw Unreadable{};
    }

    std::uint32_t here() const { return static_cast<std::uint32_t>(out_.program.code.size()); }

    Operand wrong(std::size_t begin) const {
        return {.type = Operand::Type::wrong, .dimension = {}, .range = {}, .begin = begin, .end = previous_end_};
    }

    Operand condition(std::size_t begin) const {
        return {.type = Operand::Type::condition, .dimension = {}, .range = {}, .begin = begin, .end = previous_end_};
    }

    Operand number(std::size_t begin, Dimension dimension, Range range, bool constant) const {
        return {.dimension = dimension, .range = range, .begin = begin, .end = previous_end_, .constant = constant};
    }

    // --- checks ---

    bool want_condition(const Operand& operand, std::string_view where) {
        if (operand.type == Operand::Type::number) {
            const std::string text = shown(operand);
            const bool simple = text.find(' ') == std::string::npos || text.ends_with(')');
            error(operand.begin,
                  fmt::format("{} wants a condition, `{}` is {}", where, text, describe(operand.dimension)),
                  fmt::format("compare it: {}{}{} > {}", simple ? "" : "(", text, simple ? "" : ")",
                              example(operand.dimension)));
        }
        return operand.type == Operand::Type::condition;
    }

    bool want_number(const Operand& operand, std::string_view where) {
        if (operand.type == Operand::Type::condition)
            error(operand.begin, fmt::format("{} wants a number, `{}` is a condition", where, shown(operand)),
                  "to choose between two numbers write: condition ? a : b");
        return operand.type == Operand::Type::number;
    }

    /// Both numbers and of one dimension; `together` says what they are wanted for: "be compared".
    std::optional<Dimension> want_alike(const Operand& a, const Operand& b, std::string_view together) {
        const bool numbers = want_number(a, fmt::format("what can {}", together));
        if (!want_number(b, fmt::format("what can {}", together)) || !numbers) return std::nullopt;
        const std::optional<Dimension> common = unify(a.dimension, b.dimension);
        if (!common)
            error(b.begin,
                  fmt::format("`{}` is {}, `{}` is {}: they cannot {}", shown(a), describe(a.dimension), shown(b),
                              describe(b.dimension), together),
                  advice(a, b));
        return common;
    }

    std::string advice(const Operand& a, const Operand& b) const {
        const Operand& literal = b.constant || !a.constant ? b : a;
        const Operand& other = &literal == &b ? a : b;
        if (!literal.constant) return "";
        if (literal.dimension == dimension::plain && other.dimension.bytes == 0 && other.dimension.seconds == -1)
            return fmt::format("write {}/s", shown(literal));
        return fmt::format("write a number such as {}", example(other.dimension));
    }

    void check_purpose(const Operand& whole) {
        if (whole.type == Operand::Type::wrong) return;
        if (purpose_.condition) {
            want_condition(whole, purpose_.subject);
            return;
        }
        if (!want_number(whole, purpose_.subject)) return;
        const bool bare_for_share = purpose_.dimension == dimension::ratio && whole.dimension == dimension::plain;
        if (!unify(whole.dimension, purpose_.dimension) || bare_for_share)
            error(whole.begin,
                  fmt::format("{} is {}, but this is {}", purpose_.subject, describe(purpose_.dimension),
                              describe(whole.dimension)),
                  fmt::format("write a number such as {}", example(purpose_.dimension)));
        else if (purpose_.constant && !whole.constant)
            error(whole.begin, fmt::format("{} must not depend on what is measured", purpose_.subject),
                  fmt::format("write a number such as {}", example(purpose_.dimension)));
    }

    // --- grammar ---

    Operand choice() {
        const Nesting nesting(*this);
        const Operand first = either();
        if (!accept("?")) return first;
        bool good = want_condition(first, "what stands before `?`");
        const Operand yes = choice();
        expect(":", "and the value for when the condition does not hold");
        const Operand no = choice();
        if (yes.type == Operand::Type::condition && no.type == Operand::Type::condition) {
            emit({Op::select}, -2);
            return good ? condition(first.begin) : wrong(first.begin);
        }
        const std::optional<Dimension> common = want_alike(yes, no, "be chosen between");
        emit({Op::select}, -2);
        if (!common || !good) return wrong(first.begin);
        return number(first.begin, *common, hull(yes.range, no.range), false);
    }

    Operand either() {
        Operand left = both();
        while (accept("or")) left = connect(left, both(), Op::logical_or, "`or`");
        return left;
    }

    Operand both() {
        Operand left = negation();
        while (accept("and")) left = connect(left, negation(), Op::logical_and, "`and`");
        return left;
    }

    Operand connect(const Operand& left, const Operand& right, Op op, std::string_view name) {
        const bool left_good = want_condition(left, name);
        const bool right_good = want_condition(right, name);
        emit({op}, -1);
        return left_good && right_good ? condition(left.begin) : wrong(left.begin);
    }

    Operand negation() {
        const std::size_t begin = token_.begin;
        if (!is("not")) return comparison();
        const Nesting nesting(*this);
        advance();
        const Operand operand = negation();
        const bool good = want_condition(operand, "`not`");
        emit({Op::logical_not}, 0);
        return good ? condition(begin) : wrong(begin);
    }

    Operand comparison() {
        const Operand left = sum();
        const std::optional<Op> op = comparison_op(token_);
        if (!op) return left;
        advance();
        const Operand right = sum();
        if (comparison_op(token_)) {
            error(token_.begin, "comparisons do not chain",
                  fmt::format("join two of them: a {} b and b {} c", token_.text, token_.text));
            throw Unreadable{};
        }
        const bool good = want_alike(left, right, "be compared").has_value();
        emit({*op}, -1);
        if (!good) return wrong(left.begin);
        note_threshold(left, right, *op);
        warn_if_decided(left, right, *op);
        return condition(left.begin);
    }

    void note_threshold(const Operand& left, const Operand& right, Op op) {
        const bool above = op == Op::greater || op == Op::greater_equal;
        if (!above && op != Op::less && op != Op::less_equal) return;
        if (left.slot >= 0 && right.range.single())
            out_.thresholds.push_back({static_cast<std::uint32_t>(left.slot), above, right.range.low});
        else if (right.slot >= 0 && left.range.single())
            out_.thresholds.push_back({static_cast<std::uint32_t>(right.slot), !above, left.range.low});
    }

    static bool never(Range a, Range b, Op op) {
        switch (op) {
            case Op::less: return a.low >= b.high;
            case Op::less_equal: return a.low > b.high;
            case Op::greater: return a.high <= b.low;
            case Op::greater_equal: return a.high < b.low;
            case Op::equal: return a.low > b.high || a.high < b.low;
            default: return a.single() && b.single() && a.low == b.low;
        }
    }

    static Op opposite(Op op) {
        switch (op) {
            case Op::less: return Op::greater_equal;
            case Op::less_equal: return Op::greater;
            case Op::greater: return Op::less_equal;
            case Op::greater_equal: return Op::less;
            case Op::equal: return Op::not_equal;
            default: return Op::equal;
        }
    }

    /// `5` where a share is meant: it means 500 %.
    static bool is_bare_share(const Operand& measured, const Operand& limit) {
        return limit.constant && limit.dimension == dimension::plain && measured.dimension == dimension::ratio;
    }

    std::string bare_share_help(const Operand& limit) const {
        const std::string text = shown(limit);
        return fmt::format("{} means {}; write {}%", text, format_quantity(limit.range.low, dimension::ratio), text);
    }

    void warn_if_decided(const Operand& left, const Operand& right, Op op) {
        const Operand& measured = left.constant ? right : left;
        const Operand& limit = left.constant ? left : right;
        const bool slip = is_bare_share(measured, limit);
        const bool nothing = never(left.range, right.range, op);
        // What always holds may be meant (a guard for other machines), unless it comes of a percent sign left out.
        if (!nothing && !(slip && never(left.range, right.range, opposite(op)))) return;
        std::string help;
        if (slip)
            help = bare_share_help(limit);
        else if (!measured.constant)
            help = fmt::format("here `{}` {}", shown(measured), describe_range(measured));
        warning(left.begin,
                fmt::format("`{}` {} true on this machine", shown(left.begin, right.end),
                            nothing ? "can never be" : "is always"),
                help);
    }

    static std::string describe_range(const Operand& operand) {
        const std::string low = format_quantity(operand.range.low, operand.dimension);
        const std::string high = format_quantity(operand.range.high, operand.dimension);
        if (std::isinf(operand.range.high)) return "is at least " + low;
        if (std::isinf(operand.range.low)) return "is at most " + high;
        return fmt::format("stays between {} and {}", low, high);
    }

    /// A number that the file gives and no double holds.
    Operand checked(Operand operand) {
        const bool finite = std::isfinite(operand.range.low) && std::isfinite(operand.range.high);
        if (!operand.constant || finite) return operand;
        error(operand.begin, fmt::format("`{}` is out of range", shown(operand)));
        return wrong(operand.begin);
    }

    Operand sum() {
        Operand left = product();
        while (is("+") || is("-")) {
            const Op op = is("+") ? Op::add : Op::subtract;
            advance();
            const Operand right = product();
            const std::optional<Dimension> common =
                want_alike(left, right, op == Op::add ? "be added" : "be subtracted");
            emit({op}, -1);
            const Range range = op == Op::add ? left.range + right.range : left.range - right.range;
            left = common ? checked(number(left.begin, *common, range, left.constant && right.constant))
                          : wrong(left.begin);
        }
        return left;
    }

    Operand product() {
        Operand left = unary();
        while (is("*") || is("/")) {
            const Op op = is("*") ? Op::multiply : Op::divide;
            advance();
            const Operand right = unary();
            const bool left_good = want_number(left, op == Op::multiply ? "`*`" : "`/`");
            const bool right_good = want_number(right, op == Op::multiply ? "`*`" : "`/`");
            emit({op}, -1);
            left = left_good && right_good ? scaled(left, right, op) : wrong(left.begin);
        }
        return left;
    }

    Operand scaled(const Operand& left, const Operand& right, Op op) {
        if (op == Op::divide && right.constant && right.range.low == 0) {
            error(right.begin, "this divides by zero");
            return wrong(left.begin);
        }
        const bool times = op == Op::multiply;
        const Dimension dimension =
            times ? multiply(left.dimension, right.dimension) : divide(left.dimension, right.dimension);
        const Range range = times ? left.range * right.range : left.range / right.range;
        return checked(number(left.begin, dimension, range, left.constant && right.constant));
    }

    Operand unary() {
        const std::size_t begin = token_.begin;
        if (!is("-")) return primary();
        const Nesting nesting(*this);
        advance();
        const Operand operand = unary();
        const bool good = want_number(operand, "`-`");
        emit({Op::negate}, 0);
        return good ? number(begin, operand.dimension, -operand.range, operand.constant) : wrong(begin);
    }

    Operand primary() {
        const Token token = token_;
        if (token.kind == Token::Kind::number) {
            advance();
            emit({.op = Op::constant, .number = token.number}, 1);
            return number(token.begin, token.dimension, {token.number, token.number}, true);
        }
        if (accept("(")) {
            Operand inner = choice();
            expect(")", "to close this parenthesis");
            inner.begin = token.begin;
            inner.end = previous_end_;
            return inner;
        }
        if (token.kind != Token::Kind::name || is("and") || is("or") || is("not")) unexpected("a number or a name");
        advance();
        return named(token);
    }

    Operand named(const Token& name) {
        if (name.text == "boot") return own(name, Op::boot, purpose_.boot);
        if (name.text == "baseline") return own(name, Op::baseline, purpose_.baseline);
        if (name.text == "current") return own(name, Op::current, purpose_.current);
        if (is("(")) {
            if (name.text == "available") return available(name);
            if (const Function* function = look_up(functions, name.text)) return call(name, *function);
            if (const Windowed* function = look_up(windowed, name.text)) return over_time(name, *function);
        }
        if (!is("("))
            if (const auto found = surroundings_.conditions.find(name.text); found != surroundings_.conditions.end())
                return by_name(name, found->first, found->second);
        if (const std::optional<std::size_t> found = of_unit_at_hand(name)) return own_indicator(name, *found);
        const std::uint32_t first = here();
        const std::optional<std::uint32_t> slot = indicator(name);
        if (!slot) return pushed_wrong(name);
        emit({.op = Op::indicator, .index = *slot}, 1);
        note_need(*slot);
        Operand operand = measured(name, needs_.keys[*slot].indicator);
        operand.slot = *slot;
        note_figure(operand, first);
        return operand;
    }

    /// As if it stood there, in parentheses.
    Operand by_name(const Token& at, std::string_view name, const Text& text) {
        if (std::find(open_.begin(), open_.end(), name) != open_.end()) {
            error(at.begin, fmt::format("a condition cannot use itself: {} -> {}", fmt::join(open_, " -> "), name),
                  "take one of these uses out");
            throw Unreadable{};
        }
        const Nesting nesting(*this);
        const Text* const outer = std::exchange(text_, &text);
        const Token next = std::exchange(token_, Token{});
        const std::size_t end = previous_end_;
        open_.push_back(name);
        advance();
        const Operand inner = choice();
        if (token_.kind != Token::Kind::end) unexpected("the end of the expression");
        open_.pop_back();
        text_ = outer;
        token_ = next;
        previous_end_ = end;
        return inner.type == Operand::Type::condition ? condition(at.begin) : wrong(at.begin);
    }

    /// service.memory without an argument, where that has a meaning.
    std::optional<std::size_t> of_unit_at_hand(const Token& name) const {
        if (!purpose_.unit || is("(")) return std::nullopt;
        const std::optional<std::size_t> found = indicators::find(name.text);
        const bool unit = found && indicators::catalogue()[*found].argument == indicators::Argument::unit;
        return unit ? found : std::nullopt;
    }

    Operand own_indicator(const Token& name, std::size_t found) {
        emit({.op = Op::own, .index = needs_.own_number(found)}, 1);
        const Operand operand = measured(name, found);
        note_figure(operand, here() - 1);
        return operand;
    }

    Operand pushed_wrong(const Token& name) {
        emit({.op = Op::constant, .number = 0}, 1);
        return wrong(name.begin);
    }

    Operand own(const Token& name, Op op, bool allowed) {
        if (!allowed) {
            error(name.begin, fmt::format("`{}` has no meaning here", name.text), where_allowed(name.text));
            return pushed_wrong(name);
        }
        emit({op}, 1);
        Operand operand = number(name.begin, purpose_.dimension, {0, std::numeric_limits<double>::infinity()}, false);
        note_figure(operand, here() - 1);
        return operand;
    }

    static std::string where_allowed(std::string_view name) {
        if (name == "current") return "`current` is known in step and relax; set and [baseline] claim a level";
        if (name == "baseline") return "`baseline` is known in a rule's claims";
        return "`boot` is known in claims: in [baseline], set, step and relax";
    }

    Operand measured(const Token& name, std::size_t indicator) const {
        const indicators::Indicator& info = indicators::catalogue()[indicator];
        const auto [low, high] = indicators::bounds(info, surroundings_.machine);
        // Profiles ask "is there swap at all?" and "is there a second node?": no mistake where there is none.
        const bool guard = (info.range == indicators::Range::of_swap && high == 0) ||
                           (info.range == indicators::Range::of_nodes && high <= 1);
        const double known = guard ? std::numeric_limits<double>::infinity() : high;
        return number(name.begin, info.dimension, {low, known}, false);
    }

    void note_need(std::uint32_t slot) {
        if (std::find(out_.needs.begin(), out_.needs.end(), slot) == out_.needs.end()) out_.needs.push_back(slot);
    }

    void note_figure(const Operand& operand, std::uint32_t first) {
        std::vector<Figure>& figures = out_.program.figures;
        std::string text = quote(slice(operand.begin, operand.end), std::string::npos);
        if (std::none_of(figures.begin(), figures.end(), [&](const Figure& f) { return f.text == text; }))
            figures.push_back({std::move(text), operand.dimension, first, here()});
    }

    /// The slot of the indicator that `name` and the argument that may follow stand for.
    std::optional<std::uint32_t> indicator(const Token& name) {
        const std::optional<std::size_t> found = indicators::find(name.text);
        indicators::Key key{found.value_or(0), ""};
        std::size_t argument_at = name.end;
        const bool has_argument = is("(");
        if (has_argument) {
            advance();
            argument_at = token_.begin;
            key.argument = argument();
            expect(")", "after the argument");
        }
        if (!found) {
            report_unknown(name);
            return std::nullopt;
        }
        const bool takes = indicators::catalogue()[*found].argument != indicators::Argument::none;
        if (has_argument && !takes) {
            error(argument_at, fmt::format("`{}` takes no argument", name.text));
            return std::nullopt;
        }
        if (const std::optional<std::string> problem = takes ? indicators::check_argument(key) : std::nullopt) {
            error(argument_at, *problem);
            return std::nullopt;
        }
        return needs_.slot(key);
    }

    std::string argument() {
        const Token token = token_;
        if (token.kind == Token::Kind::string) {
            advance();
            return std::string(token.text);
        }
        if (token.kind != Token::Kind::number || token.dimension != dimension::plain)
            unexpected("a name in quotes or a number");
        advance();
        return std::string(token.text);
    }

    static std::string_view function_usage(std::string_view name) {
        if (name == "available") return "available(indicator)";
        if (const Function* function = look_up(functions, name)) return function->usage;
        if (const Windowed* function = look_up(windowed, name)) return function->usage;
        return {};
    }

    void report_unknown(const Token& name) {
        std::vector<std::string_view> names{"available", "boot", "baseline", "current"};
        for (const indicators::Indicator& entry : indicators::catalogue()) names.push_back(entry.name);
        for (const Function& entry : functions) names.push_back(entry.name);
        for (const Windowed& entry : windowed) names.push_back(entry.name);
        for (const auto& [condition, text] : surroundings_.conditions) names.push_back(condition);
        if (const std::string_view usage = function_usage(name.text); !usage.empty()) {
            error(name.begin, fmt::format("`{}` is a function and wants its arguments", name.text),
                  fmt::format("write {}", usage));
            return;
        }
        const std::string_view close = nearest(name.text, names);
        error(name.begin,
              fmt::format("there is no indicator{} or function `{}`",
                          surroundings_.conditions.empty() ? "" : ", condition", quote(name.text)),
              close.empty() ? "memtuned --indicators lists the indicators" : fmt::format("did you mean {}?", close));
    }

    Operand available(const Token& name) {
        advance();
        const Token inner = token_;
        if (inner.kind != Token::Kind::name) unexpected("an indicator");
        advance();
        const std::optional<std::uint32_t> slot = indicator(inner);
        expect(")", "after the indicator");
        if (!slot) return pushed_wrong(name);
        emit({.op = Op::available, .index = *slot}, 1);
        out_.guarded.push_back(*slot);
        return condition(name.begin);
    }

    Operand call(const Token& name, const Function& function) {
        advance();
        std::vector<Operand> arguments;
        do {
            arguments.push_back(choice());
            if (arguments.size() > 2 && (function.op == Op::min || function.op == Op::max)) emit({function.op}, -1);
        } while (accept(","));
        expect(")", fmt::format("to close {}(", name.text));
        if (arguments.size() < function.least || arguments.size() > function.most) {
            wrong_count(name, function, arguments.size());
            height_ -= static_cast<int>(arguments.size()) - 1;
            return wrong(name.begin);
        }
        if (function.op == Op::min || function.op == Op::max) return extreme(name, arguments, function.op);
        emit({function.op}, 1 - static_cast<int>(function.least));
        if (function.op == Op::lerp) return interpolated(name, arguments);
        return shaped(name, arguments, function);
    }

    void wrong_count(const Token& name, const Function& function, std::size_t count) {
        const bool fixed = function.least == function.most;
        error(name.begin,
              fmt::format("`{}` takes {}{} argument{}, here {} {}", name.text, function.least,
                          fixed ? "" : " or more", function.least == 1 ? "" : "s", count == 1 ? "is" : "are", count),
              fmt::format("write {}", function.usage));
    }

    /// min and max: all arguments alike. The instructions for the third and on are out already, each after its
    /// argument, which leaves the one that joins the first two.
    Operand extreme(const Token& name, const std::vector<Operand>& arguments, Op op) {
        emit({op}, -1);
        Operand all = arguments[0];
        for (std::size_t i = 1; i < arguments.size(); ++i) {
            const std::optional<Dimension> common = want_alike(all, arguments[i], "be compared");
            if (!common) return wrong(name.begin);
            all.dimension = *common;
            all.range =
                op == Op::min ? least(all.range, arguments[i].range) : greatest(all.range, arguments[i].range);
            all.constant = all.constant && arguments[i].constant;
        }
        return number(name.begin, all.dimension, all.range, all.constant);
    }

    static bool all_constant(const std::vector<Operand>& arguments) {
        return std::all_of(arguments.begin(), arguments.end(), [](const Operand& o) { return o.constant; });
    }

    /// clamp, abs, floor, ceil, round: the dimension of the first argument.
    Operand shaped(const Token& name, const std::vector<Operand>& arguments, const Function& function) {
        if (!want_number(arguments[0], fmt::format("`{}`", function.name))) return wrong(name.begin);
        Operand all = arguments[0];
        for (std::size_t i = 1; i < arguments.size(); ++i) {
            const std::optional<Dimension> common = want_alike(all, arguments[i], "be compared");
            if (!common) return wrong(name.begin);
            all.dimension = *common;
        }
        return number(name.begin, all.dimension, shape(function.op, arguments), all_constant(arguments));
    }

    static Range shape(Op op, const std::vector<Operand>& arguments) {
        const Range x = arguments[0].range;
        switch (op) {
            case Op::clamp: return least(greatest(x, arguments[1].range), arguments[2].range);
            case Op::abs: return {x.low > 0 ? x.low : x.high < 0 ? -x.high : 0, std::max(-x.low, x.high)};
            case Op::floor: return {std::floor(x.low), std::floor(x.high)};
            case Op::ceil: return {std::ceil(x.low), std::ceil(x.high)};
            default: return {std::round(x.low), std::round(x.high)};
        }
    }

    Operand interpolated(const Token& name, const std::vector<Operand>& arguments) {
        const bool first = want_alike(arguments[0], arguments[1], "be compared").has_value();
        const bool second = want_alike(arguments[0], arguments[2], "be compared").has_value();
        const std::optional<Dimension> common = want_alike(arguments[3], arguments[4], "be the two ends of lerp");
        if (!first || !second || !common) return wrong(name.begin);
        const Range from = arguments[1].range;
        const Range to = arguments[2].range;
        if (from.single() && to.single() && from.low == to.low) {
            error(arguments[1].begin,
                  fmt::format("`lerp` goes from {} to {}, which are the same", shown(arguments[1]),
                              shown(arguments[2])),
                  "write lerp(x, x0, x1, y0, y1): y0 up to x0, y1 from x1 on");
            return wrong(name.begin);
        }
        for (const std::size_t end : {1U, 2U}) warn_if_out_of_reach(arguments[0], arguments[end]);
        return number(name.begin, *common, hull(arguments[3].range, arguments[4].range), false);
    }

    /// lerp(psi.memory.some.now, 0, 20, …): the same slip as psi.memory.some.now > 20.
    void warn_if_out_of_reach(const Operand& x, const Operand& end) {
        if (!is_bare_share(x, end) || !never(x.range, end.range, Op::greater_equal)) return;
        warning(end.begin, fmt::format("`{}` is more than `{}` can ever be on this machine", shown(end), shown(x)),
                bare_share_help(end));
    }

    Operand over_time(const Token& name, const Windowed& function) {
        const std::uint32_t first = here();
        advance();
        const Token inner = token_;
        if (inner.kind != Token::Kind::name) unexpected("an indicator");
        advance();
        const std::optional<std::uint32_t> slot = indicator(inner);
        expect(",", fmt::format("as in {}", function.usage));

        const bool to = function.function == WindowFunction::time_to;
        const bool ahead = function.function == WindowFunction::predict_linear;
        std::optional<Operand> operand;
        if (to) operand = choice();
        if (to) expect(",", fmt::format("as in {}", function.usage));
        const std::optional<Duration> length = window_length();
        if (ahead) {
            expect(",", fmt::format("as in {}", function.usage));
            operand = choice();
        }
        expect(")", fmt::format("as in {}", function.usage));
        if (!slot || !length) {
            if (!operand) emit({.op = Op::constant, .number = 0}, 1);
            return wrong(name.begin);
        }
        const Operand past = measured(inner, needs_.keys[*slot].indicator);
        if (ahead && !unify(operand->dimension, dimension::seconds)) {
            error(operand->begin,
                  fmt::format("how far ahead is a time, `{}` is {}", shown(*operand), describe(operand->dimension)),
                  "write a time such as 5s");
            return wrong(name.begin);
        }
        if (to && !want_target(inner, past, *operand)) return wrong(name.begin);
        note_need(*slot);
        emit({Op::window, function.function, needs_.window({*slot, *length}), 0}, operand ? 0 : 1);
        Operand result = number(name.begin, past.dimension, past.range, false);
        if (function.function == WindowFunction::deriv) result = rate(name, past.dimension);
        if (ahead) result.range = {};
        if (to) result = number(name.begin, dimension::seconds, {0, std::numeric_limits<double>::infinity()}, false);
        note_figure(result, first);
        return result;
    }

    Operand rate(const Token& name, Dimension of) const {
        return number(name.begin, divide(of, dimension::seconds), {}, false);
    }

    bool want_target(const Token& inner, const Operand& past, const Operand& target) {
        if (target.type == Operand::Type::wrong) return false;
        if (target.type == Operand::Type::number && unify(past.dimension, target.dimension)) return true;
        error(target.begin,
              fmt::format("`{}` is {}, so the target must be too", inner.text, describe(past.dimension)),
              fmt::format("write a number such as {}", example(past.dimension)));
        return false;
    }

    /// The length of a window: a constant time. It is known when the rule is loaded, so its code is taken back.
    std::optional<Duration> window_length() {
        const std::size_t code_before = out_.program.code.size();
        const Operand length = choice();
        out_.program.code.resize(code_before);
        --height_;
        if (length.type == Operand::Type::wrong) return std::nullopt;
        if (!length.constant || length.dimension != dimension::seconds || length.range.low <= 0) {
            error(length.begin, fmt::format("a window is a constant time above zero, `{}` is not", shown(length)),
                  "write a time such as 10s");
            return std::nullopt;
        }
        if (length.range.low > seconds(longest_window)) {
            error(length.begin, "a window longer than 1h would hold too many samples", "write 1h or less");
            return std::nullopt;
        }
        const Duration window = from_seconds(length.range.low);
        if (window < surroundings_.idle_interval)
            warning(length.begin,
                    fmt::format("this window is shorter than the sampling interval ({}): while the machine "
                                "is idle it has no data",
                                format_quantity(seconds(surroundings_.idle_interval), dimension::seconds)));
        return window;
    }

    const Text* text_;
    std::vector<std::string_view> open_;  // conditions by name that are being read, outermost first
    const Purpose& purpose_;
    const Surroundings& surroundings_;
    Needs& needs_;
    Diagnostics& diagnostics_;
    Token token_;
    std::size_t previous_end_ = 0;
    int nesting_ = 0;
    int height_ = 0;
    Compiled out_{};
};

}  // namespace

std::uint32_t Needs::slot(const indicators::Key& key) {
    const auto found = std::find(keys.begin(), keys.end(), key);
    if (found == keys.end()) {
        keys.push_back(key);
        return static_cast<std::uint32_t>(keys.size() - 1);
    }
    return static_cast<std::uint32_t>(found - keys.begin());
}

std::uint32_t Needs::own_number(std::size_t indicator) {
    const auto found = std::find(own.begin(), own.end(), indicator);
    if (found == own.end()) {
        own.push_back(indicator);
        return static_cast<std::uint32_t>(own.size() - 1);
    }
    return static_cast<std::uint32_t>(found - own.begin());
}

std::uint32_t Needs::window(const Window& window) {
    const auto found = std::find(windows.begin(), windows.end(), window);
    if (found == windows.end()) {
        windows.push_back(window);
        return static_cast<std::uint32_t>(windows.size() - 1);
    }
    return static_cast<std::uint32_t>(found - windows.begin());
}

bool is_taken(std::string_view name) {
    constexpr std::array words{"and", "or", "not", "available", "boot", "baseline", "current"};
    return std::find(words.begin(), words.end(), name) != words.end() || look_up(functions, name) != nullptr ||
           look_up(windowed, name) != nullptr || indicators::find(name).has_value();
}

std::optional<Compiled> compile_expression(const Text& text, const Purpose& purpose, const Surroundings& surroundings,
                                           Needs& needs, Diagnostics& diagnostics) {
    return Compiler(text, purpose, surroundings, needs, diagnostics).compile();
}

}  // namespace memtuned::rules
