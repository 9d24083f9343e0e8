// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/base/result.hpp"

#include <system_error>

namespace memtuned {

Error system_error(std::string subject, int code) {
    // strerror() is not safe beside the thread that writes triggers.
    return {std::move(subject) + ": " + std::generic_category().message(code), code};
}

}  // namespace memtuned
