// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/signals.hpp"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace memtuned::ctl {

SignalReader::SignalReader(std::initializer_list<int> signals) {
    sigset_t mask{};
    sigemptyset(&mask);
    for (const int signal : signals) sigaddset(&mask, signal);
    pthread_sigmask(SIG_BLOCK, &mask, &before_);
    fd_ = ::signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd_ >= 0) return;
    const int failure = errno;
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    throw std::system_error(failure, std::generic_category(), "signalfd");
}

SignalReader::~SignalReader() {
    // One that still waited would end the program once it is let through.
    while (read()) continue;
    ::close(fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalReader::read() const {
    signalfd_siginfo info{};
    if (::read(fd_, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
    return static_cast<int>(info.ssi_signo);
}

}  // namespace memtuned::ctl
