// SPDX-License-Identifier: GPL-2.0-or-later
//
// xorshift64*: a handful of instructions, and the same numbers in each run.
#pragma once

#include <cstdint>

namespace workload {

class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_((seed + 1) * 0x9E3779B97F4A7C15u) {}

    std::uint64_t next() noexcept {
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return state_ * 0x2545F4914F6CDD1Du;
    }

    /// From 0 to `count` - 1; `count` below 2^32.
    std::uint64_t below(std::uint64_t count) noexcept { return ((next() >> 32) * count) >> 32; }

private:
    std::uint64_t state_;
};

}  // namespace workload
