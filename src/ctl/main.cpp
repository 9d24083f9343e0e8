// SPDX-License-Identifier: GPL-2.0-or-later
//
// memtunectl: talks to the daemon over the bus. Exit status: 0 well, 1 the thing asked for is not so, 2 usage, 3 the
// daemon is not reachable, 4 not authorized; with --while the command's own.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string_view>

#include "ctl/client.hpp"
#include "ctl/commands.hpp"
#include "ctl/output.hpp"
#include "ctl/text.hpp"

namespace {

using namespace memtuned::ctl;

/// What the arguments came to.
struct Invocation {
    Arguments arguments;
    Command command = show_status;
};

void add_bus(CLI::App& app, Invocation& invocation) {
    app.add_option("--bus", invocation.arguments.bus,
                   "Bus the daemon is on: system, session or a D-Bus address (default: $MEMTUNED_BUS, else system)")
        ->type_name("BUS");
}

void add_json(CLI::App& app, Invocation& invocation) {
    app.add_flag("--json", invocation.arguments.json, "Print JSON");
}

CLI::App& add_command(CLI::App& app, Invocation& invocation, const char* name, const char* what, Command command) {
    CLI::App* added = app.add_subcommand(name, what);
    added->callback([&invocation, command] { invocation.command = command; });
    return *added;
}

/// One that asks the daemon, and prints.
CLI::App& add_view(CLI::App& app, Invocation& invocation, const char* name, const char* what, Command command) {
    CLI::App& added = add_command(app, invocation, name, what, command);
    add_bus(added, invocation);
    add_json(added, invocation);
    return added;
}

/// One that asks the daemon for a change.
CLI::App& add_change(CLI::App& app, Invocation& invocation, const char* name, const char* what, Command command) {
    CLI::App& added = add_command(app, invocation, name, what, command);
    add_bus(added, invocation);
    return added;
}

CLI::Option& add_tunable(CLI::App& command, Invocation& invocation) {
    return *command
                .add_option("TUNABLE", invocation.arguments.tunable,
                            "Its name: vm.swappiness, or oom_score_adj.UNIT for a service's")
                ->required();
}

void add_rule(CLI::App& command, Invocation& invocation) {
    command.add_option("RULE", invocation.arguments.rule, "Its name in the active profile")->required();
}

void declare_views(CLI::App& app, Invocation& invocation) {
    Arguments& arguments = invocation.arguments;
    add_view(app, invocation, "status", "What memtuned does at the moment (the default)", show_status);
    CLI::App& top = add_change(app, invocation, "top", "The same and more, live", show_top);
    top.add_option("-d,--interval", arguments.top.interval_seconds, "Seconds between two looks")
        ->type_name("SECONDS")
        ->check(CLI::Range(0.1, 3600.0))
        ->capture_default_str();
    top.add_flag("--once", arguments.top.once, "Print one frame and end");
    add_view(app, invocation, "indicators", "What memtuned measures", show_indicators)
        .add_option("PATTERN", arguments.pattern, "Only names that fit, * and ? as in a shell: 'psi.*'");
    add_view(app, invocation, "tunables", "What memtuned may set, and how it stands", show_tunables);
    add_view(app, invocation, "rules", "The rules of the active profile", show_rules);
    add_view(app, invocation, "services", "Units of systemd, their memory and their oom_score_adj", show_services);
    add_tunable(add_view(app, invocation, "explain", "Why a tunable has its value", show_explanation), invocation);
    add_view(app, invocation, "history", "What memtuned wrote and why, the latest last", show_history)
        .add_option("-n,--most", arguments.most, "How many at most; 0: all that are remembered")
        ->type_name("N")
        ->capture_default_str();
    add_view(app, invocation, "monitor", "Say what happens as it happens, until Ctrl-C", show_events)
        .add_flag("--all", arguments.all, "Also say when a rule is about to act, and when it no longer is");
}

void declare_override(CLI::App& app, Invocation& invocation, std::string& unused) {
    Arguments& arguments = invocation.arguments;
    CLI::App& command = add_change(app, invocation, "override", "Hold a value, above all rules", override_tunable);
    add_tunable(command, invocation);
    command
        .add_option("VALUE", arguments.value,
                    "In the kernel's unit as in sysctl.conf, or with a unit of its own: 64MiB, 20%")
        ->required();
    CLI::Option* lifetime =
        command
            .add_option("--for", arguments.lifetime, "For so long: 90s, 30m, 1h30m (default: until it is cleared)")
            ->type_name("DURATION");
    command.add_option("--reason", arguments.reason, "For those who ask why")->type_name("TEXT");
    command
        .add_option(
            "--while", unused,
            "Run COMMAND, and hold the value until it ends; takes the rest of the line, and its exit status is "
            "that of memtunectl")
        ->type_name("COMMAND...")
        ->excludes(lifetime);
}

void declare_changes(CLI::App& app, Invocation& invocation) {
    Arguments& arguments = invocation.arguments;
    add_tunable(add_change(app, invocation, "clear", "End all overrides of a tunable", clear_override), invocation);
    add_tunable(add_change(app, invocation, "release", "Take up again what was left to somebody else, or is frozen",
                           release_tunable),
                invocation);
    add_rule(add_change(app, invocation, "enable", "Let a rule act again", enable_rule), invocation);
    add_rule(add_change(app, invocation, "disable", "Keep a rule from acting, until memtuned ends", disable_rule),
             invocation);
    add_view(app, invocation, "profile", "List the profiles, or run another one", tell_or_switch_profile)
        .add_option("NAME", arguments.profile, "Profile to run");
    add_view(app, invocation, "mode", "Tell the mode, or set it", tell_or_set_mode)
        .add_option("MODE", arguments.mode, "enforce: write; observe: decide and say everything, write nothing")
        ->check(CLI::IsMember({"enforce", "observe"}));
    add_change(app, invocation, "reload", "Read configuration and rules again", reload);
}

void declare_check(CLI::App& app, Invocation& invocation) {
    Arguments& arguments = invocation.arguments;
    CLI::App& command = add_command(app, invocation, "check",
                                    "Check files as memtuned would load them; needs no daemon", check_files);
    add_json(command, invocation);
    command.add_option("FILE", arguments.files, "Rule files, or a memtuned.toml")->required();
    command.add_option("--config", arguments.check.config, "Configuration they are checked against")
        ->type_name("FILE");
    command.add_option("--rules", arguments.check.folders, "Look for profiles here; may be repeated")
        ->type_name("DIR")
        ->allow_extra_args(false);
    command.add_option("--root", arguments.check.root, "Folder that stands for /")->type_name("DIR");
}

void declare_completion(CLI::App& app, Invocation& invocation) {
    CLI::App& command = add_command(app, invocation, "complete", "", complete_names);
    command.group("");
    add_bus(command, invocation);
    command.add_option("KIND", invocation.arguments.kind)
        ->required()
        ->check(CLI::IsMember({"tunables", "rules", "profiles", "services", "indicators"}));
}

void set_default_bus(std::string& bus) {
    if (!bus.empty()) return;
    const char* chosen = std::getenv("MEMTUNED_BUS");
    bus = chosen != nullptr && *chosen != '\0' ? chosen : "system";
}

/// Everything behind --while belongs to the command, also what looks like an option of ours. A word in its place
/// keeps the rest of the line for CLI11 to judge.
std::vector<std::string> take_command(std::vector<std::string>& words) {
    const auto override_word = std::find(words.begin(), words.end(), "override");
    const auto option = std::find(override_word, words.end(), "--while");
    if (option == words.end() || option + 1 == words.end()) return {};
    std::vector<std::string> command(option + 1, words.end());
    words.erase(option, words.end());
    words.emplace_back("--while=COMMAND");
    return command;
}

int run(const Invocation& invocation) {
    // The command behind --while inherits it.
    if (invocation.arguments.command.empty()) std::signal(SIGPIPE, SIG_IGN);
    return invocation.command(invocation.arguments);
}

int report(std::string_view message, int exit_status) {
    fmt::print(stderr, "memtunectl: {}\n", printable_lines(message));
    return exit_status;
}

}  // namespace

