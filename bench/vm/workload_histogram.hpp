// SPDX-License-Identifier: GPL-2.0-or-later
//
// Durations in 32 equal steps to each power of two: a bucket is at most 1/32 of its value wide and its middle stands
// for it, so a quantile is off by less than 1.6 %. The size is fixed (9.5 KiB up to 18 minutes), so that it can lie
// in memory shared with the parent, which reads it also when the process that filled it was killed. `add` is some
// twenty instructions and no call.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace workload {

class Histogram {
public:
    void add(std::int64_t duration_ns) noexcept {
        const auto ns = std::min(static_cast<std::uint64_t>(std::max<std::int64_t>(duration_ns, 0)), longest);
        ++counts_[bucket_of(ns)];
        ++count_;
        sum_ns_ += ns;
        max_ns_ = std::max(max_ns_, ns);
    }

    void merge(const Histogram& other) noexcept {
        for (std::size_t i = 0; i < buckets; ++i) counts_[i] += other.counts_[i];
        count_ += other.count_;
        sum_ns_ += other.sum_ns_;
        max_ns_ = std::max(max_ns_, other.max_ns_);
    }

    std::uint64_t count() const noexcept { return count_; }
    double max_ns() const noexcept { return static_cast<double>(max_ns_); }
    double mean_ns() const noexcept { return static_cast<double>(sum_ns_) / static_cast<double>(count_); }

    /// The duration that the share `q` of all does not exceed; 0 if there is none.
    double quantile_ns(double q) const noexcept {
        const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count_)));
        std::uint64_t seen = 0;
        for (std::size_t i = 0; i < buckets; ++i)
            if ((seen += counts_[i]) >= std::max<std::uint64_t>(rank, 1)) return std::min(middle_of(i), max_ns());
        return 0;
    }

private:
    static constexpr std::size_t steps = 32;
    static constexpr int step_bits = 5;
    static constexpr int longest_bits = 40;
    static constexpr std::uint64_t longest = (std::uint64_t{1} << longest_bits) - 1;
    static constexpr std::size_t buckets = steps * (longest_bits - step_bits + 1);

    static std::size_t bucket_of(std::uint64_t ns) noexcept {
        if (ns < steps) return ns;
        const int shift = static_cast<int>(std::bit_width(ns)) - step_bits - 1;  // of another type in some libraries
        return static_cast<std::size_t>(shift) * steps + (ns >> shift);
    }

    static double middle_of(std::size_t bucket) noexcept {
        if (bucket < 2 * steps) return static_cast<double>(bucket);
        const std::size_t shift = bucket / steps - 1;
        const std::uint64_t low = static_cast<std::uint64_t>(bucket - shift * steps) << shift;
        return static_cast<double>(low) + static_cast<double>((std::uint64_t{1} << shift) - 1) / 2;
    }

    std::array<std::uint64_t, buckets> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t sum_ns_ = 0;
    std::uint64_t max_ns_ = 0;
};

}  // namespace workload
