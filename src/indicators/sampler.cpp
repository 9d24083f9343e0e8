// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/indicators/sampler.hpp"

#include <array>
#include <optional>
#include <type_traits>
#include <utility>

#include "indicators/formula.hpp"
#include "indicators/service_source.hpp"
#include "indicators/sources.hpp"
#include "memtuned/kernel/machine.hpp"

namespace memtuned::indicators {

namespace {

Result<double> uptime(std::string_view text) {
    return kernel::parse_uptime(text);
}

Result<double> cpus(std::string_view text) {
    const Result<std::size_t> count = kernel::parse_cpu_list(text);
    if (!count) return count.error();
    return static_cast<double>(*count);
}

std::vector<std::size_t> columns(const std::vector<std::size_t>& of_units) {
    std::vector<std::size_t> places;
    for (const std::size_t indicator : of_units)
        places.push_back(column::of(std::get<ServiceFormula>(formulas()[indicator])));
    return places;
}

}  // namespace

/// The sources that the keys need, in the order they are read, and the slots they fill.
struct Sampler::Plan {
    Plan(const kernel::Root& root_path, std::vector<Key> wanted, const kernel::Units* units,
         const std::vector<std::size_t>& own);

    void add(std::size_t slot, const Key& key);
    template <class Kind, class... Arguments>
    Kind& source(Kind*& known, Arguments&&... arguments);

    kernel::Root root;
    std::vector<Key> keys;
    Slots slots;
    std::vector<std::unique_ptr<Source>> sources;
    ServiceSource services;
    Sample sample;
    std::optional<Instant> last;

    // Those made so far, owned by `sources`.
    std::array<PressureSource*, 3> pressure{};
    std::array<KeyedSource*, 2> keyed{};
    ZoneSource* zones = nullptr;
    FragmentationSource* fragmentation = nullptr;
    SwapsSource* swaps = nullptr;
    NumberSource* cpus_online = nullptr;
    NumberSource* up = nullptr;
    HourSource* hour = nullptr;
};

Sampler::Plan::Plan(const kernel::Root& root_path, std::vector<Key> wanted, const kernel::Units* units,
                    const std::vector<std::size_t>& own)
    : root(root_path), keys(std::move(wanted)), slots(keys.size()), services(root, units, columns(own)) {
    for (std::size_t slot = 0; slot < keys.size(); ++slot) add(slot, keys[slot]);
    sample.own_width = own.size();
    sample.values = slots.values();
    sample.unavailable = slots.unavailable();
}

/// The source `known`, made if this is the first time that it is needed.
template <class Kind, class... Arguments>
Kind& Sampler::Plan::source(Kind*& known, Arguments&&... arguments) {
    if (!known) {
        auto made = std::make_unique<Kind>(std::forward<Arguments>(arguments)...);
        known = made.get();
        sources.push_back(std::move(made));
    }
    return *known;
}

void Sampler::Plan::add(std::size_t slot, const Key& key) {
    const Argument argument = catalogue()[key.indicator].argument;
    std::visit(
        [&](const auto& formula) {
            using Kind = std::decay_t<decltype(formula)>;
            if constexpr (std::is_same_v<Kind, PressureFormula>)
                source(pressure[static_cast<std::size_t>(formula.resource)], root, formula.resource)
                    .want(slot, formula);
            else if constexpr (std::is_same_v<Kind, KeyedFormula>)
                source(keyed[static_cast<std::size_t>(formula.file)], root, formula.file).want(slot, formula);
            else if constexpr (std::is_same_v<Kind, ZoneFormula>)
                source(zones, root).want(slot, formula, argument, key.argument);
            else if constexpr (std::is_same_v<Kind, ServiceFormula>)
                services.want(slot, formula, key.argument);
            else if constexpr (std::is_same_v<Kind, FragmentationFormula>)
                source(fragmentation, root).want(slot, parse_order(key.argument).value_or(highest_order));
            else if constexpr (std::is_same_v<Kind, SwapOnZramFormula>)
                source(swaps, root).want(slot);
            else if constexpr (std::is_same_v<Kind, CpusFormula>)
                source(cpus_online, root, kernel::online_cpus_path, &cpus).want(slot);
            else if constexpr (std::is_same_v<Kind, UptimeFormula>)
                source(up, root, kernel::uptime_path, &uptime).want(slot);
            else if constexpr (std::is_same_v<Kind, HourFormula>)
                source(hour).want(slot);
            else
                slots.lack(slot, [&] { return std::string(formula.why); });
        },
        formulas()[key.indicator]);
}

Sampler::Sampler(const kernel::Root& root, std::vector<Key> keys, const kernel::Units* units,
                 const std::vector<std::size_t>& own)
    : plan_(std::make_unique<Plan>(root, std::move(keys), units, own)) {}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;
Sampler& Sampler::operator=(Sampler&&) noexcept = default;

const Sample& Sampler::take(Instant now, Duration longest_step) {
    const Tick tick{now, longest_step};
    plan_->slots.begin();
    for (const std::unique_ptr<Source>& source : plan_->sources) source->take(tick, plan_->slots);
    plan_->services.take(tick, plan_->slots);
    plan_->sample.own = plan_->services.own();
    plan_->sample.at = now;
    plan_->sample.gap = plan_->last && now - *plan_->last > longest_step;
    plan_->last = now;
    return plan_->sample;
}

const Sample& Sampler::last() const {
    return plan_->sample;
}

const std::vector<Key>& Sampler::keys() const {
    return plan_->keys;
}

std::string_view Sampler::why_unavailable(std::size_t slot) const {
    return plan_->slots.why(slot);
}

std::string_view Sampler::why_own_unavailable(std::size_t own) const {
    return plan_->services.lacks_of_own(own);
}

std::vector<std::string> Sampler::files() const {
    std::vector<std::string> files;
    for (const std::unique_ptr<Source>& source : plan_->sources)
        if (!source->file().empty()) files.emplace_back(source->file());
    plan_->services.append_files(files);
    return files;
}

}  // namespace memtuned::indicators
