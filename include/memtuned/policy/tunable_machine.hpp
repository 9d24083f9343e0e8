// SPDX-License-Identifier: GPL-2.0-or-later
//
// What becomes of one tunable: from what its claims add up to, to at most one order a turn. Here live the dead band
// and the pace, stepping aside for others, the freezing of a value that flips, and the back-off after a failed write.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/policy/decision.hpp"
#include "memtuned/rules/settings.hpp"
#include "memtuned/tunables/catalogue.hpp"
#include "memtuned/tunables/controller.hpp"

namespace memtuned::policy {

enum class TunableState : std::uint8_t { free, managed, overridden, yielded, frozen, unavailable };

const char* to_string(TunableState state);

/// Who claims: nobody, the baseline, a rule, an override.
struct Source {
    enum class Kind : std::uint8_t { none, baseline, rule, override_ } kind = Kind::none;
    std::uint64_t index = 0;  ///< number of the rule, id of the override

    friend bool operator==(const Source&, const Source&) = default;
    friend auto operator<=>(const Source&, const Source&) = default;  ///< the stronger is the greater
};

/// What a tunable's claims add up to in one turn, in base units.
struct Target {
    double value = 0;
    bool claimed = false;
    double low = -std::numeric_limits<double>::infinity();  ///< what the claims make of any other boot value lies
    double high = std::numeric_limits<double>::infinity();  ///< within these: a unit's processes have one each
    Source source;                                          ///< whose claim decided the value
    std::uint64_t claims = 0;  ///< changes when other claims stand than before, not when a level moves
    bool probing = false;      ///< it may go there and back: whoever decides does so less and less often

    bool overridden() const { return claimed && source.kind == Source::Kind::override_; }
};

/// The limits in force, in kernel units; `boot` is always within.
struct Limits {
    std::int64_t low = 0;
    std::int64_t high = 0;

    friend bool operator==(const Limits&, const Limits&) = default;
};

/// What an override may ask for: a person may leave what is advisable, but not pass what would stall the machine.
Limits override_limits(const tunables::Reading& reading);

class TunableMachine {
public:
    TunableMachine(std::size_t index, std::string name)
        : info_(&tunables::about(index)), index_(index), name_(std::move(name)) {}

    /// One turn. Returns the order that is due, if any: its source and reason are for the caller to fill in.
    std::optional<Decision> settle(const Target& target, const tunables::Reading& reading, Limits limits,
                                   const rules::TunableSettings& settings, Instant now, std::vector<Event>& events);

    /// One turn in which its twin has the pair: what the twin does to this one is no outside change.
    void give_way(const Target& target, const tunables::Reading& reading, Instant now, std::vector<Event>& events);

    /// What became of an order.
    void carried_out(const Decision& decision, const tunables::Outcome& outcome, Instant now,
                     std::vector<Event>& events);

    /// It was looked after in the last turn and holds something else now.
    bool changed(const tunables::Reading& reading) const { return held_ && *held_ != reading.value; }
    /// Nothing follows a claim at present, so that steps would only wind it up: it is left alone, or still on its
    /// way.
    bool still() const {
        return state_ == TunableState::yielded || state_ == TunableState::frozen ||
               state_ == TunableState::unavailable || (has_commitment_ && !arrived_);
    }
    /// The twin of this one must be left alone as well: writing it would change what somebody else chose, or what is
    /// frozen.
    bool holds_pair() const {
        return state_ == TunableState::yielded || (state_ == TunableState::frozen && committed_ != 0);
    }
    /// Claims on it count for nothing against those on its twin: it is not to be had, or frozen at "not in force".
    bool stands_down() const {
        return state_ == TunableState::unavailable || (state_ == TunableState::frozen && committed_ == 0);
    }

    /// A trigger was fired.
    void fired(const Decision& decision, Instant now) { note_write(decision, now); }

    /// Takes up again what was yielded or frozen, at once.
    void resume();

    /// Set by a turn in which a flipping value was frozen: whose claims made it flip.
    std::optional<Source> take_flipping() { return std::exchange(flipping_, std::nullopt); }

