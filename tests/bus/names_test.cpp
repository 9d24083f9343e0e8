// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/names.hpp"

#include <doctest/doctest.h>

#include <chrono>

namespace memtuned::bus {

TEST_CASE("in a path what is no letter or digit is its two digits") {
    CHECK(path_of("tunable", "vm.swappiness") == "/org/memtuned1/tunable/vm_2eswappiness");
    CHECK(path_of("tunable", "vm.page-cluster") == "/org/memtuned1/tunable/vm_2epage_2dcluster");
    CHECK(path_of("rule", "grow-reserve") == "/org/memtuned1/rule/grow_2dreserve");
    CHECK(path_of("service", "user@1000.service/app.scope") ==
          "/org/memtuned1/service/user_401000_2eservice_2fapp_2escope");
    CHECK(path_of("service", "a\\x2db.service") == "/org/memtuned1/service/a_5cx2db_2eservice");
}

TEST_CASE("no two names have one path") {
    CHECK(path_of("rule", "a_b") == "/org/memtuned1/rule/a_5fb");
    CHECK(path_of("rule", "a_5fb") == "/org/memtuned1/rule/a_5f5fb");
    CHECK(path_of("rule", "1st") == "/org/memtuned1/rule/_31st");  // so that no name is taken for a code
    CHECK(path_of("rule", "") == "/org/memtuned1/rule/_");
    CHECK(path_of("rule", "ü") == "/org/memtuned1/rule/_c3_bc");
}

TEST_CASE("what never was is 0, and a time since boot is the time of day then") {
    CHECK(realtime(Instant{}) == 0);
    const auto now =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const std::uint64_t told = realtime(BootClock::now() - std::chrono::seconds(10));
    CHECK(told <= static_cast<std::uint64_t>(now) - 9'000'000);
    CHECK(told >= static_cast<std::uint64_t>(now) - 11'000'000);
}

}  // namespace memtuned::bus
