// SPDX-License-Identifier: GPL-2.0-or-later
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "memtuned/base/unit_name.hpp"
#include "memtuned/rules/rule_set.hpp"
#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::rules {
namespace {

using tunables::Tunable;

/// Which names of its tunable a claim's expression may use.
struct Allowed {
    bool boot = false;
    bool baseline = false;
    bool current = false;
};
constexpr Allowed in_baseline{.boot = true};
constexpr Allowed in_set{.boot = true, .baseline = true};
constexpr Allowed in_step{.boot = true, .baseline = true, .current = true};
constexpr Allowed nowhere{};

/// "0 to 100 %", "8192 to 1125899906842624 bytes".
std::string range_text(const Tunable& tunable) {
    const bool spoken = !tunable.unit_name.empty() && tunable.unit_name.front() != '/';
    return fmt::format("{} to {}{}{}", tunable.minimum, tunable.maximum, spoken ? " " : "",
                       spoken ? tunable.unit_name : "");
}

/// A value in kernel units: whole where it is whole.
std::string number_text(double value) {
    constexpr double exact = 9007199254740992.0;
    return value == std::round(value) && std::abs(value) < exact ? fmt::format("{:.0f}", value)
                                                                 : fmt::format("{:.6g}", value);
}

std::size_t place(const ValueText& value, std::size_t otherwise) {
    const Text* text = std::get_if<Text>(&value);
    return text == nullptr ? otherwise : text->offset(0);
}

class RuleCompiler {
public:
    RuleCompiler(const Settings& settings, Surroundings surroundings, Diagnostics& diagnostics)
        : settings_(settings), surroundings_(std::move(surroundings)), diagnostics_(diagnostics) {}

    RuleSet compile(const std::string& name, const ProfileText& profile) {
        set_.profile = name;
        set_.description = profile.description;
        name_conditions(profile.conditions);
        for (const ClaimText& text : profile.baseline) add_baseline(text);
        check_twins(profile.baseline);
        refuse_repeats(profile.baseline);
        for (const RuleText& text : profile.rules) set_.rules.push_back(rule(text));
        warn_rivals(profile);
        std::stable_sort(set_.rules.begin(), set_.rules.end(),
                         [](const Rule& a, const Rule& b) { return a.priority < b.priority; });
        for (std::size_t i = 0; i < settings_.tunables.size(); ++i) {
            add_limit(i, false, settings_.tunables[i].minimum);
            add_limit(i, true, settings_.tunables[i].maximum);
        }
        set_.keys = std::move(needs_.keys);
        set_.windows = std::move(needs_.windows);
        set_.own = std::move(needs_.own);
        return std::move(set_);
    }

private:
    void error(const Source& source, std::size_t at, std::string message, std::string help = {}) {
        diagnostics_.error(source, at, std::move(message), std::move(help));
    }

    // --- conditions with a name ---

    /// A condition is checked where it stands, also if nothing uses it; one with an error has all of its uses wrong.
    void name_conditions(const std::vector<ConditionText>& conditions) {
        for (const ConditionText& condition : conditions)
            if (check_name(condition)) surroundings_.conditions.emplace(condition.name, condition.text);
        for (const ConditionText& condition : conditions) {
            Needs unused;
            compile_expression(condition.text, {.condition = true, .subject = "a condition"}, surroundings_, unused,
                               diagnostics_);
        }
    }

    bool check_name(const ConditionText& condition) {
        constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
        const std::string& name = condition.name;
        const bool letter_first = !name.empty() && name.front() >= 'a' && name.front() <= 'z';
        if (!letter_first || name.find_first_not_of(allowed) != std::string::npos)
            error(condition.source, condition.name_at, fmt::format("`{}` cannot name a condition", quote(name)),
                  "a name begins with a small letter, then small letters, digits and _");
        else if (is_taken(name))
            error(condition.source, condition.name_at, fmt::format("`{}` has a meaning already", name),
                  "give the condition another name");
        else
            return true;
        return false;
    }

    // --- tunables and values ---

