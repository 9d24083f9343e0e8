// SPDX-License-Identifier: GPL-2.0-or-later
//
// The part of a tick that services cost: real cgroups with real processes, ten to a unit, and a profile that claims
// them all. Needs root and cgroup v2; without them it says so and measures nothing.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "memtuned/kernel/process.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/kernel/units.hpp"
#include "memtuned/policy/policy.hpp"
#include "memtuned/rules/profile_text.hpp"
#include "memtuned/tunables/controller.hpp"

namespace memtuned {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int processes_of_a_unit = 10;

/// "…/memtuned-bench.slice" with so many services in it; the processes end and the folders go with this.
class Services {
public:
    explicit Services(int units) {
        const kernel::Root root;
        const auto layout = kernel::find_cgroups(root);
        if (::geteuid() != 0) throw std::runtime_error("only root makes cgroups");
        if (!layout) throw std::runtime_error(layout.error().message);
        slice_ = root / (layout->units + "/memtuned-bench.slice");
        for (int i = 0; i < units; ++i) {
            const fs::path group = slice_ / fmt::format("memtuned-bench-{}.service", i);
            fs::create_directories(group);
            for (int n = 0; n < processes_of_a_unit; ++n) start(group / "cgroup.procs");
        }
    }
    ~Services() {
        for (const pid_t pid : pids_) ::kill(pid, SIGKILL);
        for (const pid_t pid : pids_) ::waitpid(pid, nullptr, 0);
        std::error_code ignored;
        for (const fs::directory_entry& group : fs::directory_iterator(slice_, ignored))
            if (group.is_directory()) fs::remove(group.path(), ignored);
        fs::remove(slice_, ignored);
    }
    Services(const Services&) = delete;
    Services& operator=(const Services&) = delete;

private:
    void start(const fs::path& procs) {
        const pid_t pid = ::fork();
        if (pid < 0) throw std::runtime_error("no more processes");
        if (pid == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;) ::pause();
        }
        pids_.push_back(pid);
        std::ofstream(procs) << pid << std::flush;
    }

    fs::path slice_;
    std::vector<pid_t> pids_;
};

std::shared_ptr<const rules::RuleSet> rule_set(const rules::Settings& settings) {
    rules::Diagnostics diagnostics;
    const auto source = std::make_shared<const rules::SourceFile>(
        "bench.toml", "[baseline]\noom_score_adj.\"memtuned-bench-*.service\" = 100\n");
    const auto profile = rules::parse_profile(source, diagnostics);
    auto set = rules::compile_profile("bench", *profile, settings, {}, diagnostics);
    if (!set) throw std::runtime_error(diagnostics.render_all());
    return std::make_shared<const rules::RuleSet>(std::move(*set));
}

/// What the daemon does about units in each tick.
class Caretaker {
public:
    explicit Caretaker(int units)
        : services_(units),
          folder_(fs::temp_directory_path() / fmt::format("memtuned-bench-{}", ::getpid())),
          journal_(folder_ / "undo", "bench"),
          units_(root_),
          processes_(root_),
          sysctls_(root_),
          controller_(root_, sysctls_, journal_, tunables::Mode::enforce),
          settings_(std::make_shared<const rules::Settings>()),
          policy_(rule_set(*settings_), settings_) {
        if (const Status started = units_.start(); !started) throw std::runtime_error(started.error().message);
        controller_.look_after(units_, processes_);
        controller_.meet_units();
        policy_.meet(units_.units());
        for (int i = 0; i < 30; ++i) tick();
        if (std::ssize(journal_.scores()) != std::ptrdiff_t{units} * processes_of_a_unit)
            throw std::runtime_error(fmt::format("{} processes are claimed", journal_.scores().size()));
    }
    ~Caretaker() {
        controller_.restore_all([](std::size_t) { return false; });
        std::error_code ignored;
        fs::remove_all(folder_, ignored);
    }
    Caretaker(const Caretaker&) = delete;
    Caretaker& operator=(const Caretaker&) = delete;

    /// Returns the number of decisions.
    std::size_t tick() {
        now_ += 100ms;
        units_.refresh(now_);
        controller_.keep_up(now_);
        controller_.refresh(policy_.tunables(), now_);
        const policy::Turn turn = policy_.turn({now_, {}, {}}, controller_.readings());
        std::vector<tunables::UnitOrder> orders;
        for (const policy::Decision& d : turn.decisions)
            orders.push_back({tunables::UnitOrder::Kind::write, d.tunable, d.to, d.low, d.high});
        const std::vector<tunables::Outcome> outcomes = controller_.order(orders, now_);
        for (std::size_t i = 0; i < orders.size(); ++i) policy_.carried_out(turn.decisions[i], outcomes[i], now_);
        return orders.size();
    }

    /// Every process of every unit gets this score.
    void write_all(int score) {
        std::vector<tunables::UnitOrder> orders;
        for (const std::size_t i : policy_.tunables())
            orders.push_back({tunables::UnitOrder::Kind::write, i, score, score, score});
        for (const tunables::Outcome& outcome : controller_.order(orders, now_))
            if (outcome.kind != tunables::Outcome::Kind::written) throw std::runtime_error(outcome.error.message);
    }

private:
    Services services_;
    kernel::Root root_;
    fs::path folder_;
    tunables::Journal journal_;
    kernel::Units units_;
    kernel::ProcProcesses processes_;
    kernel::ProcSysctls sysctls_;
    tunables::Controller controller_;
    std::shared_ptr<const rules::Settings> settings_;
    policy::Policy policy_;
    Instant now_ = BootClock::now();
};

/// Nothing forks, moves or changes: the aim is 50 us for 2,000 processes in 200 units.
void services_steady(benchmark::State& state) try {
    Caretaker caretaker(static_cast<int>(state.range(0)));
    std::size_t decisions = 0;
    for ([[maybe_unused]] auto _ : state) decisions += caretaker.tick();
    if (decisions > 0) state.SkipWithError("it was to decide nothing");
} catch (const std::exception& failure) {
    state.SkipWithError(failure.what());
}
BENCHMARK(services_steady)->Arg(2)->Arg(20)->Arg(200)->Unit(benchmark::kMicrosecond);

/// Something was forked somewhere since the last tick, so that every unit has to be asked.
void services_after_a_fork(benchmark::State& state) try {
    Caretaker caretaker(static_cast<int>(state.range(0)));
    for ([[maybe_unused]] auto _ : state) {
        state.PauseTiming();
        std::thread([] {}).join();  // a thread takes a pid, too
        state.ResumeTiming();
        caretaker.tick();
    }
} catch (const std::exception& failure) {
    state.SkipWithError(failure.what());
}
BENCHMARK(services_after_a_fork)->Arg(2)->Arg(20)->Arg(200)->Unit(benchmark::kMicrosecond);

void services_all_written(benchmark::State& state) try {
    Caretaker caretaker(static_cast<int>(state.range(0)));
    int score = 100;
    for ([[maybe_unused]] auto _ : state) caretaker.write_all(score = 300 - score);
    state.SetComplexityN(state.range(0));
} catch (const std::exception& failure) {
    state.SkipWithError(failure.what());
}
BENCHMARK(services_all_written)->Arg(2)->Arg(20)->Arg(200)->Unit(benchmark::kMicrosecond)->Complexity(benchmark::oN);

}  // namespace
}  // namespace memtuned
