// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace memtuned::policy {

/// An order to the tunables, with the reason and the figures behind it. Values are in kernel units.
struct Decision {
    enum class Order : std::uint8_t {
        write,      ///< `to`, if the tunable still holds `from`
        take_back,  ///< the same, over what somebody else wrote
        release,    ///< the boot value, and leave the tunable alone from then on
        disown,     ///< leave it to whoever changed it
        rebase,     ///< take what is found for the boot value
        fire,       ///< a trigger
    };

    Order order;
    std::size_t tunable;
    std::int64_t from;
    std::int64_t to;
    std::string source;  ///< "rule grow-reserve", "baseline of balanced", "override"
    std::string reason;  ///< "reclaim.direct_stalls > 0/s (reclaim.direct_stalls = 42/s)"
    std::string name;    ///< of the tunable: "vm.swappiness", "oom_score_adj.cron.service"

    /// For a unit: each of its processes gets what it held itself, within these. `to` is what its first one gets.
    std::int64_t low = 0;
    std::int64_t high = 0;
};

/// Something a person wants to know of that is not a decision.
struct Event {
    enum class Kind : std::uint8_t {
        rule,            ///< a rule changed its state
        clamped,         ///< a target lies outside the limits
        outside_change,  ///< somebody else wrote a tunable
        state,           ///< a tunable is yielded, frozen, unavailable, or taken up again
        failed,          ///< an order could not be carried out
    };

    Kind kind;
    std::string subject;  ///< the rule's or the tunable's name
    std::string text;
    bool fleeting =
        false;  ///< a rule was about to act, or no longer is: under pressure that is said ten times a second
    std::int64_t ours = 0;   ///< an outside change: what memtuned had set ...
    std::int64_t found = 0;  ///< ... and what was found
};

}  // namespace memtuned::policy
