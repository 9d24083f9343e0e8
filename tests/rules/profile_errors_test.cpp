// SPDX-License-Identifier: GPL-2.0-or-later
//
// What is said of rule files, to the letter.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "rules/support.hpp"

using namespace memtuned::rules;

namespace {

std::string said(std::string_view text) {
    return without_list(check_profile(test_text(text)).diagnostics);
}

}  // namespace

TEST_CASE("an unknown key of a profile is an error, with the nearest that there is") {
    CHECK(said(R"(
descripton = "x"
rules = 5
)") == R"(test.toml:1:1: error: unknown key `descripton` in a profile
    1 | descripton = "x"
      | ^
      = did you mean description?

test.toml:2:1: error: unknown key `rules` in a profile
    2 | rules = 5
      | ^
      = did you mean rule?
)");
}

TEST_CASE("keys of a profile with a wrong type") {
    CHECK(said(R"(
description = 5
include = "balanced"
baseline = 5
rule = 5
)") == R"(test.toml:1:15: error: `description` is a string, here is an integer
    1 | description = 5
      |               ^
      = write description = "what the profile is for"

test.toml:2:11: error: `include` is a list of profile names
    2 | include = "balanced"
      |           ^
      = write include = ["balanced"]

test.toml:3:12: error: `baseline` is a table, here is an integer
    3 | baseline = 5
      |            ^
      = write a line [baseline], then vm.swappiness = 10

test.toml:4:8: error: `rule` is a list of tables
    4 | rule = 5
      |        ^
      = begin each rule with [[rule]]
)");
}

TEST_CASE("lists with wrong entries") {
    CHECK(said(R"(
include = [1, "balanced", ["x"]]
rule = [1, {}]
)") == R"(test.toml:1:12: error: `include` lists names of profiles
    1 | include = [1, "balanced", ["x"]]
      |            ^
      = write include = ["balanced"]

test.toml:1:27: error: `include` lists names of profiles
    1 | include = [1, "balanced", ["x"]]
      |                           ^
      = write include = ["balanced"]

test.toml:2:9: error: a rule is a table
    2 | rule = [1, {}]
      |         ^
      = begin each rule with a line [[rule]]

test.toml:2:12: error: a rule needs a name
    2 | rule = [1, {}]
      |            ^
      = write name = "grow-reserve"

test.toml:2:12: error: this rule has no `when`
    2 | rule = [1, {}]
      |            ^
      = write when = "psi.memory.full.avg10 > 10%", or enabled = false to switch it off

test.toml:2:12: error: this rule claims nothing
    2 | rule = [1, {}]
      |            ^
      = write set = { vm.swappiness = 10 }, or a step or a trigger
)");
}

TEST_CASE("an empty rule lacks all that a rule has") {
    CHECK(said(R"(
[[rule]]
)") == R"(test.toml:1:1: error: a rule needs a name
    1 | [[rule]]
      | ^
      = write name = "grow-reserve"

test.toml:1:1: error: this rule has no `when`
    1 | [[rule]]
      | ^
      = write when = "psi.memory.full.avg10 > 10%", or enabled = false to switch it off

test.toml:1:1: error: this rule claims nothing
    1 | [[rule]]
      | ^
      = write set = { vm.swappiness = 10 }, or a step or a trigger
)");
}

TEST_CASE("an empty name is no name") {
    CHECK(said(R"(
[[rule]]
name = ""
enabled = false
)") == R"(test.toml:2:8: error: a rule needs a name
    2 | name = ""
      |        ^
      = write name = "grow-reserve"
)");
}

TEST_CASE("keys of a rule with a wrong type") {
    CHECK(said(R"(
[[rule]]
name = 5
when = 5
for = 5
until = true
hold = 1.5
every = 1979-05-27
priority = "high"
enabled = 1
description = []
set = 5
step = []
relax = "x"
trigger = 1
)") == R"(test.toml:2:8: error: `name` is a string, here is an integer
    2 | name = 5
      |        ^
      = write name = "grow-reserve"

test.toml:3:8: error: `when` is a string, here is an integer
    3 | when = 5
      |        ^
      = write when = "psi.memory.full.avg10 > 10%"

test.toml:4:7: error: `for` is a string, here is an integer
    4 | for = 5
      |       ^
      = write for = "500ms"

test.toml:5:9: error: `until` is a string, here is true or false
    5 | until = true
      |         ^
      = write until = "psi.memory.full.avg10 < 5%"

test.toml:6:8: error: `hold` is a string, here is a number with a fraction
    6 | hold = 1.5
      |        ^
      = write hold = "30s" or hold = { from = "4s", to = "2min" }

test.toml:7:9: error: `every` is a string, here is a date or a time
    7 | every = 1979-05-27
      |         ^
      = write every = "5s"

test.toml:8:12: error: `priority` is an integer, here is a string
    8 | priority = "high"
      |            ^
      = write priority = 50

test.toml:9:11: error: `enabled` is true or false, here is an integer
    9 | enabled = 1
      |           ^
      = write enabled = false

test.toml:10:15: error: `description` is a string, here is an array
   10 | description = []
      |               ^
      = write description = "what the rule is for"

test.toml:11:7: error: `set` is a table, here is an integer
   11 | set = 5
      |       ^
      = write set = { vm.swappiness = 10 }

test.toml:12:8: error: `step` is a table, here is an array
   12 | step = []
      |        ^
      = write step = { vm.swappiness = "current + 10" }

test.toml:13:9: error: `relax` is a table, here is a string
   13 | relax = "x"
      |         ^
      = write relax = { vm.swappiness = "current - 10" }

test.toml:14:11: error: `trigger` is a table, here is an integer
   14 | trigger = 1
      |           ^
      = write trigger = { vm.drop_caches = 1 }
)");
}

TEST_CASE("a priority is 0 to 99, and a set claims something") {
    CHECK(said(R"(
[[rule]]
name = "a"
priority = 100
when = "host.cpus > 1"
hold = "1s"
set = {}
)") == R"(test.toml:3:12: error: priority is 0 to 99, here is 100
    3 | priority = 100
      |            ^

test.toml:6:7: error: `set` names no tunable
    6 | set = {}
      |       ^
      = write set = { vm.swappiness = 10 }
)");
}

TEST_CASE("a hold with one end lacks the other, and a table without values claims nothing") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
hold = { from = "10s" }
set = { vm = {}, vm2 = 5 }
)") == R"(test.toml:4:8: error: `hold` lacks `to`
    4 | hold = { from = "10s" }
      |        ^

test.toml:5:9: error: `vm` is given no value
    5 | set = { vm = {}, vm2 = 5 }
      |         ^

test.toml:5:18: error: there is no tunable `vm2`
    5 | set = { vm = {}, vm2 = 5 }
      |                  ^
      = there are: (all tunables)
)");
}

TEST_CASE("a hold that shrinks, and values that are neither integer nor string") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
hold = { from = "10s", to = "5s", for = 4 }
set = { vm.swappiness = true, vm.dirty_ratio = 5.5 }
)") == R"(test.toml:4:30: error: `hold` grows from `from` to `to`, and `to` is the shorter
    4 | hold = { from = "10s", to = "5s", for = 4 }
      |                              ^
      = write hold = { from = "4s", to = "2min" }

test.toml:4:35: error: unknown key `for` in hold
    4 | hold = { from = "10s", to = "5s", for = 4 }
      |                                   ^
      = known here: from, to

test.toml:5:25: error: a value is an integer in the kernel's own unit or an expression in quotes, here is true or false
    5 | set = { vm.swappiness = true, vm.dirty_ratio = 5.5 }
      |                         ^

test.toml:5:48: error: a value is an integer in the kernel's own unit or an expression in quotes, here is a number with a fraction
    5 | set = { vm.swappiness = true, vm.dirty_ratio = 5.5 }
      |                                                ^
      = write it in quotes, with its unit: "64 MiB", "5%"
)");
}

TEST_CASE("times out of range, and bounds that there are not") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
for = "31d"
hold = "5 MiB"
every = "-1s"
set = { vm.swappiness = { at_least = 5, atmost = 10 }, vm.dirty_ratio = { at_leest = 5 } }
)") == R"(test.toml:4:8: error: `for` is between 0s and 30d, here is 31d
    4 | for = "31d"
      |        ^

test.toml:5:9: error: `hold` is a time, but this is bytes
    5 | hold = "5 MiB"
      |         ^
      = write a number such as 5s

test.toml:6:10: error: `every` is between 0s and 30d, here is -1s
    6 | every = "-1s"
      |          ^

test.toml:6:10: warning: `every` has no effect: it paces step, relax and trigger
    6 | every = "-1s"
      |          ^

test.toml:7:41: error: unknown key `atmost` in vm.swappiness
    7 | set = { vm.swappiness = { at_least = 5, atmost = 10 }, vm.dirty_ratio = { at_leest = 5 } }
      |                                         ^
      = did you mean at_most?

test.toml:7:75: error: `at_leest` is no bound of vm.dirty_ratio
    7 | set = { vm.swappiness = { at_least = 5, atmost = 10 }, vm.dirty_ratio = { at_leest = 5 } }
      |                                                                           ^
      = bounds are at_least and at_most
)");
}

TEST_CASE("values out of a tunable's range, and tunables that there are not") {
    CHECK(said(R"(
[baseline]
vm.swappiness = 201
vm.min_free_kbytes = -1
vm.dirty_bytes = "4 KiB"
vm.vfs_cache_pressure = "5 MiB"
vm.page-cluster = "32"
vm.watermark_scale_factor = "5000 + host.cpus"
vm.drop_caches = 1
vm.foo = 5
foo = 5
)") == R"(test.toml:2:17: error: vm.swappiness takes 0 to 200, this is 201
    2 | vm.swappiness = 201
      |                 ^

test.toml:3:22: error: vm.min_free_kbytes takes 0 to 2147483647 kB, this is -1
    3 | vm.min_free_kbytes = -1
      |                      ^
      = an integer is in the kernel's unit; with a unit of your own write "64 MiB"

test.toml:4:19: error: vm.dirty_bytes takes 8192 to 1125899906842624 bytes, this is 4096
    4 | vm.dirty_bytes = "4 KiB"
      |                   ^

test.toml:5:26: error: vm.vfs_cache_pressure is a count, but this is bytes
    5 | vm.vfs_cache_pressure = "5 MiB"
      |                          ^
      = write a number such as 5

test.toml:6:20: error: vm.page-cluster takes 0 to 31, this is 32
    6 | vm.page-cluster = "32"
      |                    ^

test.toml:7:30: error: vm.watermark_scale_factor takes 1 to 3000, this is at least 5000
    7 | vm.watermark_scale_factor = "5000 + host.cpus"
      |                              ^

test.toml:8:4: error: vm.drop_caches acts when written and holds no value
    8 | vm.drop_caches = 1
      |    ^
      = write trigger = { vm.drop_caches = 1 } in a rule

test.toml:9:4: error: there is no tunable `vm.foo`
    9 | vm.foo = 5
      |    ^
      = there are: (all tunables)

test.toml:10:1: error: there is no tunable `foo`
   10 | foo = 5
      | ^
      = there are: (all tunables)
)");
}

TEST_CASE("limits count for shares and bounds too") {
    CHECK(said(R"(
[baseline]
vm.min_free_kbytes = 5000000000
vm.dirty_background_ratio = "150%"
vm.compaction_proactiveness = { at_most = -5, at_least = "101" }
)") == R"(test.toml:2:22: error: vm.min_free_kbytes takes 0 to 2147483647 kB, this is 5000000000
    2 | vm.min_free_kbytes = 5000000000
      |                      ^
      = an integer is in the kernel's unit; with a unit of your own write "64 MiB"

test.toml:3:30: error: vm.dirty_background_ratio takes 0 to 100 %, this is 150
    3 | vm.dirty_background_ratio = "150%"
      |                              ^

test.toml:4:43: error: vm.compaction_proactiveness takes 0 to 100, this is -5
    4 | vm.compaction_proactiveness = { at_most = -5, at_least = "101" }
      |                                           ^

test.toml:4:59: error: vm.compaction_proactiveness takes 0 to 100, this is 101
    4 | vm.compaction_proactiveness = { at_most = -5, at_least = "101" }
      |                                                           ^
)");
}

TEST_CASE("twins cannot both be in a baseline") {
    CHECK(said(R"(
[baseline]
vm.dirty_ratio = 10
vm.dirty_bytes = 10000000
)") == R"(test.toml:3:4: error: vm.dirty_ratio and vm.dirty_bytes cannot both be claimed: the kernel zeroes one when the other is written
    3 | vm.dirty_bytes = 10000000
      |    ^
      = keep one of the two
)");
}

TEST_CASE("twins and repeats in a rule") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
hold = "1s"
every = "5s"
set = { vm.dirty_background_ratio = 5, vm.swappiness = 10, "vm.swappiness" = 20 }
step = { vm.dirty_background_bytes = "current * 2", vm.swappiness = "current + 1" }
)") == R"(test.toml:6:60: error: vm.swappiness is claimed twice
    6 | set = { vm.dirty_background_ratio = 5, vm.swappiness = 10, "vm.swappiness" = 20 }
      |                                                            ^
      = keep one of the two

test.toml:7:13: error: vm.dirty_background_ratio and vm.dirty_background_bytes cannot both be claimed: the kernel zeroes one when the other is written
    7 | step = { vm.dirty_background_bytes = "current * 2", vm.swappiness = "current + 1" }
      |             ^
      = keep one of the two

test.toml:7:56: error: rule `a` both sets and steps vm.swappiness
    7 | step = { vm.dirty_background_bytes = "current * 2", vm.swappiness = "current + 1" }
      |                                                        ^
      = a rule does one of them
)");
}

TEST_CASE("a step or a relax needs its pace") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
hold = "1s"
step = { vm.swappiness = "current + 1" }
[[rule]]
name = "b"
when = "host.cpus > 1"
hold = "1s"
set = { vm.swappiness = 5 }
relax = { vm.swappiness = "current - 1" }
[[rule]]
name = "c"
when = "host.cpus > 1"
hold = "1s"
every = "0s"
step = { vm.swappiness = "current + 1" }
)") == R"(test.toml:1:1: error: rule `a` has a step but no `every`
    1 | [[rule]]
      | ^
      = write every = "5s"

test.toml:6:1: error: rule `b` has a relax but no `every`
    6 | [[rule]]
      | ^
      = write every = "5s"

test.toml:16:10: error: `every` is between 100ms and 30d, here is 0s
   16 | every = "0s"
      |          ^
)");
}

