// SPDX-License-Identifier: GPL-2.0-or-later
#include "tunables/scores.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <tuple>
#include <utility>

namespace memtuned::tunables {
namespace {

using kernel::ProcessFacts;
using kernel::Unit;

/// A batch is gone through again for what was forked meanwhile, and something that forks without end must not hold
/// the loop: what is left is met in the next tick.
constexpr int most_rounds = 5;

/// A service that starts sets its score between fork and exec, a few milliseconds; a loaded machine takes longer.
constexpr Duration starting_up = std::chrono::seconds(2);

/// Protection below what the author chose is in less of a hurry, and what is handed on by mistake stays. An sshd is
/// ready within 20 ms, in an emulated machine with much else to do after seconds.
constexpr Duration lowered_after = std::chrono::seconds(5);

/// One process is looked at for each 25 ms that pass: four in a busy tick (24 us), and 2,000 in under a minute.
constexpr Duration look_every = std::chrono::milliseconds(25);
constexpr std::size_t most_looks = 80;

/// A batch writes its first processes that much before its last ones, and later than the tick began that it belongs
/// to.
constexpr Duration longest_batch = std::chrono::seconds(2);

/// On the way out there is no next tick.
constexpr int most_batches = 20;

/// How long the score shown for a unit that is not ours may be old; one that is written is read first in any case.
constexpr Duration show_for = std::chrono::seconds(10);

/// A start time is counted in clock ticks, so it tells an order only beyond one of them.
Duration clock_tick() {
    static const long per_second = ::sysconf(_SC_CLK_TCK);
    return std::chrono::nanoseconds(1'000'000'000 / std::max(per_second, 1L));
}

Instant start_of(const kernel::ProcessId& id) {
    return Instant{clock_tick() * id.start};
}

bool gone(int error) {
    return error == ESRCH || error == ENOENT;
}

/// What cannot be read for another reason than that (no descriptor left) is there still.
bool is_over(const Result<ProcessFacts>& facts, const kernel::ProcessId& id) {
    return facts ? facts->id != id || facts->dead : gone(facts.error().code);
}

}  // namespace

Scores::Scores(kernel::Units& units, kernel::Processes& processes, Journal& journal, const Gate& gate)
    : units_(units), processes_(processes), journal_(journal), gate_(gate) {}

// Units

void Scores::meet() {
    const auto units = units_.units();
    claims_.resize(std::max(claims_.size(), units.size()));
    for (std::size_t place = 0; place < claims_.size(); ++place) {
        const std::string_view name = place < units.size() ? std::string_view(units[place].name) : "";
        if (claims_[place].name == name) continue;
        claims_[place] = Claim{};
        claims_[place].name = name;
        for (Held& held : held_) {
            if (held.place == place) held.place = nowhere;
            if (held.leaving == place) held.leaving = nowhere;
        }
    }
    stale_ = true;
}

bool Scores::any_ours() const {
    return std::ranges::any_of(claims_, [](const Claim& claim) { return claim.ours || claim.leaving; });
}

void Scores::note(const Claim& claim, std::string text, bool common) {
    notes_.push_back({score_name(claim.name), std::move(text), common});
}

/// Of a unit that is not ours the score of its first process is shown.
void Scores::refresh(std::size_t place, Instant now, Reading& reading) {
    Claim& claim = claims_[place];
    const bool observing = gate_.mode() == Mode::observe;
    const bool ours = claim.ours && !observing;
    reading = {.available = !claim.name.empty(), .ours = ours || claim.imagined};
    reading.hard_minimum = unkillable_allowed_ ? unkillable : unkillable + 1;
    reading.safe_minimum = reading.hard_minimum;
    reading.hard_maximum = reading.safe_maximum = reading.ceiling = oom_score_adj().maximum;
    if (!reading.available) return;
    if (!ours && (!claim.looked || now - *claim.looked >= show_for)) {
        claim.looked = now;
        units_.processes(units_.units()[place], pids_);
        const auto score = pids_.empty() ? Result<int>(0) : processes_.score(pids_.front());
        if (score) claim.found = *score;
    }
    reading.boot = ours ? claim.boot : claim.found;
    reading.value = ours ? claim.foreign.value_or(claim.value) : claim.imagined.value_or(claim.found);
}

// Who is where

Scores::Held* Scores::find(pid_t pid) {
    const auto at = std::ranges::lower_bound(held_, pid, {}, [](const Held& held) { return held.id.pid; });
    return at == held_.end() || at->id.pid != pid ? nullptr : &*at;
}

void Scores::gather() {
    members_.clear();
    for (std::size_t place = 0; place < claims_.size(); ++place)
        if (claims_[place].ours || claims_[place].leaving) gather(place);
    std::ranges::sort(members_, {}, [](const Member& m) { return std::tuple(m.pid, !m.ours, -m.depth); });
    const auto same = [](const Member& a, const Member& b) { return a.pid == b.pid; };
    members_.erase(std::unique(members_.begin(), members_.end(), same), members_.end());
}

void Scores::gather(std::size_t place) {
    const Unit& unit = units_.units()[place];
    units_.processes(unit, pids_);
    for (const pid_t pid : pids_) members_.push_back({pid, place, claims_[place].ours, unit.group.size()});
}

void Scores::place_held() {
    auto member = members_.begin();
    for (Held& held : held_) {
        while (member != members_.end() && member->pid < held.id.pid) ++member;
        const bool found = member != members_.end() && member->pid == held.id.pid;
        const std::size_t place = found && member->ours ? member->place : nowhere;
        if (std::exchange(held.place, place) != place) {
            held.refused.reset();
            held.child = false;
        }
        held.leaving = found && !member->ours ? member->place : nowhere;
        if (found)
            held.unit = claims_[member->place].name;
        else
            follow(held);
    }
}

/// Who is no longer in a unit of ours left it, or is dead.
void Scores::follow(Held& held) {
    if (held.last) return;
    const auto facts = processes_.look(held.id.pid);
    held.gone = is_over(facts, held.id) || held.standing != Standing::ours || (facts && must_not_touch(*facts));
    if (!held.gone && facts && !held.refused) haunts_.push_back(facts->group);
}

/// Enters what is new, parents before their children. Returns whether the journal has to know of any.
bool Scores::take_in(Instant now) {
    gather();
    place_held();
    std::erase_if(held_, [](const Held& held) { return held.gone; });
    std::vector<Newcomer> newcomers;
    meet_members(newcomers);
    meet_strays(newcomers);
    std::ranges::sort(newcomers, {}, [](const Newcomer& n) { return std::tuple(n.facts.id.start, n.facts.id.pid); });
    bool any = false;
    for (const auto& [facts, place] : newcomers)
        any = (place == nowhere ? enter_stray(facts, now) : enter(facts, place, now)) || any;
    return any;
}

void Scores::meet_members(std::vector<Newcomer>& newcomers) {
    auto held = held_.begin();
    for (const Member& member : members_) {
        while (held != held_.end() && held->id.pid < member.pid) ++held;
        if (held != held_.end() && held->id.pid == member.pid) continue;
        auto facts = processes_.look(member.pid);
        // Dead, or moved on, between the list and the look.
        if (!facts || facts->dead || !kernel::is_within(facts->group, units_.units()[member.place].group)) continue;
        newcomers.push_back({std::move(*facts), member.place});
    }
}

/// What somebody moved out of a unit before it was ever seen there has its parent's score on it.
void Scores::meet_strays(std::vector<Newcomer>& newcomers) {
    std::ranges::sort(haunts_);
    haunts_.erase(std::unique(haunts_.begin(), haunts_.end()), haunts_.end());
    for (const std::string& group : haunts_) {
        units_.processes_in(group, pids_);
        for (const pid_t pid : pids_) {
            if (find(pid) != nullptr || std::ranges::binary_search(members_, pid, {}, &Member::pid)) continue;
            const auto stranger = std::ranges::lower_bound(strangers_, pid);
            if (stranger != strangers_.end() && *stranger == pid) continue;
            strangers_.insert(stranger, pid);
            auto facts = processes_.look(pid);
            if (facts && !facts->dead) newcomers.push_back({std::move(*facts), nowhere});
        }
    }
}

bool Scores::must_not_touch(const ProcessFacts& facts) const {
    return facts.kernel_thread || facts.id.pid == 1 || facts.id.pid == ::getpid() ||
           !units_.hands_off(facts.group).empty();
}

void Scores::insert(Held held) {
    const auto at = std::ranges::lower_bound(held_, held.id.pid, {}, [](const Held& h) { return h.id.pid; });
    held_.insert(at, std::move(held));
}

bool Scores::enter(const ProcessFacts& facts, std::size_t place, Instant now) {
    if (find(facts.id.pid) != nullptr) return false;
    Claim& claim = claims_[place];
    Held held{.id = facts.id, .place = claim.ours ? place : nowhere, .unit = claim.name, .since = now};
    if (!claim.ours) held.leaving = place;
    held.former = held.ours = held.before = facts.score;
    Held* const parent = find(facts.parent);
    held.young = now < start_of(facts.id) + starting_up;
    held.fresh = parent == nullptr || parent->standing != Standing::ours;
    if (parent != nullptr && parent->young) check(*parent);  // what it set since is what its child has of it
    if (must_not_touch(facts))
        held.standing = Standing::exempt;
    else
        judge(held, parent, claim);
    const bool given = held.standing == Standing::ours && held.former != held.ours;
    if (!claim.ours && !given) return false;
    any_young_ = any_young_ || held.young;
    starting_ = starting_ || held.starting();
    insert(std::move(held));
    return given;
}

/// Whether what it holds is its own. What a parent in another unit holds says nothing about that, unless it is the
/// same.
void Scores::judge(Held& held, const Held* parent, Claim& claim) {
    const bool near = parent != nullptr && parent->place == held.place && parent->leaving == held.leaving;
    const bool exempt = parent == nullptr || (parent->standing == Standing::exempt && !parent->chose);
    held.child = near && !exempt;
    const Instant start = start_of(held.id);
    // Who chooses does not matter any more as the claim ends.
    const bool before = parent != nullptr && (!claim.ours || start < parent->since + longest_batch);
    const bool same = !exempt && (held.ours == parent->ours || (before && held.ours == parent->before));
    if (same && (near || parent->standing == Standing::ours)) {
        held.former = parent->former;
        held.standing = parent->standing;
        held.chose = near && parent->chose;
    } else if (!held.child) {
        held.former = left_by_the_dead(claim, held.ours).value_or(held.former);
    } else if (claim.ours && start > parent->since + clock_tick()) {
        chose(held);
    } else {
        held.chose = held.ours != parent->former;
    }
}

/// The former score of a process of the unit that was given `score`, and may have forked before it died.
std::optional<int> Scores::left_by_the_dead(const Claim& claim, int score) const {
    if (!claim.written_before) return std::nullopt;
    for (const Journal::Score& line : journal_.scores())
        if (line.former != score && (line.ours == score || line.next == score) && line.unit == claim.name)
            return line.former;
    if (score == claim.value) return claim.boot;
    return std::nullopt;
}

bool Scores::enter_stray(const ProcessFacts& facts, Instant now) {
    const Held* const parent = find(facts.parent);
    if (parent == nullptr || parent->standing != Standing::ours || must_not_touch(facts)) return false;
    const bool given = facts.score == parent->ours || facts.score == parent->before;
    if (!given || facts.score == parent->former || find(facts.id.pid) != nullptr) return false;
    insert({.id = facts.id,
            .unit = parent->unit,
            .child = true,
            .former = parent->former,
            .ours = facts.score,
            .before = facts.score,
            .since = now});
    return true;
}

// What is to be written

int Scores::wanted(const Held& held) const {
    if (held.place == nowhere) return held.former;
    const Claim& claim = claims_[held.place];
    const int value = std::clamp(held.former, claim.range.low, claim.range.high);
    return held.chose || units_.units()[held.place].users ? std::max(value, held.former) : value;
}

/// sshd takes what it finds as it starts for what its sessions shall have, and a user's manager adds to it: a process
/// that starts must not be given anything, or what it makes of that outlives us.
bool Scores::is_too_soon(const Held& held, int to, Instant now) {
    if (!held.fresh || held.place == nowhere || to == held.ours) return false;
    const Instant lowered = start_of(held.id) + lowered_after;
    if (held.young || to >= held.former || now >= lowered) return held.young;
    waiting_until_ = std::min(waiting_until_, lowered);
    return true;
}

void Scores::plan(Instant now) {
    changes_.clear();
    waiting_until_ = Instant::max();
    for (std::size_t i = 0; i < held_.size(); ++i) {
        Held& held = held_[i];
        if (held.standing != Standing::ours) continue;
        const int to = wanted(held);
        held.waiting = is_too_soon(held, to, now);
        if (held.waiting) {
            claims_[held.place].starting = true;
            continue;
        }
        held.done = held.place == nowhere && (to == held.ours || held.refused == to);
        if (to != held.ours && held.refused != to) changes_.push_back({i, to});
    }
}

/// The journal's lines: what must be put back. `announced`: with what is about to be written.
std::vector<Journal::Score> Scores::undo(bool announced) const {
    std::vector<Journal::Score> lines;
    auto change = changes_.begin();
    for (std::size_t i = 0; i < held_.size(); ++i) {
        const Held& held = held_[i];
        int next = held.ours;
        if (announced && change != changes_.end() && change->held == i) next = change++->to;
        if (held.standing != Standing::ours || (held.former == held.ours && held.former == next)) continue;
        // Until it is written over, what somebody else wrote must not pass for ours.
        lines.push_back({held.unit, held.id, held.former, announced && held.theirs ? next : held.ours, next});
    }
    return lines;
}

void Scores::write(const Change& change, Instant now) {
    Held& held = held_[change.held];
    const bool home = held.place == nowhere;
    const std::string_view group = home ? "" : std::string_view(units_.units()[held.place].group);
    const Status status = processes_.write(held.id, group, held.ours, change.to);
    if (status) return wrote(held, change.to, now);
    const int error = status.error().code;
    if (error == EXDEV) return;  // what left is met where it went
    held.gone = gone(error) || (home && error == EBUSY);
    if (held.gone) return;
    if (error != EBUSY) return refused(held, change.to, error);
    const auto found = processes_.score(held.id.pid);
    if (!found || *found == held.ours) return;
    // Processes that share their memory share their score: this one was written with another.
    *found == change.to ? wrote(held, change.to, now) : changed(held, *found);
}

void Scores::wrote(Held& held, int score, Instant now) {
    held.before = std::exchange(held.ours, score);
    held.theirs = false;
    held.since = now;
    ++written_;
    if (held.leaving != nowhere) ++claims_[held.leaving].written;
    if (held.place == nowhere) return;
    ++claims_[held.place].written;
    claims_[held.place].written_before = true;
}

void Scores::refused(Held& held, int score, int error) {
    held.refused = score;
    if (std::exchange(held.theirs, false)) held.standing = Standing::foreign;
    const std::size_t place = held.place == nowhere ? held.leaving : held.place;
    if (place == nowhere) return;
    ++claims_[place].refused;
    claims_[place].error = error;
}

/// What is put back needs no announcement: that is what the journal says already.
Status Scores::carry_out(Gate::Purpose purpose, Instant now) {
    const auto announce = [&]() -> Status {
        return purpose == Gate::Purpose::undo ? Status(Done{}) : journal_.put_scores(undo(true));
    };
    const auto act = [&]() -> Status {
        outdated_ = outdated_ || !changes_.empty();
        for (const Change& change : changes_) write(change, now);
        return Done{};
    };
    const auto passed = gate_.pass(purpose, oom_score_adj().name, announce, act);
    if (!passed) return passed.error();
    return Done{};
}

Status Scores::reconcile(Gate::Purpose purpose, Instant now) {
    begin_batch();
    if (Status done = rounds(purpose, now); !done) {
        stale_ = true;
        arrivals_ = std::exchange(haunts_, {});
        return done;
    }
    end_batch();
    return Done{};
}

void Scores::begin_batch() {
    stale_ = settled_ = false;
    written_ = 0;
    strangers_.clear();
    haunts_ = std::exchange(arrivals_, {});
    for (Held& held : held_) held.last = held.done;
}

Status Scores::rounds(Gate::Purpose purpose, Instant now) {
    for (int round = 0; round < most_rounds; ++round) {
        const bool met = take_in(now);
        plan(now);
        settled_ = changes_.empty();
        if (settled_ && !met) break;
        if (Status done = carry_out(purpose, now); !done) return done;
    }
    return Done{};
}

void Scores::end_batch() {
    std::erase_if(held_, [](const Held& held) {
        return held.gone || (held.place == nowhere && held.standing != Standing::ours) ||
               (held.last && held.done && !held.refused);
    });
    note_boot();
    for (Claim& claim : claims_) claim.leaving = claim.leaving && !settled_;
    if (std::exchange(outdated_, false) || !late_) late_ = journal_.put_scores(undo(false));
    const bool leftover = std::ranges::any_of(held_, [](const Held& held) { return held.done && !held.refused; });
    stale_ = stale_ || leftover || !settled_ || !late_;
}

/// What stands for a unit is its first process.
void Scores::note_boot() {
    for (auto held = held_.rbegin(); held != held_.rend(); ++held)
        if (held->place != nowhere && held->standing == Standing::ours && !held->starting())
            claims_[held->place].boot = held->former;
}

// Between orders

void Scores::keep_up(Instant now) {
    if (gate_.mode() == Mode::observe) return;
    const auto newest = processes_.newest();
    const bool forked = !newest || std::exchange(newest_, *newest) != *newest;
    std::vector<std::string> arrivals = units_.take_arrivals();
    if (!any_ours() && held_.empty()) return;
    std::ranges::move(arrivals, std::back_inserter(arrivals_));
    look_around(now);
    if (!forked && !stale_ && arrivals_.empty() && now < waiting_until_) return;
    for (Claim& claim : claims_) claim.written = claim.refused = 0;
    const Status done = reconcile(Gate::Purpose::order, now);
    say(done ? late_ : done);
    for (Claim& claim : claims_)
        if (claim.refused > 0 && !std::exchange(claim.refusal_said, true)) note(claim, refusal(claim), false);
}

void Scores::say(const Status& kept) {
    const std::string text = kept ? "" : kept.error().message;
    if (std::exchange(said_, text) != text && !kept)
        notes_.push_back({std::string(oom_score_adj().name), text, false});
}

void Scores::look_around(Instant now) {
    if (any_young_) look_at_grown(now);
    const auto due = static_cast<std::size_t>(std::max<Duration>(now - looked_around_, {}) / look_every);
    if (due == 0) return;
    looked_around_ = now - (now - looked_around_) % look_every;
    for (std::size_t n = std::min({due, most_looks, held_.size()}); n > 0; --n) {
        if (++cursor_ >= held_.size()) cursor_ = 0;
        check(held_[cursor_]);
    }
}

/// What a process sets while it starts is told from what others do to it later only if it is looked at in between.
void Scores::look_at_grown(Instant now) {
    any_young_ = starting_ = false;
    for (Held& held : held_) {
        if (held.young && now >= start_of(held.id) + starting_up) {
            check(held);
            held.young = false;
            stale_ = stale_ || held.fresh;  // it may be written from now on
        }
        any_young_ = any_young_ || held.young;
        starting_ = starting_ || held.starting();
    }
}

void Scores::check(Held& held) {
    const auto score = processes_.score(held.id.pid);
    if (score && *score == held.ours) return;
    const auto facts = processes_.look(held.id.pid);
    held.gone = is_over(facts, held.id);
    if (held.gone)
        stale_ = true;
    else if (!facts || facts->score == held.ours)
        return;
    else if (held.standing != Standing::ours)
        held.ours = facts->score;
    else
        changed(held, facts->score);
}

void Scores::changed(Held& held, int found) {
    stale_ = true;
    held.ours = found;
    if (held.young && held.child) {
        outdated_ = true;
        return chose(held);
    }
    if (held.young || held.waiting) {
        held.former = held.before = found;
        outdated_ = true;
        return;
    }
    held.standing = Standing::foreign;
    outdated_ = true;
    if (held.place == nowhere) return;
    Claim& claim = claims_[held.place];
    claim.foreign = found;
    note(claim, fmt::format("process {} was given {} by somebody else", held.id.pid, found), true);
}

void Scores::chose(Held& held) {
    held.standing = Standing::exempt;
    held.chose = true;
    if (held.place == nowhere) return;
    Claim& claim = claims_[held.place];
    if (!std::exchange(claim.choice_said, true))
        note(claim, fmt::format("process {} chose {} for itself: left alone", held.id.pid, held.ours), true);
}

// Orders

void Scores::apply(const UnitOrder& order) {
    const std::size_t place = place_of(order.tunable);
    Claim& claim = claims_[place];
    claim.written = claim.refused = 0;
    claim.starting = claim.refusal_said = false;
    const bool wish = order.kind == UnitOrder::Kind::write || order.kind == UnitOrder::Kind::take_back;
    if (wish) {
        if (!claim.ours) claim.boot = claim.found;
        claim.range = {static_cast<int>(order.low), static_cast<int>(order.high)};
        claim.value = static_cast<int>(order.value);
        claim.ours = true;
        claim.leaving = false;
    } else if (order.kind != UnitOrder::Kind::rebase) {
        claim.leaving = claim.leaving || claim.ours;
        claim.ours = false;
    }
    if (order.kind != UnitOrder::Kind::write) claim.foreign.reset();
    for (Held& held : held_) {
        if (held.place != place) continue;
        held.refused.reset();
        if (held.standing != Standing::foreign) continue;
        if (order.kind == UnitOrder::Kind::rebase) held.former = held.ours;
        held.theirs = order.kind == UnitOrder::Kind::take_back;
        if (held.theirs || order.kind == UnitOrder::Kind::rebase) held.standing = Standing::ours;
    }
}

std::vector<Outcome> Scores::order(std::span<const UnitOrder> orders, Instant now) {
    std::vector<Outcome> outcomes;
    if (gate_.mode() == Mode::observe) {
        for (const UnitOrder& order : orders) outcomes.push_back(imagine(order));
        return outcomes;
    }
    const std::vector<Held> books = held_;
    std::vector<Claim> before;
    for (const UnitOrder& order : orders) {
        before.push_back(claims_[place_of(order.tunable)]);
        apply(order);
    }
    const Status done = reconcile(Gate::Purpose::order, now);
    if (!done && written_ == 0) held_ = books;
    for (std::size_t i = 0; i < orders.size(); ++i) outcomes.push_back(outcome(orders[i], before[i], done));
    return outcomes;
}

Outcome Scores::imagine(const UnitOrder& order) {
    Claim& claim = claims_[place_of(order.tunable)];
    const bool wish = order.kind == UnitOrder::Kind::write || order.kind == UnitOrder::Kind::take_back;
    claim.imagined.reset();
    if (wish) claim.imagined = static_cast<int>(order.value);
    const int shown = claim.imagined.value_or(claim.found);
    return {shown != claim.found ? Outcome::Kind::observed : Outcome::Kind::same, shown, {}};
}

std::string Scores::refusal(const Claim& claim) const {
    const bool lowering = claim.error == EACCES || claim.error == EPERM;
    const bool one = claim.refused == 1;
    return system_error(fmt::format("{} refuse{} {}", one ? "a process" : fmt::format("{} processes", claim.refused),
                                    one ? "s" : "",
                                    claim.ours ? fmt::format("a score of {}", claim.value) : "what it held before"),
                        claim.error)
               .message +
           (lowering ? " (to lower one below what it was given needs CAP_SYS_RESOURCE)" : "");
}

Outcome Scores::outcome(const UnitOrder& order, const Claim& before, const Status& done) {
    using Kind = UnitOrder::Kind;
    const std::size_t place = place_of(order.tunable);
    Claim& claim = claims_[place];
    claim.looked.reset();
    if (!done) return failed(place, before, done.error());
    if (order.kind == Kind::disown) return {Outcome::Kind::same, before.foreign.value_or(before.value), {}};
    if (order.kind == Kind::rebase) return {Outcome::Kind::same, claim.value, {}};
    Error error = claim.refused > 0 ? Error{refusal(claim), claim.error} : late_ ? Error{} : late_.error();
    if (claim.refused > 0 && claim.written == 0) return failed(place, before, std::move(error));
    claim.refusal_said = claim.refused > 0;
    if (claim.written == 0) error = {};
    return {claim.written > 0 || claim.starting ? Outcome::Kind::written : Outcome::Kind::same,
            order.kind == Kind::release ? claim.boot : order.value, std::move(error)};
}

/// The claim is what it was before the order; and of one that is not ours nothing stays in the books.
Outcome Scores::failed(std::size_t place, const Claim& before, Error error) {
    Claim& claim = claims_[place];
    const bool choice_said = claim.choice_said;
    claim = before;
    claim.choice_said = choice_said;
    stale_ = true;
    if (!claim.ours)
        std::erase_if(held_, [&](const Held& held) { return held.place == place && held.former == held.ours; });
    return {Outcome::Kind::failed, claim.ours ? claim.value : claim.found, std::move(error)};
}

void Scores::turn_over() {
    for (Claim& claim : claims_) {
        claim.imagined.reset();
        claim.looked.reset();
    }
}

// The end, and after a crash

/// The books of a run that ended without putting anything back.
void Scores::load_journal() {
    for (const Journal::Score& line : journal_.scores()) {
        load(line);
        const auto place = units_.find(line.unit);
        if (!place) continue;
        Claim& claim = claims_[*place];
        claim.leaving = true;
        claim.value = line.next;
        claim.boot = line.former;
        claim.written_before = true;
    }
}

void Scores::load(const Journal::Score& line) {
    const auto facts = processes_.look(line.process.pid);
    if (is_over(facts, line.process) || (facts && must_not_touch(*facts)) || find(line.process.pid) != nullptr)
        return;
    const int score = facts ? facts->score : line.ours == line.former ? line.next : line.ours;
    Held held{.id = line.process, .unit = line.unit, .former = line.former, .ours = score};
    held.before = score == line.next ? line.ours : line.next;
    // It holds its former score if the last run ended while it put things back.
    const bool known = score == line.ours || score == line.next || score == line.former;
    if (!known) held.standing = Standing::foreign;
    if (facts) arrivals_.push_back(facts->group);
    insert(std::move(held));
}

/// One report for each unit, from what the journal says of its first process.
std::vector<Restored> Scores::reports(bool keep) const {
    std::vector<Restored> all;
    for (const Journal::Score& line : journal_.scores()) {
        const std::string name = score_name(line.unit);
        auto report = std::ranges::find(all, name, &Restored::tunable);
        if (report == all.end()) {
            const auto kind = keep ? Restored::Kind::kept : Restored::Kind::restored;
            report = all.insert(all.end(), {name, kind, line.next, line.former, 0, {}});
        }
        ++report->processes;
    }
    return all;
}

/// Of a unit in which somebody else wrote every process.
void Scores::note_foreign(Restored& report) const {
    const Held* foreign = nullptr;
    for (const Held& held : held_) {
        if (score_name(held.unit) != report.tunable) continue;
        if (held.standing == Standing::ours) return;
        if (held.standing == Standing::foreign && foreign == nullptr) foreign = &held;
    }
    if (foreign == nullptr || report.kind != Restored::Kind::restored) return;
    report.kind = Restored::Kind::foreign;
    report.from = foreign->ours;
}

/// What is in the books still is what refused.
void Scores::finish(Restored& report) const {
    const auto held = std::ranges::find(held_, report.tunable, [&](const Held& h) { return score_name(h.unit); });
    if (!late_) report.error = late_.error();
    if (held == held_.end()) return;
    const auto count = std::ranges::count(held_, held->unit, &Held::unit);
    report.kind = Restored::Kind::failed;
    report.error = {
        fmt::format("{} process{} refuse{} the former score", count, count == 1 ? "" : "es", count == 1 ? "s" : ""),
        EACCES};
}

void Scores::end_claims() {
    for (Claim& claim : claims_) {
        claim.leaving = claim.leaving || claim.ours;
        claim.ours = false;
        claim.foreign.reset();
        claim.looked.reset();
    }
    for (Held& held : held_) held.refused.reset();
}

std::vector<Restored> Scores::restore(bool keep) {
    if (journal_.scores().empty() && held_.empty() && !any_ours()) return {};
    // There may be no next tick to meet what was forked and moved since the last one.
    units_.refresh(BootClock::now());
    std::ranges::move(units_.take_arrivals(), std::back_inserter(arrivals_));
    meet();
    std::vector<Restored> all = reports(keep);
    if (held_.empty()) load_journal();
    for (Restored& report : all) note_foreign(report);
    end_claims();
    if (keep) held_.clear();
    settled_ = keep;
    for (int batch = 0; batch < most_batches && !settled_; ++batch)
        static_cast<void>(reconcile(Gate::Purpose::undo, BootClock::now()));
    for (Claim& claim : claims_) claim.leaving = false;
    std::erase_if(held_, [](const Held& held) { return !held.refused; });
    late_ = journal_.put_scores(undo(false));
    for (Restored& report : all) finish(report);
    return all;
}

}  // namespace memtuned::tunables
