// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a person is told where the bus or the daemon said no, and the exit status that goes with it.
#pragma once

#include <string>

#include "bus/sdbus.hpp"
#include "ctl/client.hpp"

namespace memtuned::ctl {

/// Of a call.
CallFailed failed(const sdbus::Error& error);

CallFailed no_bus(const std::string& address, const sdbus::Error& error);
CallFailed no_daemon(const std::string& address);
CallFailed bus_gone(const sdbus::Error& error);
CallFailed incomplete_answer(const char* property);

}  // namespace memtuned::ctl
