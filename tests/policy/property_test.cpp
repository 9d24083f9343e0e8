// SPDX-License-Identifier: GPL-2.0-or-later
//
// Random weather: conditions that come and go, other writers, failures, reloads. Whatever happens, what is ordered
// keeps within the limits and the pace, and once it is calm nothing stays changed.
#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <random>

#include "policy/scene.hpp"

namespace memtuned::test {
namespace {

constexpr std::string_view rules_text = R"~(
    [baseline]
    vm.vfs_cache_pressure = { at_least = "psi.io.some.avg10 > 50% ? 150 : 100" }
    [[rule]]
    name = "grow"
    when = "reclaim.direct_stalls > 0/s"
    hold = { from = "4s", to = "2min" }
    every = "1s"
    step = { vm.watermark_scale_factor = { at_least = "clamp(current * 2, 80, 600)" }, vm.min_free_kbytes = "current * 1.25" }
    relax = { vm.watermark_scale_factor = "current * 0.6", vm.min_free_kbytes = "current * 0.8" }
    [[rule]]
    name = "spare"
    when = "psi.memory.some.avg10 > 60%"
    priority = 60
    set = { vm.watermark_scale_factor = { at_most = "boot" }, vm.min_free_kbytes = { at_most = "boot * 2" } }
    [[rule]]
    name = "swap"
    when = "psi.memory.some.avg10 > 20%"
    until = "psi.memory.some.avg10 < 10%"
    for = "1s"
    every = "3s"
    step = { vm.swappiness = "min(current + 15, 150)" }
    relax = { vm.swappiness = "current - 10" }
    [[rule]]
    name = "level"
    when = "avg_over_time(psi.memory.some.avg10, 10s) > 30%"
    hold = "5s"
    set = { vm.swappiness = { at_least = "lerp(psi.memory.some.avg10, 0%, 100%, 0, 200)" }, vm.page-cluster = 0 }
    [[rule]]
    name = "ratio"
    when = "psi.io.some.avg10 > 30%"
    set = { vm.dirty_ratio = "boot / 2", vm.dirty_background_ratio = 5 }
    [[rule]]
    name = "bytes"
    when = "psi.io.some.avg10 > 60%"
    hold = "3s"
    priority = 70
    set = { vm.dirty_bytes = "clamp(0.6s * io.out, 12 MiB, 1 GiB)", vm.dirty_background_bytes = "64 MiB" }
    [[rule]]
    name = "drop"
    when = "psi.memory.some.avg10 > 80%"
    trigger = { vm.drop_caches = 2 }
)~";

constexpr std::string_view claimed[] = {
    "vm.vfs_cache_pressure", "vm.watermark_scale_factor", "vm.min_free_kbytes",
    "vm.swappiness",         "vm.page-cluster",           "vm.dirty_ratio",
    "vm.dirty_bytes",        "vm.dirty_background_ratio", "vm.dirty_background_bytes"};

/// Holds every order against the limits and the pace.
class Referee {
public:
    explicit Referee(Scene& scene) : scene_(scene) {
        scene.on_decision = [this](const Decision& decision, const Outcome& outcome) { judge(decision, outcome); };
    }

private:
    void judge(const Decision& decision, const Outcome& outcome) {
        const tunables::Tunable& about = tunables::catalogue()[decision.tunable];
        const Reading& reading = scene_.tunables.readings()[decision.tunable];
        CAPTURE(about.name);
        CAPTURE(decision.from);
        CAPTURE(decision.to);
        CAPTURE(decision.reason);
        const bool writes = decision.order == Decision::Order::write || decision.order == Decision::Order::take_back;
        if (writes) {
            CHECK(decision.from != decision.to);
            within_limits(decision, reading, about);
        }
        if (outcome.kind == Outcome::Kind::written || outcome.kind == Outcome::Kind::started) {
            const auto last = last_.find(decision.tunable);
            if (last != last_.end()) CHECK(scene_.now - last->second >= about.least_interval);
            last_[decision.tunable] = scene_.now;
        }
        if (writes && outcome.kind == Outcome::Kind::written) within_step(decision, about);
    }

    /// On the way from outside, where somebody else put it, each step must lead nearer.
    static void within_limits(const Decision& decision, const Reading& reading, const tunables::Tunable& about) {
        const std::int64_t low = std::min(reading.safe_minimum, reading.boot);
        const std::int64_t high = std::max(std::min(reading.safe_maximum, reading.ceiling), reading.boot);
        if (decision.to > high) CHECK(decision.to < decision.from);
        if (decision.to < low) CHECK((about.twin != tunables::no_twin || decision.to > decision.from));
        CHECK(decision.to <= reading.hard_maximum);
        CHECK(decision.to >= 0);
    }

    static void within_step(const Decision& decision, const tunables::Tunable& about) {
        if (about.twin != tunables::no_twin && (decision.from == 0 || decision.to == 0)) return;
        const double from = static_cast<double>(decision.from);
        const double to = static_cast<double>(decision.to);
        const double step = static_cast<double>(about.greatest_step);
        CHECK(to <= std::max(from + step, from * about.greatest_factor));
        CHECK(to >= std::min(from - step, from / about.greatest_factor));
    }

    Scene& scene_;
    std::map<std::size_t, Instant> last_;
};

class Weather {
public:
    Weather(Scene& scene, unsigned seed) : scene_(scene), random_(seed) {}

