// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/event_loop.hpp"

#include <doctest/doctest.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <chrono>

namespace memtuned::daemon {
namespace {

using std::chrono::milliseconds;

struct Pair {
    Pair() {
        std::array<int, 2> ends{};
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
    }
    void say() const { REQUIRE(::send(theirs.get(), "x", 1, 0) == 1); }

    kernel::Descriptor ours, theirs;
};

}  // namespace

TEST_CASE("a source waits for what it was changed to") {
    EventLoop loop;
    const Pair pair;
    int calls = 0;
    std::uint32_t last = 0;
    loop.add(pair.ours.get(), EPOLLIN, [&](std::uint32_t events) {
        ++calls;
        last = events;
    });
    loop.turn(milliseconds(0));
    CHECK(calls == 0);
    loop.change(pair.ours.get(), EPOLLIN | EPOLLOUT);
    loop.turn(milliseconds(1000));
    CHECK(calls == 1);
    CHECK(last == EPOLLOUT);
    loop.change(pair.ours.get(), EPOLLIN);
    loop.turn(milliseconds(0));
    CHECK(calls == 1);
    pair.say();
    loop.turn(milliseconds(1000));
    CHECK(last == EPOLLIN);
}

TEST_CASE("a source that another's handler removed is not served any more") {
    EventLoop loop;
    const Pair first;
    const Pair second;
    int calls = 0;
    const auto remove_both = [&](std::uint32_t) {
        ++calls;
        loop.remove(first.ours.get());
        loop.remove(second.ours.get());
    };
    loop.add(first.ours.get(), EPOLLIN, remove_both);
    loop.add(second.ours.get(), EPOLLIN, remove_both);
    first.say();
    second.say();
    loop.turn(milliseconds(1000));
    loop.turn(milliseconds(0));
    CHECK(calls == 1);
}

}  // namespace memtuned::daemon
