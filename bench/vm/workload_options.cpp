// SPDX-License-Identifier: GPL-2.0-or-later
#include "workload_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <set>
#include <utility>

namespace workload {
namespace {

constexpr std::int64_t page = 4096;
constexpr std::int64_t milliseconds = 1'000'000;
constexpr std::int64_t seconds = 1'000'000'000;
constexpr std::string_view must_be_given;

constexpr Key file_key{"file", Unit::text, &Load::file, must_be_given, 0, "made if missing, left there afterwards"};
constexpr Key warm_key{"warm", Unit::flag, &Load::warm,
                       "0",    0,          "1: read it in before, 0: start with none of it cached"};
constexpr Key fill_key{"fill",
                       Unit::percent,
                       &Load::fill_percent,
                       "50%",
                       0,
                       "share of a page that does not compress; the rest is zeros"};
constexpr Key huge_key{
    "thp", Unit::flag, &Load::huge_pages,
    "0",   0,          "1: huge pages as the kernel is set up, 0: never, so that each page is a fault"};
constexpr Key batch_key{"batch", Unit::count, &Load::batch, "256", 1, "with rate=0, operations in a row"};
constexpr Key think_key{"think", Unit::time, &Load::think, "1ms", 0, "with rate=0, the pause after a batch"};

constexpr Key burst_keys[] = {
    {"size", Unit::bytes, &Load::size, "64M", page, "memory of a burst"},
    {"every", Unit::time, &Load::every, "2s", milliseconds, "from the beginning of a burst to that of the next"},
    {"hold", Unit::time, &Load::hold, "500ms", 0, "how long it is kept once it is touched"},
    {"after", Unit::time, &Load::after, "0s", 0, "when the first one begins, counted from from="},
    {"fill", Unit::percent, &Load::fill_percent, "0%", 0, fill_key.help},
    huge_key,
};
constexpr Key hot_keys[] = {
    {"size", Unit::bytes, &Load::size, "300M", 2 * page, "the whole set, populated before anything is measured"},
    {"hot", Unit::percent, &Load::hot_percent, "50%", 1, "share of its pages that all touches go to, each alike"},
    {"rate", Unit::per_second, &Load::rate, "0", 0, "touches a second; 0: batch= touches, then a pause of think="},
    batch_key,
    think_key,
    {"cold-every", Unit::time, &Load::cold_every, "0s", 0, "every other page is touched once in this time; 0: never"},
    fill_key,
    huge_key,
};
constexpr Key heap_keys[] = {
    {"size", Unit::bytes, &Load::size, "100M", page, "populated before anything is measured"},
    {"every", Unit::time, &Load::every, "0s", 0, "all of it is touched in a row each time; 0: never"},
    fill_key,
    huge_key,
};
constexpr Key stream_keys[] = {
    file_key,
    {"size", Unit::bytes, &Load::size, "800M", 512, "how much of the file is read, before it starts over"},
    {"rate", Unit::bytes_per_second, &Load::rate, "50M", 0, "bytes a second; 0: as fast as it goes"},
    {"block", Unit::bytes, &Load::block, "128K", 512, "bytes of one read"},
    warm_key,
};
constexpr Key hotfile_keys[] = {
    file_key,
    {"size", Unit::bytes, &Load::size, "200M", 512, "the part of the file that is read"},
    {"block", Unit::bytes, &Load::block, "16K", 512, "bytes of one read, at a multiple of it"},
    {"rate", Unit::per_second, &Load::rate, "1000", 0, "reads a second; 0: batch= reads, then a pause of think="},
    batch_key,
    think_key,
    warm_key,
};
constexpr Key write_keys[] = {
    {"file", Unit::text, &Load::file, must_be_given, 0, "made if missing, overwritten if not, left there afterwards"},
    {"size", Unit::bytes, &Load::size, "300M", 512, "how much is written, before it starts over"},
    {"rate", Unit::bytes_per_second, &Load::rate, "0", 0, "bytes a second; 0: as fast as it goes"},
    {"block", Unit::bytes, &Load::block, "1M", 512, "bytes of one write"},
};
constexpr Key fsync_keys[] = {
    {"file", Unit::text, &Load::file, must_be_given, 0, "made empty, and again whenever it has grown to 64 MiB"},
    {"size", Unit::bytes, &Load::size, "4K", 1, "bytes appended each time"},
    {"every", Unit::time, &Load::every, "250ms", milliseconds, "from one append to the next"},
};
constexpr Key randread_keys[] = {
    file_key,
    {"size", Unit::bytes, &Load::size, "800M", 512, "the part of the file that is read"},
    {"block", Unit::bytes, &Load::block, "4K", 512, "bytes of one read, at a multiple of it"},
    {"rate", Unit::per_second, &Load::rate, "0", 0, "reads a second; 0: as fast as it goes"},
    {"direct", Unit::flag, &Load::direct, "0", 0, "1: past the page cache"},
    warm_key,
};
constexpr Key grow_keys[] = {
    {"rate", Unit::bytes_per_second, &Load::rate, "10M", 0, "bytes a second; 0: as fast as it goes"},
    {"to", Unit::bytes, &Load::to, "none", page, "where it stops and keeps what it has; none: never"},
    fill_key,
    huge_key,
};

constexpr std::string_view burst_series[] = {"fault", "burst"};
constexpr std::string_view hot_series[] = {"touch", "cold_touch"};
constexpr std::string_view heap_series[] = {"touch", "pass"};
constexpr std::string_view read_series[] = {"read"};
constexpr std::string_view write_series[] = {"write"};
constexpr std::string_view fsync_series[] = {"fsync", "append", "wait"};
constexpr std::string_view grow_series[] = {"fault"};

constexpr Kind all_kinds[] = {
    {"burst", "memory is allocated, every page touched, held and freed, again and again", burst_series, burst_keys},
    {"hot", "a set of memory of which a share is touched at random", hot_series, hot_keys},
    {"heap", "memory that is populated once and then left alone, or touched now and then", heap_series, heap_keys},
    {"stream", "a file is read from end to end, again and again", read_series, stream_keys},
    {"hotfile", "random reads within a file that should stay in the cache", read_series, hotfile_keys},
    {"write", "a file is written from end to end, again and again, and never synced", write_series, write_keys},
    {"fsync", "a little is appended to a file and synced", fsync_series, fsync_keys},
    {"randread", "random reads of a file that does not fit into the cache", read_series, randread_keys},
    {"grow", "memory that grows steadily, until it is killed", grow_series, grow_keys},
    {"idle", "nothing, for the kernel's figures alone", {}, {}},
};

constexpr Key all_common_keys[] = {
    {"name", Unit::text, &Load::name, "none", 0, "what it is called in the report; none: as the load, numbered"},
    {"from", Unit::time, &Load::from, "0s", 0, "when it begins, counted from the start of the run"},
    {"until", Unit::time, &Load::until, "none", 1, "when it ends; none: with the run"},
    {"node", Unit::count, &Load::node, "none", 0, "NUMA node whose processors and memory it uses"},
    {"numa", Unit::placement, &Load::placement, "bind", 0,
     "with node=, its memory: bind, prefer or local (to the processor)"},
    {"may-die", Unit::flag, &Load::may_die, "0", 0,
     "1: it is no failure if it gets killed (SIGKILL), as for want of memory"},
};

template <class... Parts>
[[noreturn]] void usage_error(fmt::format_string<Parts...> text, Parts&&... parts) {
    throw UsageError(fmt::format(text, std::forward<Parts>(parts)...));
}

// --- what was meant ---

std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i - 1] != b[j - 1] ? 1 : 0);
            diagonal = row[j];
            row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

