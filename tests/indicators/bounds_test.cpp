// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/indicators/bounds.hpp"

#include <limits>

#include <doctest/doctest.h>

#include "memtuned/indicators/sampler.hpp"
#include "support/temp_root.hpp"

namespace memtuned::indicators {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

std::pair<double, double> bounds_of(std::string_view name, const Machine& machine) {
    return bounds(catalogue()[find(name).value()], machine);
}

}  // namespace

TEST_CASE("the bounds of an indicator are those of the machine") {
    Machine machine;
    machine.memory_bytes = 1000;
    machine.swap_bytes = 500;
    machine.zones = 3;
    machine.nodes = 2;
    using Pair = std::pair<double, double>;
    CHECK(bounds_of("psi.memory.some.avg10", machine) == Pair{0, 1});
    CHECK(bounds_of("mem.free", machine) == Pair{0, 1000});
    CHECK(bounds_of("swap.used", machine) == Pair{0, 500});
    CHECK(bounds_of("zones.below_low", machine) == Pair{0, 3});
    CHECK(bounds_of("numa.nodes", machine) == Pair{1, 2});
    CHECK(bounds_of("time.hour", machine) == Pair{0, 24});
    CHECK(bounds_of("fault.major", machine) == Pair{0, infinity});
    CHECK(bounds_of("zones.headroom", machine) == Pair{-infinity, infinity});
    CHECK(bounds_of("service.memory", machine) == Pair{0, 1000});
    CHECK(bounds_of("service.swap", machine) == Pair{0, 500});
    CHECK(bounds_of("service.processes", machine) == Pair{0, infinity});
    CHECK(bounds_of("service.growth", machine) == Pair{-infinity, infinity});
    CHECK(bounds_of("service.psi.io.full.avg10", machine) == Pair{0, 1});
}

TEST_CASE("swap that may still be switched on is not bounded by there being none") {
    Machine machine;
    machine.swap_bytes = 0;
    CHECK(bounds_of("swap.used", machine).second == infinity);
}

TEST_CASE("a machine's figures are read from its files") {
    test::TempRoot tree;
    tree.write("proc/meminfo", "MemTotal: 8 kB\nSwapTotal: 4 kB\n");
    tree.write("proc/swaps", "Filename Type Size Used Priority\n/dev/zram0 partition 1 0 5\n/swap file 3 0 -2\n");
    const Machine machine = read_machine(tree.root());
    CHECK(machine.memory_bytes == 8192);
    CHECK(machine.swap_bytes == 4096);
    CHECK(machine.swap_on_zram == 0.25);
    CHECK(machine.zones == infinity);
}

TEST_CASE("what cannot be read of a machine bounds nothing") {
    const test::TempRoot tree;
    const Machine machine = read_machine(tree.root());
    CHECK(machine.memory_bytes == infinity);
    CHECK(machine.swap_bytes == infinity);
    CHECK(machine.swap_on_zram == 1);
    CHECK(machine.zones == infinity);
    CHECK(machine.nodes == infinity);
}

TEST_CASE("this machine has memory, zones and nodes, and its indicators are within their bounds") {
    const Machine machine = read_machine(kernel::Root());
    CHECK(machine.memory_bytes > 0);
    CHECK(machine.memory_bytes < infinity);
    CHECK(machine.swap_bytes < infinity);
    CHECK(machine.zones >= 1);
    CHECK(machine.nodes >= 1);
    CHECK(machine.zones < infinity);

    std::vector<Key> keys;
    for (std::size_t i = 0; i < catalogue().size(); ++i)
        if (catalogue()[i].argument == Argument::none) keys.push_back({i, ""});
    Sampler sampler(kernel::Root(), keys);
    sampler.take(Instant());
    const Sample& sample = sampler.take(Instant() + std::chrono::seconds(1));
    for (std::size_t slot = 0; slot < keys.size(); ++slot) {
        const auto [least, most] = bounds(catalogue()[keys[slot].indicator], machine);
        CAPTURE(to_string(keys[slot]));
        if (sample.values[slot] == sample.values[slot]) {
            CHECK(sample.values[slot] >= least);
            CHECK(sample.values[slot] <= most);
        }
    }
}

}  // namespace memtuned::indicators
