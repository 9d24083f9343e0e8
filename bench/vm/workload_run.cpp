// SPDX-License-Identifier: GPL-2.0-or-later
#include "workload_run.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "workload_loads.hpp"

namespace workload {
namespace {

constexpr std::int64_t second = 1'000'000'000;

// --- the out-of-memory killer ---

constexpr const char* score_file = "/proc/self/oom_score_adj";

void write_score(std::string_view score) {
    const Descriptor file{::open(score_file, O_WRONLY | O_CLOEXEC)};
    if (::write(file.get(), score.data(), score.size()) < 0)
        return;  // only root may be spared; others take their chance
}

// --- pipes as gates: whoever reads waits until nobody is left who could write ---

struct Gate {
    Descriptor waits;
    Descriptor holds;

    Gate() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) fail(errno, "cannot make a pipe", "close other programs");
        waits = Descriptor(ends[0]);
        holds = Descriptor(ends[1]);
    }
    void let_go() { holds = Descriptor(); }
    bool wait(int milliseconds = -1) const {
        pollfd file{waits.get(), POLLIN, 0};
        return ::poll(&file, 1, milliseconds) >
               0;  // nothing is ever written: that it has ended is all there is to it
    }
};

// --- a load's process ---

struct Child {
    const Options& options;
    std::size_t index;
    Board& board;
    Gate& ready;
    Gate& started;
    const sigset_t& signals;
    std::string_view score;

    const Load& load() const { return options.loads[index]; }
    State& state() const { return board.state(index); }

    [[noreturn]] void live(pid_t parent) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (::getppid() != parent) ::_exit(1);
        ::prctl(PR_SET_NAME, load().name.c_str());  // as the kernel's log will call it
        ::sigprocmask(SIG_SETMASK, &signals, nullptr);
        write_score(score);
        started.let_go();
        try {
            work();
        } catch (const std::exception& failure) {
            state().message = {};
            state().say(failure.what());
            ::_exit(1);
        }
        ::_exit(0);
    }

    void work() {
        bind_to_node(load());
        ::mlockall(MCL_CURRENT);  // the program itself, not the memory it is about to press with
        const std::unique_ptr<Work> work = make_work(load(), index);
        const bool from_the_start = load().from == 0;
        if (from_the_start) work->set_up();
        ready.let_go();
        started.wait();
        const std::int64_t start = board.start();
        if (start == 0) ::_exit(1);  // the parent has gone
        sleep_until(start + load().from);
        if (!from_the_start) work->set_up();
        state().ready_at = now();
        Meter meter(options.windows, board.cells(index), state(), start);
        Session session{meter, from_the_start ? start : state().ready_at.load(), start + load().until};
        work->run(session);
        state().ended_at = now();
    }
};

// --- the parent ---

class Parent {
public:
    Parent(const Options& options, Board& board) : options_(options), board_(board) {
        run_.endings.resize(options.loads.size());
        run_.windows.resize(options.windows.size());
        children_.resize(options.loads.size(), 0);
    }
    ~Parent() { kill_all(); }
    Parent(const Parent&) = delete;
    Parent& operator=(const Parent&) = delete;