    bool one_in(unsigned n) { return random_() % n == 0; }
    double share() { return static_cast<double>(random_() % 1000) / 1000; }
    std::string_view any_tunable() { return claimed[random_() % std::size(claimed)]; }

    void change(bool foreign_writers) {
        if (one_in(10)) scene_.set("psi.memory.some.avg10", one_in(5) ? indicators::no_data : share());
        if (one_in(10)) scene_.set("psi.io.some.avg10", one_in(20) ? indicators::no_data : share());
        if (one_in(10)) scene_.set("reclaim.direct_stalls", one_in(2) ? 0 : 7);
        if (one_in(10)) scene_.set("io.out", share() * 1e9);
        if (one_in(50)) scene_.tunables.fail(any_tunable(), one_in(2) ? 0 : EIO);
        if (one_in(200)) scene_.tunables[any_tunable()].available = one_in(2);
        if (one_in(100))
            scene_.tunables["vm.min_free_kbytes"].ceiling = 60000 + static_cast<std::int64_t>(share() * 1e6);
        if (one_in(200)) scene_.lack("psi.memory.some.avg10", one_in(2));
        if (one_in(500)) scene_.reload(rules_text);
        if (foreign_writers && one_in(300)) write_to(any_tunable());
    }

    Duration next() { return 100ms * (1 + random_() % 10) + std::chrono::milliseconds(random_() % 7); }

    /// Something that the kernel takes.
    void write_to(std::string_view name) {
        const Reading& reading = scene_.tunables[name];
        const std::int64_t room =
            std::min(reading.safe_maximum - reading.safe_minimum, 2 * reading.safe_minimum + 100);
        const std::int64_t value =
            reading.safe_minimum + static_cast<std::int64_t>(share() * static_cast<double>(room));
        scene_.somebody_sets(name, value);
    }

    void calm() {
        scene_.lack("psi.memory.some.avg10", false);
        for (const std::string_view indicator :
             {"psi.memory.some.avg10", "psi.io.some.avg10", "reclaim.direct_stalls", "io.out"})
            scene_.set(indicator, 0);
        for (const std::string_view name : claimed) {
            scene_.tunables.fail(name, 0);
            scene_.tunables[name].available = true;
        }
    }

private:
    Scene& scene_;
    std::mt19937 random_;
};

}  // namespace

TEST_SUITE("properties") {
    TEST_CASE("in any weather orders keep limits and pace and calm brings everything back to boot") {
        for (unsigned seed = 1; seed <= 8; ++seed) {
            CAPTURE(seed);
            Scene scene(rules_text);
            Weather weather(scene, seed);
            {
                Referee referee(scene);
                for (int i = 0; i < 4000; ++i) {
                    weather.change(false);
                    scene.after(weather.next());
                }
                CHECK(scene.orders.size() > 200);
                weather.calm();
                scene.run(30min, 1s);
            }
            scene.on_decision = nullptr;
            CHECK_FALSE(scene.said("somebody"));
            for (const std::string_view name : claimed) {
                CAPTURE(name);
                CHECK(scene.tunables[name].value == Tunables()[name].value);
                const bool baseline = name == "vm.vfs_cache_pressure";
                CHECK((baseline || !scene.tunables[name].ours));
                CHECK(scene.tunable_state(name) == (baseline ? TunableState::managed : TunableState::free));
            }
            scene.forget();
            scene.run(10min, 1s);
            CHECK(scene.orders.empty());
            CHECK(scene.events.empty());
        }
    }

    TEST_CASE("with other writers about nothing of ours is left behind") {
        for (unsigned seed = 101; seed <= 108; ++seed) {
            CAPTURE(seed);
            Scene scene(rules_text, seed % 2 == 0 ? "[tunable.vm.swappiness]\non_outside_change = \"enforce\"\n"
                                                    "[tunable.vm.min_free_kbytes]\non_outside_change = \"rebase\"\n"
                                                  : "[tunable.vm.swappiness]\nyield_for = \"20s\"\n"
                                                    "[tunable.vm.dirty_bytes]\nyield_for = \"10s\"\n");
            Weather weather(scene, seed);
            {
                Referee referee(scene);
                for (int i = 0; i < 4000; ++i) {
                    weather.change(true);
                    scene.after(weather.next());
                }
                weather.calm();
                scene.run(2h, 1s);
            }
            scene.on_decision = nullptr;
            for (const std::string_view name : claimed) {
                CAPTURE(name);
                const Reading& reading = scene.tunables[name];
                CHECK((!reading.ours || name == "vm.vfs_cache_pressure"));
            }
            scene.forget();
            scene.run(10min, 1s);
            CHECK(scene.orders.empty());
            CHECK(scene.events.empty());
        }
    }

    TEST_CASE("no event repeats turn by turn") {
        for (unsigned seed = 201; seed <= 204; ++seed) {
            CAPTURE(seed);
            Scene scene(rules_text);
            Weather weather(scene, seed);
            std::map<std::string, Instant> last;
            for (int i = 0; i < 4000; ++i) {
                weather.change(true);
                const Duration wait = weather.next();
                scene.after(wait);
                for (const std::string& event : scene.events) {
                    CAPTURE(event);
                    const auto before = last.find(event);
                    if (before != last.end()) CHECK(scene.now - before->second > wait);
                    last[event] = scene.now;
                }
                scene.events.clear();
            }
        }
    }
}

}  // namespace memtuned::test
