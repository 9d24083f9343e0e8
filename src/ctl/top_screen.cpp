// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/top_screen.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <optional>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "ctl/text.hpp"
#include "ctl/value.hpp"
#include "memtuned/base/dimension.hpp"
#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::ctl {
namespace {

using std::chrono::seconds;

/// How far back a sparkline goes where its columns are not finer than the interval.
constexpr seconds shown_past = std::chrono::minutes(2);

/// For less there is no layout.
constexpr int least_width = 10;

constexpr std::string_view between = "  ";

// --- Text ---

int width_of(std::string_view text) {
    return static_cast<int>(displayed_width(text));
}

std::string in_short(seconds time) {
    const auto past = std::max<std::int64_t>(0, time.count());
    if (past < 100) return fmt::format("{}s", past);
    if (past < 100 * 60) return fmt::format("{}min", past / 60);
    if (past < 48 * 3600) return fmt::format("{}h", past / 3600);
    return fmt::format("{}d", past / 86400);
}

std::string age(Realtime then, Realtime now) {
    return in_short(std::chrono::floor<seconds>(now - then));
}

std::string age(std::optional<Realtime> then, Realtime now, std::string_view never) {
    return then ? age(*then, now) : std::string(never);
}

using Tenths = std::chrono::duration<std::int64_t, std::deci>;

std::string short_time(std::chrono::microseconds time) {
    return format_quantity(std::chrono::duration<double>(time).count(), dimension::seconds);
}

// --- Tables ---

enum class Kind { text, number, figures };

struct FittedColumn {
    std::string_view title;
    Kind kind;
    int least;
    int most;
    int rank;  ///< where there is no room for all, those of the highest rank go first; 0 stays
};

/// A table that leaves out columns rather than go beyond the width; its cells are fitted when it is laid out.
struct FittedTable {
    std::vector<FittedColumn> columns;
    std::vector<Line> rows;
};

/// One part of the screen: its heading is the title, or what is said of the lines in its place, and `columns`.
struct Section {
    std::string title;
    int title_width = 0;
    Line columns = {};
    std::vector<Line> rows = {};
    std::size_t first_page = 0;  ///< how many rows stand on the first page
    bool modest = false;         ///< has of it what the others leave
};

int widest(const FittedTable& table, std::size_t column) {
    int width = 0;
    for (const Line& row : table.rows) width = std::max(width, width_of(row[column].text));
    return width;
}

int sum(const std::vector<int>& widths) {
    int total = -static_cast<int>(between.size());
    for (const int width : widths)
        if (width > 0) total += width + static_cast<int>(between.size());
    return total;
}

/// The place of the column to go first, 0 if none can go.
std::size_t least_needed(const FittedTable& table, const std::vector<int>& widths) {
    std::size_t place = 0;
    for (std::size_t i = 0; i < widths.size(); ++i)
        if (widths[i] > 0 && table.columns[i].rank > table.columns[place].rank) place = i;
    return place;
}

/// The width of each column, 0 for those left out: because nothing stands in them, or because there is no room. What
/// room is left goes to those that want it, from left to right.
std::vector<int> layout(const FittedTable& table, int width) {
    std::vector<int> widths;
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        widths.push_back(i > 0 && widest(table, i) == 0 ? 0 : table.columns[i].least);
    while (sum(widths) > width) {
        const std::size_t place = least_needed(table, widths);
        if (place == 0) break;
        widths[place] = 0;
    }
    int left = width - sum(widths);
    for (std::size_t i = 0; i < widths.size(); ++i) {
        if (widths[i] == 0) continue;
        const int more =
            std::clamp(std::min(widest(table, i), table.columns[i].most) - widths[i], 0, std::max(left, 0));
        widths[i] += more;
        left -= more;
    }
    widths.front() = std::min(widths.front(), width);
    return widths;
}

/// Where the figures that fit into `width` end, 0 if not even the first does. A comma in parentheses ends none.
std::size_t end_of_fitting(std::string_view figures, int width) {
    std::size_t end = 0;
    int depth = 0;
    for (std::size_t i = 0; i < figures.size(); ++i) {
        if (figures[i] == '(') ++depth;
        if (figures[i] == ')') --depth;
        if (depth == 0 && figures[i] == ',' && width_of(figures.substr(0, i)) <= width) end = i;
    }
    return end;
}

/// As many of "name = value, name = value" as fit, and where the first is too long its name cut rather than its
/// value.
std::string short_figures(const std::string& figures, int width, bool utf8) {
    const std::size_t equals = figures.find(" = ");
    if (width_of(figures) <= width || equals == figures.npos) return figures;
    const std::string_view more = utf8 ? ", …" : ", ~";
    if (const std::size_t end = end_of_fitting(figures, width - 3); end > 0)
        return fmt::format("{}{}", std::string_view(figures).substr(0, end), more);
    const std::string value = figures.substr(equals, figures.find(", ", equals) - equals);
    const std::string_view name = std::string_view(figures).substr(0, equals);
    const int room = width - width_of(value);
    return room < 4 ? figures : fit(name, std::min(room, width_of(name)), utf8) + value;
}

Line line_of(const FittedTable& table, const Line& row, const std::vector<int>& widths, bool utf8) {
    Line line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        if (widths[i] == 0) continue;
        if (!line.empty()) line.push_back({std::string(between)});
        const Kind kind = table.columns[i].kind;
        const std::string text = kind == Kind::figures ? short_figures(row[i].text, widths[i], utf8) : row[i].text;
        line.push_back({fit(text, widths[i], utf8, kind == Kind::number), row[i].tone});
    }
    return line;
}

