// SPDX-License-Identifier: GPL-2.0-or-later
//
// The oom_score_adj of units. A unit has a claim: two bounds within which each of its processes is to be. The books
// hold each process that was written or that inherited what was written, with what it held before; they are brought
// in line with the claims and with who is in which unit whenever one of these changed. A process in several units of
// ours, one in the other, follows the innermost.
//
// A child inherits its parent's score. So one that appears in a unit with the score its parent has of us is entered
// with its parent's former score; one that was forked after its parent was written and holds something else chose
// that itself (as database servers do for their workers) and is left alone. Before that the same difference means
// that it is never lowered: the sessions of an sshd hold 0 where the listener holds -1000, and must not be protected
// with it. What inherited a choice is treated as who made it. What is in a unit without a parent in the books is new,
// and what it holds is its unit's author's choice, unless it is what a process of that unit was given: then its
// parent died meanwhile.
//
// A process that starts is not raised for two seconds and not lowered for five, and what it changes meanwhile
// counts as what it held before. systemd sets its score between fork and exec; and sshd takes what it finds then for
// what its sessions shall have, a user's manager adds 100 to it for all that the user starts: given a score then,
// they would hand it on for good.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memtuned/base/time.hpp"
#include "memtuned/kernel/process.hpp"
#include "memtuned/kernel/units.hpp"
#include "memtuned/tunables/controller.hpp"
#include "memtuned/tunables/journal.hpp"
#include "tunables/gate.hpp"

namespace memtuned::tunables {

class Scores {
public:
    Scores(kernel::Units& units, kernel::Processes& processes, Journal& journal, const Gate& gate);

    void allow_unkillable(bool allowed) { unkillable_allowed_ = allowed; }
    std::size_t places() const { return claims_.size(); }
    bool waiting() const { return starting_; }

    // As in Controller.
    void meet();
    void keep_up(Instant now);
    std::vector<Note> take_notes() { return std::exchange(notes_, {}); }
    void refresh(std::size_t place, Instant now, Reading& reading);
    std::vector<Outcome> order(std::span<const UnitOrder> orders, Instant now);
    std::vector<Restored> restore(bool keep);
    /// The mode is another now: what was only imagined is forgotten.
    void turn_over();

private:
    static constexpr std::size_t nowhere = kernel::Unit::none;

    struct Range {
        int low = 0;
        int high = 0;
    };

    struct Claim {
        std::string name;  ///< of the unit; empty: a vacant place
        bool ours = false;
        bool leaving = false;           ///< released: its processes are looked for until all are put back
        std::optional<int> imagined{};  ///< observe mode: it would be ours, with this value
        Range range;
        int value = 0;               ///< what stands for the unit
        int boot = 0;                ///< what its first process held before
        int found = 0;               ///< while it is not ours: what its first process holds
        std::optional<int> foreign;  ///< what somebody else gave to a process of ours
        std::optional<Instant> looked;
        bool written_before = false;  ///< a process without a parent in the books may have inherited `value`
        bool starting = false;        ///< some of its processes will be written when they have started
        bool choice_said = false;
        bool refusal_said = false;
        std::size_t written = 0;  ///< in the batch at hand, as is `refused`
        std::size_t refused = 0;
        int error = 0;
    };

    enum class Standing : std::uint8_t {
        ours,
        foreign,  ///< somebody else wrote it after us
        exempt,   ///< must not be written, or chose its own score
    };

    struct Held {
        kernel::ProcessId id;
        std::size_t place = nowhere;    ///< the innermost unit of ours that it is in
        std::size_t leaving = nowhere;  ///< the unit in which it is put back, as the claim on that ends
        std::string unit;               ///< the one it is in, or was in last
        Standing standing = Standing::ours;
        bool child = false;    ///< its parent was in the books when it came
        bool chose = false;    ///< it held something else than its parent did, and so is not to be protected with it
        bool young = false;    ///< starting up, or not looked at since that was over
        bool fresh = false;    ///< it has nothing of us from a parent
        bool waiting = false;  ///< to be written once it has started
        bool theirs = false;   ///< what it holds was written by somebody else, and is to be written over
        bool gone = false;     ///< to be taken out of the books at once
        bool done = false;     ///< put back: kept for one more batch, for the children it may have forked
        bool last = false;     ///< ... which is the one at hand
        int former = 0;
        int ours = 0;     ///< what it holds
        int before = 0;   ///< what it held before the last write: a child forked just before that has it
        Instant since{};  ///< when it was last written, or met
        std::optional<int> refused{};

