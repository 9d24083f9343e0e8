// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/process.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <chrono>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fmt/format.h>

#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::kernel {

namespace {

constexpr int no_code = -1;

template <class T>
Error error_of(const Result<T>& result) {
    return result ? Error{"no error", no_code} : result.error();
}

/// A text of /proc/PID/stat. Field 9 and what follows 14 are as on a real machine.
std::string stat_text(pid_t pid, std::string_view name, char state, int parent, unsigned flags, int threads,
                      std::uint64_t start) {
    return fmt::format("{} ({}) {} {} 1 1 0 -1 {} 101 0 0 0 3 4 0 0 20 0 {} 0 {} 3133440 390 18446744073709551615\n",
                       pid, name, state, parent, flags, threads, start);
}

void write_process(test::TempRoot& tree, pid_t pid, std::string_view stat, std::string_view group, int score) {
    const std::string folder = fmt::format("proc/{}/", pid);
    tree.write(folder + "stat", stat);
    tree.write(folder + "cgroup", fmt::format("4:memory:/\n1:name=systemd:/v1{}\n0::{}\n", group, group));
    tree.write(folder + "oom_score_adj", fmt::format("{}\n", score));
}

/// One process, 7, in a capture.
class Captured {
public:
    Captured() {
        write_process(tree, 7, stat_text(7, "cron", 'S', 1, 4194560, 1, 1234), "/system.slice/cron.service", 5);
    }

    test::TempRoot tree;
    ProcProcesses processes{tree.root()};
    const ProcessId id{7, 1234};
};

std::string file_error(const char* file, std::string_view text) {
    Captured captured;
    captured.tree.write(std::string("proc/7/") + file, text);
    const auto facts = captured.processes.look(7);
    CHECK(error_of(facts).code == 0);
    return error_of(facts).message;
}

bool is_dead(char state, int threads) {
    Captured captured;
    captured.tree.write("proc/7/stat", stat_text(7, "x", state, 1, 0, threads, 9));
    const auto facts = captured.processes.look(7);
    REQUIRE(facts);
    return facts->dead;
}

/// A child that does `work` and is killed, and waited for, at the latest at the end of this.
class Child {
public:
    explicit Child(const std::function<void()>& work) : pid_(::fork()) {
        REQUIRE(pid_ >= 0);
        if (pid_ != 0) return;
        work();
        ::_exit(0);
    }
    ~Child() { reap(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }

    /// Dead, but not waited for.
    void kill() {
        REQUIRE(::kill(pid_, SIGKILL) == 0);
        siginfo_t info;
        REQUIRE(::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT) == 0);
    }
    void reap() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

private:
    pid_t pid_;
};

void wait_for_ever() {
    for (;;) ::pause();
}

ProcessFacts looked(Processes& processes, pid_t pid) {
    auto facts = processes.look(pid);
    REQUIRE_MESSAGE(facts, error_of(facts).message);
    return *facts;
}

}  // namespace

TEST_CASE("a process is told by its stat, its cgroup and its score") {
    Captured captured;
    const ProcessFacts facts = looked(captured.processes, 7);
    CHECK(facts.id == captured.id);
    CHECK(facts.parent == 1);
    CHECK_FALSE(facts.kernel_thread);
    CHECK_FALSE(facts.dead);
    CHECK(facts.group == "/system.slice/cron.service");
    CHECK(facts.score == 5);
    CHECK(*captured.processes.score(7) == 5);
}

TEST_CASE("a process may call itself anything") {
    for (const std::string_view name : {"a b", "a) S 1 (b", ")", "(((", "", ") Z 1 1 1 1", "x\\ny"}) {
        CAPTURE(name);
        Captured captured;
        captured.tree.write("proc/7/stat", stat_text(7, name, 'R', 42, 0x00200040, 3, 18446744073709551615U));
        const ProcessFacts facts = looked(captured.processes, 7);
        CHECK(facts.parent == 42);
        CHECK(facts.kernel_thread);
        CHECK(facts.id.start == 18446744073709551615U);
        CHECK_FALSE(facts.dead);
    }
}

