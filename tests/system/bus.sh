#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The daemon as busctl sees it, on a private bus and a copy of a machine's kernel files with two services in it: every
# method, property and signal of dbus/*.xml is used, what the daemon says of itself there is what the files say, and who
# is not root is refused. At the end the test looks whether it left anything of the files out.
#
# Usage: MEMTUNED=path/to/memtuned bus.sh
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$here/../..
memtuned=${MEMTUNED:?the path of the program}

# shellcheck source=tests/support/script.bash
source "$here/../support/script.bash"
[ "$(id -u)" = 0 ] || skip "the daemon writes tunables, even copies of them, as root only"
for tool in busctl dbus-daemon setpriv sdbus-c++-xml2cpp; do
    command -v $tool >/dev/null || skip "$tool is not installed"
done
if [ -z "${MEMTUNED_BUS:-}" ]; then exec "$top/tools/private-bus" bash "${BASH_SOURCE[0]}"; fi

work=$(mktemp -d)
chmod 755 "$work"
root=$work/root
rules=$work/rules
daemon=
listener=
clean_up() {
    for process in $daemon $listener; do kill -KILL "$process" 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT

value() { cat "$root/proc/sys/vm/$1"; }
holds() { [ "$(value "$1")" = "$2" ]; }
expect() { holds "$1" "$2" || fail "vm.$1 is $(value "$1"), not $2"; }

manager=/org/memtuned1
swappiness=$manager/tunable/vm_2eswappiness
rule=$manager/rule/many_2ddirty
service=$manager/service/cron_2eservice
used=$work/used # INTERFACE KIND NAME of everything that was used

on_bus() { busctl --address="$MEMTUNED_BUS" "$@"; }
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups busctl --address="$MEMTUNED_BUS" "$@"; }
interface_of() {
    case $1 in
        "$manager") echo Manager ;;
        */tunable/*) echo Tunable ;;
        */rule/*) echo Rule ;;
        */service/*) echo Service ;;
    esac
}
call() { # path, method, signature and arguments
    local path=$1 method=$2 interface
    shift 2
    interface=$(interface_of "$path")
    echo "$interface method $method" >>"$used"
    on_bus call org.memtuned1 "$path" "org.memtuned1.$interface" "$method" "$@"
}
get() { # path, property
    local interface
    interface=$(interface_of "$1")
    echo "$interface property $2" >>"$used"
    on_bus get-property org.memtuned1 "$1" "org.memtuned1.$interface" "$2"
}
is() { # path, property, what busctl prints
    local got
    got=$(get "$1" "$2")
    [ "$got" = "$3" ] || fail "$2 of $1 is '$got', not '$3'"
}
comes_to() { [ "$(get "$1" "$2")" = "$3" ]; }
like() { # text, extended regular expression
    [[ $1 =~ $2 ]] || fail "'$1' is not like '$2'"
}
refused() { # what it says, command
    local says=$1 out
    shift
    if out=$("$@" 2>&1); then fail "$* was not refused: $out"; fi
    [ "$out" = "$says" ] || fail "$* says '$out', not '$says'"
}
heard() { # what a line of the monitor has: signal, path, regular expression of its arguments
    grep -E "\"path\":\"$2\",\"interface\":\"[^\"]*\",\"member\":\"$1\"" "$work/monitor" 2>/dev/null | grep -Eq -- "$3"
}
hears() { # signal, path, regular expression of its arguments
    wait_for 10 "the signal $1 of $2 with $3, among $(grep -F "\"$1\"" "$work/monitor" | tail -3)" heard "$@"
    case $1 in PropertiesChanged | Interfaces*) ;; *) echo "$(interface_of "$2") signal $1" >>"$used" ;; esac
}

put() { # path under the root, text
    mkdir -p "$(dirname "$root/$1")"
    printf '%b' "$2" >"$root/$1"
}
add_service() { # unit, pid, score
    put "proc/$2/stat" "$2 (x) S 1 $2 $2 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n"
    put "proc/$2/cgroup" "0::/system.slice/$1\n"
    put "proc/$2/oom_score_adj" "$3\n"
    put "sys/fs/cgroup/system.slice/$1/memory.current" '8388608\n'
    put "sys/fs/cgroup/system.slice/$1/cgroup.procs" "$2\n"
    put "sys/fs/cgroup/system.slice/$1/cgroup.events" 'populated 1\nfrozen 0\n'
}
# Gives Dirty another value in place, in one piece, as the kernel would.
set_dirty() { # kB
    local offset
    offset=$(grep -ob '^Dirty:' "$root/proc/meminfo" | cut -d: -f1)
    printf '%17d' "$1" | dd of="$root/proc/meminfo" bs=1 seek=$((offset + 7)) conv=notrunc status=none
}

cp -r "$here/../fixtures/linux-6.18" "$root"
chmod -R u+w "$root"
put sys/fs/cgroup/cgroup.controllers 'cpu memory pids\n'
put sys/fs/cgroup/system.slice/cgroup.procs ''
put sys/fs/cgroup/system.slice/cgroup.events 'populated 1\nfrozen 0\n'
add_service cron.service 1100 0
mkdir "$rules"
cat >"$rules/test.toml" <<'RULES'
[baseline]
vm.vfs_cache_pressure = 50
[[rule]]
name = "many-dirty"
description = "Write sooner."
when = "mem.dirty > 100 MiB"
set = { vm.dirty_ratio = 15, oom_score_adj."cron.service" = 300 }
RULES
echo 'baseline.vm.dirty_background_ratio = 7' >"$rules/other.toml"
printf '[sampling]\nidle = "600ms"\nbusy_for = "1s"\n' >"$work/memtuned.toml"

on_bus monitor --json=short --match="type='signal',path_namespace='$manager'" >"$work/monitor" 2>"$work/monitor.log" &
listener=$!
disown "$listener"
monitor_hears() {
    on_bus emit $manager org.memtuned1.Test Ready
    grep -q '"member":"Ready"' "$work/monitor"
}
wait_for 10 "the monitor" monitor_hears
"$memtuned" --root "$root" --rules "$rules" --profile test --config "$work/memtuned.toml" --bus "$MEMTUNED_BUS" \
    >"$work/log" 2>&1 &
daemon=$!
wait_for 10 "the name on the bus" on_bus status org.memtuned1 >/dev/null 2>&1
wait_for 10 "the baseline" holds vfs_cache_pressure 50

echo "the tree is there"
tree=$(on_bus --list tree org.memtuned1)
for object in $manager $swappiness $rule $service $manager/tunable/vm_2edrop_5fcaches; do
    grep -qx "$object" <<<"$tree" || fail "no $object in: $tree"
done

echo "what it says of itself is what the files say"
glue_of() { # XML file: the lines of the glue for our interface; who is asynchronous is nothing that others see
    grep -v 'Method\.Async' "$1" >"$work/plain.xml"
    sdbus-c++-xml2cpp "$work/plain.xml" "--adaptor=$work/adaptor.h" "--proxy=$work/proxy.h" >/dev/null
    # In the glue of sdbus-c++ 2 they are arguments of one call: what comes before one tells only whether it is the first.
    sed -E 's/^ *(m_object\.addVTable\(|,) *//' "$work/adaptor.h" "$work/proxy.h" | sort
}
flags_in() { # XML file: "NAME const", "NAME emits-change" or "NAME -" of each property, sorted
    awk -F'"' '
        /<property / { name = $2; flag = "emits-change"; if (/\/>/) print name, flag }
        /EmitsChangedSignal/ { flag = $4 == "const" ? "const" : $4 == "false" ? "-" : "emits-change" }
        /<\/property>/ { print name, flag }' "$1" | sort
}
for path in $manager $swappiness $rule $service; do
    name=$(interface_of "$path")
    file=$top/dbus/org.memtuned1.$name.xml
    on_bus introspect --xml-interface org.memtuned1 "$path" >"$work/live.xml"
    # Our interface alone, without the standard ones.
    awk '/<interface name="org.memtuned1/ { on = 1 } on { print } /<\/interface>/ { on = 0 }' "$work/live.xml" \
        >"$work/ours.xml"
    { echo '<node>' && cat "$work/ours.xml" && echo '</node>'; } >"$work/live.xml"
    glue_of "$file" >"$work/wanted"
    glue_of "$work/live.xml" >"$work/got"
    diff "$work/wanted" "$work/got" >"$work/diff" || fail "$name is another: $(cat "$work/diff")"
    flags_in "$file" >"$work/wanted"
    on_bus introspect org.memtuned1 "$path" "org.memtuned1.$name" |
        awk '$2 == "property" { print substr($1, 2), $NF == "writable" ? $(NF - 1) : $NF }' | sort >"$work/got"
    diff "$work/wanted" "$work/got" >"$work/diff" || fail "flags of $name: $(cat "$work/diff")"
