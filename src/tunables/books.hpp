// SPDX-License-Identifier: GPL-2.0-or-later
//
// The books on what is ours: in enforce mode the undo journal, in observe mode a shadow of each tunable that would
// have been written. Both answer the same questions, so that the policy sees the same picture in either mode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "memtuned/tunables/controller.hpp"
#include "memtuned/tunables/journal.hpp"
#include "tunables/gate.hpp"

namespace memtuned::tunables {

class Books {
public:
    Books(Journal& journal, const Gate& gate) : journal_(journal), gate_(gate), shadows_(catalogue().size()) {}

    /// The mode is another now: shadows end here; the journal's entries are just not looked at while observing.
    void turn_over();

    /// Whether memtuned wrote the tunable and has not given it up.
    bool claimed(std::size_t tunable) const;
    /// Whether it is claimed and the kernel's value `real` is what memtuned left there.
    bool still_ours(std::size_t tunable, std::int64_t real) const;
    /// Its value before memtuned, given that the kernel holds `real`; its twin's then, if claimed.
    std::int64_t boot(std::size_t tunable, std::int64_t real) const;
    std::int64_t twin_boot(std::size_t tunable) const;
    /// What to show for `real`: the shadow, until somebody changes the value behind it.
    std::int64_t shown(std::size_t tunable, std::int64_t real) const;

    /// The entry that announces `value` to the journal. `twin` is what the twin holds, 0 without one.
    Journal::Entry announcement(std::size_t tunable, std::int64_t real, std::int64_t twin, std::int64_t value) const;

    /// Observe mode: `value` would have been written over `real`.
    void shadow(const Journal::Entry& announced, std::size_t tunable, std::int64_t real);
    /// Enforce mode: the kernel now holds `held`, and 0 in the twin, whose claim ends.
    Status settle(Journal::Entry announced, std::size_t tunable, std::int64_t held);
    /// Enforce mode: what was announced did not happen; `first`: nor anything before it.
    void withdraw(std::size_t tunable, bool first);

    Status rebase(std::size_t tunable, std::int64_t real, std::int64_t twin);
    Status forget(std::size_t tunable);

private:
    struct Shadow {
        std::int64_t boot;
        std::int64_t real;
        std::int64_t value;
    };

    const Journal::Entry* entry(std::size_t tunable) const;

    Journal& journal_;
    const Gate& gate_;
    std::vector<std::optional<Shadow>> shadows_;
};

}  // namespace memtuned::tunables