        bool starting() const { return young && fresh; }
    };

    struct Member {
        pid_t pid;
        std::size_t place;
        bool ours;
        std::size_t depth;
    };

    struct Newcomer {
        kernel::ProcessFacts facts;
        std::size_t place;  ///< nowhere: it is in no unit of ours
    };

    struct Change {
        std::size_t held;
        int to;
    };

    // One batch: everything is brought in line.
    Status reconcile(Gate::Purpose purpose, Instant now);
    void begin_batch();
    Status rounds(Gate::Purpose purpose, Instant now);
    void end_batch();
    void gather();
    void gather(std::size_t place);
    void place_held();
    void follow(Held& held);
    bool take_in(Instant now);
    void meet_members(std::vector<Newcomer>& newcomers);
    void meet_strays(std::vector<Newcomer>& newcomers);
    bool enter(const kernel::ProcessFacts& facts, std::size_t place, Instant now);
    bool enter_stray(const kernel::ProcessFacts& facts, Instant now);
    void judge(Held& held, const Held* parent, Claim& claim);
    std::optional<int> left_by_the_dead(const Claim& claim, int score) const;
    void insert(Held held);
    bool must_not_touch(const kernel::ProcessFacts& facts) const;
    bool is_too_soon(const Held& held, int to, Instant now);
    void plan(Instant now);
    int wanted(const Held& held) const;
    Status carry_out(Gate::Purpose purpose, Instant now);
    void write(const Change& change, Instant now);
    void wrote(Held& held, int score, Instant now);
    void refused(Held& held, int score, int error);
    void note_boot();
    std::vector<Journal::Score> undo(bool announced) const;

    void look_around(Instant now);
    void look_at_grown(Instant now);
    void check(Held& held);
    void changed(Held& held, int found);
    void chose(Held& held);

    void apply(const UnitOrder& order);
    Outcome outcome(const UnitOrder& order, const Claim& before, const Status& done);
    Outcome failed(std::size_t place, const Claim& before, Error error);
    Outcome imagine(const UnitOrder& order);
    std::string refusal(const Claim& claim) const;
    void note(const Claim& claim, std::string text, bool common);
    void say(const Status& kept);

    void load_journal();
    void load(const Journal::Score& line);
    std::vector<Restored> reports(bool keep) const;
    void note_foreign(Restored& report) const;
    void finish(Restored& report) const;
    void end_claims();
    Held* find(pid_t pid);
    bool any_ours() const;

    kernel::Units& units_;
    kernel::Processes& processes_;
    Journal& journal_;
    const Gate& gate_;
    bool unkillable_allowed_ = false;

    std::vector<Claim> claims_;  // by place
    std::vector<Held> held_;     // by pid
    std::vector<Note> notes_;
    std::int64_t newest_ = -1;
    std::vector<std::string> arrivals_;  // groups that somebody moved processes into, not gone through yet
    bool stale_ = false;                 // the books have to be gone through whatever else happened
    bool any_young_ = false;
    Instant waiting_until_ = Instant::max();  // when the next of those may be lowered
    bool starting_ = false;                   // one of them is fresh, and so waits to be written
    Instant looked_around_{};
    std::size_t cursor_ = 0;
    bool outdated_ = false;  // the journal has other lines than it should
    Status late_ = Done{};   // it missed how the last batch ended
    std::string said_;       // of the journal, so as not to say it again

    // Of the batch at hand.
    bool settled_ = false;
    std::size_t written_ = 0;
    std::vector<std::string> haunts_;  // groups that what left a unit of ours may have children in
    std::vector<pid_t> strangers_;     // who is there and has nothing to do with us

    // Kept for their room.
    std::vector<Member> members_;
    std::vector<pid_t> pids_;
    std::vector<Change> changes_;
};

}  // namespace memtuned::tunables
