// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/view.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/style.hpp"

namespace memtuned::ctl {
namespace {

std::size_t terminal_width() {
    winsize size{};
    if (::isatty(STDOUT_FILENO) == 0 || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

}  // namespace

View current_view() {
    const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
    return {now, terminal_width(), wants_colour()};
}

}  // namespace memtuned::ctl