done

echo "properties"
is $manager Version "s \"$("$memtuned" --version)\""
is $manager Mode 's "enforce"'
is $manager Profile 's "test"'
is $manager Profiles 'as 2 "other" "test"'
like "$(get $manager Degraded)" '^a\(ss\) 3 "pressure triggers" "no wake-up on memory some pressure'
is $manager SampleInterval 't 600000'
now=$(date +%s)
for property in LastSample RulesLoaded; do
    read -r _ at < <(get $manager $property)
    ((at / 1000000 >= now - 60 && at / 1000000 <= now + 1)) || fail "$property is $at"
done
is $swappiness Name 's "vm.swappiness"'
is $swappiness Value 'x 60'
is $swappiness BootValue 'x 60'
is $swappiness Target 'x 60'
is $swappiness Source 's ""'
is $swappiness Reason 's ""'
is $swappiness Unit 's ""'
is $swappiness Minimum 'x 0'
is $swappiness Maximum 'x 200'
is $swappiness State 's "free"'
is $swappiness OverrideExpires 't 0'
is $swappiness LastWrite 't 0'
is $swappiness Writes 't 0'
is $manager/tunable/vm_2emin_5ffree_5fkbytes Unit 's "kB"'
is $manager/tunable/vm_2evfs_5fcache_5fpressure Source 's "baseline of test"'
is $rule Name 's "many-dirty"'
is $rule Profile 's "test"'
is $rule Description 's "Write sooner."'
is $rule When 's "mem.dirty > 100 MiB"'
is $rule State 's "idle"'
is $rule StateReason 's ""'
is $rule Activations 't 0'
is $rule Order 'u 0'
is $rule Enabled 'b true'
like "$(get $rule Since)" '^t [0-9]+$'
like "$(get $rule Figures)" '^s "mem\.dirty = 36 MiB"$'
like "$(get $rule Nearness)" '^d 0\.36'
is $service Unit 's "cron.service"'
is $service OomScoreAdj 'x 0'
is $service Source 's ""'
is $service Processes 'u 1'
is $service Memory 't 8388608'
is $service State 's "free"'
is $service Reason 's ""'
is $service OverrideExpires 't 0'
is $service LastWrite 't 0'

