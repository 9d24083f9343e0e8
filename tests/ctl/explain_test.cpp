// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/explain.hpp"

#include <doctest/doctest.h>

#include "samples.hpp"

namespace memtuned::ctl {
namespace {

using samples::view;

std::vector<ExplainedClaim> claims() {
    return {{"boot value", "exactly", 10, ""},
            {"baseline of balanced", "at least", 40, ""},
            {"rule grow-reserve", "at least", 80, "reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)"},
            {"result", "managed", 80, "within its range"}};
}

/// Up to the first empty line.
std::string answer_of(const Explanation& explanation) {
    const std::string text = render_explanation(explanation, view);
    return text.substr(0, text.find("\n\n"));
}

Explanation in_state(const std::string& state) {
    Explanation explanation;
    explanation.name = "vm.swappiness";
    explanation.value = 60;
    explanation.state = state;
    return explanation;
}

}  // namespace

TEST_CASE("an explanation answers what the value is, who wants what, and what comes next") {
    Explanation explanation = make_explanation("vm.watermark_scale_factor", samples::objects(), claims());
    explanation.outlook = {{"rule grow-reserve", "gives it back when reclaim.direct_stalls is 0/s for 4s"}};
    CHECK(render_explanation(explanation, view) ==
          R"(vm.watermark_scale_factor is 80/10000, on its way to 160/10000.
It is managed, by rule grow-reserve.

Who wants what, the weakest first:
  boot value            exactly   10/10000
  baseline of balanced  at least  40/10000
  rule grow-reserve     at least  80/10000  reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)

Last written 12s ago, 3 times so far: reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 79.9/s)

What would change it next:
  rule grow-reserve  gives it back when reclaim.direct_stalls is 0/s for 4s
)");
}

TEST_CASE("an explanation fits the terminal") {
    const Explanation explanation = make_explanation("vm.watermark_scale_factor", samples::objects(), claims());
    CHECK(render_explanation(explanation, {samples::now, 74, false}) ==
          R"(vm.watermark_scale_factor is 80/10000, on its way to 160/10000.
It is managed, by rule grow-reserve.

Who wants what, the weakest first:
  boot value            exactly   10/10000
  baseline of balanced  at least  40/10000
  rule grow-reserve     at least  80/10000  reclaim.direct_stalls > 0/s
                                            (reclaim.direct_stalls =
                                            79.9/s)

Last written 12s ago, 3 times so far: reclaim.direct_stalls > 0/s
(reclaim.direct_stalls = 79.9/s)
)");
}

TEST_CASE("each state is told in a sentence of its own") {
    CHECK(answer_of(in_state("free")) == "vm.swappiness is 60.\nNobody claims it: it is free.\n");
    CHECK(answer_of(in_state("overridden")) ==
          "vm.swappiness is 60.\nIt is overridden, until that is cleared or its caller leaves.\n");
    CHECK(
        answer_of(in_state("yielded")) ==
        "vm.swappiness is 60.\nIt is left to somebody else, who set it. `memtunectl release vm.swappiness` takes it "
        "up again.\n");
    CHECK(answer_of(in_state("frozen")) ==
          "vm.swappiness is 60.\nIt is frozen, as it went to and fro. `memtunectl release vm.swappiness` takes it up "
          "again.\n");
    CHECK(answer_of(in_state("unavailable")) == "vm.swappiness is 60.\nIt is unavailable: this kernel has none.\n");
    CHECK(answer_of(in_state("new")) == "vm.swappiness is 60.\nIt is new.\n");
}

TEST_CASE("an override that ends by itself says when") {
    CHECK(answer_of(make_explanation("vm.swappiness", samples::objects(), {})) ==
          "vm.swappiness is 10.\nIt is overridden, for another 29min 41s.");
}

TEST_CASE("in observe mode the value is one that would be") {
    Explanation explanation = in_state("free");
    explanation.observing = true;
    CHECK(answer_of(explanation) ==
          "vm.swappiness would be 60, if memtuned did not only observe.\nNobody claims it: it is free.\n");
}

TEST_CASE("a service is explained by its name as a tunable") {
    const Explanation explanation =
        make_explanation("oom_score_adj.ssh.service", samples::objects(),
                         {{"boot value", "exactly", 0, ""}, {"result", "managed", -500, ""}});
    CHECK(render_explanation(explanation, view) ==
          R"(oom_score_adj.ssh.service is -500.
It is managed, by baseline of balanced.

Who wants what, the weakest first:
  boot value  exactly  0
)");
}

TEST_CASE("the result serves where no object has the name") {
    const Explanation explanation = make_explanation("oom_score_adj.gone.service", {}, claims());
    CHECK(explanation.value == 80);
    CHECK(explanation.state == "managed");
    CHECK(explanation.reason == "within its range");
    CHECK(explanation.claims.size() == 3);
    CHECK(make_explanation("x", {}, {}).claims.empty());
}

TEST_CASE("an explanation as JSON") {
    Explanation explanation = make_explanation("vm.watermark_scale_factor", samples::objects(), claims());
    explanation.outlook = {{"rule x", "when y"}};
    const Json json = to_json(explanation);
    CHECK(json.at("value") == 80);
    CHECK(json.at("target") == 160);
    CHECK(json.at("override_expires").is_null());
    CHECK(json.at("last_write") == "2025-11-22T20:33:49.250000Z");
    CHECK(json.at("claims").at(1) ==
          Json{{"source", "baseline of balanced"}, {"kind", "at least"}, {"value", 40}, {"reason", ""}});
    CHECK(json.at("outlook") == Json::array({Json{{"source", "rule x"}, {"text", "when y"}}}));
}

}  // namespace memtuned::ctl
