// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

/// Single-integer kernel files. An interface, because no plain file refuses a write the way a sysctl does:
/// tests put a kernel with scripted errors in its place.
class SysctlFiles {
public:
    virtual ~SysctlFiles() = default;

    /// The integer in `path` (relative to the root). ENOENT: this kernel lacks it.
    virtual Result<std::int64_t> read(std::string_view path) = 0;

    /// Writes `value` in decimal. EINVAL: out of the kernel's range, nothing changed. May block while the kernel acts
    /// (drop_caches 0.1 to 0.5 s), and may then be called from another thread than the other calls.
    virtual Status write(std::string_view path, std::int64_t value) = 0;
};

/// The real ones, under a root. Descriptors for reading are kept open. Errors name the path and carry the errno; code
/// 0 is a file that holds no integer.
class ProcSysctls final : public SysctlFiles {
public:
    explicit ProcSysctls(Root root);

    /// The first line counts, so that in a capture a plain file reads back what was written over a longer text.
    Result<std::int64_t> read(std::string_view path) override;
    /// Never creates a file. Safe beside a read() on another thread.
    Status write(std::string_view path, std::int64_t value) override;

private:
    KeptFile& file(std::string_view path);

    const Root root_;
    std::vector<KeptFile> open_;  ///< for read() only
};

}  // namespace memtuned::kernel