echo "a rule that becomes active is told of"
set_dirty 204800
figures='mem\.dirty > 100 MiB \(mem\.dirty = 200 MiB\)'
hears RuleChanged $manager "\"data\":\\[\"many-dirty\",\"active\",\"$figures\"\\]"
hears TunableChanged $manager "\"data\":\\[\"vm\\.dirty_ratio\",20,15,\"rule many-dirty\",\"$figures\"\\]"
hears PropertiesChanged $rule '"State":\{"type":"s","data":"active"\}'
hears PropertiesChanged $manager/tunable/vm_2edirty_5fratio '"Value":\{"type":"x","data":15\}'
wait_for 10 "the score of the service" comes_to $service OomScoreAdj 'x 300'
expect dirty_ratio 15
is $rule Activations 't 1'
is $service Source 's "rule many-dirty"'
is $service State 's "managed"'

echo "a rule that stays active is looked at less often once nothing comes of it"
like "$(get $manager LastSample)" '^t [1-9]'
wait_for 10 "an interval of its own" comes_to $manager SampleInterval 't 500000'
is $rule State 's "active"'

echo "rules are switched off and on, by a method and by a property"
call $manager EnableRule sb many-dirty false
wait_for 10 "the rule to be disabled" comes_to $rule State 's "disabled"'
is $rule Enabled 'b false'
wait_for 10 "what it claimed to be put back" holds dirty_ratio 20
call $manager EnableRule sb many-dirty true
wait_for 10 "the rule to be active again" comes_to $rule State 's "active"'
on_bus set-property org.memtuned1 $rule org.memtuned1.Rule Enabled b false
wait_for 10 "the rule to be disabled" comes_to $rule State 's "disabled"'
hears PropertiesChanged $rule '"Enabled":\{"type":"b","data":false\}'
set_dirty 100

