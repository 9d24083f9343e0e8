#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: --memory 512 --append psi=0
#
# A kernel without pressure stall information, on a machine without swap: memtuned starts, says what is unavailable, and
# tunes what it can.
# shellcheck disable=SC2016,SC2317 # of awk and the like; called by name
# shellcheck source=tests/vm/scenario.bash
source /payload/scenario.bash

scenario "a boot with PSI off and without swap"
check "the kernel has no PSI" test ! -e /proc/pressure
check "and no swap" grep -qx 1 <(wc -l </proc/swaps)
install_memtuned
check "the service is active" systemctl is-active --quiet memtuned
check "the log says which indicator is unavailable, and why" \
    log_has 'psi\.memory\.some\.avg10 is unavailable, rules that need it do nothing: .*proc/pressure/memory'
check "and that nothing wakes it" log_has 'degraded: no wake-up on memory some pressure, sampling alone sees it'
check "D-Bus says so, too" grep -q '"pressure triggers"' <(busctl get-property "${manager[@]}" Degraded)
check "and systemctl status" grep -q 'Status: ".*; degraded: ' <(systemctl status -l memtuned)
check "a rule that needs PSI is unavailable" rule_is lean-to-swap unavailable
check "one that does not is idle" rule_is grow-reserve idle
check "scores of services are set" test "$(score "$(systemctl show -P MainPID systemd-logind)")" = -500

scenario "pressure that only other signs tell of"
press stream:file=/var/tmp/read,size=$(($(memory_mib) * 2))M,rate=0 burst:size=$(($(available_mib) / 3))M
wait_for 120 "rules without PSI fire" moved watermark_scale_factor
check "swappiness is left alone" holds swappiness "${found[swappiness]}"
relieve
wait_for 120 "and give back" unchanged
check "the service is active" systemctl is-active --quiet memtuned
check "stop" systemctl stop memtuned
check "every value is as it was found" unchanged
done_testing