Section section_of(const FittedTable& table, const TopView& view) {
    const std::vector<int> widths = layout(table, view.width);
    Line titles;
    for (const FittedColumn& column : table.columns) titles.push_back({std::string(column.title), Tone::strong});
    Section section{std::string(table.columns.front().title), widths.front(),
                    line_of(table, titles, widths, view.utf8)};
    section.columns.erase(section.columns.begin());
    for (const Line& row : table.rows) section.rows.push_back(line_of(table, row, widths, view.utf8));
    return section;
}

// --- Indicators ---

Dimension dimension_of(std::string_view indicator) {
    const auto found = indicators::find(indicator.substr(0, indicator.find('(')));
    return found ? indicators::catalogue()[*found].dimension : dimension::plain;
}

bool is_of_name(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.';
}

/// The indicators that occur in what a rule's condition looks at, `zone.free("0/Normal")` and those inside of
/// `predict_linear(zones.free, 4s, 1s)` as well.
std::vector<std::string> indicators_in(std::string_view figures, const std::map<std::string, double>& known) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < figures.size();) {
        std::size_t end = at;
        while (end < figures.size() && is_of_name(figures[end])) ++end;
        if (end > at) {
            const std::string name(figures.substr(at, end - at));
            const std::size_t closing = figures.find(')', end);
            const bool has_argument = end < figures.size() && figures[end] == '(' && closing != figures.npos;
            const std::string whole = has_argument ? std::string(figures.substr(at, closing + 1 - at)) : name;
            if (known.contains(whole)) names.push_back(whole);
        }
        at = end + 1;
    }
    return names;
}

constexpr std::string_view of_interest[] = {
    "psi.memory.some.avg10",
    "psi.memory.full.avg10",
    "psi.io.some.avg10",
    "psi.io.full.avg10",
    "psi.cpu.some.avg10",
    "zones.headroom",
    "swap.used",
    "swap.in",
    "swap.out",
    "reclaim.kswapd_scan",
    "reclaim.direct_stalls",
    "reclaim.efficiency",
    "refault.file",
    "refault.anon",
    "mem.available",
    "mem.free",
    "mem.anon",
    "mem.buff_cache",
    "mem.slab_reclaimable",
    "mem.dirty",
    "fault.major",
    "io.in",
    "io.out",
    "oom.kills",
};

