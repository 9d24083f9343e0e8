// SPDX-License-Identifier: GPL-2.0-or-later
#include "workload_system.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <map>
#include <vector>

#include "workload_random.hpp"

namespace workload {

void fail(int error, std::string_view what, std::string_view advice) {
    throw Failure(fmt::format("{}: {}; {}", what, std::strerror(error), advice));
}

// --- the clock ---

void sleep_until(std::int64_t instant) noexcept {
    const timespec until{instant / 1'000'000'000, instant % 1'000'000'000};
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

Clock measure_clock() {
    constexpr int readings = 1000;
    const std::int64_t began = now();
    for (int i = 0; i < readings; ++i) now();
    const auto took = static_cast<double>(now() - began);
    std::string source =
        read_small_file("/sys/devices/system/clocksource/clocksource0/current_clocksource").value_or("unknown");
    source.erase(std::min(source.find('\n'), source.size()));
    return {source, took / readings};
}

// --- files ---

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

std::optional<std::string> read_small_file(const std::string& path) {
    const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    if (!file.open()) return std::nullopt;
    std::array<char, 4096> buffer;
    const ssize_t length = ::read(file.get(), buffer.data(), buffer.size());
    if (length < 0) return std::nullopt;
    return std::string(buffer.data(), static_cast<std::size_t>(length));
}

namespace {

constexpr std::int64_t mebi = 1 << 20;

/// Writes what does not compress, so that every block of it is really there: one that is only reserved would be read
/// as zeros, without the disk.
void write_out(const std::string& path, std::int64_t size) {
    const Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!file.open()) fail(errno, fmt::format("cannot make {}", path), "choose another file=");
    std::vector<std::uint64_t> content(mebi / sizeof(std::uint64_t));
    Random random(0);
    for (std::uint64_t& word : content) word = random.next();
    for (std::int64_t at = 0; at < size;) {
        const auto length = static_cast<std::size_t>(std::min(size - at, mebi));
        const ssize_t written = ::pwrite(file.get(), content.data(), length, at);
        if (written < 0) fail(errno, fmt::format("cannot write {}", path), "choose another file= or a smaller size=");
        at += written;
    }
    if (::fsync(file.get()) != 0) fail(errno, fmt::format("cannot sync {}", path), "choose another file=");
}

/// Only under its own name once it is complete: a run that is broken off leaves no file that is too small.
void make_file(const std::string& path, std::int64_t size) {
    const std::string unfinished = path + ".unfinished";
    try {
        write_out(unfinished, size);
    } catch (const Failure&) {
        ::unlink(unfinished.c_str());
        throw;
    }
    if (::rename(unfinished.c_str(), path.c_str()) != 0)
        fail(errno, fmt::format("cannot make {}", path), "choose another file=");
}

void check_file(const Descriptor& file, const std::string& path, std::int64_t size, bool written) {
    struct stat status {};
    if (::fstat(file.get(), &status) != 0)
        fail(errno, fmt::format("cannot look at {}", path), "choose another file=");
    if (written && !S_ISREG(status.st_mode))
        throw Failure(fmt::format("{} is not a regular file; choose another file=", path));
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
        throw Failure(fmt::format("{} is neither a file nor a disk; choose another file=", path));
    const off_t there = ::lseek(file.get(), 0, SEEK_END);
    if (there < size)
        throw Failure(fmt::format(
            "{} has {} of the {} bytes of size=; remove it, to have it made, or give a smaller size=", path,
            std::max<off_t>(there, 0), size));
    constexpr std::int64_t block = 512, some_slack = 2 * mebi;  // the end of a file may lie in its inode
    if (S_ISREG(status.st_mode) && status.st_blocks * block + some_slack < size)
        throw Failure(fmt::format("{} has holes, which are read without the disk; remove it, to have it made", path));
}

struct Wish {
    std::int64_t size = 0;
    bool written = false;
};

void prepare_file(const std::string& path, const Wish& wish) {
    if (::access(path.c_str(), F_OK) != 0) make_file(path, wish.size);
    const Descriptor file{::open(path.c_str(), (wish.written ? O_RDWR : O_RDONLY) | O_CLOEXEC)};
    if (!file.open()) fail(errno, fmt::format("cannot open {}", path), "choose another file=");
    check_file(file, path, wish.size, wish.written);
    ::fsync(file.get());  // only what is clean can be dropped
    ::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
}

}  // namespace

void prepare_files(std::span<const Load> loads) {
    std::map<std::string, Wish> wishes;  // two loads may share a file
    for (const Load& load : loads) {
        if (load.file.empty() || load.kind->name == "fsync") continue;
        Wish& wish = wishes[load.file];
        wish.size = std::max(wish.size, load.size);
        wish.written = wish.written || load.kind->name == "write";
    }
    for (const auto& [path, wish] : wishes) prepare_file(path, wish);
}

// --- nodes ---

namespace {

constexpr std::string_view nodes = "/sys/devices/system/node";
constexpr std::int64_t most_nodes = 1024;

std::optional<std::string> processors_of(std::int64_t node) {
    return read_small_file(fmt::format("{}/node{}/cpulist", nodes, node));
}

/// "0-3,8" as the kernel writes it.
cpu_set_t parse_processors(std::string_view text) {
    cpu_set_t set;
    CPU_ZERO(&set);
    const char* at = text.data();
    const char* const end = at + text.size();
    std::size_t first = 0;
    for (auto read = std::from_chars(at, end, first); read.ec == std::errc{};
         read = std::from_chars(at, end, first)) {
        std::size_t last = first;
        at = read.ptr;
        if (at != end && *at == '-') at = std::from_chars(at + 1, end, last).ptr;
        for (std::size_t cpu = first; cpu <= last && cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &set);
        if (at == end || *at != ',') break;
        ++at;
    }
    return set;
}

}  // namespace

void check_nodes(std::span<const Load> loads) {
    for (const Load& load : loads) {
        if (load.node == none || (load.node < most_nodes && processors_of(load.node))) continue;
        std::string online = read_small_file(fmt::format("{}/online", nodes)).value_or("none");
        online.erase(std::min(online.find('\n'), online.size()));
        throw UsageError(
            fmt::format("{}: node={} is not on this machine; there is {}", load.name, load.node, online));
    }
}

void bind_to_node(const Load& load) {
    if (load.node == none) return;
    const cpu_set_t set = parse_processors(processors_of(load.node).value_or(""));
    if (CPU_COUNT(&set) > 0 && ::sched_setaffinity(0, sizeof set, &set) != 0)  // a node may have memory alone
        fail(errno, fmt::format("cannot use the processors of node {}", load.node), "leave node= out");
    if (load.placement == static_cast<std::int64_t>(Placement::local)) return;

    constexpr std::size_t bits = 8 * sizeof(unsigned long);
    std::array<unsigned long, most_nodes / bits> mask{};
    const auto node = static_cast<std::size_t>(load.node);
    mask[node / bits] = 1UL << node % bits;
    const bool bind = load.placement == static_cast<std::int64_t>(Placement::bind);
    // The kernel takes the last bit for its own: one more is said than there are.
    if (::syscall(SYS_set_mempolicy, bind ? MPOL_BIND : MPOL_PREFERRED, mask.data(), most_nodes + 1) != 0)
        fail(errno, fmt::format("cannot use the memory of node {}", load.node), "leave node= out, or say numa=local");
}

// --- the kernel's counters ---

namespace {

Descriptor open_proc(const std::string& path) {
    return Descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

Count parse_count(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} ? Count(value) : std::nullopt;
}

template <class Use>
void each_line(std::string_view text, Use use) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        use(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void parse_vmstat(std::string_view text, Snapshot& snapshot) {
    each_line(text, [&](std::string_view line) {
        const std::size_t space = std::min(line.find(' '), line.size() - 1);
        std::string_view name = line.substr(0, space);
        if (name.starts_with("allocstall_")) name = "allocstall";
        const auto found = std::ranges::find(counter_names, name);
        const Count value = parse_count(line.substr(space + 1));
        if (found == std::end(counter_names) || !value) return;
        Count& counter = snapshot.counters[static_cast<std::size_t>(found - std::begin(counter_names))];
        counter = counter.value_or(0) + *value;
    });
}

Pressure parse_pressure(std::string_view text) {
    Pressure pressure;
    each_line(text, [&](std::string_view line) {
        constexpr std::string_view key = "total=";
        const std::size_t total = line.find(key);
        if (total == std::string_view::npos) return;
        const Count value = parse_count(line.substr(total + key.size()));
        if (line.starts_with("some ")) pressure.some_us = value;
        if (line.starts_with("full ")) pressure.full_us = value;
    });
    return pressure;
}

Count parse_free(std::string_view text) {
    Count free_bytes;
    each_line(text, [&](std::string_view line) {
        constexpr std::string_view key = "MemFree:";
        if (!line.starts_with(key)) return;
        line.remove_prefix(std::min(line.find_first_not_of(' ', key.size()), line.size()));
        if (const Count kibi = parse_count(line)) free_bytes = *kibi * 1024;
    });
    return free_bytes;
}

}  // namespace

Counters::Counters() : vmstat_(open_proc("/proc/vmstat")), meminfo_(open_proc("/proc/meminfo")) {
    for (std::size_t i = 0; i < pressure_.size(); ++i)
        pressure_[i] = open_proc(fmt::format("/proc/pressure/{}", pressure_names[i]));
}

/// A file of /proc may return a page at a time.
std::string_view Counters::content(const Descriptor& file) {
    std::size_t length = 0;
    while (file.open() && length < buffer_.size()) {
        const ssize_t more =
            ::pread(file.get(), buffer_.data() + length, buffer_.size() - length, static_cast<off_t>(length));
        if (more <= 0) break;
        length += static_cast<std::size_t>(more);
    }
    return {buffer_.data(), length};
}

Snapshot Counters::read() {
    Snapshot snapshot;
    snapshot.at = now();
    parse_vmstat(content(vmstat_), snapshot);
    for (std::size_t i = 0; i < pressure_.size(); ++i) snapshot.pressure[i] = parse_pressure(content(pressure_[i]));
    snapshot.free_bytes = parse_free(content(meminfo_));
    return snapshot;
}

Count growth(const Count& before, const Count& after) {
    if (!before || !after || *after < *before) return std::nullopt;
    return *after - *before;
}

}  // namespace workload
