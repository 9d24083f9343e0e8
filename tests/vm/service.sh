#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: --memory 512
#
# memtuned as a service of a booted machine, which has no swap: installation, stop, restart, reload, what somebody else
# writes, overrides and who may make them, upgrade and purge.
# shellcheck disable=SC2016,SC2317 # of awk and the like; called by name
# shellcheck source=tests/vm/scenario.bash
source /payload/scenario.bash

refused() { # pattern, command...: fails, and says something like this
    local output
    output=$("${@:2}" 2>&1) && return 1
    grep -q -- "$1" <<<"$output" || {
        echo "$output"
        return 1
    }
}

files() { find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /payload -o -path /var/log \
    -o -path /var/lib/dpkg -o -path /var/cache -o -path /run/log -o -path /root \) -prune -o -print |
    grep -Ev '^/var/(lib|tmp)/(systemd|private)|^/run/systemd' | sort; }
files >/tmp/files.before

scenario "fresh install"
install_memtuned
check "the service is active" systemctl is-active --quiet memtuned
check "it starts at boot" systemctl is-enabled --quiet memtuned
check "busctl shows the policy" grep -qx 's "balanced"' <(busctl get-property "${manager[@]}" Profile)
check "busctl lists the tunables" grep -q /org/memtuned1/tunable/vm_2eswappiness <(busctl tree org.memtuned1)
check "systemctl status shows profile and state" \
    grep -Eq 'Status: "profile balanced, [0-9]+ rules active, [0-9]+ tunables changed"' <(systemctl status memtuned)
check "swap is known to be none" grep -Eq '^swap\.total +0 B' <(memtunectl indicators swap.total)
check "which is no reason to be degraded" grep -qx 'a(ss) 0' <(busctl get-property "${manager[@]}" Degraded)
check "all pressure triggers are open" grep -qx 3 <(find "/proc/$(pidof memtuned)/fd" -perm -200 -lname '*/pressure/*' | wc -l)
show systemctl status -l memtuned
exposure=$(systemd-analyze security memtuned | sed -n 's/.*Overall exposure level for memtuned.service: \([0-9.]*\).*/\1/p')
check "systemd-analyze security says $exposure, 2.0 at most" awk -v e="$exposure" 'BEGIN { exit !(e > 0 && e <= 2.0) }'
check "the manual pages are there" test -e /usr/share/man/man8/memtuned.8.gz -a -e /usr/share/man/man1/memtunectl.1.gz

scenario "sandbox: what it needs works, what it does not need is refused"
check "it holds three capabilities" grep -q '^CapBnd:\s*0000000001004002$' "/proc/$(pidof memtuned)/status"
check "its memory is locked" awk '/^VmLck:/ { exit !($2 > 0) }' "/proc/$(pidof memtuned)/status"
check "nothing it needs was refused" refused '' log_has 'not permitted|ermission denied|ead-only file system'

scenario "sysctl -w by hand"
log_from_here
cat >/etc/memtuned/rules/hand.toml <<'RULES'
baseline.vm.swappiness = 40
baseline.vm.vfs_cache_pressure = 80
RULES
profile hand
wait_for 10 "the baseline is written" holds swappiness 40
sysctl -qw vm.swappiness=77
wait_for 20 "it says so" log_has 'vm\.swappiness somebody set 77 in place of 40'
check "it yields" property_is vm_2eswappiness State 's "yielded"'
sleep 3
check "and leaves the value" holds swappiness 77
check "the others are still managed" property_is vm_2evfs_5fcache_5fpressure State 's "managed"'
check "Release takes it up again" call Release s vm.swappiness
wait_for 10 "and the baseline is written again" holds swappiness 40
check "with what was set by hand as the value to put back" property_is vm_2eswappiness BootValue 'x 77'
found[swappiness]=77

scenario "override by busctl"
check "root may" call Override sxts vm.swappiness 10 0 "a try"
check "the value is written when the call returns" holds swappiness 10
check "it is shown" property_is vm_2eswappiness State 's "overridden"'
as_alice() { runuser -u alice -- "$@"; }
check "a user without the right may look" as_alice memtunectl explain vm.swappiness
check "but is refused an override" refused 'polkit does not grant you the action org.memtuned1.override' \
    as_alice busctl call "${manager[@]}" Override sxts vm.swappiness 20 0 "mine"
check "and a reload" refused 'polkit does not grant you' as_alice busctl call "${manager[@]}" Reload
check "and to switch off a rule" refused 'Access denied' as_alice busctl set-property org.memtuned1 \
    /org/memtuned1/rule/none org.memtuned1.Rule Enabled b false
check "which changed nothing" holds swappiness 10
as_alice memtunectl override vm.swappiness 20 >/dev/null 2>&1
check "memtunectl says so by its exit status, 4" test $? = 4
cat >/etc/polkit-1/rules.d/50-memtuned.rules <<'RULES'
polkit.addRule(function (action, subject) {
    if (action.id == "org.memtuned1.override" && subject.user == "alice") return polkit.Result.YES;
});
RULES
wait_for 20 "with a rule of polkit she may" as_alice busctl call "${manager[@]}" Override sxts vm.swappiness 20 0 "mine"
check "and it is written" holds swappiness 20
check "with her user id in the reason" grep -q "mine (user $(id -u alice))" <(memtunectl explain vm.swappiness)
rm /etc/polkit-1/rules.d/50-memtuned.rules
check "root clears it" call ClearOverride s vm.swappiness
wait_for 10 "and the baseline is back" holds swappiness 40

