// SPDX-License-Identifier: GPL-2.0-or-later
#include <Tunable-adaptor.h>

#include <string>
#include <utility>

#include "bus/managed_object.hpp"

namespace memtuned::bus {
namespace {

class TunableObject final : public ManagedObject<org::memtuned1::Tunable_adaptor> {
public:
    TunableObject(sdbus::IConnection& connection, Host& host, Requests& requests, std::size_t tunable)
        : ManagedObject(connection, path_of("tunable", tunables::about(tunable).name), host, requests),
          tunable_(tunable) {}

private:
    void look() override {
        const policy::Policy& policy = host_.policy();
        const policy::TunableMachine& machine = policy.tunable(tunable_);
        const tunables::Reading& reading = host_.readings()[tunable_];
        const bool decided =
            machine.state() == policy::TunableState::managed || machine.state() == policy::TunableState::overridden;
        changes_.take("Value", value_, reading.value);
        changes_.take("BootValue", boot_, reading.boot);
        changes_.take("Target", target_, decided ? machine.target() : reading.value);
        changes_.take("State", state_, shown_state(machine, reading));
        changes_.take("OverrideExpires", expires_, expiry(policy.override_of(tunable_)));
        changes_.take("LastWrite", last_write_, machine.last_write());
        changes_.take("Writes", writes_, machine.writes());
        changes_.take("Reason", reason_, machine.reason());
        if (source_.differs({host_.rules_loaded(), machine.state(), machine.source()}))
            changes_.take("Source", source_text_, policy.source(tunable_));
    }

    /// The policy does not look at a tunable that nobody claims.
    static policy::TunableState shown_state(const policy::TunableMachine& machine, const tunables::Reading& reading) {
        const bool lacking = machine.state() == policy::TunableState::free && !reading.available;
        return lacking ? policy::TunableState::unavailable : machine.state();
    }

    std::string Name() override { return std::string(tunables::about(tunable_).name); }
    std::int64_t Value() override { return value_; }
    std::int64_t BootValue() override { return boot_; }
    std::int64_t Target() override { return target_; }
    std::string Source() override { return source_text_; }
    std::string Reason() override { return reason_; }
    std::string Unit() override { return std::string(tunables::about(tunable_).unit_name); }
    std::int64_t Minimum() override { return policy::override_limits(host_.readings()[tunable_]).low; }
    std::int64_t Maximum() override { return policy::override_limits(host_.readings()[tunable_]).high; }
    std::string State() override { return policy::to_string(state_); }
    std::uint64_t OverrideExpires() override { return realtime(expires_); }
    std::uint64_t LastWrite() override { return realtime(last_write_); }
    std::uint64_t Writes() override { return writes_; }

    void Override(sdbus::Result<>&& result, std::int64_t value, std::uint64_t lifetime_us,
                  std::string reason) override {
        requests_.override_tunable(Answer(std::move(result)), sender(getObject()),
                                   {Name(), value, lifetime_us, std::move(reason)});
    }
    void ClearOverride(sdbus::Result<>&& result) override {
        requests_.clear_override(Answer(std::move(result)), sender(getObject()), Name());
    }

    const std::size_t tunable_;
    std::int64_t value_ = 0;
    std::int64_t boot_ = 0;
    std::int64_t target_ = 0;
    policy::TunableState state_ = policy::TunableState::free;
    Instant expires_;
    Instant last_write_;
    std::uint64_t writes_ = 0;
    std::string reason_;
    Deciding source_;
    std::string source_text_;
};

}  // namespace

std::unique_ptr<Object> make_tunable(sdbus::IConnection& connection, Host& host, Requests& requests,
                                     std::size_t tunable) {
    return std::make_unique<TunableObject>(connection, host, requests, tunable);
}

}  // namespace memtuned::bus
