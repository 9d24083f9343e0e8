// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/daemon.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <exception>
#include <utility>

#include "memtuned/kernel/cgroup.hpp"
#include "memtuned/kernel/machine.hpp"

namespace memtuned::daemon {
namespace {

using policy::Decision;
using policy::Event;
using tunables::Mode;
using tunables::Outcome;
using tunables::Restored;

/// On a terminal a line says now and then what is seen, so that a person knows it is alive.
constexpr Duration report_every = std::chrono::seconds(30);

/// While somebody looks on over the bus.
constexpr Duration watched_interval = std::chrono::seconds(1);

/// The kernel files of units stay open: two for each, where the soft limit is 1024 by custom, for the sake of
/// select(), which nothing here uses.
void allow_open_files() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) < 0) return;
    files.rlim_cur = files.rlim_max;
    static_cast<void>(::setrlimit(RLIMIT_NOFILE, &files));
}

tunables::UnitOrder unit_order(const Decision& decision) {
    using Kind = tunables::UnitOrder::Kind;
    const auto kind = [&] {
        switch (decision.order) {
            case Decision::Order::take_back: return Kind::take_back;
            case Decision::Order::release: return Kind::release;
            case Decision::Order::disown: return Kind::disown;
            case Decision::Order::rebase: return Kind::rebase;
            case Decision::Order::write:
            case Decision::Order::fire: break;
        }
        return Kind::write;
    }();
    return {kind, decision.tunable, decision.to, decision.low, decision.high};
}

std::string boot_id(const kernel::Root& root) {
    Result<std::string> id = kernel::read_boot_id(root);
    return id ? *id : "unknown";
}

std::string value_text(std::size_t tunable, std::int64_t value) {
    const std::string_view unit = tunables::about(tunable).unit_name;
    return unit == "kB"  ? fmt::format("{} kB", value)
           : unit == "%" ? fmt::format("{}%", value)
                         : std::to_string(value);
}

std::string processes(const Restored& one) {
    if (one.processes == 0) return {};
    return fmt::format(" ({} process{})", one.processes, one.processes == 1 ? "" : "es");
}

}  // namespace

tunables::Journal make_journal(const kernel::Root& root) {
    return {root / "run/memtuned/undo", boot_id(root)};
}

bool report_restored(const std::vector<Restored>& restored) {
    bool well = true;
    for (const Restored& one : restored) {
        switch (one.kind) {
            case Restored::Kind::restored:
                spdlog::info("{} {} -> {}: put back{}", one.tunable, one.from, one.to, processes(one));
                break;
            case Restored::Kind::kept: spdlog::info("{} {}: kept, as configured", one.tunable, one.from); break;
            case Restored::Kind::foreign:
                spdlog::warn("{} {}: left alone, somebody set it since; it was {} before memtuned", one.tunable,
                             one.from, one.to);
                break;
            case Restored::Kind::failed:
                spdlog::error("{} {}: not put back to {}: {}", one.tunable, one.from, one.to, one.error.message);
                well = false;
        }
    }
    return well;
}

Daemon::Daemon(Options options, Configuration configuration)
    : options_(std::move(options)),
      configuration_(std::move(configuration)),
      root_(options_.root),
      sysctls_(root_),
      units_(root_),
      processes_(root_),
      journal_(make_journal(root_)),
      controller_(root_, sysctls_, journal_, configuration_.settings->observe ? Mode::observe : Mode::enforce),
      sampler_(root_, configuration_.rules->keys),
      policy_(configuration_.rules, configuration_.settings),
      bus_(*this, options_.bus),
      override_file_(root_ / "run/memtuned/overrides", boot_id(root_)),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Status Daemon::start() {
    if (controller_.mode() == Mode::enforce)
        if (Status claimed = claim_machine(); !claimed) return claimed;
    use(*configuration_.rules);
    // Only what is touched: 7 MiB. All of the libraries that libsystemd brings, for what memtuned never asks of it,
    // would be 12, and a trigger's thread a stack of 8 MiB that it never uses.
    if (::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) < 0)
        degrade("memory lock",
                system_error("memory is not locked, so memtuned itself can be swapped out", errno).message);
    if (kernel::memory_controller_is_v1(root_))
        degrade("vm.swappiness",
                "the memory controller is on cgroup v1, where vm.swappiness reaches the root group only");
    loop_.add(signals_.fd(), EPOLLIN, [this](std::uint32_t) { handle_signal(); });
    loop_.add(controller_.finished_fd(), EPOLLIN, [this](std::uint32_t) { say_finished_triggers(); });
    loop_.add(timer_.fd(), EPOLLIN, [this](std::uint32_t) {
        timer_.acknowledge();
        tick(BootClock::now());
    });
    open_triggers();
    return Done{};
}

