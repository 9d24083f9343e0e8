// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/state_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::tunables {
namespace {

kernel::Descriptor open(const std::filesystem::path& path, int flags, mode_t mode = 0) {
    return kernel::Descriptor(::open(path.c_str(), flags | O_CLOEXEC, mode));
}

int write_and_sync(int file, std::string_view text) {
    while (!text.empty()) {
        const ssize_t put = ::write(file, text.data(), text.size());
        if (put >= 0)
            text.remove_prefix(static_cast<std::size_t>(put));
        else if (errno != EINTR)
            return errno;
    }
    return ::fsync(file) == 0 ? 0 : errno;
}

Status write_whole(const std::filesystem::path& path, std::string_view text) {
    // A crash may have left one; a link somebody put there must not be followed.
    ::unlink(path.c_str());
    const auto file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (!file) return system_error(path.string(), errno);
    if (const int error = write_and_sync(file.get(), text)) {
        ::unlink(path.c_str());
        return system_error(path.string(), error);
    }
    return Done{};
}

Status sync_folder(const std::filesystem::path& path) {
    const auto folder = open(path, O_RDONLY | O_DIRECTORY);
    if (!folder || ::fsync(folder.get()) != 0) return system_error(path.string(), errno);
    return Done{};
}

}  // namespace

Result<std::string> read_file(const std::filesystem::path& path) {
    const auto file = open(path, O_RDONLY);
    if (!file) return system_error(path.string(), errno);
    std::string text;
    char buffer[4096];
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
        if (got == 0) return text;
        if (got > 0)
            text.append(buffer, static_cast<std::size_t>(got));
        else if (errno != EINTR)
            return system_error(path.string(), errno);
    }
}

Status replace_file(const std::filesystem::path& file, std::string_view text) {
    const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) return system_error(folder.string(), failure.value());

    const std::filesystem::path aside = file.string() + ".new";
    if (auto written = write_whole(aside, text); !written) return written;
    if (::rename(aside.c_str(), file.c_str()) != 0) return system_error(file.string(), errno);
    return sync_folder(folder);
}

}  // namespace memtuned::tunables
