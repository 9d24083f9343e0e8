// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the fuzzers do with their input. The same functions replay the corpus as an ordinary test. Beyond not crashing
// they check what must hold for any input: what is said is clean text, places lie in the file, and a value stays
// within the bounds that the checker worked out for it, which its warnings stand on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/indicators/bounds.hpp"
#include "memtuned/kernel/buddyinfo.hpp"
#include "memtuned/kernel/keyed_file.hpp"
#include "memtuned/kernel/machine.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/swaps.hpp"
#include "memtuned/kernel/zoneinfo.hpp"
#include "memtuned/rules/expression_compiler.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "rules/support.hpp"

namespace memtuned::fuzz {

inline void require(bool holds) {
    if (!holds) std::abort();
}

/// Numbers that depend on nothing but the input (xorshift).
class Dice {
public:
    explicit Dice(std::string_view seed) {
        for (const char c : seed) state_ = (state_ ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
        state_ |= 1;
    }
    std::uint64_t roll() {
        state_ ^= state_ << 13;
        state_ ^= state_ >> 7;
        state_ ^= state_ << 17;
        return state_;
    }
    /// Between both, often one of them, now and then no data.
    double between(double low, double high) {
        const double least = std::max(low, -1e15);
        const double most = std::min(high, 1e15);
        switch (roll() % 8) {
            case 0: return indicators::no_data;
            case 1: return least;
            case 2: return most;
            default: return least + (most - least) * (static_cast<double>(roll() % 1000) / 999);
        }
    }

private:
    std::uint64_t state_ = 14695981039346656037ULL;
};

/// A past in which each indicator stayed within its bounds.
class RandomTrends final : public rules::Trends {
public:
    RandomTrends(const rules::Needs& needs, const indicators::Machine& machine, Dice& dice)
        : needs_(needs), machine_(machine), dice_(dice) {}

    double over_time(rules::WindowFunction function, std::uint32_t window) const override {
        require(function < rules::WindowFunction::predict_linear);
        require(window < needs_.windows.size() && needs_.windows[window].length > Duration{0});
        if (function == rules::WindowFunction::deriv) return dice_.between(-1e15, 1e15);
        const indicators::Key& key = needs_.keys.at(needs_.windows[window].slot);
        const auto [low, high] = indicators::bounds(indicators::catalogue()[key.indicator], machine_);
        return dice_.between(low, high);
    }
    double extrapolate(rules::WindowFunction function, std::uint32_t window, double operand) const override {
        require(window < needs_.windows.size());
        if (std::isnan(operand)) return indicators::no_data;
        if (function == rules::WindowFunction::predict_linear) return dice_.between(-1e15, 1e15);
        return dice_.roll() % 4 == 0 ? std::numeric_limits<double>::infinity() : dice_.between(0, 1e15);
    }

private:
    const rules::Needs& needs_;
    const indicators::Machine& machine_;
    Dice& dice_;
};

/// UTF-8 without control characters but tab and line feed, as D-Bus and terminals want it.
inline bool is_clean(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        const std::size_t size = first < 0x80   ? 1
                                 : first < 0xC2 ? 0
                                 : first < 0xE0 ? 2
                                 : first < 0xF0 ? 3
                                 : first < 0xF5 ? 4
                                                : 0;
        if (size == 0 || i + size > text.size()) return false;
        if (size == 1 && ((first < 0x20 && first != '\t' && first != '\n') || first == 0x7F)) return false;
        for (std::size_t k = 1; k < size; ++k)
            if ((static_cast<unsigned char>(text[i + k]) & 0xC0U) != 0x80U) return false;
        i += size;
    }
    return true;
}

inline void check_places(rules::Diagnostics& diagnostics) {
    for (const rules::Diagnostic& d : diagnostics.sorted())
        require(d.message.size() < 2000 && d.excerpt.size() < 1000);
    require(is_clean(diagnostics.render_all()));
}

inline bool within(double value, double low, double high) {
    if (std::isnan(value) || std::isnan(low) || std::isnan(high)) return true;
    const double slack =
        1e-9 * std::max({1.0, std::isinf(low) ? 0 : std::abs(low), std::isinf(high) ? 0 : std::abs(high)});
    return value >= low - slack && value <= high + slack;
}

inline void run_some(const rules::Compiled& compiled, bool condition, const rules::Needs& needs,
                     const indicators::Machine& machine, Dice& dice) {
    const RandomTrends trends(needs, machine, dice);
    std::vector<double> values(needs.keys.size());
    std::vector<std::uint8_t> unavailable(needs.keys.size());
    for (int turn = 0; turn < 8; ++turn) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            const auto [low, high] = indicators::bounds(indicators::catalogue()[needs.keys[i].indicator], machine);
            values[i] = dice.between(low, high);
            unavailable[i] = dice.roll() % 8 == 0 ? 1 : 0;
        }
        const indicators::Sample sample{{}, values, unavailable};
        const rules::Scope scope{&sample, &trends, dice.between(0, 1e9), dice.between(0, 1e9), dice.between(0, 1e9)};
        const double value = compiled.program.run(scope);
        if (condition) require(std::isnan(value) || value == 0 || value == 1);
        if (!condition) require(within(value, compiled.lowest, compiled.highest));
        require(is_clean(compiled.program.measured(scope)));
    }
}

