// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/swaps.hpp"

#include <algorithm>

#include "kernel/text.hpp"

namespace memtuned::kernel {

namespace {

bool octal(char c) {
    return c >= '0' && c <= '7';
}

/// The kernel writes blanks, tabs, line ends and backslashes in names as \040 and the like.
void unescape(std::string_view escaped, std::string& into) {
    into.clear();
    while (!escaped.empty()) {
        if (escaped.size() >= 4 && escaped[0] == '\\' && octal(escaped[1]) && octal(escaped[2]) &&
            octal(escaped[3])) {
            into.push_back(static_cast<char>((escaped[1] - '0') * 64 + (escaped[2] - '0') * 8 + (escaped[3] - '0')));
            escaped.remove_prefix(4);
        } else {
            into.push_back(escaped.front());
            escaped.remove_prefix(1);
        }
    }
}

bool parse_swap(std::string_view line, Swap& into) {
    unescape(text::take_word(line), into.name);
    into.type.assign(text::take_word(line));
    const auto size = text::number<std::uint64_t>(text::take_word(line));
    const auto used = text::number<std::uint64_t>(text::take_word(line));
    const auto priority = text::number<int>(text::take_word(line));
    if (!size || !used || !priority) return false;
    into.size_bytes = *size * 1024;
    into.used_bytes = *used * 1024;
    into.priority = *priority;
    return true;
}

}  // namespace

bool Swap::on_zram() const {
    const std::string_view device = std::string_view(name).substr(name.rfind('/') + 1);
    return name.starts_with("/dev/") && device.starts_with("zram") && device.size() > 4 &&
           std::all_of(device.begin() + 4, device.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Status parse_swaps(std::string_view text, std::vector<Swap>& swaps) {
    std::size_t count = 0;
    while (!text.empty()) {
        const std::string_view line = text::take_line(text);
        if (!line.starts_with('/')) continue;
        if (count == swaps.size()) swaps.emplace_back();
        if (!parse_swap(line, swaps[count])) return Error{"not a swap area: " + text::excerpt(line), 0};
        ++count;
    }
    swaps.resize(count);
    return Done{};
}

std::optional<double> share_on_zram(std::span<const Swap> swaps) {
    double all = 0;
    double zram = 0;
    for (const Swap& swap : swaps) {
        all += static_cast<double>(swap.size_bytes);
        if (swap.on_zram()) zram += static_cast<double>(swap.size_bytes);
    }
    return all > 0 ? std::optional(zram / all) : std::nullopt;
}

Status SwapsFile::refresh() {
    const Result<std::string_view> text = file_.read();
    if (!text) return text.error();
    if (Status status = parse_swaps(*text, swaps_); !status)
        return Error{file_.name() + ": " + status.error().message, 0};
    return Done{};
}

}  // namespace memtuned::kernel
