// SPDX-License-Identifier: GPL-2.0-or-later
//
// The command is the one that Ctrl-C is for, as under `time` or `nice`: memtunectl ignores it and ends with the
// command. SIGTERM and SIGHUP come to memtunectl alone when a service manager sends them, so they are passed on.
#include "ctl/command_run.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <system_error>

#include "ctl/signals.hpp"

namespace memtuned::ctl {
namespace {

constexpr int not_runnable = 126;
constexpr int not_found = 127;
constexpr int by_signal = 128;

/// Ignored by memtunectl while the command runs, but not by the command. SIGPIPE: a closed standard error must not
/// end the override.
constexpr std::array ignored{SIGINT, SIGQUIT, SIGPIPE};

class IgnoredSignals {
public:
    IgnoredSignals() {
        struct sigaction ignore {};
        ignore.sa_handler = SIG_IGN;
        for (std::size_t i = 0; i < ignored.size(); ++i) ::sigaction(ignored[i], &ignore, &before_[i]);
    }
    ~IgnoredSignals() { restore(); }
    IgnoredSignals(const IgnoredSignals&) = delete;
    IgnoredSignals& operator=(const IgnoredSignals&) = delete;

    void restore() const {
        for (std::size_t i = 0; i < ignored.size(); ++i) ::sigaction(ignored[i], &before_[i], nullptr);
    }

private:
    std::array<struct sigaction, ignored.size()> before_{};
};

[[noreturn]] void become(const std::vector<std::string>& command) {
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments.front(), arguments.data());
    const int failure = errno;
    fmt::print(stderr, "memtunectl: {}: {}\n", command.front(), std::strerror(failure));
    ::_exit(failure == ENOENT ? not_found : not_runnable);
}

pid_t start(const std::vector<std::string>& command, const SignalReader& signals, const IgnoredSignals& quiet) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork");
    if (child > 0) return child;
    quiet.restore();
    pthread_sigmask(SIG_SETMASK, &signals.mask_before(), nullptr);
    become(command);
}

/// How the child ended; none: it runs on.
std::optional<int> exit_status(pid_t child) {
    int state = 0;
    pid_t ended = 0;
    do {
        ended = ::waitpid(child, &state, WNOHANG);
    } while (ended < 0 && errno == EINTR);
    if (ended < 0) throw std::system_error(errno, std::generic_category(), "waitpid");
    if (ended == 0) return std::nullopt;
    return WIFSIGNALED(state) ? by_signal + WTERMSIG(state) : WEXITSTATUS(state);
}

void pass_on(const SignalReader& signals, pid_t child) {
    while (const std::optional<int> signal = signals.read())
        if (*signal != SIGCHLD) ::kill(child, *signal);
}

void say_lost(const std::string& tunable, const std::string& why) {
    fmt::print(stderr, "memtunectl: {}: the override of {} is no longer in force; the command runs on\n", why,
               tunable);
}

/// Serves the connection until a signal came. False: there is no connection any more.
bool serve(Client& client, const std::string& tunable, int stop_fd) {
    try {
        client.monitor(
            [&tunable](const Client::Signal& signal) {
                if (signal.name == "Gone") say_lost(tunable, "memtuned left the bus");
            },
            stop_fd);
        return true;
    } catch (const CallFailed& failure) {
        say_lost(tunable, failure.what());
        return false;
    }
}

void wait_for_signal(int fd) {
    pollfd watched{fd, POLLIN, 0};
    ::poll(&watched, 1, -1);
}

int wait_for_end(Client& client, const std::string& tunable, pid_t child, const SignalReader& signals) {
    for (bool connected = true;;) {
        if (const std::optional<int> status = exit_status(child)) return *status;
        if (connected) connected = serve(client, tunable, signals.fd());
        if (!connected) wait_for_signal(signals.fd());
        pass_on(signals, child);
    }
}

}  // namespace

int run_with_override(Client& client, const HeldOverride& held, const std::vector<std::string>& command) {
    client.override_while_connected(held.tunable, held.value, held.reason);
    const IgnoredSignals quiet;
    const SignalReader signals({SIGCHLD, SIGTERM, SIGHUP});
    const pid_t child = start(command, signals, quiet);
    return wait_for_end(client, held.tunable, child, signals);
}

}  // namespace memtuned::ctl
