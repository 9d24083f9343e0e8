// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/process.hpp"

#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "kernel/text.hpp"
#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::kernel {

namespace {

constexpr std::uint64_t kernel_thread_flag = 0x00200000;  // PF_KTHREAD
constexpr const char* score_file = "oom_score_adj";

std::string path_of(const Root& root, std::string_view name) {
    return fmt::format("{}/{}", root.path().native(), name);
}

/// The folder of a process that is gone is missing, while one held open answers ESRCH: one code for both.
Error gone_or(std::string name, int code) {
    return system_error(std::move(name), code == ENOENT ? ESRCH : code);
}

/// All of a file; 0 or errno. Most files of a process fit into the first kilobyte.
int read_all(int fd, std::string& buffer, std::string_view& text) {
    if (buffer.empty()) buffer.resize(1024);
    std::size_t length = 0;
    for (;;) {
        const ssize_t n = ::read(fd, buffer.data() + length, buffer.size() - length);
        if (n == 0) break;
        if (n < 0 && errno != EINTR) return errno;
        if (n > 0) length += static_cast<std::size_t>(n);
        if (length == buffer.size()) buffer.resize(2 * length);
    }
    text = std::string_view(buffer).substr(0, length);
    return 0;
}

/// A process's folder, held: what is read and written through it concerns that process or none.
class Pinned {
public:
    static Result<Pinned> open(const Root& root, pid_t pid) {
        std::string name = fmt::format("proc/{}", pid);
        Descriptor folder(::open(path_of(root, name).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
        if (!folder) return gone_or(std::move(name), errno);
        return Pinned(std::move(name), std::move(folder));
    }

    const std::string& name() const { return name_; }
    std::string name_of(const char* file) const { return fmt::format("{}/{}", name_, file); }

    /// Valid until the next read().
    Result<std::string_view> read(const char* file) {
        const Descriptor opened(::openat(folder_.get(), file, O_RDONLY | O_CLOEXEC));
        std::string_view text;
        const int error = opened ? read_all(opened.get(), buffer_, text) : errno;
        if (error != 0) return system_error(name_of(file), error);
        return text;
    }

    /// Cuts nothing off before, as a sysctl is written: in a capture the first line counts.
    Status write(const char* file, std::string_view text) const {
        const Descriptor opened(::openat(folder_.get(), file, O_WRONLY | O_CLOEXEC));
        if (!opened) return system_error(name_of(file), errno);
        const ssize_t written = ::write(opened.get(), text.data(), text.size());
        if (written < 0) return system_error(name_of(file), errno);
        if (static_cast<std::size_t>(written) != text.size()) return system_error(name_of(file), EIO);
        return Done{};
    }

private:
    Pinned(std::string name, Descriptor folder) : name_(std::move(name)), folder_(std::move(folder)) {}

    std::string name_;
    Descriptor folder_;
    std::string buffer_;
};

/// Fields are numbered as in proc(5). The second is the name, which may hold blanks and parentheses.
bool parse_stat(std::string_view stat, ProcessFacts& into) {
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos) return false;
    std::string_view rest = stat.substr(name_end + 1);
    std::array<std::string_view, 23> field;
    for (std::size_t i = 3; i < field.size(); ++i) field[i] = text::take_word(rest);
    const auto parent = text::number<pid_t>(field[4]);
    const auto flags = text::number<std::uint64_t>(field[9]);
    const auto threads = text::number<std::int64_t>(field[20]);
    const auto start = text::number<std::uint64_t>(field[22]);
    if (!parent || !flags || !threads || !start) return false;
    into.parent = *parent;
    into.kernel_thread = (*flags & kernel_thread_flag) != 0;
    into.dead = (field[3] == "Z" || field[3] == "X") && *threads <= 1;
    into.id.start = *start;
    return true;
}

Status read_stat(Pinned& process, ProcessFacts& into) {
    const Result<std::string_view> text = process.read("stat");
    if (!text) return text.error();
    std::string_view rest = *text;
    if (const std::string_view line = text::take_line(rest); !parse_stat(line, into))
        return Error{fmt::format("{}: not of a process: {}", process.name_of("stat"), text::excerpt(line)), 0};
    return Done{};
}

Result<int> parse_score(const std::string& name, std::string_view text) {
    const std::string_view line = text::take_line(text);
    const auto score = text::number<int>(line);
    if (!score) return Error{fmt::format("{}: not an integer: {}", name, text::excerpt(line)), 0};
    return *score;
}

Result<int> read_score(Pinned& process) {
    const Result<std::string_view> text = process.read(score_file);
    if (!text) return text.error();
    return parse_score(process.name_of(score_file), *text);
}

Result<std::string_view> read_group(Pinned& process, const CgroupLayout& layout) {
    const Result<std::string_view> text = process.read("cgroup");
    if (!text) return text.error();
    const auto group = group_in(*text, layout);
    if (!group) return Error{process.name_of("cgroup") + ": not in the hierarchy that units are in", 0};
    return *group;
}

}  // namespace

ProcProcesses::ProcProcesses(Root root) : root_(std::move(root)), loadavg_(root_, "proc/loadavg") {}

const CgroupLayout& ProcProcesses::layout() {
    if (!layout_) {
        Result<CgroupLayout> found = find_cgroups(root_);
        layout_ = found ? std::move(*found) : CgroupLayout{};
    }
    return *layout_;
}

Result<ProcessFacts> ProcProcesses::look(pid_t pid) {
    Result<Pinned> process = Pinned::open(root_, pid);
    if (!process) return process.error();
    ProcessFacts facts;
    facts.id.pid = pid;
    if (Status status = read_stat(*process, facts); !status) return status.error();
    const Result<std::string_view> group = read_group(*process, layout());
    if (!group) return group.error();
    facts.group = *group;
    const Result<int> score = read_score(*process);
    if (!score) return score.error();
    facts.score = *score;
    return facts;
}

Result<int> ProcProcesses::score(pid_t pid) {
    std::string name = fmt::format("proc/{}/{}", pid, score_file);
    const Descriptor file(::open(path_of(root_, name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) return gone_or(std::move(name), errno);
    std::array<char, 16> text;
    const ssize_t n = ::read(file.get(), text.data(), text.size());
    if (n < 0) return system_error(std::move(name), errno);
    return parse_score(name, {text.data(), static_cast<std::size_t>(n)});
}

Status ProcProcesses::write(const ProcessId& id, std::string_view group, int expected, int score) {
    Result<Pinned> process = Pinned::open(root_, id.pid);
    if (!process) return process.error();
    ProcessFacts now;
    if (Status status = read_stat(*process, now); !status) return status;
    if (now.id.start != id.start) return Error{process->name() + ": another process by now", ESRCH};
    if (!group.empty()) {
        const Result<std::string_view> its = read_group(*process, layout());
        if (!its) return its.error();
        if (!is_within(*its, group))
            return Error{fmt::format("{}: not in {} any more", process->name(), group), EXDEV};
    }
    const Result<int> held = read_score(*process);
    if (!held) return held.error();
    if (*held != expected)
        return Error{fmt::format("{}: holds {}, not {}", process->name_of(score_file), *held, expected), EBUSY};
    return process->write(score_file, fmt::format("{}\n", score));
}

Result<std::int64_t> ProcProcesses::newest() {
    const Result<std::string_view> text = loadavg_.read();
    if (!text) return text.error();
    std::string_view rest = *text;
    const std::string_view line = text::take_line(rest);
    const auto pid = text::number<std::int64_t>(line.substr(line.rfind(' ') + 1));
    if (!pid) return Error{fmt::format("{}: no pid at its end: {}", loadavg_.name(), text::excerpt(line)), 0};
    return *pid;
}

bool is_within(std::string_view path, std::string_view group) {
    return path.starts_with(group) && (path.size() == group.size() || group == "/" || path[group.size()] == '/');
}

}  // namespace memtuned::kernel
