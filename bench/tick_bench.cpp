// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a whole tick of the daemon costs with the stock rules on this machine (sampling, the tunables' values and
// limits, the policy) against nothing but the `pread`s of the files it looks at. Observe mode: nothing is written.
// Both are taken in turns, as another load on the machine would else fall on one of them only. The aim: at most 1.25
// times.
//
// `busy` is a tick each 100 ms, of which every tenth looks at the zones for the limits too; `idle` one each 2 s, of
// which every one does.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "memtuned/indicators/bounds.hpp"
#include "memtuned/indicators/sampler.hpp"
#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/policy/policy.hpp"
#include "memtuned/rules/profile_loader.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/tunables/controller.hpp"
#include "memtuned/tunables/journal.hpp"

#ifndef MEMTUNED_RULES
#define MEMTUNED_RULES MEMTUNED_FIXTURES "/../../rules"
#endif

namespace memtuned {
namespace {

using namespace std::chrono_literals;

std::shared_ptr<const rules::RuleSet> load_balanced(const kernel::Root& root, const rules::Settings& settings) {
    rules::Diagnostics diagnostics;
    const auto profile = rules::load_profile("balanced", {MEMTUNED_RULES}, diagnostics);
    auto set = profile ? rules::compile_profile("balanced", *profile, settings, {indicators::read_machine(root)},
                                                diagnostics)
                       : std::nullopt;
    if (!set) throw std::runtime_error(diagnostics.render_all());
    return std::make_shared<const rules::RuleSet>(std::move(*set));
}

/// The daemon without its loop.
class Daemon {
public:
    Daemon()
        : sysctls_(root_),
          journal_(std::filesystem::temp_directory_path() / "memtuned-bench-undo", "bench"),
          controller_(root_, sysctls_, journal_, tunables::Mode::observe),
          settings_(std::make_shared<const rules::Settings>()),
          rules_(load_balanced(root_, *settings_)),
          sampler_(root_, rules_->keys),
          policy_(rules_, settings_) {}

    void tick(Duration interval) {
        now_ += interval;
        const indicators::Sample& sample = sampler_.take(now_);
        controller_.refresh(policy_.tunables(), now_);
        const policy::Turn turn = policy_.turn(sample, controller_.readings());
        for (const policy::Decision& decision : turn.decisions) carry_out(decision);
    }

    std::vector<std::string> files() const {
        std::vector<std::string> files = sampler_.files();
        for (const std::size_t i : policy_.tunables()) files.emplace_back(tunables::catalogue()[i].path);
        return files;
    }

private:
    void carry_out(const policy::Decision& decision) {
        using Order = policy::Decision::Order;
        const bool release = decision.order == Order::release;
        if (decision.order != Order::write && !release) return;
        policy_.carried_out(
            decision,
            release ? controller_.release(decision.tunable) : controller_.write(decision.tunable, decision.to), now_);
    }

    kernel::Root root_{"/"};
    kernel::ProcSysctls sysctls_;
    tunables::Journal journal_;
    tunables::Controller controller_;
    std::shared_ptr<const rules::Settings> settings_;
    std::shared_ptr<const rules::RuleSet> rules_;
    indicators::Sampler sampler_;
    policy::Policy policy_;
    Instant now_{1h};
};

/// The same files kept open and read to their end, each into a buffer no larger than it needs: a sysctl file costs by
/// the size of the buffer, 1.2 us with 4 KiB and 69 us with a mebibyte.
class Preads {
public:
    explicit Preads(const std::vector<std::string>& files) {
        for (const std::string& file : files) {
            kernel::Descriptor opened(::open((kernel::Root("/") / file).c_str(), O_RDONLY | O_CLOEXEC));
            if (opened) files_.push_back({std::move(opened), std::vector<char>(page)});
        }
    }

    void read() {
        for (File& file : files_) {
            std::size_t length = 0;
            while (const std::size_t more = read_at(file, length)) {
                length += more;
                if (length == file.buffer.size()) file.buffer.resize(length + page);
            }
            benchmark::DoNotOptimize(length);
        }
    }

private:
    static constexpr std::size_t page = 4096;
    struct File {
        kernel::Descriptor descriptor;
        std::vector<char> buffer;
    };

    static std::size_t read_at(File& file, std::size_t offset) {
        const ssize_t n = ::pread(file.descriptor.get(), file.buffer.data() + offset, file.buffer.size() - offset,
                                  static_cast<off_t>(offset));
        return n > 0 ? static_cast<std::size_t>(n) : 0;
    }

    std::vector<File> files_;
};

/// Processor time, so that what else the machine does counts for neither.
template <class Work>
double timed(Work work) {
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    };
    const double start = now();
    work();
    return now() - start;
}

void tick_against_preads(benchmark::State& state, Duration interval) {
    Daemon daemon;
    for (int i = 0; i < 100; ++i) daemon.tick(interval);
    Preads preads(daemon.files());
    bool first_reads = false;
    double ticks = 0;
    double reads = 0;
    for ([[maybe_unused]] auto _ : state) {
        // What comes first pays for cold caches, so each does every other time.
        first_reads = !first_reads;
        if (first_reads) reads += timed([&] { preads.read(); });
        const double tick = timed([&] { daemon.tick(interval); });
        if (!first_reads) reads += timed([&] { preads.read(); });
        ticks += tick;
        state.SetIterationTime(tick);
    }
    const double turns = static_cast<double>(state.iterations());
    state.counters["preads_us"] = 1e6 * reads / turns;
    state.counters["ratio"] = ticks / reads;
    state.counters["files"] = static_cast<double>(daemon.files().size());
}
BENCHMARK_CAPTURE(tick_against_preads, busy, 100ms)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(tick_against_preads, idle, 2s)->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace memtuned
