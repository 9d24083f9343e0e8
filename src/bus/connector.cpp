// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/connector.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

namespace memtuned::bus {
namespace {

/// Every name that vanishes from the bus: one match at the start, as each costs a wait for the bus.
constexpr const char* departures =
    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
    "member='NameOwnerChanged',arg2=''";

std::unique_ptr<sdbus::IConnection> open(const std::string& address) {
    if (address == "system") return sdbus::createSystemBusConnection();
    if (address == "session") return sdbus::createSessionBusConnection();
    return connect_to(address);
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
    try {
        auto connection = open(address);
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
