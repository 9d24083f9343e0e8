#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: WORKLOAD=PROGRAM workload_test.sh
#
# Runs bench/vm's workload on a few MiB and asks its JSON whether what it says can be true: how often things happened,
# in which window, and what became of a load that was killed. Times are those of a busy machine: what is certain is a
# limit on the one side, what is likely on the other is asked for with room. Needs jq.
set -uo pipefail
program=${WORKLOAD:?the path of the program}
command -v jq >/dev/null || {
    echo "skipped: jq is not installed"
    exit 77
}
tree=$(mktemp -d -p /var/tmp workload_test.XXXXXXXXXX)
trap 'rm -rf --one-file-system -- "$tree"' EXIT
failures=0

not_ok() {
    failures=$((failures + 1))
    printf 'not ok: %s\n' "$@"
}

# what, file, jq condition...
holds() {
    local what=$1 file=$2
    shift 2
    jq -e "$@" "$file" >/dev/null || not_ok "$what" "    $*" "    $(jq -c "${shown:-.loads}" "$file" | cut -c -600)"
}

# status, expected standard error, argument...
says() {
    local status=$1 expected=$2 given=0 found
    shift 2
    found=$("$program" "$@" 2>&1 >/dev/null) || given=$?
    [[ $given == "$status" && $found == "$expected" ]] ||
        not_ok "workload $*" "    ended with $given: $found" "    instead of $status: $expected"
}

# --- loads side by side, each with its own figures ---

page=4096
"$program" --seconds 3 --json "$tree/all.json" \
    burst:size=2M,every=500ms,hold=50ms,until=2 \
    hot:size=4M,hot=25%,rate=1000,cold-every=3s \
    heap:size=2M,every=1s \
    stream:file="$tree/read",size=4M,rate=8M,block=64K \
    hotfile:file="$tree/read",size=2M,rate=100,warm=1 \
    randread:file="$tree/read",size=4M,rate=50,name=random \
    write:file="$tree/written",size=2M,rate=2M,block=128K \
    fsync:file="$tree/synced",size=4K,every=100ms,until=2 \
    grow:rate=4M,to=4M,from=2 \
    idle >"$tree/all.txt" 2>&1 || not_ok "the run ended with $?" "$(cat "$tree/all.txt")"

all=$tree/all.json
of() { holds "$1" "$all" --arg load "$2" ".loads[] | select(.name == \$load) | $3"; }

holds "every load came to its end" "$all" '[.loads[].ended | .how == "finished" and (.failure | not)] | all'
of "a burst touches each of its pages" burst ".fault.count == .burst.count * (2 * 1024 * 1024 / $page)"
of "bursts come each 500 ms" burst '.burst.count >= 1 and .burst.count <= 4 and .burst.count + .missed >= 3'
of "quantiles are in order" burst \
    '.fault | .p50_us > 0 and .p50_us <= .p99_us and .p99_us <= .p999_us and .p999_us <= .max_us and .mean_us <= .max_us'
of "a burst is longer than its longest fault" burst '.burst.max_us > .fault.max_us'
of "hot pages are touched at the rate" hot '.touch.count >= 500 and .touch.count <= 3010 and .touch.count + .missed >= 2800'
of "each cold page is touched once in 3 s" hot '.cold_touch.count >= 500 and .cold_touch.count <= 768'
of "the heap is touched from end to end" heap ".pass.count >= 1 and .pass.count <= 2 and .touch.count % 512 == 0"
of "the stream keeps to its rate" stream \
    '.bytes_per_s <= 8 * 1024 * 1024 * 1.05 and .bytes > 4 * 1024 * 1024 and .read.count + .missed >= 370'
of "a read moves a block" stream '.bytes == .read.count * 65536 and .operations == .read.count'
of "random reads keep to their rate" random \
    '.read.count >= 20 and .read.count <= 151 and .read.count + .missed >= 140 and .bytes == .read.count * 4096'
of "reads of a hot file keep to their rate" hotfile \
    '.read.count >= 50 and .read.count <= 301 and .read.count + .missed >= 280'
of "the writer keeps to its rate" write \
    '.write.count >= 5 and .write.count <= 49 and .write.count + .missed >= 44 and .bytes == .write.count * 131072'
of "syncs come each 100 ms" fsync \
    '.fsync.count >= 5 and .fsync.count <= 21 and .fsync.count + .missed >= 15'
of "whoever came meanwhile waited, too" fsync '.wait.count >= .fsync.count and .wait.max_us >= .fsync.max_us'
of "each sync has its append" fsync '.append.count == .fsync.count and .bytes == .fsync.count * 4096'
of "what grows stops where it is told" grow '.fault.count >= 200 and .fault.count <= 1034 and .ready_after_s >= 2'
of "who is idle does nothing" idle '.operations == 0 and .bytes == 0 and .operations_per_s == 0'
of "parameters are told as they were understood" stream \
    '.kind == "stream" and .parameters.size == 4194304 and .parameters.warm == false and .parameters.node == null'
