// SPDX-License-Identifier: GPL-2.0-or-later
//
// The daemon is asked in a thread of its own. A call may take a second (the first for indicators does), and 25 where
// the daemon hangs; keys, a resize and the wish to leave are not to wait for that.
#include "ctl/top.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "ctl/client.hpp"
#include "ctl/sparkline.hpp"
#include "ctl/terminal.hpp"
#include "ctl/top_screen.hpp"
#include "memtuned/kernel/descriptor.hpp"

namespace memtuned::ctl {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::array intervals{milliseconds(500),  milliseconds(1000), milliseconds(2000),
                               milliseconds(3000), milliseconds(5000), milliseconds(10000)};
constexpr milliseconds between_attempts(1000);
/// For ages to go on where nothing else is new.
constexpr milliseconds longest_still(1000);

Realtime now_there() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

int must(int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), what);
    return result;
}

/// The signals of a screen as something to read; blocked as long as this lives, in threads begun meanwhile as well.
class ScreenSignals {
public:
    ScreenSignals() {
        ::sigemptyset(&ours_);
        for (const int signal : {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT})
            ::sigaddset(&ours_, signal);
        ::pthread_sigmask(SIG_BLOCK, &ours_, &before_);
        file_.reset(must(::signalfd(-1, &ours_, SFD_NONBLOCK | SFD_CLOEXEC), "signalfd"));
    }
    ~ScreenSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    ScreenSignals(const ScreenSignals&) = delete;
    ScreenSignals& operator=(const ScreenSignals&) = delete;

