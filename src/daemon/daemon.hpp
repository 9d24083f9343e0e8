// SPDX-License-Identifier: GPL-2.0-or-later
//
// The daemon: composition and the loop. Each turn of the loop samples, asks the policy, carries out what it orders
// and says so.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bus/bus.hpp"
#include "bus/host.hpp"
#include "bus/override_file.hpp"
#include "daemon/configuration.hpp"
#include "daemon/event_loop.hpp"
#include "daemon/instance_lock.hpp"
#include "daemon/options.hpp"
#include "daemon/supervisor.hpp"
#include "memtuned/indicators/sampler.hpp"
#include "memtuned/kernel/pressure_trigger.hpp"
#include "memtuned/kernel/process.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/kernel/units.hpp"
#include "memtuned/policy/history.hpp"
#include "memtuned/policy/policy.hpp"
#include "memtuned/tunables/controller.hpp"
#include "memtuned/tunables/journal.hpp"

namespace memtuned::daemon {

/// ROOT/run/memtuned/undo, with the boot id of the kernel under `root`.
tunables::Journal make_journal(const kernel::Root& root);

/// Says what became of each value. Returns whether nothing failed.
bool report_restored(const std::vector<tunables::Restored>& restored);

class Daemon : private bus::Host {
public:
    Daemon(Options options, Configuration configuration);

    /// Takes the lock, puts back what a crashed run left, and opens what is needed.
    Status start();
    /// Runs until SIGTERM or SIGINT, then puts every value back. Returns the exit status: 1 if that failed.
    int run();

    /// One turn: sample, decide, act. For run(), tests and benchmarks.
    void tick(Instant now);

private:
    Status claim_machine();
    void take_up_overrides();
    void keep_overrides();
    void look_after_units();
    void use(const rules::RuleSet& rules);
    void follow_units(Instant now);
    void wake_soon(Instant now);
    void serve();
    void wait_on_bus();
    void degrade(std::string subject, std::string reason);
    void introduce();
    void open_triggers();
    void woken_by_pressure(int fd, std::uint32_t events);
    void handle_signal();
    std::pair<bus::Refusal, std::string> load(const Options& options);
    Status change_mode(tunables::Mode mode);
    void tell_restored(const std::vector<tunables::Restored>& restored);
    bool stop();

    // What the bus asks for (bus_host.cpp).
    policy::Policy& policy() override { return policy_; }
    std::span<const tunables::Reading> readings() const override { return controller_.readings(); }
    std::span<const kernel::Unit> units() const override;
    const policy::History& history() const override { return history_; }
    tunables::Mode mode() const override { return controller_.mode(); }
    std::vector<std::string> profiles() const override;
    std::span<const std::pair<std::string, std::string>> degraded() const override { return degraded_; }
    Duration sample_interval() const override { return interval_; }
    Instant last_sample() const override { return last_tick_; }
    Instant rules_loaded() const override { return rules_loaded_; }
    std::size_t processes(const kernel::Unit& unit) override;
    std::uint64_t memory(const kernel::Unit& unit) override;
    std::optional<std::map<std::string, double>> indicators() override;
    void refresh(std::size_t tunable) override;
    std::pair<bus::Refusal, std::string> switch_profile(const std::string& name) override;
    std::pair<bus::Refusal, std::string> reload() override;
    Status set_mode(tunables::Mode mode) override;
    void wake() override { wake_soon(BootClock::now()); }
    void bus_changed(const std::string& trouble) override;
    void measure_for_others(Instant now);
    void look_at_unclaimed(Instant now);

    void carry_out(std::span<const policy::Decision> decisions, Instant now);
    void settle(const policy::Decision& decision, const tunables::Outcome& outcome, Instant now);
    tunables::Outcome order(const policy::Decision& decision);
    void say_events(std::size_t from, Instant now);
    void say_sample(const indicators::Sample& sample);
    void say_unavailable();
    void say_finished_triggers();
    void schedule(Instant now, const policy::Turn& turn);
    std::string status() const;

    Options options_;
    Configuration configuration_;
    kernel::Root root_;
    kernel::ProcSysctls sysctls_;
    kernel::Units units_;
    kernel::ProcProcesses processes_;
    tunables::Journal journal_;
    tunables::Controller controller_;
    indicators::Sampler sampler_;
    policy::Policy policy_;
    policy::History history_;
    std::optional<InstanceLock> lock_;

    Signals signals_;
    EventLoop loop_;
    Timer timer_;
    std::vector<kernel::PressureTrigger> triggers_;
    Supervisor supervisor_;
    bus::Bus bus_;
    bus::OverrideFile override_file_;
    bus::Bus::Wait waits_on_bus_;

    /// The indicators that no rule needs, while somebody on the bus wants them.
    std::optional<indicators::Sampler> others_;
    std::size_t others_samples_ = 0;
    Instant others_until_{};

    bool looks_after_units_ = false;
    std::optional<std::uint64_t> met_;                           // the version of the units that the others know of
    std::vector<std::pair<std::string, std::string>> degraded_;  // subject, reason
    Instant rules_loaded_{};
    Instant next_look_{};  // at the tunables that nobody claims
    Duration interval_{0};
    Instant deadline_{};
    Instant last_tick_{};
    Instant busy_until_{};
    std::optional<Instant> pressed_;  // when a trigger last told of pressure; while it goes on it is no news
    Instant next_report_{};
    bool said_unavailable_ = false;
    bool terminal_ = false;
    bool stopping_ = false;
};

}  // namespace memtuned::daemon