of "times are told in seconds" burst '.parameters.every == 0.5 and .parameters.hold == 0.05 and .parameters.until == 2'
holds "the run is as long as it was to be" "$all" '.seconds == 3 and .elapsed_s >= 3 and (.interrupted | not)'
holds "windows are cut where loads begin and end" "$all" '[.windows[] | [.from_s, .until_s]] == [[0, 2], [2, 3]]'
shown=.windows holds "windows are as long as they are" "$all" \
    '[.windows[].measured_s] | .[0] >= 1.9 and .[0] < 2.5 and .[1] >= 0.5 and .[1] < 1.5'
holds "a load is told of in the windows it has a part in" "$all" '[.loads[] | [.name, [.windows[].from_s]]] |
    (.[0] == ["burst", [0]]) and (.[1] == ["hot", [0, 2]]) and (.[8] == ["grow", [2]])'
holds "the whole is the sum of the windows" "$all" \
    '[.loads[] | .operations == ([.windows[].operations] | add) and .bytes == ([.windows[].bytes] | add)] | all'
[[ $(stat -c %s "$tree/read") == $((4 << 20)) ]] || not_ok "a file is as large as the largest size= asks for"
(($(stat -c '%b * %B' "$tree/read") >= 4 << 20)) || not_ok "a file has no holes"
[[ ! -e $tree/read.unfinished ]] || not_ok "an unfinished file is left"
[[ $(grep -c '^load ' "$tree/all.txt") == 2 ]] || not_ok "the table has both windows" "$(cat "$tree/all.txt")"
grep -qx 'grow: finished after 3\.[0-9] s' "$tree/all.txt" || not_ok "the table says how a load ended" "$(cat "$tree/all.txt")"

# --- what is left out at the start of the run, and of each window; JSON on standard output ---

"$program" --seconds 1500ms --warm 500ms --settle 250ms --json - fsync:file="$tree/synced",every=50ms \
    idle:from=1 >"$tree/cut.json" 2>"$tree/cut.txt" || not_ok "the run ended with $?" "$(cat "$tree/cut.txt")"
shown=.windows holds "windows begin after warm and settle" "$tree/cut.json" \
    '[.windows[] | [.from_s, .measured_from_s, .until_s]] == [[0.5, 0.75, 1], [1, 1.25, 1.5]]'
holds "what is before them is not counted" "$tree/cut.json" \
    '.loads[0] | .active_s == 0.5 and .operations <= 12 and .operations + .missed >= 6'
grep -q '^from 0.5 s to 1 s, measured from 0.75 s' "$tree/cut.txt" || not_ok "the table is on standard error"

# --- a killed load ---

killed() { # JSON, keys of the load
    "$program" --seconds 20 --json "$1" "grow:rate=4M,to=16M,$2" >"$tree/killed.txt" 2>&1 &
    local parent=$! child=''
    for ((i = 0; i < 500; ++i)); do
        read -r child <"/proc/$parent/task/$parent/children" 2>/dev/null
        [[ $child && $(cat "/proc/$child/comm" 2>/dev/null) == growing ]] && break
        sleep 0.01
    done
    sleep 1
    kill -9 "${child% }"
    wait "$parent"
}

death='.loads[0].ended | .how == "killed" and .signal == 9 and .after_s > 0 and .after_s < 15'
killed "$tree/may-die.json" name=growing,may-die=1
status=$?
((status == 0)) || not_ok "a load that may die fails the run with $status" "$(cat "$tree/killed.txt")"
holds "it was killed, and that is no failure" "$tree/may-die.json" "($death) and (.loads[0].ended.failure | not)"
holds "what it had measured is kept" "$tree/may-die.json" '.loads[0].fault.count > 0 and .loads[0].fault.max_us > 0'
holds "nothing is left to wait for" "$tree/may-die.json" '.elapsed_s < 15'
killed "$tree/must-live.json" name=growing
status=$?
((status == 1)) || not_ok "a load that is killed does not fail the run ($status)" "$(cat "$tree/killed.txt")"
holds "it was killed, and that is a failure" "$tree/must-live.json" "($death) and .loads[0].ended.failure"
grep -qE '^workload: growing: killed by signal 9 after [0-9]+\.[0-9] s; say may-die=1 if that is no failure$' \
    "$tree/killed.txt" || not_ok "it says who was killed" "$(cat "$tree/killed.txt")"

# --- the kernel's counters: what it doesn't count is not 0 ---

no_oom() { grep -v '^oom_kill ' /proc/vmstat >"$tree/vmstat"; }
if no_oom && unshare -m true 2>/dev/null; then
    # shellcheck disable=SC2016
    unshare -m bash -c 'mount --bind "$1/vmstat" /proc/vmstat && mount --bind /dev/null /proc/pressure/io &&
        exec "$2" --seconds 100ms --json "$1/odd.json" idle' - "$tree" "$program" >/dev/null 2>&1 || not_ok "the odd run: $?"
    shown=. holds "a missing counter is null, the others are not" "$tree/odd.json" \
        '.vmstat.oom_kill == null and .vmstat.pgmajfault == 0 and .vmstat.allocstall == 0 and .psi_us.io.some == null'
