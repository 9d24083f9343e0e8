// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "indicators/sources.hpp"

namespace memtuned::indicators {

void FragmentationSource::want(std::size_t slot, std::size_t order) {
    own(slot);
    wanted_.push_back({slot, order});
}

/// NaN when nothing at all is free.
double FragmentationSource::unusable(std::size_t order) const {
    double smaller = 0;
    double all = 0;
    for (const kernel::FreeBlocks& zone : file_.zones()) {
        for (std::size_t i = 0; i < zone.count.size(); ++i) {
            const double pages = std::ldexp(static_cast<double>(zone.count[i]), static_cast<int>(i));
            all += pages;
            if (i < order) smaller += pages;
        }
    }
    return all > 0 ? smaller / all : no_data;
}

void FragmentationSource::compute(double /*elapsed*/, Slots& slots) {
    std::size_t orders = 0;
    for (const kernel::FreeBlocks& zone : file_.zones()) orders = std::max(orders, zone.count.size());
    for (const Wanted& wanted : wanted_) {
        if (wanted.order < orders)
            slots.set(wanted.slot, unusable(wanted.order));
        else
            slots.lack(wanted.slot, [&] {
                return fmt::format("no blocks of order {} on this machine; orders go up to {}", wanted.order,
                                   orders - 1);
            });
    }
}

void SwapsSource::want(std::size_t slot) {
    own(slot);
    slots_.push_back(slot);
}

void SwapsSource::compute(double /*elapsed*/, Slots& slots) {
    // Without swap none of it is: were it "no data", a claim that asks for it would stay as it is when zram goes.
    const double share = kernel::share_on_zram(file_.swaps()).value_or(0);
    for (const std::size_t slot : slots_) slots.set(slot, share);
}

void NumberSource::want(std::size_t slot) {
    own(slot);
    slots_.push_back(slot);
}

Status NumberSource::refresh() {
    const Result<std::string_view> text = file_.read();
    if (!text) return text.error();
    const Result<double> number = parse_(*text);
    if (!number) return Error{file_.name() + ": " + number.error().message, 0};
    number_ = *number;
    return Done{};
}

void NumberSource::compute(double /*elapsed*/, Slots& slots) {
    for (const std::size_t slot : slots_) slots.set(slot, number_);
}

void HourSource::want(std::size_t slot) {
    own(slot);
    slots_.push_back(slot);
}

/// localtime_r() alone would keep to the time zone it found first.
void HourSource::look_at_the_clock(std::time_t now) {
    std::tm local{};
    ::tzset();
    hour_ = ::localtime_r(&now, &local) ? local.tm_hour + local.tm_min / 60.0 : no_data;
}

void HourSource::compute(double /*elapsed*/, Slots& slots) {
    const std::time_t now = std::time(nullptr);
    if (now / 60 != minute_) look_at_the_clock(now);
    minute_ = now / 60;
    for (const std::size_t slot : slots_) slots.set(slot, hour_);
}

}  // namespace memtuned::indicators
