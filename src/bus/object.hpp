// SPDX-License-Identifier: GPL-2.0-or-later
//
// The objects on the bus: the manager, and one for each tunable, rule and service. Each is a source file of its own,
// which alone sees the glue generated from its dbus/org.memtuned1.*.xml.
#pragma once

#include <cstddef>
#include <memory>

#include "bus/host.hpp"
#include "bus/requests.hpp"
#include "bus/sdbus.hpp"

namespace memtuned::bus {

class Object {
public:
    virtual ~Object() = default;
    /// Takes in what has become of it, and tells what changed. `number` is its number in the policy, which is another
    /// for a rule after a reload.
    virtual void update(std::size_t number) = 0;
    /// Takes in what it is at first, which needs no telling.
    virtual void begin() = 0;
    /// Tells that it came, or that it goes.
    virtual void tell_added() = 0;
    virtual void tell_removed() = 0;
};

/// Signals of the manager.
class ManagerObject : public Object {
public:
    virtual void tell_tunable(const policy::PastDecision& decision) = 0;
    virtual void tell_event(const policy::Event& event) = 0;
    virtual void tell_reload_failed(const std::string& diagnostics) = 0;
};

std::unique_ptr<ManagerObject> make_manager(sdbus::IConnection& connection, Host& host, Requests& requests);
std::unique_ptr<Object> make_tunable(sdbus::IConnection& connection, Host& host, Requests& requests,
                                     std::size_t tunable);
std::unique_ptr<Object> make_rule(sdbus::IConnection& connection, Host& host, Requests& requests, std::size_t rule);
std::unique_ptr<Object> make_service(sdbus::IConnection& connection, Host& host, Requests& requests,
                                     std::size_t tunable);

}  // namespace memtuned::bus
