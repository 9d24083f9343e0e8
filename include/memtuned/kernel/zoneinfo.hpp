// SPDX-License-Identifier: GPL-2.0-or-later
//
// The memory zones with their watermarks. A read takes each zone's lock and prints every cpu's page lists, so on big
// machines it is the dearest file of a tick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "memtuned/base/result.hpp"
#include "memtuned/kernel/kept_file.hpp"
#include "memtuned/kernel/root.hpp"

namespace memtuned::kernel {

/// One zone of one node. All figures are pages; one that this kernel does not print is 0.
struct Zone {
    int node = 0;
    std::string name;  ///< "DMA32", "Normal", "Movable"

    std::uint64_t free = 0;   ///< per-cpu lists not included; lags by up to vm.stat_interval
    std::uint64_t boost = 0;  ///< contained in min, low and high as printed. Before 6.1 it is there but not shown
    std::uint64_t min = 0;
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t spanned = 0;
    std::uint64_t present = 0;
    std::uint64_t managed = 0;
    std::uint64_t cma = 0;
    /// protection[i]: pages kept, on top of a mark, from allocations that could use zone i of this node as well.
    std::vector<std::uint64_t> protection;

    std::uint64_t inactive_anon = 0;
    std::uint64_t active_anon = 0;
    std::uint64_t inactive_file = 0;
    std::uint64_t active_file = 0;
    std::uint64_t unevictable = 0;
    std::uint64_t write_pending = 0;  ///< dirty or under writeback
    std::uint64_t free_cma = 0;       ///< part of `free`, of no use to kernel allocations

    bool node_unreclaimable = false;  ///< kswapd gave up on the node after 16 fruitless runs

    /// Movable and Device are printed on every machine, and on most hold nothing.
    bool populated() const { return managed > 0; }
};

/// Parses into `zones`, in the file's order, reusing what it holds. Refuses a text without zones, a zone whose
/// `managed` is missing and a populated one without free, min, low or high: "node 0, zone Normal: no low".
/// `zones` is of no use after an error.
Status parse_zoneinfo(std::string_view text, std::vector<Zone>& zones);

std::size_t populated_zones(std::span<const Zone> zones);
/// Nodes with a populated zone. `zones` in the file's order, a node's all in one row.
std::size_t nodes_with_memory(std::span<const Zone> zones);

class ZoneinfoFile {
public:
    explicit ZoneinfoFile(const Root& root) : file_(root, "proc/zoneinfo") {}

    /// Reads the file. Allocates nothing while the number of zones stays the same.
    Status refresh();

    /// The zones of the last refresh(); none if it failed.
    std::span<const Zone> zones() const { return valid_ ? std::span<const Zone>(zones_) : std::span<const Zone>(); }
    const std::string& name() const { return file_.name(); }

private:
    KeptFile file_;
    std::vector<Zone> zones_;
    bool valid_ = false;
};

}  // namespace memtuned::kernel
