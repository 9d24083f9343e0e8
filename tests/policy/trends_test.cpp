// SPDX-License-Identifier: GPL-2.0-or-later
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <utility>

#include "policy/scene.hpp"
#include "support/allocations.hpp"

namespace memtuned::test {
namespace {

using policy::WindowTrends;
using rules::WindowFunction;

const double inf = std::numeric_limits<double>::infinity();

/// Windows over one indicator, fed by hand.
class Fed {
public:
    explicit Fed(std::vector<Duration> lengths, Duration shortest_interval = 100ms)
        : trends(windows(lengths), shortest_interval) {}

    Fed& add(Duration at, double value, bool gap = false) {
        const std::uint8_t available = 0;
        trends.add({Instant(1h + at), {&value, 1}, {&available, 1}, gap});
        return *this;
    }
    double over(WindowFunction function, std::uint32_t window = 0) const {
        return trends.over_time(function, window);
    }
    double predict(double seconds) const { return trends.extrapolate(WindowFunction::predict_linear, 0, seconds); }
    double time_to(double value) const { return trends.extrapolate(WindowFunction::time_to, 0, value); }

    static std::vector<rules::Window> windows(const std::vector<Duration>& lengths) {
        std::vector<rules::Window> made;
        for (const Duration length : lengths) made.push_back({0, length});
        return made;
    }

