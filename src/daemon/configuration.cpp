// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/configuration.hpp"

#include <filesystem>

#include "memtuned/indicators/bounds.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/rules/profile_loader.hpp"

namespace memtuned::daemon {
namespace {

namespace fs = std::filesystem;

rules::Settings read_settings(const std::string& path, rules::Diagnostics& diagnostics) {
    Result<rules::Source> source = rules::SourceFile::read(path);
    if (source) return rules::parse_settings(*source, diagnostics);
    diagnostics.error("memtuned", source.error().message, "an empty file is a valid configuration");
    return {};
}

rules::Settings load_settings(const Options& options, rules::Diagnostics& diagnostics) {
    const std::string path =
        options.config.value_or((fs::path(options.root) / "etc/memtuned/memtuned.toml").string());
    std::error_code failure;
    const bool absent = !options.config && !fs::exists(path, failure);
    rules::Settings settings = absent ? rules::Settings{} : read_settings(path, diagnostics);
    if (options.root != "/")
        for (std::string& folder : settings.folders)
            folder = (fs::path(options.root) / fs::path(folder).relative_path()).string();
    if (!options.folders.empty()) settings.folders = options.folders;
    if (options.profile) settings.profile = *options.profile;
    if (options.observe) settings.observe = *options.observe;
    return settings;
}

rules::Surroundings surroundings(const Options& options, const rules::Settings& settings) {
    return {indicators::read_machine(kernel::Root(options.root)), settings.idle};
}

}  // namespace

std::optional<Configuration> load_configuration(const Options& options, rules::Diagnostics& diagnostics) {
    auto settings = std::make_shared<const rules::Settings>(load_settings(options, diagnostics));
    const auto profile = rules::load_profile(settings->profile, settings->folders, diagnostics);
    if (!profile) return std::nullopt;
    std::optional<rules::RuleSet> compiled =
        rules::compile_profile(settings->profile, *profile, *settings, surroundings(options, *settings), diagnostics);
    if (!compiled) return std::nullopt;
    return Configuration{std::move(settings), std::make_shared<const rules::RuleSet>(std::move(*compiled))};
}

void check_file(const Options& options, const std::string& file, rules::Diagnostics& diagnostics) {
    if (fs::path(file).filename() == "memtuned.toml") {
        Options with_file = options;
        with_file.config = file;
        load_configuration(with_file, diagnostics);
        return;
    }
    const rules::Settings settings = load_settings(options, diagnostics);
    const auto profile = rules::load_profile_file(file, settings.folders, diagnostics);
    if (!profile) return;
    rules::compile_profile(fs::path(file).stem().string(), *profile, settings, surroundings(options, settings),
                           diagnostics);
}

}  // namespace memtuned::daemon
