// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/event_loop.hpp"

#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <system_error>

namespace memtuned::daemon {
namespace {

/// These fail only where the process is out of descriptors or memory before it has begun: nothing to go on with.
int must(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

}  // namespace

Timer::Timer() : file_(must(::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC), "timerfd_create")) {}

void Timer::set(Instant deadline) {
    const auto since_boot = std::max<std::int64_t>(1, deadline.time_since_epoch().count());
    itimerspec when{};
    when.it_value.tv_sec = since_boot / 1'000'000'000;
    when.it_value.tv_nsec = since_boot % 1'000'000'000;
    must(::timerfd_settime(file_.get(), TFD_TIMER_ABSTIME, &when, nullptr), "timerfd_settime");
}

void Timer::acknowledge() {
    std::uint64_t expirations = 0;
    (void)!::read(file_.get(), &expirations, sizeof expirations);
}

Signals::Signals() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
    must(::sigprocmask(SIG_BLOCK, &set, nullptr), "sigprocmask");
    file_.reset(must(::signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd"));
}

int Signals::take() {
    signalfd_siginfo info{};
    return ::read(file_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

EventLoop::EventLoop() : epoll_(must(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}

void EventLoop::add(int fd, std::uint32_t events, Handler handler) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    must(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
    sources_.push_back({fd, std::move(handler)});
}

void EventLoop::change(int fd, std::uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    must(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event), "epoll_ctl");
}

void EventLoop::remove(int fd) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    std::erase_if(sources_, [fd](const Source& source) { return source.fd == fd; });
}

void EventLoop::turn(Duration longest) {
    std::array<epoll_event, 16> ready{};
    const auto timeout = std::chrono::ceil<std::chrono::milliseconds>(longest).count();
    const int count = ::epoll_wait(epoll_.get(), ready.data(), static_cast<int>(ready.size()),
                                   static_cast<int>(std::clamp<std::int64_t>(timeout, 0, 60'000)));
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<std::size_t>(i)];
        const auto source =
            std::find_if(sources_.begin(), sources_.end(), [&](const Source& s) { return s.fd == event.data.fd; });
        if (source == sources_.end()) continue;  // removed by a handler of this turn
        const Handler handler = source->handler;
        handler(event.events);
    }
}

}  // namespace memtuned::daemon
