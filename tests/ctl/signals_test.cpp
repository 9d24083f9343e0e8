// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/signals.hpp"

#include <doctest/doctest.h>
#include <pthread.h>

namespace memtuned::ctl {

TEST_CASE("signals are read one by one, and those left over do not end the program") {
    {
        const SignalReader reader({SIGTERM, SIGHUP});
        CHECK(reader.read() == std::nullopt);
        ::pthread_kill(::pthread_self(), SIGHUP);
        CHECK(reader.read() == SIGHUP);
        CHECK(reader.read() == std::nullopt);
        ::pthread_kill(::pthread_self(), SIGTERM);
    }
    sigset_t mask{};
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    CHECK(::sigismember(&mask, SIGTERM) == 0);
}

}  // namespace memtuned::ctl
