// SPDX-License-Identifier: GPL-2.0-or-later
//
// The file, one line for each tunable and for each process:
//
//     memtuned-undo 1 BOOT-ID
//     vm.swappiness 60 0 10 10
//     process 4711 1234567 0 800 800 batch-nightly.service
//     end
//
// It is written whole each time: 20 us on the tmpfs it lives on, and under a millisecond with 2,000 processes, which
// go in together. "end" tells a whole file from one cut at a line's end. A unit's name ends its line, as it may hold
// blanks; no cgroup's name holds a newline.
#include "memtuned/tunables/journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>
#include <optional>
#include <utility>

#include "memtuned/tunables/state_file.hpp"

namespace memtuned::tunables {
namespace {

constexpr std::string_view magic = "memtuned-undo";
constexpr std::string_view version = "1";
constexpr std::string_view process_word = "process";
constexpr std::string_view advice =
    "what memtuned changed before cannot be put back from it: check the tunables by hand (or reboot), then remove "
    "the file";

std::string_view cut(std::string_view& text, char at) {
    const std::size_t end = text.find(at);
    const std::string_view piece = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
    return piece;
}

template <class Number>
bool parse_number(std::string_view text, Number& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size();
}

std::optional<Journal::Entry> parse_entry(std::string_view line) {
    Journal::Entry entry{std::string(cut(line, ' ')), 0, 0, 0, 0};
    if (entry.tunable.empty()) return std::nullopt;
    for (std::int64_t* number : {&entry.boot, &entry.twin_boot, &entry.ours, &entry.next})
        if (!parse_number(cut(line, ' '), *number)) return std::nullopt;
    if (!line.empty()) return std::nullopt;
    return entry;
}

std::optional<Journal::Score> parse_score(std::string_view line) {
    Journal::Score score{};
    if (!parse_number(cut(line, ' '), score.process.pid) || !parse_number(cut(line, ' '), score.process.start))
        return std::nullopt;
    for (int* number : {&score.former, &score.ours, &score.next})
        if (!parse_number(cut(line, ' '), *number)) return std::nullopt;
    if (line.empty()) return std::nullopt;
    score.unit = line;
    return score;
}

/// A line of a file that may hold anything, fit for a log.
std::string quote(std::string_view line) {
    std::string text = "\"";
    for (const char c : line.substr(0, 60)) text += c >= ' ' && c <= '~' ? c : '?';
    return text + (line.size() > 60 ? "...\"" : "\"");
}

bool is_word(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Journal::Journal(std::filesystem::path file, std::string boot_id)
    : file_(std::move(file)), boot_id_(std::move(boot_id)) {}

const Journal::Entry* Journal::find(std::string_view tunable) const {
    const auto at = std::ranges::find(entries_, tunable, &Entry::tunable);
    return at == entries_.end() ? nullptr : &*at;
}

Status Journal::load() {
    entries_.clear();
    scores_.clear();
    damage_.clear();
    auto text = read_file(file_);
    if (!text && text.error().code == ENOENT) return Done{};
    auto content = text ? parse(*text) : Result<Content>(text.error());
    if (!content) {
        damage_ = content.error().message;
        return content.error();
    }
    entries_ = std::move(content->entries);
    scores_ = std::move(content->scores);
    return Done{};
}

Result<Journal::Content> Journal::parse(std::string_view text) const {
    Content content;
    int number = 1;
    const auto damaged = [&](std::string_view what) {
        return Error{fmt::format("{}:{}: {}; {}", file_.string(), number, what, advice), EBADMSG};
    };

    const std::string_view whole = text;
    std::string_view header = cut(text, '\n');
    const std::string shown = quote(header);
    if (cut(header, ' ') != magic) return damaged(fmt::format("not an undo journal: it begins with {}", shown));
    if (const std::string_view found = cut(header, ' '); found != version)
        return damaged(fmt::format("an undo journal of format {}, this memtuned reads {}", quote(found), version));
    if (!is_word(header) || whole.find('\n') == whole.npos) return damaged("the boot id is missing or cut off");
    if (header != boot_id_) return content;

    for (++number; !text.empty(); ++number) {
        const bool complete = text.find('\n') != text.npos;
        const std::string_view line = cut(text, '\n');
        if (complete && line == "end") {
            ++number;
            if (!text.empty()) return damaged("there is more after the end");
            return content;
        }
        std::string_view rest = line;
        if (complete && cut(rest, ' ') == process_word) {
            auto score = parse_score(rest);
            if (!score)
                return damaged(fmt::format("not \"process PID START FORMER OURS NEXT UNIT\": {}", quote(line)));
            content.scores.push_back(std::move(*score));
            continue;
        }
        auto entry = complete ? parse_entry(line) : std::nullopt;
        if (!entry) return damaged(fmt::format("not \"TUNABLE BOOT TWIN OURS NEXT\": {}", quote(line)));
        if (std::ranges::find(content.entries, entry->tunable, &Entry::tunable) != content.entries.end())
            return damaged(fmt::format("{} is there twice", entry->tunable));
        content.entries.push_back(std::move(*entry));
    }
    return damaged("cut off: the line \"end\" is missing");
}

Status Journal::put(const Entry& entry) {
    if (!is_word(entry.tunable))
        return Error{fmt::format("{}: not a name a journal can hold: {}", file_.string(), quote(entry.tunable)),
                     EINVAL};
    auto entries = entries_;
    const auto at = std::ranges::find(entries, entry.tunable, &Entry::tunable);
    if (at == entries.end())
        entries.push_back(entry);
    else
        *at = entry;
    return replace(std::move(entries));
}

Status Journal::erase(std::string_view tunable) {
    if (find(tunable) == nullptr) return Done{};
    auto entries = entries_;
    std::erase_if(entries, [&](const Entry& entry) { return entry.tunable == tunable; });
    return replace(std::move(entries));
}

Status Journal::replace(std::vector<Entry> entries) {
    if (!damage_.empty()) return Error{damage_, EBADMSG};
    if (auto stored = store(entries, scores_); !stored) return stored;
    entries_ = std::move(entries);
    return Done{};
}

Status Journal::put_scores(std::vector<Score> scores) {
    if (!damage_.empty()) return Error{damage_, EBADMSG};
    if (auto stored = store(entries_, scores); !stored) return stored;
    scores_ = std::move(scores);
    return Done{};
}

Status Journal::store(const std::vector<Entry>& entries, const std::vector<Score>& scores) const {
    std::string text = fmt::format("{} {} {}\n", magic, version, boot_id_);
    for (const Entry& e : entries)
        text += fmt::format("{} {} {} {} {}\n", e.tunable, e.boot, e.twin_boot, e.ours, e.next);
    for (const Score& s : scores)
        fmt::format_to(std::back_inserter(text), "{} {} {} {} {} {} {}\n", process_word, s.process.pid,
                       s.process.start, s.former, s.ours, s.next, s.unit);
    text += "end\n";

    return replace_file(file_, text);
}

}  // namespace memtuned::tunables