/// " (did you mean "size"?)", or nothing if no name is near.
std::string guess(std::string_view given, std::span<const std::string_view> names) {
    const auto nearest = std::ranges::min_element(names, {}, [&](auto name) { return distance(given, name); });
    if (nearest == names.end() || distance(given, *nearest) > std::max<std::size_t>(1, nearest->size() / 3))
        return {};
    return fmt::format(" (did you mean \"{}\"?)", *nearest);
}

template <class Range>
std::vector<std::string_view> names_of(const Range& range) {
    std::vector<std::string_view> names;
    for (const auto& each : range) names.push_back(each.name);
    return names;
}

// --- values ---

struct Suffix {
    std::string_view text;
    double factor;
};

constexpr Suffix size_suffixes[] = {{"", 1}, {"K", 1024}, {"M", 1024 * 1024}, {"G", 1024 * 1024 * 1024}};
constexpr Suffix time_suffixes[] = {{"", 1e9}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}};
constexpr Suffix percent_suffixes[] = {{"%", 1}};

std::optional<std::int64_t> number(std::string_view text, std::span<const Suffix> suffixes) {
    constexpr double too_much = 1e18;
    double value = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
    if (error != std::errc{} || !(value >= 0)) return std::nullopt;
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto suffix = std::ranges::find(suffixes, rest, &Suffix::text);
    if (suffix == suffixes.end() || value * suffix->factor >= too_much) return std::nullopt;
    return static_cast<std::int64_t>(std::llround(value * suffix->factor));
}

