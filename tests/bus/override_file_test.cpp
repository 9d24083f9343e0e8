// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <vector>

#include "bus/override_file.hpp"
#include "memtuned/tunables/catalogue.hpp"
#include "support/temp_root.hpp"

namespace memtuned::test {
namespace {

using bus::OverrideFile;
using policy::Override;
using namespace std::chrono_literals;

constexpr const char* file = "run/memtuned/overrides";

struct State {
    OverrideFile open(std::string boot = "this-boot") const { return {files.root() / file, std::move(boot)}; }
    std::string text() const { return text_of(files.root(), file); }
    bool exists() const { return std::filesystem::exists(files.root() / file); }

    TempRoot files;
};

const std::size_t swappiness = *tunables::find("vm.swappiness");
const std::size_t page_cluster = *tunables::find("vm.page-cluster");

std::vector<Override> some() {
    return {{1, swappiness, 90, Instant(5min), "for \"a\" while\n(user 0)", "", ""},
            {2, page_cluster, 1, {}, "held", "", ":1.7"},
            {3, policy::no_tunable, -300, {}, "set by user 0", "a b@\\x2d.service", ""}};
}

}  // namespace

TEST_SUITE("the file of overrides") {
    TEST_CASE("gives back what was kept, but for what lasts while a caller is connected") {
        const State state;
        OverrideFile before = state.open();
        CHECK(before.keep(some()));
        CHECK(before.kept() == 2);
        const Result<std::vector<Override>> after = state.open().load();
        REQUIRE(after);
        REQUIRE(after->size() == 2);
        const Override& timed = after->front();
        CHECK(timed.tunable == swappiness);
        CHECK(timed.value == 90);
        CHECK(timed.expires == Instant(5min));
        CHECK(timed.reason == "for \"a\" while\n(user 0)");
        CHECK(timed.unit.empty());
        const Override& of_unit = after->back();
        CHECK(of_unit.tunable == policy::no_tunable);
        CHECK(of_unit.value == -300);
        CHECK_FALSE(of_unit.expires);
        CHECK(of_unit.unit == "a b@\\x2d.service");
    }

    TEST_CASE("is written when something changed, and only then") {
        const State state;
        OverrideFile overrides = state.open();
        CHECK(overrides.keep({}));
        CHECK_FALSE(state.exists());
        CHECK(overrides.keep(some()));
        std::filesystem::remove(state.files.root() / file);
        CHECK(overrides.keep(some()));
        CHECK_FALSE(state.exists());
        CHECK(overrides.keep({}));
        CHECK(state.text() == "{\n  \"boot_id\": \"this-boot\",\n  \"overrides\": []\n}\n");
    }

    TEST_CASE("is written anew by a run that ends what an earlier one left") {
        const State state;
        CHECK(state.open().keep(some()));
        OverrideFile later = state.open();
        CHECK(later.load());
        CHECK(later.keep({}));
        CHECK(state.open().load()->empty());
    }

    TEST_CASE("of another boot is void") {
        const State state;
        CHECK(state.open("boot-before").keep(some()));
        const auto overrides = state.open().load();
        REQUIRE(overrides);
        CHECK(overrides->empty());
    }

    TEST_CASE("that is not there is no error") {
        const State state;
        const auto overrides = state.open().load();
        REQUIRE(overrides);
        CHECK(overrides->empty());
    }

    TEST_CASE("that is damaged is an error which names it") {
        State state;
        for (const char* text :
             {"", "{", "[]", "{\"boot_id\": \"this-boot\"}",
              "{\"boot_id\": \"this-boot\", \"overrides\": [{\"value\": \"9\", \"reason\": \"x\"}]}",
              "{\"boot_id\": \"this-boot\", \"overrides\": [{\"value\": 9}]}"}) {
            CAPTURE(text);
            state.files.write(file, text);
            const auto overrides = state.open().load();
            REQUIRE_FALSE(overrides);
            CHECK(overrides.error().message.starts_with((state.files.root() / file).string() + ": "));
        }
    }

    TEST_CASE("leaves out tunables that this memtuned does not know, and triggers") {
        State state;
        state.files.write(file, R"({"boot_id": "this-boot", "overrides": [
            {"tunable": "vm.of_tomorrow", "value": 1, "reason": "x"},
            {"tunable": "vm.drop_caches", "value": 1, "reason": "x"},
            {"tunable": "vm.swappiness", "value": 1, "reason": "x"}]})");
        const auto overrides = state.open().load();
        REQUIRE(overrides);
        REQUIRE(overrides->size() == 1);
        CHECK(overrides->front().tunable == swappiness);
    }

    TEST_CASE("in a folder that can't be made is an error, tried again with the next change") {
        State state;
        state.files.write("run", "a file");
        OverrideFile overrides = state.open();
        const Status kept = overrides.keep(some());
        REQUIRE_FALSE(kept);
        CHECK(kept.error().message == (state.files.root() / "run/memtuned").string() + ": Not a directory");
        CHECK(overrides.keep(some()));
        std::filesystem::remove(state.files.root() / "run");
        CHECK(overrides.keep({}));
        CHECK(state.exists());
    }
}

}  // namespace memtuned::test
