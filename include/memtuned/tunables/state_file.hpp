// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files in which memtuned keeps its own state: read whole, written whole.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "memtuned/base/result.hpp"

namespace memtuned::tunables {

/// ENOENT where there is none.
Result<std::string> read_file(const std::filesystem::path& file);

/// When this returns well the file holds `text`, also after a crash; otherwise it holds that or what it held before.
/// Makes the folder if need be. Only root may read what is written.
Status replace_file(const std::filesystem::path& file, std::string_view text);

}  // namespace memtuned::tunables