/// What rules look at first, and what tells most about a machine; the rest as in the catalogue.
struct Order {
    std::vector<std::string> names;
    std::size_t interesting = 0;
};

void append_new(std::vector<std::string>& names, const std::vector<std::string>& more) {
    for (const std::string& name : more)
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

std::vector<std::string> by_catalogue(const std::map<std::string, double>& known) {
    std::vector<std::tuple<std::size_t, std::string>> places;
    for (const auto& [name, value] : known)
        places.emplace_back(indicators::find(name.substr(0, name.find('('))).value_or(SIZE_MAX), name);
    std::ranges::sort(places);
    std::vector<std::string> names;
    for (const auto& [place, name] : places) names.push_back(name);
    return names;
}

Order order_of(const Snapshot& snapshot) {
    Order order;
    for (const RuleState& rule : snapshot.objects.rules)
        append_new(order.names, indicators_in(rule.figures, snapshot.indicators));
    for (const std::string_view name : of_interest)
        if (snapshot.indicators.contains(std::string(name))) append_new(order.names, {std::string(name)});
    order.interesting = order.names.size();
    append_new(order.names, by_catalogue(snapshot.indicators));
    return order;
}

struct Grid {
    int columns;
    int name;
    int value;
    int past;  ///< of the sparkline
};

Grid grid_of(const Order& order, const TopView& view) {
    Grid grid{view.height == 0 ? std::max(1, view.width / 40) : 1 + view.width / 75, 0, 10, 0};
    const int gaps = static_cast<int>(between.size()) * (grid.columns - 1);
    const int width = (view.width - gaps) / grid.columns;
    grid.value = std::min(grid.value, width / 3);
    for (std::size_t i = 0; i < order.interesting; ++i) grid.name = std::max(grid.name, width_of(order.names[i]));
    const int least_past = view.height == 0 ? 0 : std::min(6, width / 5) + 1;
    grid.name = std::clamp(grid.name, 1, std::max(1, width - grid.value - 1 - least_past));
    if (least_past > 0) grid.past = std::clamp(width - grid.name - grid.value - 2, 0, 40);
    return grid;
}

seconds step_of(const Grid& grid, const TopView& view) {
    const auto columns = std::max(1, grid.past);
    return std::max(seconds((shown_past.count() + columns - 1) / columns), std::chrono::ceil<seconds>(view.interval));
}

void append_indicator(Line& line, const std::string& name, const Snapshot& snapshot, const History& history,
                      const Grid& grid, const TopView& view) {
    const Dimension dimension = dimension_of(name);
    const double value = snapshot.indicators.at(name);
    if (!line.empty()) line.push_back({std::string(between)});
    line.push_back({fit(name, grid.name, view.utf8) + " "});
    line.push_back({fit(format_quantity(value, dimension), grid.value, view.utf8, true), std::isnan(value)
                                                                                             ? Tone::faint
                                                                                         : value != 0 ? Tone::strong
                                                                                                      : Tone::plain});
    if (grid.past == 0) return;
    const auto past = history.columns(name, static_cast<std::size_t>(grid.past), step_of(grid, view));
    line.push_back({" " + sparkline(past, scale_for(past, dimension), view.utf8), Tone::good});
}

std::vector<Line> grid_rows(const std::vector<std::string>& names, const Snapshot& snapshot, const History& history,
                            const Grid& grid, const TopView& view) {
    std::vector<Line> rows;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (i % static_cast<std::size_t>(grid.columns) == 0) rows.emplace_back();
        append_indicator(rows.back(), names[i], snapshot, history, grid, view);
    }
    return rows;
}

Section indicator_section(const Snapshot& snapshot, const History& history, const TopView& view) {
    const Order order = order_of(snapshot);
    const Grid grid = grid_of(order, view);
    Section section{
        "INDICATORS", std::min(view.width, 24), {}, grid_rows(order.names, snapshot, history, grid, view)};
    const std::string past = grid.past > 0 ? "last " + in_short(step_of(grid, view) * grid.past) : std::string();
    section.columns.push_back({fit(past, view.width - section.title_width, view.utf8, true), Tone::faint});
    const auto columns = static_cast<std::size_t>(grid.columns);
    section.first_page = (order.interesting + columns - 1) / columns;
    if (section.rows.empty())
        section.rows.push_back({{fit("waiting for figures", view.width, view.utf8), Tone::faint}});
    return section;
}