/// Makes sure that nobody else writes here, and that what a crashed run left is put back.
Status Daemon::claim_machine() {
    if (::geteuid() != 0)
        return Error{"only root can write tunables; run it with sudo, or with --observe to see what it would do",
                     EPERM};
    Result<InstanceLock> lock = InstanceLock::take(root_ / "run/memtuned/lock");
    if (!lock) return lock.error();
    lock_.emplace(std::move(*lock));
    if (Status loaded = journal_.load(); !loaded) return loaded;
    if (!journal_.scores().empty()) {
        look_after_units();
        controller_.look_after(units_, processes_);  // also without units: their processes are known by the journal
    }
    if (!journal_.entries().empty() || !journal_.scores().empty()) {
        spdlog::warn("a former run ended without putting its values back; doing so now");
        report_restored(controller_.restore_all([](std::size_t) { return false; }));
    }
    take_up_overrides();
    return Done{};
}

void Daemon::take_up_overrides() {
    const Result<std::vector<policy::Override>> left = override_file_.load();
    if (!left) return spdlog::warn("the overrides of a former run are lost, ignoring: {}", left.error().message);
    policy_.bring_back(*left);
    met_.reset();  // those for units find theirs
    for (const policy::Override& o : *left)
        spdlog::info("override of {} goes on: {}",
                     o.unit.empty() ? std::string(tunables::about(o.tunable).name) : tunables::score_name(o.unit),
                     o.reason);
}

void Daemon::keep_overrides() {
    if (const Status kept = override_file_.keep(policy_.overrides()); !kept)
        spdlog::warn("overrides will not survive a restart, ignoring: {}", kept.error().message);
}

void Daemon::look_after_units() {
    if (looks_after_units_) return;
    if (const Status started = units_.start(); !started)
        return degrade("services", fmt::format("services are not looked after: {}", started.error().message));
    looks_after_units_ = true;
    if (!units_.not_watched().empty()) degrade("services", units_.not_watched());
    allow_open_files();
    controller_.look_after(units_, processes_);
    if (units_.fd() >= 0)
        loop_.add(units_.fd(), EPOLLIN, [this](std::uint32_t) {
            const Instant now = BootClock::now();
            units_.refresh(now);
            wake_soon(now);
        });
}

/// Brings what looks at units in line with the rules.
void Daemon::use(const rules::RuleSet& rules) {
    if (rules.about_units() || options_.bus != "none") look_after_units();
    controller_.allow_unkillable(configuration_.settings->allow_unkillable);
    sampler_ = indicators::Sampler(root_, rules.keys, looks_after_units_ ? &units_ : nullptr, rules.own);
    met_.reset();
    others_.reset();
    rules_loaded_ = BootClock::now();
    ::malloc_trim(0);  // what it took to read the rules: half of the heap
}

void Daemon::degrade(std::string subject, std::string reason) {
    spdlog::warn("degraded: {}", reason);
    degraded_.emplace_back(std::move(subject), std::move(reason));
}

int Daemon::run() {
    bool well = true;
    try {
        serve();
    } catch (const std::exception& failure) {  // out of memory, for one: what was changed is put back all the same
        spdlog::critical("{}; stopping", failure.what());
        well = false;
    }
    return stop() && well ? 0 : 1;
}

