// SPDX-License-Identifier: GPL-2.0-or-later
#include <Manager-adaptor.h>

#include <algorithm>
#include <string>
#include <utility>

#include "bus/changes.hpp"
#include "bus/object.hpp"

namespace memtuned::bus {
namespace {

using Interfaces = sdbus::AdaptorInterfaces<org::memtuned1::Manager_adaptor, sdbus::Properties_adaptor,
                                            sdbus::ObjectManager_adaptor>;
using Claim = sdbus::Struct<std::string, std::string, std::int64_t, std::string>;
using Change = sdbus::Struct<std::string, std::string>;
using Decision = sdbus::Struct<std::uint64_t, std::string, std::int64_t, std::int64_t, std::string, std::string>;

using Reasons = std::vector<std::pair<std::string, std::string>>;

const char* kind(rules::Bound bound) {
    switch (bound) {
        case rules::Bound::exactly: break;
        case rules::Bound::at_least: return "at least";
        case rules::Bound::at_most: return "at most";
    }
    return "exactly";
}

std::uint64_t microseconds(std::chrono::system_clock::time_point at) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::microseconds>(at.time_since_epoch()).count());
}

class Manager final : public ManagerObject, public Interfaces {
public:
    Manager(sdbus::IConnection& connection, Host& host, Requests& requests)
        : Interfaces(connection, ObjectPath(manager_path)), host_(host), requests_(requests) {
        registerAdaptor();
    }
    Manager(const Manager&) = delete;
    Manager& operator=(const Manager&) = delete;
    ~Manager() override { unregisterAdaptor(); }

    void update(std::size_t) override {
        look();
        changes_.tell(*this, INTERFACE_NAME);
    }
    void begin() override {
        look();
        changes_.forget();
    }
    void tell_added() override {}
    void tell_removed() override {}

    void tell_tunable(const policy::PastDecision& decision) override {
        emitTunableChanged(decision.tunable, decision.from, decision.to, decision.source, decision.reason);
    }
    void tell_event(const policy::Event& event) override {
        if (event.kind == policy::Event::Kind::outside_change)
            emitOutsideChange(event.subject, event.ours, event.found);
        if (event.kind != policy::Event::Kind::rule) return;
        const auto machines = host_.policy().rules();
        const auto rule = std::find_if(machines.begin(), machines.end(), [&](const policy::RuleMachine& machine) {
            return machine.rule().name == event.subject;
        });
        if (rule == machines.end()) return;
        emitRuleChanged(event.subject, policy::to_string(rule->state()),
                        host_.policy().rule_reason(static_cast<std::size_t>(rule - machines.begin())));
    }
    void tell_reload_failed(const std::string& diagnostics) override { emitReloadFailed(diagnostics); }

private:
    static constexpr const char* INTERFACE_NAME = org::memtuned1::Manager_adaptor::INTERFACE_NAME;

    void look() {
        changes_.take("Mode", mode_, host_.mode());
        changes_.take("Profile", profile_, host_.policy().rule_set().profile);
        changes_.take("RulesLoaded", rules_loaded_, host_.rules_loaded());
        const auto degraded = host_.degraded();
        if (!std::equal(degraded_.begin(), degraded_.end(), degraded.begin(), degraded.end()))
            changes_.take("Degraded", degraded_, Reasons(degraded.begin(), degraded.end()));
    }

    std::string Version() override { return MEMTUNED_VERSION; }
    std::string Mode() override { return mode_ == tunables::Mode::enforce ? "enforce" : "observe"; }
    std::string Profile() override { return profile_; }
    std::vector<std::string> Profiles() override {
        return guarded([&] { return host_.profiles(); });
    }
    std::vector<Change> Degraded() override {
        std::vector<Change> list;
        for (const auto& one : degraded_) list.emplace_back(one.first, one.second);
        return list;
    }
    std::uint64_t SampleInterval() override {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::microseconds>(host_.sample_interval()).count());
    }
    std::uint64_t LastSample() override { return realtime(host_.last_sample()); }
    std::uint64_t RulesLoaded() override { return realtime(rules_loaded_); }

    void SwitchProfile(sdbus::Result<>&& result, std::string name) override {
        requests_.switch_profile(Answer(std::move(result)), sender(getObject()), name);
    }
    void SetMode(sdbus::Result<>&& result, std::string mode) override {
        requests_.set_mode(Answer(std::move(result)), sender(getObject()), mode);
    }
    void Reload(sdbus::Result<>&& result) override {
        requests_.reload(Answer(std::move(result)), sender(getObject()));
    }
    void Override(sdbus::Result<>&& result, std::string tunable, std::int64_t value, std::uint64_t lifetime_us,
                  std::string reason) override {
        requests_.override_tunable(Answer(std::move(result)), sender(getObject()),
                                   {std::move(tunable), value, lifetime_us, std::move(reason)});
    }
    void OverrideWhileConnected(sdbus::Result<>&& result, std::string tunable, std::int64_t value,
                                std::string reason) override {
        requests_.override_tunable(Answer(std::move(result)), sender(getObject()),
                                   {std::move(tunable), value, 0, std::move(reason), true});
    }
    void ClearOverride(sdbus::Result<>&& result, std::string tunable) override {
        requests_.clear_override(Answer(std::move(result)), sender(getObject()), tunable);
    }
    void EnableRule(sdbus::Result<>&& result, std::string rule, bool enabled) override {
        requests_.enable_rule(Answer(std::move(result)), sender(getObject()), rule, enabled);
    }
    void Release(sdbus::Result<>&& result, std::string tunable) override {
        requests_.release(Answer(std::move(result)), sender(getObject()), tunable);
    }
    void GetIndicators(sdbus::Result<std::map<std::string, double>>&& result) override {
        requests_.get_indicators(Answer(std::move(result)));
    }

    std::vector<Claim> Explain(const std::string& tunable) override {
        return guarded([&] {
            const std::size_t number = requests_.find(tunable);
            std::vector<Claim> rows;
            for (const policy::Standing& one : host_.policy().explain(number, host_.readings()[number]))
                rows.emplace_back(one.source, kind(one.bound), one.value, one.reason);
            const policy::TunableMachine& machine = host_.policy().tunable(number);
            rows.emplace_back("result", policy::to_string(machine.state()), host_.readings()[number].value,
                              machine.reason());
            return rows;
        });
    }
    std::vector<Change> Outlook(const std::string& tunable) override {
        return guarded([&] {
            std::vector<Change> rows;
            for (const policy::Prospect& one : host_.policy().outlook(requests_.find(tunable), BootClock::now()))
                rows.emplace_back(one.source, one.text);
            return rows;
        });
    }
    std::vector<Decision> GetHistory(const std::uint32_t& most) override {
        return guarded([&] {
            const auto& decisions = host_.history().decisions();
            const std::size_t count = most == 0 ? decisions.size() : std::min<std::size_t>(most, decisions.size());
            std::vector<Decision> rows;
            for (std::size_t i = decisions.size() - count; i < decisions.size(); ++i) {
                const policy::PastDecision& one = decisions[i];
                rows.emplace_back(microseconds(one.at), one.tunable, one.from, one.to, one.source, one.reason);
            }
            return rows;
        });
    }

    Host& host_;
    Requests& requests_;
    Changes changes_;
    tunables::Mode mode_ = tunables::Mode::enforce;
    std::string profile_;
    Instant rules_loaded_;
    Reasons degraded_;
};

}  // namespace

std::unique_ptr<ManagerObject> make_manager(sdbus::IConnection& connection, Host& host, Requests& requests) {
    return std::make_unique<Manager>(connection, host, requests);
}

}  // namespace memtuned::bus
