// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/profile_text.hpp"

#include <fmt/format.h>

#include "toml.hpp"

namespace memtuned::rules {
namespace {

struct BoundKey {
    std::string_view key;
    Bound bound;
};
constexpr BoundKey bound_keys[] = {{"at_least", Bound::at_least}, {"at_most", Bound::at_most}};

bool is_bounds(const toml::table& table) {
    return table.contains("at_least") || table.contains("at_most");
}

/// Claims are tables that nest by the dots of a tunable's name; a table with at_least or at_most ends the name.
void parse_claims(const Section& section, const std::string& prefix, std::vector<ClaimText>& claims) {
    for (const auto& [key, node] : section.table()) {
        const std::string name = prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
        ClaimText claim{section.source(), name, Bound::exactly, std::int64_t{0}, section.at(key), section.at(node)};
        const toml::table* table = node.as_table();
        if (table == nullptr) {
            if (std::optional<ValueText> value = section.value(node)) {
                claim.value = std::move(*value);
                claims.push_back(std::move(claim));
            }
            continue;
        }
        const Section inner = section.inner(*table, name);
        if (!is_bounds(*table)) {
            if (table->empty()) section.error(claim.tunable_at, fmt::format("`{}` is given no value", quote(name)));
            parse_claims(inner, name, claims);
            continue;
        }
        inner.refuse_unknown({"at_least", "at_most"});
        for (const auto& [bound_key, bound] : bound_keys) {
            const toml::node* bounded = table->get(bound_key);
            std::optional<ValueText> value = bounded == nullptr ? std::nullopt : inner.value(*bounded);
            if (!value) continue;
            claim.bound = bound;
            claim.value_at = inner.at(*bounded);
            claim.value = std::move(*value);
            claims.push_back(claim);
        }
    }
}

void parse_claim_table(const Section& rule, std::string_view key, std::string_view example,
                       std::vector<ClaimText>& claims) {
    const std::string instead = fmt::format("{} = {{ {} }}", key, example);
    const auto section = rule.section(key, instead);
    if (!section) return;
    if (section->table().empty())
        rule.error(rule.at(section->table()), fmt::format("`{}` names no tunable", key), "write " + instead);
    parse_claims(*section, "", claims);
}

/// `hold = "30s"`, or `hold = { from = "4s", to = "2min" }`.
void parse_hold(const Section& section, RuleText& rule) {
    const toml::node* node = section.table().get("hold");
    if (node == nullptr) return;
    if (!node->is_table()) {
        rule.hold_from = section.string("hold", "hold = \"30s\" or hold = { from = \"4s\", to = \"2min\" }");
        return;
    }
    const Section range = section.inner(*node->as_table(), "hold");
    range.refuse_unknown({"from", "to"});
    rule.hold_from = range.string("from", "from = \"4s\"");
    rule.hold_to = range.string("to", "to = \"2min\"");
    for (const std::string_view end : {"from", "to"})
        if (!range.table().contains(end)) range.error(range.at(*node), fmt::format("`hold` lacks `{}`", end));
}

void parse_name(const Section& section, RuleText& rule) {
    rule.name_at = rule.at;
    const toml::node* node = section.table().get("name");
    if (const auto name = section.string("name", "name = \"grow-reserve\"")) {
        rule.name = name->value;
        rule.name_at = section.at(*node);
    }
    if (rule.name.empty() && (node == nullptr || node->is_string()))
        section.error(rule.name_at, "a rule needs a name", "write name = \"grow-reserve\"");
}

/// What only a rule that is switched off can do without.
void require_parts(const Section& section, const RuleText& rule) {
    const toml::table& table = section.table();
    const std::string who = rule.name.empty() ? "this rule" : fmt::format("rule `{}`", quote(rule.name));
    if (!table.contains("when"))
        section.error(rule.at, who + " has no `when`",
                      "write when = \"psi.memory.full.avg10 > 10%\", or enabled = false to switch it off");
    if (!table.contains("set") && !table.contains("step") && !table.contains("trigger"))
        section.error(rule.at, who + " claims nothing", "write set = { vm.swappiness = 10 }, or a step or a trigger");
}

RuleText parse_rule(const Section& section) {
    section.refuse_unknown({"name", "description", "enabled", "priority", "when", "for", "until", "hold", "every",
                            "set", "step", "relax", "trigger"});
    RuleText rule;
    rule.source = section.source();
    rule.at = section.at(section.table());
    parse_name(section, rule);
    if (const auto text = section.string("description", "description = \"what the rule is for\""))
        rule.description = text->value;
    rule.enabled = section.boolean("enabled").value_or(true);
    rule.priority = section.integer("priority", "priority = 50");
    if (rule.priority) rule.priority_at = section.at(*section.table().get("priority"));
    rule.when = section.string("when", "when = \"psi.memory.full.avg10 > 10%\"");
    rule.until = section.string("until", "until = \"psi.memory.full.avg10 < 5%\"");
    rule.for_at_least = section.string("for", "for = \"500ms\"");
    rule.every = section.string("every", "every = \"5s\"");
    parse_hold(section, rule);
    parse_claim_table(section, "set", "vm.swappiness = 10", rule.set);
    parse_claim_table(section, "step", "vm.swappiness = \"current + 10\"", rule.step);
    parse_claim_table(section, "relax", "vm.swappiness = \"current - 10\"", rule.relax);
    parse_claim_table(section, "trigger", "vm.drop_caches = 1", rule.trigger);
    if (rule.enabled) require_parts(section, rule);
    return rule;
}

void parse_rules(const Section& section, ProfileText& profile) {
    const toml::node* node = section.table().get("rule");
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
        if (const toml::table* table = array->get(i)->as_table())
            profile.rules.push_back(parse_rule(section.inner(*table, "a rule")));
        else
            section.error(section.at(*array->get(i)), "a rule is a table", "begin each rule with a line [[rule]]");
    }
    if (array == nullptr)
        section.error(section.at(*node), "`rule` is a list of tables", "begin each rule with [[rule]]");
}

void parse_include(const Section& section, ProfileText& profile) {
    const toml::node* node = section.table().get("include");
    if (node == nullptr) return;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
        section.error(section.at(*node), "`include` is a list of profile names", "write include = [\"balanced\"]");
        return;
    }
    for (const toml::node& entry : *array) {
        if (const auto* name = entry.as_string())
            profile.include.push_back({name->get(), section.at(entry)});
        else
            section.error(section.at(entry), "`include` lists names of profiles", "write include = [\"balanced\"]");
    }
}

