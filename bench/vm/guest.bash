#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One run of bench/vm/run, inside the guest. `parameters`, beside this script, says what is asked for. Leaves in out:
# workload.json, the tunables as they were at the end, and where memtuned ran, its journal.
# shellcheck disable=SC2154 # what is not assigned here is assigned in parameters
set -euo pipefail

# shellcheck source=/dev/null
source /payload/parameters

field() { awk -v key="$1:" '$1 == key { print $2 }' /proc/meminfo; }

# Sizes and values may be arithmetic on what the machine has, which is the same number for all settings.
# shellcheck disable=SC2034 # parameters' words name them
memory_mib=$(($(field MemAvailable) / 1024 / 16 * 16)) memory_kb=$(field MemTotal)
evaluated=()
evaluate() {
    local word
    evaluated=()
    for word; do
        eval "evaluated+=(\"$word\")"
    done
}

# --- the machine, the same for all settings ---

mkfs.ext4 -q -N 4096 -E lazy_itable_init=0,lazy_journal_init=0,nodiscard /dev/disk/by-id/virtio-data
mkdir /data
mount -o noatime /dev/disk/by-id/virtio-data /data
case $swap in
zram)
    modprobe zram
    zramctl --size 512M /dev/zram0
    mkswap -q /dev/zram0
    swapon -p 100 /dev/zram0
    ;;
disk)
    mkswap -q /dev/disk/by-id/virtio-swap
    swapon /dev/disk/by-id/virtio-swap
    ;;
esac
# What is read must be there, and nobody measures how long it takes to make it.
evaluate "${files[@]}"
for load in "${evaluated[@]}"; do
    /payload/workload --seconds 0.1 "$load" >/dev/null
done
sync
echo 3 >/proc/sys/vm/drop_caches
sleep 1

# --- the setting ---

evaluate "${sysctl[@]}"
((${#evaluated[@]} == 0)) || sysctl -q -w "${evaluated[@]}"
if [[ $tuned ]]; then
    systemctl start tuned
    tuned-adm profile "$tuned"
    tuned-adm active
fi
if [[ $memtuned ]]; then
    dpkg -i /payload/memtuned.deb >/dev/null 2>&1
    memtunectl profile "$memtuned" >/dev/null
fi
sync
sleep 3

# --- the work ---

evaluate "${loads[@]}"
status=0
/payload/workload --seconds "$seconds" --warm "$warm" --settle "$settle" --json /payload/out/workload.json \
    "${evaluated[@]}" || status=$?
sysctl vm >/payload/out/sysctl 2>/dev/null
if [[ $memtuned ]]; then
    journalctl -b -o short-monotonic --no-hostname -u memtuned >/payload/out/journal
fi
exit "$status"
