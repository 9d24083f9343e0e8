#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# usage: layering_selftest.sh
#
# Runs layering.sh on a small tree with one offence of each kind, and on the same tree without them: a check that
# finds nothing is worth nothing until it has been seen to find.
set -euo pipefail
check=$(cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)/layering.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

file() {
    mkdir -p "$tree/${1%/*}"
    cat >"$tree/$1"
}

file include/memtuned/base/a.hpp <<'END'
#include "memtuned/kernel/b.hpp"
END
file include/memtuned/kernel/b.hpp <<'END'
#include "memtuned/base/a.hpp"
constexpr auto path = "/proc/vmstat";
END
file src/indicators/c.cpp <<'END'
#include "memtuned/tunables/catalogue.hpp"
// "/proc/vmstat" in a comment, and "/sys" too
/* "/proc/vmstat"
   "/sys/devices" */
auto number = 1'000; auto quote = '"'; auto help = "see man 5 proc, \"processes\" and sys.";
auto path = "proc/vmstat";
auto raw = R"x(one " ) line
/sys/kernel)x";
END
file src/indicators/catalogue.cpp <<'END'
auto path = "proc/vmstat";
END
file src/rules/d.cpp <<'END'
#include "memtuned/tunables/catalogue.hpp"
#include "memtuned/tunables/controller.hpp"
#  include <memtuned/policy/e.hpp>
#include "../policy/e.hpp"
END
file src/policy/e.cpp <<'END'
#include <chrono>
#include <fstream>
#include <spdlog/spdlog.h>
#include "rules/d.hpp"
#include "daemon/f.hpp"
void tick(Instant now);
auto at = BootClock::now();
auto known = "the time (now)";
END
file src/attic/g.cpp <<'END'
int g;
END

expected='include/memtuned/base/a.hpp:1: base includes kernel/b.hpp
src/attic/g.cpp:1: in no known room
src/indicators/c.cpp:1: indicators includes tunables/catalogue.hpp
src/indicators/c.cpp:6: indicators names a kernel path: auto path = "proc/vmstat";
src/indicators/c.cpp:8: indicators names a kernel path: /sys/kernel)x";
src/policy/e.cpp:2: policy includes <fstream>
src/policy/e.cpp:3: policy includes <spdlog/spdlog.h>
src/policy/e.cpp:5: policy includes daemon/f.hpp
src/policy/e.cpp:7: policy reads a clock: auto at = BootClock::now();
src/rules/d.cpp:2: rules includes tunables/controller.hpp
src/rules/d.cpp:3: rules includes policy/e.hpp
src/rules/d.cpp:4: include by way of ..: ../policy/e.hpp'

if found=$(bash "$check" "$tree"); then
    echo "layering.sh passes a tree full of offences" >&2
    exit 1
fi
diff <(echo "$expected") <(echo "$found")

while IFS=: read -r name line _; do
    sed -i "${line}s/.*//" "$tree/$name"
done <<<"$expected"
rm -r "$tree/src/attic"
bash "$check" "$tree"
