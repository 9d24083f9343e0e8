// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pressure stall information, of the system or of a cgroup. Never read the same file twice within 10 jiffies: each
// read drops the stall time below a jiffy, for every other reader too (6.18: at 3 ms 2.7 % is left of 100 %).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

enum class Resource : std::uint8_t { memory, io, cpu };

/// "proc/pressure/memory".
std::string_view pressure_path(Resource resource);

/// `some`: at least one task waited; `full`: all that could have run did.
enum class Stalled : std::uint8_t { some, full };

struct StallTimes {
    double avg10;  ///< shares of time, 1 = 100 %
    double avg60;
    double avg300;
    std::uint64_t total_us;  ///< since boot
};

struct Pressure {
    std::optional<StallTimes> some;
    std::optional<StallTimes> full;  ///< cpu has it from 5.13 on

    const std::optional<StallTimes>& of(Stalled who) const { return who == Stalled::some ? some : full; }
};

/// Lines and fields not known are passed over; a `some` or `full` line that is broken is refused, and so is a text
/// with neither. The message names the place: "some line: no avg60", without the file's name.
Result<Pressure> parse_pressure(std::string_view text);

class PressureFile {
public:
    /// `relative`: pressure_path() or a cgroup's, "sys/fs/cgroup/system.slice/memory.pressure".
    PressureFile(const Root& root, std::string_view relative) : file_(root, relative) {}

    /// ENOENT, or EOPNOTSUPP from cgroups and old kernels: PSI is off. Code 0: the text is not what it should be.
    Result<Pressure> read();

    const std::string& name() const { return file_.name(); }

private:
    KeptFile file_;
};

}  // namespace memtuned::kernel