void Daemon::serve() {
    deadline_ = BootClock::now();
    next_report_ = deadline_ + rules::shortest_interval;  // the first sample has no rates to show
    introduce();
    tick(deadline_);
    supervisor_.ready(status());
    const Duration longest_wait = supervisor_.watchdog_interval().value_or(std::chrono::minutes(1));
    while (!stopping_) {
        bus_.serve(BootClock::now());
        wait_on_bus();
        loop_.turn(std::min(longest_wait, waits_on_bus_.longest.value_or(longest_wait)));
        supervisor_.feed_watchdog(BootClock::now());
    }
}

/// The descriptor only ends the wait: the bus is served at the top of each turn.
void Daemon::wait_on_bus() {
    const bus::Bus::Wait now = bus_.wait(BootClock::now());
    const bus::Bus::Wait before = std::exchange(waits_on_bus_, now);
    const bool same = now.connection == before.connection && now.fd == before.fd;
    if (same && now.events == before.events) return;
    if (same) return now.fd >= 0 ? loop_.change(now.fd, now.events) : void();
    if (before.fd >= 0) loop_.remove(before.fd);
    if (now.fd >= 0) loop_.add(now.fd, now.events, [](std::uint32_t) {});
}

void Daemon::introduce() {
    const rules::RuleSet& rules = *configuration_.rules;
    const rules::Settings& settings = *configuration_.settings;
    spdlog::info("memtuned {}: profile {} ({} rules), {}, sampling every {}, every {} when busy", MEMTUNED_VERSION,
                 rules.profile, rules.rules.size(),
                 settings.observe ? "only observing: nothing is written" : "enforcing",
                 format_quantity(seconds(settings.idle), dimension::seconds),
                 format_quantity(seconds(settings.busy), dimension::seconds));
    if (!rules.keys.empty())
        spdlog::info("reading {} indicators from {}", rules.keys.size(), fmt::join(sampler_.files(), ", "));
    if (looks_after_units_) {
        const auto there = [](const kernel::Unit& unit) { return !unit.name.empty(); };
        spdlog::info("looking after services: {} units are there", std::ranges::count_if(units_.units(), there));
    }
}

// --- waking up ---

void Daemon::open_triggers() {
    using kernel::Resource;
    using kernel::Stalled;
    using std::chrono::milliseconds;
    struct Wanted {
        Resource resource;
        Stalled who;
        Duration stall;
        const char* name;
    };
    // GLib's low memory warning stands at 70 ms of 2 s; the trigger only makes us look, so a little earlier will do.
    static constexpr Wanted wanted[] = {{Resource::memory, Stalled::some, milliseconds(50), "memory some"},
                                        {Resource::memory, Stalled::full, milliseconds(30), "memory full"},
                                        {Resource::io, Stalled::full, milliseconds(200), "io full"}};
    for (const Wanted& one : wanted) {
        Result<kernel::PressureTrigger> trigger =
            kernel::PressureTrigger::open(root_, one.resource, one.who, one.stall, std::chrono::seconds(1));
        if (!trigger) {
            degrade("pressure triggers", fmt::format("no wake-up on {} pressure, sampling alone sees it: {}",
                                                     one.name, trigger.error().message));
            continue;
        }
        const int fd = trigger->fd();
        loop_.add(fd, EPOLLPRI, [this, fd, &one](std::uint32_t events) {
            spdlog::debug("woken by {} pressure", one.name);
            woken_by_pressure(fd, events);
        });
        triggers_.push_back(std::move(*trigger));
    }
}

