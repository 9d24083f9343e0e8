# bash completion for memtunectl                           -*- shell-script -*-
# SPDX-License-Identifier: GPL-2.0-or-later

# Names from the daemon that the command line means; none where there is no daemon.
_memtunectl_names() { # kind
    local bus=() i
    for ((i = 1; i + 1 < cword; i++)); do
        if [[ ${words[i]} == --bus ]]; then
            bus=(--bus "${words[i + 1]}")
        fi
    done
    "${words[0]}" complete "$1" "${bus[@]}" 2>/dev/null
}

_memtunectl_reply() { # candidates, one a line
    # Not compgen -W, which would expand them: they come from the daemon, and names of units hold backslashes.
    local candidates candidate quoted
    mapfile -t candidates <<<"$1"
    COMPREPLY=()
    for candidate in "${candidates[@]}"; do
        printf -v quoted %q "$candidate"
        if [[ -n $candidate && ($candidate == "$cur"* || $quoted == "$cur"*) ]]; then
            COMPREPLY+=("$quoted")
        fi
    done
    # What bash itself would break at a colon, in a name such as user@1000.service, must not be repeated.
    if declare -F __ltrim_colon_completions >/dev/null; then
        __ltrim_colon_completions "$cur"
    fi
}

_memtunectl_option_value() {
    case $prev in
        --bus) _memtunectl_reply $'system\nsession' ;;
        --config) _filedir toml ;;
        --rules | --root) _filedir -d ;;
        --for) _memtunectl_reply $'10min\n30min\n1h\n8h' ;;
        --reason | -d | --interval | -n | --most) ;;
        *) return 1 ;;
    esac
}

_memtunectl_options() { # subcommand
    local options='--help --bus'
    case $1 in
        '') options+=' --version --json' ;;
        monitor) options+=' --json --all' ;;
        status | indicators | tunables | rules | services | explain | profile | mode) options+=' --json' ;;
        history) options+=' --json --most' ;;
        top) options+=' --interval --once' ;;
        override) options+=' --for --reason --while' ;;
        check) options='--help --json --config --rules --root' ;;
    esac
    _memtunectl_reply "${options// /$'\n'}"
}

_memtunectl() {
    local cur prev words cword
    _init_completion -n : || return

    local commands='status top indicators tunables rules services explain history monitor override clear release enable
        disable profile mode reload check'
    local command='' position=0 i
    for ((i = 1; i < cword; i++)); do
        case ${words[i]} in
            --while)
                _command_offset $((i + 1))
                return
                ;;
            --bus | --config | --rules | --root | --for | --reason | -d | --interval | -n | --most) ((i++)) ;;
            -[a-zA-Z-]*) ;;
            *)
                if [[ -z $command ]]; then
                    command=${words[i]}
                else
                    ((position++))
                fi
                ;;
        esac
    done

    _memtunectl_option_value && return
    if [[ $cur == -* ]]; then
        _memtunectl_options "$command"
        return
    fi
    case $command:$position in
        :0) mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur") ;;
        explain:0 | override:0 | clear:0 | release:0) _memtunectl_reply "$(_memtunectl_names tunables)" ;;
        enable:0 | disable:0) _memtunectl_reply "$(_memtunectl_names rules)" ;;
        profile:0) _memtunectl_reply "$(_memtunectl_names profiles)" ;;
        indicators:0) _memtunectl_reply "$(_memtunectl_names indicators)" ;;
        mode:0) _memtunectl_reply $'enforce\nobserve' ;;
        check:*) _filedir toml ;;
    esac
} &&
    complete -F _memtunectl memtunectl
