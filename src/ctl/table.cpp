// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/table.hpp"

#include <algorithm>
#include <cassert>

#include "ctl/text.hpp"

namespace memtuned::ctl {
namespace {

constexpr std::size_t gap = 2;
/// A last column narrower than this would be a tower of single words: it may run over the edge then.
constexpr std::size_t least_last_column = 20;

std::string padded(const Cell& cell, std::size_t width, Table::Side side, bool colour) {
    const std::size_t own = displayed_width(cell.text);
    const std::string space(width > own ? width - own : 0, ' ');
    const std::string text = paint(cell.tone, cell.text, colour);
    return side == Table::Side::right ? space + text : text + space;
}

std::string without_trailing_spaces(std::string line) {
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

}  // namespace

Cell::Cell(std::string_view content, Tone cell_tone) : text(printable(content)), tone(cell_tone) {}

Table::Table(std::initializer_list<Column> columns, std::size_t indent) : columns_(columns), indent_(indent) {}

void Table::add(std::vector<Cell> row) {
    assert(row.size() == columns_.size());
    rows_.push_back(std::move(row));
}

std::vector<std::size_t> Table::widths() const {
    std::vector<std::size_t> widths;
    for (const Column& column : columns_) widths.push_back(displayed_width(column.title));
    for (const std::vector<Cell>& row : rows_)
        for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], displayed_width(row[i].text));
    return widths;
}

std::string Table::render_row(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                              const View& view) const {
    const std::size_t last = columns_.size() - 1;
    std::string line(indent_, ' ');
    std::size_t start = indent_;
    for (std::size_t i = 0; i < last; ++i) {
        line += padded(row[i], widths[i], columns_[i].side, view.colour) + std::string(gap, ' ');
        start += widths[i] + gap;
    }
    if (columns_[last].side == Side::right)
        return without_trailing_spaces(line + padded(row[last], widths[last], Side::right, view.colour)) + "\n";
    const std::size_t room = view.width >= start + least_last_column ? view.width - start : 0;
    std::string text;
    for (const std::string& part : wrap(row[last].text, room)) {
        text += without_trailing_spaces(line + paint(row[last].tone, part, view.colour && !part.empty())) + "\n";
        line.assign(start, ' ');
    }
    return text;
}

std::string Table::render(const View& view) const {
    const std::vector<std::size_t> wide = widths();
    std::vector<Cell> titles;
    for (const Column& column : columns_) titles.emplace_back(column.title, Tone::strong);
    const bool titled =
        std::any_of(columns_.begin(), columns_.end(), [](const Column& column) { return !column.title.empty(); });
    std::string text = titled ? render_row(titles, wide, view) : "";
    for (const std::vector<Cell>& row : rows_) text += render_row(row, wide, view);
    return text;
}

}  // namespace memtuned::ctl