TEST_CASE("a zombie is dead once no thread of it is left") {
    CHECK(is_dead('Z', 1));
    CHECK(is_dead('Z', 0));
    CHECK(is_dead('X', 1));
    CHECK_FALSE(is_dead('Z', 2));
    CHECK_FALSE(is_dead('S', 1));
    CHECK_FALSE(is_dead('D', 0));
}

TEST_CASE("files of a process that say something else are refused with the place") {
    CHECK(file_error("stat", "") == "proc/7/stat: not of a process: \"\"");
    CHECK(file_error("stat", "7 cron S 1\n") == "proc/7/stat: not of a process: \"7 cron S 1\"");
    CHECK(file_error("stat", "7 (cron) S 1 1 1\n") == "proc/7/stat: not of a process: \"7 (cron) S 1 1 1\"");
    CHECK(file_error("stat", stat_text(7, "a", 'S', 1, 0, 1, 5).replace(8, 1, "x")).starts_with("proc/7/stat: not"));
    CHECK(file_error("cgroup", "") == "proc/7/cgroup: not in the hierarchy that units are in");
    CHECK(file_error("cgroup", "\n:\n1:name=systemd:/a\n0:") ==
          "proc/7/cgroup: not in the hierarchy that units are in");
    CHECK(file_error("oom_score_adj", "many\n") == "proc/7/oom_score_adj: not an integer: \"many\"");
    CHECK(file_error("oom_score_adj", "") == "proc/7/oom_score_adj: not an integer: \"\"");
}

TEST_CASE("a process that is not there is ESRCH, to all who ask") {
    Captured captured;
    const auto facts = captured.processes.look(8);
    CHECK(error_of(facts).message == "proc/8: No such process");
    CHECK(error_of(facts).code == ESRCH);
    CHECK(error_of(captured.processes.score(8)).message == "proc/8/oom_score_adj: No such process");
    CHECK(error_of(captured.processes.score(8)).code == ESRCH);
    CHECK(error_of(captured.processes.write({8, 1}, "", 0, 1)).code == ESRCH);
    captured.tree.remove("proc/7/cgroup");
    CHECK(error_of(captured.processes.look(7)).message == "proc/7/cgroup: No such file or directory");
    CHECK(error_of(captured.processes.look(7)).code == ENOENT);
}

TEST_CASE("the group is the one in the hierarchy that units are in") {
    Captured captured;
    SUBCASE("cgroup v2") {
        captured.tree.write("sys/fs/cgroup/cgroup.controllers", "memory\n");
        CHECK(looked(captured.processes, 7).group == "/system.slice/cron.service");
    }
    SUBCASE("both") {
        captured.tree.write("sys/fs/cgroup/unified/cgroup.controllers", "");
        captured.tree.write("sys/fs/cgroup/systemd/cgroup.procs", "");
        CHECK(looked(captured.processes, 7).group == "/system.slice/cron.service");
    }
    SUBCASE("cgroup v1") {
        captured.tree.write("sys/fs/cgroup/systemd/cgroup.procs", "");
        CHECK(looked(captured.processes, 7).group == "/v1/system.slice/cron.service");
    }
    SUBCASE("none") {
        CHECK(looked(captured.processes, 7).group == "/system.slice/cron.service");
    }
}

TEST_CASE("the group is read to its end, and without the note that it was removed") {
    Captured captured;
    const std::string odd = "/a.slice/user@1\\x2d:2.service/" + std::string(255, 'x') + "/" + std::string(2000, 'y');
    captured.tree.write("proc/7/cgroup", "0::" + odd + "\n");
    CHECK(looked(captured.processes, 7).group == odd);
    captured.tree.write("proc/7/cgroup", "0::/a.slice/b.service (deleted)\n");
    CHECK(looked(captured.processes, 7).group == "/a.slice/b.service");
    captured.tree.write("proc/7/cgroup", "0::/\n");
    CHECK(looked(captured.processes, 7).group == "/");
}