// --- Rules ---

int rank_of(const RuleState& rule) {
    constexpr std::string_view order[] = {"active", "pending", "suspended", "idle", "unavailable", "disabled"};
    return static_cast<int>(std::ranges::find(order, rule.state) - std::begin(order));
}

/// A full 100 % is for what holds.
std::string percent(double nearness) {
    if (std::isnan(nearness)) return "-";
    return fmt::format("{:.0f}%", std::floor(std::clamp(nearness, 0.0, 1.0) * 100));
}

std::string bar_or_none(double nearness, const TopView& view) {
    return std::isnan(nearness) ? "no data" : bar(nearness, view.width < 100 ? 7 : 10, view.utf8);
}

Tone tone_of_nearness(double nearness) {
    if (std::isnan(nearness)) return Tone::faint;
    if (nearness >= 1) return Tone::bad;
    return nearness >= 0.7 ? Tone::warning : Tone::plain;
}

bool looks_at_nothing(const RuleState& rule) {
    return rule.state == "unavailable" || rule.state == "disabled";
}

Line row_of(const RuleState& rule, const TopView& view, Realtime now) {
    const bool silent = looks_at_nothing(rule);
    const bool acts = rule.state == "active";  // what may release it is another matter than how near it is
    const double nearness = silent ? NAN : rule.nearness;
    const std::string& why =
        (silent || rule.state == "suspended") && !rule.state_reason.empty() ? rule.state_reason : rule.figures;
    return {{rule.name},
            {rule.state, tone_of_state(rule.state)},
            {silent || acts ? "" : percent(nearness), tone_of_nearness(nearness)},
            {silent || acts ? "" : bar_or_none(nearness, view), tone_of_nearness(nearness)},
            {std::to_string(rule.activations), rule.activations > 0 ? Tone::plain : Tone::faint},
            {age(rule.since, now, "-"), Tone::faint},
            {why, silent ? Tone::faint : Tone::plain},
            {rule.when, Tone::faint}};
}

Section rule_section(const Snapshot& snapshot, const TopView& view, Realtime now) {
    std::vector<RuleState> rules = snapshot.objects.rules;
    std::ranges::stable_sort(rules, {}, rank_of);
    FittedTable table{{{"RULES", Kind::text, std::clamp(view.width / 4, 10, 17), 32, 0},
                       {"STATE", Kind::text, 8, 11, 2},
                       {"NEAR", Kind::number, 4, 4, 3},
                       {"", Kind::text, 7, 10, 6},
                       {"TIMES", Kind::number, 5, 6, 7},
                       {"SINCE", Kind::number, 5, 6, 8},
                       {"FIGURES", Kind::figures, 27, 70, 5},
                       {"CONDITION", Kind::text, 24, 1000, 9}},
                      {}};
    for (const RuleState& rule : rules) table.rows.push_back(row_of(rule, view, now));
    return section_of(table, view);
}

// --- Tunables ---

bool is_trigger(const TunableState& tunable) {
    const auto found = tunables::find(tunable.name);
    return found && tunables::about(*found).trigger;
}

std::string source_of(const TunableState& tunable, const TopView& view, Realtime now) {
    if (!tunable.override_expires || *tunable.override_expires <= now) return tunable.source;
    return fmt::format("{}{}{}", tunable.source, view.width < 100 ? " " : " for ",
                       age(now, *tunable.override_expires));
}

