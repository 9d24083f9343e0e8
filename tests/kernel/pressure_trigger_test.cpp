// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/pressure_trigger.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>

#include <doctest/doctest.h>

#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

using namespace std::chrono_literals;

bool has_pressure() {
    return std::filesystem::exists("/proc/pressure/memory");
}

bool has_cap_sys_resource() {
    const std::string status = test::text_of(Root(), "proc/self/status");
    const std::size_t at = status.find("CapEff:\t");
    return (std::strtoull(status.c_str() + at + 8, nullptr, 16) >> 24 & 1) != 0;
}

/// None where this machine has no PSI or lets only root ask.
std::optional<PressureTrigger> trigger(Duration stall, Duration window) {
    Result<PressureTrigger> opened = PressureTrigger::open(Root(), Resource::memory, Stalled::some, stall, window);
    if (!opened && (!has_pressure() || opened.error().code == EACCES || opened.error().code == EPERM)) {
        MESSAGE("not tried here: " << opened.error().message);
        return std::nullopt;
    }
    REQUIRE_MESSAGE(opened, opened.error().message);
    return std::move(*opened);
}

}  // namespace

TEST_CASE("a trigger with a window of 2 s is accepted as it is and does not fire at once") {
    const auto opened = trigger(1900ms, 2s);
    if (!opened) return;
    CHECK(opened->window() == 2s);
    CHECK(opened->stall() == 1900ms);
    CHECK((::fcntl(opened->fd(), F_GETFD) & FD_CLOEXEC) != 0);
    CHECK((::fcntl(opened->fd(), F_GETFL) & O_NONBLOCK) != 0);
    pollfd waiting{opened->fd(), POLLPRI, 0};
    CHECK(::poll(&waiting, 1, 0) == 0);  // a descriptor without a trigger gives POLLERR at once
}

TEST_CASE("a window that needs a privilege falls back to the next multiple of 2 s, the stall in proportion") {
    const auto opened = trigger(70ms, 1s);
    if (!opened) return;
    const bool privileged = has_cap_sys_resource();
    CHECK(opened->window() == (privileged ? Duration(1s) : Duration(2s)));
    CHECK(opened->stall() == (privileged ? Duration(70ms) : Duration(140ms)));
    const auto odd = trigger(100ms, 5s);
    REQUIRE(odd);
    CHECK(odd->window() == (privileged ? Duration(5s) : Duration(6s)));
    CHECK(odd->stall() == (privileged ? Duration(100ms) : Duration(120ms)));
}

TEST_CASE("a trigger that the kernel refuses says so") {
    if (!trigger(100ms, 2s)) return;
    for (const auto& [stall, window] : {std::pair<Duration, Duration>{0s, 2s}, {3s, 2s}, {1s, 12s}, {1s, 0s}}) {
        const auto opened = PressureTrigger::open(Root(), Resource::io, Stalled::full, stall, window);
        REQUIRE_FALSE(opened);
        CHECK(opened.error().message == "proc/pressure/io: Invalid argument");
        CHECK(opened.error().code == EINVAL);
    }
}

TEST_CASE("a trigger is not written into a capture") {
    test::TempRoot tree;
    tree.write("proc/pressure/memory", "some avg10=0.00\n");
    const auto opened = PressureTrigger::open(tree.root(), Resource::memory, Stalled::some, 100ms, 2s);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message == "proc/pressure/memory: Operation not supported");
    CHECK(test::text_of(tree.root(), "proc/pressure/memory") == "some avg10=0.00\n");
}

TEST_CASE("a machine without PSI has no triggers") {
    const test::TempRoot tree;
    const auto opened = PressureTrigger::open(tree.root(), Resource::memory, Stalled::some, 100ms, 2s);
    REQUIRE_FALSE(opened);
    CHECK(opened.error().message == "proc/pressure/memory: No such file or directory");
    CHECK(opened.error().code == ENOENT);
}

}  // namespace memtuned::kernel
