// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/diagnostic.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace memtuned::rules {
namespace {

/// Edits between two words, a swap of neighbours counting as one (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before;
    std::vector<std::size_t> above(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({replace, above[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
        before = above;
        above.swap(row);
    }
    return above[b.size()];
}

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

/// Bytes of the character that `text` begins with; 0 if it is not UTF-8 or nothing a terminal should be sent.
std::size_t shown_character(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return (first >= 0x20 && first != 0x7F) || first == '\t' ? 1 : 0;
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 0;
    if (size == 0 || size > text.size() || first > 0xF7) return 0;
    std::uint32_t code = first & (0xFFU >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if (!continues_character(text[i])) return 0;
        code = code << 6 | (static_cast<unsigned char>(text[i]) & 0x3FU);
    }
    constexpr std::array<std::uint32_t, 5> least{0, 0, 0xA0, 0x800, 0x10000};  // below 0xA0: control characters
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    return code < least[size] || surrogate || code > 0x10FFFF ? 0 : size;
}

/// Diagnostics go to terminals and over D-Bus, which both want clean UTF-8.
std::string printable(std::string_view text) {
    std::string clean;
    while (!text.empty()) {
        const std::size_t size = shown_character(text);
        clean += size == 0 ? "?" : text.substr(0, size);
        text.remove_prefix(std::max<std::size_t>(size, 1));
    }
    return clean;
}

struct Excerpt {
    std::string text;
    std::size_t caret;
};

/// `line`, or what is around `place` of a line that would fill the screen.
Excerpt excerpt_of(std::string_view line, std::size_t place) {
    constexpr std::size_t widest = 160;
    std::size_t begin = line.size() > widest && place > widest * 3 / 4 ? place - widest / 2 : 0;
    while (begin > 0 && continues_character(line[begin])) --begin;
    std::size_t end = std::min(line.size(), begin + widest);
    while (end < line.size() && continues_character(line[end])) ++end;

    const std::string_view before = line.substr(begin, place - begin);
    const auto characters =
        std::count_if(before.begin(), before.end(), [](char c) { return !continues_character(c); });
    Excerpt excerpt{begin > 0 ? "…" : "", static_cast<std::size_t>(characters) + (begin > 0 ? 2 : 1)};
    excerpt.text += printable(line.substr(begin, end - begin));
    if (end < line.size()) excerpt.text += "…";
    return excerpt;
}

/// What stands before the caret, so that tabs keep it under its place.
std::string indent_like(std::string_view line, std::size_t caret) {
    std::string indent;
    for (std::size_t i = 0; i < line.size() && indent.size() + 1 < caret; ++i)
        if (!continues_character(line[i])) indent += line[i] == '\t' ? '\t' : ' ';
    indent.resize(caret - 1, ' ');
    return indent;
}

}  // namespace

std::string render(const Diagnostic& d) {
    const char* severity = d.severity == Diagnostic::Severity::error ? "error" : "warning";
    const std::string place = d.at.line == 0 ? "" : fmt::format(":{}:{}", d.at.line, d.at.column);
    std::string text = fmt::format("{}{}: {}: {}\n", d.file, place, severity, d.message);
    if (!d.excerpt.empty()) text += fmt::format("{:5} | {}\n", d.at.line, d.excerpt);
    if (!d.excerpt.empty() && d.caret > 0) text += fmt::format("      | {}^\n", indent_like(d.excerpt, d.caret));
    if (!d.help.empty()) text += fmt::format("      = {}\n", d.help);
    return text;
}

void Diagnostics::error(const Source& source, std::size_t offset, std::string message, std::string help) {
    add(Diagnostic::Severity::error, source, offset, std::move(message), std::move(help));
}

void Diagnostics::warning(const Source& source, std::size_t offset, std::string message, std::string help) {
    add(Diagnostic::Severity::warning, source, offset, std::move(message), std::move(help));
}

void Diagnostics::error(std::string file, std::string message, std::string help) {
    ++errors_;
    if (is_full()) return;
    all_.push_back({Diagnostic::Severity::error, std::move(file), {}, std::move(message), std::move(help), {}});
}

void Diagnostics::add(Diagnostic::Severity severity, const Source& source, std::size_t offset, std::string message,
                      std::string help) {
    if (severity == Diagnostic::Severity::error) ++errors_;
    if (is_full()) return;
    const Position at = source->position(offset);
    const auto said = [&](const Diagnostic& d) {
        return d.at == at && d.severity == severity && d.message == message && d.file == source->name();
    };
    if (std::any_of(all_.begin(), all_.end(), said)) return;
    const std::string_view line = source->line(at.line);
    const auto start = static_cast<std::size_t>(line.data() - source->text().data());
    const std::size_t place = std::min(std::max(offset, start) - start, line.size());
    auto [excerpt, caret] = excerpt_of(line, place);
    all_.push_back({severity, source->name(), at, std::move(message), std::move(help), std::move(excerpt), caret});
}

bool Diagnostics::is_full() {
    if (all_.size() < most_kept) return false;
    ++dropped_;
    return true;
}

const std::vector<Diagnostic>& Diagnostics::sorted() {
    std::vector<std::string> files;
    for (const Diagnostic& d : all_)
        if (std::find(files.begin(), files.end(), d.file) == files.end()) files.push_back(d.file);
    const auto place = [&](const Diagnostic& d) {
        return std::make_tuple(std::find(files.begin(), files.end(), d.file) - files.begin(), d.at.line, d.at.column);
    };
    std::stable_sort(all_.begin(), all_.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
    return all_;
}

std::string Diagnostics::render_all() {
    std::string text;
    for (const Diagnostic& d : sorted()) text += (text.empty() ? "" : "\n") + render(d);
    if (dropped_ > 0) text += fmt::format("\nand {} more\n", dropped_);
    return text;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    constexpr std::size_t longest_word = 100;
    if (word.size() > longest_word) return {};
    std::string_view best;
    std::size_t least = std::max<std::size_t>(1, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t longer = std::max(word.size(), candidate.size());
        if (longer - std::min(word.size(), candidate.size()) >= least) continue;
        const std::size_t edits = distance(word, candidate);
        if (edits < least) {
            least = edits;
            best = candidate;
        }
    }
    return best;
}

std::string quote(std::string_view text, std::size_t longest) {
    std::string line;
    std::size_t characters = 0;
    for (const char c : text) {
        const bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
        if (space && (line.empty() || line.back() == ' ')) continue;
        if (!continues_character(c) && ++characters > longest) {
            line += "…";
            break;
        }
        line += space ? ' ' : c;
    }
    return printable(line);
}

}  // namespace memtuned::rules