void parse_conditions(const Section& section, ProfileText& profile) {
    for (const auto& [key, node] : section.table()) {
        const std::string name(key.str());
        if (auto text = section.string(name, fmt::format("{} = \"psi.memory.full.avg10 > 10%\"", quote(name))))
            profile.conditions.push_back({section.source(), name, section.at(key), std::move(*text)});
    }
}

}  // namespace

std::optional<ProfileText> parse_profile(const Source& source, Diagnostics& diagnostics) {
    const std::optional<toml::table> table = parse_toml(source, diagnostics);
    if (!table) return std::nullopt;
    const Section section(source, diagnostics, *table, "a profile");
    section.refuse_unknown({"description", "include", "condition", "baseline", "rule"});
    ProfileText profile;
    profile.source = source;
    if (const auto text = section.string("description", "description = \"what the profile is for\""))
        profile.description = text->value;
    parse_include(section, profile);
    if (const auto conditions =
            section.section("condition", "a line [condition], then thrashing = \"swap.in > 1 MiB/s\""))
        parse_conditions(*conditions, profile);
    if (const auto baseline = section.section("baseline", "a line [baseline], then vm.swappiness = 10"))
        parse_claims(*baseline, "", profile.baseline);
    parse_rules(section, profile);
    return profile;
}

}  // namespace memtuned::rules
