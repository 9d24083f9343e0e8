// SPDX-License-Identifier: GPL-2.0-or-later
//
// Text for a terminal: how wide it is shown, where it is broken, and nothing in it that would steer the terminal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace memtuned::ctl {

/// Reasons and names come from rule files, from callers and from units: control characters in them become "?", line
/// breaks and tabs a space, and what is no UTF-8 becomes "?".
std::string printable(std::string_view text);
/// The same for a text of several lines, which they stay. No line end after the last.
std::string printable_lines(std::string_view text);

/// Columns on a terminal.
std::size_t displayed_width(std::string_view text);

/// Lines of at most `width` columns, broken at spaces; a longer word keeps a line of its own. Width 0: one line.
std::vector<std::string> wrap(std::string_view text, std::size_t width);

}  // namespace memtuned::ctl
