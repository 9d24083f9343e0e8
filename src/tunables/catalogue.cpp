// SPDX-License-Identifier: GPL-2.0-or-later
//
// Ranges are the kernel's own, read in mm/ and kernel/sysctl.c of 5.10 to 7.2. Safe ranges come from the kernel's
// vm.rst and from what distributions set; paces from how fast the kernel answers a write and what a wrong one costs:
// a second where the effect shows within a second (watermarks, dirty limits), a minute where a write itself starts
// work in the kernel.
#include "memtuned/tunables/catalogue.hpp"

#include <algorithm>
#include <array>
#include <chrono>

namespace memtuned::tunables {
namespace {

using std::chrono::seconds;

constexpr std::int64_t any_int = std::numeric_limits<int>::max();

// dirty_bytes is an unsigned long without an upper check. A pebibyte is more than any machine has, and every integer
// up to it is exact as a double, which is what expressions compute with.
constexpr std::int64_t any_bytes = std::int64_t{1} << 50;

constexpr std::int64_t mebibyte = std::int64_t{1} << 20;

enum Index : std::size_t { dirty_ratio = 10, dirty_background_ratio, dirty_bytes, dirty_background_bytes };

constexpr auto table = std::to_array<Tunable>({
    // 0..100 before 5.8. A change shifts the balance of the next scans only, so a step of 40 reaches from 60 to
    // either end of the older range within two writes; less than 5 is not worth one.
    {.name = "vm.swappiness",
     .path = "proc/sys/vm/swappiness",
     .dimension = dimension::count,
     .minimum = 0,
     .maximum = 200,
     .older_maximum = 100,
     .dead_band = 5,
     .least_interval = seconds(1),
     .greatest_step = 40,
     .help = "cost of swapping against that of dropping file cache: 100 equal, more favours swap"},
    // Any int is accepted; below 1024 kB the kernel may deadlock (vm.rst), and limits.hpp bounds it from above.
    // A raise takes memory from the page cache at once, hence a quarter at a time; a step of 1024 kB leads out of 0.
    {.name = "vm.min_free_kbytes",
     .path = "proc/sys/vm/min_free_kbytes",
     .dimension = dimension::bytes,
     .unit = 1024,
     .unit_name = "kB",
     .minimum = 0,
     .maximum = any_int,
     .safe_minimum = 1024,
     .dead_band_share = 0.05,
     .least_interval = seconds(1),
     .greatest_step = 1024,
     .greatest_factor = 1.25,
     .help = "free memory kept for the kernel itself: the min watermark of all zones together"},
    // Bits: 1 on, 2 writes dirty pages, 4 unmaps and swaps. 8 and more are accepted and mean nothing. Not a quantity,
    // so no step: a profile sets it once, and the minute is for rules that should not be there.
    {.name = "vm.zone_reclaim_mode",
     .path = "proc/sys/vm/zone_reclaim_mode",
     .dimension = dimension::count,
     .minimum = 0,
     .maximum = 7,
     .least_interval = seconds(60),
     .greatest_step = 7,
     .help = "reclaim on the local NUMA node before using another: 1 on, +2 write dirty pages, +4 swap"},
    // 4 silences the kernel's log of it for good and is no use to a daemon that wants its acts known. 2.2 GB of cache
    // take 0.13 s, 128 MB of slab 0.47 s, and the refaults come after: once a minute at most.
    {.name = "vm.drop_caches",
     .path = "proc/sys/vm/drop_caches",
     .dimension = dimension::count,
     .minimum = 1,
     .maximum = 3,
     .least_interval = seconds(60),
     .greatest_step = 3,
     .trigger = true,
     .help = "drop clean caches now: 1 file cache, 2 dentries and inodes, 3 both"},
    // At most 1000 before 5.18, but for later stable kernels. Doubling once a second with a first step to 80 took
    // direct-reclaim stalls from 562 to 12 in bursts over a full cache. 1000 is a gap of 10 % of memory: more is a
    // second reserve, not an earlier wake-up of kswapd.
    {.name = "vm.watermark_scale_factor",
     .path = "proc/sys/vm/watermark_scale_factor",
     .dimension = dimension::count,
     .unit_name = "/10000",
     .minimum = 1,
     .maximum = 3000,
     .older_maximum = 1000,
     .safe_maximum = 1000,
     .dead_band_share = 0.1,
     .least_interval = seconds(1),
     .greatest_step = 80,
     .greatest_factor = 2,
     .help = "distance between the watermarks, in 1/10000 of a zone: how early kswapd starts and how far it goes"},
    // Only 0 (off) and the default 15000 are in use anywhere, so one step spans both.
    {.name = "vm.watermark_boost_factor",
     .path = "proc/sys/vm/watermark_boost_factor",
     .dimension = dimension::count,
     .unit_name = "/10000",
     .minimum = 0,
     .maximum = any_int,
     .safe_maximum = 15000,
     .dead_band = 1000,
     .least_interval = seconds(60),
     .greatest_step = 15000,
     .help = "how far the high watermark rises for a while when memory fragments: 0 off, 15000 to 150 %"},
    // 0 never gives dentries and inodes back and ends in the OOM killer; far above 100 the search for freeable ones
    // costs more than they hold (vm.rst). Slab follows over tens of seconds: 50 each 10 s.
    {.name = "vm.vfs_cache_pressure",
     .path = "proc/sys/vm/vfs_cache_pressure",
     .dimension = dimension::count,
     .minimum = 0,
     .maximum = any_int,
     .safe_minimum = 1,
     .safe_maximum = 1000,
     .dead_band = 10,
     .least_interval = seconds(10),
     .greatest_step = 50,
     .help = "how readily dentries and inodes are reclaimed beside file cache: 100 alike, less keeps them"},
    // 2^n pages are read at each swap-in: 3 is the default, 0 right for zram, and one step spans that. Above 6 a
    // single fault would read more than 256 KiB.
    {.name = "vm.page-cluster",
     .path = "proc/sys/vm/page-cluster",
     .dimension = dimension::count,
     .minimum = 0,
     .maximum = 31,
     .safe_maximum = 6,
     .least_interval = seconds(10),
     .greatest_step = 3,
     .help = "swap readahead: 2 to this power pages are read together; 0 for zram"},
    // By 6.1 each write that is not 0 starts a compaction run, so seldom and in steps worth one. vm.rst warns of
    // values near 100.
    {.name = "vm.compaction_proactiveness",
     .path = "proc/sys/vm/compaction_proactiveness",
     .dimension = dimension::count,
     .minimum = 0,
     .maximum = 100,
     .safe_maximum = 80,
     .dead_band = 5,
     .least_interval = seconds(60),
     .greatest_step = 20,
     .help = "how eagerly memory is compacted in the background: 0 off"},
    // Median 3 ms, at most 90 ms on an idle machine of 24 GB, and longer with more memory, all in the writer.
    {.name = "vm.compact_memory",
     .path = "proc/sys/vm/compact_memory",
     .dimension = dimension::count,
     .minimum = 1,
     .maximum = 1,
     .least_interval = seconds(60),
     .greatest_step = 1,
     .trigger = true,
     .help = "compact all zones now"},
    // Shares of free memory plus file cache. 0 makes every writer wait for the disk; above 80 % writers stop for as
    // long as the disk takes for most of memory.
    {.name = "vm.dirty_ratio",
     .path = "proc/sys/vm/dirty_ratio",
     .dimension = dimension::ratio,
     .unit = 0.01,
     .unit_name = "%",
     .minimum = 0,
     .maximum = 100,
     .safe_minimum = 1,
     .safe_maximum = 80,
     .dead_band = 1,
     .least_interval = seconds(1),
     .greatest_step = 10,
     .greatest_factor = 2,
     .twin = dirty_bytes,
     .help = "share of free and cached memory that may be dirty before writers have to write out themselves"},
    {.name = "vm.dirty_background_ratio",
     .path = "proc/sys/vm/dirty_background_ratio",
     .dimension = dimension::ratio,
     .unit = 0.01,
     .unit_name = "%",
     .minimum = 0,
     .maximum = 100,
     .safe_minimum = 1,
     .safe_maximum = 80,
     .dead_band = 1,
     .least_interval = seconds(1),
     .greatest_step = 10,
     .greatest_factor = 2,
     .twin = dirty_background_bytes,
     .help = "share of free and cached memory that may be dirty before the kernel starts writing out"},
    // The kernel refuses less than two pages (8192 where a page has 4 KiB). Half a second to a second of the
    // disk's write rate is the aim, rewritten when that moved by a third, doubled or halved once a second: the rate
    // is measured no better. 4 MiB is 0.6 s of a memory card that writes 7 MB/s.
    {.name = "vm.dirty_bytes",
     .path = "proc/sys/vm/dirty_bytes",
     .dimension = dimension::bytes,
     .unit_name = "bytes",
     .minimum = 8192,
     .maximum = any_bytes,
     .safe_minimum = 4 * mebibyte,
     .dead_band_share = 1.0 / 3,
     .least_interval = seconds(1),
     .greatest_factor = 2,
     .twin = dirty_ratio,
     .help = "memory that may be dirty before writers have to write out themselves; 0 while vm.dirty_ratio counts"},
    {.name = "vm.dirty_background_bytes",
     .path = "proc/sys/vm/dirty_background_bytes",
     .dimension = dimension::bytes,
     .unit_name = "bytes",
     .minimum = 1,
     .maximum = any_bytes,
     .safe_minimum = mebibyte,
     .dead_band_share = 1.0 / 3,
     .least_interval = seconds(1),
     .greatest_factor = 2,
     .twin = dirty_background_ratio,
     .help =
         "memory that may be dirty before the kernel starts writing out; 0 while vm.dirty_background_ratio counts"},
});

// A thousandth of memory for each point (mm/oom_kill.c, oom_badness): less than 10, a hundredth, is not worth a write
// to every process. -1000 is allowed only by the administrator, see Controller::allow_unkillable().
constexpr Tunable score{
    .name = "oom_score_adj",
    .path = "",
    .dimension = dimension::count,
    .minimum = unkillable,
    .maximum = 1000,
    .safe_minimum = unkillable + 1,
    .dead_band = 10,
    .least_interval = seconds(1),
    .greatest_step = 2000,
    .help = "how soon the OOM killer takes a unit's processes: 1000 first, -999 last",
};

static_assert(table.size() == catalogue_size);

// Twins are named by index above; an entry moved without them must not compile.
static_assert(table[dirty_ratio].name == "vm.dirty_ratio" && table[dirty_bytes].name == "vm.dirty_bytes");
static_assert(table[dirty_background_ratio].name == "vm.dirty_background_ratio" &&
              table[dirty_background_bytes].name == "vm.dirty_background_bytes");

}  // namespace

std::span<const Tunable> catalogue() {
    return table;
}

std::optional<std::size_t> find(std::string_view name) {
    const auto at = std::ranges::find(table, name, &Tunable::name);
    if (at == table.end()) return std::nullopt;
    return static_cast<std::size_t>(at - table.begin());
}

const Tunable& oom_score_adj() {
    return score;
}

std::string score_name(std::string_view unit) {
    return std::string(score.name).append(".").append(unit);
}

const Tunable& about(std::size_t tunable) {
    return is_of_unit(tunable) ? score : table[tunable];
}

std::string_view huge_page_size_path() {
    return "sys/kernel/mm/transparent_hugepage/hpage_pmd_size";
}

}  // namespace memtuned::tunables
