// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/keyed_file.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

#include "kernel/text.hpp"

namespace memtuned::kernel {

namespace {

/// What follows key and separator up to the end of the line, as a value.
std::optional<std::uint64_t> parse_value(std::string_view rest) {
    text::skip_blanks(rest);
    const std::optional<std::uint64_t> value = text::take_number(rest);
    if (!value || rest.empty() || rest.front() == '\n') return value;
    if (!rest.starts_with(" kB") || (rest.size() > 3 && rest[3] != '\n')) return std::nullopt;
    if (*value > std::numeric_limits<std::uint64_t>::max() / 1024) return std::nullopt;
    return *value * 1024;
}

std::size_t count_lines(std::string_view text) {
    std::size_t lines = 0;
    for (; !text.empty(); ++lines) text::skip_line(text);
    return lines;
}

}  // namespace

KeyedText::KeyedText(std::vector<std::string> keys, char separator) : order_(keys.size()) {
    wanted_.reserve(keys.size());
    for (std::string& key : keys)
        wanted_.push_back({'\n' + std::move(key) + separator, nowhere, false, std::nullopt});
    std::iota(order_.begin(), order_.end(), std::size_t{0});
}

void KeyedText::parse(std::string_view text) {
    if (!follow(text)) learn(text);
    size_ = text.size();
}

void KeyedText::forget() {
    for (Wanted& wanted : wanted_) {
        wanted.present = false;
        wanted.value.reset();
    }
}

std::string_view KeyedText::Wanted::line_start() const {
    return std::string_view(key).substr(1);
}

bool KeyedText::Wanted::stands_at(std::string_view text, std::size_t place) const {
    if (place == 0) return text.starts_with(line_start());
    return place < text.size() && text.substr(place - 1).starts_with(key);
}

void KeyedText::Wanted::read(std::string_view text, std::size_t place) {
    at = place;
    present = true;
    value = parse_value(text.substr(place + key.size() - 1));
}

/// False if a key is not there any more, not in this order, or one that was missing may have come.
bool KeyedText::follow(std::string_view text) {
    if (found_ == 0) return false;
    if (found_ < wanted_.size() && text.size() != size_ && count_lines(text) != lines_) return false;
    std::size_t drift = 0;
    std::size_t behind = 0;
    for (std::size_t i = 0; i < found_; ++i) {
        Wanted& wanted = wanted_[order_[i]];
        std::size_t place = wanted.at + drift;
        if (!wanted.stands_at(text, place)) {
            const std::size_t line_end = text::find(text, wanted.key, behind);
            if (line_end == std::string_view::npos) return false;
            place = line_end + 1;
        }
        drift = place - wanted.at;
        behind = place;
        wanted.read(text, place);
    }
    return true;
}

void KeyedText::learn(std::string_view text) {
    forget();
    for (Wanted& wanted : wanted_) {
        const std::size_t line_end = text::find(text, wanted.key);
        wanted.at = nowhere;
        if (wanted.stands_at(text, 0))
            wanted.read(text, 0);
        else if (line_end != std::string_view::npos)
            wanted.read(text, line_end + 1);
    }
    std::sort(order_.begin(), order_.end(),
              [this](std::size_t a, std::size_t b) { return wanted_[a].at < wanted_[b].at; });
    found_ = static_cast<std::size_t>(
        std::count_if(wanted_.begin(), wanted_.end(), [](const Wanted& wanted) { return wanted.present; }));
    lines_ = count_lines(text);
}

KeyedFile KeyedFile::vmstat(const Root& root, std::vector<std::string> keys) {
    return {KeptFile(root, vmstat_path), KeyedText(std::move(keys), ' ')};
}

KeyedFile KeyedFile::meminfo(const Root& root, std::vector<std::string> keys) {
    return {KeptFile(root, meminfo_path), KeyedText(std::move(keys), ':')};
}

Status KeyedFile::refresh() {
    const Result<std::string_view> text = file_.read();
    if (!text) {
        text_.forget();
        return text.error();
    }
    text_.parse(*text);
    return Done{};
}

}  // namespace memtuned::kernel
