// SPDX-License-Identifier: GPL-2.0-or-later
//
// Processes for tests, and the tree of cgroups they are in: they fork, die, move and have their pid given to others
// on demand, between any two calls; and they remember who wrote what to whom. The tree is one of plain files, which
// the real kernel::Units reads and watches. A cgroup.procs changes without anybody being told, as the kernel's does:
// it is written through a mapping. Only a move opens it for writing.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/base/time.hpp"
#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/kernel/process.hpp"
#include "support/temp_root.hpp"

namespace memtuned::test {

class FakeProcesses final : public kernel::Processes {
public:
    struct Process {
        std::uint64_t start = 0;
        pid_t parent = 1;
        std::string group;
        int score = 0;
        int floor = 0;  ///< who lacks CAP_SYS_RESOURCE may not go below; writes with it set it
        bool dead = false;
        bool kernel_thread = false;
    };
    struct Write {
        kernel::ProcessId id;
        int score;
        friend bool operator==(const Write&, const Write&) = default;
    };
    struct Calls {
        int look = 0;
        int score = 0;
        int write = 0;
        int newest = 0;
    };
    enum class Call : std::uint8_t { look, score, write };
    /// Thrown where memtuned is to end.
    struct Crash {};

    explicit FakeProcesses(Instant begin) : now(begin) {
        tree.write(base_ + "/cgroup.controllers", "cpu memory pids\n");
        add_group("");
    }

    // The tree

    /// Makes a group and those around it; nothing if it is there.
    FakeProcesses& group(const std::string& path) {
        if (groups_.contains(path)) return *this;
        if (const auto above = path.rfind('/'); above > 0) group(path.substr(0, above));
        add_group(path);
        return *this;
    }
    void remove_group(const std::string& path) {
        std::erase_if(groups_, [&](const auto& entry) { return kernel::is_within(entry.first, path); });
        std::filesystem::remove_all(tree.root() / (base_ + path));
    }

    // What processes do

    pid_t spawn(const std::string& in, int score = 0, pid_t pid = 0, pid_t parent = 1) {
        group(in);
        if (pid == 0) pid = next_pid_++;
        newest_ = pid;
        processes_[pid] = {
            .start = ticks(), .parent = parent, .group = in, .score = score, .floor = std::min(score, 0)};
        groups_[in].insert(pid);
        show(in);
        return pid;
    }
    /// The child is where its parent is, and holds its score.
    pid_t fork(pid_t parent, pid_t pid = 0) {
        const Process of = processes_.at(parent);
        pid = spawn(of.group, of.score, pid, parent);
        processes_[pid].floor = of.floor;
        return pid;
    }
    void exit(pid_t pid) {
        leave(pid);
        processes_.erase(pid);
        for (auto& [other, process] : processes_)
            if (process.parent == pid) process.parent = 1;
    }
    /// Dead and not reaped: in no group's list, as with cgroup v2.
    void become_zombie(pid_t pid) {
        leave(pid);
        processes_.at(pid).dead = true;
    }
    /// Another process gets the pid.
    void reuse(pid_t pid, const std::string& in, int score = 0) {
        exit(pid);
        now += std::chrono::milliseconds(10);
        spawn(in, score, pid);
    }
    void move(pid_t pid, const std::string& to) {
        group(to);
        leave(pid);
        processes_.at(pid).group = to;
        groups_[to].insert(pid);
        show(to);
        announce(to);
    }
    /// It writes its own score, or somebody else does.
    void set(pid_t pid, int score) { processes_.at(pid).score = score; }

    Process& operator[](pid_t pid) { return processes_.at(pid); }
    int held(pid_t pid) const { return processes_.at(pid).score; }
    bool alive(pid_t pid) const { return processes_.contains(pid); }
    kernel::ProcessId id(pid_t pid) const { return {pid, processes_.at(pid).start}; }
    std::vector<pid_t> all() const {
        std::vector<pid_t> pids;
        for (const auto& [pid, process] : processes_) pids.push_back(pid);
        return pids;
    }

    // What goes wrong

    void fail(Call call, pid_t pid, int error) { errors_[{call, pid}] = error; }
    void mend() { errors_.clear(); }
    /// Runs before the n-th write from now on (1 is the next) looks at the process.
    void before_write(int n, std::function<void()> hook) { hooks_[calls.write + n] = std::move(hook); }
    void crash_before_write(int n) {
        before_write(n, [] { throw Crash{}; });
    }
    void crash_after_write(int n) { crash_after_ = calls.write + n; }
    void no_plan() {
        hooks_.clear();
        crash_after_ = 0;
    }

    Instant now;
    bool capable = true;  ///< memtuned has CAP_SYS_RESOURCE
    Calls calls;
    std::vector<Write> writes;  ///< that went well
    TempRoot tree;

    // kernel::Processes