/// "80/10000"; "160->320" on the way to a target, for the unit can be seen before and after.
std::string value_of(const TunableState& tunable, bool utf8) {
    if (tunable.state == "unavailable") return "-";
    if (is_trigger(tunable)) return "trigger";
    if (tunable.target == tunable.value) return format_value(tunable.value, tunable.unit);
    return fmt::format("{}{}{}", tunable.value, utf8 ? "→" : "->", tunable.target);
}

Line row_of(const TunableState& tunable, const TopView& view, Realtime now) {
    const bool missing = tunable.state == "unavailable";
    const bool holds = !missing && !is_trigger(tunable);
    const bool changed = holds && tunable.value != tunable.boot_value;
    return {{tunable.name, tunable.state == "free" || missing ? Tone::faint : Tone::plain},
            {value_of(tunable, view.utf8), changed ? Tone::strong : Tone::plain},
            {holds ? std::to_string(tunable.boot_value) : "", Tone::faint},
            {tunable.state, tone_of_state(tunable.state)},
            {source_of(tunable, view, now)},
            {age(tunable.last_write, now, ""), Tone::faint},
            {missing ? "" : fmt::format("{} to {}", tunable.minimum, tunable.maximum), Tone::faint},
            {tunable.last_write ? tunable.reason : ""}};
}

int rank_of_state(std::string_view state) {
    if (state == "free") return 1;
    return state == "unavailable" ? 2 : 0;
}

Section tunable_section(const Snapshot& snapshot, const TopView& view, Realtime now) {
    std::vector<TunableState> tunables = snapshot.objects.tunables;
    std::ranges::stable_sort(tunables, {}, [](const TunableState& tunable) { return rank_of_state(tunable.state); });
    FittedTable table{{{"TUNABLES", Kind::text, std::clamp(view.width / 3, 8, 25), 28, 0},
                       {"VALUE", Kind::number, 9, 22, 1},
                       {"BOOT", Kind::number, 5, 14, 6},
                       {"STATE", Kind::text, 10, 11, 2},
                       {"SOURCE", Kind::text, 14, 32, 3},
                       {"AGO", Kind::number, 5, 6, 5},
                       {"RANGE", Kind::text, 12, 26, 9},
                       {"REASON", Kind::text, 20, 1000, 8}},
                      {}};
    for (const TunableState& tunable : tunables) table.rows.push_back(row_of(tunable, view, now));
    return section_of(table, view);
}

// --- Services ---

Line row_of(const ServiceState& service) {
    return {{service.unit},
            {std::to_string(service.oom_score_adj), Tone::strong},
            {service.memory > 0 ? format_quantity(static_cast<double>(service.memory), dimension::bytes) : "-"},
            {std::to_string(service.processes)},
            {service.state, tone_of_state(service.state)},
            {service.source}};
}

Section service_section(const Snapshot& snapshot, const TopView& view) {
    FittedTable table{{{"SERVICES", Kind::text, std::clamp(view.width / 3, 8, 30), 60, 0},
                       {"SCORE", Kind::number, 5, 5, 1},
                       {"MEMORY", Kind::number, 9, 9, 3},
                       {"PROCESSES", Kind::number, 9, 9, 6},
                       {"STATE", Kind::text, 7, 11, 4},
                       {"SOURCE", Kind::text, 8, 1000, 5}},
                      {}};
    for (const ServiceState& service : snapshot.objects.services)
        if (rank_of_state(service.state) == 0) table.rows.push_back(row_of(service));
    Section section = section_of(table, view);
    section.modest = true;
    return section;
}

// --- The page ---

/// One row more for each section that wants it; a section that begins takes a heading as well. False: nothing is left
/// to do.
bool add_rows(std::vector<Section>& sections, const std::vector<std::size_t>& wanted, bool modest,
              std::size_t& room) {
    bool any = false;
    for (std::size_t i = 0; i < sections.size(); ++i) {
        const std::size_t lines = sections[i].first_page == 0 ? 2 : 1;
        if (sections[i].modest != modest || sections[i].first_page >= wanted[i] || lines > room) continue;
        ++sections[i].first_page;
        room -= lines;
        any = true;
    }
    return any;
}

