// SPDX-License-Identifier: GPL-2.0-or-later
//
// The program on a real bus, seen by callers that behave and by callers that do not: that override lifetimes and
// rights are what dbus/*.xml says, that no flood makes it late or large, and that it outlives its bus. It works on a
// copy of a machine's kernel files. Set MEMTUNED to the program.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <systemd/sd-bus.h>
#include <unistd.h>

#include "support/private_bus.hpp"

namespace memtuned::test {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

using Claim = sdbus::Struct<std::string, std::string, std::int64_t, std::string>;
using Decision = sdbus::Struct<std::uint64_t, std::string, std::int64_t, std::int64_t, std::string, std::string>;
using Objects = std::map<sdbus::ObjectPath, std::map<std::string, std::map<std::string, sdbus::Variant>>>;

const std::string swappiness = "vm.swappiness";

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

/// Between samples when nothing presses, as Program configures it.
constexpr Milliseconds interval = 200ms;

/// A call that has to wait for a sample waits for the shortest distance of two, 100 ms, and then for the processor.
constexpr Milliseconds one_tick = 150ms;
/// On a machine with other work one of several may take longer.
constexpr Milliseconds patience = 5s;

constexpr std::string_view rules = R"(
[baseline]
vm.vfs_cache_pressure = 80
[[rule]]
name = "many-dirty"
when = "mem.dirty > 100 MiB"
set = { vm.dirty_ratio = 25 }
)";

std::string lacking() {
    if (::geteuid() != 0) return "skipped: the daemon writes tunables, even copies of them, as root only";
    if (Program::path() == nullptr) return "skipped: MEMTUNED does not name the program";
    if (::access("/usr/bin/dbus-daemon", X_OK) != 0) return "skipped: there is no dbus-daemon";
    return {};
}

/// Prints why a test can't run here, if so.
bool skipped() {
    const std::string why = lacking();
    if (!why.empty()) MESSAGE(why);
    return !why.empty();
}

struct Machine : Program {
    Machine() {
        files.write("rules/test.toml", rules);
        files.write("rules/other.toml", "baseline.vm.dirty_background_ratio = 15\n");
        files.write("proc/sys/vm/swappiness", "60\n");
        files.write("proc/sys/vm/dirty_ratio", "20\n");
    }

    /// A unit with one process.
    void add_service(const std::string& name, int pid) {
        const std::string group = "/system.slice/" + name;
        files.write("sys/fs/cgroup/cgroup.controllers", "cpu memory pids\n");
        files.write("sys/fs/cgroup/system.slice/cgroup.procs", "");
        files.write("sys/fs/cgroup/system.slice/cgroup.events", "populated 1\nfrozen 0\n");
        const std::string folder = fmt::format("proc/{}/", pid);
        files.write(
            folder + "stat",
            fmt::format("{} (cron) S 1 {} {} 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n", pid, pid, pid));
        files.write(folder + "cgroup", fmt::format("0::{}\n", group));
        files.write(folder + "oom_score_adj", "0\n");
        files.write("sys/fs/cgroup" + group + "/memory.current", "8388608\n");
        files.write("sys/fs/cgroup" + group + "/cgroup.procs", fmt::format("{}\n", pid));
        files.write("sys/fs/cgroup" + group + "/cgroup.events", "populated 1\nfrozen 0\n");
    }
};

/// The program on its bus, root beside it.
struct OnBus {
    OnBus() {
        machine.add_service("cron.service", 1100);
        machine.start(bus);
    }

    std::string value(std::string_view tunable = swappiness) const { return machine.value(tunable); }
    bool comes_to(std::string_view wanted, std::string_view tunable = swappiness, Milliseconds longest = patience) {
        return soon(longest, [&] { return value(tunable) == wanted; });
    }
    std::vector<Claim> claims(const std::string& tunable = swappiness) {
        return root.ask<std::vector<Claim>>("Explain", tunable);
    }
    /// "boot value exactly 60: what it holds by itself; ...".
    std::string explained(const std::string& tunable = swappiness) {
        std::string text;
        for (const Claim& one : claims(tunable))
            text += fmt::format("{}{} {} {}: {}", text.empty() ? "" : "; ", one.get<0>(), one.get<1>(), one.get<2>(),
                                one.get<3>());
        return text;
    }
    std::vector<Decision> history() { return root.ask<std::vector<Decision>>("GetHistory", 0U); }

    PrivateBus bus;
    Machine machine;
    Client root{bus};
};

