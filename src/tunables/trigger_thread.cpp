// SPDX-License-Identifier: GPL-2.0-or-later
#include "tunables/trigger_thread.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace memtuned::tunables {

TriggerThread::TriggerThread() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), event_error_(event_ ? 0 : errno) {}

TriggerThread::~TriggerThread() {
    if (thread_.joinable()) thread_.join();
}

Status TriggerThread::start(std::size_t trigger, std::int64_t value, std::function<Status()> act) {
    if (!event_) return system_error("eventfd", event_error_);
    {
        const std::lock_guard lock(mutex_);
        if (std::ranges::any_of(jobs_, [trigger](const Job& job) { return job.trigger == trigger; }))
            return system_error("the last one still runs", EBUSY);
        jobs_.push_back({trigger, value, std::move(act)});
        if (std::exchange(running_, true)) return Done{};
    }
    if (thread_.joinable()) thread_.join();
    try {
        thread_ = std::thread([this] { run(); });
    } catch (const std::system_error& error) {
        const std::lock_guard lock(mutex_);
        running_ = false;
        jobs_.clear();
        return system_error("cannot start a thread", error.code().value());
    }
    return Done{};
}

void TriggerThread::run() {
    for (;;) {
        Job job;
        {
            const std::lock_guard lock(mutex_);
            if (jobs_.empty()) {
                running_ = false;
                return;
            }
            job = jobs_.front();
        }
        const Instant begin = BootClock::now();
        Status status = job.act();
        {
            const std::lock_guard lock(mutex_);
            finished_.push_back({job.trigger, job.value, BootClock::now() - begin, std::move(status)});
            jobs_.pop_front();
        }
        ::eventfd_write(event_.get(), 1);
    }
}

std::vector<Controller::Finished> TriggerThread::finished() {
    // The event goes first: one that comes between the two lines wakes the loop once more, for nothing.
    eventfd_t events = 0;
    ::eventfd_read(event_.get(), &events);
    const std::lock_guard lock(mutex_);
    return std::exchange(finished_, {});
}

}  // namespace memtuned::tunables