scenario "systemctl reload, with a good file and with a broken one"
echo 'baseline.vm.swappiness = 30' >/etc/memtuned/rules/hand.toml
check "a good file is taken" systemctl reload memtuned
wait_for 10 "and its value written" holds swappiness 30
wait_for 10 "and what it no longer claims put back" holds vfs_cache_pressure "${found[vfs_cache_pressure]}"
log_from_here
echo 'baseline.vm.swapiness = 20' >/etc/memtuned/rules/hand.toml
check "a broken one is refused" refused 'failed' systemctl reload memtuned
check "the journal says what is wrong, and where" log_has 'hand\.toml:1:[0-9]+: error: .*swapiness'
check "what ran runs on" holds swappiness 30
check "and it is active, not failed" systemctl is-active --quiet memtuned
pid=$(systemctl show -P MainPID memtuned)
echo 'baseline.vm.swappiness = 30' >/etc/memtuned/rules/hand.toml

scenario "systemctl restart and stop"
mkdir -p /etc/systemd/system/memtuned.service.d
printf '[Service]\nNice=-9\nWatchdogSec=5\n' >/etc/systemd/system/memtuned.service.d/mine.conf
systemctl daemon-reload
call Override sxts vm.page-cluster 1 0 "for good" >/dev/null
log_from_here
check "restart" systemctl restart memtuned
check "is another process" test "$pid" != "$(systemctl show -P MainPID memtuned)"
check "the values were put back in between" log_has 'vm\.swappiness 30 -> 77: put back'
wait_for 10 "overrides go on" holds page-cluster 1
check "stop" systemctl stop memtuned
check "every value is as it was found" unchanged
check "start" systemctl start memtuned
wait_for 10 "overrides go on then, too" holds page-cluster 1
call ClearOverride s vm.page-cluster >/dev/null

scenario "kill -9"
echo 'profile = "hand"' >>/etc/memtuned/memtuned.toml
systemctl reload memtuned
wait_for 10 "the baseline is written" holds swappiness 30
log_from_here
pid=$(systemctl show -P MainPID memtuned)
kill -KILL "$pid"
wait_for 20 "systemd starts it again" restarted
check "the values were put back in between" log_has 'vm\.swappiness 30 -> 77: put back'
wait_for 10 "the baseline is written again" holds swappiness 30
check "and the boot value is the true one" property_is vm_2eswappiness BootValue "x ${found[swappiness]}"
pid=$(systemctl show -P MainPID memtuned)
log_from_here
kill -STOP "$pid"
wait_for 60 "systemd's watchdog ends one that hangs, and starts it again" restarted
check "with the values put back in between" log_has 'vm\.swappiness 30 -> 77: put back'
check "a configuration in error is told by status" refused 'error' memtuned --profile of-nobody --check

scenario "upgrade"
call Override sxts vm.page-cluster 1 0 "for good" >/dev/null
mkdir -p /etc/memtuned/rules/balanced.d
echo 'baseline.vm.vfs_cache_pressure = 90' >/etc/memtuned/rules/balanced.d/mine.toml
rm -rf /tmp/newer
dpkg-deb -R /payload/memtuned.deb /tmp/newer
sed -i 's/^Version: .*/Version: 99.0/' /tmp/newer/DEBIAN/control
echo '# a new default' >>/tmp/newer/etc/memtuned/memtuned.toml
dpkg-deb -Znone -b /tmp/newer /tmp/newer.deb >/dev/null
systemctl disable --quiet memtuned
pid=$(systemctl show -P MainPID memtuned)
log_from_here
check "the newer package installs" dpkg -i --force-confold /tmp/newer.deb
wait_for 20 "the daemon is a new one" restarted
wait_for 10 "the override goes on" holds page-cluster 1
check "the edited configuration file is kept" grep -qx 'profile = "hand"' /etc/memtuned/memtuned.toml
check "the new default lies beside it" grep -qx '# a new default' /etc/memtuned/memtuned.toml.dpkg-dist
check "rules of the administrator are kept" test -s /etc/memtuned/rules/hand.toml
check "and changes to stock profiles" test -s /etc/memtuned/rules/balanced.d/mine.toml
check "and changes to the unit" grep -qx -- -9 <(systemctl show -P Nice memtuned)
check "what was disabled stays so" refused disabled systemctl is-enabled memtuned
check "and nobody's call starts it" test ! -e /etc/systemd/system/dbus-org.memtuned1.service

scenario "removal and purge"
check "the package is removed" dpkg --remove memtuned
check "every value is as it was found" unchanged
check "the daemon is gone" refused '' pidof memtuned
check "configuration stays" test -s /etc/memtuned/rules/hand.toml
check "the package is purged" dpkg --purge memtuned
rm -r /etc/systemd/system/memtuned.service.d
check "nothing is left behind" diff /tmp/files.before <(files)
done_testing
