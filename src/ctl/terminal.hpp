// SPDX-License-Identifier: GPL-2.0-or-later
//
// The terminal: what it can show, what a frame is for it, which keys came from it, and its state, which is put back
// however the program ends its use of it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <termios.h>

#include "ctl/style.hpp"

namespace memtuned::ctl {

/// Text that is printable already.
struct Span {
    std::string text;
    Tone tone = Tone::plain;
};
using Line = std::vector<Span>;

/// `text`, made printable, in exactly `width` columns: padded, or cut with an ellipsis. Without `utf8` every letter
/// that is not ASCII becomes "?".
std::string fit(std::string_view text, int width, bool utf8, bool to_the_right = false);

/// A line as text, without blanks at its end.
std::string plain_text(const Line& line);

/// Whether the locale of the environment, not that of the process, is one of UTF-8.
bool locale_is_utf8();

struct Size {
    int width;
    int height;
};

/// One frame as the terminal takes it, without a blank moment in between: each line in its place, the rest of it and
/// of the screen cleared, and nothing beyond `size`. `faded`: all below the first line is old.
std::string frame_of(const std::vector<Line>& lines, Size size, bool colour, bool faded);

enum class Key : std::uint8_t { quit, pause, longer, shorter, up, down, page_up, page_down, home, end, help, redraw };

/// The keys behind what a terminal sent; others are left out.
std::vector<Key> keys_in(std::string_view bytes);

/// Standard input and output as a screen of our own, from construction to destruction.
class Terminal {
public:
    Terminal();
    ~Terminal();
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    /// For a stop and what follows it; both may be called twice.
    void enter();
    void leave();

    Size size() const;
    void draw(const std::vector<Line>& lines, bool faded) const;
    /// Standard input is a terminal, too.
    bool has_keys() const { return has_keys_; }
    /// The keys that came; `quit` when there is nobody left to press one.
    std::vector<Key> read_keys() const;

private:
    termios before_{};  // before has_keys_, which comes with reading it
    bool has_keys_;
    bool colour_;
    bool entered_ = false;
};

}  // namespace memtuned::ctl
