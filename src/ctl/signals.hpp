// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

namespace memtuned::ctl {

/// Signals that are read from a descriptor instead of interrupting, from construction to destruction. Those that were
/// not read by then are dropped.
class SignalReader {
public:
    explicit SignalReader(std::initializer_list<int> signals);
    ~SignalReader();
    SignalReader(const SignalReader&) = delete;
    SignalReader& operator=(const SignalReader&) = delete;

    /// Readable when a signal came.
    int fd() const { return fd_; }
    /// The next one that came; none: there is none.
    std::optional<int> read() const;
    /// The mask that was in force before; a child wants it back.
    const sigset_t& mask_before() const { return before_; }

private:
    sigset_t before_{};
    int fd_;
};

}  // namespace memtuned::ctl
