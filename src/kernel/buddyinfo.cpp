// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/buddyinfo.hpp"

#include "kernel/text.hpp"

namespace memtuned::kernel {

namespace {

/// "Node 0, zone   Normal    391    168 ".
bool parse_zone(std::string_view line, FreeBlocks& into) {
    text::take_word(line);
    std::string_view node = text::take_word(line);
    if (!node.ends_with(',') || text::take_word(line) != "zone") return false;
    node.remove_suffix(1);
    const std::optional<int> number = text::number<int>(node);
    const std::string_view name = text::take_word(line);
    if (!number || name.empty()) return false;
    into.node = *number;
    into.zone.assign(name);
    into.count.clear();
    for (std::string_view word = text::take_word(line); !word.empty(); word = text::take_word(line)) {
        const auto blocks = text::number<std::uint64_t>(word);
        if (!blocks) return false;
        into.count.push_back(*blocks);
    }
    return !into.count.empty();
}

}  // namespace

Status parse_buddyinfo(std::string_view text, std::vector<FreeBlocks>& zones) {
    std::size_t count = 0;
    while (!text.empty()) {
        const std::string_view line = text::take_line(text);
        if (!line.starts_with("Node ")) continue;
        if (count == zones.size()) zones.emplace_back();
        if (!parse_zone(line, zones[count]))
            return Error{"not a zone and its free blocks: " + text::excerpt(line), 0};
        ++count;
    }
    zones.resize(count);
    if (count == 0) return Error{"no zones", 0};
    return Done{};
}

Status BuddyinfoFile::refresh() {
    const Result<std::string_view> text = file_.read();
    if (!text) return text.error();
    if (Status status = parse_buddyinfo(*text, zones_); !status)
        return Error{file_.name() + ": " + status.error().message, 0};
    return Done{};
}

}  // namespace memtuned::kernel
