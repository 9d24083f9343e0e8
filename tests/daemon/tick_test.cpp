// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "daemon/configuration.hpp"
#include "daemon/daemon.hpp"
#include "support/allocations.hpp"
#include "support/temp_root.hpp"

using namespace memtuned;

namespace {

/// The daemon with the stock profile on a copy of a real machine's kernel files, observing.
struct Observed {
    explicit Observed(std::string_view capture) {
        kernel_files.copy(test::fixture(capture));
        options.root = kernel_files.root().path().string();
        options.folders = {MEMTUNED_FIXTURES "/../../rules"};
        options.observe = true;
        options.bus = "none";
        rules::Diagnostics diagnostics;
        std::optional<daemon::Configuration> configuration = daemon::load_configuration(options, diagnostics);
        INFO(diagnostics.render_all());
        REQUIRE(configuration);
        machine.emplace(options, std::move(*configuration));
    }

    test::TempRoot kernel_files;
    daemon::Options options;
    std::optional<daemon::Daemon> machine;
};

}  // namespace

TEST_CASE("a steady tick of the whole daemon allocates nothing over 1,000 ticks with the stock profile") {
    for (const std::string_view capture : {"linux-6.18", "linux-6.1", "linux-6.12-numa"}) {
        CAPTURE(capture);
        Observed observed(capture);
        Instant now{std::chrono::hours(1)};
        for (int i = 0; i < 100; ++i) observed.machine->tick(now += std::chrono::milliseconds(100));
        const std::size_t before = test::allocations();
        for (int i = 0; i < 1000; ++i) observed.machine->tick(now += std::chrono::milliseconds(100));
        CHECK(test::allocations() - before == 0);
    }
}