    std::optional<std::size_t> tunable(const ClaimText& text, bool trigger) {
        const std::optional<std::size_t> found = tunables::find(text.tunable);
        if (!found) {
            report_unknown(text);
            return std::nullopt;
        }
        const Tunable& entry = tunables::catalogue()[*found];
        if (entry.trigger == trigger) return found;
        if (entry.trigger)
            error(text.source, text.tunable_at, fmt::format("{} acts when written and holds no value", entry.name),
                  fmt::format("write trigger = {{ {} = {} }} in a rule", entry.name, entry.minimum));
        else
            error(text.source, text.tunable_at, fmt::format("{} holds a value and cannot be triggered", entry.name),
                  fmt::format("write set = {{ {} = … }}", entry.name));
        return std::nullopt;
    }

    void report_unknown(const ClaimText& text) {
        const std::string_view score = tunables::oom_score_adj().name;
        if (text.tunable == score) {
            error(text.source, text.tunable_at, fmt::format("{} is of a unit, and none is named", score),
                  fmt::format("write {}.\"NAME.service\" = …", score));
            return;
        }
        const std::size_t dot = text.tunable.rfind('.');
        if (dot != std::string::npos && tunables::find(text.tunable.substr(0, dot))) {
            error(text.source, text.tunable_at,
                  fmt::format("`{}` is no bound of {}", quote(text.tunable.substr(dot + 1)),
                              text.tunable.substr(0, dot)),
                  "bounds are at_least and at_most");
            return;
        }
        std::vector<std::string_view> names;
        for (const Tunable& entry : tunables::catalogue()) names.push_back(entry.name);
        std::string_view close = nearest(text.tunable, names);
        names.push_back(score);
        if (close.empty()) close = nearest(text.tunable.substr(0, text.tunable.find('.')), {score});
        error(text.source, text.tunable_at, fmt::format("there is no tunable `{}`", quote(text.tunable)),
              close.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                            : fmt::format("did you mean {}?", close));
    }

    std::optional<Compiled> value(const ClaimText& text, const Tunable& entry, Allowed allowed, bool unit = false) {
        std::optional<Compiled> compiled;
        if (const auto* number = std::get_if<std::int64_t>(&text.value))
            compiled = constant(static_cast<double>(*number) * entry.unit, std::to_string(*number), entry.dimension);
        else
            compiled = compile_expression(std::get<Text>(text.value),
                                          {.dimension = entry.dimension,
                                           .subject = entry.name,
                                           .boot = allowed.boot,
                                           .baseline = allowed.baseline,
                                           .current = allowed.current,
                                           .unit = unit},
                                          surroundings_, needs_, diagnostics_);
        if (!compiled) return std::nullopt;
        check_limits(text, entry, *compiled);
        return compiled;
    }

    static Compiled constant(double number, std::string text, Dimension dimension) {
        Compiled compiled{};
        compiled.program.text = std::move(text);
        compiled.program.dimension = dimension;
        compiled.program.code.push_back({.op = Op::constant, .number = number});
        compiled.lowest = compiled.highest = number;
        return compiled;
    }

    void check_limits(const ClaimText& text, const Tunable& entry, const Compiled& compiled) {
        const double lowest = compiled.lowest / entry.unit;
        const double highest = compiled.highest / entry.unit;
        const bool above = lowest > static_cast<double>(entry.maximum);
        if (above || highest < static_cast<double>(entry.minimum))
            error(text.source, place(text.value, text.value_at),
                  fmt::format("{} takes {}, this is {}{}", entry.name, range_text(entry),
                              lowest == highest ? ""
                              : above           ? "at least "
                                                : "at most ",
                              number_text(above ? lowest : highest)),
                  std::holds_alternative<std::int64_t>(text.value) && entry.dimension == dimension::bytes
                      ? "an integer is in the kernel's unit; with a unit of your own write \"64 MiB\""
                      : "");
        else if (&entry == &tunables::oom_score_adj() && highest <= tunables::unkillable &&
                 !settings_.allow_unkillable)
            error(text.source, place(text.value, text.value_at),
                  "-1000 takes a unit out of the OOM killer's reach altogether, also when it is the one that leaks",
                  "write -999, or allow_unkillable = true in memtuned.toml");
        else if (entry.name == "vm.swappiness" && text.bound != Bound::at_most)
            warn_swap_on_disk(text, highest);
    }

