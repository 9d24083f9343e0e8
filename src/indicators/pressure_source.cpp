// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "indicators/sources.hpp"

namespace memtuned::indicators {

namespace {
constexpr double us_per_s = 1e6;
}

PressureSource::PressureSource(const kernel::Root& root, kernel::Resource resource)
    : file_(root, kernel::pressure_path(resource)) {}

void PressureSource::want(std::size_t slot, const PressureFormula& formula) {
    own(slot);
    wanted_.push_back({slot, formula.who, formula.figure, {}});
}

Status PressureSource::refresh() {
    Result<kernel::Pressure> pressure = file_.read();
    if (!pressure) return pressure.error();
    now_ = *pressure;
    return Done{};
}

double PressureSource::figure(Wanted& wanted, const kernel::StallTimes& times, double elapsed) {
    switch (wanted.figure) {
        case PressureFormula::Figure::avg10: return times.avg10;
        case PressureFormula::Figure::avg60: return times.avg60;
        case PressureFormula::Figure::avg300: return times.avg300;
        case PressureFormula::Figure::now: break;
    }
    // The tick's time is a little before that of the read, so that a stall without pause can seem to be more than
    // that.
    const double stalled = wanted.total.step(times.total_us, !std::isnan(elapsed)) / us_per_s;
    return std::isnan(stalled) ? no_data : std::min(stalled / elapsed, 1.0);
}

void PressureSource::compute(double elapsed, Slots& slots) {
    for (Wanted& wanted : wanted_) {
        const std::optional<kernel::StallTimes>& times = now_.of(wanted.who);
        if (times) {
            slots.set(wanted.slot, figure(wanted, *times, elapsed));
        } else {
            wanted.total.forget();
            slots.lack(wanted.slot, [&] {
                return fmt::format("{} has no {} line", file(),
                                   wanted.who == kernel::Stalled::some ? "some" : "full");
            });
        }
    }
}

}  // namespace memtuned::indicators
