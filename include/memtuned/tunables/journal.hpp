// SPDX-License-Identifier: GPL-2.0-or-later
//
// The undo journal: what each tunable and each process held before memtuned first wrote it and what it wrote last.
// Every change reaches the file (written aside, then renamed) before the kernel sees the value it announces, so that
// a crash at any instant leaves enough to put things back.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/process.hpp"

namespace memtuned::tunables {

class Journal {
public:
    struct Entry {
        std::string tunable;
        std::int64_t boot;       ///< value before the first write
        std::int64_t twin_boot;  ///< the twin's value then, 0 where there is no twin
        std::int64_t ours;       ///< last value known to be written by memtuned; the one found before the first write
        std::int64_t next;       ///< value about to be written; same as `ours` once it is
    };

    /// The oom_score_adj of one process, which memtuned wrote or which it inherited from one that memtuned wrote.
    struct Score {
        std::string unit;  ///< as kernel::Units names it
        kernel::ProcessId process;
        int former;  ///< before memtuned
        int ours;    ///< as in Entry
        int next;
    };

    /// `boot_id` is the kernel's: a journal of another boot is void, the reboot undid everything.
    Journal(std::filesystem::path file, std::string boot_id);

    /// Reads what a former run left. A missing file is an empty journal; a damaged one is an error that says where,
    /// and put() and erase() fail with it until a load() goes well: what is left of it is not overwritten.
    Status load();

    const std::vector<Entry>& entries() const { return entries_; }
    const Entry* find(std::string_view tunable) const;

    /// Adds or replaces an entry, removes one; the file holds the change when this returns well. Otherwise nothing
    /// changed here, and the file holds the journal with or without the change.
    Status put(const Entry& entry);
    Status erase(std::string_view tunable);

    const std::vector<Score>& scores() const { return scores_; }
    /// The same for all processes together: a fork may bring hundreds at once.
    Status put_scores(std::vector<Score> scores);

private:
    struct Content {
        std::vector<Entry> entries;
        std::vector<Score> scores;
    };

    Status replace(std::vector<Entry> entries);
    Status store(const std::vector<Entry>& entries, const std::vector<Score>& scores) const;
    Result<Content> parse(std::string_view text) const;

    std::filesystem::path file_;
    std::string boot_id_;
    std::vector<Entry> entries_;
    std::vector<Score> scores_;
    std::string damage_;  ///< why the last load() failed; empty if it did not
};

}  // namespace memtuned::tunables
