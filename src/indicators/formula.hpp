// SPDX-License-Identifier: GPL-2.0-or-later
//
// How each indicator comes out of the kernel's files: the half of the catalogue that only the sampler needs. Both
// halves stand in one row of one table, so that they cannot disagree about what there is.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/zoneinfo.hpp"

namespace memtuned::indicators {

/// A figure of a pressure file.
struct PressureFormula {
    enum class Figure : std::uint8_t { avg10, avg60, avg300, now };
    kernel::Resource resource;
    kernel::Stalled who;
    Figure figure;
};

/// Keys of vmstat or meminfo, added up. A key left empty is none.
struct KeyedFormula {
    enum class File : std::uint8_t { meminfo, vmstat };
    enum class Kind : std::uint8_t {
        level,     ///< what `keys` hold less what `against` hold, at least 0
        rate,      ///< growth of `keys` less that of `against`, by time
        quotient,  ///< growth of `keys` by growth of `against`
    };
    enum class Unit : std::uint8_t { one, kib, page };

    File file;
    Kind kind;
    Unit unit = Unit::one;
    std::array<std::string_view, 7> keys{};
    std::array<std::string_view, 2> against{};
    bool any = false;  ///< one of `keys` is enough; else all are needed
    bool spoilt_by_drop_caches = false;
};

/// Something of all populated zones, those of one node, or one, as the indicator's argument says.
struct ZoneFormula {
    enum class Measure : std::uint8_t {
        bytes,          ///< sum of `field`
        below,          ///< zones with less free than `field`
        headroom,       ///< least (free - low) / low
        unreclaimable,  ///< zones whose node kswapd has given up on
        nodes,          ///< nodes with a populated zone
    };
    Measure measure;
    std::uint64_t kernel::Zone::*field = nullptr;
};

/// Something of the units that the indicator's argument means, out of their cgroups.
struct ServiceFormula {
    enum class Figure : std::uint8_t { memory, swap, processes, growth, stalled };
    Figure figure;
    kernel::Resource resource = kernel::Resource::memory;  ///< of `stalled`, which is its avg10
    kernel::Stalled who = kernel::Stalled::some;
};

struct FragmentationFormula {};
struct SwapOnZramFormula {};
struct CpusFormula {};
struct UptimeFormula {};
struct HourFormula {};

/// What no kernel tells.
struct NeverFormula {
    std::string_view why;
};

using Formula = std::variant<PressureFormula, KeyedFormula, ZoneFormula, ServiceFormula, FragmentationFormula,
                             SwapOnZramFormula, CpusFormula, UptimeFormula, HourFormula, NeverFormula>;

/// The formulas, parallel to catalogue().
std::span<const Formula> formulas();

}  // namespace memtuned::indicators
