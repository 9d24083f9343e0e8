// SPDX-License-Identifier: GPL-2.0-or-later
//
// Why a tunable holds what it holds, as an answer to somebody who asks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ctl/client.hpp"
#include "ctl/json.hpp"
#include "ctl/view.hpp"

namespace memtuned::ctl {

/// A tunable or a service's oom_score_adj; what a service does not tell is missing.
struct Explanation {
    std::string name;
    std::string unit;
    std::int64_t value = 0;
    std::optional<std::int64_t> target;
    std::string state;
    std::string source;
    std::string reason;
    std::optional<Realtime> override_expires;
    std::optional<Realtime> last_write;
    std::uint64_t writes = 0;
    bool observing = false;
    std::vector<ExplainedClaim> claims;  ///< without the result
    std::vector<std::pair<std::string, std::string>> outlook;
};

/// Puts together what the daemon says in several answers.
Explanation explain(Client& client, const std::string& tunable);
/// From answers that are there already. The last claim is the result; it also serves where no object has the name.
Explanation make_explanation(const std::string& name, const Objects& objects, std::vector<ExplainedClaim> claims);

std::string render_explanation(const Explanation& explanation, const View& view);
Json to_json(const Explanation& explanation);

}  // namespace memtuned::ctl
