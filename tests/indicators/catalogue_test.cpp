// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/indicators/catalogue.hpp"

#include <set>
#include <string>
#include <variant>

#include <doctest/doctest.h>

#include "indicators/formula.hpp"

namespace memtuned::indicators {

namespace {

Key key(std::string_view name, std::string argument = "") {
    return {find(name).value(), std::move(argument)};
}

std::string objection(std::string_view name, std::string argument = "") {
    return check_argument(key(name, std::move(argument))).value_or("none");
}

bool well_formed(std::string_view name) {
    return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.") == std::string_view::npos &&
           name.find('.') != std::string_view::npos;
}

}  // namespace

TEST_CASE("every indicator can be found by its name, which nothing else has") {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < catalogue().size(); ++i) {
        const std::string_view name = catalogue()[i].name;
        CAPTURE(name);
        CHECK(well_formed(name));
        CHECK(find(name) == i);
        CHECK(names.insert(name).second);
    }
    CHECK_FALSE(find(""));
    CHECK_FALSE(find("mem"));
    CHECK_FALSE(find("mem.free2"));
    CHECK_FALSE(find("Mem.free"));
}

TEST_CASE("every indicator has a source and one line of help") {
    for (const Indicator& indicator : catalogue()) {
        CAPTURE(indicator.name);
        CHECK_FALSE(indicator.source.empty());
        CHECK(indicator.help.size() > 8);
        CHECK(indicator.help.find('\n') == std::string_view::npos);
        CHECK_FALSE(indicator.help.ends_with('.'));
    }
}

TEST_CASE("the catalogue has what the rules are promised") {
    for (const std::string_view name : {"psi.memory.some.avg10",
                                        "psi.io.full.avg60",
                                        "psi.cpu.some.avg300",
                                        "psi.memory.full.now",
                                        "mem.total",
                                        "mem.free",
                                        "mem.available",
                                        "mem.used",
                                        "mem.buffers",
                                        "mem.cached",
                                        "mem.buff_cache",
                                        "mem.shared",
                                        "mem.slab_reclaimable",
                                        "mem.slab_unreclaimable",
                                        "mem.anon",
                                        "mem.dirty",
                                        "mem.writeback",
                                        "hugepages.total",
                                        "hugepages.free",
                                        "hugepages.size",
                                        "hugepages.bytes",
                                        "swap.total",
                                        "swap.free",
                                        "swap.used",
                                        "swap.in",
                                        "swap.out",
                                        "swap.on_zram",
                                        "zones.below_min",
                                        "zones.below_low",
                                        "zones.below_high",
                                        "zones.free",
                                        "zones.min",
                                        "zones.low",
                                        "zones.high",
                                        "zones.headroom",
                                        "zone.free",
                                        "zone.headroom",
                                        "node.free",
                                        "node.below_low",
                                        "reclaim.kswapd_scan",
                                        "reclaim.direct_scan",
                                        "reclaim.kswapd_steal",
                                        "reclaim.direct_steal",
                                        "reclaim.direct_stalls",
                                        "reclaim.efficiency",
                                        "reclaim.zone_failed",
                                        "refault.file",
                                        "refault.anon",
                                        "refault.file_active",
                                        "refault.anon_active",
                                        "io.in",
                                        "io.out",
                                        "fault.major",
                                        "cache.hit_ratio",
                                        "numa.hit",
                                        "numa.miss",
                                        "numa.foreign",
                                        "numa.local",
                                        "numa.nodes",
                                        "compact.stalls",
                                        "compact.fails",
                                        "frag.unusable",
                                        "service.memory",
                                        "service.swap",
                                        "service.processes",
                                        "service.growth",
                                        "service.psi.memory.some.avg10",
                                        "service.psi.memory.full.avg10",
                                        "service.psi.io.some.avg10",
                                        "service.psi.io.full.avg10",
                                        "service.psi.cpu.some.avg10",
                                        "service.psi.cpu.full.avg10",
                                        "oom.kills",
                                        "host.uptime",
                                        "host.cpus",
                                        "time.hour"}) {
        CAPTURE(name);
        CHECK(find(name));
    }
}

TEST_CASE("the range of an indicator goes with its dimension") {
    for (const Indicator& indicator : catalogue()) {
        CAPTURE(indicator.name);
        if (indicator.range == Range::share) CHECK(indicator.dimension == dimension::ratio);
        if (indicator.range == Range::of_memory) CHECK(indicator.dimension == dimension::bytes);
        if (indicator.range == Range::of_swap) CHECK(indicator.dimension == dimension::bytes);
        if (indicator.range == Range::of_zones) CHECK(indicator.dimension == dimension::count);
    }
}

