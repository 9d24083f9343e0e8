# SPDX-License-Identifier: GPL-2.0-or-later

# Names from the daemon that the command line means; none where there is no daemon.
function __memtunectl_names -a kind
    set -l words (commandline -opc)
    set -l at (contains -i -- --bus $words)
    if test -n "$at"; and test (math $at + 1) -le (count $words)
        memtunectl complete $kind --bus $words[(math $at + 1)] 2>/dev/null
    else
        memtunectl complete $kind 2>/dev/null
    end
end

set -l commands status top indicators tunables rules services explain history monitor override clear release \
    enable disable profile mode reload check

function __memtunectl_for
    __fish_seen_subcommand_from $argv
end

# Behind --while stands a command of the user's.
function __memtunectl_before_while
    not contains -- --while (commandline -opc)
end

complete -c memtunectl -f
complete -c memtunectl -n __memtunectl_before_while -s h -l help -d 'Print help and exit'
complete -c memtunectl -n "not __fish_seen_subcommand_from $commands" -l version -d 'Print the version and exit'
complete -c memtunectl -n '__memtunectl_before_while; and not __memtunectl_for check' -l bus -x \
    -a 'system session' -d 'Bus the daemon is on'
complete -c memtunectl -l json -d 'Print JSON' -n "not __memtunectl_for top override clear release enable disable reload"

set -l none "not __fish_seen_subcommand_from $commands"
complete -c memtunectl -n $none -a status -d 'What memtuned does at the moment'
complete -c memtunectl -n $none -a top -d 'The same and more, live'
complete -c memtunectl -n $none -a indicators -d 'What memtuned measures'
complete -c memtunectl -n $none -a tunables -d 'What memtuned may set, and how it stands'
complete -c memtunectl -n $none -a rules -d 'The rules of the active profile'
complete -c memtunectl -n $none -a services -d 'Units of systemd, their memory and their oom_score_adj'
complete -c memtunectl -n $none -a explain -d 'Why a tunable has its value'
complete -c memtunectl -n $none -a history -d 'What memtuned wrote and why'
complete -c memtunectl -n $none -a monitor -d 'Say what happens as it happens'
complete -c memtunectl -n $none -a override -d 'Hold a value, above all rules'
complete -c memtunectl -n $none -a clear -d 'End all overrides of a tunable'
complete -c memtunectl -n $none -a release -d 'Take up again what was left to somebody else, or is frozen'
complete -c memtunectl -n $none -a enable -d 'Let a rule act again'
complete -c memtunectl -n $none -a disable -d 'Keep a rule from acting'
complete -c memtunectl -n $none -a profile -d 'List the profiles, or run another one'
complete -c memtunectl -n $none -a mode -d 'Tell the mode, or set it'
complete -c memtunectl -n $none -a reload -d 'Read configuration and rules again'
complete -c memtunectl -n $none -a check -d 'Check files as memtuned would load them'

complete -c memtunectl -n '__memtunectl_for explain override clear release; and __memtunectl_before_while' \
    -a '(__memtunectl_names tunables)'
complete -c memtunectl -n '__memtunectl_for enable disable' -a '(__memtunectl_names rules)'
complete -c memtunectl -n '__memtunectl_for profile' -a '(__memtunectl_names profiles)'
complete -c memtunectl -n '__memtunectl_for indicators' -a '(__memtunectl_names indicators)'
complete -c memtunectl -n '__memtunectl_for mode' -a 'enforce observe'

complete -c memtunectl -n '__memtunectl_for top' -s d -l interval -x -d 'Seconds between two looks'
complete -c memtunectl -n '__memtunectl_for top' -l once -d 'Print one frame and end'
complete -c memtunectl -n '__memtunectl_for monitor' -l all -d 'Also when a rule is about to act'
complete -c memtunectl -n '__memtunectl_for history' -s n -l most -x -d 'How many at most'
complete -c memtunectl -n '__memtunectl_for override; and __memtunectl_before_while' -l for -x -a '10min 30min 1h 8h' \
    -d 'For so long'
complete -c memtunectl -n '__memtunectl_for override; and __memtunectl_before_while' -l reason -x \
    -d 'For those who ask why'
complete -c memtunectl -n '__memtunectl_for override' -l while -x -a '(__fish_complete_subcommand)' \
    -d 'Hold the value until a command ends'
complete -c memtunectl -n '__memtunectl_for check' -F
complete -c memtunectl -n '__memtunectl_for check' -l config -r -d 'Configuration they are checked against'
complete -c memtunectl -n '__memtunectl_for check' -l rules -r -d 'Look for profiles here'
complete -c memtunectl -n '__memtunectl_for check' -l root -r -d 'Folder that stands for /'
