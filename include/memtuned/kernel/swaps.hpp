// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

struct Swap {
    std::string name;  ///< "/dev/zram0", "/swap file": with the kernel's octal escapes resolved
    std::string type;  ///< "partition" or "file"
    std::uint64_t size_bytes = 0;
    std::uint64_t used_bytes = 0;
    int priority = 0;

    /// Whether it is compressed memory rather than a disk, told by its name as the kernel gives it.
    bool on_zram() const;
};

/// Parses into `swaps`, reusing what it holds; no swap is an empty list. A line that begins with a path and has no
/// size, use and priority is refused; others are passed over. `swaps` is of no use after an error.
Status parse_swaps(std::string_view text, std::vector<Swap>& swaps);

/// The share of the swap space that is on zram; nothing where there is no swap.
std::optional<double> share_on_zram(std::span<const Swap> swaps);

class SwapsFile {
public:
    explicit SwapsFile(const Root& root) : file_(root, "proc/swaps") {}

    /// Reads the file. ENOENT: a kernel without swap. Allocates nothing while the swap areas stay the same.
    Status refresh();

    /// The swap areas of the last refresh(), which must have succeeded.
    std::span<const Swap> swaps() const { return swaps_; }
    const std::string& name() const { return file_.name(); }

private:
    KeptFile file_;
    std::vector<Swap> swaps_;
};

}  // namespace memtuned::kernel