    int fd() const { return file_.get(); }
    /// The number of one that came, 0 if none.
    int take() {
        signalfd_siginfo info{};
        return ::read(file_.get(), &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
    }

private:
    sigset_t ours_{};
    sigset_t before_{};
    kernel::Descriptor file_;
};

/// One answer of the daemon, or why there is none.
struct News {
    Snapshot snapshot;
    bool has_indicators = false;
    std::string gone;
};

/// What the thread and the screen share.
struct Mailbox {
    std::mutex mutex;
    std::condition_variable changed;
    bool wanted = false;
    bool over = false;
    bool idle = true;
    bool ended = false;
    std::deque<News> news;
    kernel::Descriptor bell{must(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")};

    void post(News one) {
        const std::scoped_lock lock(mutex);
        news.push_back(std::move(one));
        ring();
    }
    void ring() const {
        const std::uint64_t once = 1;
        (void)!::write(bell.get(), &once, sizeof once);
    }
};

/// Asks the daemon whenever it is wanted, and connects anew after a failure.
class Reader {
public:
    Reader(std::string address, std::unique_ptr<Client> client, std::shared_ptr<Mailbox> box)
        : address_(std::move(address)), client_(std::move(client)), box_(std::move(box)) {}

    void run() {
        while (wait()) {
            try {
                read();
            } catch (const std::exception& failure) {
                client_.reset();
                fresh_ = true;
                box_->post({{}, false, failure.what()});
            }
            const std::scoped_lock lock(box_->mutex);
            box_->idle = true;
        }
        client_.reset();
        const std::scoped_lock lock(box_->mutex);
        box_->ended = true;
        box_->changed.notify_all();
    }

private:
    /// False once it is over.
    bool wait() {
        std::unique_lock lock(box_->mutex);
        box_->changed.wait(lock, [this] { return box_->wanted || box_->over; });
        box_->wanted = false;
        box_->idle = false;
        return !box_->over;
    }

    void read() {
        if (client_ == nullptr) client_ = std::make_unique<Client>(address_);
        News news;
        news.snapshot.manager = client_->manager();
        news.snapshot.objects = client_->objects();
        // The first indicators take the daemon a second.
        if (std::exchange(fresh_, false)) box_->post(news);
        news.snapshot.indicators = client_->indicators();
        news.has_indicators = true;
        box_->post(std::move(news));
    }

    std::string address_;
    std::unique_ptr<Client> client_;
    std::shared_ptr<Mailbox> box_;
    bool fresh_ = true;  ///< nothing was read through this client
};

/// The thread that asks.
class Feed {
public:
    Feed(const std::string& address, std::unique_ptr<Client> client)
        : thread_([reader = Reader(address, std::move(client), box_)]() mutable { reader.run(); }) {}
    /// A thread that waits for a daemon which hangs is left to itself: it ends with the process.
    ~Feed() {
        std::unique_lock lock(box_->mutex);
        box_->over = true;
        box_->changed.notify_all();
        const bool ended = box_->changed.wait_for(lock, milliseconds(200), [this] { return box_->ended; });
        lock.unlock();
        ended ? thread_.join() : thread_.detach();
    }
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    /// Nothing where it is asking already.
    void ask() {
        const std::scoped_lock lock(box_->mutex);
        if (!box_->idle) return;
        box_->wanted = true;
        box_->changed.notify_all();
    }
    int fd() const { return box_->bell.get(); }
    std::deque<News> take() {
        std::uint64_t rings = 0;
        (void)!::read(fd(), &rings, sizeof rings);
        const std::scoped_lock lock(box_->mutex);
        return std::exchange(box_->news, {});
    }

private:
    std::shared_ptr<Mailbox> box_ = std::make_shared<Mailbox>();
    std::thread thread_;
};

/// The screen, what is on it, and what comes in.
class Top {
public:
    Top(const std::string& address, std::unique_ptr<Client> client, milliseconds interval)
        : feed_(address, std::move(client)) {
        view_.interval = interval;
        view_.utf8 = locale_is_utf8();
    }

    void run() {
        feed_.ask();
        next_ = Clock::now() + view_.interval;
        while (!over_) {
            draw();
            wait();
            take_signals();
            take_news();
            if (!view_.paused && Clock::now() >= next_) ask();
        }
    }

private:
    void draw() {
        const Size size = terminal_.size();
        view_.width = size.width;
        view_.height = size.height;
        if (!view_.paused) now_ = now_there();
        const Screen screen = render(snapshot_, history_, view_, now_);
        view_.scrolled = std::clamp(view_.scrolled, 0, screen.beyond);
        beyond_ = screen.beyond;
        terminal_.draw(screen.lines, !view_.gone.empty());
    }

    int patience() const {
        const auto until_next = std::chrono::ceil<milliseconds>(next_ - Clock::now());
        const milliseconds longest = view_.paused ? longest_still : std::min(longest_still, until_next);
        return static_cast<int>(std::max(milliseconds(0), longest).count());
    }

    void wait() {
        pollfd files[] = {{signals_.fd(), POLLIN, 0},
                          {feed_.fd(), POLLIN, 0},
                          {terminal_.has_keys() ? STDIN_FILENO : -1, POLLIN, 0}};
        if (::poll(files, std::size(files), patience()) > 0 && files[2].revents != 0)
            for (const Key key : terminal_.read_keys()) press(key);
    }

    void ask() {
        feed_.ask();
        const auto pace = view_.gone.empty() ? view_.interval : between_attempts;
        next_ = std::max(next_ + pace, Clock::now());
    }

    void take_news() {
        for (News& news : feed_.take()) {
            view_.gone = news.gone;
            if (!news.gone.empty()) {
                next_ = Clock::now() + between_attempts;
                continue;
            }
            if (news.has_indicators) history_.record(BootClock::now(), news.snapshot.indicators);
            if (!news.has_indicators) news.snapshot.indicators = std::move(snapshot_.indicators);
            snapshot_ = std::move(news.snapshot);
        }
    }

    void take_signals() {
        while (const int signal = signals_.take()) {
            if (signal == SIGWINCH) continue;  // every frame asks for the size
            if (signal == SIGTSTP)
                stop();
            else if (signal == SIGCONT)
                terminal_.enter();
            else
                over_ = true;
        }
    }

    /// Goes on with SIGCONT, which is blocked and so read after this.
    void stop() {
        terminal_.leave();
        ::raise(SIGSTOP);
    }

    void press(Key key) {
        const int page = std::max(1, view_.height - 4);
        switch (key) {
            case Key::quit: over_ = true; break;
            case Key::pause: pause(); break;
            case Key::longer: change_interval(1); break;
            case Key::shorter: change_interval(-1); break;
            case Key::up: scroll(-1); break;
            case Key::down: scroll(1); break;
            case Key::page_up: scroll(-page); break;
            case Key::page_down: scroll(page); break;
            case Key::home: scroll(-beyond_); break;
            case Key::end: scroll(beyond_); break;
            case Key::help: view_.help = !view_.help; break;
            case Key::redraw: terminal_.enter(); break;
        }
    }

    void pause() {
        view_.paused = !view_.paused;
        next_ = Clock::now();
    }

    void scroll(int lines) { view_.scrolled = std::clamp(view_.scrolled + lines, 0, beyond_); }

    /// To the next of the intervals in that direction.
    void change_interval(int direction) {
        const auto above = std::ranges::upper_bound(intervals, view_.interval);
        const auto from = std::ranges::lower_bound(intervals, view_.interval);
        if (direction > 0 && above != intervals.end()) view_.interval = *above;
        if (direction < 0 && from != intervals.begin()) view_.interval = *std::prev(from);
        next_ = Clock::now() + view_.interval;
    }

    ScreenSignals signals_;  // before the thread, which inherits what is blocked
    Feed feed_;
    Terminal terminal_;
    TopView view_;
    Snapshot snapshot_;
    History history_;
    Realtime now_ = now_there();
    Clock::time_point next_{};
    int beyond_ = 0;
    bool over_ = false;
};

int print_once(Client& client) {
    TopView view;
    const char* columns = std::getenv("COLUMNS");
    const int width = columns != nullptr ? std::atoi(columns) : 0;
    view.width = width > 0 ? std::min(width, 1000) : 100;
    view.utf8 = locale_is_utf8();
    const Snapshot snapshot{client.manager(), client.objects(), client.indicators()};
    for (const Line& line : render(snapshot, {}, view, now_there()).lines) std::puts(plain_text(line).c_str());
    return std::fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool can_be_a_screen() {
    const char* kind = std::getenv("TERM");
    return ::isatty(STDOUT_FILENO) == 1 && kind != nullptr && std::string_view(kind) != "dumb";
}

milliseconds interval_of(const TopOptions& options) {
    const double asked = std::isfinite(options.interval_seconds) ? options.interval_seconds : 1;
    const double longest = std::chrono::duration<double>(intervals.back()).count();
    const double shortest = std::chrono::duration<double>(intervals.front()).count();
    return milliseconds(std::lround(std::clamp(asked, shortest, longest) * 1000));
}

}  // namespace

int run_top(const std::string& address, const TopOptions& options) {
    auto client = std::make_unique<Client>(address);
    if (options.once || !can_be_a_screen()) return print_once(*client);
    try {
        Top(address, std::move(client), interval_of(options)).run();
    } catch (...) {
        // Caught so that the terminal is put back even where nobody above catches it.
        throw;
    }
    return EXIT_SUCCESS;
}

}  // namespace memtuned::ctl
