// SPDX-License-Identifier: GPL-2.0-or-later
//
// Processes and their oom_score_adj. The kernel gives a pid to another process as soon as its owner was reaped, so a
// process is pinned before it is written: its folder in /proc is held open, who it is is read through it, and so is
// the write made; after the process is gone that folder answers ESRCH, whoever has the pid by then.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <sys/types.h>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/units.hpp"

namespace memtuned::kernel {

/// Which process is meant: a pid comes again, a pid together with its start time does not before the next boot.
struct ProcessId {
    pid_t pid = 0;
    std::uint64_t start = 0;  ///< clock ticks (sysconf(_SC_CLK_TCK)) since boot: field 22 of /proc/PID/stat

    friend auto operator<=>(const ProcessId&, const ProcessId&) = default;
};

struct ProcessFacts {
    ProcessId id;
    pid_t parent = 0;
    bool kernel_thread = false;  ///< PF_KTHREAD (0x00200000) in field 9 of stat
    bool dead = false;           ///< a zombie with no thread left; one whose leader alone is gone is alive
    std::string group;           ///< its cgroup in the hierarchy of the units: "/system.slice/cron.service"
    int score = 0;               ///< oom_score_adj, -1000 to 1000
};

/// An interface, because a process that dies between two calls, or refuses a write, is not to be had on demand.
class Processes {
public:
    virtual ~Processes() = default;

    /// All there is to know of the process that has `pid` now. ESRCH or ENOENT: there is none.
    virtual Result<ProcessFacts> look(pid_t pid) = 0;

    /// Its oom_score_adj alone, without asking who it is: cheap, for looking whether a value is still what it was.
    virtual Result<int> score(pid_t pid) = 0;

    /// Writes `score` to the process `id`, which must be in `group` or in a group below it (any, if `group` is
    /// empty), and must hold `expected`. Errors, with nothing written: ESRCH, it is gone or its pid is another's;
    /// EXDEV, it left the group; EBUSY, it holds something else; EACCES, `score` is below what it was last given with
    /// privilege, and lowering it further needs CAP_SYS_RESOURCE.
    virtual Status write(const ProcessId& id, std::string_view group, int expected, int score) = 0;

    /// Changes whenever a process or a thread was made anywhere: the last pid given out, at the end of proc/loadavg.
    virtual Result<std::int64_t> newest() = 0;
};

/// The real ones, under a root.
class ProcProcesses final : public Processes {
public:
    explicit ProcProcesses(Root root);

    Result<ProcessFacts> look(pid_t pid) override;
    Result<int> score(pid_t pid) override;
    Status write(const ProcessId& id, std::string_view group, int expected, int score) override;
    Result<std::int64_t> newest() override;

private:
    const CgroupLayout& layout();

    Root root_;
    KeptFile loadavg_;
    std::optional<CgroupLayout> layout_;  ///< looked for when first needed
};

/// Whether the cgroup `path` is `group` or lies below it: "/a.slice/b.service/x" is in "/a.slice/b.service", while
/// "/a.slice/b.service2" is not.
bool is_within(std::string_view path, std::string_view group);

}  // namespace memtuned::kernel
