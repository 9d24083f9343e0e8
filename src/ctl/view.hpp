// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a text is made for: when it is read, and on what.
#pragma once

#include <cstddef>

#include "ctl/client.hpp"

namespace memtuned::ctl {

struct View {
    Realtime now;
    std::size_t width = 0;  ///< columns of the terminal; 0: no terminal, lines may have any length
    bool colour = false;
};

/// For the standard output as it is now.
View current_view();

}  // namespace memtuned::ctl
