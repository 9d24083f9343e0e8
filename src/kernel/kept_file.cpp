// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/kernel/kept_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

namespace memtuned::kernel {

namespace {
constexpr std::size_t first_size = 4096;
}

KeptFile::KeptFile(const Root& root, std::string_view relative)
    : name_(relative), path_((root / relative).string()) {}

Result<std::string_view> KeptFile::read() {
    if (file_ && fill() == 0) return text();
    if (int error = open()) return system_error(name_, error);
    if (int error = fill()) {
        file_.reset();
        return system_error(name_, error);
    }
    return text();
}

int KeptFile::open() {
    file_.reset(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    return file_ ? 0 : errno;
}

// A seq file hands out about a page per call however much is asked for, so only a read of nothing is the end.
int KeptFile::fill() {
    if (buffer_.empty()) buffer_.resize(first_size);
    length_ = 0;
    for (;;) {
        const ssize_t n =
            ::pread(file_.get(), buffer_.data() + length_, buffer_.size() - length_, static_cast<off_t>(length_));
        if (n == 0) return 0;
        if (n < 0 && errno != EINTR) return errno;
        if (n > 0) length_ += static_cast<std::size_t>(n);
        if (length_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    }
}

}  // namespace memtuned::kernel
