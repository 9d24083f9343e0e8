// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the loads write down, in memory they share with the parent: what a load has measured is there whatever becomes
// of its process. Each load writes only its own part, and the parent reads it when the process is gone, so plain
// numbers do. The parent locks it all, so that writing something down never waits for the memory that is being
// measured.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "workload_histogram.hpp"
#include "workload_options.hpp"
#include "workload_system.hpp"

namespace workload {

/// One load in one window.
struct Cell {
    std::uint64_t bytes = 0;
    std::uint64_t errors = 0;
    std::array<Histogram, 3> series;
};

/// A load over the whole run. Instants are of the monotonic clock, 0 if it hasn't come to that.
struct State {
    std::atomic<std::int64_t> ready_at{0};
    std::atomic<std::int64_t> ended_at{0};
    std::uint64_t missed = 0;
    std::uint64_t errors = 0;
    std::array<char, 400> message{};  ///< of the first error, or of what it failed of

    void say(std::string_view text) noexcept {
        if (message[0] != '\0') return;
        std::memcpy(message.data(), text.data(), std::min(text.size(), message.size() - 1));
    }
};

class Board {
public:
    Board(std::size_t loads, std::size_t windows)
        : windows_(windows),
          states_(map<State>(loads)),
          cells_(map<Cell>(loads * windows)),
          start_(map<std::atomic<std::int64_t>>(1)) {}
    ~Board() {
        ::munmap(states_.data(), states_.size_bytes());
        ::munmap(cells_.data(), cells_.size_bytes());
        ::munmap(start_.data(), start_.size_bytes());
    }
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    State& state(std::size_t load) { return states_[load]; }
    std::span<Cell> cells(std::size_t load) { return cells_.subspan(load * windows_, windows_); }
    /// When the run began, set once every load is ready.
    std::atomic<std::int64_t>& start() { return start_[0]; }

private:
    template <class T>
    static std::span<T> map(std::size_t count) {
        void* const memory =
            ::mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) fail(errno, "cannot have memory for the report", "use fewer loads or windows");
        T* const first = static_cast<T*>(memory);
        std::uninitialized_value_construct_n(first, count);
        return {first, count};
    }

    std::size_t windows_;
    std::span<State> states_;
    std::span<Cell> cells_;
    std::span<std::atomic<std::int64_t>> start_;
};

/// Writes down what a load sees, in the window in which it began.
class Meter {
public:
    Meter(std::span<const Window> windows, std::span<Cell> cells, State& state, std::int64_t start)
        : windows_(windows), cells_(cells), state_(state), start_(start) {}

    void record(std::size_t series, std::int64_t began, std::int64_t ended, std::size_t bytes = 0) noexcept {
        if (began < from_ || began >= until_) seek(began);
        if (cell_ == nullptr) return;
        cell_->series[series].add(ended - began);
        cell_->bytes += bytes;
    }

    void error(std::int64_t began, std::string_view text) noexcept {
        state_.say(text);
        ++state_.errors;
        if (began < from_ || began >= until_) seek(began);
        if (cell_ != nullptr) ++cell_->errors;
    }

    void missed(std::int64_t operations) noexcept { state_.missed += static_cast<std::uint64_t>(operations); }

private:
    /// Finds the window, or the gap between two, that an instant lies in.
    void seek(std::int64_t instant) noexcept {
        from_ = std::numeric_limits<std::int64_t>::min();
        until_ = std::numeric_limits<std::int64_t>::max();
        cell_ = nullptr;
        for (std::size_t i = 0; i < windows_.size(); ++i) {
            if (instant < start_ + windows_[i].measured_from) {
                until_ = start_ + windows_[i].measured_from;
                return;
            }
            from_ = start_ + windows_[i].until;
            if (instant >= from_) continue;
            until_ = std::exchange(from_, start_ + windows_[i].measured_from);
            cell_ = &cells_[i];
            return;
        }
    }

    std::span<const Window> windows_;
    std::span<Cell> cells_;
    State& state_;
    std::int64_t start_;
    std::int64_t from_ = 0;
    std::int64_t until_ = 0;
    Cell* cell_ = nullptr;
};

}  // namespace workload
