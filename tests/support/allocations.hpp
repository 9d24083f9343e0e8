// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>

namespace memtuned::test {

/// How often this thread has called operator new. The difference over a piece of code is what it allocated.
std::size_t allocations();

}  // namespace memtuned::test
