// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rows under each other, each column as wide as its widest cell. On a terminal the last column is wrapped into what
// is left of the line.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/style.hpp"
#include "ctl/view.hpp"

namespace memtuned::ctl {

struct Cell {
    Cell(std::string_view content, Tone cell_tone = Tone::plain);
    Cell(const char* content) : Cell(std::string_view(content)) {}
    Cell(const std::string& content) : Cell(std::string_view(content)) {}

    std::string text;  ///< printable
    Tone tone;
};

class Table {
public:
    /// How a column stands: figures to the right.
    enum class Side { left, right };
    struct Column {
        Column(std::string_view column_title, Side column_side = Side::left)
            : title(column_title), side(column_side) {}
        Column(const char* column_title) : Column(std::string_view(column_title)) {}
        std::string title;
        Side side;
    };

    /// Where no column has a title there is no line of titles.
    explicit Table(std::initializer_list<Column> columns, std::size_t indent = 0);

    /// As many cells as columns.
    void add(std::vector<Cell> row);
    bool empty() const { return rows_.empty(); }

    /// All lines, each with its line end.
    std::string render(const View& view) const;

private:
    std::vector<std::size_t> widths() const;
    std::string render_row(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                           const View& view) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
    std::size_t indent_;
};

}  // namespace memtuned::ctl