TEST_CASE("formulas are taken from the sources that are shown") {
    REQUIRE(formulas().size() == catalogue().size());
    const auto keyed = [](std::string_view name) { return std::get<KeyedFormula>(formulas()[find(name).value()]); };

    const KeyedFormula used = keyed("mem.used");
    CHECK(used.file == KeyedFormula::File::meminfo);
    CHECK(used.kind == KeyedFormula::Kind::level);
    CHECK(used.keys[0] == "MemTotal");
    CHECK(used.keys[1].empty());
    CHECK(used.against[0] == "MemAvailable");

    const KeyedFormula cache = keyed("mem.buff_cache");
    CHECK(cache.keys[0] == "Buffers");
    CHECK(cache.keys[1] == "Cached");
    CHECK(cache.keys[2] == "SReclaimable");
    CHECK(cache.against[0].empty());

    const KeyedFormula efficiency = keyed("reclaim.efficiency");
    CHECK(efficiency.file == KeyedFormula::File::vmstat);
    CHECK(efficiency.kind == KeyedFormula::Kind::quotient);
    CHECK(efficiency.keys[1] == "pgsteal_direct");
    CHECK(efficiency.against[0] == "pgscan_kswapd");

    const auto now = std::get<PressureFormula>(formulas()[find("psi.io.full.now").value()]);
    CHECK(now.resource == kernel::Resource::io);
    CHECK(now.who == kernel::Stalled::full);
    CHECK(now.figure == PressureFormula::Figure::now);
    const auto avg = std::get<PressureFormula>(formulas()[find("psi.cpu.some.avg300").value()]);
    CHECK(avg.resource == kernel::Resource::cpu);
    CHECK(avg.who == kernel::Stalled::some);
    CHECK(avg.figure == PressureFormula::Figure::avg300);
}

TEST_CASE("a pressure indicator's name says what its source says") {
    for (const Indicator& indicator : catalogue()) {
        if (!indicator.name.starts_with("psi.")) continue;
        std::string from_source = "psi." + std::string(indicator.source.substr(sizeof "/proc/pressure/" - 1));
        for (char& c : from_source) c = c == ' ' ? '.' : c;
        if (from_source.ends_with("total")) from_source.replace(from_source.size() - 5, 5, "now");
        CHECK(indicator.name == from_source);
    }
}

TEST_CASE("a service's pressure indicator reads what its name and its source say") {
    for (std::size_t i = 0; i < catalogue().size(); ++i) {
        const Indicator& indicator = catalogue()[i];
        if (!indicator.name.starts_with("service.psi.")) continue;
        const auto formula = std::get<ServiceFormula>(formulas()[i]);
        CHECK(formula.figure == ServiceFormula::Figure::stalled);
        const std::string resource(kernel::pressure_path(formula.resource).substr(sizeof "proc/pressure/" - 1));
        const std::string who = formula.who == kernel::Stalled::some ? "some" : "full";
        CHECK(indicator.name == "service.psi." + resource + "." + who + ".avg10");
        CHECK(indicator.source == "cgroup " + resource + ".pressure " + who + " avg10");
    }
}

TEST_CASE("what is told of services takes a unit, and nothing else does") {
    for (const Indicator& indicator : catalogue())
        CHECK((indicator.argument == Argument::unit) == indicator.name.starts_with("service."));
}

TEST_CASE("a key is written as it stands in a rule") {
    CHECK(to_string(key("mem.free")) == "mem.free");
    CHECK(to_string(key("zone.free", "0/Normal")) == "zone.free(\"0/Normal\")");
    CHECK(to_string(key("node.below_low", "1")) == "node.below_low(1)");
    CHECK(to_string(key("frag.unusable", "9")) == "frag.unusable(9)");
    CHECK(to_string(key("service.memory", "ssh.service")) == "service.memory(\"ssh.service\")");
}

TEST_CASE("arguments of the right shape are accepted") {
    CHECK(objection("mem.free") == "none");
    CHECK(objection("zone.free", "0/Normal") == "none");
    CHECK(objection("zone.free", "12/DMA32") == "none");
    CHECK(objection("node.free", "0") == "none");
    CHECK(objection("frag.unusable", "0") == "none");
    CHECK(objection("frag.unusable", "10") == "none");
    for (const std::string argument :
         {"ssh.service", "batch-*.service", "session-1.scope", "user-1000.slice", "cups.socket", "home.mount",
          "dev-sda2.swap", "user@1000.service/app-*.scope", "web-*", "web-?", "web-[0-9]", "*"}) {
        CAPTURE(argument);
        CHECK(objection("service.memory", argument) == "none");
    }
    CHECK(objection("service.memory", std::string(255, 'a') + "/" + std::string(247, 'b') + ".service") == "none");
}

TEST_CASE("arguments of the wrong shape are refused with what to write instead") {
    CHECK(objection("mem.free", "0") == "mem.free takes no argument; write mem.free");
    for (const std::string argument :
         {"", "Normal", "0", "0/", "/Normal", "x/Normal", "-1/Normal", "0/Nor mal", "0/a/b"}) {
        CAPTURE(argument);
        CHECK(objection("zone.low", argument) ==
              "zone.low wants a zone as \"NODE/NAME\"; write, for example, zone.low(\"0/Normal\")");
    }
    for (const std::string argument : {"", "x", "-1", "0x1", "1 ", "99999999999"}) {
        CAPTURE(argument);
        CHECK(objection("node.free", argument) ==
              "node.free wants the number of a node; write, for example, node.free(0)");
    }
    for (const std::string argument : {"", "x", "-1", "64", "1.5"}) {
        CAPTURE(argument);
        CHECK(objection("frag.unusable", argument) ==
              "frag.unusable wants an order from 0 to 63, of blocks of 2^order pages; write, for example, "
              "frag.unusable(9)");
    }
    for (const std::string& argument : {std::string(), std::string("ssh"), std::string("ssh.service "),
                                        std::string("ssh.Service"), std::string("ssh.timer"), std::string("service"),
                                        std::string(".service"), std::string(504, 'a') + ".service"}) {
        CAPTURE(argument);
        CHECK(objection("service.psi.io.full.avg10", argument) ==
              "service.psi.io.full.avg10 wants a unit as \"NAME.service\", with * for any; write, for example, "
              "service.psi.io.full.avg10(\"ssh.service\")");
    }
}

}  // namespace memtuned::indicators
