#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: layering.sh TREE
#
# Checks that the rooms of the house (include/memtuned/ROOM, src/ROOM) keep to what they may know:
# - an #include goes to the same room or to one that the table below grants;
# - only the kernel's room, and the two catalogues as tables, name paths under /proc and /sys;
# - the policy is a pure function: no clock, file, stream, log or thread.
# Prints each offence as FILE:LINE: text. Comments do not count, and paths count only inside string literals.
set -euo pipefail
cd -- "${1:?usage: layering.sh TREE}"

mapfile -d '' files < <(find include src -type f \( -name '*.hpp' -o -name '*.cpp' \) -print0 | LC_ALL=C sort -z)
if ((${#files[@]} == 0)); then
    echo "layering.sh: no sources in $PWD" >&2
    exit 1
fi
awk '
BEGIN {
    known["base"] = ""
    known["kernel"] = "base"
    known["indicators"] = "base kernel"
    known["tunables"] = "base kernel"
    known["rules"] = "base indicators tunables/catalogue.hpp"
    known["policy"] = "base indicators tunables rules"
    known["bus"] = "base kernel indicators tunables rules policy"
    known["daemon"] = "base kernel indicators tunables rules policy bus"
    known["ctl"] = "base kernel indicators tunables rules policy bus/sdbus.hpp bus/names.hpp daemon/configuration.hpp" \
                   " daemon/options.hpp"
    impure = "^(fstream|iostream|ostream|istream|filesystem|cstdio|stdio\\.h|random|thread|mutex|future|ctime|time\\.h" \
             "|unistd\\.h|fcntl\\.h|sys/.*|spdlog/.*|systemd/.*)$"
    clock = "(^|[^A-Za-z0-9_])(now|time|clock_gettime|gettimeofday)[ \t]*\\("
    status = 0
}

function offence(text) {
    print FILENAME ":" FNR ": " text
    status = 1
}

# Walks over one line: `code` becomes what is left without comments and with literals emptied, `strings` the
# contents of its string literals, one per line. A block comment or a raw string goes on into the next lines.
function split_line(line,    i, c, pair) {
    code = strings = ""
    for (i = 1; i <= length(line); i++) {
        c = substr(line, i, 1)
        pair = substr(line, i, 2)
        if (state == "comment") {
            if (pair == "*/") { state = ""; i++ }
        } else if (state == "raw") {
            if (substr(line, i, length(raw_end)) == raw_end) { state = ""; i += length(raw_end) - 1 }
            else strings = strings c
        } else if (state == "string" || state == "char") {
            if (c == "\\") i++
            else if (c == (state == "string" ? "\"" : "\047")) { state = ""; strings = strings "\n" }
            else if (state == "string") strings = strings c
        } else if (pair == "//") {
            break
        } else if (pair == "/*") {
            state = "comment"; i++
        } else if (c == "\"" && code ~ /(^|[^A-Za-z0-9_])(u8|u|U|L)?R$/) {
            raw_end = ")" substr(line, i + 1, index(substr(line, i + 1), "(") - 1) "\""
            i += length(raw_end) - 1
            state = "raw"
        } else if (c == "\"") {
            state = "string"; code = code "\"\""
        } else if (c == "\047" && code !~ /[0-9A-Fa-f]$/) {
            state = "char"
        } else {
            code = code c
        }
    }
    if (state == "string" || state == "char") state = ""
}

function grants(room, to, file,    list, n, i) {
    n = split(known[room], list, " ")
    for (i = 1; i <= n; i++)
        if (list[i] == to || list[i] == to "/" file) return 1
    return to == room
}

function check_include(target,    to) {
    if (target ~ /(^|\/)\.\.\//) offence("include by way of ..: " target)
    if (room == "policy" && target ~ impure) offence("policy includes <" target ">")
    sub(/^memtuned\//, "", target)
    to = target
    sub(/\/.*/, "", to)
    if (to != target && (to in known) && !grants(room, to, substr(target, length(to) + 2)))
        offence(room " includes " target)
}

FNR == 1 {
    state = ""
    room = FILENAME
    sub(/^(include\/memtuned|src)\//, "", room)
    sub(/\/.*/, "", room)
    if (!(room in known)) offence("in no known room")
    may_name_paths = room == "kernel" || FILENAME ~ /^src\/(indicators\/(catalogue|table)|tunables\/catalogue)\.cpp$/
}

state == "" && match($0, /^[ \t]*#[ \t]*include[ \t]*[<"][^>"]*/) {
    target = substr($0, 1, RLENGTH)
    sub(/^[^<"]*[<"]/, "", target)
    check_include(target)
    next
}

{
    split_line($0)
    if (!may_name_paths && strings ~ /(^|[^A-Za-z0-9_.\/-])(\/(proc|sys)([^A-Za-z0-9_-]|$)|(proc|sys)\/)/)
        offence(room " names a kernel path: " $0)
    if (room == "policy" && code ~ clock) offence("policy reads a clock: " $0)
}

END { exit status }
' "${files[@]}"