echo "overrides"
call $manager Override sxts vm.swappiness 90 0 'for a try'
expect swappiness 90
is $swappiness Value 'x 90'
is $swappiness State 's "overridden"'
is $swappiness Source 's "override"'
is $swappiness Reason 's "for a try (user 0)"'
is $swappiness Writes 't 1'
like "$(get $swappiness LastWrite)" '^t [0-9]{16}$'
explained=$(call $manager Explain s vm.swappiness)
like "$explained" '^a\(ssxs\) 3 "boot value" "exactly" 60 "[^"]*" "override" "exactly" 90 "for a try \(user 0\)" '
like "$explained" ' "result" "overridden" 90 "for a try \(user 0\)"$'
like "$(call $manager Outlook s vm.swappiness)" '^a\(ss\) 1 "override" "90 stays until it is cleared"$'
like "$(call $manager Outlook s vm.dirty_ratio)" '^a\(ss\) 1 "rule many-dirty" "is disabled'
like "$(call $manager GetHistory u 1)" \
    '^a\(tsxxss\) 1 [0-9]{16} "vm.swappiness" 60 90 "override" "for a try \(user 0\)"$'
call $swappiness Override xts 80 600000000 ''
expect swappiness 80
like "$(get $swappiness OverrideExpires)" '^t [0-9]{16}$'
call $manager ClearOverride s vm.swappiness
wait_for 10 "the boot value" holds swappiness 60
call $swappiness Override xts 70 0 ''
call $swappiness ClearOverride
wait_for 10 "the boot value" holds swappiness 60
call $manager OverrideWhileConnected sxs vm.swappiness 50 'as long as I am here'
wait_for 10 "the boot value, as busctl has left" holds swappiness 60
call $service Override xts 500 0 ''
[ "$(cat "$root/proc/1100/oom_score_adj")" = 500 ] || fail "the process was not written"
is $service State 's "overridden"'
call $service ClearOverride
wait_for 10 "the score of before" comes_to $service OomScoreAdj 'x 0'

echo "somebody else sets it, and it is taken up again when released"
call $manager Override sxts vm.swappiness 90 0 ''
echo 33 >"$root/proc/sys/vm/swappiness"
hears OutsideChange $manager '"data":\["vm\.swappiness",90,33\]'
wait_for 10 "the yield" comes_to $swappiness State 's "yielded"'
call $manager Release s vm.swappiness
wait_for 10 "the override again" holds swappiness 90
call $manager ClearOverride s vm.swappiness

echo "indicators"
like "$(call $manager GetIndicators)" '^a\{sd\} [0-9]{2,3} .*"mem\.total" 2\.5[0-9]*e\+10'

