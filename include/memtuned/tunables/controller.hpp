// SPDX-License-Identifier: GPL-2.0-or-later
//
// The only way to the kernel's tunables: reads what they hold and may hold, carries out the policy's orders, and
// keeps the undo journal so that every value can be put back. Decides nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/kernel/process.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/kernel/units.hpp"
#include "memtuned/tunables/catalogue.hpp"
#include "memtuned/tunables/journal.hpp"

namespace memtuned::tunables {

enum class Mode : std::uint8_t { enforce, observe };

/// What a tunable holds and may hold, in kernel units. Refreshed by refresh().
struct Reading {
    bool available = false;    ///< this kernel has it and it can be read (a trigger: this kernel has it)
    int error = 0;             ///< errno of the failed read where not available; 0 if never refreshed
    std::int64_t value = 0;    ///< what it holds; in observe mode what it would hold
    std::int64_t boot = 0;     ///< what it held before memtuned first wrote it; `value` while it is not ours
    bool ours = false;         ///< memtuned wrote it and has not released it, whoever wrote it since
    bool kernel_made = false;  ///< `value` is what the kernel itself computes for this machine (khugepaged, hot-plug)
    std::int64_t hard_minimum = 0;  ///< the kernel refuses less
    std::int64_t hard_maximum = 0;  ///< the kernel refuses more
    std::int64_t safe_minimum = 0;  ///< advisable on this machine; an administrator may choose otherwise
    std::int64_t safe_maximum = 0;
    std::int64_t ceiling = 0;  ///< more would put a zone's high watermark past what it can free: never passed.
                               ///< Not below `boot`; hard_maximum where a tunable moves no watermark
};

/// What became of an order.
struct Outcome {
    enum class Kind : std::uint8_t {
        written,   ///< the kernel holds `value`. With an error: it does, and the journal could not be brought up to
                   ///< date
        observed,  ///< observe mode: `value` would have been written
        same,      ///< it held `value` already
        foreign,   ///< it did not hold what memtuned last wrote but `value`: somebody changed it; nothing written
        started,   ///< a trigger runs; its end is reported by finished()
        failed,    ///< see error; nothing changed
    };
    Kind kind;
    std::int64_t value = 0;
    Error error;
};

/// An order for a unit's oom_score_adj. `value` stands for the unit; each of its processes gets what it held itself,
/// within `low` and `high`.
struct UnitOrder {
    enum class Kind : std::uint8_t { write, take_back, release, disown, rebase };
    Kind kind;
    std::size_t tunable;
    std::int64_t value = 0;
    std::int64_t low = 0;
    std::int64_t high = 0;
};

/// Something that befell the processes of a unit between two orders.
struct Note {
    std::string tunable;  ///< "oom_score_adj.cron.service"
    std::string text;
    bool common = false;  ///< of interest only to who looks for a fault
};

/// What restoring did with one tunable of the journal.
struct Restored {
    enum class Kind : std::uint8_t { restored, kept, foreign, failed };
    std::string tunable;
    Kind kind;
    std::int64_t from = 0;      ///< what it held
    std::int64_t to = 0;        ///< its boot value
    std::size_t processes = 0;  ///< of a unit: how many
    Error error;                ///< if failed; otherwise that of the journal, should it still hold the entry
};

class Controller {
public:
    /// `files` and the journal must outlive the controller. `root` is for the zones behind the limits. What the
    /// journal holds counts as ours: call restore_all() first unless that is meant.
    Controller(const kernel::Root& root, kernel::SysctlFiles& files, Journal& journal, Mode mode);
    ~Controller();

    /// Makes the scores of units tunables, too. Both must outlive the controller.
    void look_after(kernel::Units& units, kernel::Processes& processes);
    /// Whether a unit may be given a score of -1000.
    void allow_unkillable(bool allowed);
    /// Some units came or went: readings() has room for each, and nothing of those that went.
    void meet_units();
    /// What joined a unit whose score is ours gets its value, what left one gets its own back; and some of the
    /// processes are looked at, whether they still hold what they should. While nothing was forked, moved or changed
    /// this costs the same for any number of units. Does nothing in observe mode.
    void keep_up(Instant now);
    /// A process of a unit that is ours has just started, and is written when that is over: keep_up() again soon.
    bool waiting() const;
    /// What keep_up() met, since last asked.
    std::vector<Note> take_notes();

    /// Reads the tunables in `wanted` (see catalogue()) and their limits. Those that follow from the zones
    /// are read once a second while a tunable that has them is ours, and once a minute before that: write() looks
    /// afresh.
    void refresh(std::span<const std::size_t> wanted, Instant now = BootClock::now());

    /// One reading for each catalogue entry, then one for each place of units; those never refreshed are not
    /// available.
    std::span<const Reading> readings() const;

    /// Orders. write() first compares with what memtuned last wrote, then journals, writes and reads back; it lowers
    /// a value to the ceiling as it is now. A value memtuned takes over that equals what is there already leaves
    /// nothing to undo and is not ours. A twin's claim passes over with its boot value: writing vm.dirty_ratio while
    /// vm.dirty_bytes is ours ends that.
    /// release() puts the boot value back under the same care and ends the claim to the tunable. disown() ends it and
    /// leaves the value to whoever changed it. rebase() takes what is found as the new boot value, and it stays ours.
    /// Both answer `same`, or `failed` with the journal's error.
    /// take_back() is a write() over whatever somebody else put there.
    Outcome write(std::size_t tunable, std::int64_t value);
    Outcome take_back(std::size_t tunable, std::int64_t value);
    Outcome release(std::size_t tunable);
    Outcome disown(std::size_t tunable);
    Outcome rebase(std::size_t tunable);
    /// The same for units, all orders of a turn at once: the journal is written once for them. An outcome for each.
    /// Where all processes refuse, the order failed and nothing changed; where some do, it is written, with an error.
    std::vector<Outcome> order(std::span<const UnitOrder> orders, Instant now = BootClock::now());

    /// Starts a trigger on a thread of its own, after another that still runs; Busy (EBUSY) while it is itself
    /// running or waiting.
    Outcome fire(std::size_t trigger, std::int64_t value);
    /// Becomes readable when a trigger ended; finished() then says which, how long it took, and its error if any.
    int finished_fd() const;
    struct Finished {
        std::size_t trigger;
        std::int64_t value;
        Duration took;
        Status status;
    };
    std::vector<Finished> finished();

    /// Puts every journaled value back that is still ours, newest first, except those for which `keep` says true.
    /// In observe mode too: what is in the journal was written while enforcing. What fails stays in the journal. Of
    /// units, processes forked since the journal was written are found by the unit they are in.
    std::vector<Restored> restore_all(const std::function<bool(std::size_t)>& keep);

    /// Observe mode keeps books of its own, which end with it: what is ours for real stays so, unseen, until enforce
    /// mode returns or restore_all() puts it back.
    void set_mode(Mode mode);
    Mode mode() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace memtuned::tunables