/// Rows for each section so that they fit into `room`: who wants little leaves the rest to the others.
void share_out(std::vector<Section>& sections, std::size_t room) {
    std::vector<std::size_t> wanted;
    for (Section& section : sections) wanted.push_back(std::exchange(section.first_page, 0));
    for (const bool modest : {false, true})
        while (add_rows(sections, wanted, modest, room)) {
        }
}

Line heading_of(const Section& section, std::string_view remark, bool utf8) {
    Line line{{fit(fmt::format("{}{}", section.title, remark), section.title_width, utf8), Tone::strong}};
    line.insert(line.end(), section.columns.begin(), section.columns.end());
    return line;
}

void append_rows(std::vector<Line>& lines, const Section& section, std::size_t first, std::size_t last) {
    const auto at = [&](std::size_t row) { return section.rows.begin() + static_cast<std::ptrdiff_t>(row); };
    lines.insert(lines.end(), at(first), at(last));
}

/// Blank lines between the sections where `airy`.
std::vector<Line> page(const std::vector<Section>& sections, bool airy, bool utf8) {
    std::vector<Line> lines;
    for (const Section& section : sections) {
        if (section.first_page == 0) continue;
        if (airy && !lines.empty()) lines.emplace_back();
        const bool all = section.first_page == section.rows.size();
        lines.push_back(
            heading_of(section, all ? "" : fmt::format(" {}/{}", section.first_page, section.rows.size()), utf8));
        append_rows(lines, section, 0, section.first_page);
    }
    for (const Section& section : sections) {
        if (section.first_page == section.rows.size()) continue;
        if (airy) lines.emplace_back();
        lines.push_back(heading_of(section, section.first_page > 0 ? " (more)" : "", utf8));
        append_rows(lines, section, section.first_page, section.rows.size());
    }
    return lines;
}

/// The sections of the screen, cut to `height` lines for the first page; 0: uncut.
std::vector<Line> body(const Snapshot& snapshot, const History& history, const TopView& view, Realtime now,
                       std::size_t height) {
    std::vector<Section> sections{indicator_section(snapshot, history, view), rule_section(snapshot, view, now),
                                  tunable_section(snapshot, view, now), service_section(snapshot, view)};
    std::erase_if(sections, [](const Section& section) { return section.rows.empty(); });
    for (Section& section : sections)
        if (section.first_page == 0 || height == 0) section.first_page = section.rows.size();
    std::size_t needed = 2 * sections.size() - 1;
    for (const Section& section : sections) needed += section.first_page;
    const bool airy = height == 0 || needed <= height;
    if (!airy) share_out(sections, height);
    return page(sections, airy, view.utf8);
}

struct Remark {
    std::string text;
    Tone tone;
    int rank;  ///< as of a column
};

/// As many of the remarks as fit, in their order.
Line header_line(std::vector<Remark> remarks, const TopView& view) {
    const auto width = [&] {
        int total = -2;
        for (const Remark& remark : remarks) total += width_of(remark.text) + 2;
        return total;
    };
    while (remarks.size() > 1 && width() > view.width)
        remarks.erase(std::ranges::max_element(remarks, {}, &Remark::rank));
    Line line;
    int left = view.width;
    for (const Remark& remark : remarks) {
        if (!line.empty()) line.push_back({std::string(between)});
        const int taken = std::min(left, width_of(remark.text));
        line.push_back({fit(remark.text, taken, view.utf8), remark.tone});
        left -= taken + static_cast<int>(between.size());
    }
    return line;
}

