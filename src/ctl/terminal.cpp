// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/terminal.hpp"

#include <fmt/format.h>

#include <langinfo.h>
#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

#include "ctl/text.hpp"

namespace memtuned::ctl {
namespace {

/// The first letter, of text that is printable.
std::string_view first_letter(std::string_view text) {
    std::size_t length = 1;
    while (length < text.size() && (static_cast<unsigned char>(text[length]) & 0xc0U) == 0x80) ++length;
    return text.substr(0, length);
}

int width_of(std::string_view text) {
    return static_cast<int>(displayed_width(text));
}

std::string in_ascii(std::string_view text) {
    std::string result;
    for (; !text.empty(); text.remove_prefix(first_letter(text).size()))
        result += static_cast<unsigned char>(text.front()) < 0x80 ? text.front() : '?';
    return result;
}

/// As many letters as fit into `width` columns.
std::string_view head(std::string_view text, int width) {
    std::size_t length = 0;
    while (length < text.size()) {
        const std::string_view letter = first_letter(text.substr(length));
        width -= width_of(letter);
        if (width < 0) break;
        length += letter.size();
    }
    return text.substr(0, length);
}

std::string line_of(const Line& line, Size size, bool colour, bool faded) {
    std::string text;
    int used = 0;
    for (const Span& span : line) {
        const std::string_view shown = head(span.text, size.width - used);
        text += paint(faded ? Tone::faint : span.tone, shown, colour);
        used += width_of(shown);
    }
    // Behind the last column the cursor still stands on it, and clearing would take its letter.
    return used < size.width ? text + "\x1b[K" : text;
}

/// A terminal that is gone has nobody to tell.
void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR) return;
        bytes.remove_prefix(written > 0 ? static_cast<std::size_t>(written) : 0);
    }
}

int from_environment(const char* name, int otherwise) {
    const char* text = std::getenv(name);
    const int value = text != nullptr ? std::atoi(text) : 0;
    return value > 0 ? std::min(value, 1000) : otherwise;
}

constexpr std::pair<std::string_view, Key> sequences[] = {
    {"\x1b[A", Key::up},   {"\x1bOA", Key::up},       {"\x1b[B", Key::down},
    {"\x1bOB", Key::down}, {"\x1b[5~", Key::page_up}, {"\x1b[6~", Key::page_down},
    {"\x1b[H", Key::home}, {"\x1bOH", Key::home},     {"\x1b[1~", Key::home},
    {"\x1b[F", Key::end},  {"\x1bOF", Key::end},      {"\x1b[4~", Key::end},
    {"q", Key::quit},      {"p", Key::pause},         {"+", Key::longer},
    {"=", Key::longer},    {"-", Key::shorter},       {"k", Key::up},
    {"j", Key::down},      {" ", Key::page_down},     {"g", Key::home},
    {"G", Key::end},       {"h", Key::help},          {"?", Key::help},
    {"\x0c", Key::redraw}, {"Q", Key::quit},
};

/// The bytes of one key that is none of ours: an escape sequence is left out whole, lest its end be taken for a key.
std::size_t length_of_unknown(std::string_view bytes) {
    if (bytes.size() < 2 || bytes[0] != '\x1b' || (bytes[1] != '[' && bytes[1] != 'O')) return 1;
    std::size_t end = 2;
    while (end < bytes.size() && (bytes[end] < '@' || bytes[end] > '~')) ++end;
    return std::min(end + 1, bytes.size());
}

}  // namespace

std::string fit(std::string_view text, int width, bool utf8, bool to_the_right) {
    std::string shown = utf8 ? printable(text) : in_ascii(printable(text));
    if (width_of(shown) > width)
        shown = width > 0 ? std::string(head(shown, width - 1)) + (utf8 ? "…" : "~") : std::string();
    const std::string blanks(static_cast<std::size_t>(std::max(0, width - width_of(shown))), ' ');
    return to_the_right ? blanks + shown : shown + blanks;
}

std::string plain_text(const Line& line) {
    std::string text;
    for (const Span& span : line) text += span.text;
    text.erase(text.find_last_not_of(' ') + 1);
    return text;
}

bool locale_is_utf8() {
    const locale_t locale = ::newlocale(LC_CTYPE_MASK, "", nullptr);
    if (locale == nullptr) return false;
    const bool result = ::nl_langinfo_l(CODESET, locale) == std::string_view("UTF-8");
    ::freelocale(locale);
    return result;
}

std::string frame_of(const std::vector<Line>& lines, Size size, bool colour, bool faded) {
    const std::size_t height = static_cast<std::size_t>(size.height);
    std::string frame;
    for (std::size_t row = 0; row < std::min(lines.size(), height); ++row)
        frame += fmt::format("\x1b[{};1H", row + 1) + line_of(lines[row], size, colour, faded && row > 0);
    if (lines.size() < height) frame += fmt::format("\x1b[{};1H\x1b[J", lines.size() + 1);
    return frame;
}

std::vector<Key> keys_in(std::string_view bytes) {
    std::vector<Key> keys;
    while (!bytes.empty()) {
        const auto* const known =
            std::ranges::find_if(sequences, [&](const auto& entry) { return bytes.starts_with(entry.first); });
        const bool is_known = known != std::end(sequences);
        if (is_known) keys.push_back(known->second);
        bytes.remove_prefix(is_known ? known->first.size() : length_of_unknown(bytes));
    }
    return keys;
}

Terminal::Terminal() : has_keys_(::tcgetattr(STDIN_FILENO, &before_) == 0), colour_(wants_colour()) {
    enter();
}

Terminal::~Terminal() {
    leave();
}

void Terminal::enter() {
    entered_ = true;
    if (has_keys_) {
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    // The other screen, no cursor, and no line goes on into the next.
    write_all("\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J");
}

void Terminal::leave() {
    if (!std::exchange(entered_, false)) return;
    write_all("\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l");
    if (has_keys_) ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

Size Terminal::size() const {
    winsize found{};
    const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) == 0 && found.ws_col > 0 && found.ws_row > 0;
    if (known) return {found.ws_col, found.ws_row};
    return {from_environment("COLUMNS", 80), from_environment("LINES", 24)};
}

void Terminal::draw(const std::vector<Line>& lines, bool faded) const {
    write_all(frame_of(lines, size(), colour_, faded));
}

std::vector<Key> Terminal::read_keys() const {
    std::array<char, 256> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) return {};
    if (got <= 0) return {Key::quit};
    return keys_in({bytes.data(), static_cast<std::size_t>(got)});
}

}  // namespace memtuned::ctl
