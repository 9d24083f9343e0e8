// SPDX-License-Identifier: GPL-2.0-or-later
//
// The catalogue of indicators: every number a rule may name, as one table. `memtuned --indicators`, the rule
// checker and the manual are printed from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "memtuned/base/dimension.hpp"

namespace memtuned::indicators {

/// What a name takes in parentheses: `zone.free("0/Normal")`, `node.free(0)`, `frag.unusable(9)`,
/// `service.memory("batch-*.service")`.
enum class Argument : std::uint8_t { none, zone, node, order, unit };

/// The values an indicator can have on a given machine, for warnings about comparisons that can never hold.
enum class Range : std::uint8_t {
    any,           ///< no bound known
    not_negative,  ///< 0 and up
    share,         ///< 0 to 100 %
    of_memory,     ///< 0 to mem.total
    of_swap,       ///< 0 to swap.total
    of_zones,      ///< 0 to the number of populated zones
    of_nodes,      ///< 1 to the number of nodes with memory
    hour,          ///< 0 to under 24
};

struct Indicator {
    std::string_view name;  ///< dotted, lower case: "psi.memory.some.avg10"
    Dimension dimension;    ///< values are in its base unit: bytes, seconds, 1 = 100 %
    Range range;
    Argument argument;
    std::string_view source;  ///< the file and the field behind it, as a person would look it up
    std::string_view help;    ///< one line
};

std::span<const Indicator> catalogue();

/// Index into catalogue() of the indicator with exactly this name.
std::optional<std::size_t> find(std::string_view name);

/// An indicator as a rule names it: which one, and its argument as written ("" where it takes none).
struct Key {
    std::size_t indicator;
    std::string argument;

    friend bool operator==(const Key&, const Key&) = default;
};

/// `zone.free("0/Normal")`: the key as it stands in a rule.
std::string to_string(const Key& key);

/// Whether `argument` has the shape its indicator wants; otherwise what to write instead.
std::optional<std::string> check_argument(const Key& key);

}  // namespace memtuned::indicators