TEST_CASE("relax is for what the rule itself takes") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
hold = "1s"
every = "5s"
set = { vm.swappiness = 5 }
relax = { vm.dirty_ratio = "current - 1%", vm.swappiness = { at_least = 4 }, vm.drop_caches = 1 }
)") == R"(test.toml:7:14: error: nothing to relax: the rule does not claim vm.dirty_ratio
    7 | relax = { vm.dirty_ratio = "current - 1%", vm.swappiness = { at_least = 4 }, vm.drop_caches = 1 }
      |              ^
      = relax gives back what set or step of the same rule took

test.toml:7:73: error: relax gives the next value itself, without at_least and at_most
    7 | relax = { vm.dirty_ratio = "current - 1%", vm.swappiness = { at_least = 4 }, vm.drop_caches = 1 }
      |                                                                         ^

test.toml:7:81: error: vm.drop_caches acts when written and holds no value
    7 | relax = { vm.dirty_ratio = "current - 1%", vm.swappiness = { at_least = 4 }, vm.drop_caches = 1 }
      |                                                                                 ^
      = write trigger = { vm.drop_caches = 1 } in a rule
)");
}

TEST_CASE("relax alone is no claim") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
every = "5s"
relax = { vm.swappiness = 5 }
)") == R"(test.toml:1:1: error: rule `a` claims nothing
    1 | [[rule]]
      | ^
      = write set = { vm.swappiness = 10 }, or a step or a trigger

test.toml:5:14: error: nothing to relax: the rule does not claim vm.swappiness
    5 | relax = { vm.swappiness = 5 }
      |              ^
      = relax gives back what set or step of the same rule took
)");
}

