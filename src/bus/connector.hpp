// SPDX-License-Identifier: GPL-2.0-or-later
//
// Connecting to a bus waits for the bus: up to a minute and a half where its daemon is there and does not answer. So
// that the loop need not, it happens in a thread of its own, which ends with it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bus/sdbus.hpp"
#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::bus {

/// A connection to the bus, and who has left it.
struct Connected {
    std::unique_ptr<sdbus::IConnection> connection;
    std::shared_ptr<std::vector<std::string>> departed;  ///< filled while messages are processed
    sdbus::Slot departures;                              ///< goes before the connection
};

class Connector {
public:
    /// `address`: "system", "session", or one as in DBUS_SYSTEM_BUS_ADDRESS.
    explicit Connector(std::string address);

    /// Readable once there is an outcome.
    int fd() const { return shared_->done.get(); }
    /// The outcome; none yet: still waiting. With an error the connection is empty.
    std::optional<Connected> take(std::string& error);

private:
    struct Shared {
        kernel::Descriptor done;  // an eventfd
        Connected connected;
        std::string error;
    };
    static void connect(const std::string& address, Shared& shared);

    std::shared_ptr<Shared> shared_;
};

}  // namespace memtuned::bus
