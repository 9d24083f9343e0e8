// SPDX-License-Identifier: GPL-2.0-or-later
//
// drop_caches and compact_memory do their work inside the write: up to half a second and longer on big machines. They
// run here, one after the other, so that the loop goes on, and tell it through an eventfd.
#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/tunables/controller.hpp"

namespace memtuned::tunables {

class TriggerThread {
public:
    TriggerThread();
    ~TriggerThread();
    TriggerThread(const TriggerThread&) = delete;
    TriggerThread& operator=(const TriggerThread&) = delete;

    /// Runs `act` on the thread, after those that wait for it already. EBUSY while the same trigger runs or waits.
    Status start(std::size_t trigger, std::int64_t value, std::function<Status()> act);

    int finished_fd() const { return event_.get(); }
    std::vector<Controller::Finished> finished();

private:
    struct Job {
        std::size_t trigger;
        std::int64_t value;
        std::function<Status()> act;
    };

    void run();

    kernel::Descriptor event_;
    int event_error_;
    std::mutex mutex_;
    bool running_ = false;                        ///< under mutex_
    std::deque<Job> jobs_;                        ///< under mutex_; the first is the one that runs
    std::vector<Controller::Finished> finished_;  ///< under mutex_
    std::thread thread_;
};

}  // namespace memtuned::tunables
