#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: MEMTUNED=path/to/memtuned MEMTUNECTL=path/to/memtunectl manual.sh TREE
#
# Checks that the manual pages (TREE/docs/man) tell of everything there is, and of nothing that is not there:
# - options and commands, as --help of the programs has them;
# - keys, choices, tunables and units, as the errors of the checker name them; functions and states, from their tables;
# - exit statuses, environment variables and files, from the sources;
# - that the examples of files check, that pages refer to pages that are there, and that they render without a warning.
# Prints each offence as PAGE: text. Without groff or mandoc the pages are not rendered, which is said.
set -euo pipefail
memtuned=$(realpath -- "${MEMTUNED:?the path of the daemon}")
memtunectl=$(realpath -- "${MEMTUNECTL:?the path of memtunectl}")
cd -- "${1:?usage: manual.sh TREE}"

pages=docs/man
daemon_page=$pages/memtuned.8
ctl_page=$pages/memtunectl.1
settings_page=$pages/memtuned.toml.5
rules_page=$pages/memtuned-rules.5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
offences=0

offence() { # page, text
    echo "$1: $2"
    offences=$((offences + 1))
}

# --- what a page says ---

# The lines of a page, its escapes and the macros of its fonts taken off, each behind its section, its subsection, how deep
# it is indented, and "tag" if it is one that a list is made of.
flatten() { # page
    awk '
        function plain(text) {
            gsub(/\\f[BIRP]|\\&/, "", text)
            gsub(/\\-/, "-", text)
            gsub(/\\~/, " ", text)
            gsub(/\\\(dq/, "\"", text)
            gsub(/\\\(aq/, "\047", text)
            return text
        }
        BEGIN { OFS = "\t" }
        /^\.\\"/ { next }
        /^\.SH/ { section = plain($0); sub(/^\.SH */, "", section); gsub(/"/, "", section); part = ""; depth = 0; next }
        /^\.SS/ { part = plain($0); sub(/^\.SS */, "", part); gsub(/"/, "", part); next }
        /^\.RS/ { depth++; next }
        /^\.RE/ { depth--; next }
        /^\.T[PQ]/ { tag = 1; next }
        {
            if (sub(/^\.(B|I|BR|BI|RB|RI|IB|IR) +/, "")) gsub(/(^| )"|"($| )/, " ")
            print section, part, depth, tag ? "tag" : "text", plain($0)
            tag = 0
        }' "$1"
}

# The tags of a section or subsection that are indented so deep.
tags() { # page, section, subsection or "", depth
    flatten "$1" | awk -F '\t' -v section="$2" -v part="$3" -v depth="$4" \
        '$1 == section && $2 == part && $3 == depth && $4 == "tag" { print $5 }'
}

# All of a section, or of a subsection of it, word by word.
words() { # page, section[, subsection]
    flatten "$1" | awk -F '\t' -v section="$2" -v part="${3-}" '$1 == section && (part == "" || $2 == part) { print $5 }' |
        tr -s ' ,;:()"' '\n'
}

# What is said of one entry of a section, its tags included, up to the next tag that is not within it: how deep it is
# indented, "tag" or "text", and the line.
entry() { # page, section, first word
    flatten "$1" | awk -F '\t' -v section="$2" -v name="$3" '
        $1 != section { next }
        $3 == 0 && $4 == "tag" { split($5, word, " "); inside = word[1] == name || inside && before == "tag" && word[1] == name }
        inside { print $3 "\t" $4 "\t" $5 }
        { before = $4 }'
}

# --- comparisons; lists come in lines ---

sorted() { LC_ALL=C sort -u | sed '/^$/d'; }

# What there is and what is told of must be the same. An empty list is one that was not found where it is looked for.
compare() { # page, what, there is, told of
    local one
    sorted <<<"$3" >"$work/there"
    sorted <<<"$4" >"$work/told"
    if [ ! -s "$work/there" ]; then offence "$1" "no $2 found to compare it with: has their place changed?"; fi
    while IFS= read -r one; do offence "$1" "lacks the $2 $one"; done < <(LC_ALL=C comm -23 "$work/there" "$work/told")
    while IFS= read -r one; do offence "$1" "tells of the $2 $one, which there is not"; done \
        < <(LC_ALL=C comm -13 "$work/there" "$work/told")
}

# All that there is must be among the words of a page.
told() { # page, what, there is, words
    local one count=0
    while IFS= read -r one; do
        [ -n "$one" ] || continue
        count=$((count + 1))
        grep -Fqx -- "$one" <<<"$4" || offence "$1" "lacks the $2 $one"
    done <<<"$3"
    ((count > 0)) || offence "$1" "no $2 found to look for: has their place changed?"
}

# --- what the programs say ---

# From the text of a --help: the options, one a line, under all their names.
options_in() {
    sed -nE 's/^ {1,12}((-{1,2}[A-Za-z][A-Za-z-]*,? *)+).*/\1/p' | grep -oE -- '-{1,2}[A-Za-z][A-Za-z-]*' || true
}
# The first words of the lines below one of its titles.
listed_in() { # title
    awk -v title="$1" '
        /^[^ ]/ { inside = tolower($1) == title }
        inside && match($0, /^ +/) && RLENGTH <= 4 && $1 !~ /^-/ { print $1 }'
}
option_words() { grep -oE -- '(^|[^A-Za-z0-9-])--?[a-z][a-z-]*' | grep -oE -- '--?[a-z][a-z-]*' || true; }

# The list that the checker answers something unknown with: "known here: a, b".
checker() { # file, its text, words before the list
    printf '%s\n' "$2" >"$work/$1"
    { "$memtuned" --check "$work/$1" --rules rules 2>&1 || true; } | sed -n "s/.*= $3:* //p" | head -n 1 |
        sed 's/, and .*//; s/, */\n/g'
}
settings() { checker memtuned.toml "$@"; }
profile() { checker unknown.toml "$@"; }

# --- options, commands ---

compare "$daemon_page" option "$("$memtuned" --help | options_in)" "$(tags "$daemon_page" OPTIONS "" 0 | option_words)"
compare "$ctl_page" option "$("$memtunectl" --help | options_in)" "$(tags "$ctl_page" OPTIONS "" 0 | option_words)"

commands=$("$memtunectl" --help | listed_in subcommands:)
compare "$ctl_page" command "$commands" \
    "$(flatten "$ctl_page" | awk -F '\t' '$1 == "COMMANDS" && $3 == 0 && $4 == "tag" { print $5 }' | cut -d ' ' -f 1)"

for command in $commands; do
    help=$("$memtunectl" "$command" --help)
    said=$(entry "$ctl_page" COMMANDS "$command")
    line=$(sed -n 's/^0\ttag\t//p' <<<"$said")
    # Those that many commands have are told of once; which of these has --json is to be seen in its line.
    own=$(options_in <<<"$help" | grep -vxE -- '-h|--help|--bus|--json' || true)
    if [ -n "$own" ]; then
        told "$ctl_page" "option of $command" "$own" "$(sed -n 's/^1\ttag\t//p' <<<"$said" | option_words)"
    fi
    on_the_line=$(
        listed_in positionals: <<<"$help"
        options_in <<<"$help" | grep -x -- --json || true
    )
    if [ -n "$on_the_line" ]; then
        told "$ctl_page" "word in the line of $command:" "$on_the_line" "$(tr -s ' []' '\n' <<<"$line" | sed 's/\.*$//')"
    fi
    while IFS= read -r option; do
        [ -z "$option" ] || options_in <<<"$help" | grep -Fqx -- "$option" ||
            offence "$ctl_page" "tells of the option $option of $command, which there is not"
    done < <(option_words <<<"$said" | grep -- ^-- || true)
done

# --- configuration ---

first_word() { sed -E 's/^[[ ]*//; s/[].= ].*//'; }
compare "$settings_page" key "$(settings 'zzzzzzzzzz = 1' 'known here')" \
    "$(tags "$settings_page" KEYS "Top level" 0 | first_word)"
compare "$settings_page" "key of [sampling]" "$(settings $'[sampling]\nzzzzzzzzzz = 1' 'known here')" \
    "$(tags "$settings_page" KEYS "[sampling]" 0 | first_word)"
compare "$settings_page" "key of [tunable]" "$(settings $'[tunable.vm.swappiness]\nzzzzzzzzzz = 1' 'known here')" \
    "$(tags "$settings_page" KEYS "[tunable.NAME]" 0 | first_word)"
for key in mode on_exit on_outside_change; do
    table=
    [ $key = mode ] || table=$'[tunable.vm.swappiness]\n'
    compare "$settings_page" "choice for $key" "$(settings "$table$key = \"zzzzzzzzzz\"" 'write one of')" \
        "$(entry "$settings_page" KEYS $key | sed -n 's/^0\ttag\t//p' | grep -oE '"[a-z]+"' | tr -d '"')"
done

# --- rules ---

compare "$rules_page" "key of a profile" "$(profile 'zzzzzzzzzz = 1' 'known here')" \
    "$(tags "$rules_page" KEYS Profile 0 | first_word)"
compare "$rules_page" "key of a rule" "$(profile $'[[rule]]\nzzzzzzzzzz = 1' 'known here')" \
    "$(tags "$rules_page" KEYS Rule 0 | first_word)"
compare "$rules_page" bound "$(profile $'[baseline]\nvm.swappiness = { at_least = 1, zzzzzzzzzz = 1 }' 'known here')" \
    "$(tags "$rules_page" KEYS Claim 0 | first_word)"
told "$rules_page" "key of hold" "$(profile $'[[rule]]\nname = "a"\nhold = { zzzzzzzzzz = 1 }' 'known here')" \
    "$(entry "$rules_page" KEYS hold | sed -n 's/^0\ttag\t//p' | tr -s ' ' '\n')"
compare "$rules_page" tunable "$(profile $'[baseline]\nzzzzzzzzzz = 1' 'there are')" \
    "$(tags "$rules_page" TUNABLES "" 0 | sed 's/\.UNIT$//')"
told "$rules_page" unit "$(profile $'[[rule]]\nname = "a"\nset = { vm.dirty_bytes = "5 zzzzzzzzzz" }' 'units are' |
    tr ' ' '\n')" "$(words "$rules_page" EXPRESSIONS Numbers | sed 's/\.$//')"
compare "$rules_page" function \
    "$(echo available && grep -oP '^ *(Function|Windowed)\{"\K\w+' src/rules/expression_compiler.cpp)" \
    "$(tags "$rules_page" EXPRESSIONS Functions 0 | sed 's/(.*//')"
compare "$rules_page" "family of indicators" \
    "$("$memtuned" --indicators --root tests/fixtures/linux-6.1 | sed 's/[.(].*//')" \
    "$(tags "$rules_page" INDICATORS "" 0 | tr -s ', ' '\n' | grep -oE '^[a-z]+\.' | tr -d .)"
compare "$ctl_page" state "$(grep -ohP 'case (Rule|Tunable)State::\w+: return "\K\w+(?=";)' src/policy/*.cpp)" \
    "$(tags "$ctl_page" STATES "" 0)"

# --- what the sources tell ---

statuses() { grep -ohP '^ *(inline )?constexpr int \w+ = \K[0-9]+(?=;)' "$@"; }
compare "$daemon_page" "exit status" "$(statuses src/daemon/main.cpp)" "$(tags "$daemon_page" "EXIT STATUS" "" 0)"
compare "$ctl_page" "exit status" \
    "$(statuses src/ctl/{commands.hpp,failures.cpp,command_run.cpp})" \
    "$(tags "$ctl_page" "EXIT STATUS" "" 0 | sed 's/+.*//')"
variables() { grep -rohP '(getenv|from_environment)\("\K[A-Z_]+' "$1"; }
told "$daemon_page" "environment variable" "$(variables src/daemon)" "$(words "$daemon_page" ENVIRONMENT)"
told "$ctl_page" "environment variable" "$(variables src/ctl)" "$(words "$ctl_page" ENVIRONMENT)"
told "$daemon_page" file "$(grep -rohP '"\K(run|etc)/memtuned/[\w.]+' src | sed 's|^|/|')" \
    "$(tags "$daemon_page" FILES "" 0)"

# --- the pages themselves ---

# Each example of a file, as one of its own.
for page in "$settings_page" "$rules_page"; do
    name=${page##*/}
    rm -rf "$work/examples"
    mkdir "$work/examples"
    sed -n '/^\.SH EXAMPLES/,/^\.SH "SEE/p' "$page" | sed 's/\\-/-/g; s/\\(aq/'\''/g; s/\\e/\\/g' |
        awk -v folder="$work/examples" '/^\.EX/ { n++; inside = 1; next } /^\.EE/ { inside = 0 }
            inside { print > (folder "/" n) }'
    for example in "$work/examples"/*; do
        file=$work/memtuned.toml
        [ "$page" = "$settings_page" ] || file=$work/example.toml
        cp "$example" "$file"
        if ! "$memtuned" --check "$file" --rules rules --root tests/fixtures/linux-6.1 >"$work/said" 2>&1; then
            offence "$page" "example ${example##*/} of $name does not check:"
            cat "$work/said"
        fi
    done
done

for page in "$pages"/*; do
    : >"$work/warnings"
    [ "$(head -n 1 "$page")" = '.\" SPDX-License-Identifier: GPL-2.0-or-later' ] || offence "$page" "lacks its licence"
    while IFS= read -r other; do
        [ -e "$pages/$other" ] || offence "$page" "refers to $other, which there is not"
    done < <(flatten "$page" | cut -f 5 | grep -oP 'memtune[a-z.-]+ *\([0-9]\)' | sed -E 's/ *\(([0-9])\)/.\1/' || true)
    if command -v man >/dev/null && command -v groff >/dev/null; then
        MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>"$work/warnings" >/dev/null || true
    elif command -v groff >/dev/null; then
        groff -man -ww -Kutf8 -Tutf8 -z "$page" 2>"$work/warnings" || true
    fi
    # A date would be one of a release that nobody thinks of as he changes a page.
    if command -v mandoc >/dev/null; then
        { mandoc -T lint -W warning "$page" || true; } | grep -v 'WARNING: missing date, using ""' >>"$work/warnings" ||
            true
    fi
    [ ! -s "$work/warnings" ] || offence "$page" "does not render well: $(cat "$work/warnings")"
done
command -v groff >/dev/null || command -v mandoc >/dev/null ||
    echo "rendering was not checked: there is neither groff nor mandoc here"

if ((offences > 0)); then
    echo "$offences offence$( ((offences == 1)) || echo s)"
    exit 1
fi
echo "all as it should be"
