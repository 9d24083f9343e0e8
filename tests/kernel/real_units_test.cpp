// SPDX-License-Identifier: GPL-2.0-or-later
//
// Units and processes on the kernel at hand: groups of our own in its hierarchy, removed in the end whatever fails,
// and what else only root can have, such as a pid that comes again.
#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/kernel/process.hpp"
#include "memtuned/kernel/units.hpp"
#include "support/allocations.hpp"
#include "support/temp_root.hpp"

using namespace memtuned;
using namespace memtuned::kernel;
using std::chrono::milliseconds;

namespace {

constexpr Instant begin{};
/// No other test makes one of this name, as of two units of one name only the first is seen.
const std::string slice = "memtuned_units_test.slice";

template <class T>
Error error_of(const Result<T>& result) {
    return result ? Error{"no error", -1} : result.error();
}

std::optional<std::string> why_not() {
    if (::geteuid() != 0) return "skipped: only root may make groups";
    const auto layout = find_cgroups(Root());
    if (!layout) return "skipped: " + layout.error().message;
    const std::string top = "/" + layout->units;
    if (::access((top + "/cgroup.controllers").c_str(), F_OK) != 0) return "skipped: units are on cgroup v1 here";
    if (::access(top.c_str(), W_OK) != 0) return "skipped: " + top + " is read-only here";
    return std::nullopt;
}

/// Removes the groups below an open one. Descriptor by descriptor, as a path may be too long.
void remove_below(int group) {
    const int copy = ::openat(group, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return;
    DIR* const folder = ::fdopendir(copy);
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(folder))
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') names.emplace_back(entry->d_name);
    ::closedir(folder);
    for (const std::string& name : names) {
        {
            const Descriptor below(::openat(group, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            remove_below(below.get());
        }
        // A process that was killed leaves its group a moment later.
        for (int i = 0; i < 200 && ::unlinkat(group, name.c_str(), AT_REMOVEDIR) != 0 && errno == EBUSY; ++i)
            std::this_thread::sleep_for(milliseconds(5));
    }
}

/// Also when the test program ends at once, by a failed assertion.
void wait_for_end() {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) ::pause();
}

/// A child that waits for its end, at the latest that of this.
class Child {
public:
    Child() : pid_(::fork()) {
        REQUIRE(pid_ >= 0);
        if (pid_ == 0) wait_for_end();
    }
    ~Child() { end(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    void end() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_;
};

/// Our slice in the real hierarchy. Made before any Child, so that it is emptied when it goes.
class RealGroups {
public:
    RealGroups() {
        const auto layout = find_cgroups(Root());
        REQUIRE(layout);
        top_ = "/" + layout->units;
        clean();
        make("");
    }
    ~RealGroups() { clean(); }
    RealGroups(const RealGroups&) = delete;
    RealGroups& operator=(const RealGroups&) = delete;

    std::string group(const std::string& path) const { return "/" + slice + path; }
    void make(const std::string& path) const {
        REQUIRE_MESSAGE(::mkdir((top_ + group(path)).c_str(), 0755) == 0,
                        fmt::format("{}: {}", path, std::strerror(errno)));
    }
    void remove(const std::string& path) const {
        REQUIRE_MESSAGE(::rmdir((top_ + group(path)).c_str()) == 0,
                        fmt::format("{}: {}", path, std::strerror(errno)));
    }
    void move(const std::string& path, pid_t pid) const { put(path + "/cgroup.procs", std::to_string(pid)); }
    void put(const std::string& file, const std::string& text) const {
        const Descriptor opened(::open((top_ + group(file)).c_str(), O_WRONLY | O_CLOEXEC));
        REQUIRE(opened);
        REQUIRE(::write(opened.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    }
    /// Out of the slice, back to where this program is.
    void move_out(pid_t pid) const {
        const auto facts = ProcProcesses(Root()).look(::getpid());
        REQUIRE(facts);
        std::ofstream procs(top_ + facts->group + "/cgroup.procs");
        procs << pid;
        REQUIRE(procs.flush());
    }
    const std::string& top() const { return top_; }

private:
    void clean() const {
        {
            const Descriptor ours(::open((top_ + group("")).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
            if (!ours) return;
            remove_below(ours.get());
        }
        for (int i = 0; i < 200 && ::rmdir((top_ + group("")).c_str()) != 0 && errno == EBUSY; ++i)
            std::this_thread::sleep_for(milliseconds(5));
    }

    std::string top_;
};

Units started() {
    Units units{Root()};
    const Status status = units.start();
    REQUIRE_MESSAGE(status, error_of(status).message);
    REQUIRE(units.not_watched() == "");
    units.refresh(begin);
    return units;
}

bool wakes(const Units& units) {
    pollfd poll{units.fd(), POLLIN, 0};
    return ::poll(&poll, 1, 2000) == 1;
}

/// Takes in what happened, also what the kernel tells late: changes of one cgroup.events are told 10 ms apart.
void take_in_all(Units& units) {
    for (int i = 0; i < 20; ++i) {
        units.refresh(begin);
        std::this_thread::sleep_for(milliseconds(5));
    }
}

/// Takes in what happens until the unit is there, or is not. Never later than the minute after which it would be
/// found without any event.
bool comes(Units& units, const std::string& name, bool there = true) {
    for (int i = 0; i < 50 && units.find(name).has_value() != there; ++i) {
        if (!wakes(units)) return false;
        units.refresh(begin + milliseconds(i));
    }
    return units.find(name).has_value() == there;
}
bool goes(Units& units, const std::string& name) {
    return comes(units, name, false);
}

std::vector<pid_t> processes(const Units& units, const std::string& name) {
    std::vector<pid_t> pids;
    const auto place = units.find(name);
    REQUIRE(place);
    units.processes(units.units()[*place], pids);
    return pids;
}

bool told(const std::vector<std::string>& arrivals, const std::string& group) {
    return std::count(arrivals.begin(), arrivals.end(), group) == 1;
}

/// How many watches the kernel holds for us.
std::size_t watches(const Units& units) {
    std::ifstream about(fmt::format("/proc/self/fdinfo/{}", units.fd()));
    std::size_t count = 0;
    for (std::string line; std::getline(about, line);) count += line.starts_with("inotify ");
    return count;
}

/// What `work` says in a child; empty is well.
std::string in_child(const std::function<std::string()>& work) {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const std::string said = work() + "\n";
        ::_exit(::write(ends[1], said.data(), said.size()) == static_cast<ssize_t>(said.size()) ? 0 : 1);
    }
    ::close(ends[1]);
    std::string said;
    char c = 0;
    while (::read(ends[0], &c, 1) == 1) said += c;
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (!said.ends_with('\n')) return fmt::format("ended with status {}", status);
    said.pop_back();
    return said;
}

bool put(const std::string& path, const std::string& text) {
    const Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

pid_t sleeper() {
    const pid_t pid = ::fork();
    if (pid == 0) wait_for_end();
    return pid;
}

void end(pid_t pid) {
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
}

/// As the first process of a pid namespace, with its processes under `root`/proc.
std::string reuse_a_pid(const Root& root) {
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "skipped: no private mounts";
    if (::mount("proc", (root / "proc").c_str(), "proc", 0, nullptr) != 0) return "skipped: no proc of our own";
    ProcProcesses processes(root);
    const pid_t first = sleeper();
    const auto old = processes.look(first);
    if (!old) return "first: " + old.error().message;
    end(first);
    const Status gone = processes.write(old->id, "", old->score, old->score + 1);
    if (error_of(gone).code != ESRCH) return "nobody had the pid: " + error_of(gone).message;

    std::this_thread::sleep_for(milliseconds(50));  // start times are told in ticks of 10 ms
    if (!put(root / "proc/sys/kernel/ns_last_pid", std::to_string(first - 1))) return "skipped: no ns_last_pid";
    const pid_t second = sleeper();
    if (second != first) return fmt::format("{} did not come again, but {}", first, second);
    const auto now = processes.look(second);
    if (!now) return "second: " + now.error().message;
    if (now->id == old->id) return "the same start time";
    const Status status = processes.write(old->id, "", old->score, old->score + 1);
    if (error_of(status).code != ESRCH) return "written: " + error_of(status).message;
    if (error_of(status).message != fmt::format("proc/{}: another process by now", first))
        return error_of(status).message;
    if (*processes.score(second) != now->score) return "it was changed all the same";
    const Status right = processes.write(now->id, "", now->score, now->score + 1);
    if (!right) return "the right one: " + right.error().message;
    if (*processes.score(second) != now->score + 1) return "the right one was not changed";
    end(second);
    return "";
}

/// A capture, watched by somebody who may have only few watches or none; what went wrong, if anything.
std::string watch_with_limit(const char* limit, const char* value, const std::string& why) {
    test::TempRoot tree;
    const std::string base = "sys/fs/cgroup/";
    tree.write(base + "cgroup.controllers", "memory\n");
    for (const char* group : {"a.slice", "a.slice/b.service", "a.slice/c.service", "a.slice/d.service"}) {
        tree.write(base + group + "/cgroup.procs", "1\n");
        tree.write(base + group + "/cgroup.events", "populated 1\n");
    }
    return in_child([&]() -> std::string {
        if (::unshare(CLONE_NEWUSER) != 0) return "skipped: no user namespace";
        if (!put(std::string("/proc/sys/user/") + limit, value)) return std::string("skipped: no ") + limit;
        Units units(tree.root());
        if (!units.start()) return "not started";
        if (units.not_watched() != why) return units.not_watched();
        for (const char* name : {"a.slice", "b.service", "c.service", "d.service"})
            if (!units.find(name)) return std::string("not found: ") + name;
        units.refresh(begin);
        tree.write(base + "a.slice/d.service/cgroup.events", "populated 0\n");
        units.refresh(begin + milliseconds(1900));
        if (!units.find("d.service")) return "walked too early";
        units.refresh(begin + milliseconds(2000));
        return units.find("d.service") ? "walked too late" : "";
    });
}

}  // namespace

#define NEEDS_GROUPS                  \
    if (const auto why = why_not()) { \
        MESSAGE(*why);                \
        return;                       \
    }

TEST_SUITE_BEGIN("real kernel");

TEST_CASE("a real unit is there while a process is in it") {
    NEEDS_GROUPS
    RealGroups groups;
    Child child;
    groups.make("/a.service");
    Units units = started();
    CHECK_FALSE(units.find("a.service"));
    const std::uint64_t version = units.version();

    groups.move("/a.service", child.pid());
    CHECK(comes(units, "a.service"));
    CHECK(comes(units, slice));
    CHECK(units.version() == version + 2);
    CHECK(processes(units, "a.service") == std::vector<pid_t>{child.pid()});
    CHECK(processes(units, slice) == std::vector<pid_t>{child.pid()});
    CHECK(units.units()[*units.find("a.service")].around == units.find(slice));
    CHECK(ProcProcesses(Root()).look(child.pid())->group == units.units()[*units.find("a.service")].group);

    SUBCASE("until it is moved out") {
        groups.move_out(child.pid());
    }
    SUBCASE("until it ends") {
        child.end();
    }
    CHECK(goes(units, "a.service"));
    CHECK(goes(units, slice));
    CHECK(units.version() == version + 4);
}

TEST_CASE("a real unit that comes later is found, with what it already holds") {
    NEEDS_GROUPS
    RealGroups groups;
    Child child;
    Units units = started();
    groups.make("/a.service");
    groups.make("/a.service/part");
    groups.move("/a.service/part", child.pid());
    CHECK(comes(units, "a.service"));
    CHECK(processes(units, "a.service") == std::vector<pid_t>{child.pid()});
    CHECK(told(units.take_arrivals(), groups.group("/a.service/part")));
}

TEST_CASE("processes in real groups below a unit are its own, and moves between them are arrivals") {
    NEEDS_GROUPS
    RealGroups groups;
    Child one;
    Child two;
    groups.make("/a.service");
    groups.make("/a.service/part");
    groups.make("/a.service/part/inner.service");
    groups.move("/a.service", one.pid());
    groups.move("/a.service", two.pid());
    Units units = started();
    static_cast<void>(units.take_arrivals());
    const std::uint64_t version = units.version();

    groups.move("/a.service/part/inner.service", two.pid());
    REQUIRE(wakes(units));
    units.refresh(begin);
    const std::vector<std::string> arrivals = units.take_arrivals();
    CHECK(told(arrivals, groups.group("/a.service/part/inner.service")));
    CHECK_FALSE(told(arrivals, groups.group("/a.service")));
    CHECK(processes(units, "a.service") ==
          std::vector<pid_t>{std::min(one.pid(), two.pid()), std::max(one.pid(), two.pid())});
    CHECK_FALSE(units.find("inner.service"));

    groups.make("/a.service/later");
    groups.move("/a.service/later", one.pid());
    REQUIRE(wakes(units));
    units.refresh(begin);
    CHECK(told(units.take_arrivals(), groups.group("/a.service/later")));
    CHECK(processes(units, "a.service").size() == 2);
    CHECK(units.version() == version);
}

TEST_CASE("a fork into a real unit is no arrival, and is among its processes") {
    NEEDS_GROUPS
    RealGroups groups;
    groups.make("/a.service");
    Units units = started();
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const pid_t parent = ::fork();
    if (parent == 0) {
        char c = 0;
        if (::read(ends[0], &c, 1) < 0) ::_exit(1);
        sleeper();
        for (;;) ::pause();
    }
    groups.move("/a.service", parent);
    CHECK(comes(units, "a.service"));
    static_cast<void>(units.take_arrivals());
    CHECK(::write(ends[1], "x", 1) == 1);
    for (int i = 0; i < 200 && processes(units, "a.service").size() < 2; ++i)
        std::this_thread::sleep_for(milliseconds(10));
    const std::vector<pid_t> both = processes(units, "a.service");
    CHECK(both.size() == 2);
    units.refresh(begin);
    CHECK_FALSE(told(units.take_arrivals(), groups.group("/a.service")));
    for (const pid_t pid : both) ::kill(pid, SIGKILL);
    ::waitpid(parent, nullptr, 0);
    ::close(ends[0]);
    ::close(ends[1]);
}

TEST_CASE("real units may have odd names") {
    NEEDS_GROUPS
    RealGroups groups;
    Child child;
    Units units = started();
    const std::string longest = std::string(247, 'x') + ".service";
    for (const std::string name : {"a b\t*[.scope", "\xff\xfe.mount", "(deleted).socket"}) {  // systemd has none such
        CAPTURE(name);
        groups.make("/" + name);
        groups.move("/" + name, child.pid());
        CHECK(ProcProcesses(Root()).look(child.pid())->group == groups.group("/" + name));
        units.refresh(BootClock::now());
        CHECK_FALSE(units.find(name));
    }
    for (const std::string& name : {std::string("foo@bar\\x2dbaz.service"), longest, std::string("a:b-c_d.scope")}) {
        CAPTURE(name);
        groups.make("/" + name);
        groups.move("/" + name, child.pid());
        CHECK(comes(units, name));
        CHECK(processes(units, name) == std::vector<pid_t>{child.pid()});
        CHECK(ProcProcesses(Root()).look(child.pid())->group == groups.group("/" + name));
    }
    groups.make("/_cpu.service");
    groups.move("/_cpu.service", child.pid());
    CHECK(comes(units, "cpu.service"));
    CHECK(goes(units, longest));
}

TEST_CASE("real units of a user's manager are the user's") {
    NEEDS_GROUPS
    RealGroups groups;
    Child one;
    Child two;
    Units units = started();
    const std::string manager = "/user@4242.service";
    groups.make(manager);
    groups.make(manager + "/init.scope");
    groups.make(manager + "/app.slice");
    groups.make(manager + "/app.slice/app-x.scope");
    groups.move(manager + "/init.scope", one.pid());
    groups.move(manager + "/app.slice/app-x.scope", two.pid());
    CHECK(comes(units, "user@4242.service/app-x.scope"));
    CHECK(comes(units, "user@4242.service/init.scope"));
    const Unit& scope = units.units()[*units.find("user@4242.service/app-x.scope")];
    CHECK(scope.users);
    CHECK(scope.around == units.find("user@4242.service/app.slice"));
    CHECK_FALSE(units.units()[*units.find("user@4242.service")].users);
    CHECK(processes(units, "user@4242.service").size() == 2);
    two.end();
    CHECK(goes(units, "user@4242.service/app.slice"));
    CHECK_FALSE(units.find("user@4242.service/app-x.scope"));
    CHECK(units.find("user@4242.service/init.scope"));
}

TEST_CASE("a real group whose threads are counted elsewhere is no hindrance") {
    NEEDS_GROUPS
    RealGroups groups;
    Child child;
    groups.make("/a.service");
    groups.make("/a.service/threads");
    groups.move("/a.service", child.pid());
    groups.put("/a.service/threads/cgroup.type", "threaded");
    groups.move("/a.service/threads", child.pid());
    const Units units = started();
    CHECK(processes(units, "a.service") == std::vector<pid_t>{child.pid()});
}

TEST_CASE("a real unit started anew is watched anew, and removed groups leave no watch") {
    NEEDS_GROUPS
    RealGroups groups;
    Units units = started();
    const std::size_t before = watches(units);
    for (int i = 0; i < 20; ++i) {
        Child child;
        groups.make("/a.service");
        groups.make("/a.service/part");
        groups.move("/a.service", child.pid());
        CHECK(comes(units, "a.service"));
        CHECK(watches(units) == before + 3);
        groups.move_out(child.pid());
        if (i % 2 == 0) CHECK(goes(units, "a.service"));
        groups.remove("/a.service/part");
        groups.remove("/a.service");
    }
    CHECK(goes(units, "a.service"));
    take_in_all(units);
    CHECK(watches(units) == before);
}

TEST_CASE("groups may be made and removed while the tree is walked") {
    NEEDS_GROUPS
    RealGroups groups;
    Units units = started();
    const Child moved;
    std::atomic<bool> stop = false;
    std::atomic<int> rounds = 0;
    std::thread maker([&] {
        const std::string pid = std::to_string(moved.pid());
        const std::string ours = groups.top() + groups.group("");
        for (int round = 0; !stop; round = (round + 1) % 5) {
            const std::string path = fmt::format("{}/{}.service", ours, round);
            ::mkdir(path.c_str(), 0755);
            ::mkdir((path + "/part").c_str(), 0755);
            put(path + "/part/cgroup.procs", pid);
            put(groups.top() + "/cgroup.procs", pid);
            ::rmdir((path + "/part").c_str());
            ::rmdir(path.c_str());
            ++rounds;
        }
    });
    std::vector<pid_t> pids;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    for (int i = 0; std::chrono::steady_clock::now() < until; ++i) {
        units.refresh(begin + std::chrono::seconds(61) * i);
        for (const Unit& unit : units.units())
            if (unit.group.starts_with(groups.group(""))) units.processes(unit, pids);
        static_cast<void>(units.take_arrivals());
    }
    stop = true;
    maker.join();
    CHECK(rounds > 100);
    Child child;
    groups.make("/last.service");
    groups.move("/last.service", child.pid());
    for (int i = 0; i < 50 && !units.find("last.service"); ++i)
        units.refresh(begin + std::chrono::seconds(1000000 + i));
    CHECK(processes(units, "last.service") == std::vector<pid_t>{child.pid()});
    for (int i = 0; i < 5; ++i) CHECK_FALSE(units.find(fmt::format("{}.service", i)));
}

TEST_CASE("groups that lie too deep for a path are left alone") {
    NEEDS_GROUPS
    RealGroups groups;
    groups.make("/a.service");
    const std::string name(255, 'd');
    Descriptor at(::open((groups.top() + groups.group("/a.service")).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    for (int depth = 0; depth < 20; ++depth) {
        REQUIRE(::mkdirat(at.get(), name.c_str(), 0755) == 0);
        at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        REQUIRE(at);
    }
    Child child;
    const Units idle = started();
    groups.move("/a.service", child.pid());
    Units units = started();
    CHECK(units.not_watched() == "");
    CHECK(processes(units, "a.service") == std::vector<pid_t>{child.pid()});
}

TEST_CASE("a refresh on the real tree with nothing to take in allocates nothing") {
    NEEDS_GROUPS
    RealGroups groups;
    Child child;
    groups.make("/a.service");
    groups.move("/a.service", child.pid());
    Units units = started();
    take_in_all(units);
    std::vector<pid_t> pids = processes(units, "a.service");
    const std::size_t place = *units.find("a.service");
    const std::size_t before = test::allocations();
    for (int i = 0; i < 10000; ++i) units.refresh(begin);
    for (int i = 0; i < 100; ++i) units.processes(units.units()[place], pids);
    CHECK(test::allocations() == before);
}

TEST_CASE("a process that was moved between real groups is not written for the one it left") {
    NEEDS_GROUPS
    RealGroups groups;
    Child child;
    groups.make("/a.service");
    groups.make("/a.service/part");
    groups.make("/a.service2");
    ProcProcesses real{Root()};
    Processes& all = real;
    const auto facts = all.look(child.pid());
    REQUIRE(facts);
    groups.move("/a.service/part", child.pid());
    CHECK(all.write(facts->id, groups.group("/a.service"), facts->score, facts->score + 1));
    groups.move("/a.service2", child.pid());
    CHECK(error_of(all.write(facts->id, groups.group("/a.service"), facts->score + 1, facts->score + 2)).code ==
          EXDEV);
    CHECK(*all.score(child.pid()) == facts->score + 1);
}

TEST_CASE("a process that got a pid again is not written for the one before") {
    if (::geteuid() != 0) {
        MESSAGE("skipped: only root may have a pid again");
        return;
    }
    test::TempRoot tree;
    tree.write("proc/here", "");
    const std::string said = in_child([&]() -> std::string {
        if (::unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) return "skipped: no pid namespace";
        return in_child([&] { return reuse_a_pid(tree.root()); });
    });
    if (said.starts_with("skipped: "))
        MESSAGE(said);
    else
        CHECK(said == "");
}

TEST_CASE("with too few watches, or without any, the tree is walked every 2 s") {
    std::string said;
    SUBCASE("too few") {
        said = watch_with_limit(
            "max_inotify_watches", "4",
            "sys/fs/cgroup: fs.inotify.max_user_watches is too low, so units are looked for every 2 s");
    }
    SUBCASE("none") {
        said = watch_with_limit(
            "max_inotify_instances", "0",
            "sys/fs/cgroup: fs.inotify.max_user_instances is too low, so units are looked for every 2 s");
    }
    if (said.starts_with("skipped: "))
        MESSAGE(said);
    else
        CHECK(said == "");
}

TEST_SUITE_END();
