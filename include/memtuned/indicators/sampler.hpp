// SPDX-License-Identifier: GPL-2.0-or-later
//
// Turns kernel files into samples. A sampler is made for a list of keys and reads only the files behind them.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/indicators/sample.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/units.hpp"

namespace memtuned::indicators {

class Sampler {
public:
    /// Keys must name catalogue entries and have well-formed arguments. Files are opened at the first take().
    /// `units` is for service.*, which is unavailable without; it must outlive the sampler, be started, and be
    /// refreshed by its owner before each take(). `own`: indices of service.* indicators wanted of every unit.
    Sampler(const kernel::Root& root, std::vector<Key> keys, const kernel::Units* units = nullptr,
            const std::vector<std::size_t>& own = {});
    ~Sampler();
    Sampler(Sampler&&) noexcept;
    Sampler& operator=(Sampler&&) noexcept;

    /// Reads the files and computes every value. `now` must not go back. Rates count from the previous take;
    /// a distance of more than `longest_step` is a gap: rates are "no data" once and the sample says so.
    /// The sample stays valid until the next take(). Allocates nothing once files are open and units unchanged.
    /// The files of units are read at most once a second, and the last figures stand in between.
    const Sample& take(Instant now, Duration longest_step = std::chrono::seconds(6));

    /// The sample taken last; before the first one no slot has data.
    const Sample& last() const;

    const std::vector<Key>& keys() const;

    /// Why a slot is unavailable, for a person: "proc/pressure/memory: No such file or directory (PSI is
    /// off: boot with psi=1)". Empty for a slot that is available.
    std::string_view why_unavailable(std::size_t slot) const;

    /// Likewise for an indicator wanted of every unit, by its place in `own`: why no unit has it. Known once a sample
    /// was taken.
    std::string_view why_own_unavailable(std::size_t own) const;

    /// The kernel files this sampler reads, or the folder where they are one for each unit, relative to the root:
    /// what the loaded rules cost.
    std::vector<std::string> files() const;

private:
    struct Plan;
    std::unique_ptr<Plan> plan_;
};

}  // namespace memtuned::indicators
