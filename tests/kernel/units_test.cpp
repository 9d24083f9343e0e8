// SPDX-License-Identifier: GPL-2.0-or-later
//
// On trees of plain folders and files. They lack what only the kernel does, such as cgroup.events changing by itself;
// for that see real_units_test.cpp.
#include "memtuned/kernel/units.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memtuned/kernel/descriptor.hpp"
#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

using std::chrono::seconds;

constexpr Instant begin{};
const std::string v2 = "sys/fs/cgroup";

/// A tree of groups in the hierarchy `base`, by their paths.
class Groups {
public:
    explicit Groups(std::string base = v2) : base_(std::move(base)) {
        if (!base_.ends_with("systemd")) tree.write(base_ + "/cgroup.controllers", "cpu memory pids\n");
    }

    /// A group as v2 has it; written again, it is filled or emptied.
    Groups& group(const std::string& path, const std::string& pids = "", bool populated = true) {
        tree.write(base_ + path + "/cgroup.procs", pids);
        tree.write(base_ + path + "/cgroup.events",
                   populated ? "populated 1\nfrozen 0\n" : "populated 0\nfrozen 0\n");
        return *this;
    }
    /// One without cgroup.events: v1's.
    Groups& group_v1(const std::string& path, const std::string& pids) {
        tree.write(base_ + path + "/cgroup.procs", pids);
        return *this;
    }
    void remove(const std::string& path) { std::filesystem::remove_all(tree.root() / (base_ + path)); }
    void rename(const std::string& from, const std::string& to) {
        std::filesystem::rename(tree.root() / (base_ + from), tree.root() / (base_ + to));
    }

    test::TempRoot tree;

private:
    std::string base_;
};

Units started(const Groups& groups) {
    Units units(groups.tree.root());
    const Status status = units.start();
    REQUIRE_MESSAGE(status, status.error().message);
    CHECK(units.not_watched() == "");
    return units;
}

std::vector<std::string> names(const Units& units) {
    std::vector<std::string> all;
    for (const Unit& unit : units.units())
        if (!unit.name.empty()) all.push_back(unit.name);
    std::sort(all.begin(), all.end());
    return all;
}

using Names = std::vector<std::string>;

const Unit& unit(const Units& units, std::string_view name) {
    const auto place = units.find(name);
    REQUIRE_MESSAGE(place, std::string(name));
    return units.units()[*place];
}

std::string around(const Units& units, std::string_view name) {
    const std::size_t place = unit(units, name).around;
    return place == Unit::none ? "" : units.units()[place].name;
}

std::vector<pid_t> processes(const Units& units, std::string_view name) {
    std::vector<pid_t> pids = {-1};
    units.processes(unit(units, name), pids);
    return pids;
}

bool readable(int fd) {
    pollfd poll{fd, POLLIN, 0};
    return ::poll(&poll, 1, 0) == 1;
}

/// A machine with some of everything.
struct Usual : Groups {
    Usual() {
        group("/init.scope", "1\n")
            .group("/system.slice")
            .group("/system.slice/cron.service", "10\n")
            .group("/system.slice/idle.service", "", false)
            .group("/system.slice/dev-hugepages.mount", "", false)
            .group("/system.slice/docker-abc.scope")
            .group("/system.slice/docker-abc.scope/init.scope", "20\n")
            .group("/system.slice/docker-abc.scope/system.slice/nginx.service", "21\n22\n")
            .group("/user.slice")
            .group("/user.slice/user-1000.slice")
            .group("/user.slice/user-1000.slice/session-1.scope", "30\n")
            .group("/user.slice/user-1000.slice/user@1000.service")
            .group("/user.slice/user-1000.slice/user@1000.service/init.scope", "31\n")
            .group("/user.slice/user-1000.slice/user@1000.service/app.slice")
            .group("/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.scope", "33\n32\n")
            .group("/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.scope/inner.service", "34\n")
            .group("/docker/abc.service", "40\n");
    }
};

}  // namespace

