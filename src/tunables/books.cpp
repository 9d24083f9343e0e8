// SPDX-License-Identifier: GPL-2.0-or-later
#include "tunables/books.hpp"

#include <string>
#include <utility>

namespace memtuned::tunables {

using Entry = Journal::Entry;

void Books::turn_over() {
    for (auto& shadow : shadows_) shadow.reset();
}

const Entry* Books::entry(std::size_t tunable) const {
    return gate_.mode() == Mode::observe ? nullptr : journal_.find(catalogue()[tunable].name);
}

bool Books::claimed(std::size_t tunable) const {
    return shadows_[tunable] || entry(tunable) != nullptr;
}

bool Books::still_ours(std::size_t tunable, std::int64_t real) const {
    if (const auto& shadow = shadows_[tunable]) return real == shadow->real;
    const Entry* const known = entry(tunable);
    return known != nullptr && (real == known->ours || real == known->next);
}

std::int64_t Books::boot(std::size_t tunable, std::int64_t real) const {
    if (const auto& shadow = shadows_[tunable]) return shadow->boot;
    const Entry* const known = entry(tunable);
    return known != nullptr ? known->boot : real;
}

std::int64_t Books::twin_boot(std::size_t tunable) const {
    const Entry* const known = entry(tunable);
    return known != nullptr ? known->twin_boot : 0;
}

std::int64_t Books::shown(std::size_t tunable, std::int64_t real) const {
    const auto& shadow = shadows_[tunable];
    return shadow && shadow->real == real ? shadow->value : real;
}

Entry Books::announcement(std::size_t tunable, std::int64_t real, std::int64_t twin, std::int64_t value) const {
    const Tunable& about = catalogue()[tunable];
    Entry entry{std::string(about.name), boot(tunable, real), twin, real, value};
    if (claimed(tunable)) {
        entry.twin_boot = twin_boot(tunable);
        // Written over what somebody else put there: until that happened, theirs must not pass for ours.
        if (const Entry* const known = this->entry(tunable); known != nullptr && !still_ours(tunable, real))
            entry.ours = known->ours;
    } else if (about.twin != no_twin && twin != 0 && still_ours(about.twin, twin)) {
        // It was memtuned that zeroed this one, by writing its twin: the pair's values before that are what counts.
        entry.boot = twin_boot(about.twin);
        entry.twin_boot = boot(about.twin, twin);
    }
    return entry;
}

void Books::shadow(const Entry& announced, std::size_t tunable, std::int64_t real) {
    shadows_[tunable] = Shadow{announced.boot, real, announced.next};
}

Status Books::settle(Entry announced, std::size_t tunable, std::int64_t held) {
    announced.ours = announced.next = held;
    if (auto kept = journal_.put(announced); !kept) return kept;
    const std::size_t twin = catalogue()[tunable].twin;
    return twin == no_twin ? Done{} : journal_.erase(catalogue()[twin].name);
}

void Books::withdraw(std::size_t tunable, bool first) {
    // Should this fail, an announcement of something that did not happen stays. That does no harm: its `ours` is what
    // was there before, and where that is the boot value as well, putting it back is no change.
    const std::string_view name = catalogue()[tunable].name;
    if (first) {
        static_cast<void>(journal_.erase(name));
    } else if (const Entry* const known = journal_.find(name)) {
        Entry entry = *known;
        entry.next = entry.ours;
        static_cast<void>(journal_.put(entry));
    }
}

Status Books::rebase(std::size_t tunable, std::int64_t real, std::int64_t twin) {
    if (!claimed(tunable)) return Done{};
    if (gate_.mode() == Mode::observe) {
        shadows_[tunable] = Shadow{real, real, real};
        return Done{};
    }
    return journal_.put({std::string(catalogue()[tunable].name), real, twin, real, real});
}

Status Books::forget(std::size_t tunable) {
    shadows_[tunable].reset();
    return gate_.mode() == Mode::observe ? Done{} : journal_.erase(catalogue()[tunable].name);
}

}  // namespace memtuned::tunables