    WindowTrends trends;
};

}  // namespace

TEST_SUITE("windows") {
    TEST_CASE("an average weighs each value by the time it stands for") {
        Fed fed({10s});
        fed.add(0s, 1000).add(1s, 10).add(9s, 20).add(10s, 40);
        // 10 for 1 s, 20 for 8 s, 40 for 1 s; the oldest only says when it began.
        CHECK(fed.over(WindowFunction::avg) == doctest::Approx(21));
    }

    TEST_CASE("least and greatest of what the window holds") {
        Fed fed({10s});
        fed.add(0s, -7).add(4s, 3).add(8s, 99).add(11s, 5);
        CHECK(fed.over(WindowFunction::min) == 3);  // -7 is 11 s old
        CHECK(fed.over(WindowFunction::max) == 99);
    }

    TEST_CASE("a trend is the least-squares line through irregular samples") {
        Fed fed({10s});
        for (const Duration at : {0ms, 300ms, 2000ms, 2100ms, 7000ms, 9900ms}) fed.add(at, 5 + 3 * seconds(at));
        CHECK(fed.over(WindowFunction::deriv) == doctest::Approx(3));
        CHECK(fed.predict(10) == doctest::Approx(5 + 3 * 19.9));
        CHECK(fed.time_to(5 + 3 * 29.9) == doctest::Approx(20));
    }

    TEST_CASE("a line through noise has the slope of a textbook") {
        Fed fed({10s});
        fed.add(0s, 2).add(1s, 3).add(3s, 5).add(4s, 4).add(7s, 9);
        // n 5, sums: t 15, v 23, tt 75, tv 97; slope (5*97 - 15*23) / (5*75 - 225) = 140/150
        CHECK(fed.over(WindowFunction::deriv) == doctest::Approx(140.0 / 150));
        CHECK(fed.predict(0) == doctest::Approx(4.6 + 140.0 / 150 * 4));
    }

    TEST_CASE("time_to is never for a flat or a receding trend and zero at the target") {
        Fed flat({10s});
        for (int i = 0; i <= 10; ++i) flat.add(i * 1s, 16e9 + 1);
        CHECK(flat.over(WindowFunction::deriv) == 0);
        CHECK(flat.time_to(1e9) == inf);
        CHECK(flat.time_to(16e9 + 1) == 0);
        Fed falling({10s});
        for (int i = 0; i <= 10; ++i) falling.add(i * 1s, 100 - i);
        CHECK(falling.time_to(80) == doctest::Approx(10));
        CHECK(falling.time_to(95) == inf);
        CHECK(falling.predict(-10) == doctest::Approx(100));
    }

    TEST_CASE("a window says nothing until it holds half its length") {
        Fed fed({10s});
        CHECK(std::isnan(fed.over(WindowFunction::avg)));
        fed.add(0s, 1).add(4900ms, 2);
        CHECK(std::isnan(fed.over(WindowFunction::avg)));
        CHECK(std::isnan(fed.predict(1)));
        CHECK(std::isnan(fed.time_to(1)));
        fed.add(5s, 3);
        CHECK(fed.over(WindowFunction::max) == 3);
    }

    TEST_CASE("an operand without data gives none") {
        Fed fed({4s});
        fed.add(0s, 1).add(4s, 2);
        CHECK(std::isnan(fed.predict(indicators::no_data)));
        CHECK(std::isnan(fed.time_to(indicators::no_data)));
    }

    TEST_CASE("a timer that is a little late does not empty a window as long as the interval") {
        Fed fed({2s});
        fed.add(0s, 1).add(2090ms, 5);
        CHECK(fed.over(WindowFunction::max) == 5);
        CHECK(fed.over(WindowFunction::min) == 1);
        fed.add(4300ms, 7);
        CHECK(std::isnan(fed.over(WindowFunction::max)));  // only one is left
    }

    TEST_CASE("samples without data are left out and what is old is not kept for want of new") {
        Fed fed({10s});
        fed.add(0s, 1).add(5s, 3).add(6s, indicators::no_data);
        CHECK(fed.over(WindowFunction::max) == 3);
        fed.add(9s, indicators::no_data);
        CHECK(fed.over(WindowFunction::max) == 3);
        fed.add(11s, indicators::no_data);
        CHECK(std::isnan(fed.over(WindowFunction::max)));
    }

    TEST_CASE("a gap empties every window") {
        Fed fed({10s});
        fed.add(0s, 1).add(6s, 3).add(8s, 50, true);
        CHECK(std::isnan(fed.over(WindowFunction::max)));
        fed.add(13s, 2);
        CHECK(fed.over(WindowFunction::max) == 50);
        CHECK(fed.over(WindowFunction::avg) == 2);
    }

    TEST_CASE("samples that come too fast push out the oldest") {
        Fed fed({1s}, 100ms);  // room for 13
        for (int i = 0; i < 1000; ++i) fed.add(i * 10ms, i);
        CHECK(std::isnan(fed.over(WindowFunction::max)));  // 120 ms are not half a second
        for (int i = 0; i < 13; ++i) fed.add(10s + i * 50ms, i);
        CHECK(fed.over(WindowFunction::min) == 0);
        CHECK(fed.over(WindowFunction::max) == 12);
        CHECK(fed.over(WindowFunction::deriv) == doctest::Approx(20));
    }

    TEST_CASE("a full window goes round without allocating") {
        Fed fed({10s, 1s});
        const std::size_t before = allocations();
        for (int i = 0; i < 10000; ++i) {
            fed.add(i * 100ms, i);
            static_cast<void>(fed.over(WindowFunction::avg));
            static_cast<void>(fed.over(WindowFunction::deriv, 1));
        }
        CHECK(allocations() == before);
        CHECK(fed.over(WindowFunction::min) == 9999 - 102);  // room for 103
        CHECK(fed.over(WindowFunction::min, 1) == 9999 - 10);
        CHECK(fed.over(WindowFunction::deriv) == doctest::Approx(10));
    }

    TEST_CASE("a question asked twice is answered alike and anew after the next sample") {
        Fed fed({4s});
        fed.add(0s, 1).add(4s, 3);
        for (int i = 0; i < 2; ++i) {
            CHECK(fed.over(WindowFunction::avg) == 3);
            CHECK(fed.over(WindowFunction::min) == 1);
            CHECK(fed.over(WindowFunction::max) == 3);
            CHECK(fed.over(WindowFunction::deriv) == doctest::Approx(0.5));
        }
        fed.add(6s, 9);
        CHECK(fed.over(WindowFunction::avg) == 9);
        CHECK(fed.over(WindowFunction::min) == 3);
        CHECK(fed.over(WindowFunction::max) == 9);
        CHECK(fed.over(WindowFunction::deriv) == doctest::Approx(3));
    }
}

TEST_SUITE("windows in rules") {
    TEST_CASE("a rule looks ahead") {
        Scene scene(R"~(
            [[rule]]
            name = "ahead"
            when = "predict_linear(zones.free, 10s, 5s) < zones.low"
            set = { vm.watermark_scale_factor = 80 }
        )~");
        scene.set("zones.low", 100e6);
        for (int i = 0; i <= 20; ++i) {
            scene.set("zones.free", 1000e6 - i * 40e6);
            scene.after(1s);
            // 5 s ahead it is 200 MB less: below 100 MB from 300 MB on, in the 18th second.
            CHECK(scene.state("ahead") == (i < 18 ? RuleState::idle : RuleState::active));
        }
    }

    TEST_CASE("a gap is no data for a window: it fires nothing and releases nothing") {
        Scene scene(R"~(
            [[rule]]
            name = "worn"
            when = "avg_over_time(psi.memory.some.avg10, 10s) > 10%"
            set = { vm.swappiness = 40 }
        )~");
        scene.set("psi.memory.some.avg10", 0.5);
        scene.run(10s, 1s);
        REQUIRE(scene.state("worn") == RuleState::active);
        scene.set("psi.memory.some.avg10", 0);
        scene.after(8h, true);
        CHECK(scene.state("worn") == RuleState::active);
        scene.run(4s, 1s);
        CHECK(scene.state("worn") == RuleState::active);
        scene.after(1s);
        CHECK(scene.state("worn") == RuleState::idle);
    }
}

}  // namespace memtuned::test