TEST_CASE("triggers and values are told apart") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
trigger = { vm.swappiness = 5, vm.compact_memory = { at_least = 1 }, vm.drop_caches = "boot" }
[[rule]]
name = "b"
when = "host.cpus > 1"
hold = "1s"
trigger = { vm.drop_caches = 8 }
set = { vm.drop_caches = 1, vm.compact_memory = 1 }
step = { vm.compact_memory = 1 }
every = "1s"
)") == R"(test.toml:4:16: error: vm.swappiness holds a value and cannot be triggered
    4 | trigger = { vm.swappiness = 5, vm.compact_memory = { at_least = 1 }, vm.drop_caches = "boot" }
      |                ^
      = write set = { vm.swappiness = … }

test.toml:4:65: error: a trigger has no bounds
    4 | trigger = { vm.swappiness = 5, vm.compact_memory = { at_least = 1 }, vm.drop_caches = "boot" }
      |                                                                 ^
      = write vm.compact_memory = 1

test.toml:4:88: error: `boot` has no meaning here
    4 | trigger = { vm.swappiness = 5, vm.compact_memory = { at_least = 1 }, vm.drop_caches = "boot" }
      |                                                                                        ^
      = `boot` is known in claims: in [baseline], set, step and relax

test.toml:9:30: error: vm.drop_caches takes 1 to 3, this is 8
    9 | trigger = { vm.drop_caches = 8 }
      |                              ^

test.toml:10:12: error: vm.drop_caches acts when written and holds no value
   10 | set = { vm.drop_caches = 1, vm.compact_memory = 1 }
      |            ^
      = write trigger = { vm.drop_caches = 1 } in a rule

test.toml:10:32: error: vm.compact_memory acts when written and holds no value
   10 | set = { vm.drop_caches = 1, vm.compact_memory = 1 }
      |                                ^
      = write trigger = { vm.compact_memory = 1 } in a rule

test.toml:11:13: error: vm.compact_memory acts when written and holds no value
   11 | step = { vm.compact_memory = 1 }
      |             ^
      = write trigger = { vm.compact_memory = 1 } in a rule
)");
}

