#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One run of bench/vm/run, inside the guest. `parameters`, beside this script, says what is asked for. Leaves in out:
# workload.json, the tunables before the work and after it, how the services fared, and where memtuned ran, what it wrote and
# its journal.
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
# In the guest, since QEMU throttles by the host's clock, by which a guest that is busy has a faster disk. And with cgroup v1,
# which alone lets the root be throttled, and with it the threads that write back and the journal.
mkdir /run/blkio
mount -t cgroup -o blkio blkio /run/blkio
for limit in "${throttle[@]}"; do
    read -r disk what most <<<"$limit"
    echo "$(lsblk -ndo MAJ:MIN "/dev/disk/by-id/virtio-$disk") $most" >"/run/blkio/blkio.throttle.${what}_device"
done
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
# What the cache is full of at first is a file that nobody reads again.
if [[ $fill == True ]]; then
    fallocate -l 1G /data/fill
    cat /data/fill >/dev/null
fi
sync
sleep 3
sysctl vm >/payload/out/before 2>/dev/null
[[ ! $memtuned ]] || memtunectl history -n 0 --json >/payload/out/written_before

# --- the work ---

for service in "${!services[@]}"; do
    # As a unit of its author's would be: what is killed in it is its own affair.
    systemd-run --quiet --unit="$service" -p OOMPolicy=continue /bin/sh -c "exec ${services[$service]}"
done
evaluate "${loads[@]}"
status=0
/payload/workload --seconds "$seconds" --warm "$warm" --settle "$settle" --json /payload/out/workload.json \
    "${evaluated[@]}" || status=$?
sysctl vm >/payload/out/after 2>/dev/null
for service in "${!services[@]}"; do
    printf '%s %s\n' "$service" "$(systemctl is-active "$service")"
done >/payload/out/services
if [[ $memtuned ]]; then
    memtunectl history -n 0 --json >/payload/out/written
    journalctl -b -o short-monotonic --no-hostname -u memtuned >/payload/out/journal
fi
exit "$status"