fi
shown=. holds "the kernel's figures" "$all" '.vmstat.pgfault > 500 and .vmstat.allocstall >= 0 and .mem_free_bytes > 0'
[[ ! -r /proc/pressure/cpu ]] || shown=.psi_us holds "pressure" "$all" '.psi_us.cpu.some >= 0 and .psi_us.memory.full >= 0'

# --- what can't be done ---

says 1 "workload: stream: cannot open $tree/none/f: No such file or directory; choose another file=" \
    --seconds 1 fsync:name=stream,file="$tree/none/f"
says 1 "workload: cannot make $tree/none/f.unfinished: No such file or directory; choose another file=" \
    --seconds 1 write:file="$tree/none/f"
says 1 "workload: $tree/read has 4194304 of the 8388608 bytes of size=; remove it, to have it made, or give a smaller size=" \
    --seconds 1 stream:file="$tree/read",size=8M
truncate -s 8M "$tree/holes"
says 1 "workload: $tree/holes has holes, which are read without the disk; remove it, to have it made" \
    --seconds 1 stream:file="$tree/holes",size=8M
says 1 "workload: cannot open $tree/none/json: No such file or directory; choose another file for --json" \
    --json "$tree/none/json" idle

# --- what can't be meant ---

kinds='burst, hot, heap, stream, hotfile, write, fsync, randread, grow, idle'
common='name, from, until, node, numa, may-die'
says 2 "workload: no load is given; there are $kinds"
says 2 "workload: there is no load \"brust\"; there are $kinds" brust
says 2 "workload: there is no load \"bursts\" (did you mean \"burst\"?); there are $kinds" bursts
says 2 "workload: burst: there is no key \"sise\" (did you mean \"size\"?); there are size, every, hold, after, fill, thp, $common" \
    burst:sise=1M
says 2 "workload: idle: there is no key \"\"; there are $common" idle:
says 2 "workload: stream: file= is missing" stream
says 2 "workload: stream: file has no value: file=PATH" stream:file=
says 2 "workload: burst: size has no value: size=64M" burst:size
says 2 "workload: burst: size= is there twice" burst:size=1M,size=2M
says 2 "workload: burst: size=64Q is not a size: bytes, or a number with K, M or G" burst:size=64Q
says 2 "workload: burst: size=1K is too little: at least 4096 bytes" burst:size=1K
says 2 "workload: burst: every=-1 is not a time: seconds, or a number with us, ms, s or m" burst:every=-1
says 2 "workload: burst: every=0 is too little: at least 0.001 s" burst:every=0
says 2 "workload: hot: hot=101% is not a share: from 0% to 100%" hot:hot=101%
says 2 "workload: hot: rate=1.5 is not a whole number a second" hot:rate=1.5
says 2 "workload: grow: rate=fast is not bytes a second: a number, also with K, M or G" grow:rate=fast
says 2 "workload: grow: may-die=yes is not 0 or 1" grow:may-die=yes
says 2 "workload: grow: numa=near is not one of bind, prefer, local" grow:numa=near
says 2 "workload: idle: name=a is there twice" idle:name=a idle:name=a
says 2 "workload: idle: from=3 is not before its end, at 3 s" --seconds 3 idle:from=3
says 2 "workload: idle: until=4 lies after the end of the run, at 3 s" --seconds 3 idle:until=4
says 2 "workload: stream: block= is larger than size=" stream:file=/x,size=1K
says 2 "workload: randread: with direct=1, block= has to be a multiple of 512" randread:file=/x,block=1000,direct=1
says 2 "workload: fsync: file=/x is another load's, too" fsync:file=/x stream:file=/x
says 2 "workload: there is no option \"--second\" (did you mean \"--seconds\"?); there are --seconds, --warm, --settle, --json, --help" \
    --second 3 idle
says 2 "workload: --seconds wants a value" idle --seconds
says 2 "workload: --warm soon is not a time: seconds, or a number with us, ms, s or m" --warm soon idle
says 2 "workload: --warm 3 leaves nothing of a run of 3 s" --seconds 3 --warm 3 idle
says 2 "workload: --settle 1 leaves nothing of the time from 0 s to 1 s" --settle 1 --seconds 3 idle idle:from=1
if [[ -r /sys/devices/system/node/online ]]; then
    says 2 "workload: idle: node=1023 is not on this machine; there is $(cat /sys/devices/system/node/online)" idle:node=1023
fi

help=$("$program" --help) || not_ok "--help ended with $?"
for word in ${kinds//,/} ${common//,/} --seconds --warm --settle --json 'size=64M' 'file=PATH' cold-every direct; do
    grep -qwF -e "$word" <<<"$help" || not_ok "--help does not tell of $word"
done

if ((failures > 0)); then
    echo "$failures failures"
    exit 1
fi
echo "ok"
