// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/json.hpp"

#include <doctest/doctest.h>

#include <limits>

#include "samples.hpp"

namespace memtuned::ctl {

TEST_CASE("a tunable as JSON has all it has on the bus") {
    CHECK(to_text(to_json(samples::overridden())) ==
          R"({
  "name": "vm.swappiness",
  "value": 10,
  "boot_value": 60,
  "target": 10,
  "unit": "",
  "minimum": 0,
  "maximum": 200,
  "state": "overridden",
  "source": "override",
  "reason": "nightly backup",
  "override_expires": "2025-11-22T21:03:42.250000Z",
  "last_write": "2025-11-22T20:33:42.250000Z",
  "writes": 1
}
)");
}

TEST_CASE("a rule and a service as JSON have all they have on the bus") {
    CHECK(to_line(to_json(samples::rule("r", "unavailable", std::numeric_limits<double>::quiet_NaN()))) ==
          R"({"name":"r","profile":"balanced","description":"","order":0,"when":"reclaim.direct_stalls > 0/s",)"
          R"("state":"unavailable","state_reason":"","since":"2025-11-22T20:33:49.250000Z","activations":0,)"
          R"("figures":"reclaim.direct_stalls = 0/s","nearness":null,"enabled":true})"
          "\n");
    CHECK(to_line(to_json(samples::service())) ==
          R"({"unit":"ssh.service","oom_score_adj":-500,"state":"managed","source":"baseline of balanced",)"
          R"("processes":1,"memory_bytes":6500000,"reason":"","override_expires":null,"last_write":null})"
          "\n");
}

TEST_CASE("what is no number, no time or no UTF-8 has its place in JSON") {
    CHECK(to_json(std::numeric_limits<double>::quiet_NaN()).is_null());
    CHECK(to_json(std::numeric_limits<double>::infinity()).is_null());
    CHECK(to_json(0.5) == 0.5);
    CHECK(to_json(std::optional<Realtime>()).is_null());
    CHECK(to_line(Json("a\xff")) == "\"a\uFFFD\"\n");
}

TEST_CASE("an indicator as JSON has its dimension and its meaning, if they are known") {
    const Json json = to_json(std::map<std::string, double>{{"mem.free", 4096}, {"new.one", 3}});
    CHECK(json.at(0).at("name") == "mem.free");
    CHECK(json.at(0).at("value") == 4096.0);
    CHECK(json.at(0).at("dimension") == "bytes");
    CHECK(json.at(0).at("help").is_string());
    CHECK(json.at(1).at("dimension").is_null());
    CHECK(json.at(1).at("help").is_null());
}

TEST_CASE("a signal as JSON is one line, and its values are numbers") {
    const Client::Signal signal{
        samples::now, "OutsideChange", {{"tunable", "vm.swappiness"}, {"ours", "70"}, {"found", "30"}}};
    CHECK(
        to_line(to_json(signal)) ==
        R"({"at":"2025-11-22T20:34:01.250000Z","signal":"OutsideChange","tunable":"vm.swappiness","ours":70,"found":30})"
        "\n");
}

TEST_CASE("a decision as JSON") {
    CHECK(to_line(to_json(PastDecision{samples::now, "vm.swappiness", 60, 70, "rule x", "why"})) ==
          R"({"at":"2025-11-22T20:34:01.250000Z","tunable":"vm.swappiness","old":60,"new":70,"source":"rule x",)"
          R"("reason":"why"})"
          "\n");
}

}  // namespace memtuned::ctl
