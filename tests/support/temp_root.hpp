// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trees of kernel files for tests: captures of real machines, and trees made up on the spot.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include <stdlib.h>

#include "memtuned/kernel/root.hpp"

namespace memtuned::test {

/// The capture tests/fixtures/`name`.
inline kernel::Root fixture(std::string_view name) {
    return kernel::Root(std::filesystem::path(MEMTUNED_FIXTURES) / name);
}

/// The text of a file under a root.
inline std::string text_of(const kernel::Root& root, std::string_view path) {
    std::ifstream file(root / path, std::ios::binary);
    if (!file) throw std::runtime_error("no such file: " + (root / path).string());
    return {std::istreambuf_iterator<char>(file), {}};
}

/// A root of its own under the folder for temporary files, gone at the end of its life.
class TempRoot {
public:
    TempRoot() : path_((std::filesystem::temp_directory_path() / "memtuned-test-XXXXXX").string()) {
        if (!::mkdtemp(path_.data())) throw std::runtime_error("cannot make " + path_);
    }
    ~TempRoot() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempRoot(const TempRoot&) = delete;
    TempRoot& operator=(const TempRoot&) = delete;

    kernel::Root root() const { return kernel::Root(path_); }

    /// Makes the file `path` ("proc/vmstat") with this text, or gives the one that is there a new text in place, so
    /// that a descriptor kept open sees it as it would a kernel file that moves on.
    TempRoot& write(std::string_view path, std::string_view text) {
        const std::filesystem::path whole = root() / path;
        std::filesystem::create_directories(whole.parent_path());
        std::ofstream file(whole, std::ios::binary | std::ios::trunc);
        file << text;
        if (!file.flush()) throw std::runtime_error("cannot write " + whole.string());
        return *this;
    }

    TempRoot& remove(std::string_view path) {
        std::filesystem::remove(root() / path);
        return *this;
    }

    /// Copies one file of a capture, or all of it.
    TempRoot& copy(const kernel::Root& from, std::string_view path) { return write(path, text_of(from, path)); }
    TempRoot& copy(const kernel::Root& from) {
        std::filesystem::copy(from.path(), path_, std::filesystem::copy_options::recursive);
        return *this;
    }

private:
    std::string path_;
};

}  // namespace memtuned::test
