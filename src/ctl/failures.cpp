// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/failures.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "bus/names.hpp"

namespace memtuned::ctl {
namespace {

constexpr int not_so = 1;
constexpr int not_reachable = 3;
constexpr int not_authorized = 4;

constexpr std::string_view hint = "is it running? `systemctl status memtuned` tells; --bus names another bus";

bool is_one_of(const std::string& name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_unauthorized(const std::string& error) {
    return is_one_of(error, {bus::error::not_authorized, "org.freedesktop.DBus.Error.AccessDenied",
                             "org.freedesktop.DBus.Error.AuthFailed",
                             "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"});
}

/// System.Error.NAME is what sd-bus makes of an errno of the connection itself, such as ENOTCONN.
bool is_unreachable(const std::string& error) {
    return is_one_of(error, {"System.Error.ENOTCONN", "System.Error.ECONNRESET", "System.Error.EPIPE",
                             "System.Error.ECONNREFUSED", "org.freedesktop.DBus.Error.ServiceUnknown",
                             "org.freedesktop.DBus.Error.NameHasNoOwner", "org.freedesktop.DBus.Error.NoReply",
                             "org.freedesktop.DBus.Error.Disconnected", "org.freedesktop.DBus.Error.Timeout",
                             "org.freedesktop.DBus.Error.TimedOut", "org.freedesktop.DBus.Error.NoServer"});
}

std::string called(const std::string& address) {
    return address == "system" || address == "session" ? fmt::format("the {} bus", address)
                                                       : fmt::format("the bus at {}", address);
}

}  // namespace

CallFailed failed(const sdbus::Error& error) {
    const std::string name = error.getName();
    const std::string message = error.getMessage().empty() ? name : error.getMessage();
    if (is_unauthorized(name)) return {not_authorized, message};
    if (is_unreachable(name)) return {not_reachable, fmt::format("memtuned does not answer ({}); {}", message, hint)};
    return {not_so, message};
}

CallFailed no_bus(const std::string& address, const sdbus::Error& error) {
    return {not_reachable, fmt::format("{} is not to be reached ({}); --bus names another one", called(address),
                                       error.getMessage())};
}

CallFailed no_daemon(const std::string& address) {
    return {not_reachable, fmt::format("memtuned is not on {}; {}", called(address), hint)};
}

CallFailed bus_gone(const sdbus::Error& error) {
    return {not_reachable, fmt::format("the bus is gone ({})", error.getMessage())};
}

CallFailed incomplete_answer(const char* property) {
    return {not_so, fmt::format("memtuned's answer lacks {}: is it of another version?", property)};
}

}  // namespace memtuned::ctl
