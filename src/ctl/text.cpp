// SPDX-License-Identifier: GPL-2.0-or-later
//
// Not wcwidth(): its answers depend on the locale, and in the C locale it knows no UTF-8, which is what the bus
// carries.
#include "ctl/text.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace memtuned::ctl {
namespace {

struct Character {
    std::uint32_t code = 0;
    std::size_t size = 1;
    bool valid = true;
};

std::size_t size_by_first_byte(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    if (first >= 0xF0 && first < 0xF5) return 4;
    return 0;
}

/// Overlong forms and surrogates.
bool is_misuse(const Character& c) {
    if (c.size == 3 && c.code < 0x800) return true;
    if (c.size == 4 && (c.code < 0x10000 || c.code > 0x10FFFF)) return true;
    return c.code >= 0xD800 && c.code < 0xE000;
}

Character character_at(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    Character c{first, size_by_first_byte(first)};
    if (c.size == 0 || at + c.size > text.size()) return {first, 1, false};
    if (c.size == 1) return c;
    c.code = first & (0xFFU >> (c.size + 1));
    for (std::size_t i = 1; i < c.size; ++i) {
        const auto next = static_cast<unsigned char>(text[at + i]);
        if ((next & 0xC0U) != 0x80U) return {first, 1, false};
        c.code = c.code << 6U | (next & 0x3FU);
    }
    return is_misuse(c) ? Character{first, 1, false} : c;
}

/// C0, DEL and C1, and the marks that turn the direction of writing.
bool steers_terminal(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
           (code >= 0x2066 && code <= 0x2069);
}

struct Span {
    std::uint32_t first;
    std::uint32_t last;
};
/// The common ones of Unicode's Mn and Cf.
constexpr std::array no_width{Span{0x0300, 0x036F}, Span{0x200B, 0x200F}, Span{0x20D0, 0x20FF}, Span{0xFE00, 0xFE0F}};
/// East Asian Wide, Fullwidth, and pictures.
constexpr std::array double_width{Span{0x1100, 0x115F},   Span{0x2E80, 0x303E},  Span{0x3041, 0xA4CF},
                                  Span{0xAC00, 0xD7A3},   Span{0xF900, 0xFAFF},  Span{0xFE30, 0xFE6F},
                                  Span{0xFF00, 0xFF60},   Span{0xFFE0, 0xFFE6},  Span{0x1F300, 0x1F64F},
                                  Span{0x1F680, 0x1F9FF}, Span{0x20000, 0x3FFFD}};

template <std::size_t N>
bool is_in(const std::array<Span, N>& spans, std::uint32_t code) {
    return std::any_of(spans.begin(), spans.end(),
                       [code](const Span& span) { return code >= span.first && code <= span.last; });
}

std::size_t width_of(std::uint32_t code) {
    if (is_in(no_width, code)) return 0;
    return is_in(double_width, code) ? 2 : 1;
}

}  // namespace

std::string printable(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    for (std::size_t at = 0; at < text.size();) {
        const Character c = character_at(text, at);
        if (c.code == '\n' || c.code == '\t') {
            clean += ' ';
        } else if (!c.valid || steers_terminal(c.code)) {
            clean += '?';
        } else {
            clean += text.substr(at, c.size);
        }
        at += c.size;
    }
    return clean;
}

std::string printable_lines(std::string_view text) {
    std::string lines;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        if (at > 0) lines += '\n';
        lines += printable(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

std::size_t displayed_width(std::string_view text) {
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const Character c = character_at(text, at);
        width += c.valid ? width_of(c.code) : 1;
        at += c.size;
    }
    return width;
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    if (width == 0 || displayed_width(text) <= width) return {std::string(text)};
    std::vector<std::string> lines(1);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(' ', at), text.size());
        const std::string_view word = text.substr(at, end - at);
        at = end + 1;
        if (word.empty()) continue;
        if (lines.back().empty()) {
            lines.back() = word;
        } else if (displayed_width(lines.back()) + 1 + displayed_width(word) <= width) {
            lines.back().append(" ").append(word);
        } else {
            lines.emplace_back(word);
        }
    }
    return lines;
}

}  // namespace memtuned::ctl
