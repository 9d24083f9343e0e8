// SPDX-License-Identifier: GPL-2.0-or-later
//
// A source is one kernel file and the slots of the sample that come out of it. What is common to all of them is here:
// when a file is read, and what becomes of its slots when it can't be.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/indicators/sample.hpp"

namespace memtuned::indicators {

/// The slots of the sample being taken.
class Slots {
public:
    explicit Slots(std::size_t count) : values_(count, no_data), unavailable_(count, 0), why_(count) {}

    /// Every slot has no data; what is unavailable stays so.
    void begin();

    /// The slot is available, with this value or `no_data`.
    void set(std::size_t slot, double value);

    /// The slot is unavailable because of `why()`, which is only asked when the slot was available so far: it
    /// allocates.
    template <class Why>
    void lack(std::size_t slot, Why why) {
        if (unavailable_[slot]) return;
        unavailable_[slot] = 1;
        why_[slot] = why();
    }

    /// Forgets why a slot was unavailable.
    void release(std::size_t slot);

    const std::vector<double>& values() const { return values_; }
    const std::vector<std::uint8_t>& unavailable() const { return unavailable_; }
    const std::string& why(std::size_t slot) const { return why_[slot]; }

private:
    std::vector<double> values_;
    std::vector<std::uint8_t> unavailable_;
    std::vector<std::string> why_;
};

/// Errors that the next tick will meet again: the kernel has no such file, or not for us.
bool lasting(int code);
/// When such a file is looked for again: an open that fails builds a message each time.
inline constexpr Duration retry_after = std::chrono::seconds(60);

/// What a person can do about missing pressure files.
inline constexpr std::string_view psi_is_off = " (PSI is off: boot with psi=1)";

struct Tick {
    Instant now;
    Duration longest_step;
};

class Source {
public:
    virtual ~Source() = default;

    /// Reads the file and fills the slots. A file that this kernel lacks makes them unavailable and is looked for
    /// again only a minute later, so that a steady tick neither opens files nor builds messages. Any other read error
    /// is no data for this tick. A file that is not what it should be makes them unavailable until it is.
    void take(const Tick& tick, Slots& slots);

    /// Relative to the root; empty if it is none of the kernel's.
    virtual std::string_view file() const = 0;

protected:
    virtual Status refresh() = 0;

    /// Sets every slot. `elapsed`: seconds since the last compute(), NaN where no growth may be counted from there.
    virtual void compute(double elapsed, Slots& slots) = 0;

    /// What a person can do about a missing file; empty, or with a blank before it.
    virtual std::string_view advice() const { return {}; }

    /// To be called for each slot that compute() sets.
    void own(std::size_t slot) { owned_.push_back(slot); }

private:
    void fail(const Error& error, Instant now, Slots& slots);
    double elapsed(const Tick& tick) const;

    std::vector<std::size_t> owned_;
    bool read_before_ = false;
    Instant last_read_;
    bool failing_ = false;
    bool missing_ = false;
    Instant retry_;
};

/// A counter of the kernel's and how far it moved.
class Counter {
public:
    /// Growth since the last value; NaN at first, after a step back, and where `valid` is false.
    double step(std::uint64_t value, bool valid) {
        const bool grew = known_ && valid && value >= last_;
        const double growth = grew ? static_cast<double>(value - last_) : no_data;
        last_ = value;
        known_ = true;
        return growth;
    }
    void forget() { known_ = false; }

private:
    std::uint64_t last_ = 0;
    bool known_ = false;
};

}  // namespace memtuned::indicators