    void warn_swap_on_disk(const ClaimText& text, double highest) {
        const indicators::Machine& machine = surroundings_.machine;
        const bool some_on_disk =
            machine.swap_bytes > 0 && std::isfinite(machine.swap_bytes) && machine.swap_on_zram < 1;
        if (!some_on_disk || !std::isfinite(highest) || highest <= 100) return;
        diagnostics_.warning(
            text.source, place(text.value, text.value_at),
            "vm.swappiness above 100 says that swap is faster than files, and here swap is on a disk",
            "above 100 is for swap on zram or zswap");
    }

    std::optional<Claim> claim(const ClaimText& text, bool step, Allowed allowed, std::vector<std::uint32_t>& needs,
                               std::vector<std::uint32_t>& guarded) {
        const std::optional<std::size_t> index = tunable(text, false);
        if (!index) return std::nullopt;
        std::optional<Compiled> compiled = value(text, tunables::catalogue()[*index], allowed);
        if (!compiled) return std::nullopt;
        needs.insert(needs.end(), compiled->needs.begin(), compiled->needs.end());
        guarded.insert(guarded.end(), compiled->guarded.begin(), compiled->guarded.end());
        return Claim{*index, text.bound, step, std::move(compiled->program), std::nullopt};
    }

    // --- units ---

    /// The pattern in oom_score_adj."batch-*.service"; nothing for the name of another tunable.
    static std::optional<std::string> unit_pattern(const ClaimText& text) {
        const std::string prefix = fmt::format("{}.", tunables::oom_score_adj().name);
        if (!text.tunable.starts_with(prefix)) return std::nullopt;
        return text.tunable.substr(prefix.size());
    }

    std::optional<UnitClaim> unit_claim(const ClaimText& text, const std::string& pattern, Allowed allowed,
                                        std::vector<std::uint32_t>& needs, std::vector<std::uint32_t>& guarded) {
        if (!could_name_units(pattern)) {
            error(text.source, text.tunable_at, fmt::format("`{}` is no name of a unit", quote(pattern)),
                  fmt::format("write {}.\"{}.service\", with * for any", tunables::oom_score_adj().name,
                              quote(pattern.empty() ? "NAME" : pattern)));
            return std::nullopt;
        }
        std::optional<Compiled> compiled = value(text, tunables::oom_score_adj(), allowed, true);
        if (!compiled) return std::nullopt;
        needs.insert(needs.end(), compiled->needs.begin(), compiled->needs.end());
        guarded.insert(guarded.end(), compiled->guarded.begin(), compiled->guarded.end());
        return UnitClaim{pattern, text.bound, std::move(compiled->program)};
    }

    /// step, relax and trigger are not for units.
    bool refuse_unit(const ClaimText& text, std::string_view key) {
        const auto pattern = unit_pattern(text);
        if (!pattern) return false;
        error(text.source, text.tunable_at,
              fmt::format("{} is not for {}: a unit's score is set", key, tunables::oom_score_adj().name),
              fmt::format("write set = {{ {}.\"{}\" = … }}", tunables::oom_score_adj().name, quote(*pattern)));
        return true;
    }

    void add_baseline(const ClaimText& text) {
        std::vector<std::uint32_t> unused;
        if (const auto pattern = unit_pattern(text)) {
            if (auto made = unit_claim(text, *pattern, in_baseline, unused, unused))
                set_.unit_baseline.push_back(std::move(*made));
            return;
        }
        if (std::optional<Claim> made = claim(text, false, in_baseline, unused, unused))
            set_.baseline.push_back(std::move(*made));
    }

    void add_limit(std::size_t index, bool maximum, const std::optional<ClaimText>& text) {
        if (!text) return;
        if (std::optional<Compiled> compiled = value(*text, tunables::about(index), nowhere))
            set_.limits.push_back({index, maximum, std::move(compiled->program)});
    }

