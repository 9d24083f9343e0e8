// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/output.hpp"

#include <cerrno>
#include <cstdio>
#include <system_error>

namespace memtuned::ctl {

void print(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) return;
    const int failure = errno;
    if (failure == EPIPE) throw OutputClosed();
    throw std::system_error(failure, std::generic_category(), "standard output");
}

}  // namespace memtuned::ctl
