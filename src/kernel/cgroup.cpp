// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/cgroup.hpp"

#include <cerrno>
#include <fstream>
#include <sstream>
#include <string>
#include <system_error>

#include "kernel/text.hpp"
#include "memtuned/kernel/units.hpp"

namespace memtuned::kernel {
namespace {

/// One of the comma-separated mount options, whole.
bool has_option(const std::string& options, const std::string& wanted) {
    std::istringstream list(options);
    for (std::string option; std::getline(list, option, ',');)
        if (option == wanted) return true;
    return false;
}

constexpr std::string_view unified = "sys/fs/cgroup";
constexpr std::string_view hybrid = "sys/fs/cgroup/unified";
constexpr std::string_view systemd_v1 = "sys/fs/cgroup/systemd";
constexpr std::string_view memory_v1 = "sys/fs/cgroup/memory";

bool is_folder(const Root& root, std::string_view path) {
    std::error_code ignored;
    return std::filesystem::is_directory(root / path, ignored);
}

bool is_file(const Root& root, std::string_view folder, std::string_view name) {
    std::error_code ignored;
    return std::filesystem::exists(root / folder / name, ignored);
}

bool controls_memory(const Root& root, std::string_view folder) {
    std::ifstream controllers(root / folder / "cgroup.controllers");
    for (std::string name; controllers >> name;)
        if (name == "memory") return true;
    return false;
}

CgroupLayout with_memory_v1(const Root& root, CgroupLayout layout) {
    layout.memory_is_v1 = is_folder(root, memory_v1);
    if (layout.memory_is_v1) layout.memory = memory_v1;
    return layout;
}

}  // namespace

Result<CgroupLayout> find_cgroups(const Root& root) {
    CgroupLayout layout;
    if (is_file(root, unified, "cgroup.controllers")) {
        layout.units = unified;
        layout.has_pressure = true;
        if (controls_memory(root, unified)) layout.memory = unified;
        return layout;
    }
    if (is_file(root, hybrid, "cgroup.controllers")) {
        layout.units = hybrid;
        layout.has_pressure = is_file(root, hybrid, "memory.pressure");
        if (!controls_memory(root, hybrid)) return with_memory_v1(root, std::move(layout));
        layout.memory = hybrid;
        return layout;
    }
    if (is_folder(root, systemd_v1)) {
        layout.units = systemd_v1;
        return with_memory_v1(root, std::move(layout));
    }
    return Error{std::string(unified) + ": no cgroup hierarchy that units could be in", ENOENT};
}

std::optional<std::string_view> group_in(std::string_view text, const CgroupLayout& layout) {
    constexpr std::string_view deleted = " (deleted)";
    const std::string_view hierarchy = layout.units == systemd_v1 ? "name=systemd" : "";
    while (!text.empty()) {
        std::string_view line = text::take_line(text);
        const std::size_t number_end = line.find(':');
        if (number_end == std::string_view::npos) continue;
        line.remove_prefix(number_end + 1);
        if (!line.starts_with(hierarchy) || !line.substr(hierarchy.size()).starts_with(":/")) continue;
        line.remove_prefix(hierarchy.size() + 1);
        if (line.ends_with(deleted)) line.remove_suffix(deleted.size());
        return line;
    }
    return std::nullopt;
}

Result<std::uint64_t> read_memory(const Root& root, const CgroupLayout& layout, const std::string& group) {
    if (layout.memory.empty()) return system_error("memory of " + group, ENOENT);
    const char* const name = layout.memory_is_v1 ? "/memory.usage_in_bytes" : "/memory.current";
    const auto path = root / (layout.memory + group + name);
    std::ifstream file(path);
    std::uint64_t bytes = 0;
    if (file >> bytes) return bytes;
    return system_error(path.string(), file.is_open() ? EIO : ENOENT);
}

bool memory_controller_is_v1(const Root& root) {
    std::ifstream mounts(root / "proc/mounts");
    for (std::string line; std::getline(mounts, line);) {
        std::istringstream fields(line);
        std::string device, folder, type, options;
        if (fields >> device >> folder >> type >> options && type == "cgroup" && has_option(options, "memory"))
            return true;
    }
    return false;
}

}  // namespace memtuned::kernel
