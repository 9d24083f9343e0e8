// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/machine.hpp"

#include <unistd.h>

#include "kernel/text.hpp"
#include "memtuned/kernel/kept_file.hpp"

namespace memtuned::kernel {

namespace {

/// How many numbers "4" or "0-3" stands for.
std::optional<std::size_t> range_size(std::string_view range) {
    const std::size_t dash = range.find('-');
    const auto first = text::number<std::size_t>(range.substr(0, dash));
    if (dash == std::string_view::npos) return first ? std::optional<std::size_t>(1) : std::nullopt;
    const auto last = text::number<std::size_t>(range.substr(dash + 1));
    if (!first || !last || *last < *first) return std::nullopt;
    return *last - *first + 1;
}

template <class Value>
Result<Value> read_with(const Root& root, std::string_view path, Result<Value> (*parse)(std::string_view)) {
    KeptFile file(root, path);
    const Result<std::string_view> text = file.read();
    if (!text) return text.error();
    Result<Value> value = parse(*text);
    if (!value) return Error{file.name() + ": " + value.error().message, 0};
    return value;
}

Result<std::string> parse_boot_id(std::string_view text) {
    const std::string_view id = text::take_line(text);
    if (id.size() != 36 || id.find_first_not_of("0123456789abcdef-") != std::string_view::npos)
        return Error{"not a boot id: " + text::excerpt(id), 0};
    return std::string(id);
}

}  // namespace

std::size_t page_size() {
    static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
    return size;
}

Result<std::size_t> parse_cpu_list(std::string_view text) {
    const std::string_view list = text::take_line(text);
    std::size_t sum = 0;
    for (std::string_view rest = list;;) {
        const std::size_t comma = rest.find(',');
        const std::optional<std::size_t> size = range_size(rest.substr(0, comma));
        if (!size) return Error{"not a list of cpus: " + text::excerpt(list), 0};
        sum += *size;
        if (comma == std::string_view::npos) return sum;
        rest.remove_prefix(comma + 1);
    }
}

Result<double> parse_uptime(std::string_view text) {
    std::string_view line = text::take_line(text);
    const std::string_view word = text::take_word(line);
    const std::optional<double> uptime = text::decimal(word);
    if (!uptime) return Error{"not an uptime: " + text::excerpt(word), 0};
    return *uptime;
}

Result<std::size_t> read_online_cpus(const Root& root) {
    return read_with(root, online_cpus_path, &parse_cpu_list);
}

Result<double> read_uptime(const Root& root) {
    return read_with(root, uptime_path, &parse_uptime);
}

Result<std::string> read_boot_id(const Root& root) {
    return read_with(root, "proc/sys/kernel/random/boot_id", &parse_boot_id);
}

}  // namespace memtuned::kernel
