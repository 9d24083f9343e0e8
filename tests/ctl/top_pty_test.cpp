// SPDX-License-Identifier: GPL-2.0-or-later
//
// The terminal's state is a matter between a process and a real (pseudo) terminal, so each case runs in a child that
// has one as its standard input and output.
#include <doctest/doctest.h>

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "ctl/terminal.hpp"
#include "memtuned/kernel/descriptor.hpp"

using namespace memtuned;
using namespace memtuned::ctl;

namespace {

constexpr const char* leaves = "\x1b[?25h\x1b[?1049l";

struct Outcome {
    std::string output;
    int status = -1;
    bool canonical = false;  ///< what the child left behind: lines as typed, and echoed
    bool echoes = false;
};

std::string read_all(int fd) {
    std::string text;
    std::array<char, 4096> bytes;
    // A pty whose other end is closed answers with an error once all is read.
    for (ssize_t got = 0; (got = ::read(fd, bytes.data(), bytes.size())) > 0;)
        text.append(bytes.data(), static_cast<std::size_t>(got));
    return text;
}

/// Runs `body` in a child on a terminal of 80 by 24; `typed` is what the person at it types.
template <typename Body>
Outcome on_terminal(Body body, const std::string& typed = "") {
    winsize size{24, 80, 0, 0};
    int ours = -1;
    int theirs = -1;
    REQUIRE(::openpty(&ours, &theirs, nullptr, nullptr, &size) == 0);
    const kernel::Descriptor keeper(ours);
    kernel::Descriptor kept_open(theirs);
    REQUIRE(::write(ours, typed.data(), typed.size()) == static_cast<ssize_t>(typed.size()));
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        ::dup2(theirs, STDIN_FILENO);
        ::dup2(theirs, STDOUT_FILENO);
        ::_exit(body());
    }
    Outcome outcome;
    REQUIRE(::waitpid(child, &outcome.status, 0) == child);
    termios after{};
    REQUIRE(::tcgetattr(theirs, &after) == 0);
    outcome.canonical = (after.c_lflag & ICANON) != 0;
    outcome.echoes = (after.c_lflag & ECHO) != 0;
    kept_open.reset();
    outcome.output = read_all(ours);
    return outcome;
}

void check_clean(const Outcome& outcome) {
    CHECK(outcome.status == 0);
    CHECK(outcome.canonical);
    CHECK(outcome.echoes);
    CHECK(outcome.output.ends_with(leaves));
}

bool is_raw() {
    termios now{};
    return ::tcgetattr(STDIN_FILENO, &now) == 0 && (now.c_lflag & (ICANON | ECHO)) == 0;
}

}  // namespace

TEST_CASE("a terminal is a screen of its own as long as it is used, and as before afterwards") {
    const Outcome outcome = on_terminal([] {
        const Terminal terminal;
        terminal.draw({{{"hello"}}}, false);
        return is_raw() ? 0 : 1;
    });
    check_clean(outcome);
    CHECK(outcome.output.starts_with("\x1b[?1049h\x1b[?25l"));
    CHECK(outcome.output.find("hello") != std::string::npos);
}

TEST_CASE("a terminal is as before after an exception") {
    check_clean(on_terminal([] {
        try {
            const Terminal terminal;
            throw std::runtime_error("oh");
        } catch (const std::runtime_error&) {
            return 0;
        }
    }));
}

TEST_CASE("a terminal can be left for a while and entered again") {
    check_clean(on_terminal([] {
        Terminal terminal;
        terminal.leave();
        if (is_raw()) return 1;
        terminal.leave();
        terminal.enter();
        return is_raw() ? 0 : 2;
    }));
}

TEST_CASE("a terminal knows a new size at once and draws nothing beyond it") {
    const Outcome outcome = on_terminal([] {
        const Terminal terminal;
        if (terminal.size().width != 80 || terminal.size().height != 24) return 1;
        const winsize smaller{1, 3, 0, 0};
        ::ioctl(STDOUT_FILENO, TIOCSWINSZ, &smaller);
        terminal.draw({{{"abcdef"}}, {{"ghi"}}}, false);
        return terminal.size().width == 3 && terminal.size().height == 1 ? 0 : 2;
    });
    check_clean(outcome);
    CHECK(outcome.output.find("abc") != std::string::npos);
    CHECK(outcome.output.find("abcd") == std::string::npos);
    CHECK(outcome.output.find("ghi") == std::string::npos);
}

TEST_CASE("a terminal without a size is taken for what the environment says") {
    check_clean(on_terminal([] {
        const winsize none{};
        ::ioctl(STDOUT_FILENO, TIOCSWINSZ, &none);
        ::setenv("COLUMNS", "120", 1);
        ::unsetenv("LINES");
        const Terminal terminal;
        return terminal.size().width == 120 && terminal.size().height == 24 ? 0 : 1;
    }));
}

TEST_CASE("keys come without a line end from a terminal") {
    check_clean(on_terminal(
        [] {
            const Terminal terminal;
            return terminal.has_keys() && terminal.read_keys() == std::vector{Key::pause, Key::quit} ? 0 : 1;
        },
        "pq"));
}
