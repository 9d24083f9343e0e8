// SPDX-License-Identifier: GPL-2.0-or-later
//
// The one place that knows which sdbus-c++ this is: 1.2 (Debian 12) takes names as strings, 2.x (Debian 13) has a
// type for each kind of name, and other words for some calls.
#pragma once

#include <sdbus-c++/sdbus-c++.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#if __has_include(<sdbus-c++/VTableItems.h>)
#define MEMTUNED_SDBUS_2 1
#else
#define MEMTUNED_SDBUS_2 0
#endif

namespace memtuned::bus {

#if MEMTUNED_SDBUS_2
using ServiceName = sdbus::ServiceName;
using ObjectPath = sdbus::ObjectPath;
using InterfaceName = sdbus::InterfaceName;
using PropertyName = sdbus::PropertyName;
using ErrorName = sdbus::Error::Name;
/// What the handler of an asynchronous call is told: empty if it went well.
using CallError = std::optional<sdbus::Error>;
#else
using ServiceName = std::string;
using ObjectPath = std::string;
using InterfaceName = std::string;
using PropertyName = std::string;
using ErrorName = std::string;
using CallError = const sdbus::Error*;
#endif

inline sdbus::Error make_error(const std::string& name, const std::string& message) {
    return sdbus::Error(ErrorName(name), message);
}

/// Serves one message. False: there is none left.
inline bool process_pending(sdbus::IConnection& connection) {
#if MEMTUNED_SDBUS_2
    return connection.processPendingEvent();
#else
    return connection.processPendingRequest();
#endif
}

/// How long the connection may be left alone; none: until its descriptor has something.
inline std::optional<std::chrono::microseconds> longest_wait(const sdbus::IConnection::PollData& poll) {
#if MEMTUNED_SDBUS_2
    const auto wait = poll.getRelativeTimeout();
    return wait == std::chrono::microseconds::max() ? std::nullopt : std::optional(wait);
#else
    return poll.getRelativeTimeout();
#endif
}

/// The bus "system" or "session", or the one at an address as in DBUS_SYSTEM_BUS_ADDRESS.
inline std::unique_ptr<sdbus::IConnection> connect_to(const std::string& address) {
    if (address == "system") return sdbus::createSystemBusConnection();
    if (address == "session") return sdbus::createSessionBusConnection();
    return sdbus::createSessionBusConnectionWithAddress(address);
}

/// Calls a function with each message that matches, as long as the slot is kept. Waits for the bus's answer. What the
/// function throws ends the process on 1.2.
[[nodiscard]] inline sdbus::Slot add_match(sdbus::IConnection& connection, const std::string& match,
                                           std::function<void(sdbus::Message&)> function) {
#if MEMTUNED_SDBUS_2
    return connection.addMatch(
        match, [function = std::move(function)](sdbus::Message message) { function(message); }, sdbus::return_slot);
#else
    return connection.addMatch(match, std::move(function));
#endif
}

/// Registers what was added to an object or a proxy (uponSignal()) by hand, not by generated glue.
template <class Subject>
void finish(Subject& subject) {
#if MEMTUNED_SDBUS_2
    static_cast<void>(subject);  // was done there and then
#else
    subject.finishRegistration();
#endif
}

/// Who sent the call that an object's method, or a property's setter, is serving.
template <class Object>
std::string sender(const Object& object) {
#if MEMTUNED_SDBUS_2
    const char* name = object.getCurrentlyProcessedMessage().getSender();
    return name != nullptr ? name : "";
#else
    return object.getCurrentlyProcessedMessage()->getSender();
#endif
}

}  // namespace memtuned::bus
