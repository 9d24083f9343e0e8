// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/kept_file.hpp"

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <iterator>
#include <string>
#include <utility>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

std::ptrdiff_t open_descriptors() {
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

}  // namespace

TEST_CASE("a kept file is read anew each time") {
    test::TempRoot tree;
    tree.write("proc/vmstat", "pgfault 1\n");
    KeptFile file(tree.root(), "proc/vmstat");
    CHECK(*file.read() == "pgfault 1\n");
    tree.write("proc/vmstat", "pgfault 12345\n");
    CHECK(*file.read() == "pgfault 12345\n");
    tree.write("proc/vmstat", "x\n");
    CHECK(*file.read() == "x\n");
}

TEST_CASE("a kept file may be empty") {
    test::TempRoot tree;
    tree.write("proc/vmstat", "");
    KeptFile file(tree.root(), "proc/vmstat");
    REQUIRE(file.read());
    CHECK(file.read()->empty());
}

TEST_CASE("a kept file is read to its end, however long") {
    for (const std::size_t size : {4095U, 4096U, 4097U, 8192U, 100000U}) {
        const std::string text(size, 'x');
        test::TempRoot tree;
        tree.write("proc/zoneinfo", text);
        KeptFile file(tree.root(), "proc/zoneinfo");
        CHECK(*file.read() == text);
    }
}

TEST_CASE("a kept file that is missing says so, and is found once it is there") {
    test::TempRoot tree;
    KeptFile file(tree.root(), "proc/pressure/memory");
    const Result<std::string_view> text = file.read();
    REQUIRE_FALSE(text);
    CHECK(text.error().message == "proc/pressure/memory: No such file or directory");
    CHECK(text.error().code == ENOENT);
    tree.write("proc/pressure/memory", "here\n");
    CHECK(*file.read() == "here\n");
}

TEST_CASE("a kept file that opens but cannot be read says so each time and keeps nothing open") {
    test::TempRoot tree;
    std::filesystem::create_directories(tree.root() / "proc/vmstat");
    KeptFile file(tree.root(), "proc/vmstat");
    const std::ptrdiff_t before = open_descriptors();
    for (int i = 0; i < 3; ++i) {
        const Result<std::string_view> text = file.read();
        REQUIRE_FALSE(text);
        CHECK(text.error().message == "proc/vmstat: Is a directory");
        CHECK(text.error().code == EISDIR);
    }
    CHECK(open_descriptors() == before);
}

// A process's files give ESRCH once it is gone, as a removed cgroup's give ENODEV.
TEST_CASE("a kept file whose kernel object is gone is looked for again under its name") {
    const pid_t child = ::fork();
    if (child == 0) {
        ::pause();
        ::_exit(0);
    }
    const std::string path = "proc/" + std::to_string(child) + "/stat";
    KeptFile file(Root(), path);
    CHECK(file.read());
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Result<std::string_view> text = file.read();
    REQUIRE_FALSE(text);
    CHECK(text.error().message == path + ": No such file or directory");
    CHECK(text.error().code == ENOENT);
}

TEST_CASE("moving kept files neither loses nor leaks a descriptor") {
    test::TempRoot tree;
    tree.write("a", "a").write("b", "b");
    const std::ptrdiff_t before = open_descriptors();
    {
        KeptFile a(tree.root(), "a");
        KeptFile b(tree.root(), "b");
        CHECK(a.read());
        CHECK(b.read());
        CHECK(open_descriptors() == before + 2);
        b = std::move(a);
        CHECK(open_descriptors() == before + 1);
        CHECK(*b.read() == "a");
        const KeptFile c(std::move(b));
        CHECK(c.name() == "a");
        CHECK(open_descriptors() == before + 1);
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("reading a kept file again allocates nothing") {
    KeptFile file(Root(), "proc/vmstat");
    REQUIRE(file.read());
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(file.read()->size() > 1000);
    CHECK(test::allocations() == before);
}

TEST_CASE("descriptors are closed on exec") {
    KeptFile file(Root(), "proc/uptime");
    const std::ptrdiff_t before = open_descriptors();
    REQUIRE(file.read());
    CHECK(open_descriptors() == before + 1);
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        if (std::filesystem::read_symlink(entry, gone) != "/proc/uptime") continue;
        CHECK((::fcntl(std::stoi(entry.path().filename().string()), F_GETFD) & FD_CLOEXEC) != 0);
    }
}

}  // namespace memtuned::kernel
