// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/rules/profile_loader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>
#include <unordered_map>
#include <unordered_set>

#include "memtuned/tunables/catalogue.hpp"

namespace memtuned::rules {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t deepest_include = 16;

bool is_plain_name(std::string_view name) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    return !name.empty() && name.front() != '.' && name.find_first_not_of(allowed) == std::string_view::npos;
}

/// The files NAME.toml of a folder by name, without what editors leave about (".#NAME.toml"). A folder that is not
/// there is an empty one.
std::vector<std::string> toml_files(const fs::path& folder, std::error_code& failure) {
    std::vector<std::string> files;
    for (fs::directory_iterator entry(folder, failure), end; !failure && entry != end; entry.increment(failure))
        if (entry->path().extension() == ".toml" && !entry->path().filename().string().starts_with('.'))
            files.push_back(entry->path().string());
    if (failure == std::errc::no_such_file_or_directory) failure.clear();
    std::sort(files.begin(), files.end());
    return files;
}

/// The tunable that cannot be claimed beside this one: vm.dirty_bytes for vm.dirty_ratio.
std::string_view twin(std::string_view name) {
    const std::optional<std::size_t> index = tunables::find(name);
    if (!index || tunables::catalogue()[*index].twin == tunables::no_twin) return name;
    return tunables::catalogue()[tunables::catalogue()[*index].twin].name;
}

class Loader {
public:
    Loader(const std::vector<std::string>& folders, Diagnostics& diagnostics)
        : folders_(folders), diagnostics_(diagnostics) {}

    void add_profile(const std::string& name, const std::string& path) {
        open_.push_back(name);
        add_file(path, true);
        for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder)
            add_drop_ins(fs::path(*folder) / fmt::format("{}.d", name));
        open_.pop_back();
        done_.push_back(name);
    }

    std::optional<std::string> find(const std::string& name) const {
        for (const std::string& folder : folders_) {
            const fs::path path = fs::path(folder) / fmt::format("{}.toml", name);
            std::error_code failure;
            if (fs::exists(path, failure)) return path.string();
        }
        return std::nullopt;
    }

    /// "there is no profile `x` in A, B", and the nearest that there is.
    std::pair<std::string, std::string> missing(const std::string& name) const {
        std::vector<std::string> names;
        std::error_code ignored;
        for (const std::string& folder : folders_)
            for (const std::string& file : toml_files(folder, ignored))
                names.push_back(fs::path(file).stem().string());
        const std::string_view close = nearest(name, {names.begin(), names.end()});
        return {fmt::format("there is no profile `{}` in {}", name, fmt::join(folders_, ", ")),
                !close.empty()  ? fmt::format("did you mean {}?", close)
                : names.empty() ? "these folders hold no profiles"
                                : fmt::format("there are: {}", fmt::join(names, ", "))};
    }

    ProfileText take() { return std::move(whole_); }
    bool read_something() const { return read_something_; }

