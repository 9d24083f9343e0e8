#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The oom_score_adj of services in real cgroups of this machine. A hungry service is held to less memory than it wants,
# until the pressure within it makes a rule raise the batch services; then
#   - every process of theirs, with a score of its own before, has the new one, nested groups included,
#   - what they fork is covered, what leaves them gets its own score back, as does what is forked and moved at once,
#   - a batch service that ends and starts again is covered,
#   - a score that somebody else sets stays, and the unit is left to him,
#   - all is put back when the rule is released, on Ctrl-C, and by --restore after kill -9, what was forked since included.
# A unit that may not be lowered (root without CAP_SYS_RESOURCE) is said once. Needs root; leaves no cgroup and no swap.
#
# Usage: MEMTUNED=path/to/memtuned services.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
memtuned=${MEMTUNED:?the path of the program}
# shellcheck source=tests/support/script.bash
source "$here/../support/script.bash"
cgroups=/sys/fs/cgroup/unified
[ -e $cgroups/cgroup.procs ] || cgroups=/sys/fs/cgroup

[ "$(id -u)" = 0 ] || skip "only root makes cgroups and writes scores"
[ -e $cgroups/cgroup.procs ] || skip "there is no cgroup v2 here"
[ -e $cgroups/memory.pressure ] || [ -e /proc/pressure/memory ] || skip "this kernel has no PSI"
command -v stress-ng >/dev/null || skip "stress-ng is not installed"
require_zram

slice=$cgroups/memtuned.slice/memtuned-test.slice
if [ -d /sys/fs/cgroup/memory ]; then
    limit=/sys/fs/cgroup/memory/memtuned.slice/memtuned-test.slice
    limit_file=memory.limit_in_bytes
else
    limit=$slice
    limit_file=memory.max
fi
work=$(mktemp -d)
daemon=

# Ends whatever is in a tree of groups, and the groups.
remove_groups() {
    local tries
    for ((tries = 0; tries < 100; tries++)); do
        [ -d "$1" ] || return 0
        pids "$1" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
        find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
        sleep 0.05
    done
    echo "cannot remove $1"
}
clean_up() {
    [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || true
    remove_groups "$cgroups/memtuned.slice"
    remove_groups /sys/fs/cgroup/memory/memtuned.slice
    end_swap
    "$memtuned" --restore >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT

show_state() {
    echo "--- scores ---"
    scores || true
    cat /run/memtuned/undo 2>/dev/null || true
}

unit() { echo "$slice/memtuned-test-$1.service"; }
pids() { find "$1" -name cgroup.procs -exec cat {} + | sort -n; }
score() { cat "/proc/$1/oom_score_adj"; }
scores() {
    local group pid
    for group in "$slice"/*.service; do
        for pid in $(pids "$group"); do echo "${group##*/} $pid $(score "$pid")"; done
    done
}
# A process in a group, with a score of its own.
sleeper() { # group, score
    mkdir -p "$1"
    (
        echo "$BASHPID" >"$1/cgroup.procs"
        echo "$2" >"/proc/$BASHPID/oom_score_adj"
        exec sleep 1000
    ) &
    sleeper=$!
    disown
    wait_for 5 "a process in $1" in_group $! "$1"
}
in_group() { grep -qx "$1" "$2/cgroup.procs" && [ "$(cat "/proc/$1/comm")" = sleep ]; }
# A process in a group that forks a sleeper, into another group if it is told one, when a line comes.
forker() { # group
    mkdir -p "$1"
    mkfifo "$work/forker"
    (
        echo "$BASHPID" >"$1/cgroup.procs"
        echo 11 >"/proc/$BASHPID/oom_score_adj"
        while read -r into; do
            if [ "$into" != - ]; then (echo "$BASHPID" >"$into/cgroup.procs" && exec sleep 1000) & else sleep 1000 & fi
            echo $! >"$work/forked"
        done
    ) <>"$work/forker" &
    forker=$!
    disown
}
fork_one() { # group or -
    rm -f "$work/forked"
    echo "$1" >"$work/forker"
    wait_for 5 "a fork" test -s "$work/forked"
    cat "$work/forked"
}
all_at() { # value, groups
    local wanted=$1 pid group
    shift
    for group in "$@"; do
        for pid in $(pids "$group"); do [ "$(score "$pid")" = "$wanted" ] || return 1; done
    done
}
holds() { [ "$(score "$1")" = "$2" ]; }
# Each process of before still holds what it held before.
as_before() {
    local group pid value
    while read -r group pid value; do
        case $group in *large*) continue ;; esac
        [ ! -e "/proc/$pid" ] || [ "$(score "$pid")" = "$value" ] || return 1
    done <"$work/before"
}

squeeze() {
    (
        echo "$BASHPID" >"$(unit hungry)/cgroup.procs"
        echo "$BASHPID" >"$limit/memtuned-test-hungry.service/cgroup.procs"
        exec stress-ng --vm 1 --vm-bytes 120M --vm-keep --vm-method write64 --timeout 120s >"$work/stress" 2>&1
    ) &
    disown
}
relieve() { pids "$(unit hungry)" | xargs -r kill -KILL; }

start_daemon() {
    "$memtuned" --verbose --rules "$here/rules" --profile services >"$work/log" 2>&1 &
    daemon=$!
    wait_for 10 "the daemon to start" log_has "profile services"
}
press() {
    scores >"$work/before"
    start_daemon
    squeeze
    wait_for 60 "the batch services to be raised" all_at 800 "$(unit batch-one)" "$(unit batch-two)"
}

