// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/top_screen.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/text.hpp"
#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/tunables/catalogue.hpp"

using namespace memtuned;
using namespace memtuned::ctl;
using namespace std::chrono_literals;

namespace {

constexpr double no_data = std::numeric_limits<double>::quiet_NaN();
constexpr Realtime now = Realtime(std::chrono::hours(500000));

ManagerState manager() {
    ManagerState state;
    state.version = "0.1.0";
    state.mode = "enforce";
    state.profile = "balanced";
    state.sample_interval = 2s;
    state.last_sample = now - 300ms;
    return state;
}

RuleState rule(const std::string& name, const std::string& state, double nearness) {
    RuleState one;
    one.name = name;
    one.when = "reclaim.direct_stalls > 0/s and " + name;
    one.state = state;
    one.figures = "reclaim.direct_stalls = 42/s";
    one.nearness = nearness;
    one.since = now - 12s;
    return one;
}

TunableState tunable(const std::string& name, const std::string& state) {
    TunableState one;
    one.name = name;
    one.value = one.target = one.boot_value = 60;
    one.maximum = 200;
    one.state = state;
    return one;
}

Snapshot quiet() {
    Snapshot snapshot;
    snapshot.manager = manager();
    snapshot.objects.rules = {rule("reserve-ahead", "idle", 0.25), rule("grow-reserve", "idle", 0)};
    snapshot.objects.tunables = {tunable("vm.min_free_kbytes", "free"), tunable("vm.swappiness", "managed")};
    snapshot.indicators = {{"psi.memory.some.avg10", 0.015},
                           {"reclaim.direct_stalls", 42},
                           {"mem.available", 3.0 * (1 << 30)},
                           {"swap.in", no_data}};
    return snapshot;
}

/// Of everything more than any screen holds, with long names and values.
Snapshot crowded() {
    Snapshot snapshot;
    snapshot.manager = manager();
    snapshot.manager.profile = std::string(70, 'p') + "日本語";
    snapshot.manager.degraded = {{"cgroup", std::string(300, 'd')}, {"polkit", "none"}, {"a", "b"}, {"c", "d"}};
    for (int i = 0; i < 40; ++i)
        snapshot.objects.rules.push_back(
            rule(std::string(50, 'r') + "ü" + std::to_string(i), "unavailable", no_data));
    for (const tunables::Tunable& entry : tunables::catalogue()) {
        TunableState state = tunable(std::string(entry.name), "overridden");
        state.value = -std::numeric_limits<std::int64_t>::max();
        state.target = state.maximum = std::numeric_limits<std::int64_t>::max();
        state.unit = "/10000";
        state.source = "override";
        state.override_expires = now + 70min;
        state.last_write = now - 90min;
        state.reason = std::string(300, 'w') + "\x1b[2J\n";
        snapshot.objects.tunables.push_back(state);
    }
    for (int i = 0; i < 30; ++i)
        snapshot.objects.services.push_back(
            {"user@1000.service/" + std::string(40, 's') + std::to_string(i) + "日本語", -1000, "baseline",
             4000000000, 1ULL << 60, "managed"});
    for (const indicators::Indicator& indicator : indicators::catalogue())
        snapshot.indicators[std::string(indicator.name)] = indicator.name.size() % 2 == 0 ? -123456789012.0 : no_data;
    return snapshot;
}

TopView view(int width, int height) {
    TopView one;
    one.width = width;
    one.height = height;
    return one;
}

std::vector<std::string> text_of(const Screen& screen) {
    std::vector<std::string> lines;
    for (const Line& line : screen.lines) lines.push_back(plain_text(line));
    return lines;
}

std::vector<std::string> shown(const Snapshot& snapshot, const TopView& how, const History& history = {}) {
    return text_of(render(snapshot, history, how, now));
}

/// The first line that begins with this; empty if none does.
std::string line_with(const std::vector<std::string>& lines, std::string_view beginning) {
    const auto found =
        std::ranges::find_if(lines, [&](const std::string& line) { return line.starts_with(beginning); });
    return found == lines.end() ? std::string() : *found;
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != text.npos;
}

void check_fits(const Screen& screen, const TopView& how) {
    CHECK(static_cast<int>(screen.lines.size()) == how.height);
    for (const Line& line : screen.lines) {
        std::string text;
        for (const Span& span : line) text += span.text;
        CAPTURE(text);
        CHECK(static_cast<int>(displayed_width(text)) <= how.width);
        CHECK(printable(text) == text);
    }
}

}  // namespace

