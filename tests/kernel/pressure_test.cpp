// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/pressure.hpp"

#include <cerrno>

#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

constexpr std::string_view busy =
    "some avg10=12.34 avg60=5.00 avg300=0.07 total=18446744073709551615\n"
    "full avg10=100.00 avg60=1.50 avg300=0.00 total=17\n";

std::string refusal(std::string_view text) {
    const Result<Pressure> pressure = parse_pressure(text);
    return pressure ? "accepted" : pressure.error().message;
}

}  // namespace

TEST_CASE("a pressure file gives shares of time and the total in microseconds") {
    const Result<Pressure> pressure = parse_pressure(busy);
    REQUIRE(pressure);
    REQUIRE(pressure->some);
    CHECK(pressure->some->avg10 == doctest::Approx(0.1234));
    CHECK(pressure->some->avg60 == doctest::Approx(0.05));
    CHECK(pressure->some->avg300 == doctest::Approx(0.0007));
    CHECK(pressure->some->total_us == 18446744073709551615U);
    REQUIRE(pressure->full);
    CHECK(pressure->full->avg10 == 1.0);
    CHECK(pressure->full->total_us == 17);
    CHECK(pressure->of(Stalled::full)->total_us == 17);
}

TEST_CASE("a pressure file may have one of its lines only") {
    const Result<Pressure> old_cpu = parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n");
    REQUIRE(old_cpu);
    CHECK(old_cpu->some);
    CHECK_FALSE(old_cpu->full);
    const Result<Pressure> irq = parse_pressure("full avg10=0.00 avg60=0.00 avg300=0.00 total=1");
    REQUIRE(irq);
    CHECK_FALSE(irq->some);
    CHECK(irq->full);
}

TEST_CASE("lines and fields of a pressure file that are not known are passed over") {
    const Result<Pressure> pressure = parse_pressure(
        "none avg10=x\nsome avg10=1.00 avg30=zz avg60=2.00 avg300=3.00 total=4 extra\n\njunk at the end");
    REQUIRE(pressure);
    CHECK(pressure->some->total_us == 4);
    CHECK_FALSE(pressure->full);
}

TEST_CASE("a broken pressure file is refused with the place") {
    CHECK(refusal("") == "neither a some nor a full line");
    CHECK(refusal("something avg10=0.00 avg60=0.00 avg300=0.00 total=1\n") == "neither a some nor a full line");
    CHECK(refusal("some\n") == "some line: no avg10");
    CHECK(refusal("some avg10=0.00\n") == "some line: no avg60");
    CHECK(refusal("some avg10=0.00 avg60=0.00 total=1\n") == "some line: no avg300");
    CHECK(refusal("full avg10=0.00 avg60=0.00 avg300=0.00\n") == "full line: no total");
    CHECK(refusal("some avg10=nan avg60=0.00 avg300=0.00 total=1\n") == "some line: not a number: \"avg10=nan\"");
    CHECK(refusal("some avg10=-1.00 avg60=0.00 avg300=0.00 total=1\n") == "some line: not a number: \"avg10=-1.00\"");
    CHECK(refusal("some avg10=0.00 avg60= avg300=0.00 total=1\n") == "some line: not a number: \"avg60=\"");
    CHECK(refusal("some avg10=0.00 avg60=0.00 avg300=0.00 total=18446744073709551616\n") ==
          "some line: not a number: \"total=18446744073709551616\"");
    CHECK(refusal("some avg10=0.00 avg60=0.00 avg300=0.00 total=1\xff\n") == "some line: not a number: \"total=1?\"");
    CHECK(refusal(std::string(busy) + "full avg10=0") == "full line: no avg60");
}

TEST_CASE("a pressure file in a cgroup reads like the system's") {
    test::TempRoot tree;
    tree.write("sys/fs/cgroup/system.slice/memory.pressure", busy);
    PressureFile file(tree.root(), "sys/fs/cgroup/system.slice/memory.pressure");
    const Result<Pressure> pressure = file.read();
    REQUIRE(pressure);
    CHECK(pressure->full->total_us == 17);
}

TEST_CASE("errors of a pressure file name it") {
    test::TempRoot tree;
    PressureFile file(tree.root(), pressure_path(Resource::io));
    const Result<Pressure> missing = file.read();
    REQUIRE_FALSE(missing);
    CHECK(missing.error().message == "proc/pressure/io: No such file or directory");
    CHECK(missing.error().code == ENOENT);
    tree.write("proc/pressure/io", "");
    const Result<Pressure> empty = file.read();
    REQUIRE_FALSE(empty);
    CHECK(empty.error().message == "proc/pressure/io: neither a some nor a full line");
    CHECK(empty.error().code == 0);
}

TEST_CASE("each resource has its pressure file") {
    CHECK(pressure_path(Resource::memory) == "proc/pressure/memory");
    CHECK(pressure_path(Resource::io) == "proc/pressure/io");
    CHECK(pressure_path(Resource::cpu) == "proc/pressure/cpu");
}

TEST_CASE("reading pressure allocates nothing") {
    test::TempRoot tree;
    tree.write("proc/pressure/memory", busy);
    PressureFile file(tree.root(), pressure_path(Resource::memory));
    REQUIRE(file.read());
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(file.read());
    CHECK(test::allocations() == before);
}

}  // namespace memtuned::kernel
