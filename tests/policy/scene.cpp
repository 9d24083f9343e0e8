// SPDX-License-Identifier: GPL-2.0-or-later
#include "policy/scene.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <stdexcept>
#include <utility>

#include "memtuned/rules/profile_text.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/rules/settings.hpp"

namespace memtuned::test {
namespace {

std::size_t twin_of(std::size_t i) {
    return tunables::about(i).twin;
}
bool has_twin(std::size_t i) {
    return twin_of(i) != tunables::no_twin;
}

rules::Source toml(std::string_view name, std::string_view text) {
    return std::make_shared<const rules::SourceFile>(std::string(name), std::string(text));
}

std::shared_ptr<const rules::Settings> settings(std::string_view text) {
    rules::Diagnostics diagnostics;
    auto parsed =
        std::make_shared<const rules::Settings>(rules::parse_settings(toml("memtuned.toml", text), diagnostics));
    if (diagnostics.has_errors()) throw std::invalid_argument(diagnostics.render_all());
    return parsed;
}

/// On a machine that is the same everywhere, whatever the test runs on: 16 GiB without swap.
std::shared_ptr<const rules::RuleSet> compile(std::string_view text, const rules::Settings& with) {
    const rules::Surroundings surroundings{
        .machine = {.memory_bytes = 16.0 * 1024 * 1024 * 1024, .swap_bytes = 0, .zones = 3, .nodes = 1}};
    rules::Diagnostics diagnostics;
    const auto profile = rules::parse_profile(toml("scene.toml", text), diagnostics);
    auto set = profile ? rules::compile_profile("scene", *profile, with, surroundings, diagnostics) : std::nullopt;
    if (!set) throw std::invalid_argument(diagnostics.render_all());
    return std::make_shared<const rules::RuleSet>(std::move(*set));
}

std::string joined(std::vector<std::string>& lines) {
    return fmt::format("{}", fmt::join(std::exchange(lines, {}), "; "));
}

}  // namespace

// --- tunables ---

Tunables::Tunables()
    : readings_(tunables::catalogue().size()),
      books_(readings_.size()),
      errors_(readings_.size()),
      most_(readings_.size(), std::numeric_limits<std::int64_t>::max()) {
    static constexpr std::pair<std::string_view, std::int64_t> defaults[] = {
        {"vm.swappiness", 60},          {"vm.min_free_kbytes", 67584},        {"vm.watermark_scale_factor", 10},
        {"vm.vfs_cache_pressure", 100}, {"vm.watermark_boost_factor", 15000}, {"vm.page-cluster", 3},
        {"vm.dirty_ratio", 20},         {"vm.dirty_background_ratio", 10},    {"vm.compaction_proactiveness", 20},
    };
    for (std::size_t i = 0; i < readings_.size(); ++i) {
        const tunables::Tunable& about = tunables::catalogue()[i];
        Reading& reading = readings_[i];
        reading.available = true;
        reading.hard_minimum = about.minimum;
        reading.hard_maximum = reading.ceiling = about.maximum;
        reading.safe_minimum = about.safe_minimum;
        reading.safe_maximum = about.safe_maximum;
    }
    for (const auto& [name, value] : defaults) set(name, value);
}

std::size_t Tunables::index(std::string_view name) const {
    if (const std::optional<std::size_t> found = tunables::find(name)) return *found;
    for (std::size_t place = 0; place < units_.size(); ++place)
        if (name == "oom_score_adj." + units_[place]) return tunables::of_unit(place);
    throw std::invalid_argument("no tunable " + std::string(name));
}

Reading& Tunables::operator[](std::string_view name) {
    return readings_[index(name)];
}

void Tunables::meet(std::span<const kernel::Unit> units) {
    const std::size_t count = tunables::of_unit(units.size());
    readings_.resize(count);
    books_.resize(count);
    errors_.resize(count);
    most_.resize(count, std::numeric_limits<std::int64_t>::max());
    units_.resize(units.size());
    for (std::size_t place = 0; place < units.size(); ++place) {
        if (units_[place] == units[place].name) continue;
        units_[place] = units[place].name;
        const std::size_t i = tunables::of_unit(place);
        books_[i].reset();
        readings_[i] = {.available = !units[place].name.empty()};
        readings_[i].hard_minimum = readings_[i].safe_minimum = -999;
        readings_[i].hard_maximum = readings_[i].safe_maximum = readings_[i].ceiling = 1000;
    }
}

void Tunables::set(std::string_view name, std::int64_t value) {
    assign(index(name), value);
    refresh();
}

void Tunables::fail(std::string_view name, int error) {
    errors_[index(name)] = error;
}

void Tunables::cut_down(std::string_view name, std::int64_t most) {
    most_[index(name)] = most;
}

Outcome Tunables::carry_out(const Decision& decision) {
    const std::size_t i = decision.tunable;
    if (errors_[i] != 0) return {Outcome::Kind::failed, readings_[i].value, system_error(decision.name, errors_[i])};
    Outcome outcome = act(decision.order, i, decision.to);
    refresh();
    return outcome;
}

Outcome Tunables::act(Decision::Order order, std::size_t i, std::int64_t to) {
    const std::int64_t present = readings_[i].value;
    const std::int64_t ceiling = std::min(readings_[i].ceiling, most_[i]);
    const std::int64_t bounded = std::min(to, std::max(ceiling, readings_[i].boot));
    switch (order) {
        case Decision::Order::write:
            if (books_[i] && books_[i]->ours != present) return {Outcome::Kind::foreign, present, {}};
            return write(i, bounded);
        case Decision::Order::take_back: return write(i, bounded);
        case Decision::Order::release: return release(i);
        case Decision::Order::disown: books_[i].reset(); return {Outcome::Kind::same, present, {}};
        case Decision::Order::rebase:
            if (books_[i]) books_[i] = Entry{present, twin_value(i), present};
            return {Outcome::Kind::same, present, {}};
        case Decision::Order::fire: return {Outcome::Kind::started, to, {}};
    }
    throw std::logic_error("no such order");
}

Outcome Tunables::write(std::size_t i, std::int64_t value) {
    const std::int64_t present = readings_[i].value;
    if (value == present) return {Outcome::Kind::same, present, {}};
    if (value < readings_[i].hard_minimum || value > readings_[i].hard_maximum)
        return {Outcome::Kind::failed, present, system_error(std::string(tunables::about(i).name), EINVAL)};
    Entry entry{present, twin_value(i), value};
    if (books_[i])
        entry = {books_[i]->boot, books_[i]->twin_boot, value};
    else if (has_twin(i) && books_[twin_of(i)] && books_[twin_of(i)]->ours == twin_value(i))
        entry = {books_[twin_of(i)]->twin_boot, books_[twin_of(i)]->boot, value};  // it was us who zeroed this one
    assign(i, value);
    books_[i] = entry;
    if (has_twin(i)) books_[twin_of(i)].reset();
    return {Outcome::Kind::written, value, {}};
}

Outcome Tunables::release(std::size_t i) {
    const std::int64_t present = readings_[i].value;
    if (!books_[i]) return {Outcome::Kind::same, present, {}};
    const Entry entry = *std::exchange(books_[i], std::nullopt);
    if (present == entry.boot) return {Outcome::Kind::same, present, {}};
    if (present != entry.ours) return {Outcome::Kind::foreign, present, {}};
    const bool by_twin = has_twin(i) && entry.boot == 0;
    assign(by_twin ? twin_of(i) : i, by_twin ? entry.twin_boot : entry.boot);
    return {Outcome::Kind::written, entry.boot, {}};
}

std::int64_t Tunables::twin_value(std::size_t i) const {
    return has_twin(i) ? readings_[twin_of(i)].value : 0;
}

void Tunables::assign(std::size_t i, std::int64_t value) {
    readings_[i].value = value;
    if (has_twin(i)) readings_[twin_of(i)].value = 0;
}

void Tunables::refresh() {
    for (std::size_t i = 0; i < readings_.size(); ++i) {
        readings_[i].ours = books_[i].has_value();
        readings_[i].boot = books_[i] ? books_[i]->boot : readings_[i].value;
    }
}

// --- the scene ---

Scene::Scene(std::string_view rules, std::string_view configuration)
    : settings_(settings(configuration)), policy_(compile(rules, *settings_), settings_) {
    make_sample();
}

void Scene::set(std::string_view indicator, double value) {
    values_[slot(indicator)] = value;
}

void Scene::lack(std::string_view indicator, bool lacks) {
    unavailable_[slot(indicator)] = lacks ? 1 : 0;
    values_[slot(indicator)] = indicators::no_data;
}

void Scene::units(std::vector<std::string> names) {
    std::vector<kernel::Unit> made;
    for (std::string& name : names) made.push_back({.name = std::move(name), .group = {}});
    meet(std::move(made));
}

void Scene::meet(std::vector<kernel::Unit> units) {
    units_ = std::move(units);
    tunables.meet(units_);
    policy_.meet(units_);
    own_.resize(units_.size() * policy_.rule_set().own.size(), indicators::no_data);
}

void Scene::set_own(std::string_view unit, std::string_view indicator, double value) {
    const std::vector<std::size_t>& own = policy_.rule_set().own;
    for (std::size_t i = 0; i < own.size(); ++i)
        if (indicators::catalogue()[own[i]].name == indicator)
            for (std::size_t place = 0; place < units_.size(); ++place)
                if (units_[place].name == unit) own_[place * own.size() + i] = value;
}

std::int64_t Scene::value(std::string_view tunable) const {
    return tunables.readings()[tunables.index(tunable)].value;
}

void Scene::turn(bool gap) {
    sample_ = {now, values_, unavailable_, gap, own_, policy_.rule_set().own.size()};
    const policy::Turn turned = policy_.turn(sample_, tunables.readings());
    busy = turned.busy;
    for (const Decision& decision : turned.decisions) {
        const Outcome outcome = tunables.carry_out(decision);
        policy_.carried_out(decision, outcome, now);
        if (on_decision) on_decision(decision, outcome);
        note(decision);
    }
    for (const Event& event : policy_.events()) events.push_back(event.subject + ": " + event.text);
}

void Scene::after(Duration wait, bool gap) {
    now += wait;
    turn(gap);
}

void Scene::run(Duration length, Duration step) {
    for (const Instant end = now + length; now < end;) after(std::min<Duration>(step, end - now));
}

std::uint64_t Scene::override_with(std::string_view tunable, std::int64_t value, std::optional<Duration> lifetime,
                                   std::string reason) {
    return policy_.add_override(tunables.index(tunable), value,
                                lifetime ? std::optional(now + *lifetime) : std::nullopt, std::move(reason));
}

void Scene::reload(std::string_view rules) {
    std::vector<std::pair<std::string, double>> known;
    for (std::size_t i = 0; i < values_.size(); ++i)
        known.emplace_back(to_string(policy_.rule_set().keys[i]), values_[i]);
    Policy next(compile(rules, *settings_), settings_);
    next.adopt(policy_);
    policy_ = std::move(next);
    make_sample();
    policy_.meet(units_);
    for (const auto& [name, value] : known)
        if (find_slot(name)) set(name, value);
}

void Scene::reload(std::string_view rules, std::string_view configuration) {
    settings_ = settings(configuration);
    reload(rules);
}

const RuleMachine& Scene::rule(std::string_view name) const {
    for (const RuleMachine& machine : policy_.rules())
        if (machine.rule().name == name) return machine;
    throw std::invalid_argument("no rule " + std::string(name));
}

TunableState Scene::tunable_state(std::string_view tunable) const {
    return policy_.tunable(tunables.index(tunable)).state();
}

std::string Scene::taken_orders() {
    return joined(orders);
}
std::string Scene::taken_reasons() {
    return joined(reasons);
}
std::string Scene::taken_events() {
    return joined(events);
}

std::size_t Scene::times_said(std::string_view text) const {
    return static_cast<std::size_t>(std::count_if(events.begin(), events.end(), [&](const std::string& event) {
        return event.find(text) != std::string::npos;
    }));
}

void Scene::forget() {
    orders.clear();
    reasons.clear();
    events.clear();
}

std::optional<std::size_t> Scene::find_slot(std::string_view indicator) const {
    const auto& keys = policy_.rule_set().keys;
    for (std::size_t i = 0; i < keys.size(); ++i)
        if (to_string(keys[i]) == indicator) return i;
    return std::nullopt;
}

std::size_t Scene::slot(std::string_view indicator) const {
    if (const auto found = find_slot(indicator)) return *found;
    throw std::invalid_argument("no rule reads " + std::string(indicator));
}

void Scene::make_sample() {
    values_.assign(policy_.rule_set().keys.size(), 0.0);
    unavailable_.assign(values_.size(), 0);
    own_.assign(units_.size() * policy_.rule_set().own.size(), indicators::no_data);
}

void Scene::note(const Decision& decision) {
    static constexpr std::string_view words[] = {"write", "take_back", "release", "disown", "rebase", "fire"};
    const bool unit_write = tunables::is_of_unit(decision.tunable) && decision.order == Decision::Order::write &&
                            decision.low < decision.high;
    orders.push_back(fmt::format("{} {} {} -> {}{}", words[static_cast<std::size_t>(decision.order)], decision.name,
                                 decision.from, decision.to,
                                 unit_write ? fmt::format(" ({} to {})", decision.low, decision.high) : ""));
    reasons.push_back(decision.source + ": " + decision.reason);
}

}  // namespace memtuned::test