TEST_CASE("the screen fills its height and no line is wider than the width, whatever it shows") {
    for (const auto& snapshot : {Snapshot(), quiet(), crowded()})
        for (const int width : {10, 11, 15, 20, 39, 40, 41, 63, 80, 99, 100, 120, 149, 150, 200, 300})
            for (const int height : {1, 2, 3, 4, 5, 10, 24, 50, 400}) {
                CAPTURE(width);
                CAPTURE(height);
                TopView how = view(width, height);
                check_fits(render(snapshot, {}, how, now), how);
                how.scrolled = 9999;
                how.help = how.paused = true;
                how.utf8 = false;
                how.gone = "the daemon has left the bus";
                check_fits(render(snapshot, {}, how, now), how);
            }
}

TEST_CASE("the header says profile, mode, pace and age, and at 80 columns all of it") {
    CHECK(shown(quiet(), view(80, 24)).front() ==
          "memtuned  0.1.0  profile balanced  enforce  samples every 2s  last 0s ago");
    CHECK(shown(quiet(), view(40, 10)).front() == "memtuned  profile balanced  enforce");
    CHECK(shown(quiet(), view(20, 10)).front() == "profile balanced");
}

TEST_CASE("the header says what is degraded, and the line below which and why") {
    Snapshot snapshot = quiet();
    snapshot.manager.degraded = {{"cgroup", "version 1"}, {"polkit", "not there"}};
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(contains(lines[0], "degraded: 2"));
    CHECK(lines[1] == "! (1 of 2) cgroup: version 1");
    CHECK(shown(snapshot, view(80, 50))[2] == "! polkit: not there");
}

TEST_CASE("the header says that the daemon is gone before anything else, and the figures stay") {
    TopView how = view(80, 24);
    how.gone = "the daemon has left the bus";
    const auto lines = shown(quiet(), how);
    CHECK(contains(lines.front(), "no answer: the daemon has left the bus"));
    CHECK(contains(line_with(lines, "reclaim.direct_stalls"), "42/s"));
}

TEST_CASE("a pause is said in the header") {
    TopView how = view(80, 24);
    how.paused = true;
    CHECK(contains(shown(quiet(), how).front(), "paused"));
}

TEST_CASE("what rules look at comes first among the indicators, and then pressure") {
    const auto lines = shown(quiet(), view(70, 24));
    REQUIRE(lines.size() > 5);
    CHECK(lines[1].starts_with("INDICATORS"));
    CHECK(lines[2].starts_with("reclaim.direct_stalls       42/s"));
    CHECK(lines[3].starts_with("psi.memory.some.avg10       1.5%"));
    CHECK(lines[4].starts_with("swap.in                  no data"));
    CHECK(lines[5].starts_with("mem.available              3 GiB"));
}

TEST_CASE("indicators inside of functions and with arguments are found in a rule's figures") {
    Snapshot snapshot = quiet();
    snapshot.objects.rules[0].figures =
        "predict_linear(zones.free, 4s, 1s) = 3 GiB, zone.free(\"0/Normal\") = 2 GiB, nonsense.of(3) = 1, (";
    snapshot.indicators["zones.free"] = 1.0 * (1 << 30);
    snapshot.indicators["zone.free(\"0/Normal\")"] = 2.0 * (1 << 30);
    const auto lines = shown(snapshot, view(70, 24));
    CHECK(lines[2].starts_with("zones.free"));
    CHECK(lines[3].starts_with("zone.free(\"0/Normal\")      2 GiB"));
    CHECK(lines[4].starts_with("reclaim.direct_stalls"));
}

TEST_CASE("each indicator has a sparkline of what the history holds") {
    History history;
    for (int second = 0; second < 120; ++second)
        history.record(Instant(std::chrono::seconds(second)), {{"reclaim.direct_stalls", second < 60 ? 0 : 42}});
    const std::string line = line_with(shown(quiet(), view(70, 24), history), "reclaim.direct_stalls");
    CHECK(line.ends_with("▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁███████████████"));
    TopView ascii = view(70, 24);
    ascii.utf8 = false;
    CHECK(line_with(shown(quiet(), ascii, history), "reclaim.direct_stalls")
              .ends_with("...............@@@@@@@@@@@@@@@"));
}

TEST_CASE("before there are indicators the screen says that it waits for them") {
    Snapshot snapshot = quiet();
    snapshot.indicators.clear();
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(lines[2] == "waiting for figures");
    CHECK(!line_with(lines, "reserve-ahead").empty());
}

TEST_CASE("a rule shows its state, how near it is, how often it was active, and its figures") {
    Snapshot snapshot = quiet();
    snapshot.objects.rules[0].activations = 3;
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(line_with(lines, "reserve-ahead") ==
          "reserve-ahead      idle       25%  █░░░░░░      3  reclaim.direct_stalls = 42/s");
    TopView ascii = view(80, 24);
    ascii.utf8 = false;
    CHECK(line_with(shown(snapshot, ascii), "reserve-ahead") ==
          "reserve-ahead      idle       25%  #......      3  reclaim.direct_stalls = 42/s");
}