/// The first character chooses what the expression is for.
inline void expression(std::string_view input) {
    if (input.empty()) return;
    const rules::Purpose purposes[] = {
        {.condition = true, .subject = "`when`"},
        {.dimension = dimension::bytes, .subject = "bytes", .boot = true, .baseline = true, .current = true},
        {.dimension = dimension::count, .subject = "count", .boot = true, .baseline = true, .current = true},
        {.dimension = dimension::ratio, .subject = "share", .boot = true},
        {.dimension = dimension::seconds, .subject = "time", .constant = true},
        {.dimension = dimension::bytes_per_second, .subject = "rate"},
    };
    const rules::Purpose& purpose = purposes[static_cast<unsigned char>(input[0]) % std::size(purposes)];
    const rules::Surroundings surroundings = rules::some_machine();
    rules::Needs needs;
    rules::Diagnostics diagnostics;
    const auto compiled = rules::compile_expression(rules::expression_text(std::string(input.substr(1))), purpose,
                                                    surroundings, needs, diagnostics);
    check_places(diagnostics);
    require(compiled.has_value() != diagnostics.has_errors());
    if (!compiled) return;
    Dice dice(input);
    run_some(*compiled, purpose.condition, needs, surroundings.machine, dice);
    if (purpose.constant)
        require(compiled->program.run({}) == compiled->lowest && compiled->lowest == compiled->highest);
}

/// Each byte of a value stands in the file, as itself or behind an escape.
inline void check_text(const std::optional<rules::Text>& text) {
    if (!text) return;
    const std::string_view file = text->source->text();
    require(text->offsets.size() == text->value.size() + 1);
    require(std::is_sorted(text->offsets.begin(), text->offsets.end()));
    for (std::size_t i = 0; i < text->value.size(); ++i) {
        require(text->offset(i) < file.size());
        const char raw = file[text->offset(i)];
        require(raw == text->value[i] || raw == '\\');
    }
    require(text->offset(text->value.size()) < file.size());
}

inline void check_claims(const std::vector<rules::ClaimText>& claims) {
    for (const rules::ClaimText& claim : claims)
        if (const auto* text = std::get_if<rules::Text>(&claim.value)) check_text(*text);
}

inline void check_rules(const rules::RuleSet& rules) {
    require(std::is_sorted(rules.rules.begin(), rules.rules.end(),
                           [](const rules::Rule& a, const rules::Rule& b) { return a.priority < b.priority; }));
    for (const rules::Window& window : rules.windows) require(window.slot < rules.keys.size());
    for (const rules::Rule& rule : rules.rules) {
        require(rule.hold_from <= rule.hold_to && rule.for_at_least >= Duration{0});
        for (const std::uint32_t slot : rule.needs) require(slot < rules.keys.size());
    }
}

inline void profile(std::string_view input) {
    rules::Diagnostics diagnostics;
    const rules::Source source = rules::make_source(std::string(input));
    const auto text = rules::parse_profile(source, diagnostics);
    require(text.has_value() || diagnostics.has_errors());
    if (text) {
        check_claims(text->baseline);
        for (const rules::RuleText& rule : text->rules) {
            for (const auto& part :
                 {rule.when, rule.until, rule.for_at_least, rule.every, rule.hold_from, rule.hold_to})
                check_text(part);
            for (const auto& claims : {rule.set, rule.step, rule.relax, rule.trigger}) check_claims(claims);
        }
        const auto compiled = rules::compile_profile("fuzz", *text, {}, rules::some_machine(), diagnostics);
        require(compiled.has_value() != diagnostics.has_errors());
        if (compiled) check_rules(*compiled);
    }
    check_places(diagnostics);
}

inline void settings(std::string_view input) {
    rules::Diagnostics diagnostics;
    const rules::Settings parsed = rules::parse_settings(rules::make_source(std::string(input)), diagnostics);
    if (!diagnostics.has_errors()) {
        require(parsed.busy >= rules::shortest_interval && parsed.idle >= parsed.busy);
        require(!parsed.folders.empty());
        const auto empty = rules::parse_profile(rules::make_source(""), diagnostics);
        rules::compile_profile("empty", *empty, parsed, rules::some_machine(), diagnostics);
    }
    check_places(diagnostics);
}

/// The first character chooses the file.
inline void kernel_file(std::string_view input) {
    if (input.empty()) return;
    const std::string_view text = input.substr(1);
    switch (static_cast<unsigned char>(input[0]) % 6) {
        case 0: {
            const auto pressure = kernel::parse_pressure(text);
            if (pressure) require(pressure->some || pressure->full);
            break;
        }
        case 1: {
            std::vector<kernel::Zone> zones;
            if (!kernel::parse_zoneinfo(text, zones)) break;
            require(!zones.empty() && kernel::populated_zones(zones) <= zones.size());
            // Into zones that hold something already it comes to the same.
            std::vector<kernel::Zone> again = zones;
            require(static_cast<bool>(kernel::parse_zoneinfo(text, again)) && again.size() == zones.size());
            break;
        }
        case 2: {
            std::vector<kernel::FreeBlocks> blocks;
            (void)static_cast<bool>(kernel::parse_buddyinfo(text, blocks));
            break;
        }
        case 3: {
            std::vector<kernel::Swap> swaps;
            if (!kernel::parse_swaps(text, swaps)) break;
            if (const auto share = kernel::share_on_zram(swaps)) require(*share >= 0 && *share <= 1);
            break;
        }
        case 4: {
            // Two texts after one another, as a file that changed.
            const std::size_t half = text.size() / 2;
            const std::vector<std::string> keys{"pgfault", "pgmajfault", "nr_free_pages", "a", "b"};
            kernel::KeyedText keyed(keys, ' ');
            for (const std::string_view part : {text.substr(0, half), text.substr(half)}) {
                keyed.parse(part);
                for (std::size_t i = 0; i < keys.size(); ++i) require(keyed.has(i) || !keyed.value(i));
            }
            break;
        }
        default:
            (void)static_cast<bool>(kernel::parse_cpu_list(text));
            (void)static_cast<bool>(kernel::parse_uptime(text));
    }
}

}  // namespace memtuned::fuzz
