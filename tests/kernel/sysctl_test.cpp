// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/sysctl.hpp"

#include <cerrno>
#include <filesystem>
#include <thread>

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {
constexpr std::string_view swappiness = "proc/sys/vm/swappiness";
}

TEST_CASE("an integer is read anew each time") {
    test::TempRoot tree;
    tree.write(swappiness, "60\n");
    ProcSysctls files(tree.root());
    CHECK(*files.read(swappiness) == 60);
    tree.write(swappiness, "-1\n");
    CHECK(*files.read(swappiness) == -1);
    tree.write(swappiness, "9223372036854775807");
    CHECK(*files.read(swappiness) == 9223372036854775807);
}

TEST_CASE("what is written is read back, over a longer text too") {
    test::TempRoot tree;
    tree.write(swappiness, "67584\n");
    ProcSysctls files(tree.root());
    CHECK(files.write(swappiness, 100));
    CHECK(*files.read(swappiness) == 100);
    CHECK(files.write(swappiness, -5));
    CHECK(*files.read(swappiness) == -5);
}

TEST_CASE("a sysctl that this kernel lacks is neither read nor made") {
    const test::TempRoot tree;
    ProcSysctls files(tree.root());
    const Result<std::int64_t> value = files.read(swappiness);
    REQUIRE_FALSE(value);
    CHECK(value.error().message == "proc/sys/vm/swappiness: No such file or directory");
    CHECK(value.error().code == ENOENT);
    const Status written = files.write(swappiness, 1);
    REQUIRE_FALSE(written);
    CHECK(written.error().message == "proc/sys/vm/swappiness: No such file or directory");
    CHECK(written.error().code == ENOENT);
    CHECK(std::filesystem::is_empty(tree.root().path()));
}

TEST_CASE("a file that holds no integer is refused with what it holds") {
    test::TempRoot tree;
    ProcSysctls files(tree.root());
    const auto refusal = [&](std::string_view text) {
        tree.write(swappiness, text);
        const Result<std::int64_t> value = files.read(swappiness);
        CHECK((value || value.error().code == 0));
        return value ? "accepted" : value.error().message;
    };
    CHECK(refusal("") == "proc/sys/vm/swappiness: not an integer: \"\"");
    CHECK(refusal("\n60\n") == "proc/sys/vm/swappiness: not an integer: \"\"");
    CHECK(refusal("[always] madvise never\n") ==
          "proc/sys/vm/swappiness: not an integer: \"[always] madvise never\"");
    CHECK(refusal("256\t32\n") == "proc/sys/vm/swappiness: not an integer: \"256?32\"");
    CHECK(refusal("9223372036854775808\n") == "proc/sys/vm/swappiness: not an integer: \"9223372036854775808\"");
    CHECK(refusal("60 \n") == "accepted");
}

TEST_CASE("a write that the kernel refuses carries the reason") {
    ProcSysctls files{Root()};
    const Status full = files.write("dev/full", 1);
    REQUIRE_FALSE(full);
    CHECK(full.error().message == "dev/full: No space left on device");
    CHECK(full.error().code == ENOSPC);
}

TEST_CASE("a value may be written on one thread while another reads") {
    test::TempRoot tree;
    tree.write(swappiness, "60\n").write("proc/sys/vm/drop_caches", "0\n");
    ProcSysctls files(tree.root());
    std::thread writer([&files] {
        for (int i = 0; i < 1000; ++i) (void)files.write("proc/sys/vm/drop_caches", 1);
    });
    for (int i = 0; i < 1000; ++i) CHECK(*files.read(swappiness) == 60);
    writer.join();
    CHECK(*files.read("proc/sys/vm/drop_caches") == 1);
}

TEST_CASE("this machine's tunables read, and again without allocating") {
    ProcSysctls files{Root()};
    CHECK(*files.read(swappiness) >= 0);
    CHECK(*files.read("proc/sys/vm/min_free_kbytes") > 0);
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(files.read(swappiness));
    CHECK(test::allocations() == before);
}

}  // namespace memtuned::kernel
