// SPDX-License-Identifier: GPL-2.0-or-later
//
// service.* on trees of cgroups made up on the spot: the one hierarchy of cgroup v2, the hybrid one, in which units
// are in v2 and memory is counted in v1, and v1 alone.
#include <chrono>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "memtuned/indicators/sampler.hpp"
#include "memtuned/kernel/units.hpp"
#include "support/allocations.hpp"
#include "support/temp_root.hpp"

namespace memtuned::indicators {

namespace {

using namespace std::chrono_literals;

constexpr double MiB = 1024 * 1024;

enum class Hierarchy : std::uint8_t { v2, hybrid, v1 };

std::string pressure(std::string_view some, std::string_view full) {
    return "some avg10=" + std::string(some) + " avg60=0.00 avg300=0.00 total=1\nfull avg10=" + std::string(full) +
           " avg60=0.00 avg300=0.00 total=1\n";
}

/// What a kernel shows of cgroups.
class Tree {
public:
    explicit Tree(Hierarchy kind = Hierarchy::v2, bool counts_memory = true) : kind_(kind) {
        if (kind != Hierarchy::v1) {
            write(units("/cgroup.controllers"),
                  kind == Hierarchy::v2 && counts_memory ? "cpu io memory pids\n" : "\n");
            for (const std::string_view resource : {"memory", "io", "cpu"})
                write(units("/" + std::string(resource) + ".pressure"), pressure("0.00", "0.00"));
        }
        if (kind != Hierarchy::v2 && counts_memory) write(memory("/memory.usage_in_bytes"), "1\n");
        write(units("/cgroup.procs"), "1\n");
    }

    kernel::Root root() const { return files_.root(); }

    /// The cgroup of a unit, with these processes.
    Tree& unit(const std::string& group, std::string_view pids = "42\n") {
        for (std::size_t slash = group.find('/', 1); slash != std::string::npos; slash = group.find('/', slash + 1))
            if (const std::string outer = group.substr(0, slash); !there(units(outer + "/cgroup.procs")))
                folder(outer, "");
        return folder(group, pids);
    }
    Tree& gone(const std::string& group) {
        write(units(group + "/cgroup.procs"), "");
        if (kind_ != Hierarchy::v1) write(units(group + "/cgroup.events"), "populated 0\nfrozen 0\n");
        std::filesystem::remove_all(root() / units(group));
        std::filesystem::remove_all(root() / memory(group));
        return *this;
    }
    Tree& uses(const std::string& group, double mebibytes) {
        const bool v2 = kind_ == Hierarchy::v2;
        write(memory(group + (v2 ? "/memory.current" : "/memory.usage_in_bytes")),
              std::to_string(static_cast<std::uint64_t>(mebibytes * MiB)) + "\n");
        return *this;
    }
    Tree& swaps(const std::string& group, std::uint64_t mebibytes) {
        const std::string bytes = std::to_string(mebibytes * 1024 * 1024) + "\n";
        if (kind_ == Hierarchy::v2)
            write(memory(group + "/memory.swap.current"), bytes);
        else
            write(memory(group + "/memory.stat"),
                  "cache 1\nswap 7\nhierarchical_memsw_limit 9\ntotal_swapcached 5\n"
                  "total_swap " +
                      bytes + "total_cache 3\n");
        return *this;
    }
    Tree& waits(const std::string& group, std::string_view resource, std::string_view some, std::string_view full) {
        write(units(group + "/" + std::string(resource) + ".pressure"), pressure(some, full));
        return *this;
    }
    Tree& lacks(const std::string& path) {
        files_.remove(path);
        return *this;
    }

    std::string units(const std::string& rest) const {
        switch (kind_) {
            case Hierarchy::v2: break;
            case Hierarchy::hybrid: return "sys/fs/cgroup/unified" + rest;
            case Hierarchy::v1: return "sys/fs/cgroup/systemd" + rest;
        }
        return "sys/fs/cgroup" + rest;
    }
    std::string memory(const std::string& rest) const {
        return (kind_ == Hierarchy::v2 ? "sys/fs/cgroup" : "sys/fs/cgroup/memory") + rest;
    }
    void write(const std::string& path, std::string_view text) { files_.write(path, text); }

private:
    bool there(const std::string& path) const { return std::filesystem::exists(root() / path); }
    Tree& folder(const std::string& group, std::string_view pids) {
        write(units(group + "/cgroup.procs"), pids);
        if (kind_ != Hierarchy::v1) write(units(group + "/cgroup.events"), "populated 1\nfrozen 0\n");
        return *this;
    }

