// SPDX-License-Identifier: GPL-2.0-or-later
//
// The kernel files behind the indicators. Each source is told which slots it has to fill before it is first read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "indicators/argument.hpp"
#include "indicators/formula.hpp"
#include "indicators/source.hpp"
#include "memtuned/kernel/buddyinfo.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/keyed_file.hpp"
#include "memtuned/kernel/pressure.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/swaps.hpp"
#include "memtuned/kernel/zoneinfo.hpp"

namespace memtuned::indicators {

class PressureSource final : public Source {
public:
    PressureSource(const kernel::Root& root, kernel::Resource resource);
    void want(std::size_t slot, const PressureFormula& formula);
    std::string_view file() const override { return file_.name(); }

private:
    struct Wanted {
        std::size_t slot;
        kernel::Stalled who;
        PressureFormula::Figure figure;
        Counter total;
    };
    Status refresh() override;
    void compute(double elapsed, Slots& slots) override;
    std::string_view advice() const override { return psi_is_off; }
    static double figure(Wanted& wanted, const kernel::StallTimes& times, double elapsed);

    kernel::PressureFile file_;
    kernel::Pressure now_;
    std::vector<Wanted> wanted_;
};

/// vmstat or meminfo.
class KeyedSource final : public Source {
public:
    KeyedSource(const kernel::Root& root, KeyedFormula::File file) : root_(root), which_(file) {}
    void want(std::size_t slot, const KeyedFormula& formula);
    std::string_view file() const override;

private:
    /// Sums over one formula's keys, which stand in operands_ one after the other.
    struct Wanted {
        std::size_t slot = 0;
        KeyedFormula::Kind kind = KeyedFormula::Kind::level;
        double unit = 1;
        std::size_t first = 0;   ///< of the keys
        std::size_t middle = 0;  ///< of those against them
        std::size_t last = 0;    ///< behind both
        bool any = false;
        bool spoilt_by_drop_caches = false;
    };
    Status refresh() override;
    void compute(double elapsed, Slots& slots) override;
    std::size_t intern(std::string_view key);
    void step_counters(bool valid);
    bool anyone_dropped_caches() const;
    std::optional<std::size_t> missing_key(const Wanted& wanted) const;
    double level(const Wanted& wanted) const;
    double growth(std::size_t first, std::size_t last) const;
    double figure(const Wanted& wanted, double elapsed) const;
    std::string lacks(const Wanted& wanted, std::size_t key) const;

    kernel::Root root_;
    KeyedFormula::File which_;
    std::optional<kernel::KeyedFile> opened_;  ///< at the first read, when all keys are known
    std::vector<std::string> keys_;
    std::vector<Counter> counters_;  ///< for each of keys_
    std::vector<double> grown_;      ///< for each of keys_
    std::vector<std::size_t> operands_;
    std::vector<std::size_t> drops_;  ///< the keys that tell of drop_caches, if it matters
    std::vector<Wanted> wanted_;
};

class ZoneSource final : public Source {
public:
    explicit ZoneSource(const kernel::Root& root) : file_(root) {}
    void want(std::size_t slot, const ZoneFormula& formula, Argument kind, std::string_view argument);
    std::string_view file() const override { return file_.name(); }

private:
    struct Wanted {
        std::size_t slot;
        ZoneFormula formula;
        Argument scope;
        int node;
        std::string zone;
        bool covers(const kernel::Zone& zone) const;
    };
    Status refresh() override { return file_.refresh(); }
    void compute(double elapsed, Slots& slots) override;
    std::optional<double> figure(const Wanted& wanted) const;
    bool exists(const Wanted& wanted) const;
    std::string lacks(const Wanted& wanted) const;

    kernel::ZoneinfoFile file_;
    std::vector<Wanted> wanted_;
};

class FragmentationSource final : public Source {
public:
    explicit FragmentationSource(const kernel::Root& root) : file_(root) {}
    void want(std::size_t slot, std::size_t order);
    std::string_view file() const override { return file_.name(); }

private:
    struct Wanted {
        std::size_t slot;
        std::size_t order;
    };
    Status refresh() override { return file_.refresh(); }
    void compute(double elapsed, Slots& slots) override;
    double unusable(std::size_t order) const;

    kernel::BuddyinfoFile file_;
    std::vector<Wanted> wanted_;
};

class SwapsSource final : public Source {
public:
    explicit SwapsSource(const kernel::Root& root) : file_(root) {}
    void want(std::size_t slot);
    std::string_view file() const override { return file_.name(); }

private:
    Status refresh() override { return file_.refresh(); }
    void compute(double elapsed, Slots& slots) override;

    kernel::SwapsFile file_;
    std::vector<std::size_t> slots_;
};

/// A file that holds one number.
class NumberSource final : public Source {
public:
    using Parse = Result<double> (*)(std::string_view text);
    NumberSource(const kernel::Root& root, std::string_view path, Parse parse) : file_(root, path), parse_(parse) {}
    void want(std::size_t slot);
    std::string_view file() const override { return file_.name(); }

private:
    Status refresh() override;
    void compute(double elapsed, Slots& slots) override;

    kernel::KeptFile file_;
    Parse parse_;
    double number_ = no_data;
    std::vector<std::size_t> slots_;
};

/// The local time of day, which is no kernel file's.
class HourSource final : public Source {
public:
    void want(std::size_t slot);
    std::string_view file() const override { return {}; }

private:
    Status refresh() override { return Done{}; }
    void compute(double elapsed, Slots& slots) override;
    void look_at_the_clock(std::time_t now);

    std::time_t minute_ = -1;  ///< since the epoch
    double hour_ = no_data;
    std::vector<std::size_t> slots_;
};

}  // namespace memtuned::indicators
