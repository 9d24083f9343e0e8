// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <cstdio>

#include "ctl/client.hpp"
#include "ctl/command_run.hpp"
#include "ctl/commands.hpp"
#include "ctl/json.hpp"
#include "ctl/lists.hpp"
#include "ctl/output.hpp"
#include "ctl/value.hpp"

namespace memtuned::ctl {
namespace {

template <class T>
T value_or_usage(const Result<T>& result) {
    if (!result) throw UsageError(result.error().message);
    return *result;
}

/// A tunable that is unknown here may be known to a newer daemon, which is asked, if the value needs no knowledge.
std::int64_t value_for(const std::string& name, const std::string& text) {
    const tunables::Tunable* tunable = find_tunable(name);
    if (tunable != nullptr) return value_or_usage(parse_value(text, *tunable));
    const Result<std::int64_t> plain = parse_integer(text);
    if (plain) return *plain;
    throw CallFailed(status::not_so, fmt::format("there is no tunable `{}`; `memtunectl tunables` lists them", name));
}

/// Otherwise an override that was accepted and one that was written look the same.
void note_if_observing(Client& client) {
    if (client.manager().mode == "observe")
        fmt::print(stderr, "memtunectl: memtuned only observes: nothing was written\n");
}

}  // namespace

int override_tunable(const Arguments& arguments) {
    const std::int64_t value = value_for(arguments.tunable, arguments.value);
    const auto lifetime = arguments.lifetime.empty() ? std::chrono::microseconds(0)
                                                     : value_or_usage(parse_lifetime(arguments.lifetime));
    Client client(arguments.bus);
    if (!arguments.command.empty()) {
        const std::string reason =
            arguments.reason.empty() ? fmt::format("while {} runs", arguments.command.front()) : arguments.reason;
        return run_with_override(client, {arguments.tunable, value, reason}, arguments.command);
    }
    client.override_tunable(arguments.tunable, value, lifetime, arguments.reason);
    note_if_observing(client);
    return status::well;
}

int clear_override(const Arguments& arguments) {
    Client(arguments.bus).clear_override(arguments.tunable);
    return status::well;
}

int release_tunable(const Arguments& arguments) {
    Client(arguments.bus).release(arguments.tunable);
    return status::well;
}

int enable_rule(const Arguments& arguments) {
    Client(arguments.bus).enable_rule(arguments.rule, true);
    return status::well;
}

int disable_rule(const Arguments& arguments) {
    Client(arguments.bus).enable_rule(arguments.rule, false);
    return status::well;
}

int tell_or_switch_profile(const Arguments& arguments) {
    Client client(arguments.bus);
    if (!arguments.profile.empty()) {
        client.switch_profile(arguments.profile);
        return status::well;
    }
    const ManagerState manager = client.manager();
    print(arguments.json ? to_text({{"active", manager.profile}, {"profiles", manager.profiles}})
                         : render_profiles(manager, current_view()));
    return status::well;
}

int tell_or_set_mode(const Arguments& arguments) {
    Client client(arguments.bus);
    if (!arguments.mode.empty()) {
        client.set_mode(arguments.mode);
        return status::well;
    }
    const std::string mode = client.manager().mode;
    print(arguments.json ? to_text({{"mode", mode}}) : mode + "\n");
    return status::well;
}

int reload(const Arguments& arguments) {
    Client(arguments.bus).reload();
    return status::well;
}

}  // namespace memtuned::ctl
