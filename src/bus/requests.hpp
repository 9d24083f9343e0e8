// SPDX-License-Identifier: GPL-2.0-or-later
//
// What callers ask to be changed. Each request is checked, then the caller's right to it is asked for, then it is
// carried out and answered; a request that fails changes nothing. What the policy is asked is answered after its next
// turn: an override is written then, or the answer is the kernel's error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bus/answer.hpp"
#include "bus/authority.hpp"
#include "bus/host.hpp"

namespace memtuned::bus {

/// A wish for one tunable, as a caller puts it.
struct Wish {
    std::string tunable;
    std::int64_t value = 0;
    std::uint64_t lifetime_us = 0;  ///< 0: until cleared
    std::string reason;
    bool while_connected = false;
};

class Requests {
public:
    Requests(Host& host, Authority& authority) : host_(host), authority_(authority) {}

    void override_tunable(Answer<> answer, const std::string& sender, Wish wish);
    void clear_override(Answer<> answer, const std::string& sender, const std::string& tunable);
    void release(Answer<> answer, const std::string& sender, const std::string& tunable);
    void switch_profile(Answer<> answer, const std::string& sender, const std::string& name);
    void set_mode(Answer<> answer, const std::string& sender, const std::string& mode);
    void reload(Answer<> answer, const std::string& sender);
    void enable_rule(Answer<> answer, const std::string& sender, const std::string& rule, bool enabled);
    void get_indicators(Answer<std::map<std::string, double>> answer);

    /// The number of a tunable, with a fresh reading. Throws NoSuchTunable with the nearest name.
    std::size_t find(std::string_view tunable);
    /// For a caller whose right the bus itself has seen to.
    void enable_rule_now(const std::string& rule, bool enabled);

    /// The caller has left the bus: what he held ends.
    void forget(const std::string& sender);
    /// A turn has been taken: answers who waits for one.
    void turn_taken();

private:
    struct Waiting {
        Answer<> answer;
        std::size_t tunable = policy::no_tunable;  ///< of an override: what failed with it is the answer
        std::uint64_t id = 0;
    };

    void with_right(Answer<> answer, const std::string& sender, const char* action,
                    std::function<void(std::uint32_t user)> then);
    void answer_after_turn(Waiting waiting);
    void check(const Wish& wish, std::size_t tunable);
    void carry_out(const Answer<>& answer, const std::string& sender, const Wish& wish, std::uint32_t user);
    std::size_t rule_number(std::string_view name);

    Host& host_;
    Authority& authority_;
    std::vector<Waiting> waiting_;
    std::vector<Answer<std::map<std::string, double>>> want_indicators_;
};

}  // namespace memtuned::bus
