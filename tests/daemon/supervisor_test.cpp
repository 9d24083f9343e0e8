// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/supervisor.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <chrono>
#include <filesystem>

#include "memtuned/kernel/descriptor.hpp"
#include "support/temp_root.hpp"

namespace memtuned::daemon {
namespace {

using std::chrono::seconds;

/// Systemd's end, with WatchdogSec=3min.
class Notified {
public:
    Notified() {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = folder_.root() / "notify";
        REQUIRE(path.copy(address.sun_path, sizeof address.sun_path - 1) == path.size());
        socket_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        REQUIRE(::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        ::setenv("NOTIFY_SOCKET", path.c_str(), 1);
        ::setenv("WATCHDOG_USEC", "180000000", 1);
    }
    ~Notified() {
        ::unsetenv("NOTIFY_SOCKET");
        ::unsetenv("WATCHDOG_USEC");
    }
    Notified(const Notified&) = delete;
    Notified& operator=(const Notified&) = delete;

    /// What came since it was last asked; empty for nothing.
    std::string next() {
        std::array<char, 256> text{};
        const ssize_t length = ::recv(socket_.get(), text.data(), text.size(), 0);
        return length < 0 ? std::string() : std::string(text.data(), static_cast<std::size_t>(length));
    }

private:
    test::TempRoot folder_;
    kernel::Descriptor socket_;
};

}  // namespace

TEST_CASE("the watchdog is fed when it is due, however often the loop turns") {
    Notified systemd;
    Supervisor supervisor;
    REQUIRE(supervisor.watchdog_interval() == seconds(45));

    const Instant start{seconds(1000)};
    supervisor.feed_watchdog(start);
    CHECK(systemd.next() == "WATCHDOG=1");
    supervisor.feed_watchdog(start + seconds(44));
    CHECK(systemd.next().empty());
    supervisor.feed_watchdog(start + seconds(45));
    CHECK(systemd.next() == "WATCHDOG=1");
    CHECK(systemd.next().empty());
}

TEST_CASE("systemd is told a status only when it is another") {
    Notified systemd;
    Supervisor supervisor;
    supervisor.ready("profile balanced");
    CHECK(systemd.next() == "READY=1\nSTATUS=profile balanced");
    supervisor.status("profile balanced");
    CHECK(systemd.next().empty());
    supervisor.status("profile zram");
    CHECK(systemd.next() == "STATUS=profile zram");
}

}  // namespace memtuned::daemon
