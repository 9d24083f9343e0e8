// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table of indicators. For vmstat, meminfo and pressure files the source that a person reads is also what the
// sampler computes: "/proc/meminfo MemTotal - MemAvailable" is taken apart at compile time.
//
// Watermarks are compared as printed, and without the lowmem reserve, for a zone wakes kswapd by them. A small zone
// that the reserve keeps from ordinary work (DMA below Normal) counts like any other: it stands nearly all free, far
// above its marks, so it is the worst zone only when something is wrong with it.
#include <algorithm>

#include "indicators/formula.hpp"

namespace memtuned::indicators {

namespace {

using kernel::Resource;
using kernel::Stalled;
using kernel::Zone;
using Figure = PressureFormula::Figure;
using File = KeyedFormula::File;
using Kind = KeyedFormula::Kind;
using Unit = KeyedFormula::Unit;
using Measure = ZoneFormula::Measure;

struct Row {
    Indicator about;
    Formula formula;
};

constexpr std::string_view take_word(std::string_view& rest) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view word = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return word;
}

/// "/proc/pressure/io some avg10". A word that is none of ours does not compile.
constexpr PressureFormula pressure_formula(std::string_view source) {
    constexpr std::string_view resources[] = {"/proc/pressure/memory", "/proc/pressure/io", "/proc/pressure/cpu"};
    constexpr std::string_view figures[] = {"avg10", "avg60", "avg300", "total"};
    const std::string_view file = take_word(source);
    const std::string_view who = take_word(source);
    std::size_t resource = 0;
    while (resources[resource] != file) ++resource;
    std::size_t figure = 0;
    while (figures[figure] != source) ++figure;
    return {static_cast<Resource>(resource), who == "some" ? Stalled::some : Stalled::full,
            static_cast<Figure>(figure)};
}

/// "/proc/vmstat a + b - c", or "/ c" for a quotient.
constexpr KeyedFormula keyed_formula(Kind kind, Unit unit, std::string_view source) {
    KeyedFormula formula{take_word(source) == "/proc/vmstat" ? File::vmstat : File::meminfo, kind, unit};
    std::size_t keys = 0;
    std::size_t against = 0;
    bool other_side = false;
    while (!source.empty()) {
        const std::string_view word = take_word(source);
        if (word == "-" || word == "/")
            other_side = true;
        else if (word == "+")
            continue;
        else if (other_side)
            formula.against[against++] = word;
        else
            formula.keys[keys++] = word;
    }
    return formula;
}

constexpr Row psi(std::string_view name, std::string_view source, std::string_view help) {
    return {{name, dimension::ratio, Range::share, Argument::none, source, help}, pressure_formula(source)};
}

constexpr Row bytes(std::string_view name, Range range, std::string_view source, std::string_view help) {
    return {{name, dimension::bytes, range, Argument::none, source, help},
            keyed_formula(Kind::level, Unit::one, source)};
}

/// Bytes where the file, vmstat, counts pages.
constexpr Row pages(std::string_view name, Range range, std::string_view source, std::string_view help) {
    return {{name, dimension::bytes, range, Argument::none, source, help},
            keyed_formula(Kind::level, Unit::page, source)};
}

constexpr Row count(std::string_view name, std::string_view source, std::string_view help) {
    return {{name, dimension::count, Range::not_negative, Argument::none, source, help},
            keyed_formula(Kind::level, Unit::one, source)};
}

constexpr Row bytes_per_second(std::string_view name, Unit unit, std::string_view source, std::string_view help) {
    return {{name, dimension::bytes_per_second, Range::not_negative, Argument::none, source, help},
            keyed_formula(Kind::rate, unit, source)};
}

/// What is read in again, or not, after somebody dropped the caches says nothing about a want of memory.
constexpr Row refaults(std::string_view name, std::string_view source, std::string_view help) {
    KeyedFormula formula = keyed_formula(Kind::rate, Unit::page, source);
    formula.spoilt_by_drop_caches = true;
    return {{name, dimension::bytes_per_second, Range::not_negative, Argument::none, source, help}, formula};
}

constexpr Row per_second(std::string_view name, std::string_view source, std::string_view help) {
    return {{name, dimension::per_second, Range::not_negative, Argument::none, source, help},
            keyed_formula(Kind::rate, Unit::one, source)};
}

/// One counter for each kind of zone that the kernel was built with; a bare one before 4.8.
constexpr Row direct_stalls(std::string_view name, std::string_view source, std::string_view help) {
    Row row = per_second(name, source, help);
    KeyedFormula formula{File::vmstat, Kind::rate};
    formula.keys = {"allocstall_dma",     "allocstall_dma32",  "allocstall_normal", "allocstall_high",
                    "allocstall_movable", "allocstall_device", "allocstall"};
    formula.any = true;
    row.formula = formula;
    return row;
}

constexpr Row quotient(std::string_view name, std::string_view source, std::string_view help) {
    return {{name, dimension::ratio, Range::not_negative, Argument::none, source, help},
            keyed_formula(Kind::quotient, Unit::one, source)};
}

constexpr Row zones_below(std::string_view name, Argument of, std::uint64_t Zone::*mark, std::string_view source,
                          std::string_view help) {
    return {{name, dimension::count, Range::of_zones, of, source, help}, ZoneFormula{Measure::below, mark}};
}

constexpr Row zone_bytes(std::string_view name, Argument of, Range range, std::uint64_t Zone::*field,
                         std::string_view source, std::string_view help) {
    return {{name, dimension::bytes, range, of, source, help}, ZoneFormula{Measure::bytes, field}};
}

constexpr Row zone_headroom(std::string_view name, Argument of, std::string_view help) {
    return {{name, dimension::ratio, Range::any, of, "/proc/zoneinfo free, low", help},
            ZoneFormula{Measure::headroom}};
}

constexpr Row service(std::string_view name, Dimension dimension, Range range, ServiceFormula::Figure figure,
                      std::string_view source, std::string_view help) {
    return {{name, dimension, range, Argument::unit, source, help}, ServiceFormula{figure}};
}

/// "service.psi.io.some.avg10" out of "io.pressure some avg10".
constexpr Row service_psi(std::string_view name, Resource resource, Stalled who, std::string_view source,
                          std::string_view help) {
    return {{name, dimension::ratio, Range::share, Argument::unit, source, help},
            ServiceFormula{ServiceFormula::Figure::stalled, resource, who}};
}

constexpr Row table[] = {
    // Pressure
    psi("psi.memory.some.avg10", "/proc/pressure/memory some avg10",
        "Share of the last 10 s in which at least one task waited for memory"),
    psi("psi.memory.some.avg60", "/proc/pressure/memory some avg60",
        "Share of the last minute in which at least one task waited for memory"),
    psi("psi.memory.some.avg300", "/proc/pressure/memory some avg300",
        "Share of the last 5 minutes in which at least one task waited for memory"),
    psi("psi.memory.some.now", "/proc/pressure/memory some total",
        "Share of the time since the last sample in which at least one task waited for memory"),
    psi("psi.memory.full.avg10", "/proc/pressure/memory full avg10",
        "Share of the last 10 s in which every task that could have run waited for memory"),
    psi("psi.memory.full.avg60", "/proc/pressure/memory full avg60",
        "Share of the last minute in which every task that could have run waited for memory"),
    psi("psi.memory.full.avg300", "/proc/pressure/memory full avg300",
        "Share of the last 5 minutes in which every task that could have run waited for memory"),
    psi("psi.memory.full.now", "/proc/pressure/memory full total",
        "Share of the time since the last sample in which every task that could have run waited for memory"),
    psi("psi.io.some.avg10", "/proc/pressure/io some avg10",
        "Share of the last 10 s in which at least one task waited for block I/O"),
    psi("psi.io.some.avg60", "/proc/pressure/io some avg60",
        "Share of the last minute in which at least one task waited for block I/O"),
    psi("psi.io.some.avg300", "/proc/pressure/io some avg300",
        "Share of the last 5 minutes in which at least one task waited for block I/O"),
    psi("psi.io.some.now", "/proc/pressure/io some total",
        "Share of the time since the last sample in which at least one task waited for block I/O"),
    psi("psi.io.full.avg10", "/proc/pressure/io full avg10",
        "Share of the last 10 s in which every task that could have run waited for block I/O"),
    psi("psi.io.full.avg60", "/proc/pressure/io full avg60",
        "Share of the last minute in which every task that could have run waited for block I/O"),
    psi("psi.io.full.avg300", "/proc/pressure/io full avg300",
        "Share of the last 5 minutes in which every task that could have run waited for block I/O"),
    psi("psi.io.full.now", "/proc/pressure/io full total",
        "Share of the time since the last sample in which every task that could have run waited for block I/O"),
    psi("psi.cpu.some.avg10", "/proc/pressure/cpu some avg10",
        "Share of the last 10 s in which at least one task waited for a cpu"),
    psi("psi.cpu.some.avg60", "/proc/pressure/cpu some avg60",
        "Share of the last minute in which at least one task waited for a cpu"),
    psi("psi.cpu.some.avg300", "/proc/pressure/cpu some avg300",
        "Share of the last 5 minutes in which at least one task waited for a cpu"),
    psi("psi.cpu.some.now", "/proc/pressure/cpu some total",
        "Share of the time since the last sample in which at least one task waited for a cpu"),
    psi("psi.cpu.full.avg10", "/proc/pressure/cpu full avg10",
        "Share of the last 10 s in which no task ran for want of a cpu; the kernel says 0 for a whole system"),
    psi("psi.cpu.full.avg60", "/proc/pressure/cpu full avg60",
        "Share of the last minute in which no task ran for want of a cpu; the kernel says 0 for a whole system"),
    psi("psi.cpu.full.avg300", "/proc/pressure/cpu full avg300",
        "Share of the last 5 minutes in which no task ran for want of a cpu; the kernel says 0 for a whole system"),
    psi("psi.cpu.full.now", "/proc/pressure/cpu full total",
        "Share of the time since the last sample in which no task ran for want of a cpu; the kernel says 0 for a "
        "whole system"),

    // Memory
    bytes("mem.total", Range::of_memory, "/proc/meminfo MemTotal", "Memory the kernel can use"),
    bytes("mem.free", Range::of_memory, "/proc/meminfo MemFree", "Memory that nobody uses, not even as cache"),
    bytes("mem.available", Range::of_memory, "/proc/meminfo MemAvailable",
          "What programs could get without swapping; falls when watermarks rise, so don't steer those by it"),
    bytes("mem.used", Range::of_memory, "/proc/meminfo MemTotal - MemAvailable",
          "Memory that cannot be had without swapping or killing, as free shows it"),
    bytes("mem.buffers", Range::of_memory, "/proc/meminfo Buffers",
          "Page cache of block devices read as such, file system metadata among it"),
    bytes("mem.cached", Range::of_memory, "/proc/meminfo Cached",
          "Page cache of files, shared memory and tmpfs included"),
    bytes("mem.buff_cache", Range::of_memory, "/proc/meminfo Buffers + Cached + SReclaimable",
          "Buffers, cache and reclaimable slab together, as free shows it"),
    bytes("mem.shared", Range::of_memory, "/proc/meminfo Shmem", "Shared memory and tmpfs"),
    bytes("mem.slab_reclaimable", Range::of_memory, "/proc/meminfo SReclaimable",
          "Kernel caches that can be given back: directory entries, inodes"),
    bytes("mem.slab_unreclaimable", Range::of_memory, "/proc/meminfo SUnreclaim",
          "Kernel objects that cannot be given back"),
    bytes("mem.anon", Range::of_memory, "/proc/meminfo AnonPages", "Memory of programs that no file backs"),
    bytes("mem.anon_huge", Range::of_memory, "/proc/meminfo AnonHugePages",
          "The part of mem.anon in transparent huge pages"),
    bytes("mem.mapped", Range::of_memory, "/proc/meminfo Mapped",
          "Page cache that programs have mapped: libraries, data files"),
    bytes("mem.active_anon", Range::of_memory, "/proc/meminfo Active(anon)", "Anonymous memory used of late"),
    bytes("mem.inactive_anon", Range::of_memory, "/proc/meminfo Inactive(anon)",
          "Anonymous memory that would be swapped first"),
    bytes("mem.active_file", Range::of_memory, "/proc/meminfo Active(file)",
          "File cache used of late or more than once"),
    bytes("mem.inactive_file", Range::of_memory, "/proc/meminfo Inactive(file)",
          "File cache that would be dropped first"),
    bytes("mem.unevictable", Range::of_memory, "/proc/meminfo Unevictable", "Memory that reclaim must leave alone"),
    bytes("mem.mlocked", Range::of_memory, "/proc/meminfo Mlocked", "Memory locked by mlock"),
    bytes("mem.dirty", Range::of_memory, "/proc/meminfo Dirty",
          "File data changed in memory and not yet on its way to the disk"),
    bytes("mem.writeback", Range::of_memory, "/proc/meminfo Writeback", "File data being written to the disk"),
    pages("mem.dirty_limit", Range::of_memory, "/proc/vmstat nr_dirty_threshold",
          "Dirty memory at which writers are made to wait"),
    pages("mem.dirty_background_limit", Range::of_memory, "/proc/vmstat nr_dirty_background_threshold",
          "Dirty memory at which writing back begins"),
    bytes("mem.page_tables", Range::of_memory, "/proc/meminfo PageTables", "Page tables of programs"),
    bytes("mem.kernel_stack", Range::of_memory, "/proc/meminfo KernelStack", "Stacks of tasks inside the kernel"),
    bytes("mem.percpu", Range::of_memory, "/proc/meminfo Percpu", "Per-cpu data of the kernel"),
    bytes("mem.committed", Range::not_negative, "/proc/meminfo Committed_AS", "Memory that programs were promised"),
    bytes("mem.commit_limit", Range::not_negative, "/proc/meminfo CommitLimit",
          "How much may be promised while vm.overcommit_memory is 2"),

    // Huge pages
    count("hugepages.total", "/proc/meminfo HugePages_Total", "Huge pages of the default size in the pool"),
    count("hugepages.free", "/proc/meminfo HugePages_Free", "Huge pages in the pool that nobody uses"),
    count("hugepages.reserved", "/proc/meminfo HugePages_Rsvd", "Free huge pages already promised"),
    count("hugepages.surplus", "/proc/meminfo HugePages_Surp", "Huge pages beyond the size set for the pool"),
    bytes("hugepages.size", Range::not_negative, "/proc/meminfo Hugepagesize",
          "Size of a huge page of the default size"),
    bytes("hugepages.bytes", Range::of_memory, "/proc/meminfo Hugetlb",
          "Memory in the pools of huge pages of all sizes"),

    // Swap
    bytes("swap.total", Range::of_swap, "/proc/meminfo SwapTotal", "Swap space"),
    bytes("swap.free", Range::of_swap, "/proc/meminfo SwapFree", "Swap space not in use"),
    bytes("swap.used", Range::of_swap, "/proc/meminfo SwapTotal - SwapFree", "Swap space in use"),
    bytes("swap.cached", Range::of_memory, "/proc/meminfo SwapCached",
          "Memory read back from swap whose place there is still kept"),
    bytes("swap.zswap_pool", Range::of_memory, "/proc/meminfo Zswap",
          "Memory that zswap takes for its compressed pages"),
    bytes("swap.zswapped", Range::not_negative, "/proc/meminfo Zswapped",
          "Memory that zswap holds compressed, before compression"),
    bytes_per_second("swap.in", Unit::page, "/proc/vmstat pswpin", "Read from swap devices, zram included"),
    bytes_per_second("swap.out", Unit::page, "/proc/vmstat pswpout", "Written to swap devices, zram included"),
    {{"swap.on_zram", dimension::ratio, Range::share, Argument::none, "/proc/swaps",
      "Share of the swap space that is compressed memory and no disk; 0 without swap"},
     SwapOnZramFormula{}},

    // Zones: all populated ones together, those of a node, or one
    zones_below("zones.below_min", Argument::none, &Zone::min, "/proc/zoneinfo free, min",
                "Populated zones with less free than their min mark"),
    zones_below("zones.below_low", Argument::none, &Zone::low, "/proc/zoneinfo free, low",
                "Populated zones with less free than their low mark"),
    zones_below("zones.below_high", Argument::none, &Zone::high, "/proc/zoneinfo free, high",
                "Populated zones with less free than their high mark"),
    zone_bytes("zones.free", Argument::none, Range::of_memory, &Zone::free, "/proc/zoneinfo free",
               "Free memory of all zones, as the watermarks count it"),
    zone_bytes("zones.min", Argument::none, Range::not_negative, &Zone::min, "/proc/zoneinfo min",
               "Sum of the min marks of all zones: ordinary allocations must reclaim themselves below it"),
    zone_bytes("zones.low", Argument::none, Range::not_negative, &Zone::low, "/proc/zoneinfo low",
               "Sum of the low marks of all zones: kswapd wakes below it"),
    zone_bytes("zones.high", Argument::none, Range::not_negative, &Zone::high, "/proc/zoneinfo high",
               "Sum of the high marks of all zones: kswapd sleeps above it"),
    zone_bytes("zones.boost", Argument::none, Range::not_negative, &Zone::boost, "/proc/zoneinfo boost",
               "What the kernel has added to the marks of all zones for a while against fragmentation"),
    zone_bytes("zones.managed", Argument::none, Range::of_memory, &Zone::managed, "/proc/zoneinfo managed",
               "Memory that the allocator manages in all zones"),
    zone_headroom("zones.headroom", Argument::none,
                  "(free - low) / low of the worst zone; negative once it is below its low mark"),
    zones_below("node.below_min", Argument::node, &Zone::min, "/proc/zoneinfo free, min",
                "Populated zones of a node with less free than their min mark"),
    zones_below("node.below_low", Argument::node, &Zone::low, "/proc/zoneinfo free, low",
                "Populated zones of a node with less free than their low mark"),
    zones_below("node.below_high", Argument::node, &Zone::high, "/proc/zoneinfo free, high",
                "Populated zones of a node with less free than their high mark"),
    zone_bytes("node.free", Argument::node, Range::of_memory, &Zone::free, "/proc/zoneinfo free",
               "Free memory of the zones of a node, as the watermarks count it"),
    zone_bytes("node.min", Argument::node, Range::not_negative, &Zone::min, "/proc/zoneinfo min",
               "Sum of the min marks of the zones of a node: ordinary allocations must reclaim themselves below it"),
    zone_bytes("node.low", Argument::node, Range::not_negative, &Zone::low, "/proc/zoneinfo low",
               "Sum of the low marks of the zones of a node: kswapd wakes below it"),
    zone_bytes("node.high", Argument::node, Range::not_negative, &Zone::high, "/proc/zoneinfo high",
               "Sum of the high marks of the zones of a node: kswapd sleeps above it"),
    zone_bytes("node.boost", Argument::node, Range::not_negative, &Zone::boost, "/proc/zoneinfo boost",
               "What the kernel has added to the marks of the zones of a node for a while against fragmentation"),
    zone_bytes("node.managed", Argument::node, Range::of_memory, &Zone::managed, "/proc/zoneinfo managed",
               "Memory that the allocator manages in the zones of a node"),
    zone_headroom("node.headroom", Argument::node,
                  "(free - low) / low of the worst zone of a node; negative once it is below its low mark"),
    zone_bytes("zone.free", Argument::zone, Range::of_memory, &Zone::free, "/proc/zoneinfo free",
               "Free memory of the zone, as the watermarks count it"),
    zone_bytes("zone.min", Argument::zone, Range::not_negative, &Zone::min, "/proc/zoneinfo min",
               "The min mark of the zone: ordinary allocations must reclaim themselves below it"),
    zone_bytes("zone.low", Argument::zone, Range::not_negative, &Zone::low, "/proc/zoneinfo low",
               "The low mark of the zone: kswapd wakes below it"),
    zone_bytes("zone.high", Argument::zone, Range::not_negative, &Zone::high, "/proc/zoneinfo high",
               "The high mark of the zone: kswapd sleeps above it"),
    zone_bytes("zone.boost", Argument::zone, Range::not_negative, &Zone::boost, "/proc/zoneinfo boost",
               "What the kernel has added to the marks of the zone for a while against fragmentation"),
    zone_bytes("zone.managed", Argument::zone, Range::of_memory, &Zone::managed, "/proc/zoneinfo managed",
               "Memory that the allocator manages in the zone"),
    zone_headroom("zone.headroom", Argument::zone,
                  "(free - low) / low of the zone; negative once it is below its low mark"),

    // Reclaim
    bytes_per_second("reclaim.kswapd_scan", Unit::page, "/proc/vmstat pgscan_kswapd",
                     "Memory that kswapd looked at in order to free it"),
    bytes_per_second("reclaim.direct_scan", Unit::page, "/proc/vmstat pgscan_direct",
                     "Memory that allocating tasks looked at themselves in order to free it"),
    bytes_per_second("reclaim.kswapd_steal", Unit::page, "/proc/vmstat pgsteal_kswapd", "Memory that kswapd freed"),
    bytes_per_second("reclaim.direct_steal", Unit::page, "/proc/vmstat pgsteal_direct",
                     "Memory that allocating tasks freed themselves"),
    direct_stalls("reclaim.direct_stalls", "/proc/vmstat allocstall_*",
                  "Times a task had to reclaim memory before it got any; limits of cgroups do not count"),
    quotient("reclaim.efficiency", "/proc/vmstat pgsteal_kswapd + pgsteal_direct / pgscan_kswapd + pgscan_direct",
             "What was freed of what reclaim looked at; no data while it looks at nothing"),
    per_second("reclaim.zone_failed", "/proc/vmstat zone_reclaim_failed",
               "Times reclaim within a node (vm.zone_reclaim_mode) freed too little"),
    per_second("reclaim.kswapd_runs", "/proc/vmstat pageoutrun", "Times kswapd set out to restore the watermarks"),
    per_second("reclaim.kswapd_hurried", "/proc/vmstat kswapd_low_wmark_hit_quickly",
               "Times kswapd was woken again within 100 ms: its marks are too close together"),
    per_second("reclaim.throttled", "/proc/vmstat pgscan_direct_throttle",
               "Times a task was put to sleep because free memory was below half the min mark"),
    {{"reclaim.unreclaimable", dimension::count, Range::of_zones, Argument::none, "/proc/zoneinfo node_unreclaimable",
      "Populated zones whose node kswapd has given up on"},
     ZoneFormula{Measure::unreclaimable}},

    // Refaults, disk, page faults
    refaults("refault.file", "/proc/vmstat workingset_refault_file",
             "File cache read in again soon after it was dropped; no data while drop_caches is used"),
    refaults("refault.anon", "/proc/vmstat workingset_refault_anon",
             "Anonymous memory swapped in again soon after it was swapped out; no data while drop_caches is used"),
    refaults("refault.file_active", "/proc/vmstat workingset_activate_file",
             "What of refault.file counts as in use at once: a little more memory would have kept it"),
    refaults("refault.anon_active", "/proc/vmstat workingset_activate_anon",
             "What of refault.anon counts as in use at once: a little more memory would have kept it"),
    bytes_per_second("io.in", Unit::kib, "/proc/vmstat pgpgin", "Read from block devices, vmstat's bi"),
    bytes_per_second("io.out", Unit::kib, "/proc/vmstat pgpgout", "Written to block devices, vmstat's bo"),
    bytes_per_second("io.dirtied", Unit::page, "/proc/vmstat nr_dirtied", "File data changed in memory"),
    bytes_per_second("io.written", Unit::page, "/proc/vmstat nr_written", "File data written back"),
    per_second("fault.major", "/proc/vmstat pgmajfault", "Page faults that had to wait for a disk"),
    per_second("fault.minor", "/proc/vmstat pgfault - pgmajfault",
               "Page faults that did not have to wait for a disk"),
    {{"cache.hit_ratio", dimension::ratio, Range::share, Argument::none, "none", "Page-cache hits of all lookups"},
     NeverFormula{
         "the kernel does not count the lookups in its page cache, so there is no hit ratio; see refault.file"}},

    // NUMA
    per_second("numa.hit", "/proc/vmstat numa_hit", "Pages got from the node that was wanted"),
    per_second("numa.miss", "/proc/vmstat numa_miss", "Pages got from a node although another was wanted"),
    per_second("numa.foreign", "/proc/vmstat numa_foreign", "Pages wanted from a node and got from another"),
    per_second("numa.local", "/proc/vmstat numa_local", "Pages got from the node the task ran on"),
    {{"numa.nodes", dimension::count, Range::of_nodes, Argument::none, "/proc/zoneinfo Node", "Nodes with memory"},
     ZoneFormula{Measure::nodes}},

    // Compaction, fragmentation, transparent huge pages
    per_second("compact.stalls", "/proc/vmstat compact_stall",
               "Times a task had to compact memory before it got a large block"),
    per_second("compact.fails", "/proc/vmstat compact_fail", "Times that compaction brought nothing"),
    per_second("compact.daemon_wakes", "/proc/vmstat compact_daemon_wake", "Times kcompactd was woken"),
    {{"frag.unusable", dimension::ratio, Range::share, Argument::order, "/proc/buddyinfo",
      "Share of free memory in blocks smaller than 2^order pages"},
     FragmentationFormula{}},
    per_second("thp.faults", "/proc/vmstat thp_fault_alloc", "Page faults served with a transparent huge page"),
    per_second("thp.fallbacks", "/proc/vmstat thp_fault_fallback",
               "Page faults for which no huge page was to be had"),

    // Services: the units that a pattern means, by their cgroups
    service("service.memory", dimension::bytes, Range::of_memory, ServiceFormula::Figure::memory,
            "cgroup memory.current, v1 memory.usage_in_bytes", "Memory of the services, their file cache included"),
    service("service.swap", dimension::bytes, Range::of_swap, ServiceFormula::Figure::swap,
            "cgroup memory.swap.current, v1 memory.stat total_swap", "Swap space that the services use"),
    service("service.processes", dimension::count, Range::not_negative, ServiceFormula::Figure::processes,
            "cgroup.procs", "Processes of the services"),
    service("service.growth", dimension::bytes_per_second, Range::any, ServiceFormula::Figure::growth,
            "cgroup memory.current, v1 memory.usage_in_bytes",
            "Trend of the services' memory over the last minute; no data before they ran for 30 s"),
    service_psi("service.psi.memory.some.avg10", Resource::memory, Stalled::some, "cgroup memory.pressure some avg10",
                "Share of the last 10 s in which a task of the worst-off service waited for memory"),
    service_psi("service.psi.memory.full.avg10", Resource::memory, Stalled::full, "cgroup memory.pressure full avg10",
                "Share of the last 10 s in which every task of the worst-off service waited for memory"),
    service_psi("service.psi.io.some.avg10", Resource::io, Stalled::some, "cgroup io.pressure some avg10",
                "Share of the last 10 s in which a task of the worst-off service waited for block I/O"),
    service_psi("service.psi.io.full.avg10", Resource::io, Stalled::full, "cgroup io.pressure full avg10",
                "Share of the last 10 s in which every task of the worst-off service waited for block I/O"),
    service_psi("service.psi.cpu.some.avg10", Resource::cpu, Stalled::some, "cgroup cpu.pressure some avg10",
                "Share of the last 10 s in which a task of the worst-off service waited for a cpu"),
    service_psi("service.psi.cpu.full.avg10", Resource::cpu, Stalled::full, "cgroup cpu.pressure full avg10",
                "Share of the last 10 s in which every task of the worst-off service waited for a cpu"),

    // The rest
    per_second("oom.kills", "/proc/vmstat oom_kill", "Processes killed for want of memory, by a cgroup's limit too"),
    {{"host.uptime", dimension::seconds, Range::not_negative, Argument::none, "/proc/uptime",
      "Time since boot, suspend included"},
     UptimeFormula{}},
    {{"host.cpus", dimension::count, Range::not_negative, Argument::none, "/sys/devices/system/cpu/online",
      "Cpus online"},
     CpusFormula{}},
    {{"time.hour", dimension::count, Range::hour, Argument::none, "the local clock",
      "Hour of the day in local time; 13.5 is half past one"},
     HourFormula{}},
};

template <class Part>
constexpr auto column(Part Row::*part) {
    std::array<Part, std::size(table)> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] = table[i].*part;
    return parts;
}

constexpr auto indicators = column(&Row::about);
constexpr auto computed = column(&Row::formula);

}  // namespace

std::span<const Indicator> catalogue() {
    return indicators;
}

std::span<const Formula> formulas() {
    return computed;
}

}  // namespace memtuned::indicators
