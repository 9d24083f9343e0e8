// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names for the completions of the shells. A person who presses Tab wants no error, and no delay: indicators are
// named from the catalogue, as the daemon would measure them all first, and a daemon that does not answer at once is
// as good as none.
#include <unistd.h>

#include <csignal>

#include "ctl/client.hpp"
#include "ctl/commands.hpp"
#include "ctl/output.hpp"
#include "ctl/text.hpp"
#include "memtuned/indicators/catalogue.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::ctl {
namespace {

constexpr unsigned longest_wait = 2;  // seconds

std::vector<std::string> tunable_names(const Objects& objects) {
    std::vector<std::string> names;
    for (const TunableState& tunable : objects.tunables) names.push_back(tunable.name);
    for (const ServiceState& service : objects.services) names.push_back(tunables::score_name(service.unit));
    return names;
}

std::vector<std::string> indicator_names() {
    std::vector<std::string> names;
    for (const indicators::Indicator& indicator : indicators::catalogue()) names.emplace_back(indicator.name);
    return names;
}

std::vector<std::string> names_of(const std::string& kind, const std::string& bus) {
    if (kind == "indicators") return indicator_names();
    Client client(bus);
    if (kind == "profiles") return client.manager().profiles;
    const Objects objects = client.objects();
    if (kind == "tunables") return tunable_names(objects);
    std::vector<std::string> names;
    if (kind == "rules")
        for (const RuleState& rule : objects.rules) names.push_back(rule.name);
    if (kind == "services")
        for (const ServiceState& service : objects.services) names.push_back(service.unit);
    return names;
}

}  // namespace

int complete_names(const Arguments& arguments) {
    std::signal(SIGALRM, [](int) { ::_exit(status::well); });
    ::alarm(longest_wait);
    std::string lines;
    try {
        for (const std::string& name : names_of(arguments.kind, arguments.bus)) lines += printable(name) + "\n";
    } catch (const CallFailed&) {
        return status::well;
    }
    print(lines);
    return status::well;
}

}  // namespace memtuned::ctl
