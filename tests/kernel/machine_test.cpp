// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/machine.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "support/temp_root.hpp"

namespace memtuned::kernel {

TEST_CASE("a list of cpus is counted") {
    CHECK(*parse_cpu_list("0\n") == 1);
    CHECK(*parse_cpu_list("0-1\n") == 2);
    CHECK(*parse_cpu_list("0-3,8,10-11\n") == 7);
    CHECK(*parse_cpu_list("0-127") == 128);
    for (const std::string_view text : {"", "\n", "x", "0-", "3-1", "0,,2", "0-1 2"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_cpu_list(text));
    }
    CHECK(parse_cpu_list("3-1\n").error().message == "not a list of cpus: \"3-1\"");
}

TEST_CASE("an uptime is its first figure") {
    CHECK(*parse_uptime("949.90 1542.49\n") == doctest::Approx(949.9));
    CHECK(parse_uptime("soon\n").error().message == "not an uptime: \"soon\"");
    CHECK(parse_uptime("").error().message == "not an uptime: \"\"");
}

TEST_CASE("errors about the machine name the file") {
    test::TempRoot tree;
    tree.write("sys/devices/system/cpu/online", "many\n").write("proc/sys/kernel/random/boot_id", "no id\n");
    CHECK(read_online_cpus(tree.root()).error().message ==
          "sys/devices/system/cpu/online: not a list of cpus: \"many\"");
    CHECK(read_boot_id(tree.root()).error().message == "proc/sys/kernel/random/boot_id: not a boot id: \"no id\"");
    CHECK(read_uptime(tree.root()).error().message == "proc/uptime: No such file or directory");
    CHECK(read_uptime(tree.root()).error().code == ENOENT);
}

TEST_CASE("this machine has cpus, an uptime, a boot id and pages") {
    CHECK(*read_online_cpus(Root()) >= 1);
    CHECK(*read_uptime(Root()) > 0);
    CHECK(read_boot_id(Root())->size() == 36);
    CHECK(page_size() >= 4096);
}

}  // namespace memtuned::kernel
