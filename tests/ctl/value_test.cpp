// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/value.hpp"

#include <doctest/doctest.h>

#include <string>

namespace memtuned::ctl {
namespace {

std::int64_t value(const char* name, const char* text) {
    const Result<std::int64_t> result = parse_value(text, *find_tunable(name));
    REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
    return *result;
}

std::string no_value(const char* name, const char* text) {
    const Result<std::int64_t> result = parse_value(text, *find_tunable(name));
    REQUIRE_FALSE_MESSAGE(result, text);
    return result.error().message;
}

std::int64_t lifetime(const char* text) {
    const auto result = parse_lifetime(text);
    REQUIRE_MESSAGE(result, (result ? "" : result.error().message));
    return result->count();
}

std::string no_lifetime(const char* text) {
    const auto result = parse_lifetime(text);
    REQUIRE_FALSE_MESSAGE(result, text);
    return result.error().message;
}

}  // namespace

TEST_CASE("a plain number is in the tunable's kernel unit") {
    CHECK(value("vm.swappiness", "10") == 10);
    CHECK(value("vm.min_free_kbytes", " 65536 ") == 65536);
    CHECK(value("vm.dirty_ratio", "20") == 20);
    CHECK(value("oom_score_adj.cron.service", "-500") == -500);
    CHECK(value("vm.dirty_bytes", "1125899906842623") == 1125899906842623);
}

TEST_CASE("a value with a unit becomes the tunable's kernel unit") {
    CHECK(value("vm.min_free_kbytes", "64MiB") == 65536);
    CHECK(value("vm.min_free_kbytes", "64 MiB") == 65536);
    CHECK(value("vm.min_free_kbytes", "1.5 GiB") == 1572864);
    CHECK(value("vm.min_free_kbytes", "65536 B") == 64);
    CHECK(value("vm.dirty_bytes", "64 MiB") == 67108864);
    CHECK(value("vm.dirty_ratio", "20%") == 20);
}

TEST_CASE("what is printed is understood") {
    CHECK(value("vm.min_free_kbytes", "67584 kB") == 67584);
    CHECK(value("vm.dirty_bytes", "4194304 bytes") == 4194304);
    CHECK(value("vm.watermark_scale_factor", "80/10000") == 80);
    CHECK(value("vm.dirty_ratio", "20 %") == 20);
}

TEST_CASE("what does not come out whole in the kernel's unit is rounded, but not to nothing") {
    CHECK(value("vm.min_free_kbytes", "0.1 MiB") == 102);
    CHECK(value("vm.dirty_ratio", "12.6%") == 13);
    CHECK(value("vm.min_free_kbytes", "0 MiB") == 0);
    CHECK(
        no_value("vm.min_free_kbytes", "100 B") ==
        "`100 B` is no value for vm.min_free_kbytes: that is less than one of its units; it takes a number of kB or "
        "an amount of memory like 64MiB");
}

TEST_CASE("a value of another dimension is refused") {
    CHECK(no_value("vm.swappiness", "64MiB") ==
          "`64MiB` is no value for vm.swappiness: that is bytes; it takes a plain number");
    CHECK(no_value("vm.watermark_scale_factor", "1%") ==
          "`1%` is no value for vm.watermark_scale_factor: that is a ratio (%); it takes a number of /10000");
    CHECK(no_value("vm.dirty_ratio", "1h") ==
          "`1h` is no value for vm.dirty_ratio: that is a time; it takes a number of percent");
    CHECK(no_value("vm.dirty_ratio", "5/s") ==
          "`5/s` is no value for vm.dirty_ratio: that is a number per second; it takes a number of percent");
}

TEST_CASE("what is no value says why") {
    CHECK(no_value("vm.min_free_kbytes", "64M") ==
          "`64M` is no value for vm.min_free_kbytes: `M` is not a unit, write 64 MiB; it takes a number of kB or an "
          "amount of memory like 64MiB");
    CHECK(no_value("vm.swappiness", "0.5") ==
          "`0.5` is no value for vm.swappiness: that is not a whole number; it takes a plain number");
    CHECK(no_value("vm.swappiness", "10 20") ==
          "`10 20` is no value for vm.swappiness: that is not one number; it takes a plain number");
    for (const char* text : {"", "-", "--5", "ten", "1e3", "+5", "0x10", "\"5\"", "5\n6"})
        CHECK_FALSE_MESSAGE(parse_value(text, *find_tunable("vm.swappiness")), text);
}

TEST_CASE("a value that no double holds exactly is refused unless it is plain") {
    CHECK(no_value("vm.dirty_bytes", "9000000 TiB") ==
          "`9000000 TiB` is no value for vm.dirty_bytes: that is out of all range; it takes a number of bytes or an "
          "amount of memory like 64MiB");
    CHECK(value("vm.dirty_bytes", "9223372036854775807") == 9223372036854775807);
    CHECK_FALSE(parse_value("9223372036854775808", *find_tunable("vm.dirty_bytes")));
}

TEST_CASE("tunables are those of the catalogue and the oom_score_adj of every unit") {
    CHECK(find_tunable("vm.swappiness")->name == "vm.swappiness");
    CHECK(find_tunable("oom_score_adj.cron.service")->name == "oom_score_adj");
    CHECK(find_tunable("oom_score_adj.user@1000.service/app.scope")->name == "oom_score_adj");
    for (const char* name : {"", "vm.swappines", "oom_score_adj", "oom_score_adj.", "oom_score_adj.cron"})
        CHECK_MESSAGE(find_tunable(name) == nullptr, name);
}

TEST_CASE("a plain integer needs no tunable") {
    CHECK(*parse_integer("-3") == -3);
    CHECK(parse_integer("64MiB").error().message == "`64MiB` is not a whole number");
}

TEST_CASE("a lifetime is one or more lengths of time") {
    CHECK(lifetime("90s") == 90'000'000);
    CHECK(lifetime("30m") == 1'800'000'000);
    CHECK(lifetime("30min") == 1'800'000'000);
    CHECK(lifetime("1h30m") == 5'400'000'000);
    CHECK(lifetime("1h 30min") == 5'400'000'000);
    CHECK(lifetime(" 2 h ") == 7'200'000'000);
    CHECK(lifetime("500ms") == 500'000);
    CHECK(lifetime("1.5h") == 5'400'000'000);
    CHECK(lifetime("1d") == 86'400'000'000);
    CHECK(lifetime("3650d") == 315'360'000'000'000);
}

TEST_CASE("what is no lifetime says why") {
    for (const char* text : {"", "30", "s", "1h30", "-5s", "5 weeks", "1hm", "forever", "inf", "nan", "1e3s"})
        CHECK(no_lifetime(text) ==
              "`" + std::string(text) + "` is not a length of time; write 90s, 30min, 2h or 1h30min");
    CHECK(no_lifetime("0s") == "`0s`: an override lasts longer than that, or not at all");
    CHECK(no_lifetime("3651d") ==
          "`3651d` is more than 3650 days; without --for an override lasts until it is cleared");
    CHECK_FALSE(parse_lifetime(std::string(400, '9') + "d"));
}

TEST_CASE("a value is printed with its unit") {
    CHECK(format_value(60, "") == "60");
    CHECK(format_value(20, "%") == "20%");
    CHECK(format_value(80, "/10000") == "80/10000");
    CHECK(format_value(67584, "kB") == "67584 kB");
    CHECK(format_value_at_length(67584, "kB") == "67584 kB (66 MiB)");
    CHECK(format_value_at_length(4194304, "bytes") == "4194304 bytes (4 MiB)");
    CHECK(format_value_at_length(0, "bytes") == "0 bytes");
    CHECK(format_value_at_length(20, "%") == "20%");
}

}  // namespace memtuned::ctl
