// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <utility>
#include <vector>

#include "bus/sdbus.hpp"
#include "memtuned/policy/policy.hpp"

namespace memtuned::bus {

/// The properties of one object that changed since they were last told of. Allocates nothing while none does.
class Changes {
public:
    /// Takes `now` over into `known`, the value of the property that was told last.
    template <class Known, class Now>
    void take(const char* property, Known& known, const Now& now) {
        if (known == now) return;
        known = now;
        names_.emplace_back(property);
    }

    /// Tells them in one signal, if there are any, and starts anew.
    template <class Object>
    void tell(Object& object, const char* interface) {
        if (names_.empty()) return;
        object.emitPropertiesChangedSignal(interface, std::exchange(names_, {}));
    }

    void forget() { names_.clear(); }

private:
    std::vector<PropertyName> names_;
};

/// When an override ends by itself; Instant{} if not, or if there is none.
inline Instant expiry(const policy::Override* override_) {
    return override_ != nullptr && override_->expires ? *override_->expires : Instant{};
}

/// What the name of a tunable's source is made from, so that it is made anew only when it is another.
struct Deciding {
    Instant rules_loaded;
    policy::TunableState state = policy::TunableState::free;
    policy::Source source;

    bool differs(const Deciding& now) { return std::exchange(*this, now) != now; }

    friend bool operator==(const Deciding&, const Deciding&) = default;
};

}  // namespace memtuned::bus
