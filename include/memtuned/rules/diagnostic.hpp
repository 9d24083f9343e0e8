// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is wrong with a file, said so that it can be mended: where, what, and what to write instead.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "memtuned/rules/source.hpp"

namespace memtuned::rules {

struct Diagnostic {
    enum class Severity { error, warning };

    Severity severity;
    std::string file;
    Position at;            ///< line 0: the file as a whole
    std::string message;    ///< what is wrong
    std::string help;       ///< what to write instead; may be empty
    std::string excerpt;    ///< the line it is about, or the part of it around the place; may be empty
    std::size_t caret = 0;  ///< the place in the excerpt, counted from 1; 0: none
};

/// "FILE:LINE:COLUMN: error: MESSAGE", the line, a caret under the place, and the help.
std::string render(const Diagnostic& diagnostic);

/// What was said of a place is not said again: a condition with a name is read wherever it is used.
class Diagnostics {
public:
    void error(const Source& source, std::size_t offset, std::string message, std::string help = {});
    void warning(const Source& source, std::size_t offset, std::string message, std::string help = {});
    /// An error about a file as a whole, one that could not be read for instance.
    void error(std::string file, std::string message, std::string help = {});

    bool has_errors() const { return errors_ > 0; }
    std::size_t errors() const { return errors_; }
    bool empty() const { return all_.empty(); }
    /// In the order of the files, and of the places in each. A file of rubbish has more mistakes than anybody reads:
    /// past the first `most_kept` they are counted only.
    static constexpr std::size_t most_kept = 500;
    const std::vector<Diagnostic>& sorted();

    /// All of them rendered, a blank line between two.
    std::string render_all();

private:
    void add(Diagnostic::Severity severity, const Source& source, std::size_t offset, std::string message,
             std::string help);
    bool is_full();

    std::vector<Diagnostic> all_;
    std::size_t errors_ = 0;
    std::size_t dropped_ = 0;
};

/// A part of a file as a message quotes it: on one line, printable, and cut where it gets long.
std::string quote(std::string_view text, std::size_t longest = 60);

/// The candidate closest to `word` in edits (insert, drop, replace, swap), empty if none is close enough to be meant.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace memtuned::rules