int main(int argc, char** argv) {
    std::setlocale(LC_ALL, "");
    Invocation invocation;
    std::string unused;
    CLI::App app("Talks to memtuned, the daemon that keeps the kernel's memory tunables right.", "memtunectl");
    app.set_version_flag("--version", MEMTUNED_VERSION);
    app.require_subcommand(0, 1);
    add_bus(app, invocation);
    add_json(app, invocation);
    declare_views(app, invocation);
    declare_override(app, invocation, unused);
    declare_changes(app, invocation);
    declare_check(app, invocation);
    declare_completion(app, invocation);

    std::vector<std::string> words(argv + 1, argv + argc);
    invocation.arguments.command = take_command(words);
    std::reverse(words.begin(), words.end());  // as CLI11 takes them
    try {
        app.parse(words);
    } catch (const CLI::ParseError& stop) {
        return app.exit(stop) == 0 ? status::well : status::usage;
    }
    set_default_bus(invocation.arguments.bus);
    try {
        return run(invocation);
    } catch (const CallFailed& failure) {
        return report(failure.what(), failure.status());
    } catch (const UsageError& error) {
        return report(error.what(), status::usage);
    } catch (const OutputClosed&) {
        return status::well;
    } catch (const std::exception& failure) {
        return report(failure.what(), status::not_so);
    }
}