void Daemon::woken_by_pressure(int fd, std::uint32_t events) {
    if ((events & EPOLLERR) != 0) {  // a dead trigger is ready for ever
        spdlog::warn("a pressure trigger died, sampling alone sees pressure from here on");
        loop_.remove(fd);
        std::erase_if(triggers_, [fd](const kernel::PressureTrigger& t) { return t.fd() == fd; });
        return;
    }
    const Instant now = BootClock::now();
    const Duration busy_for = configuration_.settings->busy_for;
    if (!pressed_ || now - *pressed_ > busy_for) busy_until_ = now + busy_for;
    pressed_ = now;
    wake_soon(now);
}

void Daemon::wake_soon(Instant now) {
    deadline_ = std::min(deadline_, std::max(now, last_tick_ + configuration_.settings->busy));
    timer_.set(deadline_);
}

void Daemon::schedule(Instant now, const policy::Turn& turn) {
    const rules::Settings& settings = *configuration_.settings;
    const bool news = !turn.decisions.empty() || !turn.events.empty();
    if (turn.busy && news) busy_until_ = now + settings.busy_for;
    interval_ = settings.idle;
    if (others_) interval_ = std::min(interval_, watched_interval);
    if (turn.busy) interval_ = std::min(interval_, settings.settled());
    if (now < busy_until_ || controller_.waiting()) interval_ = settings.busy;
    // From the last deadline, so that lateness does not add up; never sooner than a whole shortest interval from now.
    deadline_ = std::max(deadline_ + interval_, now + std::min<Duration>(interval_, rules::shortest_interval));
    for (const policy::Override& o : policy_.overrides())
        if (o.expires) deadline_ = std::min(deadline_, std::max(*o.expires, now + rules::shortest_interval));
    timer_.set(deadline_);
}

void Daemon::handle_signal() {
    const int number = signals_.take();
    if (number == SIGHUP) reload();
    if (number == SIGTERM || number == SIGINT) stopping_ = true;
}

// --- one turn ---

/// Units that came or went, and processes in them.
void Daemon::follow_units(Instant now) {
    units_.refresh(now);
    if (met_ != units_.version()) {
        met_ = units_.version();
        controller_.meet_units();
        policy_.meet(units_.units());
    }
    controller_.keep_up(now);
    for (const tunables::Note& note : controller_.take_notes())
        spdlog::log(note.common ? spdlog::level::debug : spdlog::level::warn, "{}: {}", note.tunable, note.text);
}

void Daemon::tick(Instant now) {
    last_tick_ = now;
    if (looks_after_units_) follow_units(now);
    const indicators::Sample& sample = sampler_.take(now, configuration_.settings->longest_step());
    controller_.refresh(policy_.tunables(), now);
    const policy::Turn turn = policy_.turn(sample, controller_.readings());
    say_events(0, now);
    carry_out(turn.decisions, now);
    if (lock_) keep_overrides();
    measure_for_others(now);
    look_at_unclaimed(now);
    bus_.turn_taken(now);
    if (!turn.decisions.empty() || !turn.events.empty()) supervisor_.status(status());
    if (!std::exchange(said_unavailable_, true)) say_unavailable();
    if (terminal_ && now >= next_report_) {
        say_sample(sample);
        next_report_ = now + report_every;
    }
    schedule(now, turn);
}

Outcome Daemon::order(const Decision& decision) {
    switch (decision.order) {
        case Decision::Order::write: return controller_.write(decision.tunable, decision.to);
        case Decision::Order::take_back: return controller_.take_back(decision.tunable, decision.to);
        case Decision::Order::release: return controller_.release(decision.tunable);
        case Decision::Order::disown: return controller_.disown(decision.tunable);
        case Decision::Order::rebase: return controller_.rebase(decision.tunable);
        case Decision::Order::fire: return controller_.fire(decision.tunable, decision.to);
    }
    return {Outcome::Kind::failed, 0, {}};
}

void Daemon::carry_out(std::span<const Decision> decisions, Instant now) {
    std::vector<tunables::UnitOrder> unit_orders;
    for (const Decision& decision : decisions) {
        if (tunables::is_of_unit(decision.tunable))
            unit_orders.push_back(unit_order(decision));
        else
            settle(decision, order(decision), now);
    }
    const std::vector<Outcome> outcomes = controller_.order(unit_orders, now);
    auto outcome = outcomes.begin();
    for (const Decision& decision : decisions)
        if (tunables::is_of_unit(decision.tunable)) settle(decision, *outcome++, now);
}

