// SPDX-License-Identifier: GPL-2.0-or-later
//
// A zone's part of the file is a heading, on the first populated zone of a node some 50 counters of the node, then
// marks ("        min      38"), counters ("      nr_free_cma  0"), and the page lists of every cpu, with a `high:`
// of their own: with 256 cpus they are nearly all of the file. So lines are told apart by as few characters as will
// do, and a field is looked for first where it stood in the zone before.
#include "memtuned/kernel/zoneinfo.hpp"

#include <algorithm>
#include <array>
#include <bitset>
#include <functional>

#include <fmt/format.h>

#include "kernel/text.hpp"

namespace memtuned::kernel {

namespace {

struct Field {
    std::string_view name;  ///< with the blank behind it
    std::uint64_t Zone::*member;
    bool required;  ///< of a populated zone
};

/// In the order of the file.
constexpr std::array fields = {
    Field{"free ", &Zone::free, true},
    Field{"boost ", &Zone::boost, false},
    Field{"min ", &Zone::min, true},
    Field{"low ", &Zone::low, true},
    Field{"high ", &Zone::high, true},
    Field{"spanned ", &Zone::spanned, false},
    Field{"present ", &Zone::present, false},
    Field{"managed ", &Zone::managed, true},
    Field{"cma ", &Zone::cma, false},
    Field{"nr_zone_inactive_anon ", &Zone::inactive_anon, false},
    Field{"nr_zone_active_anon ", &Zone::active_anon, false},
    Field{"nr_zone_inactive_file ", &Zone::inactive_file, false},
    Field{"nr_zone_active_file ", &Zone::active_file, false},
    Field{"nr_zone_unevictable ", &Zone::unevictable, false},
    Field{"nr_zone_write_pending ", &Zone::write_pending, false},
    Field{"nr_free_cma ", &Zone::free_cma, false},
};
constexpr std::size_t managed = 7;
static_assert(fields[managed].member == &Zone::managed);

/// The fields found in one zone, a bit for each.
using Seen = std::bitset<fields.size()>;

/// "Node 0, zone   Normal".
bool parse_heading(std::string_view line, Zone& zone) {
    if (text::take_word(line) != "Node") return false;
    std::string_view node = text::take_word(line);
    if (!node.ends_with(',') || text::take_word(line) != "zone") return false;
    node.remove_suffix(1);
    const std::optional<int> number = text::number<int>(node);
    const std::string_view name = text::take_word(line);
    if (!number || name.empty()) return false;
    zone.node = *number;
    zone.name.assign(name);
    return true;
}

/// " (0, 3019, 6603)"; stops at what is no number.
void parse_protection(std::string_view list, std::vector<std::uint64_t>& into) {
    text::skip_blanks(list);
    while (!list.empty() && (list.front() == '(' || list.front() == ' ')) {
        list.remove_prefix(1);
        const std::optional<std::uint64_t> pages = text::take_number(list);
        if (!pages || list.empty()) return;
        into.push_back(*pages);
        list.remove_prefix(1);
    }
}

/// Two characters settle nearly every case, and a call of memcmp costs more than they.
bool begins(std::string_view rest, std::string_view name) {
    return rest.size() > 1 && rest[0] == name[0] && rest[1] == name[1] && rest.starts_with(name);
}

/// Takes the line at `rest`, which is behind its blanks, if it is one of `fields`; looks from `next` on.
bool take_field(std::string_view& rest, std::size_t& next, Zone& zone, Seen& seen) {
    for (std::size_t tried = 0; tried < fields.size(); ++tried, next = (next + 1) % fields.size()) {
        if (!begins(rest, fields[next].name)) continue;
        rest.remove_prefix(fields[next].name.size());
        text::skip_blanks(rest);
        const std::optional<std::uint64_t> pages = text::take_number(rest);
        if (pages && (rest.empty() || rest.front() == '\n')) {
            zone.*fields[next].member = *pages;
            seen.set(next);
        }
        next = (next + 1) % fields.size();
        return true;
    }
    return false;
}

/// The lines of a zone are set off by blanks.
bool inside(std::string_view rest) {
    return rest.starts_with(' ');
}

/// The lines from "  pages free" to the page lists, or to the last of `fields`. Leaves `rest` at the start of a line.
void take_figures(std::string_view& rest, Zone& zone, Seen& seen) {
    constexpr std::string_view first = "  pages";
    constexpr std::string_view protection = "protection:";
    while (inside(rest) && !rest.starts_with("  pages free")) text::skip_line(rest);
    if (inside(rest)) rest.remove_prefix(first.size());
    std::size_t next = 0;
    for (; inside(rest) && !seen.all(); text::skip_line(rest)) {
        if (rest.starts_with("  pagesets")) return;
        text::skip_blanks(rest);
        if (rest.starts_with(protection))
            parse_protection(rest.substr(protection.size()), zone.protection);
        else
            take_field(rest, next, zone, seen);
    }
}

/// The page lists, which are not wanted, and what stands behind them.
void take_tail(std::string_view& rest, Zone& zone) {
    constexpr std::string_view name = "  node_unreclaimable:";
    for (; inside(rest); text::skip_line(rest)) {
        if (!rest.starts_with(name)) continue;
        rest.remove_prefix(name.size());
        text::skip_blanks(rest);
        zone.node_unreclaimable = text::take_number(rest).value_or(0) != 0;
    }
}

/// As good as new, but with the memory it holds.
void clear(Zone& zone) {
    Zone blank;
    std::swap(blank.name, zone.name);
    std::swap(blank.protection, zone.protection);
    blank.protection.clear();
    zone = std::move(blank);
}

/// `rest` is at a heading, and then at what follows the zone.
Status take_zone(std::string_view& rest, Zone& zone) {
    clear(zone);
    const std::string_view heading = text::take_line(rest);
    if (!parse_heading(heading, zone)) return Error{"not a zone's heading: " + text::excerpt(heading), 0};
    Seen seen;
    take_figures(rest, zone, seen);
    take_tail(rest, zone);
    for (std::size_t i = 0; i < fields.size(); ++i) {
        if (!fields[i].required || seen[i] || (seen[managed] && !zone.populated())) continue;
        return Error{fmt::format("node {}, zone {}: no {}", zone.node, zone.name,
                                 fields[i].name.substr(0, fields[i].name.size() - 1)),
                     0};
    }
    return Done{};
}

}  // namespace

Status parse_zoneinfo(std::string_view text, std::vector<Zone>& zones) {
    std::size_t count = 0;
    while (!text.empty()) {
        if (!text.starts_with("Node ")) {
            text::skip_line(text);
            continue;
        }
        if (count == zones.size()) zones.emplace_back();
        if (Status status = take_zone(text, zones[count]); !status) return status;
        ++count;
    }
    zones.resize(count);
    if (count == 0) return Error{"no zones", 0};
    return Done{};
}

std::size_t populated_zones(std::span<const Zone> zones) {
    return static_cast<std::size_t>(std::count_if(zones.begin(), zones.end(), std::mem_fn(&Zone::populated)));
}

std::size_t nodes_with_memory(std::span<const Zone> zones) {
    std::size_t count = 0;
    int last = -1;
    for (const Zone& zone : zones) {
        if (!zone.populated() || zone.node == last) continue;
        last = zone.node;
        ++count;
    }
    return count;
}

Status ZoneinfoFile::refresh() {
    valid_ = false;
    const Result<std::string_view> text = file_.read();
    if (!text) return text.error();
    if (Status status = parse_zoneinfo(*text, zones_); !status)
        return Error{file_.name() + ": " + status.error().message, 0};
    valid_ = true;
    return Done{};
}

}  // namespace memtuned::kernel
