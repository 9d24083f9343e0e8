// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "memtuned/base/dimension.hpp"

namespace memtuned::rules {

struct Token {
    enum class Kind { number, name, string, symbol, bad, end };

    Kind kind = Kind::end;
    std::size_t begin = 0;  ///< where it stands in the expression
    std::size_t end = 0;
    std::string_view text;  ///< as written; of a string what is between the quotes
    double number = 0;      ///< in base units
    Dimension dimension;    ///< of a number
    std::string message;    ///< of a bad token: what is wrong with it
    std::string help;       ///< and what to write instead
};

/// The token that begins at or after `from`. A unit belongs to its number: `64 MiB`, `5%`, `100/s`, `1 MiB/s`.
Token next_token(std::string_view expression, std::size_t from);

}  // namespace memtuned::rules