echo "units come and go"
add_service late.service 1200 7
hears InterfacesAdded $manager '"/org/memtuned1/service/late_2eservice"'
rm -r "$root/sys/fs/cgroup/system.slice/late.service"
hears InterfacesRemoved $manager '"/org/memtuned1/service/late_2eservice"'

echo "profile, mode and reload"
call $manager SwitchProfile s other
wait_for 10 "the other profile" holds dirty_background_ratio 7
is $manager Profile 's "other"'
hears PropertiesChanged $manager '"Profile":\{"type":"s","data":"other"\}'
hears InterfacesRemoved $manager "\"$rule\""
call $manager SwitchProfile s test
hears InterfacesAdded $manager "\"$rule\""
call $manager SetMode s observe
wait_for 10 "the mode" comes_to $manager Mode 's "observe"'
expect vfs_cache_pressure 100
call $manager SetMode s enforce
wait_for 10 "the mode" comes_to $manager Mode 's "enforce"'
call $manager Reload

echo "what is refused changes nothing"
wait_for 20 "the baseline" holds vfs_cache_pressure 50
wait_for 20 "the other's to be put back" holds dirty_background_ratio 10
wait_for 20 "what somebody set, which is what it held before" holds swappiness 33
before=$(cd "$root/proc/sys/vm" && head -- *)
history=$(on_bus call org.memtuned1 $manager org.memtuned1.Manager GetHistory u 0)
no_right='Call failed: only root may do this here, for polkit does not answer: '
no_right+='The name org.freedesktop.PolicyKit1 was not provided by any .service files'
of_manager=(call org.memtuned1 "$manager" org.memtuned1.Manager)
refused "$no_right" as_nobody "${of_manager[@]}" Override sxts vm.swappiness 90 0 ''
refused "$no_right" as_nobody "${of_manager[@]}" SwitchProfile s other
refused "$no_right" as_nobody "${of_manager[@]}" Reload
if as_nobody set-property org.memtuned1 $rule org.memtuned1.Rule Enabled b true >"$work/out" 2>&1; then
    fail "nobody set a property"
fi
grep -q 'Access denied\|Sender is not authorized' "$work/out" || fail "nobody was refused with: $(cat "$work/out")"
like "$(as_nobody get-property org.memtuned1 $manager org.memtuned1.Manager Profile)" '^s "test"$'
refused 'Call failed: 300 is not within 0 and 200, which is what vm.swappiness takes on this machine' \
    call $manager Override sxts vm.swappiness 300 0 ''
# shellcheck disable=SC2016  # the backquotes are the message's own
refused 'Call failed: there is no tunable `vm.swapiness`; did you mean vm.swappiness?' \
    call $manager Override sxts vm.swapiness 60 0 ''
echo 'baseline.vm.swapiness = 1' >"$rules/test.toml"
if call $manager Reload >"$work/out" 2>&1; then fail "a reload with errors went well"; fi
grep -q 'rules/test.toml:1:' "$work/out" || fail "the errors are not said: $(cat "$work/out")"
hears ReloadFailed $manager 'did you mean vm\.swappiness\?'
sleep 0.5
[ "$before" = "$(cd "$root/proc/sys/vm" && head -- *)" ] || fail "what was refused changed a tunable"
[ "$history" = "$(on_bus call org.memtuned1 $manager org.memtuned1.Manager GetHistory u 0)" ] ||
    fail "what was refused is in the history"

echo "nothing of the files was left out"
for name in Manager Tunable Rule Service; do
    sed -nE "s/^ *<(method|property|signal) name=\"([^\"]+)\".*/$name \\1 \\2/p" "$top/dbus/org.memtuned1.$name.xml"
done | sort >"$work/all"
left_out=$(comm -23 "$work/all" <(sort -u "$used"))
[ -z "$left_out" ] || fail "not used: $left_out"
kill -TERM "$daemon"
wait "$daemon" || fail "the daemon ended with $?"
daemon=
echo "$(wc -l <"$work/all") methods, properties and signals used"
