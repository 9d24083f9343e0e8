// SPDX-License-Identifier: GPL-2.0-or-later
#include "ctl/monitor.hpp"

#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "ctl/json.hpp"
#include "ctl/output.hpp"
#include "ctl/signals.hpp"
#include "ctl/text.hpp"
#include "ctl/time_text.hpp"

namespace memtuned::ctl {
namespace {

std::string argument(const Client::Signal& signal, std::string_view name) {
    for (const auto& [key, text] : signal.arguments)
        if (key == name) return text;
    return {};
}

/// ": REASON", or nothing.
std::string because(const std::string& reason) {
    return reason.empty() ? "" : ": " + reason;
}

std::string event_of(const Client::Signal& signal) {
    if (signal.name == "TunableChanged")
        return fmt::format("{} {} -> {}{}{}", argument(signal, "tunable"), argument(signal, "old"),
                           argument(signal, "new"), because(argument(signal, "source")),
                           because(argument(signal, "reason")));
    if (signal.name == "RuleChanged")
        return fmt::format("rule {} {}{}", argument(signal, "rule"), argument(signal, "state"),
                           because(argument(signal, "reason")));
    if (signal.name == "OutsideChange")
        return fmt::format("{} was set to {} by somebody else, memtuned had set {}", argument(signal, "tunable"),
                           argument(signal, "found"), argument(signal, "ours"));
    if (signal.name == "ReloadFailed") return "the reload failed, what ran runs on:";
    if (signal.name == "Gone") return "memtuned left the bus";
    if (signal.name == "Back") return "memtuned is back on the bus";
    return signal.name;
}

}  // namespace

std::string render_signal(const Client::Signal& signal) {
    const std::string diagnostics = argument(signal, "diagnostics");
    return fmt::format("{} {}\n{}", format_local(signal.at), printable(event_of(signal)),
                       diagnostics.empty() ? "" : printable_lines(diagnostics) + "\n");
}

bool Fleeting::operator()(const Client::Signal& signal) {
    if (signal.name != "RuleChanged") return false;
    const std::string now = argument(signal, "state");
    const std::string before = std::exchange(states_[argument(signal, "rule")], now);
    return now == "pending" || (now == "idle" && before == "pending");
}

void monitor(Client& client, bool json, bool all) {
    const SignalReader stop({SIGINT, SIGTERM, SIGHUP});
    Fleeting fleeting;
    client.monitor(
        [&](const Client::Signal& signal) {
            if (fleeting(signal) && !all) return;
            print(json ? to_line(to_json(signal)) : render_signal(signal));
        },
        stop.fd());
}

}  // namespace memtuned::ctl
