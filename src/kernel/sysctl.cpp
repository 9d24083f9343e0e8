// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/sysctl.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "kernel/text.hpp"
#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::kernel {

ProcSysctls::ProcSysctls(Root root) : root_(std::move(root)) {}

KeptFile& ProcSysctls::file(std::string_view path) {
    const auto known =
        std::find_if(open_.begin(), open_.end(), [path](const KeptFile& kept) { return kept.name() == path; });
    return known != open_.end() ? *known : open_.emplace_back(root_, path);
}

Result<std::int64_t> ProcSysctls::read(std::string_view path) {
    Result<std::string_view> text = file(path).read();
    if (!text) return text.error();
    const std::string_view line = text::take_line(*text);
    std::string_view rest = line;
    const auto value = text::number<std::int64_t>(text::take_word(rest));
    text::skip_blanks(rest);
    if (!value || !rest.empty()) return Error{fmt::format("{}: not an integer: {}", path, text::excerpt(line)), 0};
    return *value;
}

Status ProcSysctls::write(std::string_view path, std::int64_t value) {
    const Descriptor file(::open((root_ / path).c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return system_error(std::string(path), errno);
    const std::string text = fmt::format("{}\n", value);
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) return system_error(std::string(path), errno);
    if (static_cast<std::size_t>(written) != text.size()) return system_error(std::string(path), EIO);
    return Done{};
}

}  // namespace memtuned::kernel