    test::TempRoot files_;
    Hierarchy kind_;
};

/// `service.memory(ssh.service)` as a key.
Key key(std::string_view text) {
    const std::size_t open = text.find('(');
    return {find(text.substr(0, open)).value(), std::string(text.substr(open + 1, text.size() - open - 2))};
}

/// A sampler over a tree, with its clock; units are looked at before each sample, as the daemon does.
class Bench {
public:
    explicit Bench(const Tree& tree, const std::vector<std::string_view>& wanted,
                   const std::vector<std::string_view>& of_every = {})
        : units(tree.root()), sampler(start(tree, wanted, of_every)) {}

    void tick(Duration step = 1s, Duration longest_step = 6s) {
        now += step;
        units.refresh(now);
        sample = &sampler.take(now, longest_step);
    }
    double operator[](std::size_t slot) const { return sample->values[slot]; }
    std::string_view why(std::size_t slot = 0) const { return sampler.why_unavailable(slot); }
    /// What a unit has of the indicators wanted of every one; its place must be known.
    double own(std::string_view unit, std::size_t i) const {
        return sample->own[units.find(unit).value() * sample->own_width + i];
    }

    Instant now = Instant() + 1000s;
    kernel::Units units;
    Sampler sampler;
    const Sample* sample = nullptr;

private:
    Sampler start(const Tree& tree, const std::vector<std::string_view>& wanted,
                  const std::vector<std::string_view>& of_every) {
        if (!units.start()) MESSAGE("no units");
        std::vector<Key> keys;
        for (const std::string_view text : wanted) keys.push_back(key(text));
        std::vector<std::size_t> own;
        for (const std::string_view name : of_every) own.push_back(find(name).value());
        return Sampler(tree.root(), keys, &units, own);
    }
};

bool none(double value) {
    return std::isnan(value);
}

std::string service(int number) {
    return "/system.slice/s" + std::to_string(number) + ".service";
}

}  // namespace

TEST_CASE("figures of services are sums over the units that the pattern means") {
    for (const Hierarchy kind : {Hierarchy::v2, Hierarchy::hybrid, Hierarchy::v1}) {
        CAPTURE(static_cast<int>(kind));
        Tree tree(kind);
        tree.unit("/system.slice/batch-a.service", "10\n11\n").uses("/system.slice/batch-a.service", 100);
        tree.unit("/system.slice/batch-b.service", "12\n").uses("/system.slice/batch-b.service", 20);
        tree.unit("/system.slice/ssh.service", "13\n").uses("/system.slice/ssh.service", 3);
        tree.swaps("/system.slice/batch-a.service", 7).swaps("/system.slice/batch-b.service", 2);
        tree.swaps("/system.slice/ssh.service", 1);
        Bench bench(
            tree, {"service.memory(batch-*.service)", "service.memory(ssh.service)", "service.swap(batch-?.service)",
                   "service.processes(batch-[ab].service)", "service.memory(*.service)"});
        bench.tick();
        CHECK(bench[0] == 120 * MiB);
        CHECK(bench[1] == 3 * MiB);
        CHECK(bench[2] == 9 * MiB);
        CHECK(bench[3] == 3);
        CHECK(bench[4] == 123 * MiB);
    }
}

TEST_CASE("pressure of services is that of the worst") {
    for (const Hierarchy kind : {Hierarchy::v2, Hierarchy::hybrid}) {
        Tree tree(kind);
        tree.unit("/system.slice/a.service").waits("/system.slice/a.service", "memory", "12.50", "5.00");
        tree.unit("/system.slice/b.service").waits("/system.slice/b.service", "memory", "3.00", "2.50");
        tree.waits("/system.slice/a.service", "io", "1.00", "0.00")
            .waits("/system.slice/b.service", "io", "4.00", "3.00");
        tree.waits("/system.slice/a.service", "cpu", "9.00", "8.00")
            .waits("/system.slice/b.service", "cpu", "7.00", "6.00");
        Bench bench(tree, {"service.psi.memory.some.avg10(*.service)", "service.psi.memory.full.avg10(b.service)",
                           "service.psi.io.some.avg10(*.service)", "service.psi.io.full.avg10(*.service)",
                           "service.psi.cpu.some.avg10(*.service)", "service.psi.cpu.full.avg10(b.*)"});
        bench.tick();
        CHECK(bench[0] == doctest::Approx(0.125));
        CHECK(bench[1] == doctest::Approx(0.025));
        CHECK(bench[2] == doctest::Approx(0.04));
        CHECK(bench[3] == doctest::Approx(0.03));
        CHECK(bench[4] == doctest::Approx(0.09));
        CHECK(bench[5] == doctest::Approx(0.06));
    }
}

TEST_CASE("a unit within another that is meant, too, is not counted twice") {
    Tree tree;
    tree.unit("/a.slice/a-b.slice/x.service", "10\n11\n").uses("/a.slice", 100).uses("/a.slice/a-b.slice", 60);
    tree.uses("/a.slice/a-b.slice/x.service", 50).unit("/c.slice/y.service", "12\n").uses("/c.slice", 5);
    tree.uses("/c.slice/y.service", 4);
    Bench bench(tree, {"service.memory(*)", "service.memory(*.slice)", "service.memory(a-*.slice)",
                       "service.memory(*.service)", "service.processes(*)", "service.memory([ax]*)"});
    bench.tick();
    CHECK(bench[0] == 105 * MiB);
    CHECK(bench[1] == 105 * MiB);
    CHECK(bench[2] == 60 * MiB);
    CHECK(bench[3] == 54 * MiB);
    CHECK(bench[4] == 3);
    CHECK(bench[5] == 100 * MiB);
}

TEST_CASE("where no unit is meant nothing is used and nothing waits") {
    Tree tree;
    tree.unit("/system.slice/ssh.service").uses("/system.slice/ssh.service", 3);
    Bench bench(tree,
                {"service.processes(nginx.service)", "service.memory(nginx.service)", "service.swap(nginx.service)",
                 "service.growth(nginx.service)", "service.psi.memory.some.avg10(nginx.service)"});
    bench.tick();
    for (std::size_t slot = 0; slot < 5; ++slot) {
        CHECK(bench[slot] == 0);
        CHECK(bench.sample->unavailable[slot] == 0);
        CHECK(bench.why(slot).empty());
    }
}

TEST_CASE("a unit without the file is left out, and if none has it there is no data") {
    Tree tree;
    tree.unit("/system.slice/a.service").uses("/system.slice/a.service", 3);
    tree.unit("/system.slice/b.service");
    Bench bench(tree, {"service.memory(*.service)", "service.memory(b.service)", "service.swap(*.service)",
                       "service.psi.io.some.avg10(*.service)"});
    bench.tick();
    CHECK(bench[0] == 3 * MiB);
    for (std::size_t slot = 1; slot < 4; ++slot) {
        CHECK(none(bench[slot]));
        CHECK(bench.sample->unavailable[slot] == 0);
    }
    tree.uses("/system.slice/b.service", 4);
    bench.tick(59s);
    CHECK(none(bench[1]));
    bench.tick(1s);
    CHECK(bench[0] == 7 * MiB);
    CHECK(bench[1] == 4 * MiB);
}

TEST_CASE("a file that holds no number is no data") {
    Tree tree;
    tree.unit("/system.slice/a.service").uses("/system.slice/a.service", 3).swaps("/system.slice/a.service", 1);
    tree.write(tree.memory("/system.slice/a.service/memory.current"), "max\n");
    tree.write(tree.memory("/system.slice/a.service/memory.swap.current"), "");
    Bench bench(tree, {"service.memory(a.service)", "service.swap(a.service)"});
    bench.tick();
    CHECK(none(bench[0]));
    CHECK(none(bench[1]));
}

TEST_CASE("a v1 unit whose swap is not counted has no data of it, not that of a key alike") {
    Tree tree(Hierarchy::v1);
    tree.unit("/system.slice/a.service").uses("/system.slice/a.service", 3);
    tree.write(tree.memory("/system.slice/a.service/memory.stat"), "swap 7\ntotal_swapcached 5\n");
    Bench bench(tree, {"service.swap(a.service)"});
    bench.tick();
    CHECK(none(bench[0]));
    CHECK(bench.why().empty());
}

TEST_CASE("units that come are counted from the next reading on, and those that go no more") {
    Tree tree;
    tree.unit("/system.slice/a.service").uses("/system.slice/a.service", 3);
    Bench bench(tree, {"service.memory(*.service)", "service.processes(*.service)"}, {"service.memory"});
    bench.tick();
    CHECK(bench[0] == 3 * MiB);
    tree.uses("/system.slice/b.service", 4).unit("/system.slice/b.service");
    bench.tick(100ms);
    CHECK(bench[0] == 3 * MiB);
    CHECK(none(bench.own("b.service", 0)));
    bench.tick(900ms);
    CHECK(bench[0] == 7 * MiB);
    CHECK(bench[1] == 2);
    CHECK(bench.own("b.service", 0) == 4 * MiB);
    tree.gone("/system.slice/a.service");
    bench.tick(100ms);
    CHECK(bench[0] == 4 * MiB);
    CHECK(bench[1] == 1);
}

TEST_CASE("services are read once a second and the figures stand in between") {
    Tree tree;
    tree.unit("/system.slice/a.service").uses("/system.slice/a.service", 1);
    tree.waits("/system.slice/a.service", "memory", "1.00", "0.00");
    Bench bench(tree, {"service.memory(a.service)", "service.psi.memory.some.avg10(a.service)"}, {"service.memory"});
    bench.tick();
    tree.uses("/system.slice/a.service", 2).waits("/system.slice/a.service", "memory", "2.00", "0.00");
    for (int i = 0; i < 9; ++i) {
        bench.tick(100ms);
        CHECK(bench[0] == 1 * MiB);
        CHECK(bench[1] == doctest::Approx(0.01));
        CHECK(bench.own("a.service", 0) == 1 * MiB);
    }
    bench.tick(100ms);
    CHECK(bench[0] == 2 * MiB);
    CHECK(bench[1] == doctest::Approx(0.02));
    CHECK(bench.own("a.service", 0) == 2 * MiB);
}

TEST_CASE("a leak's growth is its slope over the last minute, once there is half a minute of it") {
    Tree tree;
    const std::string group = "/system.slice/leaky.service";
    double used = 4000;
    tree.unit(group).uses(group, used);
    Bench bench(tree, {"service.growth(leaky.service)"}, {"service.growth"});
    // 3 MiB/s with noise of 10 MiB.
    const auto tick = [&](int i) {
        tree.uses(group, used + (i * 7 % 11) - 5.0);
        bench.tick();
        used += 3;
    };
    for (int i = 0; i < 30; ++i) {
        tick(i);
        CHECK(none(bench[0]));
    }
    tick(30);
    CHECK(bench[0] == doctest::Approx(3 * MiB).epsilon(0.05));
    for (int i = 31; i < 90; ++i) tick(i);
    CHECK(bench[0] == doctest::Approx(3 * MiB).epsilon(0.02));
    CHECK(bench.own("leaky.service", 0) == bench[0]);
    for (int i = 0; i < 61; ++i) {
        tree.uses(group, used);
        bench.tick();
    }
    CHECK(bench[0] == 0);
    for (int i = 0; i < 61; ++i) {
        tree.uses(group, used -= 2);
        bench.tick();
    }
    CHECK(bench[0] == doctest::Approx(-2 * MiB));
}

TEST_CASE("growth is the sum over the units that have one") {
    Tree tree;
    tree.unit(service(1)).unit(service(2)).unit(service(3));
    Bench bench(tree, {"service.growth(s*.service)"});
    for (int i = 0; i < 40; ++i) {
        tree.uses(service(1), 100 + i).uses(service(2), 100 + 2 * i);
        bench.tick();
    }
    CHECK(bench[0] == doctest::Approx(3 * MiB));
}

TEST_CASE("growth starts anew with a unit that went and came again") {
    Tree tree;
    const std::string group = service(1);
    tree.unit(group);
    Bench bench(tree, {"service.growth(s1.service)"});
    for (int i = 0; i < 40; ++i) {
        tree.uses(group, 1000 + i);
        bench.tick();
    }
    CHECK(bench[0] == doctest::Approx(1 * MiB));
    tree.gone(group);
    bench.tick();
    CHECK(bench[0] == 0);
    tree.unit(group);
    for (int i = 0; i < 30; ++i) {
        tree.uses(group, 10 + 2 * i);
        bench.tick();
        CHECK(none(bench[0]));
    }
    tree.uses(group, 10 + 2 * 30);
    bench.tick();
    CHECK(bench[0] == doctest::Approx(2 * MiB));
}

TEST_CASE("growth starts anew after a gap in sampling") {
    Tree tree;
    tree.unit(service(1));
    Bench bench(tree, {"service.growth(s1.service)", "service.memory(s1.service)"});
    for (int i = 0; i < 40; ++i) {
        tree.uses(service(1), 1000 + i);
        bench.tick();
    }
    CHECK(bench[0] == doctest::Approx(1 * MiB));
    tree.uses(service(1), 5000);
    bench.tick(6001ms, 6s);
    CHECK(none(bench[0]));
    CHECK(bench[1] == 5000 * MiB);
    bench.tick(6s, 6s);
    for (int i = 0; i < 24; ++i) bench.tick();
    CHECK(bench[0] == 0);
}

TEST_CASE("figures wanted of every unit stand at its place") {
    Tree tree;
    tree.unit(service(1), "1\n2\n").uses(service(1), 10).waits(service(1), "memory", "50.00", "0.00");
    tree.unit(service(2), "3\n").uses(service(2), 20).waits(service(2), "memory", "25.00", "0.00");
    tree.unit("/user.slice/user-7.slice/session-1.scope", "4\n5\n6\n");
    Bench bench(tree, {}, {"service.memory", "service.processes", "service.psi.memory.some.avg10"});
    bench.tick();
    CHECK(bench.sample->own_width == 3);
    CHECK(bench.sample->own.size() == 3 * bench.units.units().size());
    CHECK(bench.own("s1.service", 0) == 10 * MiB);
    CHECK(bench.own("s1.service", 1) == 2);
    CHECK(bench.own("s1.service", 2) == doctest::Approx(0.5));
    CHECK(bench.own("s2.service", 0) == 20 * MiB);
    CHECK(bench.own("s2.service", 1) == 1);
    CHECK(bench.own("s2.service", 2) == doctest::Approx(0.25));
    CHECK(none(bench.own("session-1.scope", 0)));
    CHECK(bench.own("session-1.scope", 1) == 3);
    CHECK(bench.own("user.slice", 1) == 3);
    tree.gone(service(1));
    bench.tick();
    CHECK(bench.own("s2.service", 0) == 20 * MiB);
    CHECK(bench.sample->own.size() == 3 * bench.units.units().size());
    for (std::size_t place = 0; place < bench.units.units().size(); ++place)
        if (bench.units.units()[place].name.empty()) CHECK(none(bench.sample->own[3 * place]));
}

TEST_CASE("without a memory controller what it counts is unavailable") {
    for (const Hierarchy kind : {Hierarchy::v2, Hierarchy::hybrid, Hierarchy::v1}) {
        CAPTURE(static_cast<int>(kind));
        Tree tree(kind, false);
        tree.unit(service(1), "1\n2\n");
        Bench bench(tree,
                    {"service.memory(*.service)", "service.swap(*.service)", "service.growth(*.service)",
                     "service.processes(*.service)"},
                    {"service.growth", "service.processes"});
        bench.tick();
        for (std::size_t slot = 0; slot < 3; ++slot) {
            CHECK(none(bench[slot]));
            CHECK(bench.sample->unavailable[slot] == 1);
            CHECK(bench.why(slot) == "no memory controller counts services on this machine");
        }
        CHECK(bench[3] == 2);
        CHECK(bench.sampler.why_own_unavailable(0) == "no memory controller counts services on this machine");
        CHECK(bench.sampler.why_own_unavailable(1).empty());
    }
}

TEST_CASE("cgroup v1 has no pressure of services") {
    Tree tree(Hierarchy::v1);
    tree.unit(service(1)).uses(service(1), 1);
    Bench bench(tree, {"service.psi.memory.some.avg10(*.service)", "service.memory(*.service)"});
    bench.tick();
    CHECK(bench.sample->unavailable[0] == 1);
    CHECK(bench.why(0) == "cgroup v1 has no pressure files");
    CHECK(bench[1] == 1 * MiB);
}

TEST_CASE("with PSI off the pressure of services is unavailable with what to do, until it is there") {
    Tree tree;
    tree.unit(service(1)).lacks("sys/fs/cgroup/memory.pressure");
    Bench bench(tree, {"service.psi.memory.some.avg10(*.service)"}, {"service.psi.memory.full.avg10"});
    bench.tick();
    CHECK(bench.why() == "sys/fs/cgroup/memory.pressure: No such file or directory (PSI is off: boot with psi=1)");
    CHECK(bench.sampler.why_own_unavailable(0) == bench.why());
    tree.waits("", "memory", "1.00", "0.00").waits(service(1), "memory", "1.00", "0.00");
    bench.tick(59s);
    CHECK_FALSE(bench.why().empty());
    bench.tick(1s);
    CHECK(bench.why().empty());
    CHECK(bench.sample->unavailable[0] == 0);
    CHECK(bench[0] == doctest::Approx(0.01));
}

TEST_CASE("an old kernel's services have no full line of cpu pressure") {
    Tree tree;
    tree.write("sys/fs/cgroup/cpu.pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    Bench bench(tree, {"service.psi.cpu.full.avg10(*.service)", "service.psi.cpu.some.avg10(*.service)"});
    bench.tick();
    CHECK(bench.why(0) == "sys/fs/cgroup/cpu.pressure has no full line");
    CHECK(bench.why(1).empty());
}

TEST_CASE("without cgroups services are unavailable") {
    test::TempRoot nothing;
    kernel::Units units(nothing.root());
    CHECK_FALSE(units.start());
    Sampler sampler(nothing.root(), {key("service.processes(*.service)")}, &units);
    sampler.take(Instant());
    CHECK(sampler.why_unavailable(0) == "this machine has no cgroups that services could be in");
    CHECK(sampler.files().empty());
}

TEST_CASE("a sampler that is handed no units has no services") {
    Tree tree;
    Sampler sampler(tree.root(), {key("service.memory(*.service)")}, nullptr, {find("service.memory").value()});
    const Sample& sample = sampler.take(Instant());
    CHECK(sample.unavailable[0] == 1);
    CHECK(sampler.why_unavailable(0) == "no services are looked at");
    CHECK(sampler.why_own_unavailable(0) == "no services are looked at");
    CHECK(sample.own.empty());
}

TEST_CASE("only the folders behind what is wanted are named") {
    const auto files = [](Hierarchy kind, const std::vector<std::string_view>& wanted,
                          const std::vector<std::string_view>& own = {}) {
        Tree tree(kind);
        return Bench(tree, wanted, own).sampler.files();
    };
    using List = std::vector<std::string>;
    CHECK(files(Hierarchy::v2, {}) == List{});
    CHECK(files(Hierarchy::v2, {"service.memory(*)", "service.processes(*)"}) == List{"sys/fs/cgroup"});
    CHECK(files(Hierarchy::hybrid, {"service.growth(*)"}) == List{"sys/fs/cgroup/memory"});
    CHECK(files(Hierarchy::hybrid, {"service.psi.io.full.avg10(*)"}) == List{"sys/fs/cgroup/unified"});
    CHECK(files(Hierarchy::hybrid, {"service.swap(*)"}, {"service.psi.io.full.avg10"}) ==
          List{"sys/fs/cgroup/memory", "sys/fs/cgroup/unified"});
    CHECK(files(Hierarchy::v1, {"service.psi.io.full.avg10(*)"}) == List{});
    CHECK(files(Hierarchy::v1, {"service.processes(*)"}) == List{"sys/fs/cgroup/systemd"});
}

TEST_CASE("no file is open that nobody wants, nor that of a unit that went") {
    Tree tree;
    tree.unit(service(1)).uses(service(1), 1).unit(service(2)).uses(service(2), 2);
    const auto open_files = [&] {
        std::vector<std::string> names;
        const std::string top = tree.root().path().string() + "/";
        for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
            std::error_code ignored;
            const std::string target = std::filesystem::read_symlink(entry, ignored).string();
            if (target.starts_with(top)) names.push_back(target.substr(top.size()));
        }
        return names;
    };
    Bench bench(tree, {"service.memory(s1.service)"});
    const std::vector<std::string> before = open_files();
    bench.tick();
    CHECK(open_files().size() == before.size() + 1);
    CHECK(open_files().back() == "sys/fs/cgroup/system.slice/s1.service/memory.current");
    tree.gone(service(1));
    bench.tick();
    CHECK(open_files() == before);
}

TEST_CASE("a steady tick allocates nothing for services, read or not") {
    for (const Hierarchy kind : {Hierarchy::v2, Hierarchy::hybrid, Hierarchy::v1}) {
        CAPTURE(static_cast<int>(kind));
        Tree tree(kind);
        for (int i = 0; i < 20; ++i) tree.unit(service(i)).uses(service(i), i).swaps(service(i), 1);
        tree.unit("/system.slice/without.service");
        Bench bench(tree,
                    {"service.memory(*.service)", "service.swap(s1*.service)", "service.growth(*.service)",
                     "service.processes(*)", "service.psi.memory.some.avg10(*.service)",
                     "service.psi.cpu.full.avg10(no.service)"},
                    {"service.memory", "service.growth", "service.psi.io.some.avg10"});
        for (int i = 0; i < 3; ++i) bench.tick();
        const std::size_t before = test::allocations();
        for (int i = 0; i < 300; ++i) bench.sampler.take(bench.now += 100ms);
        CHECK(test::allocations() == before);
    }
}

}  // namespace memtuned::indicators
