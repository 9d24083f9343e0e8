// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/names.hpp"

#include <fmt/format.h>
#include <systemd/sd-bus.h>

#include <cstdlib>
#include <memory>
#include <new>

namespace memtuned::bus {

std::string path_of(std::string_view kind, std::string_view name) {
    const std::string prefix = fmt::format("{}/{}", manager_path, kind);
    char* path = nullptr;
    if (::sd_bus_path_encode(prefix.c_str(), std::string(name).c_str(), &path) < 0) throw std::bad_alloc();
    const std::unique_ptr<char, decltype(&std::free)> owned(path, &std::free);
    return path;
}

std::uint64_t realtime(Instant at) {
    using std::chrono::duration_cast;
    using std::chrono::microseconds;
    if (at == Instant{}) return 0;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(duration_cast<microseconds>(now - (BootClock::now() - at)).count());
}

}  // namespace memtuned::bus
