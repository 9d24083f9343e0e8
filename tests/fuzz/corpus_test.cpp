// SPDX-License-Identifier: GPL-2.0-or-later
//
// Replays the corpus of the fuzzers, with what they once found, as an ordinary test.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "fuzz/targets.hpp"

using namespace memtuned;

namespace {

void replay(std::string_view name, void (*target)(std::string_view)) {
    const std::filesystem::path folder = std::filesystem::path(MEMTUNED_FIXTURES) / ".." / "fuzz" / "corpus" / name;
    int files = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        CAPTURE(entry.path().string());
        std::ifstream file(entry.path(), std::ios::binary);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        target(text);
        ++files;
    }
    CHECK(files > 0);
}

}  // namespace

TEST_CASE("the corpus of expressions replays") {
    replay("expression", fuzz::expression);
}

TEST_CASE("the corpus of profiles replays") {
    replay("profile", fuzz::profile);
}

TEST_CASE("the corpus of settings replays") {
    replay("settings", fuzz::settings);
}

TEST_CASE("the corpus of kernel files replays") {
    replay("kernel", fuzz::kernel_file);
}
