// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who may do what: root, and whoever the daemon runs as, everything, also where no polkit runs; anybody else what
// polkit allows. Nothing here waits for an answer: the loop goes on while a person types a password.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "bus/sdbus.hpp"

namespace memtuned::bus {

class Authority {
public:
    /// The connection must outlive it.
    explicit Authority(sdbus::IConnection& connection);

    /// The user of the caller, if he may; else why not.
    struct Verdict {
        std::optional<std::uint32_t> user;
        std::string refusal;
    };
    using Then = std::function<void(const Verdict&)>;

    /// Calls `then` once it is known whether `sender` may do `action`; never if he leaves the bus before.
    void ask(const std::string& sender, const char* action, Then then);

    /// The caller has left the bus: nothing that he asked for happens any more.
    void forget(const std::string& sender);

private:
    struct Question {
        std::string sender;
        const char* action;
        Then then;
        std::uint32_t user = 0;
    };

    void ask_polkit(std::uint64_t number);
    void settle(std::uint64_t number, const std::string& refusal);

    std::unique_ptr<sdbus::IProxy> bus_;
    std::unique_ptr<sdbus::IProxy> polkit_;
    std::map<std::uint64_t, Question> questions_;
    std::uint64_t last_ = 0;
};

}  // namespace memtuned::bus