TEST_CASE("a score is written to the process that is meant") {
    Captured captured;
    REQUIRE(captured.processes.write(captured.id, "/system.slice/cron.service", 5, -1000));
    CHECK(*captured.processes.score(7) == -1000);
    REQUIRE(captured.processes.write(captured.id, "/system.slice", -1000, 30));
    CHECK(*captured.processes.score(7) == 30);
    REQUIRE(captured.processes.write(captured.id, "", 30, 0));
    CHECK(looked(captured.processes, 7).score == 0);
}

TEST_CASE("what is no longer as expected is not written") {
    Captured captured;
    SUBCASE("another process has the pid") {
        const Status status = captured.processes.write({7, 1233}, "", 5, 300);
        CHECK(error_of(status).code == ESRCH);
        CHECK(error_of(status).message == "proc/7: another process by now");
    }
    SUBCASE("it left the group") {
        const Status status = captured.processes.write(captured.id, "/system.slice/cro", 5, 300);
        CHECK(error_of(status).code == EXDEV);
        CHECK(error_of(status).message == "proc/7: not in /system.slice/cro any more");
    }
    SUBCASE("it holds another score") {
        const Status status = captured.processes.write(captured.id, "", 0, 300);
        CHECK(error_of(status).code == EBUSY);
        CHECK(error_of(status).message == "proc/7/oom_score_adj: holds 5, not 0");
    }
    CHECK(test::text_of(captured.tree.root(), "proc/7/oom_score_adj") == "5\n");
}

TEST_CASE("a group is within itself and those above it") {
    CHECK(is_within("/a.slice/b.service/x", "/a.slice/b.service"));
    CHECK(is_within("/a.slice/b.service", "/a.slice/b.service"));
    CHECK(is_within("/a.slice/b.service", "/"));
    CHECK(is_within("/", "/"));
    CHECK_FALSE(is_within("/a.slice/b.service2", "/a.slice/b.service"));
    CHECK_FALSE(is_within("/a.slice", "/a.slice/b.service"));
    CHECK_FALSE(is_within("/", "/a.slice"));
    CHECK_FALSE(is_within("", "/a.slice"));
}

TEST_CASE("the newest pid is the last in loadavg, and reading it again allocates nothing") {
    test::TempRoot tree;
    ProcProcesses processes(tree.root());
    CHECK(error_of(processes.newest()).code == ENOENT);
    CHECK(error_of(processes.newest()).message == "proc/loadavg: No such file or directory");
    tree.write("proc/loadavg", "0.00 0.19 1.15 1/82 25486\n");
    CHECK(*processes.newest() == 25486);
    tree.write("proc/loadavg", "0.00 0.19 1.15 1/82 4194303\n");
    CHECK(*processes.newest() == 4194303);
    const std::size_t before = test::allocations();
    for (int i = 0; i < 100; ++i) CHECK(*processes.newest() == 4194303);
    CHECK(test::allocations() == before);
    tree.write("proc/loadavg", "0.00 0.19 1.15 1/82\n");
    CHECK(error_of(processes.newest()).message == "proc/loadavg: no pid at its end: \"0.00 0.19 1.15 1/82\"");
}

TEST_CASE("this process is seen as it is") {
    ProcProcesses processes{Root()};
    const ProcessFacts facts = looked(processes, ::getpid());
    CHECK(facts.id.pid == ::getpid());
    CHECK(facts.id.start > 0);
    CHECK(facts.parent == ::getppid());
    CHECK_FALSE(facts.kernel_thread);
    CHECK_FALSE(facts.dead);
    CHECK(facts.group.starts_with('/'));
    CHECK(*processes.score(::getpid()) == facts.score);
}

