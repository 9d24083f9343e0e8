// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bus/host.hpp"
#include "bus/object.hpp"
#include "bus/requests.hpp"
#include "bus/sdbus.hpp"

namespace memtuned::bus {

/// All objects on the bus. They come and go with the rules and the units.
class Objects {
public:
    Objects(sdbus::IConnection& connection, Host& host, Requests& requests);

    /// Brings them up to date after a turn of the policy.
    void update();
    ManagerObject& manager() { return *manager_; }

private:
    struct Service {
        std::uint64_t since = 0;
        std::unique_ptr<Object> object;
    };

    void add(std::unique_ptr<Object> object, std::unique_ptr<Object>& place);
    void follow_rules();
    void follow_units();

    sdbus::IConnection& connection_;
    Host& host_;
    Requests& requests_;
    bool found_ = false;  // nobody hears of what is there from the start
    std::unique_ptr<ManagerObject> manager_;
    std::vector<std::unique_ptr<Object>> tunables_;  // as the catalogue
    std::vector<std::unique_ptr<Object>> rules_;     // as the rule set that was loaded then:
    Instant rules_loaded_;
    std::vector<std::string> rule_names_;
    std::vector<Service> services_;  // by place
};

}  // namespace memtuned::bus