void Daemon::settle(const Decision& decision, const Outcome& outcome, Instant now) {
    const std::size_t events_before = policy_.events().size();
    policy_.carried_out(decision, outcome, now);
    say_events(events_before, now);
    const std::string& name = decision.name;
    const bool observed = outcome.kind == Outcome::Kind::observed;
    if (outcome.kind == Outcome::Kind::started || (observed && decision.order == Decision::Order::fire))
        spdlog::info("{} {} {}: {}: {}", observed ? "would fire" : "firing", name, decision.to, decision.source,
                     decision.reason);
    else if (outcome.kind == Outcome::Kind::written || observed)
        spdlog::info("{}{} {} -> {}{}: {}: {}", observed ? "would set " : "", name,
                     value_text(decision.tunable, decision.from), value_text(decision.tunable, outcome.value),
                     outcome.value == decision.to ? "" : fmt::format(" ({} was asked for)", decision.to),
                     decision.source, decision.reason);
    const bool done = observed || outcome.kind == Outcome::Kind::written || outcome.kind == Outcome::Kind::started;
    if (done) {
        const std::int64_t to = decision.order == Decision::Order::fire ? decision.to : outcome.value;
        history_.add({std::chrono::system_clock::now(), name, decision.from, to, decision.source, decision.reason});
        bus_.tell(history_.decisions().back(), now);
    }
    if (outcome.kind == Outcome::Kind::written && !outcome.error.message.empty())
        spdlog::error("{}: {}", name, outcome.error.message);
}

void Daemon::say_events(std::size_t from, Instant now) {
    const std::span<const Event> events = policy_.events();
    for (std::size_t i = from; i < events.size(); ++i) {
        const Event& event = events[i];
        const bool rule = event.kind == Event::Kind::rule;
        const auto level = event.fleeting ? spdlog::level::debug : rule ? spdlog::level::info : spdlog::level::warn;
        spdlog::log(level, "{}{} {}", rule ? "rule " : "", event.subject, event.text);
        bus_.tell(event, now);
    }
}

void Daemon::say_finished_triggers() {
    for (const tunables::Controller::Finished& one : controller_.finished()) {
        const std::string took = format_quantity(seconds(one.took), dimension::seconds);
        if (one.status)
            spdlog::info("{} {} took {}", tunables::about(one.trigger).name, one.value, took);
        else
            spdlog::error("{} {} failed after {}: {}", tunables::about(one.trigger).name, one.value, took,
                          one.status.error().message);
    }
}

void Daemon::say_sample(const indicators::Sample& sample) {
    std::string line;
    for (std::size_t slot = 0; slot < sampler_.keys().size(); ++slot) {
        const indicators::Key& key = sampler_.keys()[slot];
        const Dimension dimension = indicators::catalogue()[key.indicator].dimension;
        const std::string value =
            sample.unavailable[slot] != 0 ? "unavailable" : format_quantity(sample.values[slot], dimension);
        line += fmt::format("{}{} {}", line.empty() ? "" : ", ", to_string(key), value);
    }
    spdlog::info("sees {}", line);
}

void Daemon::say_unavailable() {
    for (std::size_t slot = 0; slot < sampler_.keys().size(); ++slot)
        if (const std::string_view why = sampler_.why_unavailable(slot); !why.empty())
            spdlog::warn("{} is unavailable, rules that need it do nothing: {}", to_string(sampler_.keys()[slot]),
                         why);
}

