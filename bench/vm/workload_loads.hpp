// SPDX-License-Identifier: GPL-2.0-or-later
//
// What each kind of load does, in a process of its own.
#pragma once

#include <cstdint>
#include <memory>

#include "workload_board.hpp"
#include "workload_options.hpp"

namespace workload {

/// A load's time, on the monotonic clock, and where it writes down what it sees.
struct Session {
    Meter& meter;
    std::int64_t begin;
    std::int64_t until;
};

class Work {
public:
    Work() = default;
    virtual ~Work() = default;
    Work(const Work&) = delete;
    Work& operator=(const Work&) = delete;

    /// What has to be there before anything is measured.
    virtual void set_up() {}
    /// Returns when the session's time is over. What can't go on throws Failure.
    virtual void run(Session& session) = 0;
};

std::unique_ptr<Work> make_work(const Load& load, std::uint64_t seed);

}  // namespace workload
