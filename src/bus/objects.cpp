// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/objects.hpp"

#include <map>
#include <utility>

#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::bus {

Objects::Objects(sdbus::IConnection& connection, Host& host, Requests& requests)
    : connection_(connection), host_(host), requests_(requests), manager_(make_manager(connection, host, requests)) {
    manager_->begin();
    for (std::size_t i = 0; i < tunables::catalogue().size(); ++i) {
        host_.refresh(i);
        add(make_tunable(connection, host, requests, i), tunables_.emplace_back());
    }
    follow_rules();
    follow_units();
    found_ = true;
}

void Objects::add(std::unique_ptr<Object> object, std::unique_ptr<Object>& place) {
    place = std::move(object);
    place->begin();
    if (found_) place->tell_added();
}

void Objects::update() {
    if (rules_loaded_ != host_.rules_loaded()) follow_rules();
    follow_units();
    manager_->update(0);
    for (std::size_t i = 0; i < tunables_.size(); ++i) tunables_[i]->update(i);
    for (std::size_t i = 0; i < rules_.size(); ++i) rules_[i]->update(i);
    for (std::size_t place = 0; place < services_.size(); ++place)
        if (services_[place].object) services_[place].object->update(tunables::of_unit(place));
}

/// A rule that is there before and after a reload keeps its object.
void Objects::follow_rules() {
    rules_loaded_ = host_.rules_loaded();
    std::map<std::string, std::unique_ptr<Object>> before;
    for (std::size_t i = 0; i < rules_.size(); ++i) before.emplace(std::move(rule_names_[i]), std::move(rules_[i]));
    rules_.clear();
    rule_names_.clear();
    for (const rules::Rule& rule : host_.policy().rule_set().rules) {
        rule_names_.push_back(rule.name);
        const auto known = before.find(rule.name);
        if (known != before.end()) {
            rules_.push_back(std::move(known->second));
            before.erase(known);
            continue;
        }
        auto made = make_rule(connection_, host_, requests_, rules_.size());
        add(std::move(made), rules_.emplace_back());
    }
    for (const auto& gone : before) gone.second->tell_removed();
}

void Objects::follow_units() {
    const auto units = host_.units();
    if (services_.size() < units.size()) services_.resize(units.size());
    for (std::size_t place = 0; place < services_.size(); ++place) {
        Service& service = services_[place];
        const bool there = place < units.size() && !units[place].name.empty();
        if (service.object && there && service.since == units[place].since) continue;
        if (service.object) {
            service.object->tell_removed();
            service.object.reset();
        }
    }
    // Only after all that left: a unit may come back at another place, and a path is one object's.
    for (std::size_t place = 0; place < units.size(); ++place) {
        if (services_[place].object || units[place].name.empty()) continue;
        services_[place].since = units[place].since;
        add(make_service(connection_, host_, requests_, tunables::of_unit(place)), services_[place].object);
    }
}

}  // namespace memtuned::bus