TEST_CASE("boot, baseline and current have their places") {
    CHECK(said(R"(
[baseline]
vm.swappiness = "baseline"
vm.dirty_ratio = "current"
[[rule]]
name = "a"
when = "boot > 5"
until = "current > 5"
hold = "1s"
every = "5s"
set = { vm.swappiness = "current" }
trigger = { vm.drop_caches = "baseline" }
)") == R"(test.toml:2:18: error: `baseline` has no meaning here
    2 | vm.swappiness = "baseline"
      |                  ^
      = `baseline` is known in a rule's claims

test.toml:3:19: error: `current` has no meaning here
    3 | vm.dirty_ratio = "current"
      |                   ^
      = `current` is known in step and relax; set and [baseline] claim a level

test.toml:6:9: error: `boot` has no meaning here
    6 | when = "boot > 5"
      |         ^
      = `boot` is known in claims: in [baseline], set, step and relax

test.toml:7:10: error: `current` has no meaning here
    7 | until = "current > 5"
      |          ^
      = `current` is known in step and relax; set and [baseline] claim a level

test.toml:10:26: error: `current` has no meaning here
   10 | set = { vm.swappiness = "current" }
      |                          ^
      = `current` is known in step and relax; set and [baseline] claim a level

test.toml:11:31: error: `baseline` has no meaning here
   11 | trigger = { vm.drop_caches = "baseline" }
      |                               ^
      = `baseline` is known in a rule's claims
)");
}

TEST_CASE("warnings of a profile") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "psi.memory.some.avg10 > 5"
set = { vm.swappiness = 150 }
every = "5s"
[[rule]]
name = "b"
when = "psi.memory.some.avg10 > 5%"
until = "psi.memory.some.avg10 < 5%"
set = { vm.swappiness = 10, vm.dirty_ratio = { at_least = 5 } }
[[rule]]
name = "c"
when = "avg_over_time(mem.free, 1s) < 1 MiB"
priority = 60
set = { vm.swappiness = 20, vm.dirty_ratio = { at_least = 5 } }
[[rule]]
name = "d"
when = "psi.memory.some.avg10 > 5%"
enabled = false
set = { vm.swappiness = 20 }
)") == R"(test.toml:3:9: warning: `psi.memory.some.avg10 > 5` can never be true on this machine
    3 | when = "psi.memory.some.avg10 > 5"
      |         ^
      = 5 means 500%; write 5%

test.toml:3:9: warning: rule `a` is released the moment `when` stops holding, and may flap
    3 | when = "psi.memory.some.avg10 > 5"
      |         ^
      = write hold = "10s", or an `until` some way from `when`

test.toml:5:10: warning: `every` has no effect: it paces step, relax and trigger
    5 | every = "5s"
      |          ^

test.toml:9:10: warning: rule `b` is released where it trips, with no gap between, and may flap
    9 | until = "psi.memory.some.avg10 < 5%"
      |          ^
      = release some way from where it trips, or write hold = "10s"

test.toml:10:12: warning: rules `a` and `b` both fix vm.swappiness at priority 50; the later one wins
   10 | set = { vm.swappiness = 10, vm.dirty_ratio = { at_least = 5 } }
      |            ^
      = give one a priority of its own, or bound the value with at_least or at_most

test.toml:13:33: warning: this window is shorter than the sampling interval (2s): while the machine is idle it has no data
   13 | when = "avg_over_time(mem.free, 1s) < 1 MiB"
      |                                 ^
)");
}

