// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a turn of the policy costs by the number of rules, all else left out: no file is read and nothing is decided.
// Of twenty rules fourteen compare indicators, five look at windows and one is active with claims. Windows are shared
// as rules share them, a hundred different ones at most, and full. The aim: linear, and 10,000 rules within 1 ms.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "memtuned/policy/policy.hpp"
#include "memtuned/rules/profile_text.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/rules/settings.hpp"

namespace memtuned {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view shares[] = {"psi.memory.some.avg10", "psi.memory.full.avg10", "psi.io.some.avg10",
                                       "psi.io.full.avg10",     "psi.cpu.some.avg10",    "psi.memory.some.avg60",
                                       "psi.io.some.avg60",     "psi.memory.some.now",   "psi.io.some.now",
                                       "psi.memory.full.now"};
constexpr std::string_view sizes[] = {"zones.free", "mem.available", "mem.anon",  "mem.dirty", "mem.cached",
                                      "mem.free",   "swap.used",     "mem.total", "zones.low", "mem.writeback"};

template <std::size_t N>
std::string_view pick(const std::string_view (&from)[N], int i) {
    return from[static_cast<std::size_t>(i) % N];
}

std::string rule(int i) {
    const std::string head = fmt::format("[[rule]]\nname = \"r{}\"\nhold = \"10s\"\n", i);
    if (i % 20 == 0)
        return head + fmt::format("when = \"{} >= 0%\"\nset = {{ vm.swappiness = {{ at_most = '{}' }} }}\n",
                                  pick(shares, i / 20), "lerp(psi.memory.some.avg10, 0%, 20%, 60, 100)");
    if (i % 4 == 0)
        return head + fmt::format("when = \"avg_over_time({}, {}s) > 50%\"\nset = {{ vm.page-cluster = 0 }}\n",
                                  pick(shares, i / 4), 5 + i / 40 % 5);
    if (i % 20 == 7)
        return head + fmt::format("when = \"predict_linear({}, {}s, 5s) < 1 MiB\"\nset = {{ vm.swappiness = 10 }}\n",
                                  pick(sizes, i / 20), 5 + i / 200 % 5);
    return head + fmt::format("when = \"{} > {}% or {} < {} MiB\"\nset = {{ vm.vfs_cache_pressure = 200 }}\n",
                              pick(shares, i), 50 + i % 50, pick(sizes, i / 10), 1 + i % 100);
}

std::shared_ptr<const rules::RuleSet> compile(int rules, const rules::Settings& settings) {
    std::string text;
    for (int i = 0; i < rules; ++i) text += rule(i);
    rules::Diagnostics diagnostics;
    const auto source = std::make_shared<const rules::SourceFile>("bench.toml", std::move(text));
    const auto profile = rules::parse_profile(source, diagnostics);
    auto set = profile ? rules::compile_profile("bench", *profile, settings, {}, diagnostics) : std::nullopt;
    if (!set) throw std::runtime_error(diagnostics.render_all());
    return std::make_shared<const rules::RuleSet>(std::move(*set));
}

/// Calm weather on a machine whose figures move a little at each sample.
class Calm {
public:
    explicit Calm(int rules)
        : settings_(std::make_shared<const rules::Settings>()),
          policy_(compile(rules, *settings_), settings_),
          values_(policy_.rule_set().keys.size()),
          unavailable_(values_.size()),
          readings_(tunables::catalogue().size()) {
        for (tunables::Reading& reading : readings_)
            reading = {
                .available = true, .value = 60, .boot = 60, .hard_maximum = 200, .safe_maximum = 200, .ceiling = 200};
        for (int i = 0; i < 300; ++i) turn();  // windows are full and what is claimed has settled
    }

    policy::Turn turn() {
        now_ += 100ms;
        ++turns_;
        for (std::size_t i = 0; i < values_.size(); ++i) {
            const bool size = indicators::catalogue()[policy_.rule_set().keys[i].indicator].dimension.bytes > 0;
            const double wave = static_cast<double>((turns_ + i * 7) % 16) / 16;
            values_[i] = size ? 4e9 + 1e6 * wave : 0.01 * wave;
        }
        return policy_.turn({now_, values_, unavailable_}, readings_);
    }

private:
    std::shared_ptr<const rules::Settings> settings_;
    policy::Policy policy_;
    std::vector<double> values_;
    std::vector<std::uint8_t> unavailable_;
    std::vector<tunables::Reading> readings_;
    Instant now_{1h};
    std::uint64_t turns_ = 0;
};

void policy_turn(benchmark::State& state) {
    Calm calm(static_cast<int>(state.range(0)));
    std::size_t decisions = 0;
    for ([[maybe_unused]] auto _ : state) decisions += calm.turn().decisions.size();
    if (decisions > 0) state.SkipWithError("it was to decide nothing");
    state.SetComplexityN(state.range(0));
}
BENCHMARK(policy_turn)->Arg(10)->Arg(1000)->Arg(10000)->Unit(benchmark::kMicrosecond)->Complexity(benchmark::oN);

}  // namespace
}  // namespace memtuned
