#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the scripts of tests/system share, to be sourced. `work` is the script's own folder, with the daemon's log in it; a
# script that has more to show when it fails has a function `show_state`.

skip() {
    echo "skipped: $1"
    exit 77
}

fail() {
    echo "FAILED: $1"
    if [ -e "${work:-}/log" ]; then
        echo "--- log of the daemon ---"
        cat "$work/log"
    fi
    if declare -F show_state >/dev/null; then show_state || true; fi
    echo "FAILED: $1" # again, where it is seen
    exit 1
}

wait_for() { # seconds, what, command
    local seconds=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@"; do
        ((SECONDS < end)) || fail "waited $seconds s for: $what"
        sleep 0.05
    done
}

log_has() { grep -Eqs -- "$1" "$work/log"; }
log_says() { wait_for 10 "the log to say: $1" log_has "$1"; }

# The swap of these tests. It is taken only where nobody has it, and given back as it was found.
zram=/sys/block/zram0

require_zram() {
    [ -b /dev/zram0 ] || modprobe zram 2>/dev/null || skip "there is no /dev/zram0 to swap to"
    [ "$(cat $zram/disksize)" = 0 ] || skip "/dev/zram0 is in use"
}
swap_on_zram() { # MiB
    echo $(($1 * 1024 * 1024)) >$zram/disksize
    mkswap /dev/zram0 >/dev/null
    swapon -p 100 /dev/zram0
}
end_swap() {
    if grep -q '^/dev/zram0 ' /proc/swaps; then swapoff /dev/zram0; fi
    echo 1 >$zram/reset
}
