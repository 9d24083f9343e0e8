// SPDX-License-Identifier: GPL-2.0-or-later
#include <Service-adaptor.h>

#include <string>
#include <utility>

#include "bus/managed_object.hpp"

namespace memtuned::bus {
namespace {

class ServiceObject final : public ManagedObject<org::memtuned1::Service_adaptor> {
public:
    ServiceObject(sdbus::IConnection& connection, Host& host, Requests& requests, std::size_t tunable,
                  const kernel::Unit& unit)
        : ManagedObject(connection, path_of("service", unit.name), host, requests), tunable_(tunable), unit_(unit) {}

    void begin() override {
        host_.refresh(tunable_);
        ManagedObject::begin();
    }

private:
    void look() override {
        const policy::Policy& policy = host_.policy();
        const policy::TunableMachine& machine = policy.tunable(tunable_);
        changes_.take("OomScoreAdj", score_, host_.readings()[tunable_].value);
        changes_.take("State", state_, machine.state());
        changes_.take("OverrideExpires", expires_, expiry(policy.override_of(tunable_)));
        changes_.take("LastWrite", last_write_, machine.last_write());
        changes_.take("Reason", reason_, machine.reason());
        if (source_.differs({host_.rules_loaded(), machine.state(), machine.source()}))
            changes_.take("Source", source_text_, policy.source(tunable_));
    }

    std::string Unit() override { return unit_.name; }
    /// The policy does not read what nobody claims.
    std::int64_t OomScoreAdj() override {
        return guarded([&] {
            if (state_ == policy::TunableState::free) host_.refresh(tunable_);
            return host_.readings()[tunable_].value;
        });
    }
    std::string Source() override { return source_text_; }
    std::uint32_t Processes() override {
        return guarded([&] { return static_cast<std::uint32_t>(host_.processes(unit_)); });
    }
    std::uint64_t Memory() override {
        return guarded([&] { return host_.memory(unit_); });
    }
    std::string State() override { return policy::to_string(state_); }
    std::string Reason() override { return reason_; }
    std::uint64_t OverrideExpires() override { return realtime(expires_); }
    std::uint64_t LastWrite() override { return realtime(last_write_); }

    void Override(sdbus::Result<>&& result, std::int64_t value, std::uint64_t lifetime_us,
                  std::string reason) override {
        requests_.override_tunable(Answer(std::move(result)), sender(getObject()),
                                   {tunables::score_name(unit_.name), value, lifetime_us, std::move(reason)});
    }
    void ClearOverride(sdbus::Result<>&& result) override {
        requests_.clear_override(Answer(std::move(result)), sender(getObject()), tunables::score_name(unit_.name));
    }

    const std::size_t tunable_;
    const kernel::Unit unit_;
    std::int64_t score_ = 0;
    policy::TunableState state_ = policy::TunableState::free;
    Instant expires_;
    Instant last_write_;
    std::string reason_;
    Deciding source_;
    std::string source_text_;
};

}  // namespace

std::unique_ptr<Object> make_service(sdbus::IConnection& connection, Host& host, Requests& requests,
                                     std::size_t tunable) {
    return std::make_unique<ServiceObject>(connection, host, requests, tunable,
                                           host.units()[tunables::place_of(tunable)]);
}

}  // namespace memtuned::bus
