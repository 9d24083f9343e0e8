#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: --memory 512 --nodes 2 --disk swap=256M --append transparent_hugepage=never
#
# memtuned under real pressure, on two NUMA nodes with swap on a disk and, later, on zram: rules fire and give back, kill -9
# in the middle of it, an OOM storm, and a swap device that comes while it runs.
# shellcheck disable=SC2016,SC2317 # of awk and the like; called by name
# shellcheck source=tests/vm/scenario.bash
source /payload/scenario.bash

mkswap /dev/disk/by-id/virtio-swap >/dev/null
swapon /dev/disk/by-id/virtio-swap
install_memtuned

cp /payload/rules/storm.toml /etc/memtuned/rules/
echo 'profile = "storm"' >>/etc/memtuned/memtuned.toml
systemctl reload memtuned

# Bursts that want room at once, two at a time, beside memory that nobody wants and files that are read all over.
share=$(($(available_mib) / 8))
storm() {
    press heap:size=$((3 * share))M "hotfile:file=/var/tmp/read,size=$((7 * share))M,block=32K,rate=0" \
        "burst:size=$((2 * share))M,every=700ms,hold=100ms" "burst:size=$((2 * share))M,every=1s,hold=300ms"
}
psi_over() { awk -v least="$1" '/^some/ { split($2, avg, "="); exit !(avg[2] > least) }' /proc/pressure/memory; }
names=(watermark_scale_factor swappiness min_free_kbytes)
all_moved() {
    local name
    for name in "${names[@]}"; do log_has "vm\.$name [0-9]+( kB)? -> [0-9]+( kB)?: rule .* = [0-9.]+" || return; done
}

scenario "an allocation storm against swap"
log_from_here
storm
wait_for 120 "PSI rises" psi_over 3
wait_for 120 "vm.watermark_scale_factor, vm.swappiness and vm.min_free_kbytes move, and the journal says why" all_moved
show cat /proc/pressure/memory
show memtunectl
relieve
wait_for 300 "every tunable returns" unchanged
check "and the journal tells that" log_has 'vm\.swappiness [0-9]+ -> 60: rule swapping: back to the boot value'
show log

scenario "kill -9 under pressure"
log_from_here
storm
wait_for 120 "all three move" all_moved
pid=$(systemctl show -P MainPID memtuned)
log_from_here
kill -KILL "$pid"
wait_for 60 "systemd starts it again" restarted
check "vm.swappiness was restored in between" log_has "vm\.swappiness [0-9]+ -> ${found[swappiness]}: put back"
check "vm.min_free_kbytes, too" log_has "vm\.min_free_kbytes [0-9]+ -> ${found[min_free_kbytes]}: put back"
wait_for 30 "it is on the bus again" call Explain s vm.swappiness
for name in "${names[@]}"; do
    check "the boot value of vm.$name is the true one" property_is "vm_2e${name//_/_5f}" BootValue "x ${found[$name]}"
done
wait_for 120 "all three move again" all_moved
check "systemctl stop in the middle of it" systemctl stop memtuned
check "every tunable is as it was found" unchanged
show log
relieve
systemctl start memtuned

scenario "an OOM storm"
pid=$(systemctl show -P MainPID memtuned)
kills=$(vmstat oom_kill)
press grow:rate=0,may-die=1 grow:rate=0,may-die=1 grow:rate=30M,may-die=1
end=$((SECONDS + 120)) looks=0 longest=0 swapped=0
while ((SECONDS < end)); do
    last=$(busctl get-property "${manager[@]}" LastSample 2>/dev/null | cut -c 3-)
    [ -z "$last" ] || {
        looks=$((looks + 1))
        age=$(($(date +%s%6N) - last)) # with the time that the answer took
        ((age <= longest)) || longest=$age
    }
    awk '/^VmSwap:/ { exit $2 > 0 }' "/proc/$pid/status" || swapped=1
    kill -0 "$presses" 2>/dev/null || press grow:rate=0,may-die=1 grow:rate=0,may-die=1 grow:rate=30M,may-die=1
    (($(vmstat oom_kill) - kills < 4)) || break
done
relieve
check "the OOM killer killed $(($(vmstat oom_kill) - kills)) times" test $(($(vmstat oom_kill) - kills)) -ge 3
check "memtuned is the process it was" test "$(systemctl show -P MainPID memtuned)" = "$pid"
check "none of it was ever swapped out" test $swapped = 0
check "in $looks looks its last sample was $((longest / 1000)) ms old at most, the time of the look included" \
    test $longest -lt 30000000 -a $looks -gt 3
wait_for 300 "every tunable returns" unchanged

scenario "zram that comes while it runs"
profile zram
sleep 3
check "nothing is set for zram while there is none" unchanged
swapoff -a
printf '[zram0]\nzram-size = 128\n' >/etc/systemd/zram-generator.conf
systemctl daemon-reload
check "systemd's swap unit brings it" systemctl start dev-zram0.swap
wait_for 20 "it is noticed" holds swappiness 100
check "the other claims of the profile, too" holds page-cluster 0
check "the indicator tells" grep -Eq '^swap\.on_zram +100%' <(memtunectl indicators swap.on_zram)
check "it goes again" systemctl stop dev-zram0.swap
wait_for 20 "and that is noticed" holds swappiness "${found[swappiness]}"
done_testing
