// SPDX-License-Identifier: GPL-2.0-or-later
//
// The feedback on direct-reclaim stalls that was measured to take them from 562 to 12 without leaving refaults
// behind, written as a rule: any stall doubles vm.watermark_scale_factor (first to 80, at most to 600, once a
// second); after the hold it falls to 0.6 of itself each second, back to the value found.
#include <doctest/doctest.h>

#include "policy/scene.hpp"

namespace memtuned::test {

TEST_SUITE("control law") {
    constexpr std::string_view law = R"~(
        [[rule]]
        name = "grow-reserve"
        when = "reclaim.direct_stalls > 0/s"
        hold = { from = "4s", to = "2min" }
        every = "1s"
        step = { vm.watermark_scale_factor = { at_least = "clamp(current * 2, 80, 600)" } }
        relax = { vm.watermark_scale_factor = "current * 0.6" }
    )~";

    /// When and to what the factor was written.
    class Law {
    public:
        Law() : scene(law) {
            scene.on_decision = [this](const Decision&, const Outcome& outcome) {
                if (outcome.kind == Outcome::Kind::written) written.emplace_back(elapsed(), outcome.value);
            };
        }

        void stalls(bool stalls, Duration length) {
            scene.set("reclaim.direct_stalls", stalls ? 12 : 0);
            scene.run(length, 250ms);
        }
        double elapsed() const { return seconds(scene.now - start); }

        Scene scene;
        Instant start = scene.now;
        std::vector<std::pair<double, std::int64_t>> written;
    };

    using Written = std::vector<std::pair<double, std::int64_t>>;

    TEST_CASE("a single stall takes one step which is held for 4s and then given back") {
        Law law_;
        law_.stalls(true, 250ms);
        law_.stalls(false, 20s);
        CHECK(law_.written == Written{{0.25, 80}, {4.25, 48}, {5.25, 29}, {6.25, 17}, {7.25, 10}});
        CHECK_FALSE(law_.scene.tunables["vm.watermark_scale_factor"].ours);
        CHECK_FALSE(law_.scene.busy);
    }

    TEST_CASE("stalls that last double it once a second up to 600") {
        Law law_;
        law_.stalls(true, 10s);
        CHECK(law_.written == Written{{0.25, 80}, {1.25, 160}, {2.25, 320}, {3.25, 600}});
        law_.written.clear();
        law_.stalls(false, 30s);
        CHECK(law_.written == Written{{10.25, 360},
                                      {11.25, 216},
                                      {12.25, 130},
                                      {13.25, 78},
                                      {14.25, 47},
                                      {15.25, 28},
                                      {16.25, 17},
                                      {17.25, 10}});
    }

    TEST_CASE("a stall while it is given back doubles what is left and holds twice as long") {
        Law law_;
        law_.stalls(true, 2250ms);
        law_.stalls(false, 3s);  // held till 4.25, then 320 -> 192 -> 115
        REQUIRE(law_.written.back().second == 115);
        law_.stalls(true, 250ms);
        CHECK(law_.scene.rule("grow-reserve").hold() == 8s);
        law_.stalls(false, 7750ms);
        REQUIRE(law_.written.back() == std::pair<double, std::int64_t>{6.25, 230});
        law_.stalls(false, 250ms);
        CHECK(law_.written.back() == std::pair<double, std::int64_t>{13.5, 138});
    }

    TEST_CASE("the hold doubles to 2min where giving back fails each time") {
        Law law_;
        std::vector<double> holds;
        for (int i = 0; i < 8; ++i) {
            law_.stalls(true, 250ms);
            holds.push_back(seconds(law_.scene.rule("grow-reserve").hold()));
            law_.scene.set("reclaim.direct_stalls", 0);
            while (law_.scene.state("grow-reserve") == RuleState::active) law_.scene.after(250ms);
            law_.stalls(false, 1s);
        }
        CHECK(holds == std::vector<double>{4, 8, 16, 32, 64, 120, 120, 120});
        CHECK(law_.scene.tunable_state("vm.watermark_scale_factor") == TunableState::managed);
        law_.stalls(false, 5min);
        CHECK(law_.scene.value("vm.watermark_scale_factor") == 10);
        CHECK(law_.scene.tunable_state("vm.watermark_scale_factor") == TunableState::free);
    }

    TEST_CASE("a machine that never stalls is never written") {
        Law law_;
        law_.stalls(false, 10min);
        CHECK(law_.written.empty());
        CHECK(law_.scene.events.empty());
    }
}

}  // namespace memtuned::test