    // --- rules ---

    Rule rule(const RuleText& text) {
        Rule made;
        made.name = text.name;
        made.description = text.description;
        made.file = text.source->name();
        made.enabled = text.enabled;
        made.priority = priority(text);
        timing(text, made);
        std::vector<std::uint32_t> guarded;
        conditions(text, made, guarded);
        claims(text, made, guarded);
        std::sort(made.needs.begin(), made.needs.end());
        made.needs.erase(std::unique(made.needs.begin(), made.needs.end()), made.needs.end());
        std::erase_if(made.needs, [&](std::uint32_t slot) {
            return std::find(guarded.begin(), guarded.end(), slot) != guarded.end();
        });
        return made;
    }

    int priority(const RuleText& text) {
        const std::int64_t number = text.priority.value_or(50);
        if (number >= 0 && number <= 99) return static_cast<int>(number);
        error(text.source, text.priority_at, fmt::format("priority is 0 to 99, here is {}", number));
        return 50;
    }

    Duration duration(const std::optional<Text>& text, std::string_view what, Duration otherwise,
                      Duration least = {}) {
        if (!text) return otherwise;
        const std::optional<Compiled> compiled =
            compile_expression(*text, {.dimension = dimension::seconds, .subject = what, .constant = true},
                               surroundings_, needs_, diagnostics_);
        if (!compiled) return otherwise;
        constexpr double longest = 30 * 86400.0;
        if (compiled->lowest >= seconds(least) && compiled->lowest <= longest) return from_seconds(compiled->lowest);
        error(text->source, text->offset(0),
              fmt::format("{} is between {} and 30d, here is {}", what,
                          format_quantity(seconds(least), dimension::seconds),
                          format_quantity(compiled->lowest, dimension::seconds)));
        return otherwise;
    }

    void timing(const RuleText& text, Rule& made) {
        made.for_at_least = duration(text.for_at_least, "`for`", {});
        made.hold_from = duration(text.hold_from, "`hold`", {});
        made.hold_to = duration(text.hold_to, "`hold`", made.hold_from);
        const bool paced = !text.step.empty() || !text.relax.empty();
        made.every = duration(text.every, "`every`", {}, paced ? shortest_interval : Duration{0});
        if (text.hold_to && made.hold_to < made.hold_from)
            error(text.source, text.hold_to->offset(0), "`hold` grows from `from` to `to`, and `to` is the shorter",
                  "write hold = { from = \"4s\", to = \"2min\" }");
        if (paced && !text.every)
            error(text.source, text.at,
                  fmt::format("rule `{}` has a {} but no `every`", quote(text.name),
                              text.step.empty() ? "relax" : "step"),
                  "write every = \"5s\"");
        if (text.step.empty() && text.relax.empty() && text.trigger.empty() && text.every)
            diagnostics_.warning(text.source, text.every->offset(0),
                                 "`every` has no effect: it paces step, relax and trigger");
    }

    void conditions(const RuleText& text, Rule& made, std::vector<std::uint32_t>& guarded) {
        std::optional<Compiled> when;
        std::optional<Compiled> until;
        if (text.when) when = condition(*text.when, "`when`", made, guarded);
        if (text.until) until = condition(*text.until, "`until`", made, guarded);
        if (when && text.enabled) warn_no_gap(text, *when, until);
        if (when) made.when_text = quote(text.when->value, std::string::npos);
        if (when) made.when = std::move(when->program);
        if (until) made.until = std::move(until->program);
    }

    std::optional<Compiled> condition(const Text& text, std::string_view subject, Rule& made,
                                      std::vector<std::uint32_t>& guarded) {
        std::optional<Compiled> compiled =
            compile_expression(text, {.condition = true, .subject = subject}, surroundings_, needs_, diagnostics_);
        if (!compiled) return std::nullopt;
        made.needs.insert(made.needs.end(), compiled->needs.begin(), compiled->needs.end());
        guarded.insert(guarded.end(), compiled->guarded.begin(), compiled->guarded.end());
        return compiled;
    }

