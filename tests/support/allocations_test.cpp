// SPDX-License-Identifier: GPL-2.0-or-later
#include "support/allocations.hpp"

#include <memory>

#include <doctest/doctest.h>

namespace memtuned::test {

TEST_CASE("allocations are counted") {
    const std::size_t before = allocations();
    const auto memory = std::make_unique<int[]>(1000);
    CHECK(memory[0] == 0);
    CHECK(allocations() == before + 1);
}

}  // namespace memtuned::test
