// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "memtuned/rules/expression_compiler.hpp"
#include "memtuned/tunables/catalogue.hpp"
#include "toml.hpp"

namespace memtuned::rules {
namespace {

template <class Value>
struct Choice {
    std::string_view word;
    Value value;
};

template <class Value, std::size_t N>
void parse_choice(const Section& section, std::string_view key, const std::array<Choice<Value>, N>& choices,
                  Value& out) {
    const std::optional<Text> text = section.string(key, fmt::format("{} = \"{}\"", key, choices[0].word));
    if (!text) return;
    std::vector<std::string_view> words;
    for (const Choice<Value>& choice : choices) {
        if (choice.word == text->value) {
            out = choice.value;
            return;
        }
        words.push_back(choice.word);
    }
    section.error(text->offset(0), fmt::format("`{}` is not a value of {}", quote(text->value), key),
                  fmt::format("write one of: {}", fmt::join(words, ", ")));
}

class SettingsParser {
public:
    explicit SettingsParser(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    Settings parse(const Section& section) {
        section.refuse_unknown({"profile", "mode", "rules", "allow_unkillable", "sampling", "tunable"});
        if (const auto name = section.string("profile", "profile = \"balanced\"")) settings_.profile = name->value;
        parse_choice(section, "mode", std::array{Choice<bool>{"enforce", false}, Choice<bool>{"observe", true}},
                     settings_.observe);
        parse_folders(section);
        settings_.allow_unkillable = section.boolean("allow_unkillable").value_or(false);
        if (const auto sampling = section.section("sampling", "a line [sampling]")) parse_sampling(*sampling);
        if (const auto tunable = section.section("tunable", "a line [tunable.vm.swappiness]"))
            parse_tunables(*tunable, "");
        return std::move(settings_);
    }

private:
    void parse_folders(const Section& section) {
        const toml::node* node = section.table().get("rules");
        if (node == nullptr) return;
        const toml::array* array = node->as_array();
        if (array == nullptr || array->empty()) {
            section.error(section.at(*node), "`rules` is a list of folders",
                          "write rules = [\"/etc/memtuned/rules\"]");
            return;
        }
        settings_.folders.clear();
        for (const toml::node& entry : *array) {
            const auto* folder = entry.as_string();
            if (folder != nullptr && folder->get().starts_with('/'))
                settings_.folders.push_back(folder->get());
            else
                section.error(section.at(entry), "`rules` lists folders by their full path",
                              "write rules = [\"/etc/memtuned/rules\"]");
        }
    }

    void parse_duration(const Section& section, std::string_view key, Duration least, Duration most, Duration& out) {
        const std::optional<Text> text = section.string(key, fmt::format("{} = \"2s\"", key));
        if (!text) return;
        Needs unused;
        const std::optional<Compiled> compiled = compile_expression(
            *text, {.dimension = dimension::seconds, .subject = key, .constant = true}, {}, unused, diagnostics_);
        if (!compiled) return;
        if (compiled->lowest < seconds(least) || compiled->lowest > seconds(most))
            section.error(
                text->offset(0),
                fmt::format("{} is between {} and {}, here is {}", key, show(least), show(most),
                            format_quantity(compiled->lowest, dimension::seconds)),
                key == "busy" ? "reading pressure faster than every 100ms damages it for every reader" : "");
        else
            out = from_seconds(compiled->lowest);
    }

    static std::string show(Duration duration) { return format_quantity(seconds(duration), dimension::seconds); }

    void parse_sampling(const Section& section) {
        section.refuse_unknown({"idle", "busy", "busy_for"});
        parse_duration(section, "idle", shortest_interval, longest_interval, settings_.idle);
        parse_duration(section, "busy", shortest_interval, longest_interval, settings_.busy);
        parse_duration(section, "busy_for", Duration{0}, std::chrono::hours(1), settings_.busy_for);
        if (settings_.busy > settings_.idle)
            section.error(
                section.at(section.table()),
                fmt::format("busy ({}) is longer than idle ({})", show(settings_.busy), show(settings_.idle)),
                "a busy machine is sampled more often than an idle one");
    }

    /// [tunable.vm.swappiness] nests by the dots of the name.
    void parse_tunables(const Section& section, const std::string& prefix) {
        for (const auto& [key, node] : section.table()) {
            const std::string name =
                prefix.empty() ? std::string(key.str()) : fmt::format("{}.{}", prefix, key.str());
            const toml::table* table = node.as_table();
            const std::optional<std::size_t> index = number(name);
            if (table != nullptr && index)
                parse_tunable(section.inner(*table, fmt::format("[tunable.{}]", name)), *index);
            else if (table != nullptr && begins_a_name(name))
                parse_tunables(section.inner(*table, name), name);
            else if (index)
                section.error(section.at(node), fmt::format("what is set for {} is a table", name),
                              fmt::format("write a line [tunable.{}], and below it max = …", name));
            else
                refuse(section, key, name);
        }
    }

    /// All units are set together: they come and go, and one section for each would go unread.
    static std::optional<std::size_t> number(const std::string& name) {
        return name == tunables::oom_score_adj().name ? tunables::catalogue().size() : tunables::find(name);
    }

    static bool begins_a_name(const std::string& prefix) {
        const auto all = tunables::catalogue();
        return std::any_of(all.begin(), all.end(),
                           [&](const tunables::Tunable& entry) { return entry.name.starts_with(prefix + "."); });
    }

    static void refuse(const Section& section, const toml::key& key, const std::string& name) {
        std::vector<std::string_view> names;
        for (const tunables::Tunable& entry : tunables::catalogue()) names.push_back(entry.name);
        names.push_back(tunables::oom_score_adj().name);
        const std::string_view close = nearest(name, names);
        section.error(section.at(key), fmt::format("there is no tunable `{}`", quote(name)),
                      close.empty() ? fmt::format("there are: {}", fmt::join(names, ", "))
                                    : fmt::format("did you mean {}?", close));
    }

    void parse_tunable(const Section& section, std::size_t index) {
        if (tunables::about(index).trigger) {
            section.error(
                section.at(section.table()),
                fmt::format("{} acts when written, so there is nothing to set for it", tunables::about(index).name),
                "take these lines out");
            return;
        }
        section.refuse_unknown({"min", "max", "on_exit", "on_outside_change", "yield_for"});
        TunableSettings& tunable = settings_.tunables[index];
        tunable.minimum = limit(section, "min", index);
        tunable.maximum = limit(section, "max", index);
        parse_choice(section, "on_exit", std::array{Choice<bool>{"restore", false}, Choice<bool>{"keep", true}},
                     tunable.keep_on_exit);
        parse_choice(section, "on_outside_change",
                     std::array{Choice<OnOutsideChange>{"yield", OnOutsideChange::yield},
                                Choice<OnOutsideChange>{"enforce", OnOutsideChange::enforce},
                                Choice<OnOutsideChange>{"rebase", OnOutsideChange::rebase}},
                     tunable.on_outside_change);
        parse_duration(section, "yield_for", std::chrono::seconds(1), std::chrono::hours(24 * 30), tunable.yield_for);
    }

    static std::optional<ClaimText> limit(const Section& section, std::string_view key, std::size_t index) {
        const toml::node* node = section.table().get(key);
        std::optional<ValueText> value = node == nullptr ? std::nullopt : section.value(*node);
        if (!value) return std::nullopt;
        return ClaimText{section.source(),  std::string(tunables::about(index).name),
                         Bound::exactly,    std::move(*value),
                         section.at(*node), section.at(*node)};
    }

    Diagnostics& diagnostics_;
    Settings settings_;
};

}  // namespace

Settings::Settings() : tunables(tunables::catalogue().size() + 1) {}

const TunableSettings& Settings::of(std::size_t tunable) const {
    return tunables[std::min(tunable, tunables.size() - 1)];
}

Settings parse_settings(const Source& source, Diagnostics& diagnostics) {
    const std::optional<toml::table> table = parse_toml(source, diagnostics);
    if (!table) return {};
    return SettingsParser(diagnostics).parse(Section(source, diagnostics, *table, "memtuned.toml"));
}

}  // namespace memtuned::rules
