#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What bash, zsh and fish offer after "memtunectl ...": commands, and tunables, rules and profiles of the daemon that runs. It
# runs on a copy of a real machine's kernel files, observing, on a bus of its own.
#
# Usage: MEMTUNED=path/to/memtuned MEMTUNECTL=path/to/memtunectl completions.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
memtuned=${MEMTUNED:?the path of the daemon}
memtunectl=${MEMTUNECTL:?the path of memtunectl}
# shellcheck source=tests/support/script.bash
source "$here/../support/script.bash"
completions=$here/../../src/ctl/completions
bash_completion=/usr/share/bash-completion/bash_completion

for needed in zsh fish dbus-daemon; do
    command -v "$needed" >/dev/null || skip "there is no $needed here"
done
[ -e "$bash_completion" ] || skip "bash-completion is not installed"
[ -n "${MEMTUNED_BUS-}" ] || exec "$here/../../tools/private-bus" bash "${BASH_SOURCE[0]}"

work=$(mktemp -d)
daemon=
clean_up() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

mkdir "$work/bin"
ln -s "$memtunectl" "$work/bin/memtunectl"
export PATH=$work/bin:$PATH HOME=$work
"$memtuned" --observe --root "$here/../fixtures/linux-6.1" --rules "$here/../../rules" --bus "$MEMTUNED_BUS" \
    >"$work/log" 2>&1 &
daemon=$!
on_the_bus() { memtunectl status >/dev/null 2>&1; }
wait_for 20 "the daemon to be on the bus" on_the_bus

# Each prints what its shell offers for a line, one candidate a line.
in_bash() {
    bash -c '
        set +u
        source "$1" && source "$2" || exit
        read -ra COMP_WORDS <<<"$3"
        [[ $3 != *" " ]] || COMP_WORDS+=("")
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMP_LINE=$3 COMP_POINT=${#3}
        _memtunectl 2>/dev/null # compopt has something to say where nobody completes
        printf "%s\n" "${COMPREPLY[@]}"' bash "$bash_completion" "$completions/memtunectl.bash" "$1"
}
# shellcheck disable=SC2016 # it is fish's
in_fish() {
    fish -c 'source $argv[1]; complete -C $argv[2]' "$completions/memtunectl.fish" "$1" | cut -f 1
}
# What zsh's own functions would add for the word after "memtunectl explain", and the like: a zsh at no terminal does not
# complete, so the functions of its completion system stand aside for ones that print.
in_zsh() { # completion function
    zsh -f -c '
        fpath=($1 $fpath)
        autoload -U compinit && compinit -u -D
        [[ ${_comps[memtunectl]} == _memtunectl ]] || exit
        _arguments() { : }
        words=(memtunectl) CURRENT=2
        autoload +X _memtunectl && _memtunectl 2>/dev/null
        _call_program() { shift; eval "$*" }
        _wanted() { print -l -- $names }
        $2' zsh "$completions" "$1"
}

offers() { # shell, line, candidate
    local candidates
    candidates=$("in_$1" "$2")
    grep -Fqx -- "$3" <<<"$candidates" || fail "after '$2' $1 does not offer '$3', but: $candidates"
}
offers_not() {
    local candidates
    candidates=$("in_$1" "$2")
    ! grep -Fqx -- "$3" <<<"$candidates" || fail "after '$2' $1 offers '$3'"
}

for shell in bash fish; do
    echo "$shell offers commands, tunables, rules, profiles, modes and options"
    offers "$shell" 'memtunectl ex' explain
    offers "$shell" 'memtunectl explain vm.sw' vm.swappiness
    offers "$shell" 'memtunectl override vm.min' vm.min_free_kbytes
    offers "$shell" 'memtunectl enable grow' grow-reserve
    offers "$shell" 'memtunectl profile ' balanced
    offers "$shell" 'memtunectl mode ' observe
    offers "$shell" 'memtunectl top --o' --once
    offers_not "$shell" 'memtunectl explain vm.' balanced
done

echo "zsh asks the daemon for the same names"
zsh -n "$completions/_memtunectl"
offers zsh _memtunectl_tunables vm.swappiness
offers zsh _memtunectl_rules grow-reserve
offers zsh _memtunectl_profiles balanced
offers_not zsh _memtunectl_tunables balanced

echo "a daemon that does not answer keeps nobody waiting"
kill -STOP "$daemon"
before=$SECONDS
[ -z "$(memtunectl complete tunables 2>&1)" ] || fail "something was said"
((SECONDS - before < 10)) || fail "it took $((SECONDS - before)) s"
kill -CONT "$daemon"

echo "without a daemon nothing is offered, and nothing is said"
kill "$daemon"
wait "$daemon" || true
daemon=
[ -z "$(memtunectl complete tunables 2>&1)" ] || fail "something was said"
offers bash 'memtunectl mode ' observe
echo "all as it should be"
