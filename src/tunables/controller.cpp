// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/controller.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include "memtuned/kernel/machine.hpp"
#include "tunables/books.hpp"
#include "tunables/gate.hpp"
#include "tunables/machine_reader.hpp"
#include "tunables/scores.hpp"
#include "tunables/trigger_thread.hpp"

namespace memtuned::tunables {
namespace {

using Entry = Journal::Entry;

/// zoneinfo's cost grows with cpus times zones, and a tunable that depends on it is written once a second at most.
constexpr Duration limits_interval = std::chrono::seconds(1);
constexpr Duration idle_limits_interval = std::chrono::minutes(1);

Outcome failed(std::int64_t value, Error error) {
    return {Outcome::Kind::failed, value, std::move(error)};
}

/// For what was done in the kernel, with the error of the journal if that failed after it.
Outcome done(Outcome::Kind kind, std::int64_t value, const Status& journal) {
    return {kind, value, journal ? Error{} : journal.error()};
}

Error no_effect(std::size_t tunable, std::int64_t value, std::int64_t held) {
    return {fmt::format("{}: wrote {}, but it still holds {}", about(tunable).name, value, held), EIO};
}

/// The write that puts a tunable back. A twin that was 0 was not in force, and its 0 cannot always be written
/// (dirty_bytes refuses it): writing the other one's former value zeroes this one.
struct WayBack {
    WayBack(std::size_t i, std::int64_t boot, std::int64_t twin_boot) : tunable(i), value(boot) {
        if (about(i).twin == no_twin || boot != 0) return;
        if (twin_boot == 0 && about(i).minimum == 0) return;
        tunable = about(i).twin;
        value = twin_boot;
    }
    std::size_t tunable;
    std::int64_t value;
};

}  // namespace

struct Controller::State {
    using Purpose = Gate::Purpose;
    using Passed = Gate::Passed;

    State(const kernel::Root& root, kernel::SysctlFiles& files_, Journal& journal_, Mode mode);

    void refresh(std::span<const std::size_t> wanted, Instant now);
    bool machine_due(std::span<const std::size_t> wanted, Instant now) const;
    void refresh_value(std::size_t i);
    void refresh_trigger(std::size_t i);
    void note(std::size_t i, std::int64_t real);

    bool moves_watermarks(std::size_t i) const { return i == min_free || i == scale_factor; }
    Result<std::int64_t> ceiling(std::size_t i);
    void bound_by_machine(std::size_t i);
    Result<std::int64_t> below_ceiling(std::size_t i, std::int64_t real, std::int64_t value);
    std::optional<Error> out_of_range(std::size_t i, std::int64_t value) const;

    Result<Passed> to_kernel(std::size_t i, std::int64_t value, const Entry* announced, Purpose purpose);
    Result<Passed> put_back(std::size_t i, WayBack way, std::int64_t real, Purpose purpose);
    Result<std::int64_t> read_twin(std::size_t i);

    Outcome write(std::size_t i, std::int64_t value, bool over_foreign);
    Outcome change(std::size_t i, std::int64_t real, std::int64_t value);
    Outcome refused(std::size_t i, std::int64_t real, std::int64_t value, Error error);
    Outcome settle(const Entry& announced, std::size_t i, std::int64_t real, bool first);
    Outcome release(std::size_t i);
    Outcome give_up(std::size_t i, Outcome::Kind kind, std::int64_t real, std::int64_t value);
    Outcome disown(std::size_t i);
    Outcome rebase(std::size_t i);
    Outcome fire(std::size_t i, std::int64_t value);
    Restored restore(const Entry& entry, const std::function<bool(std::size_t)>& keep);

