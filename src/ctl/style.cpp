// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/style.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

namespace memtuned::ctl {
namespace {

std::string_view escape_of(Tone tone) {
    switch (tone) {
        case Tone::plain: return {};
        case Tone::strong: return "\033[1m";
        case Tone::faint: return "\033[2m";
        case Tone::good: return "\033[32m";
        case Tone::warning: return "\033[33m";
        case Tone::bad: return "\033[31m";
    }
    return {};
}

}  // namespace

bool wants_colour() {
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0') return false;
    const char* terminal = std::getenv("TERM");
    if (terminal == nullptr || std::string_view(terminal) == "dumb") return false;
    return ::isatty(STDOUT_FILENO) == 1;
}

std::string paint(Tone tone, std::string_view text, bool colour) {
    if (!colour || tone == Tone::plain) return std::string(text);
    return fmt::format("{}{}\033[0m", escape_of(tone), text);
}

Tone tone_of_state(std::string_view state) {
    if (state == "active" || state == "managed") return Tone::good;
    if (state == "pending" || state == "overridden" || state == "yielded" || state == "suspended")
        return Tone::warning;
    if (state == "frozen") return Tone::bad;
    if (state == "unavailable" || state == "disabled") return Tone::faint;
    return Tone::plain;
}

}  // namespace memtuned::ctl
