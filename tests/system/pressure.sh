#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon on this machine's own kernel, under real memory pressure: huge pages are reserved until little is left, zram
# takes what is swapped, a file is read again and again, and stress-ng wants more than there is. Rules on PSI, watermarks
# and swap rates must move vm.swappiness and vm.min_free_kbytes, with figures in the log, and every tunable must hold what
# it held before
#   - after the pressure is gone and the rules are released,
#   - after Ctrl-C in the middle of it.
# What kill -9 leaves, and the stock profile, are tested in guests (tests/vm/pressure.sh and psi-off.sh). Needs root; puts back
# swap, huge pages and tunables however it ends.
#
# Usage: MEMTUNED=path/to/memtuned pressure.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
memtuned=${MEMTUNED:?the path of the program}
left_mib=1800
swap_mib=3000
# Without page cache there is nothing easily reclaimable, and the ceiling of vm.min_free_kbytes rightly forbids to raise
# it: something must read files.
read_mib=300
huge=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
# shellcheck source=tests/support/script.bash
source "$here/../support/script.bash"

[ "$(id -u)" = 0 ] || skip "only root can change tunables and swap"
[ -e /proc/pressure/memory ] || skip "this kernel has no PSI"
[ -e $huge ] || skip "this kernel has no 2 MiB huge pages to take memory away with"
command -v stress-ng >/dev/null || skip "stress-ng is not installed"
require_zram
[ "$(cat $huge)" = 0 ] || skip "huge pages are in use"

work=$(mktemp -d -p /var/tmp)
daemon=
stress=
reader=
guard=

tunables() {
    local name
    for name in swappiness min_free_kbytes zone_reclaim_mode watermark_scale_factor watermark_boost_factor \
        vfs_cache_pressure page-cluster compaction_proactiveness dirty_ratio dirty_background_ratio dirty_bytes \
        dirty_background_bytes; do
        [ ! -r /proc/sys/vm/$name ] || echo "vm.$name = $(cat /proc/sys/vm/$name)"
    done
}
value() { cat "/proc/sys/vm/$1"; }

clean_up() {
    [ -z "$stress" ] || kill -KILL -- "-$stress" 2>/dev/null || true
    [ -z "$reader" ] || kill -KILL "$reader" 2>/dev/null || true
    [ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null || true
    [ -z "$guard" ] || kill -KILL "$guard" 2>/dev/null || true
    echo 0 >$huge
    end_swap
    "$memtuned" --restore >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap clean_up EXIT

show_state() {
    echo "--- tunables before and now ---"
    diff "$work/before" <(tunables) || true
    grep -E 'MemFree|MemAvail|^Cached|Swap' /proc/meminfo
    echo "--- who wants memory ---"
    cat "$work/stress"
    ps -eo pid,stat,rss,wchan:32,args --sort=-rss | head -6
}

available_mib() { awk '/^MemAvailable:/ { print int($2 / 1024) }' /proc/meminfo; }

prepare_memory() {
    swap_on_zram $swap_mib
    # What earlier work left in the page cache would count neither as free nor as taken.
    sync
    echo 3 >/proc/sys/vm/drop_caches
    # Whatever ends this script, and were it the OOM killer, the machine gets its memory back.
    # shellcheck disable=SC2016 # expanded there
    setsid bash -c 'tail --pid="$1" -f /dev/null; echo 0 >"$2"' bash $$ "$huge" </dev/null >/dev/null 2>&1 &
    guard=$!
    # Not all of it may be had in huge pages: what is left in the end is what counts.
    local attempt
    for attempt in 1 2 3 4 5; do
        (($(available_mib) > left_mib + 100)) || break
        echo 1 >/proc/sys/vm/compact_memory
        echo $(($(cat $huge) + ($(available_mib) - left_mib) / 2)) >$huge
        ((attempt == 1)) || sleep 1
    done
    stress_mib=$(($(available_mib) + 500))
    head -c ${read_mib}M /dev/zero >"$work/file"
    while :; do cat "$work/file" >/dev/null; done &
    reader=$!
}

start_stress() {
    setsid stress-ng --vm 2 --vm-bytes ${stress_mib}M --vm-keep --vm-method write64 --timeout 120s >"$work/stress" 2>&1 &
    stress=$!
}
stop_stress() {
    kill -KILL -- "-$stress" 2>/dev/null || true
    wait "$stress" 2>/dev/null || true
    stress=
}

unchanged() { tunables | cmp -s "$work/before" -; }
moved() { # name
    [ "$(value "$1")" != "$(sed -n "s/^vm\.$1 = //p" "$work/before")" ]
}
both_moved() { moved swappiness && moved min_free_kbytes; }

press() {
    "$memtuned" --verbose --rules "$here/rules" --profile pressure >"$work/log" 2>&1 &
    daemon=$!
    wait_for 10 "the daemon to start" grep -q "profile pressure" "$work/log"
    start_stress
    wait_for 100 "both tunables to move" both_moved
    echo "  moved: $(tunables | diff "$work/before" - | grep '^>' | tr '\n' ' ')"
    log_says 'vm\.swappiness [0-9]+ -> [0-9]+: rule swapping: .*psi\.memory\.some\.now = [0-9.]+%.*swap\.out = [0-9.]+ [KMG]iB/s'
    log_says 'vm\.min_free_kbytes [0-9]+ kB -> [0-9]+ kB.*: rule under-the-marks: .*zones\.below_high = [0-9]+.*reclaim\.kswapd_scan = '
}

released() {
    echo "released when the pressure is gone"
    press
    wait_for 30 "a PSI trigger to fire" grep -q 'woken by memory some pressure' "$work/log"
    stop_stress
    wait_for 120 "every tunable to be put back" unchanged
    kill -INT "$daemon"
    wait "$daemon" || fail "the daemon ended badly"
    daemon=
    log_says 'back to the boot value'
    log_says 'stopped; every value is as it was found'
}

interrupted() {
    echo "put back on Ctrl-C"
    press
    kill -INT "$daemon"
    wait "$daemon" || fail "the daemon ended badly"
    daemon=
    unchanged || fail "not every tunable is back"
    log_says 'vm\.swappiness [0-9]+ -> [0-9]+: put back'
    log_says 'stopped; .* put back'
    stop_stress
}

tunables >"$work/before"
prepare_memory
released
interrupted
echo "every tunable holds what it held before"