std::optional<std::int64_t> whole_number(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
    return value;
}

std::optional<std::int64_t> parse(Unit unit, std::string_view text) {
    switch (unit) {
        case Unit::bytes:
        case Unit::bytes_per_second: return number(text, size_suffixes);
        case Unit::time: return number(text, time_suffixes);
        case Unit::percent: {
            const auto value = number(text, percent_suffixes);
            return value && *value <= 100 ? value : std::nullopt;
        }
        case Unit::per_second:
        case Unit::count: return whole_number(text);
        case Unit::flag: return text == "0" || text == "1" ? std::optional(text == "1" ? 1 : 0) : std::nullopt;
        case Unit::placement: {
            const auto* const found = std::ranges::find(placement_names, text);
            return found != std::end(placement_names) ? std::optional(found - placement_names) : std::nullopt;
        }
        case Unit::text: break;
    }
    return std::nullopt;
}

std::string_view wanted(Unit unit) {
    switch (unit) {
        case Unit::bytes: return "a size: bytes, or a number with K, M or G";
        case Unit::bytes_per_second: return "bytes a second: a number, also with K, M or G";
        case Unit::per_second: return "a whole number a second";
        case Unit::time: return "a time: seconds, or a number with us, ms, s or m";
        case Unit::percent: return "a share: from 0% to 100%";
        case Unit::count: return "a whole number";
        case Unit::flag: return "0 or 1";
        case Unit::placement: return "one of bind, prefer, local";
        case Unit::text: break;
    }
    return "a text";
}

std::string in_its_unit(Unit unit, std::int64_t value) {
    if (unit == Unit::time) return fmt::format("{:g} s", static_cast<double>(value) / 1e9);
    if (unit == Unit::percent) return fmt::format("{}%", value);
    if (unit == Unit::bytes) return fmt::format("{} bytes", value);
    return fmt::format("{}", value);
}

void set(Load& load, const Key& key, std::string_view value) {
    if (const auto* text = std::get_if<std::string Load::*>(&key.member)) {
        load.*(*text) = value == "none" && key.standard == "none" ? std::string_view{} : value;
        return;
    }
    std::int64_t& member = load.*std::get<std::int64_t Load::*>(key.member);
    if (value == "none" && key.standard == "none") {
        member = none;
        return;
    }
    const auto parsed = parse(key.unit, value);
    if (!parsed) usage_error("{}: {}={} is not {}", load.kind->name, key.name, value, wanted(key.unit));
    if (*parsed < key.least)
        usage_error("{}: {}={} is too little: at least {}", load.kind->name, key.name, value,
                    in_its_unit(key.unit, key.least));
    member = *parsed;
}

// --- a load ---

std::vector<Key> keys_of(const Kind& kind) {
    std::vector<Key> keys(kind.keys.begin(), kind.keys.end());
    keys.insert(keys.end(), std::begin(all_common_keys), std::end(all_common_keys));
    return keys;
}

const Kind& find_kind(std::string_view name) {
    const auto* const found = std::ranges::find(all_kinds, name, &Kind::name);
    if (found != std::end(all_kinds)) return *found;
    const auto names = names_of(all_kinds);
    usage_error("there is no load \"{}\"{}; there are {}", name, guess(name, names), fmt::join(names, ", "));
}