    Run run() {
        survive();
        fork_all();
        if (all_are_ready()) {
            run_.start = now();
            board_.start() = run_.start;
            started_.let_go();
            const bool to_the_end = measure();
            run_.elapsed_seconds = seconds_since_start(now());
            if (to_the_end) wait_for_all();
        }
        kill_all();
        return std::move(run_);
    }

private:
    void survive() {
        ::sigemptyset(&awaited_);
        for (const int signal : {SIGCHLD, SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&awaited_, signal);
        ::sigprocmask(SIG_BLOCK, &awaited_, &signals_);
        score_ = read_small_file(score_file).value_or("0");
        if (score_.starts_with('-')) score_ = "0";  // whoever is spared starts us, but what presses is not to be
        write_score("-1000");
        run_.locked = ::mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
    }

    void fork_all() {
        const pid_t self = ::getpid();
        for (std::size_t i = 0; i < children_.size(); ++i) {
            const pid_t child = ::fork();
            if (child < 0) fail(errno, "cannot start a process", "use fewer loads");
            if (child == 0) Child{options_, i, board_, ready_, started_, signals_, score_}.live(self);
            children_[i] = child;
        }
        ready_.let_go();
    }

    /// False if the run is over before it began.
    bool all_are_ready() {
        constexpr int a_moment = 100;
        bool ready = false;
        while (!ready && !is_over()) {
            ready = ready_.wait(a_moment);
            wait_for_signal(now());
        }
        return !is_over();
    }

    /// Reads the counters whenever a window's measured part begins or ends. False if the run is over before its end.
    bool measure() {
        for (std::size_t i = 0; i < options_.windows.size(); ++i) {
            const Window& window = options_.windows[i];
            Reading& reading = run_.windows[i];
            const bool follows = i > 0 && options_.windows[i - 1].until == window.measured_from;
            const bool begins = follows || wait_until(run_.start + window.measured_from);
            if (begins) reading.before = follows ? run_.windows[i - 1].after : counters_.read();
            const bool ends = begins && wait_until(run_.start + window.until);
            if (begins) reading.after = counters_.read();
            if (!ends) return false;
        }
        return true;
    }

    /// False if the run is over before.
    bool wait_until(std::int64_t instant) {
        while (now() < instant) {
            wait_for_signal(instant);
            if (is_over()) return false;
        }
        return true;
    }

    /// Returns at that instant, too.
    void wait_for_signal(std::int64_t instant) {
        const std::int64_t left = std::max<std::int64_t>(instant - now(), 0);
        const timespec timeout{left / second, left % second};
        const int signal = ::sigtimedwait(&awaited_, nullptr, &timeout);
        if (signal == SIGCHLD)
            reap();
        else if (signal > 0)
            run_.interrupted = true;
    }

    /// Interrupted, a load did not even come to its start, or none is left but what failed or was killed.
    bool is_over() const {
        bool all_lost = true, not_started = false;
        for (std::size_t i = 0; i < children_.size(); ++i) {
            const Ending& ending = run_.endings[i];
            const bool lost = children_[i] == 0 && ending.how != Ending::How::finished;
            all_lost = all_lost && lost;
            not_started = not_started || (lost && board_.state(i).ready_at == 0 && is_bad(options_.loads[i], ending));
        }
        return run_.interrupted || all_lost || not_started;
    }

    /// What a load has begun when its time is over may take long, but not for ever.
    void wait_for_all() {
        constexpr std::int64_t patience = 60 * second;
        const std::int64_t until = now() + patience;
        const auto is_alive = [](pid_t child) { return child != 0; };
        while (now() < until && !run_.interrupted && std::ranges::any_of(children_, is_alive)) wait_for_signal(until);
        for (std::size_t i = 0; i < children_.size(); ++i)
            if (is_alive(children_[i]) && !run_.interrupted) run_.endings[i] = unending(patience);
    }

    void reap() {
        for (std::size_t i = 0; i < children_.size(); ++i) {
            int status = 0;
            if (children_[i] == 0 || ::waitpid(children_[i], &status, WNOHANG) != children_[i]) continue;
            children_[i] = 0;
            run_.endings[i] = ending_of(i, status);
        }
    }

    Ending ending_of(std::size_t load, int status) {
        State& state = board_.state(load);
        if (state.ended_at == 0) state.ended_at = now();
        Ending ending{Ending::How::finished, 0, seconds_since_start(state.ended_at), state.message.data()};
        if (WIFSIGNALED(status)) {
            ending.how = Ending::How::killed;
            ending.signal = WTERMSIG(status);
            ending.message = fmt::format("killed by signal {} after {:.1f} s", ending.signal, ending.after_seconds);
        } else if (WEXITSTATUS(status) != 0) {
            ending.how = Ending::How::failed;
        } else if (state.errors > 0) {
            ending.how = Ending::How::failed;
            ending.message =
                fmt::format("{} of its operations failed, first: {}", state.errors, state.message.data());
        }
        return ending;
    }

    static Ending unending(std::int64_t patience) {
        return {
            Ending::How::failed, 0, 0,
            fmt::format("was still at work {} s after the end of the run; make the load smaller", patience / second)};
    }

    /// Whoever waits for a device that hangs can't even be killed: that is not waited for.
    void kill_all() {
        constexpr std::int64_t patience = 10 * second;
        for (const pid_t child : children_)
            if (child != 0) ::kill(child, SIGKILL);
        for (const std::int64_t until = now() + patience; now() < until; sleep_until(now() + second / 100)) {
            bool left = false;
            for (pid_t& child : children_) {
                if (child != 0 && ::waitpid(child, nullptr, WNOHANG) == child) child = 0;
                left = left || child != 0;
            }
            if (!left) break;
        }
    }

    double seconds_since_start(std::int64_t instant) const {
        return run_.start == 0 ? 0 : static_cast<double>(instant - run_.start) / static_cast<double>(second);
    }

    const Options& options_;
    Board& board_;
    Counters counters_;
    Gate ready_;
    Gate started_;
    sigset_t awaited_{};
    sigset_t signals_{};
    std::string score_;
    std::vector<pid_t> children_;
    Run run_;
};

}  // namespace

Run run_loads(const Options& options, Board& board) {
    return Parent(options, board).run();
}

bool is_bad(const Load& load, const Ending& ending) {
    if (ending.how == Ending::How::finished) return false;
    return !(ending.how == Ending::How::killed && ending.signal == SIGKILL && load.may_die != 0);
}

}  // namespace workload
