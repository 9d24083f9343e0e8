// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/connector.hpp"

#include <sys/eventfd.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "memtuned/base/result.hpp"

namespace memtuned::bus {
namespace {

/// Every name that vanishes from the bus: one match at the start, as each costs a wait for the bus.
constexpr const char* departures =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged',arg2=''";

int open_plainly(const std::string& address, sd_bus** bus) {
    if (address == "system") return ::sd_bus_open_system(bus);
    if (address == "session") return ::sd_bus_open_user(bus);
    int result = ::sd_bus_new(bus);
    if (result >= 0) result = ::sd_bus_set_address(*bus, address.c_str());
    if (result >= 0) result = ::sd_bus_set_bus_client(*bus, 1);
    return result < 0 ? result : ::sd_bus_start(*bus);
}

/// Whether there is a bus that takes connections. sdbus-c++ 1.2 loses 1.8 kB of memory with each one that it cannot
/// open, which is 5 MB a day at an attempt every 30 s; so it is asked only where libsystemd by itself got through.
Status try_out(const std::string& address) {
    sd_bus* bus = nullptr;
    int result = open_plainly(address, &bus);
    if (result >= 0) result = ::sd_bus_flush(bus);
    ::sd_bus_close_unref(bus);
    if (result < 0) return system_error("the bus cannot be opened", -result);
    return Done{};
}

}  // namespace

Connector::Connector(std::string address) : shared_(std::make_shared<Shared>()) {
    const int fd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    shared_->done.reset(fd);
    std::thread([shared = shared_, address = std::move(address)] {
        connect(address, *shared);
        const std::uint64_t one = 1;
        static_cast<void>(!::write(shared->done.get(), &one, sizeof one));
    }).detach();
}

void Connector::connect(const std::string& address, Shared& shared) {
    if (const Status possible = try_out(address); !possible) {
        shared.error = possible.error().message;
        return;
    }
    try {
        auto connection = connect_to(address);
        auto departed = std::make_shared<std::vector<std::string>>();
        auto slot = add_match(*connection, departures, [departed](auto&& message) {
            try {
                std::string name;
                message >> name;
                departed->push_back(std::move(name));
            } catch (const std::exception&) {  // not from the bus itself: no news of anybody
            }
        });
        shared.connected = Connected{std::move(connection), std::move(departed), std::move(slot)};
    } catch (const sdbus::Error& error) {
        shared.error = error.getMessage();
    } catch (const std::exception& failure) {
        shared.error = failure.what();
    }
}

std::optional<Connected> Connector::take(std::string& error) {
    std::uint64_t count = 0;
    if (::read(fd(), &count, sizeof count) != sizeof count) return std::nullopt;
    error = shared_->error;
    return std::move(shared_->connected);
}

}  // namespace memtuned::bus