void set_pair(Load& load, std::string_view pair, std::span<const Key> keys, std::set<std::string_view>& given) {
    const std::size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const auto key = std::ranges::find(keys, name, &Key::name);
    if (key == keys.end()) {
        const auto names = names_of(keys);
        usage_error("{}: there is no key \"{}\"{}; there are {}", load.kind->name, name, guess(name, names),
                    fmt::join(names, ", "));
    }
    if (equals == std::string_view::npos || equals + 1 == pair.size())
        usage_error("{}: {} has no value: {}={}", load.kind->name, name, name,
                    key->standard.empty() ? "PATH" : key->standard);
    if (!given.insert(name).second) usage_error("{}: {}= is there twice", load.kind->name, name);
    set(load, *key, pair.substr(equals + 1));
}

void check(const Load& load) {
    const std::string_view kind = load.kind->name;
    if (load.block > load.size) usage_error("{}: block= is larger than size=", kind);
    constexpr std::int64_t largest_block = 64 << 20;
    if (load.block > largest_block) usage_error("{}: block= is larger than 64M", kind);
    if (load.direct != 0 && load.block % 512 != 0)
        usage_error("{}: with direct=1, block= has to be a multiple of 512", kind);
    if (load.direct != 0 && load.warm != 0)
        usage_error("{}: warm=1 is for the page cache, which direct=1 goes past", kind);
    if (kind == "fsync" && load.size > largest_block) usage_error("{}: size= is larger than 64M", kind);
}

Load parse_load(std::string_view text) {
    const std::size_t colon = text.find(':');
    Load load;
    load.kind = &find_kind(text.substr(0, colon));
    const std::vector<Key> keys = keys_of(*load.kind);
    for (const Key& key : keys)
        if (!key.standard.empty()) set(load, key, key.standard);

    std::set<std::string_view> given;
    for (bool more = colon != std::string_view::npos; more;) {
        text.remove_prefix(given.empty() ? colon + 1 : 0);
        const std::size_t comma = text.find(',');
        set_pair(load, text.substr(0, comma), keys, given);
        more = comma != std::string_view::npos;
        if (more) text.remove_prefix(comma + 1);
    }
    for (const Key& key : keys)
        if (key.standard.empty() && !given.contains(key.name))
            usage_error("{}: {}= is missing", load.kind->name, key.name);
    check(load);
    return load;
}

// --- the whole ---

void settle_names(std::vector<Load>& loads) {
    std::set<std::string> taken;
    for (const Load& load : loads)
        if (!load.name.empty() && !taken.insert(load.name).second)
            usage_error("{}: name={} is there twice", load.kind->name, load.name);
    for (Load& load : loads) {
        if (!load.name.empty()) continue;
        load.name = load.kind->name;
        for (int n = 2; !taken.insert(load.name).second; ++n) load.name = fmt::format("{}-{}", load.kind->name, n);
    }
}

double in_seconds(std::int64_t ns) {
    return static_cast<double>(ns) / static_cast<double>(seconds);
}

/// What one load empties, another one can't read.
void check_files(const std::vector<Load>& loads) {
    for (const Load& load : loads) {
        const auto shares = [&](const Load& other) { return &other != &load && other.file == load.file; };
        if (load.kind->name == "fsync" && std::ranges::any_of(loads, shares))
            usage_error("{}: file={} is another load's, too", load.name, load.file);
    }
}

void settle_times(Options& options) {
    if (options.length == 0) usage_error("--seconds 0 is no run");
    if (options.warm >= options.length)
        usage_error("--warm {:g} leaves nothing of a run of {:g} s", in_seconds(options.warm),
                    in_seconds(options.length));
    for (Load& load : options.loads) {
        if (load.until == none) load.until = options.length;
        const double from = in_seconds(load.from), until = in_seconds(load.until);
        if (load.until > options.length)
            usage_error("{}: until={:g} lies after the end of the run, at {:g} s", load.name, until,
                        in_seconds(options.length));
        if (load.from >= load.until)
            usage_error("{}: from={:g} is not before its end, at {:g} s", load.name, from, until);
    }
}

/// Cut wherever a load begins or ends, after the time that is left out.
std::vector<Window> cut(const Options& options) {
    std::set<std::int64_t> edges{options.warm, options.length};
    for (const Load& load : options.loads) edges.insert({load.from, load.until});
    edges.erase(edges.begin(), edges.lower_bound(options.warm));
    std::vector<Window> windows;
    for (auto from = edges.begin(), until = std::next(from); until != edges.end(); ++from, ++until) {
        if (*from + options.settle >= *until)
            usage_error("--settle {:g} leaves nothing of the time from {:g} s to {:g} s", in_seconds(options.settle),
                        in_seconds(*from), in_seconds(*until));
        windows.push_back({*from, *until, *from + options.settle});
    }
    return windows;
}

