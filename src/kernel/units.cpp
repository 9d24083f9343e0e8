// SPDX-License-Identifier: GPL-2.0-or-later
//
// Each group from the root down that is a unit or lies in one is a Folder, watched. Events only raise flags on
// Folders; one pass over the tree then reads what the flags ask for, so that ten events about a folder cost as much
// as one. A full walk is the same pass with every flag raised.
//
// What inotify does on cgroups (seen with 6.18): a change of cgroup.events is told only while that file's inode is in
// memory, which a watch on the file itself sees to, and is then told to the folder's watch as well. A removed
// cgroup's watches stay, without IN_DELETE_SELF or IN_IGNORED, and count towards fs.inotify.max_user_watches until
// they are taken back.
#include "memtuned/kernel/units.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/text.hpp"
#include "memtuned/base/unit_name.hpp"
#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/process.hpp"

namespace memtuned::kernel {

namespace {

using std::chrono::seconds;

/// How long after a walk the next one is due: with every folder watched, only as a safeguard.
constexpr Duration walk_watched = seconds(60);
constexpr Duration walk_not_watched = seconds(2);
/// Walks take no more than this part of the time, however many groups a user makes below his manager.
constexpr int rest_per_walk = 100;

/// At once: more events than the kernel's queue holds (16384), so that who makes them faster than they are read
/// cannot hold us.
constexpr int most_reads = 64;

constexpr std::uint32_t folder_events =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_MODIFY | IN_DELETE_SELF | IN_ONLYDIR;
constexpr std::uint32_t file_events = IN_MODIFY;

enum class Kind {
    top,
    slice,
    unit,
    manager,  ///< of a user's own units
    users_slice,
    users_unit,
    nested,  ///< part of the unit it lies in
    foreign  ///< not systemd's
};

/// systemd puts it before names that the kernel could take for a file of its own.
std::string_view unescaped(std::string_view name) {
    return name.starts_with('_') ? name.substr(1) : name;
}

bool is_slice(std::string_view name) {
    constexpr std::string_view suffix = ".slice";
    return name.size() > suffix.size() && name.ends_with(suffix);
}

bool is_manager(std::string_view name) {
    return name.starts_with("user@") && name.ends_with(".service");
}

/// What the folder `name` (unescaped) in a folder of kind `above` is.
Kind kind_in(Kind above, std::string_view name) {
    if (!is_unit_name(name)) return above == Kind::top ? Kind::foreign : Kind::nested;
    switch (above) {
        case Kind::top:
        case Kind::slice:
            if (is_slice(name)) return Kind::slice;
            return is_manager(name) ? Kind::manager : Kind::unit;
        case Kind::manager:
        case Kind::users_slice: return is_slice(name) ? Kind::users_slice : Kind::users_unit;
        default: return Kind::nested;
    }
}

/// Takes the first component off a path such as "/a.slice/b.service".
std::string_view take_component(std::string_view& path) {
    path.remove_prefix(1);
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    return component;
}

/// The group of the unit that `group` lies in, if that is a service.
std::string_view service_around(std::string_view group) {
    std::string_view service;
    Kind kind = Kind::top;
    for (std::string_view rest = group; rest.starts_with('/');) {
        const std::string_view name = unescaped(take_component(rest));
        kind = kind_in(kind, name);
        if (kind == Kind::nested || kind == Kind::foreign) break;
        service = name.ends_with(".service") ? group.substr(0, group.size() - rest.size()) : std::string_view();
    }
    return service;
}

/// Below a user's manager names are the user's to choose, and win him nothing.
bool is_kubelets(std::string_view group) {
    while (group.starts_with('/')) {
        const std::string_view name = unescaped(take_component(group));
        if (name.starts_with("kubepods")) return true;
        if (is_manager(name)) return false;
    }
    return false;
}

/// "…/user@1000.service/init.scope".
bool is_managers_own(std::string_view group) {
    std::string_view above;
    while (group.starts_with('/')) {
        const std::string_view name = unescaped(take_component(group));
        if (is_manager(above)) return name == "init.scope";
        above = name;
    }
    return false;
}

/// A path that is too long for the kernel leads nowhere, either; who is below it has no readable /proc/PID/cgroup.
bool is_gone(int error) {
    return error == ENOENT || error == ENOTDIR || error == ENODEV || error == ENAMETOOLONG;
}

/// Sorted names of the folders in a folder; no folder, no names. False if they cannot be told (no descriptor left).
bool list_folders(const std::string& path, std::vector<std::string>& names) {
    const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
    if (!folder) return is_gone(errno);
    while (const dirent* entry = ::readdir(folder.get())) {
        if (entry->d_name == std::string_view(".") || entry->d_name == std::string_view("..")) continue;
        struct stat about {};
        const bool is_folder = entry->d_type == DT_DIR ||
                               (entry->d_type == DT_UNKNOWN &&
                                ::fstatat(::dirfd(folder.get()), entry->d_name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
                                S_ISDIR(about.st_mode));
        if (is_folder) names.emplace_back(entry->d_name);
    }
    std::sort(names.begin(), names.end());
    return true;
}

/// Appends the pids of a cgroup.procs. A threaded group refuses (EOPNOTSUPP): its processes are told further up. 0 is
/// what processes outside our pid namespace are called. False if the group is gone.
bool read_pids(const Descriptor& file, std::string& buffer, std::vector<pid_t>& pids) {
    std::size_t length = 0;
    ssize_t n = 0;
    while ((n = ::pread(file.get(), buffer.data() + length, buffer.size() - length, static_cast<off_t>(length))) >
           0) {
        length += static_cast<std::size_t>(n);
        if (length == buffer.size()) buffer.resize(2 * length);
    }
    std::string_view rest = std::string_view(buffer).substr(0, length);
    while (!rest.empty())
        if (const auto pid = text::number<pid_t>(text::take_line(rest)); pid && *pid > 0) pids.push_back(*pid);
    return n == 0;
}

Descriptor open_pids(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

/// A process that moves while a list is read may be in it twice.
void sort_out(std::vector<pid_t>& pids) {
    std::sort(pids.begin(), pids.end());
    pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
}

struct Folder {
    Folder(Folder* parent, std::string_view name, Kind what)
        : above(parent), group(parent ? parent->group + "/" + std::string(name) : ""), kind(what) {}

    Folder* above;
    std::string group;  ///< empty for the root
    Kind kind;
    std::string unit;  ///< its name, if it is one
    std::size_t place = Unit::none;
    bool populated = false;
    bool has_no_events = false;  ///< no cgroup.events: v1, or a capture
    int watch = -1;
    int file_watch = -1;
    Descriptor pids;          ///< its cgroup.procs, once asked for: opening it costs twice what reading it does
    bool look_below = true;   ///< flag: folders may have come or gone
    bool look_inside = true;  ///< flag: processes may have come or gone
    bool doubtful = false;    ///< flag: another folder may have its name now
    std::map<std::string, std::unique_ptr<Folder>, std::less<>> below;
};

/// The unit's own name, after that of the manager it belongs to.
std::string unit_name(const Folder& folder, std::string_view name) {
    if (folder.kind == Kind::nested || folder.kind == Kind::top) return {};
    if (folder.kind != Kind::users_slice && folder.kind != Kind::users_unit) return std::string(name);
    const Folder* manager = folder.above;
    while (manager->kind != Kind::manager) manager = manager->above;
    return manager->unit + "/" + std::string(name);
}

std::string group_name(const Folder& folder) {
    return folder.above ? folder.group : "/";
}

}  // namespace

struct Units::State {
    explicit State(Root where) : root(std::move(where)) {}

    Status start();
    void take_events();
    void act(Instant now);
    void collect(Folder& folder, std::vector<pid_t>& pids);
    void collect(const std::string& group, std::vector<pid_t>& pids);
    std::string_view hands_off(std::string_view group) const;

    Root root;
    CgroupLayout layout;
    Descriptor inotify;
    std::string not_watched;
    std::unique_ptr<Folder> top;
    std::vector<Unit> units;
    std::vector<Folder*> folders;  ///< by place, as the units
    std::map<std::string, std::size_t, std::less<>> places;
    std::uint64_t version = 0;
    std::set<std::string> arrivals;

private:
    const std::string& path_of(const Folder& folder, std::string_view file = {});
    std::string find_own() const;
    std::string why_not_watched(int error) const;

    void take_event(const inotify_event& event, std::string_view name);
    void take_named(Folder& folder, std::uint32_t what, std::string_view name);
    void flag_inside(Folder& folder);
    void flag_all(Folder& folder);

    bool is_walk_due(Instant now);
    void walk();
    void look_at_flagged();
    void look(Folder& folder);
    void look_below(Folder& folder);
    void look_inside(Folder& folder);
    bool is_populated(Folder& folder);
    bool has_process(const Folder& folder);
    bool holds_process(const Folder& folder);

    void add(Folder& above, const std::string& name);
    void drop(Folder& folder);
    int add_watch(Folder& folder, std::string_view file, std::uint32_t what, int& wd);
    bool watch(Folder& folder);
    void unwatch(Folder& folder, int wd);
    bool is_the_same(Folder& folder);

    void settle(Folder& folder, std::size_t around);
    void come(Folder& folder);
    void go(Folder& folder);

    std::string base_;  ///< path of the root of the hierarchy
    std::string own_;   ///< group of the service that we are
    std::string no_inotify_;
    std::unordered_map<int, Folder*> watched_;
    bool flagged_ = false;  ///< a flag is up somewhere
    bool walked_ = false;
    bool events_lost_ = false;
    std::optional<Instant> last_walk_;
    Duration rest_{};  ///< from a walk to the next, at least

    alignas(inotify_event) std::array<char, 16384> events_;
    std::string path_;
    std::string text_ = std::string(4096, '\0');
    std::vector<pid_t> pids_;
};

/// Valid until the next one.
const std::string& Units::State::path_of(const Folder& folder, std::string_view file) {
    path_.assign(base_).append(folder.group).append(file.empty() ? "" : "/").append(file);
    return path_;
}

Status Units::State::start() {
    Result<CgroupLayout> found = find_cgroups(root);
    if (!found) return found.error();
    layout = std::move(*found);
    base_ = (root / layout.units).native();
    own_ = find_own();
    inotify.reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    if (!inotify) no_inotify_ = why_not_watched(errno);
    top = std::make_unique<Folder>(nullptr, "", Kind::top);
    walk();
    return Done{};
}

std::string Units::State::find_own() const {
    KeptFile file(root, "proc/self/cgroup");
    const Result<std::string_view> groups = file.read();
    const auto group = groups ? group_in(*groups, layout) : std::nullopt;
    return std::string(service_around(group.value_or("")));
}

std::string Units::State::why_not_watched(int error) const {
    const std::string why = error == ENOSPC   ? "fs.inotify.max_user_watches is too low"
                            : error == EMFILE ? "fs.inotify.max_user_instances is too low"
                                              : system_error("inotify", error).message;
    return layout.units + ": " + why + ", so units are looked for every 2 s";
}

std::string_view Units::State::hands_off(std::string_view group) const {
    if (is_within(group, "/init.scope")) return "PID 1 is in it";
    if (is_managers_own(group)) return "a user's manager is in it, and hands on what it holds";
    if (!own_.empty() && is_within(group, own_)) return "it is memtuned itself";
    return is_kubelets(group) ? "a kubelet manages it" : "";
}

// What happened.

void Units::State::take_events() {
    for (int reads = 0; reads < most_reads; ++reads) {
        const ssize_t n = ::read(inotify.get(), events_.data(), events_.size());
        if (n <= 0) return;
        for (const char* at = events_.data(); at < events_.data() + n;) {
            inotify_event event;
            std::memcpy(&event, at, sizeof event);
            const char* name = at + sizeof event;
            take_event(event, {name, ::strnlen(name, event.len)});
            at = name + event.len;
        }
    }
}

void Units::State::take_event(const inotify_event& event, std::string_view name) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) events_lost_ = true;
    const auto known = watched_.find(event.wd);
    if (known == watched_.end()) return;
    Folder& folder = *known->second;
    if ((event.mask & IN_IGNORED) != 0) {
        (event.wd == folder.watch ? folder.watch : folder.file_watch) = -1;
        watched_.erase(known);
    } else if (event.wd == folder.file_watch) {
        folder.look_inside = flagged_ = true;
    } else {
        take_named(folder, event.mask, name);
    }
}

void Units::State::take_named(Folder& folder, std::uint32_t what, std::string_view name) {
    if ((what & (IN_ISDIR | IN_DELETE_SELF | IN_UNMOUNT)) != 0) {
        folder.look_below = flagged_ = true;
        const auto child = folder.below.find(name);
        if (child != folder.below.end()) child->second->doubtful = true;
    } else if (name == "cgroup.events") {
        folder.look_inside = flagged_ = true;
    } else if (name == "cgroup.procs") {
        arrivals.insert(group_name(folder));
        flag_inside(folder);
    }
}

/// Units that tell nothing themselves have to be asked when anything below moves.
void Units::State::flag_inside(Folder& folder) {
    for (Folder* each = &folder; each; each = each->above)
        if (each->has_no_events) each->look_inside = flagged_ = true;
}

void Units::State::flag_all(Folder& folder) {
    folder.look_below = folder.look_inside = folder.doubtful = true;
    if (events_lost_) arrivals.insert(group_name(folder));
    for (auto& [name, child] : folder.below) flag_all(*child);
}

// What is there.

void Units::State::act(Instant now) {
    if (is_walk_due(now)) {
        walk();
        last_walk_ = now;
    } else if (flagged_) {
        look_at_flagged();
    }
}

bool Units::State::is_walk_due(Instant now) {
    if (!last_walk_) last_walk_ = now;
    const Duration pause = events_lost_ ? Duration::zero() : not_watched.empty() ? walk_watched : walk_not_watched;
    return now >= *last_walk_ + std::max(pause, rest_);
}

void Units::State::walk() {
    const Instant began = BootClock::now();
    flag_all(*top);
    events_lost_ = false;
    not_watched = no_inotify_;
    watch(*top);
    look_at_flagged();
    walked_ = true;
    rest_ = rest_per_walk * (BootClock::now() - began);
}

void Units::State::look_at_flagged() {
    look(*top);
    settle(*top, Unit::none);
    flagged_ = false;
}

void Units::State::look(Folder& folder) {
    if (folder.look_below) look_below(folder);
    for (auto& [name, child] : folder.below) look(*child);
    if (folder.look_inside) look_inside(folder);
}

void Units::State::look_below(Folder& folder) {
    std::vector<std::string> names;
    folder.look_below = false;
    if (!list_folders(path_of(folder), names)) return;
    std::erase_if(folder.below, [&](auto& entry) {
        Folder& child = *entry.second;
        const bool stays =
            std::binary_search(names.begin(), names.end(), entry.first) && (!child.doubtful || is_the_same(child));
        if (!stays) drop(child);
        return !stays;
    });
    for (const std::string& name : names)
        if (!folder.below.contains(name)) add(folder, name);
    flag_inside(folder);
}

void Units::State::look_inside(Folder& folder) {
    folder.look_inside = false;
    if (folder.unit.empty()) return;
    if (inotify && folder.file_watch < 0) add_watch(folder, "cgroup.events", file_events, folder.file_watch);
    folder.populated = is_populated(folder);
    if (!folder.populated) go(folder);
}

/// Where that cannot be told (no descriptor left), it is as it was; ENODEV: the group is gone.
bool Units::State::is_populated(Folder& folder) {
    KeptFile file(Root(path_of(folder)), "cgroup.events");
    const Result<std::string_view> state = file.read();
    folder.has_no_events = !state && state.error().code == ENOENT;
    if (folder.has_no_events) return holds_process(folder);
    if (!state) return folder.populated && state.error().code != ENODEV;
    for (std::string_view rest = *state; !rest.empty();)
        if (text::take_line(rest) == "populated 1") return true;
    return false;
}

bool Units::State::has_process(const Folder& folder) {
    pids_.clear();
    static_cast<void>(read_pids(open_pids(path_of(folder, "cgroup.procs")), text_, pids_));
    return !pids_.empty();
}

bool Units::State::holds_process(const Folder& folder) {
    return has_process(folder) || std::any_of(folder.below.begin(), folder.below.end(),
                                              [this](const auto& entry) { return holds_process(*entry.second); });
}

void Units::State::collect(Folder& folder, std::vector<pid_t>& pids) {
    if (!folder.pids || !read_pids(folder.pids, text_, pids)) {
        folder.pids = open_pids(path_of(folder, "cgroup.procs"));
        static_cast<void>(read_pids(folder.pids, text_, pids));
    }
    for (const auto& [name, child] : folder.below) collect(*child, pids);
}

void Units::State::collect(const std::string& group, std::vector<pid_t>& pids) {
    path_.assign(base_).append(group).append("/cgroup.procs");
    static_cast<void>(read_pids(open_pids(path_), text_, pids));
}

// The tree.

/// Watched before it is looked into, so that nothing made in between is missed: neither a folder nor a process that
/// was moved in, which counts as an arrival then.
void Units::State::add(Folder& above, const std::string& name) {
    const Kind kind = kind_in(above.kind, unescaped(name));
    if (kind == Kind::foreign) return;
    auto folder = std::make_unique<Folder>(&above, name, kind);
    folder->unit = unit_name(*folder, unescaped(name));
    if (!watch(*folder)) return;
    if (walked_ && has_process(*folder)) arrivals.insert(folder->group);
    above.below.emplace(name, std::move(folder));
}

void Units::State::drop(Folder& folder) {
    for (auto& [name, child] : folder.below) drop(*child);
    unwatch(folder, folder.watch);
    unwatch(folder, folder.file_watch);
    arrivals.erase(folder.group);
    go(folder);
}

/// 0 or errno; with an error, `wd` is -1.
int Units::State::add_watch(Folder& folder, std::string_view file, std::uint32_t what, int& wd) {
    wd = ::inotify_add_watch(inotify.get(), path_of(folder, file).c_str(), what);
    const int error = wd < 0 ? errno : 0;
    if (error == 0)
        watched_[wd] = &folder;
    else if (!is_gone(error))
        not_watched = why_not_watched(error);
    return error;
}

/// False: the folder is gone.
bool Units::State::watch(Folder& folder) {
    return !inotify || !is_gone(add_watch(folder, {}, folder_events, folder.watch));
}

/// A folder that was moved is known by its new name already, and its watch is that one's.
void Units::State::unwatch(Folder& folder, int wd) {
    const auto known = watched_.find(wd);
    if (known == watched_.end() || known->second != &folder) return;
    ::inotify_rm_watch(inotify.get(), wd);
    watched_.erase(known);
}

/// A unit started anew has another folder of the same name: watching that would give another watch.
bool Units::State::is_the_same(Folder& folder) {
    folder.doubtful = false;
    if (!inotify) return true;
    if (folder.watch < 0) return watch(folder);
    return ::inotify_add_watch(inotify.get(), path_of(folder).c_str(), folder_events) == folder.watch;
}

// The units.

void Units::State::settle(Folder& folder, std::size_t around) {
    if (folder.populated && folder.place == Unit::none) come(folder);
    if (folder.place != Unit::none) {
        units[folder.place].around = around;
        around = folder.place;
    }
    for (auto& [name, child] : folder.below) settle(*child, around);
}

void Units::State::come(Folder& folder) {
    const auto vacant = std::find(folders.begin(), folders.end(), nullptr);
    const auto place = static_cast<std::size_t>(vacant - folders.begin());
    if (!places.emplace(folder.unit, place).second) return;
    if (vacant == folders.end()) {
        folders.emplace_back();
        units.emplace_back();
    }
    const bool users = folder.kind == Kind::users_slice || folder.kind == Kind::users_unit;
    units[place] = {folder.unit, folder.group, Unit::none, users, hands_off(folder.group), ++version};
    folders[place] = &folder;
    folder.place = place;
}

void Units::State::go(Folder& folder) {
    if (folder.place == Unit::none) return;
    places.erase(folder.unit);
    units[folder.place] = {};
    folders[folder.place] = nullptr;
    folder.place = Unit::none;
    ++version;
}

Units::Units(const Root& root) : state_(std::make_unique<State>(root)) {}
Units::~Units() = default;
Units::Units(Units&&) noexcept = default;
Units& Units::operator=(Units&&) noexcept = default;

Status Units::start() {
    auto begun = std::make_unique<State>(state_->root);
    if (Status status = begun->start(); !status) return status;
    state_ = std::move(begun);
    return Done{};
}

void Units::refresh(Instant now) {
    if (!state_->top) return;
    state_->take_events();
    state_->act(now);
}

std::span<const Unit> Units::units() const {
    return state_->units;
}

std::uint64_t Units::version() const {
    return state_->version;
}

std::optional<std::size_t> Units::find(std::string_view name) const {
    const auto known = state_->places.find(name);
    return known != state_->places.end() ? std::optional(known->second) : std::nullopt;
}

void Units::processes(const Unit& unit, std::vector<pid_t>& pids) const {
    pids.clear();
    const auto place = find(unit.name);
    if (!place || state_->units[*place].group != unit.group) return;
    state_->collect(*state_->folders[*place], pids);
    sort_out(pids);
}

void Units::processes_in(const std::string& group, std::vector<pid_t>& pids) const {
    pids.clear();
    state_->collect(group, pids);
    sort_out(pids);
}

std::vector<std::string> Units::take_arrivals() {
    std::vector<std::string> taken(state_->arrivals.begin(), state_->arrivals.end());
    state_->arrivals.clear();
    return taken;
}

std::string_view Units::hands_off(std::string_view group) const {
    return state_->hands_off(group);
}

const CgroupLayout& Units::layout() const {
    return state_->layout;
}

int Units::fd() const {
    return state_->inotify.get();
}

const std::string& Units::not_watched() const {
    return state_->not_watched;
}

}  // namespace memtuned::kernel
