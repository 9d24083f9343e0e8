// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/base/time.hpp"

#include <ctime>

namespace memtuned {

BootClock::time_point BootClock::now() noexcept {
    timespec t{};
    clock_gettime(CLOCK_BOOTTIME, &t);
    return time_point(std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec));
}

}  // namespace memtuned
