// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

/// How the free memory of one populated zone is cut up.
struct FreeBlocks {
    int node = 0;
    std::string zone;
    std::vector<std::uint64_t> count;  ///< count[order]: free blocks of 2^order pages
};

/// Parses into `zones`, reusing what it holds. Other lines are passed over; a zone's line with something else than
/// counts is refused. `zones` is of no use after an error.
Status parse_buddyinfo(std::string_view text, std::vector<FreeBlocks>& zones);

class BuddyinfoFile {
public:
    explicit BuddyinfoFile(const Root& root) : file_(root, "proc/buddyinfo") {}

    /// Reads the file. Allocates nothing while the number of zones stays the same.
    Status refresh();

    /// The zones of the last refresh(), which must have succeeded.
    std::span<const FreeBlocks> zones() const { return zones_; }
    const std::string& name() const { return file_.name(); }

private:
    KeptFile file_;
    std::vector<FreeBlocks> zones_;
};

}  // namespace memtuned::kernel
