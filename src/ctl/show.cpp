// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include "ctl/client.hpp"
#include "ctl/commands.hpp"
#include "ctl/explain.hpp"
#include "ctl/indicators.hpp"
#include "ctl/json.hpp"
#include "ctl/lists.hpp"
#include "ctl/monitor.hpp"
#include "ctl/output.hpp"
#include "ctl/status.hpp"

namespace memtuned::ctl {
namespace {

/// Either as a person reads it or as a program does.
template <class T>
int show(const Arguments& arguments, const T& what, std::string (*render)(const T&, const View&)) {
    print(arguments.json ? to_text(to_json(what)) : render(what, current_view()));
    return status::well;
}

}  // namespace

int show_status(const Arguments& arguments) {
    Client client(arguments.bus);
    const StatusReport report{client.manager(), client.objects()};
    return show(arguments, report, render_status);
}

int show_top(const Arguments& arguments) {
    return run_top(arguments.bus, arguments.top);
}

int show_indicators(const Arguments& arguments) {
    const std::map<std::string, double> found = matching(Client(arguments.bus).indicators(), arguments.pattern);
    if (found.empty() && !arguments.pattern.empty())
        throw CallFailed(status::not_so, fmt::format("no indicator fits `{}`; `memtunectl indicators` lists them",
                                                     arguments.pattern));
    return show(arguments, found, render_indicators);
}

int show_tunables(const Arguments& arguments) {
    return show(arguments, Client(arguments.bus).objects().tunables, render_tunables);
}

int show_rules(const Arguments& arguments) {
    return show(arguments, Client(arguments.bus).objects().rules, render_rules);
}

int show_services(const Arguments& arguments) {
    return show(arguments, Client(arguments.bus).objects().services, render_services);
}

int show_explanation(const Arguments& arguments) {
    Client client(arguments.bus);
    return show(arguments, explain(client, arguments.tunable), render_explanation);
}

int show_history(const Arguments& arguments) {
    return show(arguments, Client(arguments.bus).history(arguments.most), render_history);
}

int show_events(const Arguments& arguments) {
    Client client(arguments.bus);
    monitor(client, arguments.json, arguments.all);
    return status::well;
}

}  // namespace memtuned::ctl
