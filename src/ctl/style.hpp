// SPDX-License-Identifier: GPL-2.0-or-later
//
// Colour, sparingly: for the states a person looks for.
#pragma once

#include <string>
#include <string_view>

namespace memtuned::ctl {

enum class Tone { plain, strong, faint, good, warning, bad };

/// Only on a terminal that has colours, and not against the user's wish (https://no-color.org).
bool wants_colour();

std::string paint(Tone tone, std::string_view text, bool colour);

/// The tone of a tunable's or a rule's state.
Tone tone_of_state(std::string_view state);

}  // namespace memtuned::ctl
