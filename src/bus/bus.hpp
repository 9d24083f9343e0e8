// SPDX-License-Identifier: GPL-2.0-or-later
//
// memtuned's place on the bus: connects, serves what comes, tells what happens, and comes back when the bus went
// away. Nothing here waits for anything.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bus/host.hpp"
#include "memtuned/base/time.hpp"

namespace memtuned::bus {

class Bus {
public:
    /// `address`: "system", "session", "none", or one as in DBUS_SYSTEM_BUS_ADDRESS.
    Bus(Host& host, std::string address);
    ~Bus();
    Bus(const Bus&) = delete;
    Bus& operator=(const Bus&) = delete;

    /// Serves some of the messages that have come. To be called in every turn of the loop, and wait() right before
    /// waiting: a message may be here already that the descriptor knows nothing of.
    void serve(Instant now);

    struct Wait {
        int fd = -1;
        std::uint32_t events = 0;      ///< as of poll
        std::uint64_t connection = 0;  ///< another number is another descriptor, though it may be called the same
        std::optional<Duration> longest;
    };
    Wait wait(Instant now);

    /// After a turn of the policy: answers who waited for it, and tells what changed.
    void turn_taken(Instant now);
    void tell(const policy::PastDecision& decision, Instant now);
    void tell(const policy::Event& event, Instant now);
    void tell_reload_failed(const std::string& diagnostics, Instant now);

private:
    struct Session;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace memtuned::bus
