// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine: its clock, its NUMA nodes, files made ready to be read, and the kernel's counters.
#pragma once

#include <time.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "workload_options.hpp"

namespace workload {

/// What could not be done, why, and what to do about it: exit status 1.
struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// "WHAT: ERROR; WHAT TO DO".
[[noreturn]] void fail(int error, std::string_view what, std::string_view advice);

// --- the clock ---

inline std::int64_t now() noexcept {
    timespec time;
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void sleep_until(std::int64_t instant) noexcept;

/// Nothing shorter than one reading of the clock can be told, and where the kernel does not trust the processor's
/// counter a reading is a system call and a slow device.
struct Clock {
    std::string source;
    double reading_ns;
};
Clock measure_clock();

// --- files and nodes ---

class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const noexcept { return fd_; }
    bool open() const noexcept { return fd_ >= 0; }

private:
    int fd_;
};

/// What a small file holds, or nothing if it can't be read.
std::optional<std::string> read_small_file(const std::string& path);

/// Makes the files of all loads that are missing and leaves none of what they hold in the page cache. Throws Failure.
void prepare_files(std::span<const Load> loads);

/// Throws UsageError if a load names a node this machine has not got.
void check_nodes(std::span<const Load> loads);

/// Binds this process as the load wants it. Throws Failure.
void bind_to_node(const Load& load);

// --- the kernel's counters ---

constexpr std::string_view counter_names[] = {
    "allocstall",  // the sum over all zones
    "pgscan_kswapd",
    "pgscan_direct",
    "pgsteal_kswapd",
    "pgsteal_direct",
    "pgsteal_khugepaged",
    "pgsteal_proactive",
    "pgsteal_anon",
    "pgsteal_file",
    "workingset_refault_anon",
    "workingset_refault_file",
    "workingset_activate_anon",
    "workingset_activate_file",
    "pswpin",
    "pswpout",
    "pgpgin",
    "pgpgout",
    "pgfault",
    "pgmajfault",
    "oom_kill",
    "pageoutrun",
    "kswapd_low_wmark_hit_quickly",
    "kswapd_high_wmark_hit_quickly",
    "compact_stall",
    "zone_reclaim_success",
    "zone_reclaim_failed",
    "numa_hit",
    "numa_miss",
    "numa_foreign",
    "numa_local",
    "numa_other",
};
constexpr std::string_view pressure_names[] = {"memory", "io", "cpu"};

using Count = std::optional<std::uint64_t>;  ///< nothing where this kernel does not count it

struct Pressure {
    Count some_us;
    Count full_us;
};

struct Snapshot {
    std::int64_t at = 0;
    std::array<Count, std::size(counter_names)> counters;
    std::array<Pressure, std::size(pressure_names)> pressure;
    Count free_bytes;
};

/// Keeps the files open and reads them into a buffer of its own, so that a reading needs no memory when there is
/// none.
class Counters {
public:
    Counters();
    Snapshot read();

private:
    std::string_view content(const Descriptor& file);

    Descriptor vmstat_;
    Descriptor meminfo_;
    std::array<Descriptor, std::size(pressure_names)> pressure_;
    std::array<char, 32768> buffer_;
};

/// The growth from one to the other; nothing where it isn't known or went backwards.
Count growth(const Count& before, const Count& after);

}  // namespace workload