    void warn_no_gap(const RuleText& text, const Compiled& when, const std::optional<Compiled>& until) {
        if (!text.until && !text.hold_from && !when.thresholds.empty() && text.set.size() + text.step.size() > 0) {
            diagnostics_.warning(
                text.source, text.when->offset(0),
                fmt::format("rule `{}` is released the moment `when` stops holding, and may flap", quote(text.name)),
                "write hold = \"10s\", or an `until` some way from `when`");
            return;
        }
        if (!until) return;
        for (const Threshold& trip : when.thresholds)
            for (const Threshold& release : until->thresholds) {
                if (trip.slot != release.slot || trip.rising == release.rising) continue;
                const bool gap = trip.rising ? release.value < trip.value : release.value > trip.value;
                if (gap || trip.value == 0 || text.hold_from) continue;
                diagnostics_.warning(
                    text.source, text.until->offset(0),
                    fmt::format("rule `{}` is released where it trips, with no gap between, and may flap",
                                quote(text.name)),
                    "release some way from where it trips, or write hold = \"10s\"");
                return;
            }
    }

    void claims(const RuleText& text, Rule& made, std::vector<std::uint32_t>& guarded) {
        for (const ClaimText& entry : text.set) add_set(entry, made, guarded);
        for (const ClaimText& entry : text.step) add_step(text, entry, made, guarded);
        for (const ClaimText& entry : text.relax) add_relax(entry, made, guarded);
        for (const ClaimText& entry : text.trigger) add_trigger(entry, made, guarded);
        for (const auto* table : {&text.set, &text.step, &text.relax, &text.trigger}) refuse_repeats(*table);
        std::vector<ClaimText> both = text.set;
        both.insert(both.end(), text.step.begin(), text.step.end());
        check_twins(both);
    }

    void add_set(const ClaimText& entry, Rule& made, std::vector<std::uint32_t>& guarded) {
        if (const auto pattern = unit_pattern(entry)) {
            if (auto built = unit_claim(entry, *pattern, in_set, made.needs, guarded))
                made.unit_claims.push_back(std::move(*built));
        } else if (auto built = claim(entry, false, in_set, made.needs, guarded)) {
            made.claims.push_back(std::move(*built));
        }
    }

    void add_step(const RuleText& text, const ClaimText& entry, Rule& made, std::vector<std::uint32_t>& guarded) {
        if (refuse_unit(entry, "`step`")) return;
        std::optional<Claim> built = claim(entry, true, in_step, made.needs, guarded);
        if (!built) return;
        const bool set = std::any_of(made.claims.begin(), made.claims.end(),
                                     [&](const Claim& c) { return c.tunable == built->tunable && !c.step; });
        if (set)
            error(entry.source, entry.tunable_at,
                  fmt::format("rule `{}` both sets and steps {}", quote(text.name), entry.tunable),
                  "a rule does one of them");
        made.claims.push_back(std::move(*built));
    }

    /// vm.swappiness = 10 beside "vm.swappiness" = 20: TOML sees two keys, and only one can count.
    void refuse_repeats(const std::vector<ClaimText>& claims) {
        std::set<std::tuple<const SourceFile*, std::string_view, Bound>> seen;
        for (const ClaimText& claim : claims)
            if (!seen.emplace(claim.source.get(), claim.tunable, claim.bound).second)
                error(claim.source, claim.tunable_at, fmt::format("{} is claimed twice", quote(claim.tunable)),
                      "keep one of the two");
    }

    void add_relax(const ClaimText& entry, Rule& made, std::vector<std::uint32_t>& guarded) {
        if (refuse_unit(entry, "`relax`")) return;
        const std::optional<std::size_t> index = tunable(entry, false);
        if (!index) return;
        if (entry.bound != Bound::exactly) {
            error(entry.source, entry.value_at, "relax gives the next value itself, without at_least and at_most");
            return;
        }
        const auto claimed =
            std::find_if(made.claims.begin(), made.claims.end(), [&](const Claim& c) { return c.tunable == *index; });
        if (claimed == made.claims.end()) {
            error(entry.source, entry.tunable_at,
                  fmt::format("nothing to relax: the rule does not claim {}", entry.tunable),
                  "relax gives back what set or step of the same rule took");
            return;
        }
        std::optional<Compiled> compiled = value(entry, tunables::catalogue()[*index], in_step);
        if (!compiled) return;
        made.needs.insert(made.needs.end(), compiled->needs.begin(), compiled->needs.end());
        guarded.insert(guarded.end(), compiled->guarded.begin(), compiled->guarded.end());
        claimed->relax = std::move(compiled->program);
    }