TEST_CASE("only a condition that holds is 100 % near") {
    Snapshot snapshot = quiet();
    snapshot.objects.rules = {rule("one", "pending", 1), rule("two", "idle", 0.9999)};
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(contains(line_with(lines, "one"), "100%  ███████"));
    CHECK(contains(line_with(lines, "two"), " 99%  ██████░"));
}

TEST_CASE("a rule without data says so, and one that is unavailable says why") {
    Snapshot snapshot = quiet();
    snapshot.objects.rules = {rule("blind", "idle", no_data), rule("lost", "unavailable", no_data)};
    snapshot.objects.rules[1].state_reason = "there is no swap";
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(contains(line_with(lines, "blind"), "no data"));
    CHECK(line_with(lines, "lost").ends_with("there is no swap"));
    CHECK(!contains(line_with(lines, "lost"), "no data"));
}

TEST_CASE("rules that do something come before the others, which keep their order") {
    Snapshot snapshot = quiet();
    snapshot.objects.rules = {rule("b", "disabled", 0), rule("z", "idle", 0), rule("a", "idle", 0),
                              rule("c", "pending", 1), rule("d", "active", 1)};
    const auto lines = shown(snapshot, view(80, 24));
    const auto heading = std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("RULES"); });
    std::string order;
    for (auto line = heading + 1; line < heading + 6; ++line) order += line->front();
    CHECK(order == "dczab");
}

TEST_CASE("figures that are too long keep the first value, and its name is cut") {
    Snapshot snapshot = quiet();
    snapshot.objects.rules[0].figures = "zones.headroom = 3.5%, reclaim.direct_stalls = 42/s";
    snapshot.objects.rules[1].figures = "predict_linear(zones.free, 4s, 1s) = 3.1 GiB, zones.min = 66 MiB";
    snapshot.objects.rules.push_back(rule("grow-minimum", "idle", 0));
    snapshot.objects.rules.back().figures = "reclaim.direct_stalls = 0/s, zones.below_low = 0";
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(line_with(lines, "reserve-ahead").ends_with("  zones.headroom = 3.5%, …"));
    CHECK(line_with(lines, "grow-minimum").ends_with("  reclaim.direct_stalls = 0/s"));
    CHECK(contains(line_with(lines, "grow-reserve"), "  predict_linear(z"));
    CHECK(line_with(lines, "grow-reserve").ends_with("… = 3.1 GiB"));
}

TEST_CASE("tunables that somebody has a hold on come before free ones") {
    const auto lines = shown(quiet(), view(80, 24));
    const auto heading = std::ranges::find_if(lines, [](const auto& line) { return line.starts_with("TUNABLES"); });
    REQUIRE(lines.end() - heading > 2);
    CHECK((heading + 1)->starts_with("vm.swappiness "));
    CHECK((heading + 2)->starts_with("vm.min_free_kbytes "));
}

TEST_CASE("a tunable shows its value, where it goes, its source and how long ago it was written") {
    Snapshot snapshot = quiet();
    TunableState& state = snapshot.objects.tunables[0];
    state = tunable("vm.watermark_scale_factor", "managed");
    state.unit = "/10000";
    state.source = "rule grow";
    state.value = state.target = 80;
    state.boot_value = 10;
    state.last_write = now - 3s;
    CHECK(line_with(shown(snapshot, view(80, 24)), "vm.watermark") ==
          "vm.watermark_scale_factor   80/10000     10  managed     rule grow          3s");
    state.target = 160;
    state.last_write = now - 12min;
    CHECK(line_with(shown(snapshot, view(80, 24)), "vm.watermark") ==
          "vm.watermark_scale_factor     80→160     10  managed     rule grow       12min");
}

TEST_CASE("a trigger holds no value, and a tunable that this kernel lacks has none") {
    Snapshot snapshot = quiet();
    snapshot.objects.tunables = {tunable("vm.drop_caches", "free"), tunable("vm.dirty_bytes", "unavailable")};
    const auto lines = shown(snapshot, view(80, 24));
    CHECK(line_with(lines, "vm.drop_caches").starts_with("vm.drop_caches               trigger  free "));
    CHECK(line_with(lines, "vm.dirty_bytes") == "vm.dirty_bytes                     -  unavailable");
}