Line header(const Snapshot& snapshot, const TopView& view, Realtime now) {
    const ManagerState& manager = snapshot.manager;
    std::vector<Remark> remarks{{"memtuned", Tone::strong, 5}};
    if (!view.gone.empty()) remarks.push_back({"no answer: " + view.gone, Tone::bad, 0});
    if (!manager.version.empty()) remarks.push_back({manager.version, Tone::plain, 9});
    if (!manager.profile.empty()) remarks.push_back({"profile " + manager.profile, Tone::strong, 1});
    if (!manager.mode.empty())
        remarks.push_back({manager.mode, manager.mode == "observe" ? Tone::warning : Tone::plain, 2});
    if (view.paused) remarks.push_back({"paused", Tone::warning, 3});
    if (!manager.degraded.empty())
        remarks.push_back({fmt::format("degraded: {}", manager.degraded.size()), Tone::warning, 4});
    if (manager.sample_interval.count() > 0)
        remarks.push_back(
            {"samples every " + short_time(std::chrono::round<Tenths>(manager.sample_interval)), Tone::plain, 7});
    if (manager.last_sample)
        remarks.push_back({fmt::format("last {} ago", age(*manager.last_sample, now)), Tone::plain, 6});
    return header_line(std::move(remarks), view);
}

/// One line for each, as long as they leave the rest its place.
std::vector<Line> degraded_lines(const Snapshot& snapshot, const TopView& view) {
    const auto& degraded = snapshot.manager.degraded;
    const std::size_t most = view.height == 0 ? degraded.size() : static_cast<std::size_t>(view.height) / 16;
    std::vector<Line> lines;
    for (std::size_t i = 0; i < std::min(most, degraded.size()); ++i) {
        const auto& [subject, reason] = degraded[i];
        const bool more = i + 1 == most && most < degraded.size();
        const std::string text =
            fmt::format("! {}{}: {}", more ? fmt::format("({} of {}) ", most, degraded.size()) : "", subject, reason);
        lines.push_back({{fit(text, view.width, view.utf8), Tone::warning}});
    }
    return lines;
}

Line footer(const TopView& view, int scrolled, int shown, std::size_t all) {
    const std::string arrows = view.utf8 ? "↑↓" : "j/k";
    const std::string keys =
        view.help ? fmt::format("q quit  p {}  +/- interval  {} PgUp PgDn Home End scroll  ^L redraw  ? less",
                                view.paused ? "go on" : "pause", arrows)
                  : fmt::format("every {}  ? keys  q quit", short_time(view.interval));
    const bool scrolls = static_cast<std::size_t>(shown) < all;
    const std::string place = fmt::format("{}-{} of {}{}", scrolled + 1, scrolled + shown, all,
                                          view.help ? "" : ", " + arrows + " for more");
    const int room = scrolls ? std::max(0, view.width - width_of(place) - 2) : view.width;
    Line line{{fit(keys, room, view.utf8), Tone::faint}};
    if (scrolls) line.push_back({fit(between, std::min(2, view.width), view.utf8)});
    if (scrolls) line.push_back({fit(place, std::min(view.width - 2, width_of(place)), view.utf8), Tone::faint});
    return line;
}

}  // namespace

Screen render(const Snapshot& snapshot, const History& history, const TopView& chosen, Realtime now) {
    TopView view = chosen;
    view.width = std::max(view.width, least_width);
    Screen screen;
    screen.lines.push_back(header(snapshot, view, now));
    for (Line& line : degraded_lines(snapshot, view)) screen.lines.push_back(std::move(line));
    const int room = std::max(0, view.height - static_cast<int>(screen.lines.size()) - 1);
    const std::vector<Line> rest = body(snapshot, history, view, now, static_cast<std::size_t>(room));
    if (view.height == 0) {
        screen.lines.insert(screen.lines.end(), rest.begin(), rest.end());
        return screen;
    }
    screen.beyond = std::max(0, static_cast<int>(rest.size()) - room);
    const int scrolled = std::clamp(view.scrolled, 0, screen.beyond);
    const int shown = std::min(room, static_cast<int>(rest.size()) - scrolled);
    screen.lines.insert(screen.lines.end(), rest.begin() + scrolled, rest.begin() + scrolled + shown);
    screen.lines.resize(static_cast<std::size_t>(std::max(1, view.height - 1)));
    if (view.height > 1) screen.lines.push_back(footer(view, scrolled, shown, rest.size()));
    return screen;
}

}  // namespace memtuned::ctl