TEST_CASE("a fork changes the newest pid") {
    ProcProcesses processes{Root()};
    const auto before = processes.newest();
    REQUIRE(before);
    const Child child(wait_for_ever);
    const auto after = processes.newest();
    REQUIRE(after);
    CHECK(*after != *before);
}

TEST_CASE("a real score is raised, within the group it is in, and brought back") {
    ProcProcesses processes{Root()};
    const Child child(wait_for_ever);
    const ProcessFacts facts = looked(processes, child.pid());
    CHECK(facts.parent == ::getpid());
    const int raised = facts.score + 1;
    REQUIRE(raised <= 1000);
    const Status status = processes.write(facts.id, facts.group, facts.score, raised);
    CHECK_MESSAGE(status, error_of(status).message);
    CHECK(*processes.score(child.pid()) == raised);
    CHECK(error_of(processes.write(facts.id, facts.group, facts.score, raised)).code == EBUSY);
    CHECK(error_of(processes.write(facts.id, "/no.slice", raised, facts.score)).code == EXDEV);
    CHECK(error_of(processes.write({child.pid(), facts.id.start + 1}, "", raised, facts.score)).code == ESRCH);
    CHECK(error_of(processes.write(facts.id, "", raised, 1001)).code == EINVAL);
    CHECK(processes.write(facts.id, "", raised, facts.score));
    CHECK(looked(processes, child.pid()).score == facts.score);
}

TEST_CASE("a zombie is dead, takes a score, and is gone when it was waited for") {
    ProcProcesses processes{Root()};
    Child child(wait_for_ever);
    const ProcessFacts alive = looked(processes, child.pid());
    CHECK_FALSE(alive.dead);
    child.kill();
    const ProcessFacts dead = looked(processes, child.pid());
    CHECK(dead.dead);
    CHECK(dead.id == alive.id);
    CHECK(processes.write(dead.id, dead.group, dead.score, dead.score));
    const pid_t pid = child.pid();
    child.reap();
    CHECK(error_of(processes.look(pid)).code == ESRCH);
    CHECK(error_of(processes.score(pid)).code == ESRCH);
    CHECK(error_of(processes.write(dead.id, "", dead.score, dead.score)).code == ESRCH);
}

TEST_CASE("a process whose leader alone is gone is alive and is written") {
    ProcProcesses processes{Root()};
    const Child child([] {
        std::thread(wait_for_ever).detach();
        ::syscall(SYS_exit, 0);  // of this thread alone; pthread_exit() would unwind into the test runner
    });
    const std::string stat = fmt::format("proc/{}/stat", child.pid());
    for (int i = 0; i < 500 && test::text_of(Root(), stat).find(") Z ") == std::string::npos; ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    REQUIRE(test::text_of(Root(), stat).find(") Z ") != std::string::npos);
    const ProcessFacts facts = looked(processes, child.pid());
    CHECK_FALSE(facts.dead);
    REQUIRE(processes.write(facts.id, facts.group, facts.score, facts.score + 1));
    CHECK(*processes.score(child.pid()) == facts.score + 1);
}

TEST_CASE("lowering a score below its floor needs privilege") {
    constexpr std::uint64_t sys_resource = 1U << 24;
    const std::string status = test::text_of(Root(), "proc/self/status");
    const std::string effective = status.substr(status.find("CapEff:\t") + 8, 16);
    if ((std::stoull(effective, nullptr, 16) & sys_resource) != 0) {
        MESSAGE("skipped: with CAP_SYS_RESOURCE there is no floor");
        return;
    }
    ProcProcesses processes{Root()};
    const Child child(wait_for_ever);
    const ProcessFacts facts = looked(processes, child.pid());
    REQUIRE(facts.score > -1000);
    const Status lowered = processes.write(facts.id, "", facts.score, -1000);
    CHECK(error_of(lowered).code == EACCES);
    CHECK(error_of(lowered).message == fmt::format("proc/{}/oom_score_adj: Permission denied", child.pid()));
    CHECK(*processes.score(child.pid()) == facts.score);
}

}  // namespace memtuned::kernel
