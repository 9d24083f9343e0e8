#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The program from the outside, on a copy of a real machine's kernel files (--root), where the test can make counters move
# as it likes: start, reload with good and bad rules, outside changes, stop, kill -9 and --restore, two at once, --check and
# --indicators, and their exit statuses. Nothing of this machine's kernel is written.
#
# Usage: MEMTUNED=path/to/memtuned daemon.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
memtuned=${MEMTUNED:?the path of the program}
# shellcheck source=tests/support/script.bash
source "$here/../support/script.bash"
[ "$(id -u)" = 0 ] || skip "the daemon writes tunables, even copies of them, as root only"

work=$(mktemp -d)
root=$work/root
rules=$work/rules
daemon=
clean_up() {
    [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT

value() { cat "$root/proc/sys/vm/$1"; }
holds() { [ "$(value "$1")" = "$2" ]; }
expect() { holds "$1" "$2" || fail "vm.$1 is $(value "$1"), not $2"; }
status() { # wanted status, command
    local wanted=$1 got=0
    shift
    "$@" >"$work/out" 2>&1 || got=$?
    [ "$got" = "$wanted" ] || fail "$* ended with $got, not $wanted: $(cat "$work/out")"
}
says() { grep -Eq -- "$1" "$work/out" || fail "no '$1' in: $(cat "$work/out")"; }

fresh_machine() {
    rm -rf "$root" "$rules"
    cp -r "$here/../fixtures/linux-6.1" "$root"
    chmod -R u+w "$root"
    echo 60 >"$root/proc/sys/vm/swappiness"
    mkdir -p "$rules"
    cat >"$rules/test.toml" <<'RULES'
[baseline]
vm.vfs_cache_pressure = 80
[[rule]]
name = "plenty"
when = "mem.total > 0 B"
hold = "1s"
set = { vm.swappiness = 90 }
RULES
}

start() {
    "$memtuned" --root "$root" --rules "$rules" --profile test "$@" >"$work/log" 2>&1 &
    daemon=$!
    log_says 'profile test'
}
stop() { # signal
    kill "-$1" "$daemon"
    local got=0
    wait "$daemon" 2>/dev/null || got=$?
    daemon=
    [ "$1" = KILL ] || [ "$got" = 0 ] || fail "ended with $got"
}

echo "it writes what baseline and rules claim, and puts it back on SIGTERM"
fresh_machine
was=$(value vfs_cache_pressure)
start
wait_for 10 "the rule's value" holds swappiness 90
wait_for 10 "the baseline's value" holds vfs_cache_pressure 80
log_says 'vm\.swappiness 60 -> 90: rule plenty: mem\.total > 0 B \(mem\.total = [0-9.]+ [MG]iB\)'
log_says 'baseline of test'

echo "a second one is refused while the first runs, and so is --restore"
status 1 "$memtuned" --root "$root" --rules "$rules" --profile test
says 'another memtuned runs on this machine; stop it first'
status 1 "$memtuned" --root "$root" --restore
says 'another memtuned runs'

echo "a reload with errors leaves what runs, a good one changes it"
printf '[[rule]]\nname = "plenty"\nwhen = "mem.totl > 0 B"\nset = { vm.swappiness = 70 }\n' >"$rules/test.toml"
kill -HUP "$daemon"
log_says 'reload refused, what ran runs on'
log_says 'did you mean mem.total\?'
sleep 0.5
expect swappiness 90
printf '[[rule]]\nname = "plenty"\nwhen = "mem.total > 0 B"\nhold = "1s"\nset = { vm.swappiness = 70 }\n' >"$rules/test.toml"
kill -HUP "$daemon"
log_says 'reloaded: profile test \(1 rules\)'
wait_for 10 "the new value" holds swappiness 70
wait_for 10 "what is no longer claimed to be put back" holds vfs_cache_pressure "$was"

echo "it steps aside when somebody else sets a value, and leaves it there on exit"
echo 33 >"$root/proc/sys/vm/swappiness"
log_says 'vm\.swappiness somebody set 33 in place of 70'
log_says 'vm\.swappiness yielded for 1h: left at 33'
stop TERM
expect swappiness 33
log_has 'stopped; every value is as it was found' || fail "no word of the end"

echo "Ctrl-C puts back as well, and says so"
fresh_machine
start
wait_for 10 "the rule's value" holds swappiness 90
stop INT
expect swappiness 60
expect vfs_cache_pressure "$was"
log_has 'vm\.swappiness 90 -> 60: put back' || fail "no word of what was put back"
log_has 'stopped; 2 values were put back' || fail "no word of the end"

echo "after kill -9, --restore puts back what is still ours and nothing else"
start
wait_for 10 "the rule's value" holds swappiness 90
wait_for 10 "the baseline's value" holds vfs_cache_pressure 80
stop KILL
echo 50 >"$root/proc/sys/vm/vfs_cache_pressure"
status 0 "$memtuned" --root "$root" --restore
says 'vm\.swappiness 90 -> 60: put back'
says 'vm\.vfs_cache_pressure 50: left alone, somebody set it since'
expect swappiness 60
expect vfs_cache_pressure 50
status 0 "$memtuned" --root "$root" --restore
says 'nothing to put back'

echo "after kill -9, the next start puts back first"
fresh_machine
start
wait_for 10 "the rule's value" holds swappiness 90
stop KILL
start
log_says 'a former run ended without putting its values back; doing so now'
log_says 'vm\.swappiness 90 -> 60: put back'
wait_for 10 "the rule's value" holds swappiness 90
stop TERM
expect swappiness 60

echo "observing writes nothing, not even state"
fresh_machine
start --observe
log_says 'would set vm\.swappiness 60 -> 90: rule plenty'
stop INT
expect swappiness 60
[ ! -e "$root/run" ] || fail "it wrote under run/"
log_has 'stopped; nothing was written' || fail "no word of the end"

echo "a damaged journal is a clear error, and nothing is written over it"
mkdir -p "$root/run/memtuned"
head -c 300 /dev/urandom >"$root/run/memtuned/undo"
status 1 "$memtuned" --root "$root" --rules "$rules" --profile test
says 'undo'
expect swappiness 60

echo "--check, --indicators and usage end as documented"
status 0 "$memtuned" --check "$here/../../rules/balanced.toml"
says 'no errors'
printf 'description = 1\n[[rule]]\n' >"$work/bad.toml"
status 1 "$memtuned" --check "$work/bad.toml"
# shellcheck disable=SC2016  # the backquotes are the message's own
says 'bad\.toml:1:15: error: `description` is a string, here is an integer'
status 1 "$memtuned" --check "$work/absent.toml"
says 'absent\.toml: error: No such file or directory'
status 0 "$memtuned" --root "$root" --indicators
says '^mem\.total +[0-9.]+ [MG]iB'
status 0 "$memtuned" --root "$root" --indicators --json
says '"name": "mem.total"'
status 2 "$memtuned" --no-such-option
status 2 "$memtuned" --json
status 1 "$memtuned" --root "$root" --rules "$rules" --profile tset
# shellcheck disable=SC2016
says 'there is no profile `tset`'
says 'did you mean test\?'
echo "all as it should be"
