// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/kernel/units.hpp"
#include "memtuned/policy/history.hpp"
#include "memtuned/policy/policy.hpp"
#include "memtuned/tunables/controller.hpp"

namespace memtuned::bus {

/// Why a profile was not taken.
enum class Refusal : std::uint8_t { none, no_such_profile, invalid_rules };

/// What the bus shows of the daemon and asks of it. The daemon implements it; tests may.
class Host {
public:
    virtual ~Host() = default;

    // --- what is shown; references hold until the next turn of the loop ---

    /// Overrides are handed to it directly; wake() makes it look at them.
    virtual policy::Policy& policy() = 0;
    virtual std::span<const tunables::Reading> readings() const = 0;
    /// By place; none while the policy has yet to meet those that came or went.
    virtual std::span<const kernel::Unit> units() const = 0;
    virtual const policy::History& history() const = 0;
    virtual tunables::Mode mode() const = 0;
    /// Names of the profiles that can be switched to, sorted.
    virtual std::vector<std::string> profiles() const = 0;
    /// What does not work as it should: subject, reason.
    virtual std::span<const std::pair<std::string, std::string>> degraded() const = 0;
    virtual Duration sample_interval() const = 0;
    virtual Instant last_sample() const = 0;
    virtual Instant rules_loaded() const = 0;
    /// How many processes a unit has, and its memory in bytes, 0 where that is not counted.
    virtual std::size_t processes(const kernel::Unit& unit) = 0;
    virtual std::uint64_t memory(const kernel::Unit& unit) = 0;

    /// The values of all indicators, also those that no rule needs, which are measured for a while from this call on;
    /// none until there are two samples of them.
    virtual std::optional<std::map<std::string, double>> indicators() = 0;

    // --- what is asked ---

    /// Reads a tunable that the last turn did not.
    virtual void refresh(std::size_t tunable) = 0;
    /// Says what failed in its error.
    virtual std::pair<Refusal, std::string> switch_profile(const std::string& name) = 0;
    virtual std::pair<Refusal, std::string> reload() = 0;
    virtual Status set_mode(tunables::Mode mode) = 0;
    /// The policy was handed something: take a turn as soon as one is allowed.
    virtual void wake() = 0;
    /// The bus came or went; empty: it is there, else why not. Not called again while nothing changes.
    virtual void bus_changed(const std::string& trouble) = 0;
};

}  // namespace memtuned::bus