    Result<kernel::ProcessFacts> look(pid_t pid) override {
        ++calls.look;
        if (const int error = scripted(Call::look, pid)) return fault(pid, error);
        const auto process = processes_.find(pid);
        if (process == processes_.end()) return fault(pid, ESRCH);
        const Process& p = process->second;
        return kernel::ProcessFacts{id(pid), p.parent, p.kernel_thread, p.dead, p.group, p.score};
    }
    Result<int> score(pid_t pid) override {
        ++calls.score;
        if (const int error = scripted(Call::score, pid)) return fault(pid, error);
        const auto process = processes_.find(pid);
        if (process == processes_.end()) return fault(pid, ESRCH);
        return process->second.score;
    }
    Status write(const kernel::ProcessId& whom, std::string_view in, int expected, int score) override {
        const int call = ++calls.write;
        if (const auto hook = hooks_.find(call); hook != hooks_.end()) std::exchange(hook->second, [] {})();
        if (const int error = write_error(whom, in, expected, score)) return fault(whom.pid, error);
        Process& process = processes_.at(whom.pid);
        process.score = score;
        if (capable) process.floor = score;
        writes.push_back({whom, score});
        if (call == crash_after_) throw Crash{};
        return Done{};
    }
    Result<std::int64_t> newest() override {
        ++calls.newest;
        return newest_;
    }

private:
    /// A cgroup.procs has this length for good, so that it can be mapped; what is not used of it is blank.
    static constexpr std::size_t room = 4096;
    const std::string base_ = "sys/fs/cgroup";

    static Error fault(pid_t pid, int error) { return system_error(fmt::format("proc/{}", pid), error); }
    int scripted(Call call, pid_t pid) const {
        const auto error = errors_.find({call, pid});
        return error == errors_.end() ? 0 : error->second;
    }
    int write_error(const kernel::ProcessId& whom, std::string_view in, int expected, int score) const {
        if (const int error = scripted(Call::write, whom.pid)) return error;
        const auto process = processes_.find(whom.pid);
        if (process == processes_.end() || process->second.start != whom.start) return ESRCH;
        if (!in.empty() && !kernel::is_within(process->second.group, in)) return EXDEV;
        if (process->second.score != expected) return EBUSY;
        return !capable && score < process->second.floor ? EACCES : 0;
    }
    std::uint64_t ticks() const {
        const auto per_second = static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
        return static_cast<std::uint64_t>(now.time_since_epoch().count()) / (1'000'000'000 / per_second);
    }

    std::string file(const std::string& in, const char* name) const {
        return fmt::format("{}{}/{}", base_, in, name);
    }
    void add_group(const std::string& path) {
        groups_[path];
        tree.write(file(path, "cgroup.procs"), std::string(room, ' '));
        if (!path.empty()) tree.write(file(path, "cgroup.events"), "populated 0\nfrozen 0\n");
    }
    void leave(pid_t pid) {
        const std::string from = processes_.at(pid).group;
        const auto in = groups_.find(from);
        if (in == groups_.end() || in->second.erase(pid) == 0) return;
        show(from);
    }
    /// Brings the files in line with who is in the group.
    void show(const std::string& in) {
        std::string text;
        for (const pid_t pid : groups_.at(in)) text += fmt::format("{}\n", pid);
        if (text.size() > room) throw std::runtime_error("too many processes in " + in);
        text.resize(room, ' ');
        const kernel::Descriptor procs(::open((tree.root() / file(in, "cgroup.procs")).c_str(), O_RDWR | O_CLOEXEC));
        void* const memory = ::mmap(nullptr, room, PROT_READ | PROT_WRITE, MAP_SHARED, procs.get(), 0);
        if (memory == MAP_FAILED) throw std::runtime_error("cannot map " + file(in, "cgroup.procs"));
        std::memcpy(memory, text.data(), room);
        ::munmap(memory, room);
        for (std::string each = in; !each.empty(); each.resize(each.rfind('/'))) show_events(each);
    }
    void show_events(const std::string& in) {
        const bool populated = std::ranges::any_of(
            groups_, [&](const auto& entry) { return !entry.second.empty() && kernel::is_within(entry.first, in); });
        if (populated == populated_.contains(in)) return;
        populated ? (void)populated_.insert(in) : (void)populated_.erase(in);
        tree.write(file(in, "cgroup.events"), populated ? "populated 1\nfrozen 0\n" : "populated 0\nfrozen 0\n");
    }
    /// What a write to cgroup.procs does to who watches it.
    void announce(const std::string& in) {
        const kernel::Descriptor procs(::open((tree.root() / file(in, "cgroup.procs")).c_str(), O_RDWR | O_CLOEXEC));
        char first = 0;
        if (::pread(procs.get(), &first, 1, 0) != 1 || ::pwrite(procs.get(), &first, 1, 0) != 1)
            throw std::runtime_error("cannot write " + file(in, "cgroup.procs"));
    }

    std::map<pid_t, Process> processes_;
    std::map<std::string, std::set<pid_t>> groups_;
    std::set<std::string> populated_;
    std::map<std::pair<Call, pid_t>, int> errors_;
    std::map<int, std::function<void()>> hooks_;
    int crash_after_ = 0;
    pid_t next_pid_ = 100;
    pid_t newest_ = 99;
};

}  // namespace memtuned::test
