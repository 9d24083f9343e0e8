// SPDX-License-Identifier: GPL-2.0-or-later
//
// Presses on memory as real workloads do, and measures what they see of it: the programs that docs and tuning talk of
// (a cache that is streamed through, bursts of allocation, a hot set that just fits, a bulk writer beside small
// fsyncs), small enough to run in an emulated machine of 512 MiB. Nothing but the C++ library, libfmt and system
// calls, so that it can be linked statically and carried into any guest:
//
//   g++ -std=c++20 -O2 -static -DFMT_HEADER_ONLY bench/vm/workload*.cpp -o workload
//
// What makes its figures worth something:
// - Each load is a process: the kernel can kill, bind and charge it by itself, and what it measured up to then is
// kept.
// - The parent is locked in memory, is spared by the OOM killer as far as it may be, and is asleep but for the edges
// of
//   windows, where it reads counters into buffers it has had from the beginning.
// - Measuring allocates nothing and writes only to memory that is locked.
// - Latencies are kept for each operation and not as means, and belong to the window in which the operation began.
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "workload_board.hpp"
#include "workload_options.hpp"
#include "workload_report.hpp"
#include "workload_run.hpp"
#include "workload_system.hpp"

namespace workload {
namespace {

constexpr std::string_view standard_output = "-";

/// Before the run, so that nobody waits for a report that can't be written.
Descriptor open_report(const std::string& path) {
    if (path.empty()) return Descriptor();
    if (path == standard_output) return Descriptor(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
    Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644)};
    if (!file.open()) fail(errno, fmt::format("cannot open {}", path), "choose another file for --json");
    return file;
}

void write_report(const Descriptor& file, std::string_view text) {
    while (file.open() && !text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0) fail(errno, "cannot write the JSON", "choose another file for --json");
        text.remove_prefix(static_cast<std::size_t>(written));
    }
}

void warn_of_slow_clock(const Clock& clock) {
    constexpr double slow_ns = 1000;
    if (clock.reading_ns > slow_ns)
        fmt::print(stderr,
                   "workload: reading the clock ({}) takes {:.1f} us, and so every latency is longer by that; "
                   "boot with tsc=reliable if this is an emulated machine\n",
                   clock.source, clock.reading_ns / 1e3);
}

/// Says what went wrong; returns the exit status.
int judge(const Options& options, const Run& run) {
    int status = run.interrupted ? 1 : 0;
    for (std::size_t i = 0; i < options.loads.size(); ++i) {
        const Load& load = options.loads[i];
        const Ending& ending = run.endings[i];
        if (!is_bad(load, ending)) continue;
        status = 1;
        if (ending.how == Ending::How::stopped) continue;  // by what another one did, or by a signal to us
        const bool may_die_helps = ending.how == Ending::How::killed && ending.signal == SIGKILL;
        fmt::print(stderr, "workload: {}: {}{}\n", load.name, ending.message,
                   may_die_helps ? "; say may-die=1 if that is no failure" : "");
    }
    if (run.interrupted) fmt::print(stderr, "workload: interrupted after {:.1f} s\n", run.elapsed_seconds);
    return status;
}

int press(const Options& options) {
    check_nodes(options.loads);
    const Descriptor json = open_report(options.json);
    const Clock clock = measure_clock();
    warn_of_slow_clock(clock);
    prepare_files(options.loads);
    Board board(options.loads.size(), options.windows.size());
    const Run run = run_loads(options, board);
    const Report report{options, run, clock, board};
    write_report(json, as_json(report));
    fmt::print(options.json == standard_output ? stderr : stdout, "{}", as_table(report));
    std::fflush(stdout);
    return judge(options, run);
}

int start(std::span<char* const> arguments) try {
    const Options options = parse_options(arguments);
    if (!options.help) return press(options);
    fmt::print("{}", help_text());
    return 0;
} catch (const UsageError& error) {
    fmt::print(stderr, "workload: {}\n", error.what());
    return 2;
} catch (const std::exception& failure) {
    fmt::print(stderr, "workload: {}\n", failure.what());
    return 1;
}

}  // namespace
}  // namespace workload

int main(int argc, char** argv) {
    return workload::start({argv + 1, static_cast<std::size_t>(argc > 0 ? argc - 1 : 0)});
}
