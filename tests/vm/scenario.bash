#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of tests/vm share, inside the guest; to be sourced. A script says `scenario TITLE` and then one line
# after the other, each as TAP has them: `ok 3 - the service is active`, `not ok 4 - ...` with what memtuned said under
# it. `done_testing` ends it; without that last line the test fails, whatever came before.
set -uo pipefail

export SYSTEMD_PAGER='' SYSTEMD_COLORS=0 DEBIAN_FRONTEND=noninteractive
manager=(org.memtuned1 /org/memtuned1 org.memtuned1.Manager)
lines=0
failures=0
scenario_from=0

scenario() {
    scenario_from=$SECONDS
    echo "# $1"
}

ok() {
    lines=$((lines + 1))
    echo "ok $lines - $1 ($((SECONDS - scenario_from)) s)"
}

not_ok() {
    lines=$((lines + 1))
    failures=$((failures + 1))
    echo "not ok $lines - $1"
    {
        shift
        printf '%s\n' "$@"
        memtunectl status
        journalctl -b -o short-monotonic --no-hostname -u memtuned | tail -n 40
        tail -n 5 /proc/pressure/memory
        grep -E 'MemFree|MemAvail|^Cached|Swap' /proc/meminfo
    } 2>&1 | sed 's/^/#   /'
}

check() { # what, command...
    local what=$1 output
    shift
    if output=$("$@" 2>&1); then ok "$what"; else not_ok "$what" "$*: $output"; fi
}

wait_for() { # seconds, what, command...
    local end=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= end)); then
            not_ok "$what" "waited in vain for: $*"
            return 1
        fi
        sleep 0.5 # what is started to look costs the emulated processor as much
    done
    ok "$what"
}

show() { # what is worth seeing in the log of a run, command...
    "$@" 2>&1 | sed 's/^/#   /'
}

done_testing() {
    echo "1..$lines"
    exit $((failures > 0))
}

# --- the machine ---

value() { cat "/proc/sys/vm/$1"; }
holds() { [ "$(value "$1")" = "$2" ]; }
moved() { [ "$(value "$1")" != "${found[$1]}" ]; }
unchanged() {
    local name
    for name in "${!found[@]}"; do
        [ "$(value "$name")" = "${found[$name]}" ] || {
            echo "vm.$name is $(value "$name"), was ${found[$name]}"
            return 1
        }
    done
}
# What every tunable held before memtuned came.
declare -A found
remember() {
    local name
    for name in swappiness min_free_kbytes watermark_scale_factor watermark_boost_factor zone_reclaim_mode \
        vfs_cache_pressure page-cluster dirty_ratio dirty_background_ratio dirty_bytes dirty_background_bytes \
        compaction_proactiveness; do
        [ ! -e /proc/sys/vm/$name ] || found[$name]=$(value $name)
    done
}

score() { cat "/proc/$1/oom_score_adj"; }
scores() { # unit: the different scores of its processes
    local process
    while read -r process; do score "$process"; done <"/sys/fs/cgroup$(systemctl show -P ControlGroup "$1")/cgroup.procs" |
        sort -nu | tr '\n' ' '
}
scores_are() { [ "$(scores "$1")" = "$2 " ]; }

# --- memtuned ---

install_memtuned() {
    remember
    dpkg -i /payload/memtuned.deb >/tmp/dpkg 2>&1 || {
        not_ok "the package installs" "$(cat /tmp/dpkg)"
        done_testing
    }
}

# Runs, and is no longer the process $pid.
# shellcheck disable=SC2154 # the scripts set it
restarted() { systemctl is-active --quiet memtuned && [ "$(systemctl show -P MainPID memtuned)" != "$pid" ]; }

log_lines=1
# What memtuned logged since `log_from_here`.
log() { journalctl -b -o cat -u memtuned | tail -n "+$log_lines"; }
log_from_here() { log_lines=$(($(journalctl -b -o cat -u memtuned | wc -l) + 1)); }
log_has() { grep -Eq -- "$1" <<<"$(log)"; }

property() { # tunable as in a path, property
    busctl get-property org.memtuned1 "/org/memtuned1/tunable/$1" org.memtuned1.Tunable "$2"
}
property_is() { [ "$(property "$1" "$2")" = "$3" ]; }
call() { busctl call "${manager[@]}" "$@"; }
profile() {
    memtunectl profile "$1" >/tmp/profile 2>&1 && return
    not_ok "profile $1 is switched to" "$(cat /tmp/profile)"
    done_testing
}
rule_is() { # rule, state
    memtunectl rules --json | grep -A 20 "\"name\": \"$1\"" | grep -q "\"state\": \"$2\""
}

# --- what presses ---

presses=''
# The loads of bench/vm/workload, until `relieve`.
press() {
    setsid /payload/workload --seconds 100000 "$@" >/tmp/workload 2>&1 &
    presses=$!
    sleep 1
    kill -0 "$presses" 2>/dev/null || not_ok "what presses runs" "$(cat /tmp/workload)"
}
relieve() {
    kill -KILL -- "-$presses" 2>/dev/null
    wait "$presses" 2>/dev/null
}
memory_mib() { awk '/^MemTotal:/ { print int($2 / 1024) }' /proc/meminfo; }
available_mib() { awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo; }
vmstat() { awk -v key="$1" 'index($1, key) == 1 { sum += $2 } END { print sum + 0 }' /proc/vmstat; }