/// Takes an option's value off the front of what is left.
std::string_view value_of(std::string_view option, std::span<char* const>& rest) {
    if (rest.empty()) usage_error("{} wants a value", option);
    const std::string_view value = rest.front();
    rest = rest.subspan(1);
    return value;
}

std::int64_t time_of(std::string_view option, std::span<char* const>& rest) {
    const std::string_view value = value_of(option, rest);
    const auto parsed = parse(Unit::time, value);
    if (!parsed) usage_error("{} {} is not {}", option, value, wanted(Unit::time));
    return *parsed;
}

void parse_option(Options& options, std::string_view option, std::span<char* const>& rest) {
    constexpr std::string_view names[] = {"--seconds", "--warm", "--settle", "--json", "--help"};
    if (option == "--help" || option == "-h")
        options.help = true;
    else if (option == "--seconds")
        options.length = time_of(option, rest);
    else if (option == "--warm")
        options.warm = time_of(option, rest);
    else if (option == "--settle")
        options.settle = time_of(option, rest);
    else if (option == "--json")
        options.json = value_of(option, rest);
    else
        usage_error("there is no option \"{}\"{}; there are {}", option, guess(option, names),
                    fmt::join(names, ", "));
}

void describe(fmt::memory_buffer& out, std::span<const Key> keys) {
    for (const Key& key : keys) {
        const std::string_view standard = key.standard.empty() ? "PATH" : key.standard;
        fmt::format_to(fmt::appender(out), "    {:<18} {}\n", fmt::format("{}={}", key.name, standard), key.help);
    }
}

}  // namespace

std::span<const Kind> kinds() {
    return all_kinds;
}
std::span<const Key> common_keys() {
    return all_common_keys;
}

Options parse_options(std::span<char* const> arguments) {
    Options options;
    options.length = 30 * seconds;
    while (!arguments.empty() && !options.help) {
        const std::string_view argument = arguments.front();
        arguments = arguments.subspan(1);
        if (argument.starts_with('-'))
            parse_option(options, argument, arguments);
        else
            options.loads.push_back(parse_load(argument));
    }
    if (options.help) return options;
    if (options.loads.empty()) usage_error("no load is given; there are {}", fmt::join(names_of(all_kinds), ", "));
    settle_names(options.loads);
    check_files(options.loads);
    settle_times(options);
    options.windows = cut(options);
    return options;
}

std::string help_text() {
    fmt::memory_buffer out;
    out.append(std::string_view(R"(usage: workload [OPTION...] LOAD[:KEY=VALUE,...]...

Presses on memory as real work does and measures what that work sees of it. Every load is a process of its own.

    --seconds N        length of the run (30)
    --warm N           so much at its start is left out of the report
    --settle N         so much at the start of each window is left out, too; a window is the time between two instants
                       at which any load begins or ends
    --json FILE        the report as JSON into FILE; "-": to standard output, and the table to standard error
    --help             this

Times are seconds, or have us, ms, s or m behind them; sizes are bytes, or have K, M or G (of 1024) behind them.

Loads, and their keys with what they are if not given:
)"));
    for (const Kind& kind : all_kinds) {
        fmt::format_to(fmt::appender(out), "\n  {}: {}\n", kind.name, kind.help);
        describe(out, kind.keys);
    }
    out.append(std::string_view("\n  every load:\n"));
    describe(out, all_common_keys);
    out.append(std::string_view(R"(
What is measured: the time of each touch, fault, read, write and fsync from its beginning to its end, in the window in
which it began; work begun is brought to its end. With every=, a beat that finds the one before still at work is left
out and counted as missed; fsync's wait has it, too, with what it would have waited. With rate=, a load that was held up
makes good at most 100 ms of it; the rest counts as missed. Files are written in full when they are made, and a file that
is there already is read as it is, if it is large enough. Random numbers are the same in each run.

Exit status: 0 if all loads came to their end, or were killed and may be (may-die=1); 1 if one failed or the run was
broken off; 2 if the command line is wrong.
)"));
    return fmt::to_string(out);
}

}  // namespace workload