TEST_CASE("the hierarchies are told by what is there") {
    test::TempRoot tree;
    const auto layout = [&tree] {
        auto found = find_cgroups(tree.root());
        REQUIRE(found);
        return *found;
    };
    const auto none = find_cgroups(tree.root());
    REQUIRE_FALSE(none);
    CHECK(none.error().code == ENOENT);
    CHECK(none.error().message == "sys/fs/cgroup: no cgroup hierarchy that units could be in");

    tree.write("sys/fs/cgroup/systemd/cgroup.procs", "");
    CHECK(layout().units == "sys/fs/cgroup/systemd");
    CHECK(layout().memory == "");
    CHECK_FALSE(layout().has_pressure);

    tree.write("sys/fs/cgroup/memory/memory.stat", "");
    CHECK(layout().memory == "sys/fs/cgroup/memory");
    CHECK(layout().memory_is_v1);

    tree.write("sys/fs/cgroup/unified/cgroup.controllers", "");
    CHECK(layout().units == "sys/fs/cgroup/unified");
    CHECK(layout().memory == "sys/fs/cgroup/memory");
    CHECK(layout().memory_is_v1);
    CHECK_FALSE(layout().has_pressure);

    tree.write("sys/fs/cgroup/unified/memory.pressure", "");
    CHECK(layout().has_pressure);

    tree.write("sys/fs/cgroup/unified/cgroup.controllers", "cpu memory\n");
    CHECK(layout().memory == "sys/fs/cgroup/unified");
    CHECK_FALSE(layout().memory_is_v1);

    tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memoryx\n");
    CHECK(layout().units == "sys/fs/cgroup");
    CHECK(layout().memory == "");
    CHECK(layout().has_pressure);

    tree.write("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
    CHECK(layout().memory == "sys/fs/cgroup");
    CHECK_FALSE(layout().memory_is_v1);
}

TEST_CASE("without a hierarchy there are no units, and asking is no error") {
    test::TempRoot tree;
    Units units(tree.root());
    const Status status = units.start();
    REQUIRE_FALSE(status);
    CHECK(status.error().code == ENOENT);
    units.refresh(begin);
    CHECK(units.units().empty());
    CHECK(units.fd() == -1);
    CHECK_FALSE(units.find("cron.service"));
    CHECK(units.take_arrivals().empty());
}

TEST_CASE("units are what systemd made, in slices and below a user's manager") {
    const Usual groups;
    const Units units = started(groups);
    CHECK(names(units) == Names{"cron.service", "docker-abc.scope", "init.scope", "session-1.scope", "system.slice",
                                "user-1000.slice", "user.slice", "user@1000.service",
                                "user@1000.service/app-editor.scope", "user@1000.service/app.slice",
                                "user@1000.service/init.scope"});
    CHECK(unit(units, "cron.service").group == "/system.slice/cron.service");
    CHECK(unit(units, "user@1000.service/app-editor.scope").group ==
          "/user.slice/user-1000.slice/user@1000.service/app.slice/app-editor.scope");
    CHECK_FALSE(units.find(""));
}

TEST_CASE("each unit knows the one around it") {
    const Usual groups;
    const Units units = started(groups);
    CHECK(around(units, "system.slice") == "");
    CHECK(around(units, "cron.service") == "system.slice");
    CHECK(around(units, "session-1.scope") == "user-1000.slice");
    CHECK(around(units, "user@1000.service") == "user-1000.slice");
    CHECK(around(units, "user@1000.service/app.slice") == "user@1000.service");
    CHECK(around(units, "user@1000.service/app-editor.scope") == "user@1000.service/app.slice");
}

TEST_CASE("a user's own are what his manager made") {
    const Usual groups;
    const Units units = started(groups);
    for (const Unit& each : units.units()) {
        CAPTURE(each.name);
        CHECK(each.users == (each.name.find('/') != std::string::npos));
    }
}

TEST_CASE("the processes of a unit are all below it, sorted, each once, without those of other namespaces") {
    Usual groups;
    groups.group("/system.slice/cron.service", "10\n0\n9\n100\n9\n");
    const Units units = started(groups);
    CHECK(processes(units, "cron.service") == std::vector<pid_t>{9, 10, 100});
    CHECK(processes(units, "docker-abc.scope") == std::vector<pid_t>{20, 21, 22});
    CHECK(processes(units, "system.slice") == std::vector<pid_t>{9, 10, 20, 21, 22, 100});
    CHECK(processes(units, "user@1000.service/app.slice") == std::vector<pid_t>{32, 33, 34});
    CHECK(processes(units, "user@1000.service") == std::vector<pid_t>{31, 32, 33, 34});
}

TEST_CASE("the processes of one group alone are told by its path") {
    Usual groups;
    groups.group("/system.slice/docker-abc.scope", "25\n0\n24\n25\n");
    const Units units = started(groups);
    std::vector<pid_t> pids = {1};
    units.processes_in("/system.slice/docker-abc.scope", pids);
    CHECK(pids == std::vector<pid_t>{24, 25});
    units.processes_in("/docker/abc.service", pids);
    CHECK(pids == std::vector<pid_t>{40});
    units.processes_in("/system.slice/gone.service", pids);
    CHECK(pids.empty());
}

TEST_CASE("a long list of processes is read whole, and reading it again allocates nothing") {
    std::string list;
    for (int pid = 1; pid <= 20000; ++pid) list += std::to_string(pid) + "\n";
    Groups groups;
    groups.group("/a.slice/b.service", list);
    groups.group("/a.slice", "");
    const Units units = started(groups);
    std::vector<pid_t> pids;
    units.processes(unit(units, "b.service"), pids);
    CHECK(pids.size() == 20000);
    CHECK(pids.back() == 20000);
    const std::size_t before = test::allocations();
    units.processes(unit(units, "b.service"), pids);
    CHECK(test::allocations() == before);
    CHECK(pids.size() == 20000);
}

TEST_CASE("a unit that is not there any more has no processes") {
    Usual groups;
    Units units = started(groups);
    const Unit gone = unit(units, "cron.service");
    std::vector<pid_t> pids = {1};
    SUBCASE("as it lost them") {
        groups.group("/system.slice/cron.service", "", false);
    }
    SUBCASE("as its folder went") {
        groups.remove("/system.slice/cron.service");
    }
    units.refresh(begin);
    CHECK_FALSE(units.find("cron.service"));
    units.processes(gone, pids);
    CHECK(pids.empty());
    units.processes({}, pids);
    CHECK(pids.empty());
}

TEST_CASE("a place keeps its unit, and a vacant one is used again") {
    Usual groups;
    Units units = started(groups);
    const std::size_t cron = *units.find("cron.service");
    const std::size_t docker = *units.find("docker-abc.scope");
    const std::size_t count = units.units().size();
    const std::uint64_t version = units.version();

    groups.group("/system.slice/cron.service", "", false);
    units.refresh(begin);
    CHECK(units.version() == version + 1);
    CHECK(units.units()[cron].name == "");
    CHECK(units.find("docker-abc.scope") == docker);

    groups.group("/system.slice/idle.service", "50\n");
    units.refresh(begin);
    CHECK(units.version() == version + 2);
    CHECK(units.find("idle.service") == cron);
    CHECK(around(units, "idle.service") == "system.slice");
    CHECK(units.units().size() == count);

    groups.group("/system.slice/cron.service", "10\n");
    units.refresh(begin);
    CHECK(units.find("cron.service") == count);
}

TEST_CASE("folders that are made later are found, and those below them") {
    Usual groups;
    Units units = started(groups);
    groups.group("/system.slice/new.service", "60\n").group("/system.slice/new.service/part", "61\n");
    groups.group("/late.slice/later.slice/latest.service", "62\n");
    groups.group("/late.slice").group("/late.slice/later.slice");
    units.refresh(begin);
    units.refresh(begin);
    CHECK(processes(units, "new.service") == std::vector<pid_t>{60, 61});
    CHECK(around(units, "latest.service") == "later.slice");
    CHECK(around(units, "later.slice") == "late.slice");
    groups.remove("/late.slice");
    units.refresh(begin);
    CHECK_FALSE(units.find("latest.service"));
    CHECK_FALSE(units.find("late.slice"));
}

TEST_CASE("groups in a unit come and go without the units changing") {
    Usual groups;
    Units units = started(groups);
    const std::uint64_t version = units.version();
    groups.group("/system.slice/cron.service/part", "70\n");
    units.refresh(begin);
    CHECK(processes(units, "cron.service") == std::vector<pid_t>{10, 70});
    groups.group("/system.slice/cron.service/part/of/it", "71\n");
    units.refresh(begin);
    CHECK(processes(units, "cron.service") == std::vector<pid_t>{10, 70, 71});
    groups.remove("/system.slice/cron.service/part");
    units.refresh(begin);
    CHECK(processes(units, "cron.service") == std::vector<pid_t>{10});
    CHECK(units.version() == version);
}

TEST_CASE("a unit that was started anew between two looks is watched anew") {
    Usual groups;
    Units units = started(groups);
    groups.rename("/system.slice/cron.service", "/aside");
    groups.group("/system.slice/cron.service", "80\n");
    units.refresh(begin);
    CHECK(processes(units, "cron.service") == std::vector<pid_t>{80});
    groups.group("/system.slice/cron.service/part", "81\n");
    units.refresh(begin);
    CHECK(processes(units, "cron.service") == std::vector<pid_t>{80, 81});
    groups.group("/system.slice/cron.service", "", false);
    units.refresh(begin);
    CHECK_FALSE(units.find("cron.service"));
}

TEST_CASE("a folder that is moved goes on being watched under its new name") {
    Usual groups;
    Units units = started(groups);
    SUBCASE("later in the tree") {
        groups.rename("/system.slice/cron.service", "/user.slice/zron.service");
        units.refresh(begin);
    }
    SUBCASE("earlier in the tree") {
        groups.group("/a.slice");
        units.refresh(begin);
        groups.rename("/system.slice/cron.service", "/a.slice/zron.service");
        units.refresh(begin);
    }
    SUBCASE("in the same folder") {
        groups.rename("/system.slice/cron.service", "/system.slice/zron.service");
        units.refresh(begin);
    }
    CHECK_FALSE(units.find("cron.service"));
    const std::string group = unit(units, "zron.service").group;
    CHECK(processes(units, "zron.service") == std::vector<pid_t>{10});
    groups.group(group + "/part", "11\n");
    units.refresh(begin);
    CHECK(processes(units, "zron.service") == std::vector<pid_t>{10, 11});
    groups.group(group, "", false);
    units.refresh(begin);
    CHECK_FALSE(units.find("zron.service"));
}

TEST_CASE("names may be odd") {
    Groups groups;
    const std::string longest = std::string(247, 'x') + ".service";
    const Names odd = {
        "foo@bar\\x2dbaz.service", "dev-sda\\x201.swap", "__x.service", longest, "systemd-initctl.socket", "-.mount"};
    groups.group("/a.slice");
    for (const std::string& name : odd) groups.group("/a.slice/" + name, "1\n");
    groups.group("/a.slice/_cpu.service", "2\n").group("/a.slice/.service", "3\n").group("/a.slice/_.scope", "4\n");
    for (const char* no_unit :
         {"a b\tc.scope", "*?[a].service", "\xff\xfe.mount", "caf\xc3\xa9.service", "(deleted).scope", "\xff.slice"})
        groups.group(std::string("/a.slice/") + no_unit, "8\n");
    groups.group("/a.slice/x.timer", "5\n").group("/a.slice/x.servicex", "6\n").group("/a.slice/service", "7\n");
    const Units units = started(groups);
    Names expected = odd;
    std::replace(expected.begin(), expected.end(), std::string("__x.service"), std::string("_x.service"));
    expected.insert(expected.end(), {"a.slice", "cpu.service"});
    std::sort(expected.begin(), expected.end());
    CHECK(names(units) == expected);
    CHECK(longest.size() == 255);
    CHECK(unit(units, "cpu.service").group == "/a.slice/_cpu.service");
    CHECK(processes(units, "a.slice") == std::vector<pid_t>{1, 2, 3, 4, 5, 6, 7, 8});
}

TEST_CASE("of two units of one name the first stays, and the other follows when it went") {
    Groups groups;
    groups.group("/a.slice").group("/b.slice").group("/b.slice/x.service", "2\n");
    Units units = started(groups);
    CHECK(unit(units, "x.service").group == "/b.slice/x.service");
    const std::uint64_t version = units.version();
    groups.group("/a.slice/x.service", "1\n");
    units.refresh(begin);
    CHECK(unit(units, "x.service").group == "/b.slice/x.service");
    CHECK(units.version() == version);
    groups.group("/b.slice/x.service", "", false);
    units.refresh(begin);
    CHECK(unit(units, "x.service").group == "/a.slice/x.service");
    CHECK(units.version() == version + 2);
    groups.remove("/a.slice/x.service");
    units.refresh(begin);
    CHECK_FALSE(units.find("x.service"));
}

TEST_CASE("what must not be written is told for units and for any group in them") {
    Usual groups;
    groups.group("/kubepods.slice")
        .group("/kubepods.slice/kubepods-burstable.slice")
        .group("/kubepods.slice/kubepods-burstable.slice/cri-1.scope", "90\n")
        .group("/system.slice/memtuned.service", "91\n")
        .group("/user.slice/user-1000.slice/user@1000.service/kubepods.slice", "", true)
        .tree.write("proc/self/cgroup", "1:name=systemd:/x.service\n0::/system.slice/memtuned.service/inner\n");
    const Units units = started(groups);
    for (const Unit& each : units.units()) {
        CAPTURE(each.name);
        CHECK(each.hands_off == units.hands_off(each.group));
    }
    CHECK(unit(units, "init.scope").hands_off == "PID 1 is in it");
    CHECK(unit(units, "kubepods.slice").hands_off == "a kubelet manages it");
    CHECK(unit(units, "cri-1.scope").hands_off == "a kubelet manages it");
    CHECK(unit(units, "memtuned.service").hands_off == "it is memtuned itself");
    CHECK(unit(units, "system.slice").hands_off == "");
    CHECK(unit(units, "user@1000.service/init.scope").hands_off ==
          "a user's manager is in it, and hands on what it holds");
    CHECK(units.hands_off("/system.slice/memtuned.service/inner") == "it is memtuned itself");
    CHECK(units.hands_off("/system.slice/memtuned.service2") == "");
    CHECK(units.hands_off("/init.scope/x") == "PID 1 is in it");
    CHECK(units.hands_off("/kubepods/burstable/pod1/c1") == "a kubelet manages it");
    CHECK(units.hands_off("/system.slice/docker-abc.scope/kubelet/kubepods/x") == "a kubelet manages it");
    CHECK(units.hands_off("/system.slice/cron.service/mykubepods") == "");
    CHECK(units.hands_off("/") == "");
    CHECK(units.hands_off("") == "");
}

TEST_CASE("a user wins nothing by a name") {
    Usual groups;
    const std::string manager = "/user.slice/user-1000.slice/user@1000.service";
    groups.group(manager + "/kubepods.slice").group(manager + "/kubepods.slice/cron.service", "90\n");
    const Units units = started(groups);
    CHECK(unit(units, "user@1000.service/cron.service").hands_off == "");
    CHECK(unit(units, "cron.service").group == "/system.slice/cron.service");
    CHECK(units.hands_off(manager + "/kubepods.slice/x/kubepods") == "");
}

TEST_CASE("memtuned started by hand keeps its hands off nothing of its own") {
    for (const char* group : {"/user.slice/user-0.slice/session-3.scope", "/", "/docker/x.service/y"}) {
        CAPTURE(group);
        Usual groups;
        groups.tree.write("proc/self/cgroup", std::string("0::") + group + "\n");
        CHECK(started(groups).hands_off(group) == "");
    }
}

TEST_CASE("in a hierarchy of v1 a unit is there when a process is in it or below it") {
    Groups groups("sys/fs/cgroup/systemd");
    groups.group_v1("/system.slice", "")
        .group_v1("/system.slice/cron.service", "10\n")
        .group_v1("/system.slice/idle.service", "")
        .group_v1("/system.slice/nested.service", "")
        .group_v1("/system.slice/nested.service/a", "")
        .group_v1("/system.slice/nested.service/a/b", "11\n")
        .group_v1("/empty.slice", "")
        .tree.write("proc/self/cgroup", "1:name=systemd:/system.slice/cron.service\n0::/system.slice/idle.service\n");
    Units units = started(groups);
    CHECK(units.layout().units == "sys/fs/cgroup/systemd");
    CHECK(names(units) == Names{"cron.service", "nested.service", "system.slice"});
    CHECK(unit(units, "cron.service").hands_off == "it is memtuned itself");
    CHECK(processes(units, "nested.service") == std::vector<pid_t>{11});

    groups.group_v1("/empty.slice/deep.service/a/b", "12\n");
    units.refresh(begin);
    CHECK(names(units) == Names{"cron.service", "deep.service", "empty.slice", "nested.service", "system.slice"});
    groups.group_v1("/system.slice/idle.service", "13\n");
    units.refresh(begin);
    CHECK(units.take_arrivals() == Names{"/empty.slice/deep.service/a/b", "/system.slice/idle.service"});
    CHECK(units.find("idle.service"));
    groups.remove("/empty.slice/deep.service");
    units.refresh(begin);
    CHECK_FALSE(units.find("empty.slice"));
}

TEST_CASE("in both hierarchies the units are those of v2") {
    Groups groups("sys/fs/cgroup/unified");
    groups.group("/system.slice").group("/system.slice/cron.service", "10\n");
    groups.tree.write("sys/fs/cgroup/systemd/other.slice/cgroup.procs", "11\n");
    const Units units = started(groups);
    CHECK(names(units) == Names{"cron.service", "system.slice"});
}

TEST_CASE("a capture without cgroup.events counts processes") {
    Groups groups;
    groups.group_v1("/system.slice", "").group_v1("/system.slice/cron.service", "10\n").group_v1("/x.slice", "\n");
    CHECK(names(started(groups)) == Names{"cron.service", "system.slice"});
}

TEST_CASE("arrivals are told once, by their group") {
    Usual groups;
    Units units = started(groups);
    units.refresh(begin);
    CHECK(units.take_arrivals().empty());
    groups.group("/system.slice/cron.service", "10\n11\n").group("/system.slice/cron.service", "10\n11\n12\n");
    groups.group("/system.slice/docker-abc.scope/init.scope", "20\n23\n");
    units.refresh(begin);
    CHECK(units.take_arrivals() == Names{"/system.slice/cron.service", "/system.slice/docker-abc.scope/init.scope"});
    CHECK(units.take_arrivals().empty());
    units.refresh(begin);
    CHECK(units.take_arrivals().empty());
}

TEST_CASE("a process that is in a new group by the time it is found has arrived") {
    Usual groups;
    Units units = started(groups);
    groups.group("/system.slice/cron.service/full", "14\n").group("/system.slice/cron.service/empty", "");
    units.refresh(begin);
    CHECK(units.take_arrivals() == Names{"/system.slice/cron.service/full"});
}

TEST_CASE("who arrived in a group that is gone arrived nowhere") {
    Usual groups;
    Units units = started(groups);
    groups.group("/system.slice/cron.service", "10\n11\n");
    units.refresh(begin);
    groups.remove("/system.slice/cron.service");
    units.refresh(begin);
    CHECK(units.take_arrivals().empty());
}

TEST_CASE("the descriptor is readable when there is something to take in, and only then") {
    Usual groups;
    Units units = started(groups);
    REQUIRE(units.fd() >= 0);
    units.refresh(begin);
    CHECK_FALSE(readable(units.fd()));
    groups.group("/system.slice/idle.service", "50\n");
    CHECK(readable(units.fd()));
    units.refresh(begin);
    CHECK_FALSE(readable(units.fd()));
}

TEST_CASE("a refresh with nothing to take in allocates nothing") {
    const Usual groups;
    Units units = started(groups);
    units.refresh(begin);
    const std::uint64_t version = units.version();
    const std::size_t before = test::allocations();
    for (int i = 0; i < 10000; ++i) units.refresh(begin + std::chrono::milliseconds(i));
    CHECK(test::allocations() == before);
    CHECK(units.version() == version);
}

TEST_CASE("after events were lost the tree is walked, and whoever may have arrived is told") {
    Usual groups;
    Units units = started(groups);
    units.refresh(begin);
    std::ifstream limit("/proc/sys/fs/inotify/max_queued_events");
    int most = 0;
    limit >> most;
    REQUIRE(most > 0);
    // Two files by turns, as the kernel tells the same event in a row once only.
    std::ofstream one(groups.tree.root() / (v2 + "/system.slice/cron.service/one"));
    std::ofstream two(groups.tree.root() / (v2 + "/system.slice/cron.service/two"));
    for (int i = 0; i <= most; ++i) (i % 2 ? one : two).put('x').flush();
    groups.group("/system.slice/new.service", "60\n");
    units.refresh(begin + seconds(10));
    CHECK(processes(units, "new.service") == std::vector<pid_t>{60});
    const Names arrivals = units.take_arrivals();
    CHECK(std::count(arrivals.begin(), arrivals.end(), "/system.slice/cron.service") == 1);
    CHECK(std::count(arrivals.begin(), arrivals.end(), "/system.slice/new.service") == 1);
}

TEST_CASE("what no event told of is found by the walk once a minute") {
    const Usual groups;
    Units units = started(groups);
    units.refresh(begin);
    // Written through memory, a file changes without an event.
    const auto path = groups.tree.root() / (v2 + "/system.slice/cron.service/cgroup.events");
    const Descriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    REQUIRE(file);
    void* const memory = ::mmap(nullptr, 16, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
    REQUIRE(memory != MAP_FAILED);
    std::memcpy(memory, "populated 0", 11);
    ::munmap(memory, 16);
    units.refresh(begin + seconds(59));
    CHECK(units.find("cron.service"));
    units.refresh(begin + seconds(60));
    CHECK_FALSE(units.find("cron.service"));
}

}  // namespace memtuned::kernel
