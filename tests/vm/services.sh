#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# guest: --memory 512
#
# Scores of services under a real systemd, by root with all capabilities: one like sshd's protected, a batch one raised.
# shellcheck disable=SC2016,SC2317 # of awk and the like; called by name
# shellcheck source=tests/vm/scenario.bash
source /payload/scenario.bash

install_memtuned
cat >/etc/memtuned/rules/scores.toml <<'RULES'
description = "what this test needs"
include = ["database"]
[baseline]
oom_score_adj."guarded.service" = { at_most = -600 }
[[rule]]
name = "batch-first"
description = "while the file that stands for a backlog is in memory"
when = "mem.shared > 20 MiB"
hold = "1s"
set = { oom_score_adj."batch-*.service" = { at_least = 800 } }
RULES

# A service that forks all the time, and keeps some of what it forked.
start() { # unit, its own score
    systemd-run --quiet --unit="$1" -p OOMScoreAdjust="$2" bash -c 'sleep 1000 & while :; do sleep 0.3; done'
}
backlog() { head -c 30M /dev/zero >/dev/shm/backlog; }
no_backlog() { rm -f /dev/shm/backlog; }
main_score_is() { [ "$(score "$(systemctl show -P MainPID "$1")")" = "$2" ]; }

start guarded 0
start batch-one 100
start postgresql 0
systemctl restart ssh
scenario "the baseline protects"
profile scores
wait_for 20 "a service that chose nothing is at -600, with all its processes" scores_are guarded.service -600
wait_for 20 "a database is by the stock profile" scores_are postgresql.service -600
check "sshd stays at its own -1000" main_score_is ssh -1000
check "memtuned at the -900 of its unit" main_score_is memtuned -900
check "a batch service keeps its own" scores_are batch-one.service 100
check "D-Bus shows the service" grep -q 'x -600' \
    <(busctl get-property org.memtuned1 /org/memtuned1/service/guarded_2eservice org.memtuned1.Service OomScoreAdj)
sleep 2
check "what it forked since is covered" scores_are guarded.service -600

scenario "a rule raises"
backlog
wait_for 20 "the batch service is at 800, with all its processes" scores_are batch-one.service 800
start batch-two 0
wait_for 20 "one that starts meanwhile is raised, too" scores_are batch-two.service 800
sleep 1
check "what it forked is covered" scores_are batch-two.service 800
systemctl stop batch-two
start batch-two 50
wait_for 20 "and it is after it was stopped and started again" scores_are batch-two.service 800
systemctl stop guarded
start guarded -50
wait_for 20 "as is the protected one, lowered anew" scores_are guarded.service -600
no_backlog
wait_for 20 "with the rule released the batch service has its own score again" scores_are batch-one.service 100
wait_for 20 "and the restarted one what it was restarted with" scores_are batch-two.service 50

scenario "whom the OOM killer takes"
killed() { # a process with this score, by the OOM killer of its cgroup
    journalctl -k -b -o cat | grep -q "Killed process .*oom_score_adj:$1"
}
systemd-run --quiet --unit=batch-hog -p MemoryMax=60M -p MemorySwapMax=0 bash -c \
    'sleep 5; exec perl -e "my \$x = q(x) x (200 << 20); sleep 1000"'
backlog
wait_for 20 "the batch service is at 800 again" scores_are batch-one.service 800
wait_for 60 "the kernel killed a process by that score" killed 800

scenario "stop puts everything back"
check "stop" systemctl stop memtuned
check "the batch service has its own score again" scores_are batch-one.service 100
check "the restarted batch service, too" scores_are batch-two.service 50
check "the protected service, too" scores_are guarded.service -50
check "and the database" scores_are postgresql.service 0
check "logind, too" main_score_is systemd-logind 0

scenario "kill -9 puts everything back"
systemctl start memtuned
profile scores
wait_for 20 "the protected service is at -600" scores_are guarded.service -600
wait_for 20 "the batch service is at 800" scores_are batch-one.service 800
systemctl kill --signal=KILL memtuned
restarted() { log_has 'on the system bus' && systemctl is-active --quiet memtuned; }
log_from_here
wait_for 20 "it is restarted" restarted
check "the batch service has its own score again" scores_are batch-one.service 100
check "the protected service, too" scores_are guarded.service -50
show log
done_testing
