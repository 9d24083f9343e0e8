// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command line. One table says which loads there are and which keys each takes, with units, defaults and help;
// the parser, `--help` and the parameters in the report all come from it.
#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace workload {

/// What the person at the command line got wrong: exit status 2.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

enum class Unit { bytes, bytes_per_second, per_second, time, percent, count, flag, placement, text };

/// Where a load's memory is to lie when it is bound to a node.
enum class Placement : std::int64_t { bind, prefer, local };
constexpr std::string_view placement_names[] = {"bind", "prefer", "local"};

constexpr std::int64_t none = -1;

struct Kind;

/// One load as the command line has it. Sizes are in bytes, times in nanoseconds; `none` is what was left out.
struct Load {
    const Kind* kind = nullptr;
    std::string name;
    std::string file;
    std::int64_t size = 0;
    std::int64_t block = 0;
    std::int64_t to = none;
    std::int64_t rate = 0;  ///< bytes or operations a second, as the key says
    std::int64_t batch = 0;
    std::int64_t hot_percent = 0;
    std::int64_t fill_percent = 0;
    std::int64_t every = 0;
    std::int64_t cold_every = 0;
    std::int64_t hold = 0;
    std::int64_t after = 0;
    std::int64_t think = 0;
    std::int64_t from = 0;
    std::int64_t until = none;
    std::int64_t node = none;
    std::int64_t placement = 0;
    std::int64_t direct = 0;
    std::int64_t warm = 0;
    std::int64_t huge_pages = 0;
    std::int64_t may_die = 0;
};

struct Key {
    std::string_view name;
    Unit unit;
    std::variant<std::int64_t Load::*, std::string Load::*> member;
    std::string_view standard;  ///< what it is if it isn't given: empty if it has to be, "none" if it may be left out
    std::int64_t least;
    std::string_view help;
};

struct Kind {
    std::string_view name;
    std::string_view help;
    std::span<const std::string_view> series;  ///< what is measured; the first is what counts as an operation
    std::span<const Key> keys;
};

std::span<const Kind> kinds();
std::span<const Key> common_keys();

/// A stretch of the run in which the same loads are at work. Times are from the start of the run, in nanoseconds;
/// what begins before `measured_from` is left out of the report.
struct Window {
    std::int64_t from;
    std::int64_t until;
    std::int64_t measured_from;
};

struct Options {
    bool help = false;
    std::int64_t length = 0;
    std::int64_t warm = 0;
    std::int64_t settle = 0;
    std::string json;
    std::vector<Load> loads;
    std::vector<Window> windows;
};

/// Throws UsageError.
Options parse_options(std::span<char* const> arguments);

std::string help_text();

}  // namespace workload
