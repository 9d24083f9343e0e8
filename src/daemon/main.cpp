// SPDX-License-Identifier: GPL-2.0-or-later
//
// memtuned: arguments, configuration, then one of its few ways to run. Exit status: 0 well, 1 the thing asked for is
// not so (a file does not check, a value could not be put back, the daemon could not start), 2 usage.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

#include "daemon/configuration.hpp"
#include "daemon/daemon.hpp"
#include "daemon/indicator_table.hpp"
#include "daemon/log.hpp"
#include "daemon/options.hpp"

namespace {

using namespace memtuned;

constexpr int well = 0;
constexpr int not_so = 1;
constexpr int usage = 2;

struct Arguments {
    daemon::Options options;
    std::vector<std::string> files;
    bool check = false;
    bool indicators = false;
    bool json = false;
    bool restore = false;
};

void declare(CLI::App& app, Arguments& arguments) {
    daemon::Options& options = arguments.options;
    app.set_version_flag("--version", MEMTUNED_VERSION);
    app.add_flag_callback(
        "--observe", [&options] { options.observe = true; }, "Decide and say everything, write nothing");
    app.add_option("--bus", options.bus, "Where to be found: system, session, none, or a D-Bus address")
        ->type_name("BUS")
        ->capture_default_str();
    app.add_option("--config", options.config,
                   "Configuration file (default: /etc/memtuned/memtuned.toml, if it exists)")
        ->type_name("FILE");
    app.add_option("--profile", options.profile, "Profile to run, in place of the configured one")->type_name("NAME");
    app.add_option("--rules", options.folders,
                   "Look for profiles here, in place of the configured folders; may be repeated")
        ->type_name("DIR")
        ->allow_extra_args(false);
    app.add_option("--root", options.root, "Folder that stands for / when kernel and state files are opened")
        ->type_name("DIR");
    app.add_flag("--verbose", options.verbose, "Say more");
    CLI::Option* check =
        app.add_flag("--check", arguments.check,
                     "Check FILEs as the daemon would load them (without FILE: what is configured), and exit");
    CLI::Option* indicators = app.add_flag("--indicators", arguments.indicators,
                                           "Print every indicator with its value on this machine, and exit");
    app.add_flag("--json", arguments.json, "Print JSON")->needs(indicators);
    CLI::Option* restore =
        app.add_flag("--restore", arguments.restore, "Put back what a killed memtuned left changed, and exit");
    app.add_option("FILE", arguments.files, "Rule files, or a memtuned.toml")->needs(check);
    check->excludes(indicators)->excludes(restore);
    indicators->excludes(restore);
}

int check(const Arguments& arguments) {
    rules::Diagnostics diagnostics;
    for (const std::string& file : arguments.files) daemon::check_file(arguments.options, file, diagnostics);
    if (arguments.files.empty()) daemon::load_configuration(arguments.options, diagnostics);
    std::fputs(diagnostics.render_all().c_str(), stderr);
    if (!diagnostics.has_errors()) {
        fmt::print("{}: no errors\n",
                   arguments.files.empty() ? "configuration" : fmt::format("{}", fmt::join(arguments.files, ", ")));
        return well;
    }
    fmt::print(stderr, "\n{} error{}\n", diagnostics.errors(), diagnostics.errors() == 1 ? "" : "s");
    return not_so;
}

int restore(const daemon::Options& options) {
    const kernel::Root root(options.root);
    const Result<daemon::InstanceLock> lock = daemon::InstanceLock::take(root / "run/memtuned/lock");
    tunables::Journal journal = daemon::make_journal(root);
    const Status loaded = lock ? journal.load() : Status(lock.error());
    if (!loaded) {
        spdlog::error("{}", loaded.error().message);
        return not_so;
    }
    if (journal.entries().empty() && journal.scores().empty()) {
        spdlog::info("nothing to put back");
        return well;
    }
    kernel::ProcSysctls sysctls(root);
    tunables::Controller controller(root, sysctls, journal, tunables::Mode::enforce);
    kernel::Units units(root);
    kernel::ProcProcesses processes(root);
    if (!journal.scores().empty()) {
        if (const Status walked = units.start(); !walked) spdlog::warn("{}", walked.error().message);
        controller.look_after(units, processes);
    }
    return daemon::report_restored(controller.restore_all([](std::size_t) { return false; })) ? well : not_so;
}

int run(const daemon::Options& options) {
    rules::Diagnostics diagnostics;
    std::optional<daemon::Configuration> configuration = daemon::load_configuration(options, diagnostics);
    std::fputs(diagnostics.render_all().c_str(), stderr);
    if (!configuration) return not_so;
    daemon::Daemon daemon(options, std::move(*configuration));
    if (const Status started = daemon.start(); !started) {
        spdlog::error("{}", started.error().message);
        return not_so;
    }
    return daemon.run();
}

}  // namespace

int main(int argc, char** argv) {
    Arguments arguments;
    CLI::App app("Keeps the kernel's memory tunables right for the work the machine does now.", "memtuned");
    declare(app, arguments);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& stop) {
        return app.exit(stop) == 0 ? well : usage;
    }
    try {
        daemon::set_up_log(arguments.options.verbose);
        if (arguments.check) return check(arguments);
        if (arguments.restore) return restore(arguments.options);
        if (arguments.indicators) {
            fmt::print("{}", daemon::indicator_table(kernel::Root(arguments.options.root), arguments.json));
            return well;
        }
        return run(arguments.options);
    } catch (const std::exception& failure) {
        spdlog::error("{}", failure.what());
        return not_so;
    }
}
