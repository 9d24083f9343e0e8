#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: --memory 512 --nodes 2
#
# Two NUMA nodes: a job on one of them whose pages must come from the other, and the stock profile for it; and the guarded
# trigger vm.drop_caches.
# shellcheck disable=SC2016,SC2317 # of awk and the like; called by name
# shellcheck source=tests/vm/scenario.bash
source /payload/scenario.bash

check "there are two nodes" test -d /sys/devices/system/node/node1
install_memtuned

# The stock rules but for their patience, which is made for days and not for a test, and for how long somebody must have
# waited, as pressure that takes names away ends its own cause.
hurried() { # profile, its rules
    local profile=$1 rule
    shift
    mkdir -p "/etc/memtuned/rules/$profile.d"
    for rule; do
        awk -v name="name = \"$rule\"" 'BEGIN { RS = ""; ORS = "\n\n" } index($0, "[[rule]]\n" name "\n") == 1' \
            "/usr/share/memtuned/rules/$profile.toml"
    done | sed -E 's/^hold = .*/hold = "10s"/; s/\b(30s|5min)\)/10s)/g; s/\b1min\)/20s)/g; s/avg60 > 5%/avg10 > 0.5%/g' \
        >"/etc/memtuned/rules/$profile.d/hurried.toml"
    show cat "/etc/memtuned/rules/$profile.d/hurried.toml"
}

scenario "a job bound to one node"
hurried numa-partitioned reclaim-locally
profile numa-partitioned
sleep 5
check "nothing is set while nothing misses" holds zone_reclaim_mode 0
numa_miss() { vmstat numa_miss; }
before=$(numa_miss)
# It reads a file larger than its node from one processor, so that its cache spills over to the other node.
press stream:file=/var/tmp/read,size=700M,rate=0,node=0,numa=local
wait_for 90 "vm.zone_reclaim_mode is set by the rule" holds zone_reclaim_mode 1
check "by numa-partitioned's rule" log_has 'vm\.zone_reclaim_mode 0 -> 1: rule reclaim-locally: .*numa\.miss'
check "because local misses showed: $(($(numa_miss) - before))" test $(($(numa_miss) - before)) -gt 5000
show memtunectl explain vm.zone_reclaim_mode
relieve
wait_for 180 "it is released when the job is over" holds zone_reclaim_mode 0
check "and the rule is idle" rule_is reclaim-locally idle
show log

scenario "vm.drop_caches as a guarded trigger"
hurried batch-host shed-names
profile batch-host
drops() { vmstat drop_slab; }
check "nothing is dropped while nothing asks for it" test "$(drops)" = 0
# Names that are looked up in vain stay in memory, at about half a kilobyte each.
mkdir /var/tmp/names
walk() { perl -e 'my $long = "n" x 200; for my $i (1 .. 400_000) { -e "/var/tmp/names/$long$i" }'; }
slab_share() { awk '/^MemTotal/ { all = $2 } /^SReclaimable/ { print int(100 * $2 / all) }' /proc/meminfo; }
walk
check "names have $(slab_share) % of memory" test "$(slab_share)" -gt 25
dropped_once() { [ "$(drops)" = 1 ]; }
sleep 5
check "which alone drops nothing" test "$(drops)" = 0
# Bursts into a cache that is filled again and again. It takes names, too, so that the moment may pass in which both hold:
# then once more.
pressing_brings() { # command
    local attempt end
    for ((attempt = 1; attempt <= 4; attempt++)); do
        press "burst:size=$(($(memory_mib) / 4))M,every=1s,hold=500ms" stream:file=/var/tmp/read,size=700M,rate=0
        end=$((SECONDS + 20))
        until "$@"; do
            if ((SECONDS >= end)); then
                relieve
                walk
                continue 2
            fi
            sleep 0.5
        done
        return
    done
    return 1
}
wait_for 1 "with pressure they are dropped" pressing_brings dropped_once
check "the journal says why" log_has 'firing vm\.drop_caches 2: rule shed-names: .*mem\.slab_reclaimable.*psi\.memory\.some'
relieve
check "names have $(slab_share) % of memory" test "$(slab_share)" -lt 25
log_from_here
walk
wait_for 1 "the condition is so again" pressing_brings log_has 'rule shed-names active'
sleep 5
check "but the budget of an hour is spent" dropped_once
relieve
show memtunectl explain vm.drop_caches
show memtunectl history
done_testing