std::string Daemon::status() const {
    std::size_t active = 0;
    for (const policy::RuleMachine& rule : policy_.rules())
        if (rule.state() == policy::RuleState::active) ++active;
    std::size_t ours = 0;
    for (const tunables::Reading& reading : controller_.readings())
        if (reading.ours) ++ours;
    std::string text =
        fmt::format("profile {}{}, {} rules active, {} tunables changed", configuration_.rules->profile,
                    controller_.mode() == Mode::observe ? " (observing)" : "", active, ours);
    if (!degraded_.empty()) text += fmt::format("; degraded: {}", degraded_.front().second);
    return text;
}

// --- reload and the end ---

std::pair<bus::Refusal, std::string> Daemon::load(const Options& options) {
    supervisor_.reloading();
    rules::Diagnostics diagnostics;
    std::optional<Configuration> loaded = load_configuration(options, diagnostics);
    if (!loaded) {
        const std::string errors = diagnostics.render_all();
        spdlog::error("reload refused, what ran runs on:\n{}", errors);
        bus_.tell_reload_failed(errors, BootClock::now());
        supervisor_.ready(status());
        return {bus::Refusal::invalid_rules, errors};
    }
    if (!diagnostics.empty()) spdlog::warn("{}", diagnostics.render_all());
    policy::Policy next(loaded->rules, loaded->settings);
    next.adopt(policy_);
    policy_ = std::move(next);
    configuration_ = std::move(*loaded);
    use(*configuration_.rules);
    if (const Status changed = change_mode(configuration_.settings->observe ? Mode::observe : Mode::enforce);
        !changed)
        spdlog::error("still only observing: {}", changed.error().message);
    spdlog::info("reloaded: profile {} ({} rules)", configuration_.rules->profile,
                 configuration_.rules->rules.size());
    supervisor_.ready(status());
    said_unavailable_ = false;
    // Not at once: two readings of PSI must not come closer than the shortest interval.
    deadline_ = std::max(BootClock::now(), last_tick_ + rules::shortest_interval);
    timer_.set(deadline_);
    return {};
}

/// What was written is put back before observing begins, and what was only imagined is forgotten before writing does.
Status Daemon::change_mode(Mode mode) {
    if (mode == controller_.mode()) return Done{};
    if (mode == Mode::enforce && !lock_)
        if (Status claimed = claim_machine(); !claimed) return claimed;
    if (mode == Mode::observe) {
        const std::vector<Restored> restored = controller_.restore_all([](std::size_t) { return false; });
        report_restored(restored);
        tell_restored(restored);
    }
    controller_.set_mode(mode);
    for (std::size_t i = 0; i < tunables::catalogue().size(); ++i) policy_.resume(i);
    for (const std::size_t i : policy_.tunables()) policy_.resume(i);
    return Done{};
}

void Daemon::tell_restored(const std::vector<Restored>& restored) {
    for (const Restored& one : restored)
        if (one.kind == Restored::Kind::restored)
            bus_.tell({std::chrono::system_clock::now(), one.tunable, one.from, one.to, "memtuned", "put back"},
                      BootClock::now());
}

bool Daemon::stop() {
    supervisor_.stopping();
    if (controller_.mode() == Mode::observe) {
        spdlog::info("stopped; nothing was written, so nothing is to be put back");
        return true;
    }
    const auto keep = [this](std::size_t i) { return configuration_.settings->of(i).keep_on_exit; };
    const std::vector<Restored> restored = controller_.restore_all(keep);
    const bool well = report_restored(restored);
    tell_restored(restored);
    if (const std::size_t left = override_file_.kept())
        spdlog::info("{} with memtuned; memtunectl clear ends {}",
                     left == 1 ? "1 override comes back" : fmt::format("{} overrides come back", left),
                     left == 1 ? "it" : "them");
    if (restored.empty())
        spdlog::info("stopped; every value is as it was found");
    else if (well)
        spdlog::info("stopped; {} put back",
                     restored.size() == 1 ? "one value was" : fmt::format("{} values were", restored.size()));
    else
        spdlog::error("stopped; not every value could be put back, memtuned --restore tries again");
    return well;
}

}  // namespace memtuned::daemon
