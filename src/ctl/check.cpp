// SPDX-License-Identifier: GPL-2.0-or-later
//
// The same path as the daemon's own --check, without a daemon.
#include <fmt/format.h>

#include <cstdio>

#include "ctl/commands.hpp"
#include "ctl/json.hpp"
#include "ctl/output.hpp"
#include "daemon/configuration.hpp"

namespace memtuned::ctl {
namespace {

using rules::Diagnostic;

Json number_or_null(std::size_t number) {
    return number == 0 ? Json() : Json(number);
}

Json to_json(const Diagnostic& diagnostic) {
    return {{"file", diagnostic.file},
            {"line", number_or_null(diagnostic.at.line)},
            {"column", number_or_null(diagnostic.at.column)},
            {"severity", diagnostic.severity == Diagnostic::Severity::error ? "error" : "warning"},
            {"message", diagnostic.message},
            {"help", diagnostic.help}};
}

void print_as_json(rules::Diagnostics& diagnostics) {
    Json list = Json::array();
    for (const Diagnostic& diagnostic : diagnostics.sorted()) list.push_back(to_json(diagnostic));
    print(to_text({{"errors", diagnostics.errors()}, {"diagnostics", list}}));
}

void print_as_text(rules::Diagnostics& diagnostics, const std::vector<std::string>& files) {
    std::fputs(diagnostics.render_all().c_str(), stderr);
    if (diagnostics.has_errors())
        fmt::print(stderr, "\n{} error{}\n", diagnostics.errors(), diagnostics.errors() == 1 ? "" : "s");
    else
        print(fmt::format("{}: no errors\n", fmt::join(files, ", ")));
}

}  // namespace

int check_files(const Arguments& arguments) {
    rules::Diagnostics diagnostics;
    for (const std::string& file : arguments.files) daemon::check_file(arguments.check, file, diagnostics);
    if (arguments.json)
        print_as_json(diagnostics);
    else
        print_as_text(diagnostics, arguments.files);
    return diagnostics.has_errors() ? status::not_so : status::well;
}

}  // namespace memtuned::ctl
