// SPDX-License-Identifier: GPL-2.0-or-later
//
// The standard output, flushed at once and never written to in vain.
#pragma once

#include <exception>
#include <string_view>

namespace memtuned::ctl {

/// Nobody reads any more, as after `memtunectl history | head`: a reason to end, not an error.
class OutputClosed : public std::exception {
public:
    const char* what() const noexcept override { return "nobody reads the standard output"; }
};

/// Throws OutputClosed, or std::system_error where the output cannot be written for another reason. SIGPIPE must be
/// ignored.
void print(std::string_view text);

}  // namespace memtuned::ctl
