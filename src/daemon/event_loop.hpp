// SPDX-License-Identifier: GPL-2.0-or-later
//
// One epoll over everything the daemon waits for. Each source is served at most once per turn of the loop.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::daemon {

/// A timer set to an instant.
class Timer {
public:
    Timer();
    void set(Instant deadline);
    void acknowledge();
    int fd() const { return file_.get(); }

private:
    kernel::Descriptor file_;
};

/// SIGTERM, SIGINT and SIGHUP as something to read; blocked for the process from construction on.
class Signals {
public:
    Signals();
    int take();  ///< the number of a signal that came, 0 if none
    int fd() const { return file_.get(); }

private:
    kernel::Descriptor file_;
};

class EventLoop {
public:
    using Handler = std::function<void(std::uint32_t events)>;

    EventLoop();
    /// `events` as of epoll: EPOLLIN, EPOLLPRI.
    void add(int fd, std::uint32_t events, Handler handler);
    void change(int fd, std::uint32_t events);
    void remove(int fd);
    /// Waits at most `longest` and serves what is ready.
    void turn(Duration longest);

private:
    struct Source {
        int fd;
        Handler handler;
    };
    kernel::Descriptor epoll_;
    std::vector<Source> sources_;
};

}  // namespace memtuned::daemon
