// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/lists.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <ctime>

#include "ctl/indicators.hpp"
#include "ctl/monitor.hpp"
#include "samples.hpp"

namespace memtuned::ctl {
namespace {

using samples::view;

/// Local times are those of UTC.
class InUtc {
public:
    InUtc() {
        ::setenv("TZ", "UTC", 1);
        ::tzset();
    }
    ~InUtc() {
        ::unsetenv("TZ");
        ::tzset();
    }
};

}  // namespace

TEST_CASE("tunables are listed with what they may be") {
    CHECK(render_tunables(samples::objects().tunables, view) ==
          R"(TUNABLE                       VALUE   AT BOOT  LEAST  MOST  STATE       WRITTEN  BY
vm.swappiness                    10        60      0   200  overridden  19s ago  override
vm.vfs_cache_pressure           100       100      0   200  free        never
vm.watermark_scale_factor  80/10000  10/10000      0   200  managed     12s ago  rule grow-reserve
)");
}

TEST_CASE("rules are listed with how near they are, and why they are not at rest") {
    CHECK(render_rules(samples::objects().rules, view) ==
          R"(RULE          STATE        SINCE    TIMES     NEAR  FIGURES
grow-reserve  active       12s ago      2        -  reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)
lean-to-swap  idle         12s ago      0      21%  reclaim.direct_stalls = 0/s
no-figures    unavailable  12s ago      0  no data  reclaim.direct_stalls = 0/s
)");
}

TEST_CASE("services are listed with their memory, where it is counted") {
    CHECK(render_services(samples::objects().services, view) ==
          R"(SERVICE        MEMORY  PROCESSES  OOM SCORE ADJ  STATE    BY
ssh.service   6.2 MiB          1           -500  managed  baseline of balanced
cron.service        -          2              0  free
)");
}

TEST_CASE("decisions are listed with the user's time") {
    const InUtc utc;
    CHECK(render_history({{samples::now, "vm.swappiness", 60, 70, "rule lean-to-swap", "swap.in > 4 MiB/s"}}, view) ==
          R"(TIME                 TUNABLE        FROM  TO  BY                 REASON
2025-11-22 20:34:01  vm.swappiness    60  70  rule lean-to-swap  swap.in > 4 MiB/s
)");
}

TEST_CASE("a list without rows says so") {
    CHECK(render_rules({}, view) == "The active profile has no rules.\n");
    CHECK(render_services({}, view) == "No unit of systemd's is known.\n");
    CHECK(render_history({}, view) == "Nothing was written yet.\n");
}

TEST_CASE("a rule that never changed its state has no time for it") {
    RuleState rule = samples::rule("r", "idle", 0);
    rule.since.reset();
    CHECK(render_rules({rule}, view) ==
          "RULE  STATE  SINCE  TIMES  NEAR  FIGURES\n"
          "r     idle   -          0    0%  reclaim.direct_stalls = 0/s\n");
}

TEST_CASE("the active profile is marked") {
    CHECK(render_profiles(samples::manager(), view) == "* balanced\n  database\n");
}

TEST_CASE("indicators are listed in units, with what the catalogue says of them") {
    const std::map<std::string, double> indicators{{"mem.free", 67'108'864},
                                                   {"psi.memory.some.avg10", NAN},
                                                   {"zone.free(\"0/Normal\")", 1'048'576},
                                                   {"new.one", 3}};
    const std::string text = render_indicators(indicators, view);
    const auto has = [&text](const char* part) { return text.find(part) != std::string::npos; };
    CHECK(has("INDICATOR                VALUE  MEANING\n"));
    CHECK(has("\nmem.free                64 MiB  "));
    CHECK(has("\npsi.memory.some.avg10  no data  "));
    CHECK(has("\nzone.free(\"0/Normal\")    1 MiB  "));
    CHECK(has("\nnew.one                      3\n"));
}

TEST_CASE("a pattern chooses indicators, with or without their argument") {
    const std::map<std::string, double> all{{"mem.free", 1}, {"mem.total", 2}, {"zone.free(\"0/Normal\")", 3}};
    CHECK(matching(all, "").size() == 3);
    CHECK(matching(all, "mem.*").size() == 2);
    CHECK(matching(all, "zone.free").size() == 1);
    CHECK(matching(all, "*Normal*").size() == 1);
    CHECK(matching(all, "*.free").size() == 2);
    CHECK(matching(all, "nothing").empty());
}

TEST_CASE("what happens is told in a line each") {
    const InUtc utc;
    const auto line = [](const char* name, std::vector<std::pair<std::string, std::string>> arguments) {
        return render_signal({samples::now, name, std::move(arguments)});
    };
    CHECK(line("TunableChanged", {{"tunable", "vm.swappiness"},
                                  {"old", "60"},
                                  {"new", "70"},
                                  {"source", "rule lean-to-swap"},
                                  {"reason", "swap.in > 4 MiB/s"}}) ==
          "2025-11-22 20:34:01 vm.swappiness 60 -> 70: rule lean-to-swap: swap.in > 4 MiB/s\n");
    CHECK(line("RuleChanged", {{"rule", "lean-to-swap"}, {"state", "idle"}, {"reason", ""}}) ==
          "2025-11-22 20:34:01 rule lean-to-swap idle\n");
    CHECK(line("OutsideChange", {{"tunable", "vm.swappiness"}, {"ours", "70"}, {"found", "30"}}) ==
          "2025-11-22 20:34:01 vm.swappiness was set to 30 by somebody else, memtuned had set 70\n");
    CHECK(line("ReloadFailed", {{"diagnostics", "a.toml:1:1: error: x\n    1 | y\033\n"}}) ==
          "2025-11-22 20:34:01 the reload failed, what ran runs on:\na.toml:1:1: error: x\n    1 | y?\n");
    CHECK(line("Gone", {}) == "2025-11-22 20:34:01 memtuned left the bus\n");
    CHECK(line("Back", {}) == "2025-11-22 20:34:01 memtuned is back on the bus\n");
}

}  // namespace memtuned::ctl
