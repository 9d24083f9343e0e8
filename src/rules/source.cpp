// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/source.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace memtuned::rules {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::size_t mark_distance = 1024;

bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
}

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int get() const { return fd_; }

private:
    int fd_;
};

/// How many bytes an escape takes in the file, and how many it stands for.
struct Escape {
    std::size_t raw;
    std::size_t decoded;
};

std::size_t utf8_length(unsigned long code) {
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

Escape escape_at(std::string_view text, std::size_t at) {
    const char kind = at + 1 < text.size() ? text[at + 1] : '\0';
    if (kind == 'u' || kind == 'U') {
        const std::size_t digits = kind == 'u' ? 4 : 8;
        unsigned long code = 0;
        for (const char c : text.substr(std::min(at + 2, text.size()), digits)) {
            const int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
            code = code * 16 + static_cast<unsigned long>(digit & 0xF);
        }
        return {2 + digits, utf8_length(code)};
    }
    if (kind == '\n' || kind == '\r' || kind == ' ' || kind == '\t') {
        const std::size_t next = text.find_first_not_of(" \t\r\n", at + 1);
        return {(next == std::string_view::npos ? text.size() : next) - at, 0};
    }
    return {2, 1};
}

}  // namespace

SourceFile::SourceFile(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {
    starts_.push_back(text_.starts_with(byte_order_mark) ? byte_order_mark.size() : 0);
    std::size_t characters = 0;
    for (std::size_t i = 0; i < text_.size(); ++i) {
        if (i % mark_distance == 0) marks_.push_back(characters);
        if (!continues_character(text_[i])) ++characters;
        if (text_[i] == '\n') starts_.push_back(i + 1);
    }
    marks_.push_back(characters);
}

Result<Source> SourceFile::read(const std::string& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (file.get() < 0 || ::fstat(file.get(), &status) < 0) return system_error(path, errno);
    if (!S_ISREG(status.st_mode)) return Error{path + ": not a regular file", 0};

    std::string text(largest + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error(path, errno);
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > largest)
        return Error{fmt::format("{}: larger than 1 MiB; rules are a few KiB of text, is this the right file?", path),
                     EFBIG};
    text.resize(size);
    return Source(std::make_shared<const SourceFile>(path, std::move(text)));
}

std::size_t SourceFile::characters_before(std::size_t offset) const {
    const std::size_t mark = std::min(offset, text_.size()) / mark_distance;
    std::size_t characters = marks_[mark];
    for (std::size_t i = mark * mark_distance; i < offset && i < text_.size(); ++i)
        if (!continues_character(text_[i])) ++characters;
    return characters;
}

Position SourceFile::position(std::size_t offset) const {
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), std::max(offset, starts_.front()));
    const auto line = static_cast<std::size_t>(after - starts_.begin());
    const std::size_t start = starts_[line - 1];
    return {line, characters_before(std::max(offset, start)) - characters_before(start) + 1};
}

std::size_t SourceFile::offset(Position position) const {
    if (position.line == 0 || position.line > starts_.size()) return text_.size();
    const std::size_t start = starts_[position.line - 1];
    const std::size_t wanted = characters_before(start) + std::max<std::size_t>(position.column, 1) - 1;
    const auto after = std::upper_bound(marks_.begin(), marks_.end(), wanted);
    std::size_t characters = *std::prev(after);
    std::size_t at = static_cast<std::size_t>(std::prev(after) - marks_.begin()) * mark_distance;
    for (; at < text_.size(); ++at) {
        if (continues_character(text_[at])) continue;
        if (characters == wanted) break;
        ++characters;
    }
    return std::min(at, text_.size());
}

std::string_view SourceFile::line(std::size_t number) const {
    if (number == 0 || number > starts_.size()) return {};
    const std::size_t start = starts_[number - 1];
    std::size_t end = number < starts_.size() ? starts_[number] - 1 : text_.size();
    if (end > start && text_[end - 1] == '\r') --end;
    return text().substr(start, end - start);
}

std::size_t Text::offset(std::size_t index) const {
    return offsets.empty() ? 0 : offsets[std::min(index, offsets.size() - 1)];
}

Text text_at(const Source& source, std::size_t begin, std::string value) {
    const std::string_view raw = source->text();
    const char quote = begin < raw.size() ? raw[begin] : '\0';
    const bool multiline = raw.substr(begin, 3) == std::string(3, quote) && quote != '\0';
    std::size_t at = begin + (multiline ? 3 : 1);
    if (multiline && at < raw.size() && raw[at] == '\r') ++at;
    if (multiline && at < raw.size() && raw[at] == '\n') ++at;

    Text text{source, std::move(value), {}};
    text.offsets.reserve(text.value.size() + 1);
    while (text.offsets.size() < text.value.size() && at < raw.size()) {
        const bool escaped = quote == '"' && raw[at] == '\\';
        const Escape step = escaped ? escape_at(raw, at) : Escape{1, 1};
        // The parser reads "\r\n" as "\n": of what is not escaped, only what is in the value counts.
        const bool dropped = !escaped && raw[at] != text.value[text.offsets.size()];
        for (std::size_t i = 0; i < step.decoded && !dropped; ++i)
            text.offsets.push_back(static_cast<std::uint32_t>(at));
        at += step.raw;
    }
    text.offsets.resize(text.value.size(), static_cast<std::uint32_t>(at));
    text.offsets.push_back(static_cast<std::uint32_t>(at));
    return text;
}

}  // namespace memtuned::rules