sleeper=
swap_on_zram 1024
mkdir -p "$(unit hungry)" "$limit/memtuned-test-hungry.service"
[ $limit_file = memory.limit_in_bytes ] || for group in "$cgroups" "$cgroups/memtuned.slice" "$slice"; do
    echo +memory >"$group/cgroup.subtree_control"
done
echo 40M >"$limit/memtuned-test-hungry.service/$limit_file"

sleeper "$(unit batch-one)" 0
sleeper "$(unit batch-one)" 100
leaver=$sleeper
sleeper "$(unit batch-one)/nested/deeper" 7
forker "$(unit batch-two)"
sleeper "$(unit batch-two)" 300
companion=$sleeper
sleeper "$(unit bystander)" 5
bystander=$sleeper
sleeper "$(unit guarded)" 0
sleeper "$(unit guarded)" 0

# A process that has just started is not raised for 2 s and not lowered for 5.
sleep 5.5
echo "raised, whole services and what they fork"
press
log_says 'oom_score_adj\.memtuned-test-batch-one\.service [0-9]+ -> 800: rule squeezed: service\.psi\.memory\.some\.avg10\("memtuned-test-hungry\.service"\) > 5% \(.* = [0-9.]+%\)'
holds "$bystander" 5 || fail "a bystander was written"
child=$(fork_one -)
wait_for 2 "a forked process to be in the journal" grep -q "^process $child .* 11 800 800 memtuned-test-batch-two.service" /run/memtuned/undo
holds "$child" 800 || fail "a forked process holds $(score "$child")"

echo "what leaves gets its own back"
mkdir -p "$cgroups/memtuned.slice/elsewhere.scope"
echo "$leaver" >"$cgroups/memtuned.slice/elsewhere.scope/cgroup.procs"
wait_for 2 "the score of a process that left" holds "$leaver" 100
stray=$(fork_one "$cgroups/memtuned.slice/elsewhere.scope")
wait_for 2 "the score of a process that was moved as it was forked" holds "$stray" 11

echo "a service that ends and starts again is covered"
pids "$(unit batch-one)" | xargs kill -KILL
wait_for 5 "the service to end" remove_groups "$(unit batch-one)"
sleeper "$(unit batch-one)" 42
wait_for 5 "the new process to be raised" holds "$sleeper" 800

echo "released"
relieve
wait_for 60 "the release" holds "$child" 11
wait_for 2 "the scores to be as they were" as_before
wait_for 2 "the restarted service to hold what it held" holds "$sleeper" 42
log_says 'oom_score_adj\.memtuned-test-batch-one\.service 800 -> 42: rule squeezed: back to the boot value'

if grep -q 'guarded.service.*Permission denied' "$work/log"; then
    [ "$(grep -c 'Permission denied' "$work/log")" = 1 ] || fail "a refusal is said more than once"
    log_says 'oom_score_adj\.memtuned-test-guarded\.service 2 processes refuse a score of -200: Permission denied \(to lower one below what it was given needs CAP_SYS_RESOURCE\); trying again, at longer and longer intervals'
else
    log_says 'oom_score_adj\.memtuned-test-guarded\.service 0 -> -200: baseline'
fi

echo "put back on Ctrl-C"
kill -INT "$daemon"
wait "$daemon" || fail "the daemon ended badly"
daemon=
press
kill -INT "$daemon"
wait "$daemon" || fail "the daemon ended badly"
daemon=
as_before || fail "not every score is back"
log_says 'oom_score_adj\.memtuned-test-batch-two\.service 800 -> 11: put back \([23] processes\)'
relieve

echo "put back by --restore after kill -9, what was forked since included"
press
kill -KILL "$daemon"
wait "$daemon" 2>/dev/null || true
daemon=
child=$(fork_one -)
holds "$child" 800 || fail "a child forked after the kill holds $(score "$child")"
"$memtuned" --restore >"$work/log" 2>&1 || fail "--restore failed"
as_before || fail "not every score is back"
holds "$child" 11 || fail "a child forked after the kill holds $(score "$child")"
"$memtuned" --restore 2>&1 | grep -q 'nothing to put back' || fail "a second --restore finds something"
relieve

echo "what somebody else sets stays, and the unit is left to him"
press
echo 555 >"/proc/$forker/oom_score_adj"
log_says 'oom_score_adj\.memtuned-test-batch-two\.service somebody set 555 in place of 800'
log_says 'oom_score_adj\.memtuned-test-batch-two\.service yielded for 1h: left at 555'
wait_for 5 "the others of the unit to be put back" holds "$companion" 300
holds "$forker" 555 || fail "what somebody set is $(score "$forker")"
all_at 800 "$(unit batch-one)" || fail "the other service was let go, too"

echo "a score that follows the size of its service"
sleeper "$(unit large)" 0
mkdir -p "$limit/memtuned-test-large.service"
echo "$sleeper" >"$limit/memtuned-test-large.service/cgroup.procs" 2>/dev/null || true
wait_for 10 "the score of a small service" holds "$sleeper" 100
kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ended badly"
daemon=
holds "$sleeper" 0 || fail "the score of the small service is not back"
echo "every process holds what it held before"
