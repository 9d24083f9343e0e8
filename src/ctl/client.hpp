// SPDX-License-Identifier: GPL-2.0-or-later
//
// The daemon as memtunectl sees it: what dbus/*.xml says, as plain structs. All calls wait for their answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace memtuned::ctl {

/// The daemon or the bus said no. `status` is the exit status that follows from it: 1, 3 or 4.
class CallFailed : public std::runtime_error {
public:
    CallFailed(int status, const std::string& message) : std::runtime_error(message), status_(status) {}
    int status() const { return status_; }

private:
    int status_;
};

using Realtime = std::chrono::sys_time<std::chrono::microseconds>;

struct ManagerState {
    std::string version;
    std::string mode;
    std::string profile;
    std::vector<std::string> profiles;
    std::vector<std::pair<std::string, std::string>> degraded;  ///< subject, reason
    std::chrono::microseconds sample_interval{0};
    std::optional<Realtime> last_sample;
    std::optional<Realtime> rules_loaded;
};

struct TunableState {
    std::string name;
    std::int64_t value = 0;
    std::int64_t boot_value = 0;
    std::int64_t target = 0;
    std::string source;
    std::string reason;
    std::string unit;
    std::int64_t minimum = 0;
    std::int64_t maximum = 0;
    std::string state;
    std::optional<Realtime> override_expires;
    std::optional<Realtime> last_write;
    std::uint64_t writes = 0;
};

struct RuleState {
    std::string name;
    std::string profile;
    std::string description;
    std::uint32_t order = 0;  ///< by strength, the weakest first
    std::string when;
    std::string state;
    std::string state_reason;
    std::optional<Realtime> since;
    std::uint64_t activations = 0;
    std::string figures;
    double nearness = 0;  ///< 1: the condition holds; NaN: no data
    bool enabled = true;
};

struct ServiceState {
    std::string unit;
    std::int64_t oom_score_adj = 0;
    std::string source;
    std::uint32_t processes = 0;
    std::uint64_t memory = 0;  ///< bytes
    std::string state;
    std::string reason = {};
    std::optional<Realtime> override_expires = {};
    std::optional<Realtime> last_write = {};
};

/// Everything that is an object on the bus, in one call; each list sorted as a person expects it: tunables and
/// services by name, rules in the order of their strength.
struct Objects {
    std::vector<TunableState> tunables;
    std::vector<RuleState> rules;
    std::vector<ServiceState> services;
};

/// One row of Explain.
struct ExplainedClaim {
    std::string source;
    std::string kind;
    std::int64_t value = 0;
    std::string reason;
};

struct PastDecision {
    Realtime at;
    std::string tunable;
    std::int64_t from = 0;
    std::int64_t to = 0;
    std::string source;
    std::string reason;
};

class Client {
public:
    /// `address`: "system", "session", or a D-Bus address. Throws CallFailed with status 3 where there is no bus or
    /// no daemon on it.
    explicit Client(const std::string& address);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    ManagerState manager();
    Objects objects();
    /// Name and value in base units; those without data are NaN.
    std::map<std::string, double> indicators();
    std::vector<ExplainedClaim> explain(const std::string& tunable);
    std::vector<std::pair<std::string, std::string>> outlook(const std::string& tunable);
    std::vector<PastDecision> history(std::uint32_t most);

    void switch_profile(const std::string& name);
    void set_mode(const std::string& mode);
    void reload();
    void override_tunable(const std::string& tunable, std::int64_t value, std::chrono::microseconds lifetime,
                          const std::string& reason);
    void override_while_connected(const std::string& tunable, std::int64_t value, const std::string& reason);
    void clear_override(const std::string& tunable);
    void release(const std::string& tunable);
    void enable_rule(const std::string& name, bool enabled);

    /// What monitor() hands on, one of the four signals of the manager or a change of the daemon's presence.
    struct Signal {
        Realtime at;
        std::string name;  ///< "TunableChanged", "RuleChanged", "OutsideChange", "ReloadFailed", "Gone", "Back"
        std::vector<std::pair<std::string, std::string>> arguments;  ///< name and text, in their order
    };
    /// Calls `handler` for each signal as it comes, until `stop_fd` is readable.
    void monitor(const std::function<void(const Signal&)>& handler, int stop_fd);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace memtuned::ctl