TEST_CASE("a header that is not closed") {
    CHECK(said(R"(
[[rule]
name = "a"
)") == R"(test.toml:1:8: error: this is not TOML: Error while parsing table header: expected ']', saw '\n'
    1 | [[rule]
      |        ^
      = what follows was not read; mend this first
)");
}

TEST_CASE("a repeated key") {
    CHECK(said(R"(
x = 1
x = 2
)") == R"(test.toml:2:5: error: this is not TOML: Error while parsing key-value pair: cannot redefine existing integer 'x'
    2 | x = 2
      |     ^
      = what follows was not read; mend this first
)");
}

TEST_CASE("an expression without quotes") {
    CHECK(said(R"(
when = psi > 5
)") == R"(test.toml:1:12: error: this is not TOML: a character that has no meaning outside quotes
    1 | when = psi > 5
      |            ^
      = put text and expressions in quotes
)");
}

TEST_CASE("a letter that needs quotes in a key") {
    CHECK(said(R"(
é = 5
)") == R"(test.toml:1:1: error: this is not TOML: a character that has no meaning outside quotes
    1 | é = 5
      | ^
      = put text and expressions in quotes
)");
}

TEST_CASE("a letter behind a number") {
    CHECK(said(R"(
a = 5é
)") == R"(test.toml:1:6: error: this is not TOML: a character that has no meaning outside quotes
    1 | a = 5é
      |      ^
      = put text and expressions in quotes
)");
}

TEST_CASE("a header that is no name") {
    CHECK(said(R"(
[*]
)") == R"(test.toml:1:2: error: this is not TOML: a character that has no meaning outside quotes
    1 | [*]
      |  ^
      = put text and expressions in quotes
)");
}

TEST_CASE("a key of many parts") {
    CHECK(said(R"(
a.b.c.d.e.f.g.h.i = 5
)") == R"(test.toml:1:16: error: this is not TOML: a key of so many parts
    1 | a.b.c.d.e.f.g.h.i = 5
      |                ^
      = no key has so many; did a quote get lost?
)");
}

TEST_CASE("arrays nested too deep") {
    CHECK(said(R"(
x = [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]
)") == R"(test.toml:1:21: error: this is not TOML: Error while parsing value: exceeded maximum nested value depth of 16 (TOML_MAX_NESTED_VALUES)
    1 | x = [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]
      |                     ^
      = what follows was not read; mend this first
)");
}

TEST_CASE("a quote that is never closed") {
    CHECK(said(R"(
name = "a
)") == R"(test.toml:1:8: error: this is not TOML: this quote is never closed
    1 | name = "a
      |        ^
      = a string ends with the quotes it began with
)");
}

TEST_CASE("what is no TOML is told with the place where it ceases to be") {
    CHECK(said(R"(
[[rule]]
name = "a"
when = "host.cpus > 1"
set = { vm.swappiness = 5 }
[[rule]]
name = "a"
when = 
)") == R"(test.toml:7:8: error: this is not TOML: Error while parsing key-value pair: expected value, saw '\n'
    7 | when = 
      |        ^
      = what follows was not read; mend this first
)");
}

TEST_CASE("conditions with a name that cannot be one") {
    CHECK(said(R"(
[condition]
Missed = "swap.in > 1 MiB/s"
avg_over_time = "swap.in > 1 MiB/s"
boot = "swap.in > 1 MiB/s"
missed.much = "swap.in > 1 MiB/s"
)") == R"(test.toml:2:1: error: `Missed` cannot name a condition
    2 | Missed = "swap.in > 1 MiB/s"
      | ^
      = a name begins with a small letter, then small letters, digits and _

test.toml:3:1: error: `avg_over_time` has a meaning already
    3 | avg_over_time = "swap.in > 1 MiB/s"
      | ^
      = give the condition another name

test.toml:4:1: error: `boot` has a meaning already
    4 | boot = "swap.in > 1 MiB/s"
      | ^
      = give the condition another name

test.toml:5:1: error: `missed` is a string, here is a table
    5 | missed.much = "swap.in > 1 MiB/s"
      | ^
      = write missed = "psi.memory.full.avg10 > 10%"
)");
}

TEST_CASE("a condition with a mistake in it is told of once, where it stands, however often it is used") {
    CHECK(said(R"(
[condition]
missed = "swap.inn > 1 MiB/s"
share = "5% * mem.total"
[[rule]]
name = "a"
when = "missed or not missed"
hold = "1s"
set = { vm.swappiness = "missed ? 10 : 20" }
)") == R"(test.toml:2:11: error: there is no indicator, condition or function `swap.inn`
    2 | missed = "swap.inn > 1 MiB/s"
      |           ^
      = did you mean swap.in?

test.toml:3:10: error: a condition wants a condition, `5% * mem.total` is bytes
    3 | share = "5% * mem.total"
      |          ^
      = compare it: (5% * mem.total) > 64 MiB, or a share of memory: 5% * mem.total
)");
}

TEST_CASE("conditions that use each other are told with the way around") {
    CHECK(said(R"(
[condition]
a = "b and swap.in > 1 MiB/s"
b = "not a"
)") == R"(test.toml:2:6: error: a condition cannot use itself: b -> a -> b
    2 | a = "b and swap.in > 1 MiB/s"
      |      ^
      = take one of these uses out

test.toml:3:10: error: a condition cannot use itself: a -> b -> a
    3 | b = "not a"
      |          ^
      = take one of these uses out
)");
}

TEST_CASE("a name that no condition has, with the nearest that there is") {
    CHECK(said(R"(
[condition]
missed = "swap.in > 1 MiB/s"
[[rule]]
name = "a"
when = "mised"
hold = "1s"
set = { vm.swappiness = 10 }
)") == R"(test.toml:5:9: error: there is no indicator, condition or function `mised`
    5 | when = "mised"
      |         ^
      = did you mean missed?
)");
}
