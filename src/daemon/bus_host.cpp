// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the bus asks of the daemon.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/daemon.hpp"
#include "daemon/indicator_table.hpp"
#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/kernel/cgroup.hpp"
#include "memtuned/rules/diagnostic.hpp"
#include "memtuned/rules/profile_loader.hpp"

namespace memtuned::daemon {
namespace {

/// Who looks on asks at least this often.
constexpr Duration interest = std::chrono::seconds(10);

/// A rate needs two samples.
constexpr std::size_t enough_samples = 2;

/// What nobody claims is shown as it was so long ago at most.
constexpr Duration look_every = std::chrono::seconds(2);

void append(const indicators::Sampler& sampler, std::map<std::string, double>& values) {
    const indicators::Sample& sample = sampler.last();
    for (std::size_t slot = 0; slot < sampler.keys().size(); ++slot)
        if (sample.unavailable[slot] == 0) values.emplace(to_string(sampler.keys()[slot]), sample.values[slot]);
}

}  // namespace

std::span<const kernel::Unit> Daemon::units() const {
    // inotify may tell of units between two turns, and those the policy has no room for yet.
    const bool known = looks_after_units_ && met_ == units_.version();
    return known ? units_.units() : std::span<const kernel::Unit>();
}

std::vector<std::string> Daemon::profiles() const {
    return rules::list_profiles(configuration_.settings->folders);
}

std::size_t Daemon::processes(const kernel::Unit& unit) {
    std::vector<pid_t> pids;
    units_.processes(unit, pids);
    return pids.size();
}

std::uint64_t Daemon::memory(const kernel::Unit& unit) {
    const Result<std::uint64_t> bytes = kernel::read_memory(root_, units_.layout(), unit.group);
    return bytes ? *bytes : 0;
}

void Daemon::refresh(std::size_t tunable) {
    controller_.refresh(std::array{tunable}, BootClock::now());
}

// --- indicators that no rule needs ---

std::optional<std::map<std::string, double>> Daemon::indicators() {
    others_until_ = BootClock::now() + interest;
    if (!others_) {
        std::vector<indicators::Key> keys = all_keys(root_);
        std::erase_if(keys, [this](const indicators::Key& key) {
            return std::find(sampler_.keys().begin(), sampler_.keys().end(), key) != sampler_.keys().end();
        });
        others_.emplace(root_, std::move(keys), looks_after_units_ ? &units_ : nullptr);
        others_samples_ = 0;
        wake();
    }
    if (others_samples_ < enough_samples) return std::nullopt;
    std::map<std::string, double> values;
    append(sampler_, values);
    append(*others_, values);
    return values;
}

/// Right after the sample, so that pressure files are read twice in a row but not at two times: what stalls between
/// the two readings is all that the first one costs the second.
void Daemon::measure_for_others(Instant now) {
    if (others_ && now > others_until_) others_.reset();
    if (!others_) return;
    others_->take(now, configuration_.settings->longest_step());
    ++others_samples_;
}

/// The policy reads only what somebody claims; the bus shows the others, too.
void Daemon::look_at_unclaimed(Instant now) {
    if (options_.bus == "none" || now < next_look_) return;
    next_look_ = now + look_every;
    for (std::size_t i = 0; i < tunables::catalogue().size(); ++i)
        if (policy_.tunable(i).state() == policy::TunableState::free) refresh(i);
}

// --- what changes the daemon ---

std::pair<bus::Refusal, std::string> Daemon::reload() {
    return load(options_);
}

std::pair<bus::Refusal, std::string> Daemon::switch_profile(const std::string& name) {
    const std::vector<std::string> known = profiles();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
        const std::string_view close = rules::nearest(name, {known.begin(), known.end()});
        return {bus::Refusal::no_such_profile,
                fmt::format("there is no profile `{}` in {}{}", rules::quote(name),
                            fmt::join(configuration_.settings->folders, " or "),
                            close.empty() ? "" : fmt::format("; did you mean {}?", close))};
    }
    Options wished = options_;
    wished.profile = name;
    auto outcome = load(wished);
    if (outcome.first == bus::Refusal::none) options_ = std::move(wished);
    return outcome;
}

Status Daemon::set_mode(tunables::Mode mode) {
    if (Status changed = change_mode(mode); !changed) return changed;
    options_.observe = mode == tunables::Mode::observe;
    spdlog::info("{} from now on, as asked over the bus",
                 *options_.observe ? "only observing: nothing is written" : "enforcing");
    wake();
    return Done{};
}

void Daemon::bus_changed(const std::string& trouble) {
    std::erase_if(degraded_, [](const auto& one) { return one.first == "bus"; });
    if (trouble.empty())
        spdlog::info("on the {} bus as org.memtuned1",
                     options_.bus == "system" || options_.bus == "session" ? options_.bus : "private");
    else
        degrade("bus", fmt::format("not on the bus, trying again: {}", trouble));
    supervisor_.status(status());
}

}  // namespace memtuned::daemon
