// SPDX-License-Identifier: GPL-2.0-or-later
//
// The units of systemd as their cgroups show them, found without asking systemd: the tree of cgroups is walked once
// and then watched (inotify on each folder and on its cgroup.events). A unit is a folder whose name ends as unit
// names do (.service, .scope, .slice, ...): slices, what stands in a slice, and what stands in the slices below a
// user's manager. What a service makes below itself belongs to it and is no unit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

struct Unit {
    static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

    /// "ssh.service", "user-1000.slice"; a unit of a user's manager with that before it:
    /// "user@1000.service/app-editor.scope". Empty: a vacant place.
    std::string name;
    std::string group;          ///< its cgroup, from the root of the hierarchy: "/system.slice/ssh.service"
    std::size_t around = none;  ///< place of the unit this one stands in
    /// A user's own, who may call it what he likes: its name must not win it anything.
    bool users = false;
    /// Why its processes must never be written, for a person; empty if they may be.
    std::string_view hands_off = {};
    /// Units::version() when it came: another number is another life of the unit.
    std::uint64_t since = 0;
};

/// Which hierarchies there are, as folders relative to the root, and what they tell.
struct CgroupLayout {
    std::string units;   ///< where units are: "sys/fs/cgroup", hybrid "sys/fs/cgroup/unified", v1 ".../systemd"
    std::string memory;  ///< where memory is counted; empty if nowhere
    bool memory_is_v1 = false;  ///< memory.usage_in_bytes and memory.stat in place of memory.current
    bool has_pressure = false;  ///< memory.pressure and its like are in each folder of `units`: it is cgroup v2
};

/// From what is there, not from the mount table: a capture has none. ENOENT: no hierarchy that units could be in.
Result<CgroupLayout> find_cgroups(const Root& root);

/// The group that a text of /proc/PID/cgroup names in the hierarchy of the units, also after it was removed.
std::optional<std::string_view> group_in(std::string_view text, const CgroupLayout& layout);

class Units {
public:
    explicit Units(const Root& root);
    ~Units();
    Units(Units&&) noexcept;
    Units& operator=(Units&&) noexcept;

    /// Finds the hierarchy, walks it and begins to watch it. ENOENT: there is none, and no unit ever.
    Status start();

    /// Takes in what happened since the last call. Costs one read if nothing did; allocates nothing then. Walks the
    /// whole tree anew once a minute, and after events were lost.
    void refresh(Instant now);

    /// By place. A place keeps its unit as long as the unit has a process, and may be another's after that; units
    /// without a process are not there.
    std::span<const Unit> units() const;
    /// Grows whenever a unit came or went.
    std::uint64_t version() const;
    std::optional<std::size_t> find(std::string_view name) const;

    /// The processes of a unit, those of all groups below it included, sorted. What lies outside our pid namespace is
    /// left out, as is a group that vanishes meanwhile.
    void processes(const Unit& unit, std::vector<pid_t>& pids) const;

    /// The same for one group alone, those below it left out, by its path in the hierarchy.
    void processes_in(const std::string& group, std::vector<pid_t>& pids) const;

    /// The groups that somebody moved processes into since the last call, each once. A fork is no move. Those that
    /// held some when they were found are among them, and all groups after events were lost; none that is not
    /// watched.
    std::vector<std::string> take_arrivals();

    /// Why the processes of this cgroup must never be written; empty if they may be. For processes in a unit that is
    /// around another one.
    std::string_view hands_off(std::string_view group) const;

    const CgroupLayout& layout() const;

    /// Readable when refresh() has something to take in; -1 before start().
    int fd() const;
    /// Why the tree is walked but not watched, in whole or in part (no inotify, too few watches); empty if it is.
    const std::string& not_watched() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace memtuned::kernel
