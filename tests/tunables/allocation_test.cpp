// SPDX-License-Identifier: GPL-2.0-or-later
//
// A steady tick must not allocate: under memory pressure that may mean to wait for the very reclaim we watch.
#include <doctest/doctest.h>

#include <filesystem>
#include <vector>

#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/tunables/controller.hpp"
#include "support/allocations.hpp"

using namespace memtuned;
using namespace memtuned::tunables;

namespace {

std::size_t count_refresh(Controller& controller, const std::vector<std::size_t>& wanted) {
    const Instant start{};
    controller.refresh(wanted, start);
    controller.refresh(wanted, start + std::chrono::seconds(2));
    const std::size_t before = test::allocations();
    for (int second = 4; second < 14; second += 2) controller.refresh(wanted, start + std::chrono::seconds(second));
    return test::allocations() - before;
}

std::vector<std::size_t> everything() {
    std::vector<std::size_t> all(catalogue().size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    return all;
}

}  // namespace

TEST_CASE("a refresh with nothing changed does not allocate") {
    std::filesystem::path root = "/";
    SUBCASE("on this machine") {}
    SUBCASE("on a machine that lacks every tunable") {
        root = "/nonexistent";
    }
    kernel::ProcSysctls files{kernel::Root(root)};
    Journal journal("/nonexistent/undo", "boot-1");
    Controller controller(kernel::Root(root), files, journal, Mode::observe);

    auto wanted = everything();
    if (root != "/") {
        // Without zones the error is made anew each second; all others are asked for once.
        std::erase(wanted, *find("vm.min_free_kbytes"));
        std::erase(wanted, *find("vm.watermark_scale_factor"));
    }
    CHECK(count_refresh(controller, wanted) == 0);

    // Nor with a shadow in the books.
    controller.write(*find("vm.swappiness"), 10);
    CHECK(count_refresh(controller, wanted) == 0);
}