    void add_trigger(const ClaimText& entry, Rule& made, std::vector<std::uint32_t>& guarded) {
        if (refuse_unit(entry, "`trigger`")) return;
        const std::optional<std::size_t> index = tunable(entry, true);
        if (!index) return;
        const Tunable& target = tunables::catalogue()[*index];
        if (entry.bound != Bound::exactly) {
            error(entry.source, entry.value_at, "a trigger has no bounds",
                  fmt::format("write {} = {}", target.name, target.minimum));
            return;
        }
        std::optional<Compiled> compiled = value(entry, target, nowhere);
        if (!compiled) return;
        made.needs.insert(made.needs.end(), compiled->needs.begin(), compiled->needs.end());
        guarded.insert(guarded.end(), compiled->guarded.begin(), compiled->guarded.end());
        made.triggers.push_back({*index, std::move(compiled->program)});
        made.every = std::max(made.every, target.least_interval);
    }

    // --- what is legal and surely wrong ---

    void check_twins(const std::vector<ClaimText>& claims) {
        for (const ClaimText& claim : claims) {
            const std::optional<std::size_t> index = tunables::find(claim.tunable);
            if (!index || tunables::catalogue()[*index].twin == tunables::no_twin) continue;
            const std::string_view twin = tunables::catalogue()[tunables::catalogue()[*index].twin].name;
            for (const ClaimText& other : claims)
                if (other.tunable == twin && other.tunable_at < claim.tunable_at)
                    error(claim.source, claim.tunable_at,
                          fmt::format(
                              "{} and {} cannot both be claimed: the kernel zeroes one when the other is written",
                              twin, claim.tunable),
                          "keep one of the two");
        }
    }

    void warn_rivals(const ProfileText& profile) {
        std::map<std::pair<std::string_view, std::int64_t>, const RuleText*> fixed;
        for (const RuleText& rule : profile.rules) {
            if (!rule.enabled) continue;
            const std::int64_t priority = rule.priority.value_or(50);
            for (const ClaimText& claim : rule.set) {
                if (claim.bound != Bound::exactly) continue;
                const RuleText* before = std::exchange(fixed[{claim.tunable, priority}], &rule);
                if (before == nullptr || before == &rule) continue;
                diagnostics_.warning(
                    claim.source, claim.tunable_at,
                    fmt::format("rules `{}` and `{}` both fix {} at priority {}; the later one wins",
                                quote(before->name), quote(rule.name), quote(claim.tunable), priority),
                    "give one a priority of its own, or bound the value with at_least or at_most");
            }
        }
    }

    const Settings& settings_;
    Surroundings surroundings_;
    Diagnostics& diagnostics_;
    Needs needs_;
    RuleSet set_;
};

}  // namespace

bool RuleSet::about_units() const {
    const auto of_unit = [](const indicators::Key& key) {
        return indicators::catalogue()[key.indicator].argument == indicators::Argument::unit;
    };
    const auto claims = [](const Rule& rule) { return !rule.unit_claims.empty(); };
    return !unit_baseline.empty() || std::any_of(keys.begin(), keys.end(), of_unit) ||
           std::any_of(rules.begin(), rules.end(), claims);
}

std::optional<RuleSet> compile_profile(const std::string& name, const ProfileText& profile, const Settings& settings,
                                       const Surroundings& surroundings, Diagnostics& diagnostics) {
    RuleSet set = RuleCompiler(settings, surroundings, diagnostics).compile(name, profile);
    if (diagnostics.has_errors()) return std::nullopt;
    return set;
}

}  // namespace memtuned::rules