std::uint64_t microseconds(Duration duration) {
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

/// Nothing that could have been tuned was, and the history has nothing new, whatever is done.
class Unchanged {
public:
    explicit Unchanged(OnBus& scene) : scene_(scene), before_(scene.machine.tunables()), known_(scene.history()) {}
    ~Unchanged() {
        std::this_thread::sleep_for(2 * interval);  // what was taken on would be written by then
        CHECK(scene_.machine.tunables() == before_);
        CHECK(scene_.history().size() == known_.size());
    }
    Unchanged(const Unchanged&) = delete;
    Unchanged& operator=(const Unchanged&) = delete;

private:
    OnBus& scene_;
    std::map<std::string, std::string> before_;
    std::vector<Decision> known_;
};

/// Looks at LastSample, on a connection of its own, as long as it lives.
class Watch {
public:
    explicit Watch(const PrivateBus& bus) : watcher_([this, &bus] { run(bus); }) {
        while (samples_ < 3) std::this_thread::sleep_for(1ms);
    }
    ~Watch() { end(); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    /// The greatest distance of two samples, less the slowest look in between, which may have missed one. To be asked
    /// for at the end.
    Milliseconds longest() {
        end();
        return std::chrono::duration_cast<Milliseconds>(longest_);
    }
    std::string told() {
        end();
        return fmt::format("{} samples seen, {} ms apart at most; a look took {} ms at most", samples_.load(),
                           std::chrono::duration_cast<Milliseconds>(apart_).count(), slowest_.count());
    }

private:
    void run(const PrivateBus& bus) {
        Client client(bus);
        std::uint64_t last = 0;
        Milliseconds slowest{0};
        while (!done_) {
            const auto start = Clock::now();
            const auto sample = client.property<std::uint64_t>("LastSample");
            slowest = std::max(slowest, since(start));
            slowest_ = std::max(slowest_, slowest);
            // It is told in the time of day, which is a little another each time it is made from that since boot.
            if (sample > last + 1000) {
                if (last != 0) note(std::chrono::microseconds(sample - last), slowest);
                last = sample;
                slowest = Milliseconds(0);
                ++samples_;
            }
            std::this_thread::sleep_for(5ms);
        }
    }
    void note(std::chrono::microseconds distance, Milliseconds slowest_look) {
        apart_ = std::max(apart_, distance);
        longest_ = std::max(longest_, distance - slowest_look);
    }
    void end() {
        done_ = true;
        if (watcher_.joinable()) watcher_.join();
    }

    std::atomic<bool> done_{false};
    std::atomic<int> samples_{0};
    std::chrono::microseconds longest_{0};
    std::chrono::microseconds apart_{0};
    Milliseconds slowest_{0};
    std::thread watcher_;
};

/// What became of many calls of one client, made as fast as they are answered.
struct Flood {
    int answered = 0;
    int refused = 0;

    bool run(Client& client, int calls) {
        // The system bus lets nobody have more than 128 calls without an answer.
        constexpr int at_once = 100;
        int sent = 0;
        const auto manager = client.proxy();
        return client.serve_until(60s, [&] {
            for (; sent < calls && sent - answered < at_once; ++sent) send(*manager);
            return answered == calls;
        });
    }

private:
    void send(sdbus::IProxy& manager) {
        manager.callMethodAsync("Explain")
            .onInterface("org.memtuned1.Manager")
            .withArguments(std::string(swappiness))
            .uponReplyInvoke([this](bus::CallError error, std::vector<Claim> claims) {
                ++answered;
                if (error || claims.empty()) ++refused;
            });
    }
};

/// Everything that changes something, each with the action that it needs.
struct Change {
    std::string action;
    std::function<void(Client&)> make;
};

Change on_object(std::string action, std::string path, const char* interface, const char* method) {
    return {std::move(action), [path = std::move(path), interface, method](Client& who) {
                who.proxy(path)->callMethod(method).onInterface(interface);
            }};
}

std::vector<Change> all_changes() {
    const std::string override_ = "org.memtuned1.override";
    const std::string switch_ = "org.memtuned1.switch-profile";
    const std::string tunable = Client::path("tunable", swappiness);
    const std::string service = Client::path("service", "cron.service");
    const auto override_on = [](std::string path, const char* interface) {
        return [path = std::move(path), interface](Client& who) {
            who.proxy(path)
                ->callMethod("Override")
                .onInterface(interface)
                .withArguments(std::int64_t{90}, std::uint64_t{0}, std::string());
        };
    };
    return {
        {override_, [](Client& who) { who.call("Override", swappiness, std::int64_t{90}, std::uint64_t{0}, ""s); }},
        {override_, [](Client& who) { who.call("OverrideWhileConnected", swappiness, std::int64_t{90}, ""s); }},
        {override_, [](Client& who) { who.call("ClearOverride", swappiness); }},
        {override_, [](Client& who) { who.call("Release", swappiness); }},
        {"org.memtuned1.reload", [](Client& who) { who.call("Reload"); }},
        {override_, override_on(tunable, "org.memtuned1.Tunable")},
        {override_, override_on(service, "org.memtuned1.Service")},
        on_object(override_, tunable, "org.memtuned1.Tunable", "ClearOverride"),
        on_object(override_, service, "org.memtuned1.Service", "ClearOverride"),
        {switch_, [](Client& who) { who.call("EnableRule", "many-dirty"s, false); }},
        {switch_, [](Client& who) { who.call("EnableRule", "many-dirty"s, true); }},
        {switch_, [](Client& who) { who.call("SwitchProfile", "other"s); }},
        {switch_, [](Client& who) { who.call("SetMode", "observe"s); }},
    };
}

std::unique_ptr<Client> nobody_on(const PrivateBus& bus) {
    const AsUser nobody(AsUser::nobody);
    return std::make_unique<Client>(bus);
}

/// Plays polkit, in a thread of its own: says yes, no or nothing.
class Polkit {
public:
    enum class Word { yes, no, nothing };

    Polkit(const PrivateBus& bus, Word word) : word_(word), server_([this, &bus] { run(bus); }) {
        while (!ready_) std::this_thread::sleep_for(1ms);
    }
    ~Polkit() {
        done_ = true;
        server_.join();
    }
    Polkit(const Polkit&) = delete;
    Polkit& operator=(const Polkit&) = delete;

    int asked() const { return asked_; }
    /// Gives the answer that it kept back.
    void says_yes_now() { word_ = Word::yes; }
    /// What it was asked about last.
    std::string action() {
        const std::lock_guard lock(mutex_);
        return action_;
    }

private:
    using Bus = std::unique_ptr<sd_bus, decltype(&sd_bus_unref)>;

    void run(const PrivateBus& where) {
        sd_bus* made = nullptr;
        if (::sd_bus_new(&made) < 0) return;
        const Bus bus(made, &sd_bus_flush_close_unref);
        ::sd_bus_set_address(bus.get(), where.address().c_str());
        ::sd_bus_set_bus_client(bus.get(), 1);
        ::sd_bus_start(bus.get());
        ::sd_bus_add_object(bus.get(), nullptr, "/org/freedesktop/PolicyKit1/Authority", &Polkit::serve, this);
        ready_ = ::sd_bus_request_name(bus.get(), "org.freedesktop.PolicyKit1", 0) >= 0;
        while (!done_) {
            if (word_ == Word::yes)
                for (sd_bus_message* const call : std::exchange(kept_, {})) {
                    reply(call, true);
                    ::sd_bus_message_unref(call);
                }
            if (::sd_bus_process(bus.get(), nullptr) == 0) ::sd_bus_wait(bus.get(), 10'000);
        }
        for (sd_bus_message* const call : kept_) ::sd_bus_message_unref(call);
    }
    static int serve(sd_bus_message* call, void* self, sd_bus_error*) {
        return static_cast<Polkit*>(self)->answer(call);
    }
    int answer(sd_bus_message* call) {
        if (::sd_bus_message_is_method_call(call, "org.freedesktop.PolicyKit1.Authority", "CheckAuthorization") <= 0)
            return 0;
        const char* action = "";
        ::sd_bus_message_skip(call, "(sa{sv})");
        ::sd_bus_message_read(call, "s", &action);
        {
            const std::lock_guard lock(mutex_);
            action_ = action;
        }
        ++asked_;
        if (word_ == Word::nothing)
            kept_.push_back(::sd_bus_message_ref(call));
        else
            reply(call, word_ == Word::yes);
        return 1;
    }
    static void reply(sd_bus_message* call, bool yes) {
        ::sd_bus_reply_method_return(call, "(bba{ss})", static_cast<int>(yes), 0, 0);
    }

    std::atomic<Word> word_;
    std::atomic<int> asked_{0};
    std::atomic<bool> ready_{false};
    std::atomic<bool> done_{false};
    std::mutex mutex_;
    std::string action_;
    std::vector<sd_bus_message*> kept_;
    std::thread server_;
};

/// The machine gets to hold many dirty pages, or few again: the rule that looks at them follows, within so long.
std::optional<Milliseconds> follows(Machine& machine, bool many) {
    const auto start = Clock::now();
    machine.set_meminfo("Dirty", many ? 400'000 : 100);
    if (!soon(patience, [&] { return machine.value("vm.dirty_ratio") == (many ? "25" : "20"); })) return std::nullopt;
    return since(start);
}

/// It tunes on, there and back and as soon as ever.
bool tunes_on(Machine& machine) {
    for (const bool many : {true, false}) {
        const std::optional<Milliseconds> took = follows(machine, many);
        if (!took || *took > 2 * interval) {
            MESSAGE(fmt::format("it took {} ms", took ? took->count() : -1));
            return false;
        }
        std::this_thread::sleep_for(1s);  // the pace of the tunable
    }
    return true;
}

}  // namespace

TEST_SUITE("overrides over the bus") {
    TEST_CASE("the value is written when the call returns, within one tick") {
        if (skipped()) return;
        OnBus scene;
        std::vector<Milliseconds> took;
        // Where the machine is busy with something else the next round may show it.
        for (int round = 0; round < 4 && (round == 0 || took[took.size() / 2] > one_tick); ++round) {
            took.clear();
            for (std::int64_t wanted = 100; wanted < 115; ++wanted) {
                const auto start = Clock::now();
                scene.root.call("Override", swappiness, wanted + round, std::uint64_t{0}, ""s);
                took.push_back(since(start));
                CHECK(scene.value() == std::to_string(wanted + round));
            }
            std::sort(took.begin(), took.end());
        }
        MESSAGE(fmt::format("an override takes {} ms at the median, {} ms at most", took[took.size() / 2].count(),
                            took.back().count()));
        CHECK(took[took.size() / 2] <= one_tick);
    }

    TEST_CASE("a timed one shows in Explain and ends by itself") {
        if (skipped()) return;
        OnBus scene;
        const auto start = Clock::now();
        scene.root.call("Override", swappiness, std::int64_t{90}, microseconds(1s), "for a second"s);
        CHECK(scene.explained() ==
              "boot value exactly 60: what it held before memtuned wrote it; override exactly 90: for a second (user "
              "0); result overridden 90: for a second (user 0)");
        CHECK(scene.root.of_tunable<std::string>(swappiness, "State") == "overridden");
        CHECK(scene.root.of_tunable<std::string>(swappiness, "Source") == "override");
        CHECK(scene.root.of_tunable<std::uint64_t>(swappiness, "OverrideExpires") > 0);
        CHECK(scene.comes_to("60"));
        const Milliseconds lasted = since(start);
        MESSAGE(fmt::format("an override of 1000 ms lasted {} ms", lasted.count()));
        CHECK(lasted >= 1s);
        CHECK(lasted <= 1s + interval + 2 * one_tick);
        CHECK(soon(patience, [&] { return scene.root.of_tunable<std::string>(swappiness, "State") == "free"; }));
        CHECK(scene.root.of_tunable<std::uint64_t>(swappiness, "OverrideExpires") == 0);
    }

    TEST_CASE("one until it is cleared ends when it is cleared") {
        if (skipped()) return;
        OnBus scene;
        scene.root.call("Override", swappiness, std::int64_t{90}, std::uint64_t{0}, ""s);
        CHECK(scene.explained().find("override exactly 90: set by user 0") != std::string::npos);
        std::this_thread::sleep_for(3 * interval);
        CHECK(scene.value() == "90");
        scene.root.call("ClearOverride", swappiness);
        CHECK(scene.comes_to("60"));
        CHECK(error_of([&] { scene.root.call("ClearOverride", swappiness); }) ==
              "org.memtuned1.Error.Failed: vm.swappiness is not overridden");
    }

    TEST_CASE("one while connected ends with the connection, and with nobody else's") {
        if (skipped()) return;
        OnBus scene;
        auto holder = std::make_unique<Client>(scene.bus);
        auto bystander = std::make_unique<Client>(scene.bus);
        holder->call("OverrideWhileConnected", swappiness, std::int64_t{90}, "mine"s);
        CHECK(scene.value() == "90");
        CHECK(scene.explained().find("override exactly 90: mine (user 0)") != std::string::npos);
        bystander.reset();
        std::this_thread::sleep_for(1s);  // which is the pace at which the tunable is put back, too
        CHECK(scene.value() == "90");
        const auto start = Clock::now();
        holder.reset();
        CHECK(scene.comes_to("60"));
        MESSAGE(fmt::format("put back {} ms after its holder left", since(start).count()));
        CHECK(since(start) <= one_tick + interval);
    }

    TEST_CASE("of two callers the later wins, and the earlier comes back") {
        if (skipped()) return;
        OnBus scene;
        Client first(scene.bus);
        auto second = std::make_unique<Client>(scene.bus);
        first.call("OverrideWhileConnected", swappiness, std::int64_t{90}, "first"s);
        second->call("OverrideWhileConnected", swappiness, std::int64_t{20}, "second"s);
        CHECK(scene.value() == "20");
        CHECK(scene.explained().find("override exactly 90: first (user 0); override exactly 20: second (user 0); "
                                     "result overridden 20") != std::string::npos);
        second.reset();
        CHECK(scene.comes_to("90"));
        SUBCASE("a second one of the same caller replaces his first") {
            first.call("OverrideWhileConnected", swappiness, std::int64_t{30}, "third"s);
            CHECK(scene.value() == "30");
            CHECK(scene.claims().size() == 3);
        }
        SUBCASE("somebody may clear them all") {
            scene.root.call("Override", swappiness, std::int64_t{10}, std::uint64_t{0}, ""s);
            CHECK(scene.value() == "10");
            Client(scene.bus).call("ClearOverride", swappiness);
            CHECK(scene.comes_to("60"));
            CHECK(scene.claims().size() == 2);
        }
    }

    TEST_CASE("all survive a reload and a switch of the profile") {
        if (skipped()) return;
        OnBus scene;
        auto holder = std::make_unique<Client>(scene.bus);
        const auto start = Clock::now();
        scene.root.call("Override", swappiness, std::int64_t{90}, microseconds(4s), "timed"s);
        scene.root.call("Override", "vm.page-cluster"s, std::int64_t{1}, std::uint64_t{0}, "stays"s);
        holder->call("OverrideWhileConnected", "vm.watermark_scale_factor"s, std::int64_t{77}, "held"s);
        const auto all_hold = [&] {
            return scene.value() == "90" && scene.value("vm.page-cluster") == "1" &&
                   scene.value("vm.watermark_scale_factor") == "77";
        };
        scene.root.call("Reload");
        std::this_thread::sleep_for(2 * interval);
        CHECK(all_hold());
        scene.root.call("SwitchProfile", "other"s);
        CHECK(scene.comes_to("15", "vm.dirty_background_ratio"));
        CHECK(soon(patience, [&] { return scene.root.property<std::string>("Profile") == "other"; }));
        CHECK(all_hold());
        CHECK(scene.history().size() == 5);  // the three, and the baselines of both profiles
        holder.reset();
        CHECK(scene.comes_to("10", "vm.watermark_scale_factor"));
        CHECK(scene.comes_to("60"));
        CHECK(since(start) >= 4s);
        CHECK(scene.value("vm.page-cluster") == "1");
    }

    TEST_CASE("they survive a restart of memtuned and kill -9, but for those of connections") {
        if (skipped()) return;
        OnBus scene;
        const auto scores_300 = [&] {
            return text_of(scene.machine.files.root(), "proc/1100/oom_score_adj").starts_with("300");
        };
        auto holder = std::make_unique<Client>(scene.bus);
        scene.root.call("Override", swappiness, std::int64_t{90}, microseconds(1h), "for an hour"s);
        scene.root.call("Override", "oom_score_adj.cron.service"s, std::int64_t{300}, std::uint64_t{0}, "sooner"s);
        holder->call("OverrideWhileConnected", "vm.page-cluster"s, std::int64_t{1}, "held"s);
        CHECK(soon(patience, scores_300));
        const auto expires = scene.root.of_tunable<std::uint64_t>(swappiness, "OverrideExpires");
        int number = SIGTERM;
        SUBCASE("stopped and started") {}
        SUBCASE("killed") {
            number = SIGKILL;
        }
        scene.machine.process().signal(number);
        CHECK(scene.machine.process().ends_within(patience).has_value());
        CHECK(scene.value() == (number == SIGTERM ? "60" : "90"));
        CHECK(scene.machine.says("2 overrides come back with memtuned; memtunectl clear ends them") ==
              (number == SIGTERM));

        scene.machine.start(scene.bus);
        CHECK(scene.comes_to("90"));
        CHECK(soon(patience, scores_300));
        CHECK(scene.machine.says("override of vm.swappiness goes on: for an hour (user 0)"));
        CHECK(scene.machine.says("override of oom_score_adj.cron.service goes on: sooner (user 0)"));
        CHECK(scene.value("vm.page-cluster") == "3");
        const auto expires_now = scene.root.of_tunable<std::uint64_t>(swappiness, "OverrideExpires");
        CHECK(std::max(expires, expires_now) - std::min(expires, expires_now) < microseconds(1s));

        scene.root.call("ClearOverride", swappiness);
        CHECK(scene.comes_to("60"));
        scene.machine.process().signal(SIGTERM);
        CHECK(scene.machine.process().ends_within(patience).has_value());
        CHECK(scene.machine.says("1 override comes back with memtuned; memtunectl clear ends it"));
        scene.machine.start(scene.bus);
        CHECK(soon(patience, scores_300));
        CHECK(scene.value() == "60");
    }

    TEST_CASE("one that the kernel refuses fails with the kernel's error, and is gone") {
        if (skipped()) return;
        OnBus scene;
        const auto file = (scene.machine.files.root() / "proc/sys/vm/swappiness").string();
        std::filesystem::remove(file);
        REQUIRE(::symlink("/dev/full", file.c_str()) == 0);
        const std::string error =
            error_of([&] { scene.root.call("Override", swappiness, std::int64_t{90}, std::uint64_t{0}, ""s); });
        CHECK(error.starts_with("org.memtuned1.Error.Failed: "));
        std::filesystem::remove(file);
        scene.machine.files.write("proc/sys/vm/swappiness", "60\n");
        std::this_thread::sleep_for(2 * interval);
        CHECK(scene.value() == "60");
        CHECK(scene.claims().size() == 2);
    }

    TEST_CASE("a reason may be of any length and script") {
        if (skipped()) return;
        OnBus scene;
        std::string long_one;
        for (int i = 0; i < 300; ++i) long_one += "ü";
        std::string kept;
        for (int i = 0; i < 200; ++i) kept += "ü";
        scene.root.call("Override", swappiness, std::int64_t{90}, std::uint64_t{0}, long_one);
        CHECK(scene.claims().back().get<3>() == kept + "… (user 0)");
        scene.root.call("Override", swappiness, std::int64_t{91}, std::uint64_t{0}, "two\nlines\x1b[31m"s);
        const std::string shown = scene.claims().back().get<3>();
        CHECK(shown.find('\n') == std::string::npos);
        CHECK(shown.find('\x1b') == std::string::npos);
        const std::string error = error_of([&] { scene.root.call("ClearOverride", "vm." + long_one); });
        CHECK(error.starts_with("org.memtuned1.Error.NoSuchTunable: there is no tunable `vm.ü"));
        CHECK(scene.root.sees_memtuned());
    }

    TEST_CASE("many at once are all carried out, and more than one caller may have open are refused") {
        if (skipped()) return;
        OnBus scene;
        Client many(scene.bus);
        const auto manager = many.proxy();
        int done = 0;
        std::map<std::string, int> errors;
        for (std::int64_t i = 0; i < 100; ++i)
            manager->callMethodAsync("Override")
                .onInterface("org.memtuned1.Manager")
                .withArguments(std::string(swappiness), i, std::uint64_t{0}, std::string())
                .uponReplyInvoke([&](bus::CallError error) {
                    ++done;
                    if (error) ++errors[error->getMessage()];
                });
        CHECK(many.serve_until(patience, [&] { return done == 100; }));
        CHECK(errors.size() <= 1);
        for (const auto& [message, times] : errors)
            CHECK(message == "16 calls of yours wait to be authorized; try again later");
        CHECK(scene.root.property<std::string>("Profile") == "test");
    }
}

TEST_SUITE("rights on the bus") {
    TEST_CASE("where no polkit runs only root may change anything") {
        if (skipped()) return;
        OnBus scene;
        const auto nobody = nobody_on(scene.bus);
        const Unchanged unchanged(scene);
        for (const Change& change : all_changes())
            CHECK(
                error_of([&] { change.make(*nobody); }) ==
                "org.memtuned1.Error.NotAuthorized: only root may do this here, for polkit does not answer: The name "
                "org.freedesktop.PolicyKit1 was not provided by any .service files");
        CHECK(scene.root.property<std::string>("Mode") == "enforce");
        CHECK(scene.root.property<std::string>("Profile") == "test");
    }

    TEST_CASE("everybody may read everything") {
        if (skipped()) return;
        OnBus scene;
        const auto nobody = nobody_on(scene.bus);
        CHECK(nobody->property<std::string>("Version") == MEMTUNED_VERSION);
        CHECK(nobody->ask<std::vector<Claim>>("Explain", swappiness).size() == 2);
        CHECK(nobody->ask<std::map<std::string, double>>("GetIndicators").size() > 100);
        Objects objects;
        nobody->proxy()
            ->callMethod("GetManagedObjects")
            .onInterface("org.freedesktop.DBus.ObjectManager")
            .storeResultsTo(objects);
        CHECK(objects.size() == 17);  // 14 tunables, a rule, system.slice and what is in it
        CHECK(objects.contains(sdbus::ObjectPath("/org/memtuned1/service/cron_2eservice")));
    }

    TEST_CASE("only root may write a property") {
        if (skipped()) return;
        OnBus scene;
        const std::string rule = Client::path("rule", "many-dirty");
        const auto set = [&](Client& who, bool enabled) {
            who.proxy(rule)->setProperty("Enabled").onInterface("org.memtuned1.Rule").toValue(enabled);
        };
        const auto state = [&] { return scene.root.property<std::string>(rule, "Rule", "State"); };
        {
            const auto nobody = nobody_on(scene.bus);
            const Unchanged unchanged(scene);
            CHECK(error_of([&] { set(*nobody, false); }).starts_with("org.freedesktop.DBus.Error.AccessDenied: "));
            CHECK(state() == "idle");
        }
        set(scene.root, false);
        CHECK(soon(patience, [&] { return state() == "disabled"; }));
        CHECK_FALSE(scene.root.property<bool>(rule, "Rule", "Enabled"));
        scene.root.call("Reload");
        std::this_thread::sleep_for(2 * interval);
        CHECK(state() == "disabled");
        set(scene.root, true);
        CHECK(soon(patience, [&] { return state() == "idle"; }));
        CHECK(follows(scene.machine, true));
    }

    TEST_CASE("whom polkit grants the action may do what it is for") {
        if (skipped()) return;
        OnBus scene;
        Polkit polkit(scene.bus, Polkit::Word::yes);
        const auto nobody = nobody_on(scene.bus);
        for (const Change& change : all_changes()) {
            const std::string error = error_of([&] { change.make(*nobody); });
            CAPTURE(error);
            CHECK(error.find("NotAuthorized") == std::string::npos);
            CHECK(polkit.action() == change.action);
        }
        CHECK(polkit.asked() == static_cast<int>(all_changes().size()));
        CHECK(scene.root.property<std::string>("Mode") == "observe");
        nobody->call("SetMode", "enforce"s);
        nobody->call("Override", swappiness, std::int64_t{42}, std::uint64_t{0}, "a guest"s);
        CHECK(scene.value() == "42");
        CHECK(scene.explained().find("override exactly 42: a guest (user 65534)") != std::string::npos);
    }

    TEST_CASE("whom polkit refuses may not, and root need not ask") {
        if (skipped()) return;
        OnBus scene;
        Polkit polkit(scene.bus, Polkit::Word::no);
        {
            const auto nobody = nobody_on(scene.bus);
            const Unchanged unchanged(scene);
            for (const Change& change : all_changes())
                CHECK(error_of([&] { change.make(*nobody); }) ==
                      "org.memtuned1.Error.NotAuthorized: polkit does not grant you the action " + change.action);
        }
        const int asked = polkit.asked();
        scene.root.call("Override", swappiness, std::int64_t{90}, std::uint64_t{0}, ""s);
        CHECK(scene.value() == "90");
        CHECK(polkit.asked() == asked);
    }

    TEST_CASE("while polkit thinks the daemon goes on, and who leaves meanwhile gets nothing") {
        if (skipped()) return;
        OnBus scene;
        Polkit polkit(scene.bus, Polkit::Word::nothing);
        auto nobody = nobody_on(scene.bus);
        const auto manager = nobody->proxy();
        std::optional<bool> well;
        manager->callMethodAsync("Override")
            .onInterface("org.memtuned1.Manager")
            .withArguments(std::string(swappiness), std::int64_t{90}, std::uint64_t{0}, std::string())
            .uponReplyInvoke([&](bus::CallError error) { well = !error; });
        CHECK(nobody->serve_until(patience, [&] { return polkit.asked() == 1; }));
        CHECK(tunes_on(scene.machine));
        scene.root.call("Override", "vm.page-cluster"s, std::int64_t{1}, std::uint64_t{0}, ""s);
        CHECK(scene.value("vm.page-cluster") == "1");
        CHECK(scene.value() == "60");
        SUBCASE("he waits, and gets it in the end") {
            polkit.says_yes_now();
            CHECK(nobody->serve_until(patience, [&] { return well.has_value(); }));
            CHECK(well == true);
            CHECK(scene.value() == "90");
        }
        SUBCASE("he leaves before the answer") {
            const Unchanged unchanged(scene);
            nobody->connection().leaveEventLoop();
            static_cast<void>(::shutdown(nobody->connection().getEventLoopPollData().fd, SHUT_RDWR));
            std::this_thread::sleep_for(interval);
            polkit.says_yes_now();
        }
        SUBCASE("what he asks for is no longer to be had") {
            std::filesystem::remove(scene.machine.files.root() / "proc/sys/vm/swappiness");
            polkit.says_yes_now();
            CHECK(nobody->serve_until(patience, [&] { return well.has_value(); }));
            CHECK(well == false);
        }
    }

    TEST_CASE("a polkit that dies with the question is a refusal") {
        if (skipped()) return;
        OnBus scene;
        auto polkit = std::make_optional<Polkit>(scene.bus, Polkit::Word::nothing);
        const auto nobody = nobody_on(scene.bus);
        const auto manager = nobody->proxy();
        std::string refusal;
        manager->callMethodAsync("Reload")
            .onInterface("org.memtuned1.Manager")
            .uponReplyInvoke(
                [&](bus::CallError error) { refusal = error ? std::string(error->getMessage()) : "none"; });
        CHECK(nobody->serve_until(patience, [&] { return polkit->asked() == 1; }));
        polkit.reset();
        CHECK(nobody->serve_until(patience, [&] { return !refusal.empty(); }));
        CHECK(refusal.starts_with("only root may do this here, for polkit does not answer: "));
    }

    TEST_CASE("the real polkit knows the actions and its rules decide") {
        if (skipped()) return;
        constexpr const char* polkitd = "/usr/lib/polkit-1/polkitd";
        if (::access(polkitd, X_OK) != 0) {
            MESSAGE("skipped: there is no polkitd");
            return;
        }
        PrivateBus bus("polkitd");
        Machine machine;
        machine.start(bus);
        machine.files.write("nobody.rules",
                            "polkit.addRule(function(action, subject) {\n"
                            "    if (action.id == 'org.memtuned1.override' && subject.user == 'nobody')\n"
                            "        return polkit.Result.YES;\n"
                            "});\n");
        // In a world of its own, where our actions and this rule are all there is.
        const std::string folder = machine.files.root().path().string();
        const std::string world = fmt::format(
            "set -e; mount -t tmpfs none /usr/share/polkit-1/actions; mount -t tmpfs none /etc/polkit-1/rules.d; "
            "cp {}/../../dbus/org.memtuned1.policy /usr/share/polkit-1/actions; "
            "cp {}/nobody.rules /etc/polkit-1/rules.d/50-nobody.rules; chmod -R a+rX /etc/polkit-1/rules.d; "
            "exec {} --no-debug",
            MEMTUNED_FIXTURES, folder, polkitd);
        Child authority({"unshare", "--mount", "sh", "-c", world}, folder + "/polkit.log",
                        {"DBUS_SYSTEM_BUS_ADDRESS=" + bus.address()});
        Client root(bus);
        const auto there = [&] {
            bool owned = false;
            root.proxy("/org/freedesktop/DBus", "org.freedesktop.DBus")
                ->callMethod("NameHasOwner")
                .onInterface("org.freedesktop.DBus")
                .withArguments("org.freedesktop.PolicyKit1"s)
                .storeResultsTo(owned);
            return owned;
        };
        if (!soon(patience, there)) {
            MESSAGE(
                fmt::format("skipped: polkitd does not run here: {}", text_of(machine.files.root(), "polkit.log")));
            return;
        }
        const auto nobody = nobody_on(bus);
        nobody->call("Override", swappiness, std::int64_t{42}, std::uint64_t{0}, ""s);
        CHECK(machine.value() == "42");
        for (const char* const method : {"Reload", "SwitchProfile"})
            CHECK(error_of([&] {
                      method == "Reload"s ? nobody->call(method) : nobody->call(method, "other"s);
                  }).starts_with("org.memtuned1.Error.NotAuthorized: polkit does not grant you the action "));
        CHECK(root.property<std::string>("Profile") == "test");
    }
}

TEST_SUITE("refusals over the bus") {
    TEST_CASE("what is wrong is named, and nothing changes") {
        if (skipped()) return;
        OnBus scene;
        const Unchanged unchanged(scene);
        const auto refused = [&](const std::string& method, const auto&... arguments) {
            return error_of([&] { scene.root.call(method, arguments...); });
        };
        const auto override_with = [&](const std::string& tunable, std::int64_t value, std::uint64_t lifetime = 0) {
            return refused("Override", tunable, value, lifetime, std::string());
        };
        CHECK(
            override_with(swappiness, 201) ==
            "org.memtuned1.Error.OutOfRange: 201 is not within 0 and 200, which is what vm.swappiness takes on this "
            "machine");
        CHECK(override_with(swappiness, -1).find("-1 is not within 0 and 200") != std::string::npos);
        CHECK(override_with(swappiness, 60, ~std::uint64_t{0}) ==
              "org.memtuned1.Error.OutOfRange: an override lasts ten years at most; with 0 it lasts until it is "
              "cleared");
        CHECK(override_with("vm.swapiness", 60) ==
              "org.memtuned1.Error.NoSuchTunable: there is no tunable `vm.swapiness`; did you mean vm.swappiness?");
        CHECK(override_with("oom_score_adj.crom.service", 60) ==
              "org.memtuned1.Error.NoSuchTunable: there is no tunable `oom_score_adj.crom.service`; did you mean "
              "oom_score_adj.cron.service?");
        CHECK(override_with("", 60) == "org.memtuned1.Error.NoSuchTunable: there is no tunable ``");
        CHECK(override_with("vm.drop_caches", 1) ==
              "org.memtuned1.Error.ReadOnly: vm.drop_caches acts when it is written and holds no value that could be "
              "overridden");
        CHECK(refused("ClearOverride", "vm.swapiness"s).starts_with("org.memtuned1.Error.NoSuchTunable: "));
        CHECK(refused("Release", "vm.swapiness"s).starts_with("org.memtuned1.Error.NoSuchTunable: "));
        CHECK(error_of([&] { scene.claims("vm.swapiness"); }).starts_with("org.memtuned1.Error.NoSuchTunable: "));
        CHECK(refused("Release", std::string(swappiness)) ==
              "org.memtuned1.Error.Failed: vm.swappiness is neither yielded nor frozen, but free");
        CHECK(refused("SwitchProfile", "tset"s) ==
              fmt::format("org.memtuned1.Error.NoSuchProfile: there is no profile `tset` in {}/rules; did you mean "
                          "test?",
                          scene.machine.files.root().path().string()));
        CHECK(refused("SetMode", "off"s) ==
              "org.memtuned1.Error.OutOfRange: there is no mode `off`, only enforce and observe");
    }

    TEST_CASE("rules that do not check are refused with all that is wrong, and the signal says the same") {
        if (skipped()) return;
        OnBus scene;
        Client listener(scene.bus);
        const auto manager = listener.proxy();
        std::string told;
        manager->uponSignal("ReloadFailed").onInterface("org.memtuned1.Manager").call([&](const std::string& text) {
            told = text;
        });
        bus::finish(*manager);
        const Unchanged unchanged(scene);
        scene.machine.files.write("rules/test.toml",
                                  "baseline.vm.swapiness = 1\n[[rule]]\nname = \"a\"\nwhen = \"mem.totl > 0 B\"\n");
        const std::string errors = error_of([&] { scene.root.call("Reload"); });
        CHECK(errors.starts_with("org.memtuned1.Error.InvalidRules: "));
        CHECK(errors.find("rules/test.toml:1:1") != std::string::npos);
        CHECK(errors.find("did you mean vm.swappiness?") != std::string::npos);
        CHECK(errors.find("did you mean mem.total?") != std::string::npos);
        CHECK(listener.serve_until(patience, [&] { return !told.empty(); }));
        CHECK("org.memtuned1.Error.InvalidRules: " + told == errors);
        scene.machine.files.write("rules/broken.toml", "baseline.vm.swappiness = \"mem.total\"\n");
        CHECK(error_of([&] {
                  scene.root.call("SwitchProfile", "broken"s);
              }).starts_with("org.memtuned1.Error.InvalidRules: "));
        CHECK(scene.root.property<std::string>("Profile") == "test");
        CHECK(scene.root.property<std::vector<std::string>>("Profiles") ==
              std::vector<std::string>{"broken", "other", "test"});
    }

    TEST_CASE("a rule that a switch took away is not there any more") {
        if (skipped()) return;
        OnBus scene;
        const auto enable = [&](const std::string& name) {
            return error_of([&] { scene.root.call("EnableRule", name, true); });
        };
        CHECK(enable("many-dirt") ==
              "org.memtuned1.Error.NoSuchRule: profile test has no rule `many-dirt`; did you mean many-dirty?");
        CHECK(enable("many-dirty") == "none");
        scene.root.call("SwitchProfile", "other"s);
        CHECK(enable("many-dirty") == "org.memtuned1.Error.NoSuchRule: profile other has no rule `many-dirty`");
        CHECK(soon(patience, [&] {
            return error_of(
                       [&] { scene.root.property<std::string>(Client::path("rule", "many-dirty"), "Rule", "State"); })
                .starts_with("org.freedesktop.DBus.Error.UnknownObject: ");
        }));
    }

    TEST_CASE("a unit may come at any moment, also between two samples") {
        if (skipped()) return;
        OnBus scene;
        for (int i = 0; i < 40; ++i) {
            scene.machine.add_service(fmt::format("new-{}.service", i), 2000 + i);
            CHECK(error_of([&] {
                      scene.claims("oom_score_adj.nobody.service");
                  }).starts_with("org.memtuned1.Error.NoSuchTunable: there is no tunable "));
            std::this_thread::sleep_for(Milliseconds(i));
        }
        CHECK(soon(patience,
                   [&] { return error_of([&] { scene.claims("oom_score_adj.new-39.service"); }) == "none"; }));
    }

    TEST_CASE("a folder that is called as no unit can be shuts nobody out") {
        if (skipped()) return;
        PrivateBus bus;
        Machine machine;
        machine.add_service("cron.service", 1100);
        machine.add_service("odd\xff\xfe.service", 1200);
        machine.start(bus);
        Client root(bus);
        Objects objects;
        CHECK(error_of([&] {
                  root.proxy()
                      ->callMethod("GetManagedObjects")
                      .onInterface("org.freedesktop.DBus.ObjectManager")
                      .storeResultsTo(objects);
              }) == "none");
        CHECK(objects.contains(sdbus::ObjectPath("/org/memtuned1/service/cron_2eservice")));
        CHECK(objects.size() == 17);
    }
}

TEST_SUITE("a bus that is busy") {
    TEST_CASE("no crowd makes it late or large") {
        if (skipped()) return;
        OnBus scene;
        std::vector<long> memory;
        std::vector<std::ptrdiff_t> files;
        for (int round = 0; round < 3; ++round) {
            Watch watch(scene.bus);
            {
                Client one(scene.bus);
                Flood flood;
                const auto start = Clock::now();
                CHECK(flood.run(one, 10'000));
                CHECK(flood.refused == 0);
                MESSAGE(fmt::format("10000 calls took {} ms", since(start).count()));
            }
            {
                std::vector<std::unique_ptr<Client>> crowd;
                for (int i = 0; i < 200; ++i) crowd.push_back(std::make_unique<Client>(scene.bus));
                std::vector<std::unique_ptr<sdbus::IProxy>> managers;
                std::map<std::string, int> answers;
                int answered = 0;
                for (const auto& client : crowd) {
                    managers.push_back(client->proxy());
                    managers.back()
                        ->callMethodAsync("GetManagedObjects")
                        .onInterface("org.freedesktop.DBus.ObjectManager")
                        .uponReplyInvoke([&](bus::CallError error, const Objects& objects) {
                            ++answers[error ? std::string(error->getMessage()) : fmt::to_string(objects.size())];
                            ++answered;
                        });
                    client->serve();
                }
                const auto all_asked = Clock::now();
                while (answered < 200 && since(all_asked) < patience)
                    for (const auto& client : crowd) client->serve();
                CHECK(answers == std::map<std::string, int>{{"17", 200}});
            }
            MESSAGE(watch.told());
            CHECK(watch.longest() <= 2 * interval);
            scene.root.property<std::string>("Profile");
            std::this_thread::sleep_for(interval);
            memory.push_back(scene.machine.memory());
            files.push_back(scene.machine.open_files());
        }
        MESSAGE(fmt::format("VmRSS {} kB, {} files open after each round", fmt::join(memory, ", "), files[0]));
        // AddressSanitizer keeps what was freed, up to 256 MiB of it, to see who uses it still.
        if (!sanitized) CHECK(memory[2] - memory[1] < 300);
        CHECK(files[0] == files[1]);
        CHECK(files[1] == files[2]);
    }

    TEST_CASE("five who call without a pause make it neither late nor deaf") {
        if (skipped()) return;
        OnBus scene;
        Watch watch(scene.bus);
        std::vector<std::thread> threads;
        std::atomic<int> refused{0};
        std::atomic<int> running{5};
        for (int i = 0; i < 5; ++i)
            threads.emplace_back([&] {
                Client client(scene.bus);
                Flood flood;
                if (!flood.run(client, 10'000) || flood.refused > 0) ++refused;
                --running;
            });
        std::vector<Milliseconds> took;
        for (std::int64_t value = 100; running > 0; ++value) {
            const auto start = Clock::now();
            scene.root.call("Override", swappiness, value % 200, std::uint64_t{0}, ""s);
            took.push_back(since(start));
            CHECK(scene.value() == std::to_string(value % 200));
        }
        for (std::thread& thread : threads) thread.join();
        CHECK(refused == 0);
        REQUIRE(!took.empty());
        MESSAGE(fmt::format("{}; an override meanwhile took {} ms at most", watch.told(),
                            std::max_element(took.begin(), took.end())->count()));
        CHECK(watch.longest() <= 2 * interval);
    }

    TEST_CASE("who leaves with a reply pending leaves nothing behind") {
        if (skipped()) return;
        OnBus scene;
        scene.root.ask<std::map<std::string, double>>("GetIndicators");
        const std::ptrdiff_t files = scene.machine.open_files();
        for (int i = 0; i < 50; ++i) {
            Client leaver(scene.bus);
            const auto manager = leaver.proxy();
            manager->callMethodAsync("OverrideWhileConnected")
                .onInterface("org.memtuned1.Manager")
                .withArguments(std::string(swappiness), std::int64_t{90}, std::string())
                .uponReplyInvoke([](bus::CallError) {});
            manager->callMethodAsync("GetIndicators")
                .onInterface("org.memtuned1.Manager")
                .uponReplyInvoke([](bus::CallError, const std::map<std::string, double>&) {});
            leaver.serve();
            std::this_thread::sleep_for(Milliseconds(i % 5));
        }
        CHECK(scene.comes_to("60"));
        CHECK(soon(patience, [&] { return scene.claims().size() == 2; }));
        CHECK(scene.machine.open_files() == files);
    }
}

TEST_SUITE("a bus that goes away") {
    TEST_CASE("killed and started again it is found again, and nothing is lost that should not be") {
        if (skipped()) return;
        PrivateBus bus;
        Machine machine;
        machine.start(bus);
        Client keeper(bus);
        keeper.call("Override", swappiness, std::int64_t{90}, std::uint64_t{0}, "stays"s);
        keeper.call("Override", "vm.page-cluster"s, std::int64_t{1}, microseconds(1h), "for an hour"s);
        keeper.call("OverrideWhileConnected", "vm.watermark_scale_factor"s, std::int64_t{77}, "held"s);
        CHECK(machine.value("vm.watermark_scale_factor") == "77");
        const auto before = keeper.ask<std::vector<Decision>>("GetHistory", 0U);
        const std::ptrdiff_t files = machine.open_files();
        bus.kill();
        CHECK(soon(patience, [&] { return machine.value("vm.watermark_scale_factor") == "10"; }));
        CHECK(machine.value() == "90");
        CHECK(tunes_on(machine));
        const auto start = Clock::now();
        bus.start();
        Client again(bus);
        // It tries after 1 s, and after twice as long each time.
        CHECK(soon(patience, [&] { return again.sees_memtuned(); }));
        MESSAGE(fmt::format("back on the bus after {} ms", since(start).count()));
        CHECK(machine.value() == "90");
        CHECK(machine.value("vm.page-cluster") == "1");
        CHECK(again.of_tunable<std::uint64_t>("vm.page-cluster", "OverrideExpires") > 0);
        const auto after = again.ask<std::vector<Decision>>("GetHistory", 0U);
        REQUIRE(after.size() == before.size() + 3);  // one put back, one there and back
        CHECK(after[before.size()].get<1>() == "vm.watermark_scale_factor");
        const auto complains_of_the_bus = [&] {
            using Degraded = std::vector<sdbus::Struct<std::string, std::string>>;
            const Degraded all = again.property<Degraded>("Degraded");
            return std::any_of(all.begin(), all.end(),
                               [](const auto& one) { return one.template get<0>() == "bus"; });
        };
        CHECK(soon(patience, [&] { return !complains_of_the_bus(); }));
        again.call("ClearOverride", swappiness);
        CHECK(soon(patience, [&] { return machine.value() == "60"; }));
        CHECK(soon(patience, [&] { return machine.open_files() == files; }));
        SUBCASE("also when that happens again and again") {
            for (int i = 0; i < 3; ++i) {
                bus.kill();
                bus.start();
                Client next(bus);
                CHECK(soon(patience, [&] { return next.sees_memtuned(); }));
                CHECK(next.property<std::string>("Profile") == "test");
            }
            CHECK(soon(patience, [&] { return machine.open_files() == files; }));
        }
    }

    TEST_CASE("a bus that stands still keeps nobody from tuning") {
        if (skipped()) return;
        OnBus scene;
        scene.bus.stop();
        CHECK(tunes_on(scene.machine));
        scene.bus.go_on();
        CHECK(scene.root.property<std::string>("Profile") == "test");
        CHECK(scene.history().size() == 3);
    }

    TEST_CASE("nor does one that stands still from the start, or when it is looked for again") {
        if (skipped()) return;
        PrivateBus bus;
        Machine machine;
        bus.stop();
        machine.start(bus, {}, false);
        REQUIRE(soon(patience, [&] { return machine.value("vm.vfs_cache_pressure") == "80"; }));
        CHECK(tunes_on(machine));
        bus.go_on();
        {
            Client client(bus);
            CHECK(soon(patience, [&] { return client.sees_memtuned(); }));
        }
        bus.kill();
        bus.start();
        bus.stop();
        std::this_thread::sleep_for(1s + interval);  // it tries again after a second
        CHECK(tunes_on(machine));
        bus.go_on();
        Client client(bus);
        CHECK(soon(patience, [&] { return client.sees_memtuned(); }));
    }

    TEST_CASE("one that takes nothing any more keeps it neither from tuning nor from ending") {
        if (skipped()) return;
        PrivateBus bus;
        Machine machine;
        // Its answers are so large that those to what a socket holds of calls are more than a socket holds.
        for (int i = 0; i < 200; ++i) machine.add_service(fmt::format("unit-{}.service", i), 2000 + i);
        machine.start(bus);
        machine.process().signal(SIGSTOP);
        std::vector<std::unique_ptr<Client>> clients;
        std::vector<std::unique_ptr<sdbus::IProxy>> managers;
        for (int i = 0; i < 5; ++i) {
            clients.push_back(std::make_unique<Client>(bus));
            managers.push_back(clients.back()->proxy());
            for (int call = 0; call < 100; ++call)
                managers.back()
                    ->callMethodAsync("GetManagedObjects")
                    .onInterface("org.freedesktop.DBus.ObjectManager")
                    .uponReplyInvoke([](bus::CallError, const Objects&) {});
            clients.back()->serve();
        }
        std::this_thread::sleep_for(1s);  // the bus passes on what it can
        bus.stop();
        machine.process().signal(SIGCONT);
        std::this_thread::sleep_for(1s);
        CHECK(tunes_on(machine));
        machine.process().signal(SIGTERM);
        const std::optional<int> status = machine.process().ends_within(patience);
        bus.go_on();
        REQUIRE(status);
        CHECK(*status == 0);
        CHECK(machine.value("vm.vfs_cache_pressure") == "100");
    }

    TEST_CASE("a second one waits for the name, and gets it") {
        if (skipped()) return;
        PrivateBus bus;
        Machine first;
        Machine second;
        first.start(bus);
        second.start(bus, {}, false);
        CHECK(soon(patience, [&] {
            return second.says("not on the bus, trying again: another program owns the name org.memtuned1");
        }));
        CHECK(tunes_on(second));
        first.process().signal(SIGTERM);
        CHECK(first.process().ends_within(patience) == 0);
        Client client(bus);
        CHECK(soon(10s, [&] { return client.sees_memtuned(); }));
        CHECK(soon(patience, [&] { return second.says("on the private bus as org.memtuned1"); }));
    }

    TEST_CASE("without any bus it tunes, and says why nobody finds it") {
        if (skipped()) return;
        PrivateBus bus;
        Machine machine;
        bus.kill();
        machine.start(bus, {}, false);
        REQUIRE(soon(patience, [&] { return machine.value("vm.vfs_cache_pressure") == "80"; }));
        CHECK(tunes_on(machine));
        CHECK(machine.says("degraded: not on the bus, trying again: "));
        machine.process().signal(SIGTERM);
        CHECK(machine.process().ends_within(patience) == 0);
        CHECK(machine.value("vm.vfs_cache_pressure") == "100");
    }
}

}  // namespace memtuned::test
