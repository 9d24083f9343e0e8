// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include "ctl/monitor.hpp"

namespace memtuned::ctl {
namespace {

Client::Signal rule_is(const std::string& rule, const std::string& state) {
    return {Realtime{}, "RuleChanged", {{"rule", rule}, {"state", state}, {"reason", ""}}};
}

}  // namespace

TEST_CASE("that a rule is about to act, or no longer is, is of little interest") {
    Fleeting fleeting;
    CHECK(fleeting(rule_is("grow", "pending")));
    CHECK(fleeting(rule_is("grow", "idle")));
    CHECK(fleeting(rule_is("grow", "pending")));
    CHECK_FALSE(fleeting(rule_is("lean", "idle")));
    CHECK_FALSE(fleeting(rule_is("grow", "active")));
    CHECK_FALSE(fleeting(rule_is("grow", "idle")));
    CHECK_FALSE(fleeting({Realtime{}, "Gone", {}}));
}

TEST_CASE("what happened is one line") {
    CHECK(render_signal({Realtime{},
                         "TunableChanged",
                         {{"tunable", "vm.swappiness"},
                          {"old", "60"},
                          {"new", "10"},
                          {"source", "override"},
                          {"reason", "nightly import"}}})
              .ends_with(" vm.swappiness 60 -> 10: override: nightly import\n"));
    CHECK(render_signal(rule_is("grow", "idle")).ends_with(" rule grow idle\n"));
    CHECK(
        render_signal({Realtime{}, "OutsideChange", {{"tunable", "vm.swappiness"}, {"ours", "10"}, {"found", "33"}}})
            .ends_with(" vm.swappiness was set to 33 by somebody else, memtuned had set 10\n"));
    CHECK(render_signal({Realtime{}, "ReloadFailed", {{"diagnostics", "a.toml:1:1: error: x"}}})
              .ends_with(" the reload failed, what ran runs on:\na.toml:1:1: error: x\n"));
}

}  // namespace memtuned::ctl
