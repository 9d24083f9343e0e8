// SPDX-License-Identifier: GPL-2.0-or-later
//
// How long a caller on the bus waits for memtuned's answer while it samples as often as it ever does, with the same
// kind of call to the bus daemon itself beside it, which is the least that any call costs. The program runs as
// another process, on a bus of its own and a copy of a machine's kernel files. Needs root and dbus-daemon; without
// them it says so and measures nothing. The aim: a median below 1 ms.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/private_bus.hpp"

namespace memtuned {
namespace {

using Claim = sdbus::Struct<std::string, std::string, std::int64_t, std::string>;

/// A rule that is active for good makes it sample each 100 ms.
class Served {
public:
    Served() {
        if (::geteuid() != 0) throw std::runtime_error("only root may run the daemon");
        ::setenv("MEMTUNED", MEMTUNED_PROGRAM, 0);
        program_.files.write("rules/test.toml",
                             "[[rule]]\nname = \"always\"\nwhen = \"mem.total > 0 B\"\nhold = \"1s\"\n"
                             "set = { vm.swappiness = 10 }\n");
        program_.start(bus_);
        client_.emplace(bus_);
    }
    test::Client& client() { return *client_; }

private:
    test::PrivateBus bus_;
    test::Program program_;
    std::optional<test::Client> client_;
};

/// The median is what counts: on a machine with other work some calls wait for the processor.
template <class Call>
void measure(benchmark::State& state, Call call) try {
    Served served;
    std::vector<double> took;
    for ([[maybe_unused]] auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        call(served.client());
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
        state.SetIterationTime(seconds.count());
        took.push_back(seconds.count());
    }
    const auto middle = took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2);
    std::nth_element(took.begin(), middle, took.end());
    state.counters["median_us"] = 1e6 * *middle;
} catch (const std::exception& why) {
    state.SkipWithError(why.what());
}

void bus_itself(benchmark::State& state) {
    measure(state, [](test::Client& client) {
        std::string id;
        client.proxy("/org/freedesktop/DBus", "org.freedesktop.DBus")
            ->callMethod("GetId")
            .onInterface("org.freedesktop.DBus")
            .storeResultsTo(id);
        benchmark::DoNotOptimize(id);
    });
}
BENCHMARK(bus_itself)->UseManualTime()->Unit(benchmark::kMicrosecond);

void bus_get_property(benchmark::State& state) {
    measure(state, [](test::Client& client) { benchmark::DoNotOptimize(client.property<std::string>("Profile")); });
}
BENCHMARK(bus_get_property)->UseManualTime()->Unit(benchmark::kMicrosecond);

void bus_explain(benchmark::State& state) {
    measure(state, [](test::Client& client) {
        benchmark::DoNotOptimize(client.ask<std::vector<Claim>>("Explain", std::string("vm.swappiness")));
    });
}
BENCHMARK(bus_explain)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace memtuned