    /// Whose claim decided last; after a reload rules have other numbers.
    void set_source(Source source) { source_ = source; }

    const std::string& name() const { return name_; }
    TunableState state() const { return state_; }
    std::int64_t target() const { return committed_; }
    Source source() const { return source_; }
    /// When a yield or a freeze ends.
    Instant until() const { return until_; }
    /// How often it was written, when last, and the reason of that; in observe mode what would have been.
    std::uint64_t writes() const { return writes_; }
    Instant last_write() const { return last_write_; }
    const std::string& reason() const { return reason_; }
    /// The error of the last write, which is tried again; empty if it came off.
    const std::string& failure() const { return failure_said_; }

private:
    struct Commit {
        std::int64_t value;
        Instant at;
    };
    /// What a commitment was made from: the same again makes no other.
    struct Grounds {
        double value = 0;
        double low = 0;
        double high = 0;
        bool claimed = false;
        std::uint64_t claims = 0;
        Limits limits;
        std::int64_t boot = 0;

        friend bool operator==(const Grounds&, const Grounds&) = default;
    };
    /// An order that answers an outside change and must come off, as what follows builds on it.
    struct Debt {
        Decision::Order order;
        std::int64_t from;
    };

    void end_wait(const Target& target, Instant now, std::vector<Event>& events);
    void rest(const tunables::Reading& reading);
    bool follow_availability(const tunables::Reading& reading, std::vector<Event>& events);
    bool react(const tunables::Reading& reading, const rules::TunableSettings& settings, Instant now,
               std::vector<Event>& events);
    void yield(const tunables::Reading& reading, Duration length, Instant now, std::vector<Event>& events);
    std::optional<Decision> owed(const tunables::Reading& reading, Instant now) const;
    void commit(const Target& target, const tunables::Reading& reading, Limits limits, Instant now,
                std::vector<Event>& events);
    Limits range_of(const Target& target, Limits limits) const;
    std::int64_t clamped(const Target& target, Limits limits, std::vector<Event>& events);
    bool within_dead_band(std::int64_t value, std::int64_t committed) const;
    std::optional<Decision> due(const Target& target, const tunables::Reading& reading, Instant now);
    std::int64_t next_step() const;
    bool keeps_pace(const Target& target) const { return !target.overridden() && !override_wrote_; }
    void remember(std::int64_t value, Source source, std::int64_t boot, Instant now, std::vector<Event>& events);
    void wait(TunableState state, Duration length, Instant now);
    void back_off(const tunables::Outcome& outcome, Instant now, std::vector<Event>& events);
    void note_write(const Decision& decision, Instant now);
    void forget();
    void let_go();
    Event event(Event::Kind kind, std::string text) const;
    Event outside_change(std::int64_t ours, std::int64_t found, std::string text) const;

    const tunables::Tunable* info_;
    std::size_t index_;
    std::string name_;
    TunableState state_ = TunableState::free;
    std::optional<std::int64_t> held_;  // what it held when last seen to be as it should
    std::int64_t committed_ = 0;        // where it is to go
    Grounds grounds_;
    Limits range_;                      // where the processes of a unit are to go ...
    std::optional<Limits> range_held_;  // ... and where they are
    Source source_;                     // who decided that
    std::uint64_t claims_ = 0;
    bool has_commitment_ = false;
    bool arrived_ = false;
    bool orders_override_ = false;  // the order being carried out is for an override
    bool override_wrote_ = false;  // what it holds is an override's: neither going there nor coming back keeps a pace
    bool take_back_ = false;       // the next write goes over what somebody else wrote
    std::optional<Debt> owed_;
    std::optional<Source> clamp_said_of_;
    std::string failure_said_;
    std::string reason_;
    std::uint64_t writes_ = 0;
    Instant last_write_{};
    Instant retry_at_{};
    Instant room_at_{};
    Duration retry_after_{0};
    Instant until_{};                // end of a yield or a freeze ...
    std::uint64_t waits_under_ = 0;  // ... which an override ends, but for the one (its id) that stood when it began
    std::array<Commit, 4> recent_{};
    std::size_t recents_ = 0;
    std::optional<Source> flipping_;
};

}  // namespace memtuned::policy
