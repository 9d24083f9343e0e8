// SPDX-License-Identifier: GPL-2.0-or-later
#include <Rule-adaptor.h>

#include <string>
#include <utility>

#include "bus/managed_object.hpp"

namespace memtuned::bus {
namespace {

class RuleObject final : public ManagedObject<org::memtuned1::Rule_adaptor> {
public:
    RuleObject(sdbus::IConnection& connection, Host& host, Requests& requests, std::size_t rule)
        : ManagedObject(connection, path_of("rule", host.policy().rule_set().rules[rule].name), host, requests),
          rule_(rule),
          name_(host.policy().rule_set().rules[rule].name) {}

    void update(std::size_t number) override {
        rule_ = number;
        ManagedObject::update(number);
    }

private:
    void look() override {
        const policy::Policy& policy = host_.policy();
        const rules::Rule& rule = policy.rule_set().rules[rule_];
        const policy::RuleMachine& machine = policy.rules()[rule_];
        changes_.take("Profile", profile_, policy.rule_set().profile);
        changes_.take("Description", description_, rule.description);
        changes_.take("Order", order_, static_cast<std::uint32_t>(rule_));
        changes_.take("When", when_, rule.when_text);
        changes_.take("State", state_, machine.state());
        changes_.take("StateReason", reason_, policy.rule_reason(rule_));
        changes_.take("Since", since_, machine.since());
        changes_.take("Activations", activations_, machine.activations());
        changes_.take("Enabled", enabled_, machine.state() != policy::RuleState::disabled);
    }

    std::string Name() override { return name_; }
    std::string Profile() override { return profile_; }
    std::string Description() override { return description_; }
    std::uint32_t Order() override { return order_; }
    std::string When() override { return when_; }
    std::string State() override { return policy::to_string(state_); }
    std::string StateReason() override { return reason_; }
    std::uint64_t Since() override { return realtime(since_); }
    std::uint64_t Activations() override { return activations_; }
    std::string Figures() override {
        return guarded([&] { return known() ? host_.policy().figures(rule_) : std::string(); });
    }
    double Nearness() override {
        return guarded([&] { return known() ? host_.policy().nearness(rule_) : indicators::no_data; });
    }
    bool Enabled() override { return enabled_; }
    void Enabled(const bool& value) override {
        guarded([&] { requests_.enable_rule_now(name_, value); });
    }

    /// Not between a reload and the next turn.
    bool known() const {
        const auto& rules = host_.policy().rule_set().rules;
        return rule_ < rules.size() && rules[rule_].name == name_;
    }

    std::size_t rule_;
    const std::string name_;
    std::string profile_;
    std::string description_;
    std::uint32_t order_ = 0;
    std::string when_;
    policy::RuleState state_ = policy::RuleState::idle;
    std::string reason_;
    Instant since_;
    std::uint64_t activations_ = 0;
    bool enabled_ = true;
};

}  // namespace

std::unique_ptr<Object> make_rule(sdbus::IConnection& connection, Host& host, Requests& requests, std::size_t rule) {
    return std::make_unique<RuleObject>(connection, host, requests, rule);
}

}  // namespace memtuned::bus
