// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"

namespace memtuned::rules {

/// Line and column, both from 1; a column counts characters, not bytes, as an editor shows it.
struct Position {
    std::size_t line = 0;
    std::size_t column = 0;

    friend bool operator==(const Position&, const Position&) = default;
};

/// The text of a file an administrator wrote, kept so that a diagnostic can show the place it speaks of.
class SourceFile {
public:
    SourceFile(std::string name, std::string text);

    /// Reads a file of at most `largest` bytes. Errors name the file and what to do.
    static constexpr std::size_t largest = std::size_t{1} << 20;
    static Result<std::shared_ptr<const SourceFile>> read(const std::string& path);

    const std::string& name() const { return name_; }
    std::string_view text() const { return text_; }

    Position position(std::size_t offset) const;
    std::size_t offset(Position position) const;
    std::string_view line(std::size_t number) const;

private:
    std::size_t characters_before(std::size_t offset) const;

    std::string name_;
    std::string text_;
    std::vector<std::size_t> starts_;  ///< offset at which each line begins
    std::vector<std::size_t> marks_;  ///< characters before every `mark_distance` bytes: a line may be the whole file
};

using Source = std::shared_ptr<const SourceFile>;

/// A string value of a file, unescaped, that still knows where in the file each of its bytes stands.
struct Text {
    Source source;
    std::string value;
    std::vector<std::uint32_t> offsets;  ///< one for each byte of `value`, and one past its end

    std::size_t offset(std::size_t index) const;
};

/// The string literal that begins at `begin` in `source` and reads `value`.
Text text_at(const Source& source, std::size_t begin, std::string value);

}  // namespace memtuned::rules
