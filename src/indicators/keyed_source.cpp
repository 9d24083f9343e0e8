// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "indicators/sources.hpp"
#include "memtuned/kernel/machine.hpp"

namespace memtuned::indicators {

namespace {

double factor(KeyedFormula::Unit unit) {
    switch (unit) {
        case KeyedFormula::Unit::one: break;
        case KeyedFormula::Unit::kib: return 1024;
        case KeyedFormula::Unit::page: return static_cast<double>(kernel::page_size());
    }
    return 1;
}

}  // namespace

std::string_view KeyedSource::file() const {
    return which_ == KeyedFormula::File::vmstat ? kernel::vmstat_path : kernel::meminfo_path;
}

std::size_t KeyedSource::intern(std::string_view key) {
    const auto at = std::find(keys_.begin(), keys_.end(), key);
    if (at != keys_.end()) return static_cast<std::size_t>(at - keys_.begin());
    keys_.emplace_back(key);
    return keys_.size() - 1;
}

void KeyedSource::want(std::size_t slot, const KeyedFormula& formula) {
    own(slot);
    Wanted wanted;
    wanted.slot = slot;
    wanted.kind = formula.kind;
    wanted.unit = factor(formula.unit);
    wanted.any = formula.any;
    wanted.spoilt_by_drop_caches = formula.spoilt_by_drop_caches;
    wanted.first = operands_.size();
    for (const std::string_view key : formula.keys)
        if (!key.empty()) operands_.push_back(intern(key));
    wanted.middle = operands_.size();
    for (const std::string_view key : formula.against)
        if (!key.empty()) operands_.push_back(intern(key));
    wanted.last = operands_.size();
    wanted_.push_back(wanted);
    if (formula.spoilt_by_drop_caches && drops_.empty()) drops_ = {intern("drop_pagecache"), intern("drop_slab")};
}

Status KeyedSource::refresh() {
    if (!opened_) {
        opened_ = which_ == KeyedFormula::File::vmstat ? kernel::KeyedFile::vmstat(root_, keys_)
                                                       : kernel::KeyedFile::meminfo(root_, keys_);
        counters_.resize(keys_.size());
        grown_.resize(keys_.size());
    }
    return opened_->refresh();
}

void KeyedSource::step_counters(bool valid) {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
        const std::optional<std::uint64_t> value = opened_->value(i);
        if (!value) counters_[i].forget();
        grown_[i] = value ? counters_[i].step(*value, valid) : no_data;
    }
}

bool KeyedSource::anyone_dropped_caches() const {
    return std::any_of(drops_.begin(), drops_.end(), [this](std::size_t key) { return grown_[key] > 0; });
}

/// A key without which there is no figure.
std::optional<std::size_t> KeyedSource::missing_key(const Wanted& wanted) const {
    for (std::size_t i = wanted.first; i < wanted.last; ++i) {
        const bool there = opened_->has(operands_[i]);
        if (there && wanted.any) return std::nullopt;
        if (!there && !wanted.any) return operands_[i];
    }
    return wanted.any ? std::optional(operands_[wanted.first]) : std::nullopt;
}

/// NaN where a value is none.
double KeyedSource::level(const Wanted& wanted) const {
    double sum = 0;
    for (std::size_t i = wanted.first; i < wanted.last; ++i) {
        const std::optional<std::uint64_t> value = opened_->value(operands_[i]);
        if (!value) return no_data;
        sum += i < wanted.middle ? static_cast<double>(*value) : -static_cast<double>(*value);
    }
    return std::max(sum, 0.0) * wanted.unit;
}

/// NaN where the growth of one that is there is not known.
double KeyedSource::growth(std::size_t first, std::size_t last) const {
    double sum = 0;
    for (std::size_t i = first; i < last; ++i)
        if (opened_->has(operands_[i])) sum += grown_[operands_[i]];
    return sum;
}

double KeyedSource::figure(const Wanted& wanted, double elapsed) const {
    if (wanted.kind == KeyedFormula::Kind::level) return level(wanted);
    const double ours = growth(wanted.first, wanted.middle);
    const double others = growth(wanted.middle, wanted.last);
    if (wanted.kind == KeyedFormula::Kind::quotient) return others > 0 ? ours / others : no_data;
    const double rate = (ours - others) * wanted.unit / elapsed;
    // The counters are summed over cpus one after the other, so a difference can be a little less than nothing.
    return std::isnan(rate) ? no_data : std::max(rate, 0.0);
}

std::string KeyedSource::lacks(const Wanted& wanted, std::size_t key) const {
    if (!wanted.any) return fmt::format("{} has no {}", file(), keys_[key]);
    const std::string_view first = keys_[key];
    return fmt::format("{} has no {}*", file(), first.substr(0, first.find('_') + 1));
}

void KeyedSource::compute(double elapsed, Slots& slots) {
    step_counters(!std::isnan(elapsed));
    const bool dropped = anyone_dropped_caches();
    for (const Wanted& wanted : wanted_) {
        if (const std::optional<std::size_t> key = missing_key(wanted))
            slots.lack(wanted.slot, [&] { return lacks(wanted, *key); });
        else
            slots.set(wanted.slot, dropped && wanted.spoilt_by_drop_caches ? no_data : figure(wanted, elapsed));
    }
}

}  // namespace memtuned::indicators
