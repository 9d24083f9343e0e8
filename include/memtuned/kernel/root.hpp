// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

namespace memtuned::kernel {

/// The folder that stands for "/" when kernel files are looked up: a capture in tests, "/" on a machine.
class Root {
public:
    explicit Root(std::filesystem::path path = "/") : path_(std::move(path)) {}

    /// `relative` as in "proc/vmstat", without a leading slash.
    std::filesystem::path operator/(std::string_view relative) const { return path_ / relative; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

}  // namespace memtuned::kernel
