// SPDX-License-Identifier: GPL-2.0-or-later
//
// The one way to the kernel. What memtuned writes, a tunable of the machine or the score of a process, is written in
// here: observe mode ends here, and the undo journal comes first.
#pragma once

#include <fmt/core.h>

#include <string_view>

#include "memtuned/base/result.hpp"
#include "memtuned/tunables/controller.hpp"

namespace memtuned::tunables {

class Gate {
public:
    enum class Purpose : std::uint8_t { order, undo };
    enum class Passed : std::uint8_t { written, observed };

    explicit Gate(Mode mode) : mode_(mode) {}
    Mode mode() const { return mode_; }
    void set_mode(Mode mode) { mode_ = mode; }

    /// `announce` brings the journal up to date with what `act` is about to do; without it nothing is done. What was
    /// written while enforcing is put back in observe mode too.
    template <class Announce, class Act>
    Result<Passed> pass(Purpose purpose, std::string_view who, Announce announce, Act act) const {
        if (mode_ == Mode::observe && purpose == Purpose::order) return Passed::observed;
        if (const Status kept = announce(); !kept)
            return Error{fmt::format("{}: not written, as the undo journal failed: {}", who, kept.error().message),
                         kept.error().code};
        if (Status done = act(); !done) return done.error();
        return Passed::written;
    }

private:
    Mode mode_;
};

}  // namespace memtuned::tunables
