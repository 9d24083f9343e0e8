// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/authority.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "bus/names.hpp"

namespace memtuned::bus {
namespace {

/// One caller can have so many questions open, so that he does not keep others waiting; the system bus allows him 128
/// calls without an answer in any case.
constexpr std::ptrdiff_t most_of_one = 16;
/// And all together so many: each is a call that the bus remembers for us.
constexpr std::size_t most_in_all = 512;

/// As long as polkit's own agents give a person for the password.
constexpr std::chrono::minutes longest_thought{2};

/// Polkit may ask the person at the terminal or on the screen.
constexpr std::uint32_t interaction_allowed = 1;

using Details = std::map<std::string, std::string>;
using Subject = sdbus::Struct<std::string, std::map<std::string, sdbus::Variant>>;
using Permission = sdbus::Struct<bool, bool, Details>;

}  // namespace

Authority::Authority(sdbus::IConnection& connection)
    : bus_(sdbus::createProxy(connection, ServiceName("org.freedesktop.DBus"), ObjectPath("/org/freedesktop/DBus"))),
      polkit_(sdbus::createProxy(connection, ServiceName("org.freedesktop.PolicyKit1"),
                                 ObjectPath("/org/freedesktop/PolicyKit1/Authority"))) {}

void Authority::ask(const std::string& sender, const char* action, Then then) {
    const auto of_sender = std::count_if(questions_.begin(), questions_.end(),
                                         [&](const auto& known) { return known.second.sender == sender; });
    if (of_sender >= most_of_one)
        throw make_error(error::busy,
                         fmt::format("{} calls of yours wait to be authorized; try again later", of_sender));
    if (questions_.size() >= most_in_all)
        throw make_error(error::busy, "too many calls wait to be authorized; try again later");
    const std::uint64_t number = ++last_;
    questions_.emplace(number, Question{sender, action, std::move(then)});
    bus_->callMethodAsync("GetConnectionUnixUser")
        .onInterface("org.freedesktop.DBus")
        .withArguments(sender)
        .uponReplyInvoke([this, number](CallError error, std::uint32_t user) {
            const auto question = questions_.find(number);
            if (question == questions_.end()) return;
            question->second.user = user;
            if (error)
                settle(number, fmt::format("who you are is not to be found out: {}", error->getMessage()));
            else if (user == 0 || user == ::geteuid())
                settle(number, {});
            else
                ask_polkit(number);
        });
}

void Authority::ask_polkit(std::uint64_t number) {
    const Question& question = questions_.at(number);
    const Subject caller{"system-bus-name", {{"name", sdbus::Variant{question.sender}}}};
    polkit_->callMethodAsync("CheckAuthorization")
        .onInterface("org.freedesktop.PolicyKit1.Authority")
        .withTimeout(longest_thought)
        .withArguments(caller, std::string(question.action), Details{}, interaction_allowed, std::string())
        .uponReplyInvoke([this, number, action = question.action](CallError error, const Permission& permission) {
            if (error)
                settle(number, fmt::format("only root may do this here, for polkit does not answer: {}",
                                           error->getMessage()));
            else
                settle(number, permission.template get<0>()
                                   ? std::string()
                                   : fmt::format("polkit does not grant you the action {}", action));
        });
}

void Authority::settle(std::uint64_t number, const std::string& refusal) {
    const auto known = questions_.find(number);
    if (known == questions_.end()) return;
    const Question question = std::move(known->second);
    questions_.erase(known);
    question.then(refusal.empty() ? Verdict{question.user, {}} : Verdict{std::nullopt, refusal});
}

void Authority::forget(const std::string& sender) {
    std::erase_if(questions_, [&](const auto& known) { return known.second.sender == sender; });
}

}  // namespace memtuned::bus
