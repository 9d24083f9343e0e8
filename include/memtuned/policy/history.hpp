// SPDX-License-Identifier: GPL-2.0-or-later
//
// The decisions taken, newest last.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <utility>

namespace memtuned::policy {

struct PastDecision {
    std::chrono::system_clock::time_point at;
    std::string tunable;
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::string source;
    std::string reason;
};

class History {
public:
    /// Some hours of a restless machine, and about 200 kB.
    static constexpr std::size_t most_kept = 1000;

    void add(PastDecision decision) {
        if (decisions_.size() == most_kept) decisions_.pop_front();
        decisions_.push_back(std::move(decision));
    }
    const std::deque<PastDecision>& decisions() const { return decisions_; }

private:
    std::deque<PastDecision> decisions_;
};

}  // namespace memtuned::policy