TEST_CASE("an override shows when it ends") {
    Snapshot snapshot = quiet();
    TunableState& state = snapshot.objects.tunables[1];
    state.state = state.source = "override";
    state.override_expires = now + 12min;
    CHECK(contains(line_with(shown(snapshot, view(80, 24)), "vm.swappiness"), "override 12min"));
    CHECK(contains(line_with(shown(snapshot, view(200, 24)), "vm.swappiness"), "override for 12min"));
}

TEST_CASE("services show only where they are managed") {
    Snapshot snapshot = quiet();
    snapshot.objects.services = {{"cron.service", 0, "", 1, 0, "free"},
                                 {"ssh.service", -500, "baseline of balanced", 3, 5 << 20, "managed"}};
    const auto lines = shown(snapshot, view(100, 40));
    CHECK(line_with(lines, "cron.service").empty());
    const std::string line = line_with(lines, "ssh.service");
    CHECK(contains(line, " -500 "));
    CHECK(contains(line, " 5 MiB "));
    CHECK(line.ends_with("baseline of balanced"));
}

TEST_CASE("200 columns show conditions, ranges and reasons, 80 do not") {
    Snapshot snapshot = quiet();
    TunableState& state = snapshot.objects.tunables[1];
    state.reason = "reclaim.direct_stalls > 0/s (42/s)";
    state.last_write = now;
    const auto wide = shown(snapshot, view(200, 50));
    CHECK(line_with(wide, "reserve-ahead").ends_with("reclaim.direct_stalls > 0/s and reserve-ahead"));
    CHECK(contains(line_with(wide, "reserve-ahead"), "12s"));
    CHECK(contains(line_with(wide, "vm.swappiness"), "0 to 200"));
    CHECK(line_with(wide, "vm.swappiness").ends_with(state.reason));
    const auto narrow = shown(snapshot, view(80, 24));
    CHECK(!contains(line_with(narrow, "reserve-ahead"), " and "));
    CHECK(!contains(line_with(narrow, "vm.swappiness"), "200"));
}

TEST_CASE("40 columns keep names, values and states") {
    const auto lines = shown(quiet(), view(40, 24));
    CHECK(line_with(lines, "reserve-ahead") == "reserve-ahead  idle       25%");
    CHECK(line_with(lines, "vm.swappiness") == "vm.swappiness             60  managed");
}

TEST_CASE("what does not fit leaves each part its share of the first page, and counts") {
    const auto lines = shown(crowded(), view(80, 24));
    CHECK(line_with(lines, "INDICATORS").starts_with("INDICATORS 6/"));
    CHECK(line_with(lines, "RULES").starts_with("RULES 6/40"));
    CHECK(line_with(lines, "TUNABLES").starts_with("TUNABLES 6/14"));
    CHECK(line_with(lines, "SERVICES").empty());
    CHECK(contains(lines.back(), "1-21 of "));
}

TEST_CASE("scrolling shows every row once and ends at the last") {
    const Snapshot snapshot = crowded();
    TopView how = view(120, 12);
    const int beyond = render(snapshot, {}, how, now).beyond;
    const std::size_t first = shown(snapshot, how).size();
    REQUIRE(first == 12);
    std::size_t rules = 0;
    for (how.scrolled = 0; how.scrolled <= beyond; ++how.scrolled)
        rules += shown(snapshot, how)[1].starts_with("rrrr") ? 1U : 0U;
    how.scrolled = beyond;
    const auto last_page = shown(snapshot, how);
    for (std::size_t i = 2; i + 1 < last_page.size(); ++i) rules += last_page[i].starts_with("rrrr") ? 1U : 0U;
    CHECK(rules == 40);
    how.scrolled = beyond + 100;
    CHECK(shown(snapshot, how) == last_page);
}

TEST_CASE("where everything fits there is nothing to scroll, and blank lines between the parts") {
    const Screen screen = render(quiet(), {}, view(80, 40), now);
    const auto lines = text_of(screen);
    CHECK(screen.beyond == 0);
    CHECK(lines.back() == "every 1s  ? keys  q quit");
    CHECK(line_with(lines, "RULES").starts_with("RULES  "));
    CHECK(std::ranges::count(lines, "") > 2);
}

TEST_CASE("help takes the last line") {
    TopView how = view(100, 40);
    how.help = true;
    CHECK(contains(shown(quiet(), how).back(), "+/- interval"));
}

TEST_CASE("without a height all is shown, without keys and sparklines") {
    const auto lines = shown(crowded(), view(100, 0));
    CHECK(lines.size() > 40 + 14 + 30 + indicators::catalogue().size() / 2);
    CHECK(!contains(lines.back(), "quit"));
    CHECK(line_with(lines, "RULES").starts_with("RULES  "));
    CHECK(line_with(lines, "SERVICES").starts_with("SERVICES  "));
}