private:
    void add_drop_ins(const fs::path& folder) {
        std::error_code failure;
        const std::vector<std::string> files = toml_files(folder, failure);
        if (failure) diagnostics_.error(folder.string(), failure.message(), "its rules belong to the profile");
        for (const std::string& file : files) add_file(file, false);
    }

    void add_file(const std::string& path, bool main) {
        Result<Source> source = SourceFile::read(path);
        if (!source) {
            const std::string& whole = source.error().message;  // "PATH: reason"
            diagnostics_.error(path, whole.substr(std::min(path.size() + 2, whole.size())),
                               "the profile cannot be loaded without this file");
            return;
        }
        std::optional<ProfileText> text = parse_profile(*source, diagnostics_);
        if (!text) return;
        read_something_ = true;
        for (const IncludeText& include : text->include) add_include(*source, include);
        check_names(*text);
        if (main && open_.size() == 1) {
            whole_.source = text->source;
            whole_.description = text->description;
        }
        merge(std::move(*text));
    }

    void add_include(const Source& source, const IncludeText& include) {
        if (std::find(open_.begin(), open_.end(), include.name) != open_.end()) {
            diagnostics_.error(
                source, include.at,
                fmt::format("a profile cannot include itself: {} -> {}", fmt::join(open_, " -> "), include.name),
                "take one of these includes out");
            return;
        }
        if (std::find(done_.begin(), done_.end(), include.name) != done_.end()) return;
        if (open_.size() >= deepest_include) {
            diagnostics_.error(source, include.at, fmt::format("includes nest more than {} deep", deepest_include));
            return;
        }
        if (!is_plain_name(include.name)) {
            diagnostics_.error(source, include.at, fmt::format("`{}` is not the name of a profile", include.name),
                               "write the name without folder and .toml: \"balanced\"");
            return;
        }
        if (const std::optional<std::string> path = find(include.name)) return add_profile(include.name, *path);
        const auto [message, help] = missing(include.name);
        diagnostics_.error(source, include.at, message, help);
    }

    /// Two rules of one name in one file are a slip; across files the later one is meant to replace the earlier.
    void check_names(const ProfileText& text) {
        std::unordered_set<std::string_view> names;
        for (const RuleText& rule : text.rules)
            if (!rule.name.empty() && !names.insert(rule.name).second)
                diagnostics_.error(rule.source, rule.name_at,
                                   fmt::format("a second rule `{}` in this file", quote(rule.name)),
                                   "give it a name of its own");
    }

    void merge(ProfileText text) {
        for (ConditionText& condition : text.conditions) {
            std::erase_if(whole_.conditions, [&](const ConditionText& old) { return old.name == condition.name; });
            whole_.conditions.push_back(std::move(condition));
        }
        std::unordered_set<std::string_view> claimed;
        for (const ClaimText& claim : text.baseline) {
            claimed.insert(claim.tunable);
            claimed.insert(twin(claim.tunable));
        }
        std::erase_if(whole_.baseline, [&](const ClaimText& old) { return claimed.contains(old.tunable); });
        std::move(text.baseline.begin(), text.baseline.end(), std::back_inserter(whole_.baseline));
        for (RuleText& rule : text.rules) {
            const auto [place, added] = places_.try_emplace(rule.name, whole_.rules.size());
            if (added)
                whole_.rules.push_back(std::move(rule));
            else
                whole_.rules[place->second] = std::move(rule);
        }
    }

    const std::vector<std::string>& folders_;
    Diagnostics& diagnostics_;
    ProfileText whole_;
    std::unordered_map<std::string, std::size_t> places_;  // of the rules in whole_
    bool read_something_ = false;
    std::vector<std::string> open_;  // being read, outermost first
    std::vector<std::string> done_;
};

}  // namespace

std::optional<ProfileText> load_profile(const std::string& name, const std::vector<std::string>& folders,
                                        Diagnostics& diagnostics) {
    Loader loader(folders, diagnostics);
    const std::optional<std::string> path = is_plain_name(name) ? loader.find(name) : std::nullopt;
    if (!path) {
        auto [message, help] = loader.missing(name);
        diagnostics.error("memtuned", std::move(message), std::move(help));
        return std::nullopt;
    }
    loader.add_profile(name, *path);
    if (!loader.read_something()) return std::nullopt;
    return loader.take();
}

std::optional<ProfileText> load_profile_file(const std::string& path, const std::vector<std::string>& folders,
                                             Diagnostics& diagnostics) {
    const fs::path own = fs::path(path).parent_path();
    std::vector<std::string> all{own.empty() ? std::string(".") : own.string()};
    for (const std::string& folder : folders)
        if (folder != all.front()) all.push_back(folder);
    Loader loader(all, diagnostics);
    loader.add_profile(fs::path(path).stem().string(), path);
    if (!loader.read_something()) return std::nullopt;
    return loader.take();
}

std::vector<std::string> list_profiles(const std::vector<std::string>& folders) {
    const auto is_plain = [](const std::string& name) {
        return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
    };
    std::set<std::string> names;
    for (const std::string& folder : folders) {
        std::error_code ignored;
        for (fs::directory_iterator file(folder, ignored), end; !ignored && file != end; file.increment(ignored))
            if (file->path().extension() == ".toml" && fs::is_regular_file(file->path(), ignored) &&
                is_plain(file->path().stem().string()))
                names.insert(file->path().stem().string());
    }
    return {names.begin(), names.end()};
}

}  // namespace memtuned::rules