    kernel::SysctlFiles& files;
    Journal& journal;
    Gate gate;
    Books books;
    MachineReader machine;
    bool machine_known = false;
    std::optional<Instant> machine_read;
    std::vector<Reading> readings{catalogue().size()};
    std::vector<bool> asked = std::vector<bool>(catalogue().size());  ///< nothing new is to be had from the file
    const std::size_t min_free = *find("vm.min_free_kbytes");
    const std::size_t scale_factor = *find("vm.watermark_scale_factor");
    std::optional<Scores> scores;
    TriggerThread triggers;  // last: its end waits for a write that uses `files`
};

Controller::State::State(const kernel::Root& root, kernel::SysctlFiles& files_, Journal& journal_, Mode mode)
    : files(files_), journal(journal_), gate(mode), books(journal_, gate), machine(root, files_) {
    for (std::size_t i = 0; i < readings.size(); ++i) {
        readings[i].hard_minimum = about(i).minimum;
        readings[i].hard_maximum = readings[i].ceiling = about(i).maximum;
        readings[i].safe_minimum = about(i).safe_minimum;
        readings[i].safe_maximum = about(i).safe_maximum;
    }
    // The one range that depends on the machine's page size: two pages.
    readings[*find("vm.dirty_bytes")].hard_minimum = static_cast<std::int64_t>(2 * kernel::page_size());
}

// Reading

void Controller::State::refresh(std::span<const std::size_t> wanted, Instant now) {
    if (machine_due(wanted, now)) {
        machine_known = static_cast<bool>(machine.refresh());
        machine_read = now;
    }
    for (const std::size_t i : wanted) {
        if (is_of_unit(i))
            scores->refresh(place_of(i), now, readings[i]);
        else
            about(i).trigger ? refresh_trigger(i) : refresh_value(i);
    }
    for (const std::size_t i : wanted)
        if (moves_watermarks(i)) bound_by_machine(i);
}

/// The zones are the dearest file of all. While nothing that moves their marks is ours they are read now and then,
/// for memory that is plugged in: the first write looks at them afresh in any case.
bool Controller::State::machine_due(std::span<const std::size_t> wanted, Instant now) const {
    const auto watermarks = [this](std::size_t i) { return moves_watermarks(i); };
    const auto claimed = [this](std::size_t i) { return moves_watermarks(i) && books.claimed(i); };
    if (std::ranges::none_of(wanted, watermarks)) return false;
    return !machine_read ||
           now - *machine_read >= (std::ranges::any_of(wanted, claimed) ? limits_interval : idle_limits_interval);
}

void Controller::State::refresh_value(std::size_t i) {
    // A file that this kernel lacks does not appear later, and the error would be made anew each tick.
    if (asked[i]) return;
    const auto real = files.read(about(i).path);
    readings[i].available = static_cast<bool>(real);
    readings[i].error = real ? 0 : real.error().code != 0 ? real.error().code : EBADMSG;
    asked[i] = readings[i].error == ENOENT;
    if (real) note(i, *real);
}

void Controller::State::refresh_trigger(std::size_t i) {
    // Reading one is refused, but not for want of the file.
    if (asked[i]) return;
    const auto nothing = files.read(about(i).path);
    readings[i].available = nothing || nothing.error().code != ENOENT;
    readings[i].error = readings[i].available ? 0 : ENOENT;
    asked[i] = true;
}

void Controller::State::note(std::size_t i, std::int64_t real) {
    Reading& reading = readings[i];
    reading.value = books.shown(i, real);
    reading.ours = books.claimed(i);
    reading.boot = books.boot(i, real);
    reading.kernel_made = i == min_free && machine_known && is_kernel_made(machine.machine(), reading.value);
}

// Limits

/// From the machine as last read.
Result<std::int64_t> Controller::State::ceiling(std::size_t i) {
    const std::size_t other = i == min_free ? scale_factor : min_free;
    const auto real = files.read(about(other).path);
    if (!real) return real.error();
    const std::int64_t value = books.shown(other, *real);
    return i == min_free ? greatest_min_free_kbytes(machine.machine(), value)
                         : greatest_watermark_scale_factor(machine.machine(), value);
}

void Controller::State::bound_by_machine(std::size_t i) {
    Reading& reading = readings[i];
    if (!reading.available) return;
    const auto greatest = machine_known ? ceiling(i) : Result<std::int64_t>(Error{});
    // Where nothing is known about the zones, nothing is raised.
    reading.ceiling = std::max(reading.boot, greatest ? *greatest : reading.value);
    if (i == min_free) reading.safe_maximum = greatest ? safe_min_free_kbytes(machine.machine()) : reading.ceiling;
}

/// `value`, or less where it would put a watermark too high as things are now.
Result<std::int64_t> Controller::State::below_ceiling(std::size_t i, std::int64_t real, std::int64_t value) {
    const std::int64_t boot = books.boot(i, real);
    if (!moves_watermarks(i) || value <= boot) return value;
    const auto fresh = machine.refresh();
    machine_known = static_cast<bool>(fresh);
    const auto greatest = fresh ? ceiling(i) : Result<std::int64_t>(fresh.error());
    if (greatest) return std::min(value, std::max(boot, *greatest));
    if (value <= books.shown(i, real)) return value;
    return Error{fmt::format("{}: not raised to {}, as the watermarks cannot be foreseen: {}", about(i).name, value,
                             greatest.error().message),
                 greatest.error().code};
}

std::optional<Error> Controller::State::out_of_range(std::size_t i, std::int64_t value) const {
    const Reading& reading = readings[i];
    if (value >= reading.hard_minimum && value <= reading.hard_maximum) return std::nullopt;
    return Error{fmt::format("{}: {} is not within {} and {}", about(i).name, value, reading.hard_minimum,
                             reading.hard_maximum),
                 ERANGE};
}

// Writing

/// Nothing else calls files.write().
auto Controller::State::to_kernel(std::size_t i, std::int64_t value, const Entry* announced, Purpose purpose)
    -> Result<Passed> {
    const auto announce = [&]() -> Status { return announced == nullptr ? Done{} : journal.put(*announced); };
    const auto write = [this, i, value]() -> Status {
        const auto written = files.write(about(i).path, value);
        if (written) return Done{};
        return system_error(fmt::format("{}: cannot write {}", about(i).name, value), written.error().code);
    };
    const auto act = [&]() -> Status {
        if (!about(i).trigger) return write();
        if (const auto started = triggers.start(i, value, write); !started)
            return Error{fmt::format("{}: {}", about(i).name, started.error().message), started.error().code};
        return Done{};
    };
    return gate.pass(purpose, about(i).name, announce, act);
}

Outcome Controller::State::write(std::size_t i, std::int64_t value, bool over_foreign) {
    assert(!is_of_unit(i) && !about(i).trigger);
    const auto real = files.read(about(i).path);
    if (!real) return failed(readings[i].value, real.error());
    note(i, *real);
    if (!over_foreign && books.claimed(i) && !books.still_ours(i, *real)) return {Outcome::Kind::foreign, *real, {}};
    const std::int64_t present = books.shown(i, *real);
    const auto bounded = below_ceiling(i, *real, value);
    if (!bounded) return failed(present, bounded.error());
    if (*bounded == present) return {Outcome::Kind::same, present, {}};
    if (auto error = out_of_range(i, *bounded)) return failed(present, std::move(*error));
    return change(i, *real, *bounded);
}

Result<std::int64_t> Controller::State::read_twin(std::size_t i) {
    if (about(i).twin == no_twin) return std::int64_t{0};
    return files.read(about(about(i).twin).path);
}

Outcome Controller::State::change(std::size_t i, std::int64_t real, std::int64_t value) {
    const auto twin = read_twin(i);
    if (!twin) return failed(books.shown(i, real), twin.error());
    const Entry announced = books.announcement(i, real, *twin, value);
    const bool first = !books.claimed(i);
    const auto passed = to_kernel(i, value, &announced, Purpose::order);
    if (!passed) {
        books.withdraw(i, first);
        return refused(i, real, value, passed.error());
    }
    if (*passed == Passed::written) return settle(announced, i, real, first);
    books.shadow(announced, i, real);
    note(i, real);
    return {Outcome::Kind::observed, value, {}};
}

Outcome Controller::State::refused(std::size_t i, std::int64_t real, std::int64_t value, Error error) {
    const std::int64_t older = about(i).older_maximum;
    Reading& reading = readings[i];
    if (error.code == EINVAL && value > older && older < reading.hard_maximum) {
        reading.hard_maximum = older;
        reading.safe_maximum = std::min(reading.safe_maximum, older);
        reading.ceiling = std::min(reading.ceiling, older);
        error.message += fmt::format("; taking {} as this kernel's maximum", older);
    }
    return failed(real, std::move(error));
}

Outcome Controller::State::settle(const Entry& announced, std::size_t i, std::int64_t real, bool first) {
    const auto back = files.read(about(i).path);
    const std::int64_t held = back ? *back : announced.next;
    if (held == real) {
        books.withdraw(i, first);
        return failed(real, no_effect(i, announced.next, real));
    }
    const auto kept = books.settle(announced, i, held);
    note(i, held);
    return done(Outcome::Kind::written, held, kept);
}

// Giving back

auto Controller::State::put_back(std::size_t i, WayBack way, std::int64_t real, Purpose purpose) -> Result<Passed> {
    auto passed = to_kernel(way.tunable, way.value, nullptr, purpose);
    if (!passed || *passed == Passed::observed) return passed;
    const auto back = files.read(about(i).path);
    if (back && *back == real) return no_effect(way.tunable, way.value, real);
    return passed;
}

Outcome Controller::State::give_up(std::size_t i, Outcome::Kind kind, std::int64_t real, std::int64_t value) {
    const auto forgotten = books.forget(i);
    note(i, real);
    return done(kind, value, forgotten);
}

Outcome Controller::State::release(std::size_t i) {
    const auto real = files.read(about(i).path);
    if (!real) return failed(readings[i].value, real.error());
    if (!books.claimed(i)) return {Outcome::Kind::same, *real, {}};
    const std::int64_t boot = books.boot(i, *real);
    const std::int64_t present = books.shown(i, *real);
    if (present == boot) return give_up(i, Outcome::Kind::same, *real, boot);
    if (!books.still_ours(i, *real)) return give_up(i, Outcome::Kind::foreign, *real, *real);
    const auto passed = put_back(i, WayBack(i, boot, books.twin_boot(i)), *real, Purpose::order);
    if (!passed) return failed(present, passed.error());
    if (*passed == Passed::observed) return give_up(i, Outcome::Kind::observed, *real, boot);
    return give_up(i, Outcome::Kind::written, boot, boot);
}

Outcome Controller::State::disown(std::size_t i) {
    const auto forgotten = books.forget(i);
    // The claim ends even if the value cannot be read; then the last one known has to do.
    const auto real = files.read(about(i).path);
    note(i, real ? *real : readings[i].value);
    if (!forgotten) return failed(readings[i].value, forgotten.error());
    return {Outcome::Kind::same, readings[i].value, {}};
}

Outcome Controller::State::rebase(std::size_t i) {
    const auto real = files.read(about(i).path);
    if (!real) return failed(readings[i].value, real.error());
    const auto twin = read_twin(i);
    if (!twin) return failed(*real, twin.error());
    const auto kept = books.rebase(i, *real, *twin);
    note(i, *real);
    if (!kept) return failed(*real, kept.error());
    return {Outcome::Kind::same, *real, {}};
}

Restored Controller::State::restore(const Entry& entry, const std::function<bool(std::size_t)>& keep) {
    Restored report{entry.tunable, Restored::Kind::failed, 0, entry.boot, 0, {}};
    const auto i = find(entry.tunable);
    if (!i) {
        report.error = {fmt::format("{}: not a tunable that this memtuned knows", entry.tunable), ENOENT};
        return report;
    }
    const auto real = files.read(about(*i).path);
    if (!real) {
        report.error = real.error();
        return report;
    }
    report.from = *real;
    if (keep && keep(*i)) {
        report.kind = Restored::Kind::kept;
    } else if (*real == entry.boot) {
        report.kind = Restored::Kind::restored;
    } else if (*real != entry.ours && *real != entry.next) {
        report.kind = Restored::Kind::foreign;
    } else if (auto passed = put_back(*i, WayBack(*i, entry.boot, entry.twin_boot), *real, Purpose::undo); !passed) {
        report.error = passed.error();
        return report;
    } else {
        report.kind = Restored::Kind::restored;
    }
    if (const auto erased = journal.erase(entry.tunable); !erased) report.error = erased.error();
    note(*i, report.kind == Restored::Kind::restored ? entry.boot : *real);
    return report;
}

Outcome Controller::State::fire(std::size_t i, std::int64_t value) {
    assert(about(i).trigger);
    if (auto error = out_of_range(i, value)) return failed(0, std::move(*error));
    const auto passed = to_kernel(i, value, nullptr, Purpose::order);
    if (!passed) return failed(0, passed.error());
    return {*passed == Passed::observed ? Outcome::Kind::observed : Outcome::Kind::started, value, {}};
}

// The interface

Controller::Controller(const kernel::Root& root, kernel::SysctlFiles& files, Journal& journal, Mode mode)
    : state_(std::make_unique<State>(root, files, journal, mode)) {}

Controller::~Controller() = default;

void Controller::refresh(std::span<const std::size_t> wanted, Instant now) {
    state_->refresh(wanted, now);
}

std::span<const Reading> Controller::readings() const {
    return state_->readings;
}

Outcome Controller::write(std::size_t tunable, std::int64_t value) {
    return state_->write(tunable, value, false);
}

Outcome Controller::take_back(std::size_t tunable, std::int64_t value) {
    return state_->write(tunable, value, true);
}

Outcome Controller::release(std::size_t tunable) {
    return state_->release(tunable);
}

Outcome Controller::disown(std::size_t tunable) {
    return state_->disown(tunable);
}

Outcome Controller::rebase(std::size_t tunable) {
    return state_->rebase(tunable);
}

Outcome Controller::fire(std::size_t trigger, std::int64_t value) {
    return state_->fire(trigger, value);
}

int Controller::finished_fd() const {
    return state_->triggers.finished_fd();
}

std::vector<Controller::Finished> Controller::finished() {
    return state_->triggers.finished();
}

void Controller::look_after(kernel::Units& units, kernel::Processes& processes) {
    if (!state_->scores) state_->scores.emplace(units, processes, state_->journal, state_->gate);
}

void Controller::allow_unkillable(bool allowed) {
    if (state_->scores) state_->scores->allow_unkillable(allowed);
}

void Controller::meet_units() {
    if (!state_->scores) return;
    state_->scores->meet();
    state_->readings.resize(of_unit(state_->scores->places()));
}

void Controller::keep_up(Instant now) {
    if (state_->scores) state_->scores->keep_up(now);
}

bool Controller::waiting() const {
    return state_->scores && state_->scores->waiting();
}

std::vector<Note> Controller::take_notes() {
    return state_->scores ? state_->scores->take_notes() : std::vector<Note>{};
}

std::vector<Outcome> Controller::order(std::span<const UnitOrder> orders, Instant now) {
    if (orders.empty()) return {};
    return state_->scores->order(orders, now);
}

std::vector<Restored> Controller::restore_all(const std::function<bool(std::size_t)>& keep) {
    std::vector<Restored> reports;
    if (state_->scores) reports = state_->scores->restore(keep && keep(catalogue().size()));
    const std::vector<Entry> entries = state_->journal.entries();
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry)
        reports.push_back(state_->restore(*entry, keep));
    return reports;
}

void Controller::set_mode(Mode mode) {
    if (mode == state_->gate.mode()) return;
    state_->gate.set_mode(mode);
    state_->books.turn_over();
    if (state_->scores) state_->scores->turn_over();
}

Mode Controller::mode() const {
    return state_->gate.mode();
}

}  // namespace memtuned::tunables
