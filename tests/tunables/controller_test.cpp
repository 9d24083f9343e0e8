// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/controller.hpp"

#include <doctest/doctest.h>
#include <fmt/core.h>
#include <poll.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iterator>
#include <optional>
#include <string>

#include "memtuned/kernel/machine.hpp"
#include "support/fake_kernel.hpp"

using namespace memtuned;
using namespace memtuned::tunables;
using namespace std::chrono_literals;
using test::FakeKernel;
using Kind = Outcome::Kind;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t mebibyte = 1 << 20;

/// A run of memtuned on a fake kernel; reopen() is the next one, after this one ended well or not.
class Run {
public:
    explicit Run(Mode mode = Mode::enforce) {
        // In memory, as /run is: with fsync() on a disk these tests take ten times as long.
        std::string path = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        path += "/memtuned-controller-XXXXXX";
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        folder = path;
        fs::create_directories(folder / "proc");
        zones(1000000, 20000, 500000);
        write_file("proc/meminfo", "MemTotal: 4000000 kB\nHugetlb: 1000000 kB\n");
        reopen(mode);
    }
    ~Run() {
        controller.reset();
        fs::remove_all(folder);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    void reopen(Mode mode = Mode::enforce) {
        controller.reset();
        journal.emplace(folder / "undo", "boot-1");
        REQUIRE(journal->load());
        controller.emplace(kernel::Root(folder), kernel, *journal, mode);
    }

    void write_file(const char* name, const std::string& text) const { std::ofstream(folder / name) << text; }
    /// One zone, in pages.
    void zones(int managed, int free, int file_cache) const {
        write_file("proc/zoneinfo", fmt::format("Node 0, zone   Normal\n  pages free     {}\n        boost    0\n"
                                                "        min      16896\n        low      21120\n"
                                                "        high     25344\n        spanned  {}\n"
                                                "        present  {}\n        managed  {}\n        cma      0\n"
                                                "        protection: (0, 0)\n      nr_zone_inactive_file {}\n"
                                                "      nr_zone_active_file 0\n      nr_zone_write_pending 0\n",
                                                free, managed, managed, managed, file_cache));
    }

    void break_journal() const { fs::create_directory(folder / "undo.new"); }
    void mend_journal() const { fs::remove(folder / "undo.new"); }
    std::string journal_error() const { return (folder / "undo.new").string() + ": File exists"; }
    std::string journal_text() const {
        std::ifstream in(folder / "undo");
        return {std::istreambuf_iterator<char>(in), {}};
    }

    static std::size_t index(const char* name) { return find(name).value(); }
    const Reading& refresh(const char* name, Instant now = Instant{}) {
        const std::size_t wanted[] = {index(name)};
        controller->refresh(wanted, now);
        return controller->readings()[wanted[0]];
    }
    Outcome write(const char* name, std::int64_t value) { return controller->write(index(name), value); }
    Outcome release(const char* name) { return controller->release(index(name)); }
    Outcome disown(const char* name) { return controller->disown(index(name)); }
    Outcome rebase(const char* name) { return controller->rebase(index(name)); }
    Outcome fire(const char* name, std::int64_t value) { return controller->fire(index(name), value); }
    std::vector<Restored> restore(const std::string& kept = "") {
        return controller->restore_all([kept](std::size_t i) { return catalogue()[i].name == kept; });
    }

    fs::path folder;
    FakeKernel kernel;
    std::optional<Journal> journal;
    std::optional<Controller> controller;
};

void check(const Outcome& outcome, Kind kind, std::int64_t value) {
    CHECK(static_cast<int>(outcome.kind) == static_cast<int>(kind));
    CHECK(outcome.value == value);
    CHECK(outcome.error.message == "");
}

void check_failed(const Outcome& outcome, const std::string& message, int code) {
    CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::failed));
    CHECK(outcome.error.message == message);
    CHECK(outcome.error.code == code);
}

void check(const std::vector<Restored>& reports, std::size_t at, const char* tunable, Restored::Kind kind,
           std::int64_t from, std::int64_t to) {
    REQUIRE(at < reports.size());
    CHECK(reports[at].tunable == tunable);
    CHECK(static_cast<int>(reports[at].kind) == static_cast<int>(kind));
    CHECK(reports[at].from == from);
    CHECK(reports[at].to == to);
}

}  // namespace

// Reading

TEST_CASE("a tunable never refreshed is not available and still tells its limits") {
    Run run;
    const auto readings = run.controller->readings();
    REQUIRE(readings.size() == catalogue().size());
    for (const Reading& reading : readings) CHECK_FALSE(reading.available);
    CHECK(readings[Run::index("vm.swappiness")].hard_maximum == 200);
    CHECK(readings[Run::index("vm.swappiness")].ceiling == 200);
    CHECK(readings[Run::index("vm.vfs_cache_pressure")].safe_minimum == 1);
    CHECK(readings[Run::index("vm.dirty_bytes")].hard_minimum == static_cast<std::int64_t>(2 * kernel::page_size()));
    CHECK(run.kernel.calls() == 0);
}

TEST_CASE("refresh() reads what is wanted and nothing else") {
    Run run;
    const Reading& reading = run.refresh("vm.swappiness");
    CHECK(reading.available);
    CHECK(reading.error == 0);
    CHECK(reading.value == 60);
    CHECK(reading.boot == 60);
    CHECK_FALSE(reading.ours);
    CHECK_FALSE(reading.kernel_made);
    CHECK(run.kernel.calls() == 1);
    run.kernel.set("vm.swappiness", 70);
    CHECK(run.refresh("vm.swappiness").boot == 70);
}

TEST_CASE("a tunable this kernel lacks is asked for once, one it cannot read each time") {
    Run run;
    run.kernel.remove("vm.compaction_proactiveness");
    const Reading& missing = run.refresh("vm.compaction_proactiveness");
    CHECK_FALSE(missing.available);
    CHECK(missing.error == ENOENT);
    run.refresh("vm.compaction_proactiveness");
    CHECK(run.kernel.calls() == 1);

    run.kernel["vm.swappiness"].read_error = EACCES;
    CHECK_FALSE(run.refresh("vm.swappiness").available);
    CHECK(run.refresh("vm.swappiness").error == EACCES);
    run.kernel["vm.swappiness"].read_error = 0;
    CHECK(run.refresh("vm.swappiness").available);
    CHECK(run.refresh("vm.swappiness").error == 0);
}

TEST_CASE("a trigger is available where its file is, which nobody can read") {
    Run run;
    CHECK(run.refresh("vm.drop_caches").available);
    CHECK(run.refresh("vm.drop_caches").error == 0);
    CHECK(run.kernel.calls() == 1);
    run.kernel.remove("vm.compact_memory");
    CHECK_FALSE(run.refresh("vm.compact_memory").available);
    CHECK(run.refresh("vm.compact_memory").error == ENOENT);
}

TEST_CASE("the watermark tunables are bounded by memory and by what the zones can free") {
    Run run;
    const Reading& min_free = run.refresh("vm.min_free_kbytes");
    CHECK(min_free.safe_minimum == 1024);
    CHECK(min_free.safe_maximum == 150000);  // 5 % of 3000000
    // min * 3/2 stays under 98 % of 520000 pages.
    CHECK(min_free.ceiling == doctest::Approx(0.98 * 520000 / 1.5 * 4).epsilon(0.001));
    CHECK(run.refresh("vm.watermark_scale_factor").ceiling ==
          doctest::Approx((0.98 * 520000 - 16896) / 200).epsilon(0.01));
    CHECK(run.refresh("vm.watermark_scale_factor").safe_maximum == 1000);
}

TEST_CASE("zones are read once a minute, and once a second while what moves their marks is ours") {
    Run run;
    const Instant start{};
    const std::int64_t before = run.refresh("vm.watermark_scale_factor", start).ceiling;
    run.zones(1000000, 20000, 50000);
    CHECK(run.refresh("vm.watermark_scale_factor", start + 59s).ceiling == before);
    const std::int64_t less = run.refresh("vm.watermark_scale_factor", start + 60s).ceiling;
    CHECK(less < before);

    REQUIRE(run.write("vm.watermark_scale_factor", 20).kind == Kind::written);
    run.zones(1000000, 15000, 50000);
    CHECK(run.refresh("vm.watermark_scale_factor", start + 60s + 999ms).ceiling == less);
    CHECK(run.refresh("vm.watermark_scale_factor", start + 61s).ceiling < less);
}

TEST_CASE("the ceiling of one watermark tunable counts with the value of the other") {
    Run run;
    const std::int64_t before = run.refresh("vm.min_free_kbytes").ceiling;
    run.kernel.set("vm.watermark_scale_factor", 2000);
    CHECK(run.refresh("vm.min_free_kbytes").ceiling < before);
}

TEST_CASE("the ceiling is not below the boot value") {
    Run run;
    run.zones(1000000, 100, 0);
    CHECK(run.refresh("vm.min_free_kbytes").ceiling == 67584);
    CHECK(run.refresh("vm.watermark_scale_factor").ceiling == 10);
}

TEST_CASE("where the zones or the memory's size are unknown nothing may be raised") {
    Run run;
    REQUIRE(run.write("vm.watermark_scale_factor", 80).kind == Kind::written);
    SUBCASE("no zoneinfo") {
        fs::remove(run.folder / "proc/zoneinfo");
    }
    SUBCASE("no zone has memory") {
        run.zones(0, 0, 0);
    }
    SUBCASE("no meminfo") {
        fs::remove(run.folder / "proc/meminfo");
    }
    SUBCASE("no MemTotal") {
        run.write_file("proc/meminfo", "MemFree: 1 kB\n");
    }
    run.reopen();
    CHECK(run.refresh("vm.watermark_scale_factor").ceiling == 80);
    CHECK(run.refresh("vm.min_free_kbytes").ceiling == 67584);
    CHECK(run.refresh("vm.min_free_kbytes").safe_maximum == 67584);
}

TEST_CASE("a min_free_kbytes that khugepaged computes is known as the kernel's") {
    Run run;
    run.kernel["sys/kernel/mm/transparent_hugepage/hpage_pmd_size"].value = 2 * mebibyte;
    run.kernel.set("vm.min_free_kbytes", 22528);  // one zone, eleven pageblocks
    CHECK(run.refresh("vm.min_free_kbytes").kernel_made);
    run.kernel.set("vm.min_free_kbytes", 22532);
    CHECK_FALSE(run.refresh("vm.min_free_kbytes").kernel_made);
    run.kernel.set("vm.min_free_kbytes", 7950);  // about sqrt(16 * 4000000)
    CHECK(run.refresh("vm.min_free_kbytes").kernel_made);
    CHECK_FALSE(run.refresh("vm.watermark_scale_factor").kernel_made);
}

// Writing

TEST_CASE("write() announces the value in the journal before the kernel sees it, and settles after") {
    Run run;
    std::string during;
    run.kernel["vm.swappiness"].on_write = [&] { during = run.journal_text(); };
    check(run.write("vm.swappiness", 10), Kind::written, 10);
    CHECK(during == "memtuned-undo 1 boot-1\nvm.swappiness 60 0 60 10\nend\n");
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nvm.swappiness 60 0 10 10\nend\n");
    CHECK(run.kernel.value("vm.swappiness") == 10);

    check(run.write("vm.swappiness", 20), Kind::written, 20);
    CHECK(during == "memtuned-undo 1 boot-1\nvm.swappiness 60 0 10 20\nend\n");
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nvm.swappiness 60 0 20 20\nend\n");

    const Reading& reading = run.refresh("vm.swappiness");
    CHECK(reading.ours);
    CHECK(reading.value == 20);
    CHECK(reading.boot == 60);
}

TEST_CASE("a reading follows a write without a refresh") {
    Run run;
    run.write("vm.swappiness", 10);
    const Reading& reading = run.controller->readings()[Run::index("vm.swappiness")];
    CHECK(reading.value == 10);
    CHECK(reading.boot == 60);
    CHECK(reading.ours);
}

TEST_CASE("a value that is there already is not written, and not ours if it was not before") {
    Run run;
    check(run.write("vm.swappiness", 60), Kind::same, 60);
    CHECK(run.journal->entries().empty());
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
    run.write("vm.swappiness", 10);
    check(run.write("vm.swappiness", 10), Kind::same, 10);
    CHECK(run.refresh("vm.swappiness").ours);
    CHECK(run.kernel.writes().size() == 1);
}

TEST_CASE("a value somebody else put there is not overwritten") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    check(run.write("vm.swappiness", 20), Kind::foreign, 35);
    check(run.write("vm.swappiness", 35), Kind::foreign, 35);
    CHECK(run.kernel.writes().size() == 1);
    CHECK(run.refresh("vm.swappiness").value == 35);
    CHECK(run.refresh("vm.swappiness").ours);
    CHECK(run.refresh("vm.swappiness").boot == 60);
}

TEST_CASE("take_back() writes over what somebody else put there, and the boot value stays what it was") {
    Run run;
    const std::size_t i = Run::index("vm.swappiness");
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    check(run.controller->take_back(i, 10), Kind::written, 10);
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nvm.swappiness 60 0 10 10\nend\n");
    check(run.write("vm.swappiness", 20), Kind::written, 20);
    check(run.release("vm.swappiness"), Kind::written, 60);

    // Without a claim it is a write.
    check(run.controller->take_back(i, 30), Kind::written, 30);
    CHECK(run.refresh("vm.swappiness").boot == 60);
}

TEST_CASE("a take_back() that does not come about leaves theirs foreign") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    const auto take_back = [&run] { return run.controller->take_back(Run::index("vm.swappiness"), 20); };
    SUBCASE("the kernel fails it") {
        run.kernel["vm.swappiness"].write_error = EIO;
        check_failed(take_back(), "vm.swappiness: cannot write 20: Input/output error", EIO);
        run.kernel["vm.swappiness"].write_error = 0;
        check(run.write("vm.swappiness", 20), Kind::foreign, 35);
    }
    SUBCASE("the process is killed before") {
        run.kernel["vm.swappiness"].on_write = [] { throw FakeKernel::Crash{}; };
        CHECK_THROWS_AS(take_back(), FakeKernel::Crash);
        run.kernel["vm.swappiness"].on_write = nullptr;
    }
    run.reopen();
    check(run.restore(), 0, "vm.swappiness", Restored::Kind::foreign, 35, 60);
    CHECK(run.kernel.value("vm.swappiness") == 35);
}

TEST_CASE("what the kernel made of a value is what counts as ours") {
    Run run;
    run.kernel["vm.min_free_kbytes"].rounded_to = 1000;
    check(run.write("vm.min_free_kbytes", 70500), Kind::written, 70000);
    check(run.write("vm.min_free_kbytes", 72000), Kind::written, 72000);
    check(run.release("vm.min_free_kbytes"), Kind::written, 67584);
}

TEST_CASE("a value out of range is refused without asking the kernel") {
    Run run;
    check_failed(run.write("vm.swappiness", 201), "vm.swappiness: 201 is not within 0 and 200", ERANGE);
    check_failed(run.write("vm.swappiness", -1), "vm.swappiness: -1 is not within 0 and 200", ERANGE);
    CHECK(run.kernel.writes().empty());
    CHECK(run.journal->entries().empty());
}

TEST_CASE("a value an older kernel refuses lowers the hard maximum for this run") {
    Run run;
    run.kernel["vm.swappiness"].maximum = 100;
    check_failed(run.write("vm.swappiness", 180),
                 "vm.swappiness: cannot write 180: Invalid argument; taking 100 as this kernel's maximum", EINVAL);
    CHECK(run.journal->entries().empty());
    const Reading& reading = run.refresh("vm.swappiness");
    CHECK(reading.hard_maximum == 100);
    CHECK(reading.safe_maximum == 100);
    CHECK(reading.ceiling == 100);
    CHECK_FALSE(reading.ours);
    check_failed(run.write("vm.swappiness", 180), "vm.swappiness: 180 is not within 0 and 100", ERANGE);
    check(run.write("vm.swappiness", 100), Kind::written, 100);

    run.kernel["vm.page-cluster"].maximum = 4;
    check_failed(run.write("vm.page-cluster", 5), "vm.page-cluster: cannot write 5: Invalid argument", EINVAL);
    CHECK(run.refresh("vm.page-cluster").hard_maximum == 31);
}

TEST_CASE("a write the kernel fails leaves the books as they were") {
    Run run;
    run.kernel["vm.swappiness"].write_error = EROFS;
    check_failed(run.write("vm.swappiness", 10), "vm.swappiness: cannot write 10: Read-only file system", EROFS);
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nend\n");
    CHECK_FALSE(run.refresh("vm.swappiness").ours);

    run.kernel["vm.swappiness"].write_error = 0;
    run.write("vm.swappiness", 10);
    run.kernel["vm.swappiness"].write_error = EIO;
    const Outcome outcome = run.write("vm.swappiness", 20);
    check_failed(outcome, "vm.swappiness: cannot write 20: Input/output error", EIO);
    CHECK(outcome.value == 10);
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nvm.swappiness 60 0 10 10\nend\n");
}

TEST_CASE("a write without effect is a failure") {
    Run run;
    run.kernel["vm.swappiness"].deaf = true;
    check_failed(run.write("vm.swappiness", 10), "vm.swappiness: wrote 10, but it still holds 60", EIO);
    CHECK(run.journal->entries().empty());
}

TEST_CASE("a tunable that cannot be read is not written") {
    Run run;
    run.kernel["vm.swappiness"].read_error = EIO;
    check_failed(run.write("vm.swappiness", 10), "proc/sys/vm/swappiness: Input/output error", EIO);
    check_failed(run.release("vm.swappiness"), "proc/sys/vm/swappiness: Input/output error", EIO);
    check_failed(run.rebase("vm.swappiness"), "proc/sys/vm/swappiness: Input/output error", EIO);
    CHECK(run.kernel.writes().empty());
}

TEST_CASE("without a journal nothing is written to the kernel") {
    Run run;
    run.break_journal();
    check_failed(run.write("vm.swappiness", 10),
                 "vm.swappiness: not written, as the undo journal failed: " + run.journal_error(), EEXIST);
    CHECK(run.kernel.writes().empty());
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
    run.mend_journal();
    check(run.write("vm.swappiness", 10), Kind::written, 10);
}

TEST_CASE("a journal that fails after the kernel's write is told, and nothing is lost") {
    Run run;
    run.kernel["vm.swappiness"].on_write = [&] { run.break_journal(); };
    const Outcome outcome = run.write("vm.swappiness", 10);
    CHECK(outcome.kind == Kind::written);
    CHECK(outcome.value == 10);
    CHECK(outcome.error.message == run.journal_error());
    CHECK(run.refresh("vm.swappiness").ours);
    run.mend_journal();
    run.kernel["vm.swappiness"].on_write = nullptr;
    check(run.write("vm.swappiness", 20), Kind::written, 20);
    run.reopen();
    check(run.restore(), 0, "vm.swappiness", Restored::Kind::restored, 20, 60);
}

TEST_CASE("a watermark is raised no further than the zones allow at that moment") {
    Run run;
    run.refresh("vm.watermark_scale_factor");
    run.zones(1000000, 20000, 50000);
    const Outcome outcome = run.write("vm.watermark_scale_factor", 600);
    CHECK(outcome.kind == Kind::written);
    CHECK(outcome.value == doctest::Approx((0.98 * 70000 - 16896) / 200).epsilon(0.01));

    run.zones(1000000, 20000, 30000);
    const Outcome lower = run.write("vm.watermark_scale_factor", 600);
    CHECK(lower.kind == Kind::written);
    CHECK(lower.value < outcome.value);

    run.zones(1000000, 100, 0);
    check(run.write("vm.watermark_scale_factor", 600), Kind::written, 10);
    check(run.write("vm.min_free_kbytes", 70000), Kind::same, 67584);
    check(run.write("vm.min_free_kbytes", 60000), Kind::written, 60000);
}

TEST_CASE("a watermark is lowered but not raised where the zones are unknown") {
    Run run;
    run.write("vm.watermark_scale_factor", 100);
    fs::remove(run.folder / "proc/zoneinfo");
    run.reopen();
    check_failed(run.write("vm.watermark_scale_factor", 110),
                 "vm.watermark_scale_factor: not raised to 110, as the watermarks cannot be foreseen: "
                 "proc/zoneinfo: No such file or directory",
                 ENOENT);
    check(run.write("vm.watermark_scale_factor", 90), Kind::written, 90);
    check(run.release("vm.watermark_scale_factor"), Kind::written, 10);
}

// Giving back

TEST_CASE("release() puts the boot value back and ends the claim") {
    Run run;
    run.write("vm.swappiness", 10);
    run.write("vm.swappiness", 20);
    check(run.release("vm.swappiness"), Kind::written, 60);
    CHECK(run.kernel.value("vm.swappiness") == 60);
    CHECK(run.journal->entries().empty());
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
    check(run.release("vm.swappiness"), Kind::same, 60);
    CHECK(run.kernel.writes().size() == 3);
}

TEST_CASE("release() leaves a foreign value and ends the claim") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    check(run.release("vm.swappiness"), Kind::foreign, 35);
    CHECK(run.kernel.value("vm.swappiness") == 35);
    CHECK(run.journal->entries().empty());
    CHECK(run.refresh("vm.swappiness").boot == 35);
}

TEST_CASE("release() of what somebody put back already has nothing to do") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 60);
    check(run.release("vm.swappiness"), Kind::same, 60);
    CHECK(run.journal->entries().empty());
    CHECK(run.kernel.writes().size() == 1);
}

TEST_CASE("a release() that fails can be tried again") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel["vm.swappiness"].write_error = EIO;
    check_failed(run.release("vm.swappiness"), "vm.swappiness: cannot write 60: Input/output error", EIO);
    run.kernel["vm.swappiness"].write_error = 0;
    run.kernel["vm.swappiness"].deaf = true;
    check_failed(run.release("vm.swappiness"), "vm.swappiness: wrote 60, but it still holds 10", EIO);
    CHECK(run.refresh("vm.swappiness").ours);
    run.kernel["vm.swappiness"].deaf = false;
    check(run.release("vm.swappiness"), Kind::written, 60);

    run.write("vm.swappiness", 10);
    run.break_journal();
    const Outcome outcome = run.release("vm.swappiness");
    CHECK(outcome.kind == Kind::written);
    CHECK(outcome.value == 60);
    CHECK(outcome.error.message == run.journal_error());
    CHECK(run.refresh("vm.swappiness").ours);
    run.mend_journal();
    check(run.release("vm.swappiness"), Kind::same, 60);
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
}

TEST_CASE("a boot value beyond our limits is put back all the same") {
    Run run;
    run.kernel["vm.zone_reclaim_mode"].maximum = 100;
    run.kernel.set("vm.zone_reclaim_mode", 8);
    run.write("vm.zone_reclaim_mode", 0);
    check(run.release("vm.zone_reclaim_mode"), Kind::written, 8);
}

TEST_CASE("disown() leaves the value and ends the claim") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    check(run.disown("vm.swappiness"), Kind::same, 35);
    CHECK(run.journal->entries().empty());
    const Reading& reading = run.controller->readings()[Run::index("vm.swappiness")];
    CHECK_FALSE(reading.ours);
    CHECK(reading.boot == 35);
    CHECK(run.restore().empty());
    check(run.disown("vm.swappiness"), Kind::same, 35);
    check(run.write("vm.swappiness", 10), Kind::written, 10);
    check(run.release("vm.swappiness"), Kind::written, 35);
}

TEST_CASE("rebase() takes what is found for the boot value and keeps watch over it") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    check(run.rebase("vm.swappiness"), Kind::same, 35);
    CHECK(run.refresh("vm.swappiness").ours);
    CHECK(run.refresh("vm.swappiness").boot == 35);
    run.kernel.set("vm.swappiness", 36);
    check(run.write("vm.swappiness", 10), Kind::foreign, 36);
    run.rebase("vm.swappiness");
    check(run.write("vm.swappiness", 10), Kind::written, 10);
    check(run.release("vm.swappiness"), Kind::written, 36);
    check(run.rebase("vm.swappiness"), Kind::same, 36);
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
}

TEST_CASE("disown() and rebase() say when the journal fails") {
    Run run;
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    run.break_journal();
    check_failed(run.disown("vm.swappiness"), run.journal_error(), EEXIST);
    check_failed(run.rebase("vm.swappiness"), run.journal_error(), EEXIST);
    CHECK(run.refresh("vm.swappiness").ours);
}

// Twins

TEST_CASE("a twin that was not in force is given back by writing the other") {
    Run run;
    check(run.write("vm.dirty_bytes", 24 * mebibyte), Kind::written, 24 * mebibyte);
    CHECK(run.kernel.value("vm.dirty_ratio") == 0);
    check(run.write("vm.dirty_bytes", 48 * mebibyte), Kind::written, 48 * mebibyte);
    CHECK(run.journal->find("vm.dirty_bytes")->twin_boot == 20);
    check(run.release("vm.dirty_bytes"), Kind::written, 0);
    CHECK(run.kernel.value("vm.dirty_bytes") == 0);
    CHECK(run.kernel.value("vm.dirty_ratio") == 20);
    CHECK(run.kernel.writes().back() == FakeKernel::Write{"proc/sys/vm/dirty_ratio", 20});
}

TEST_CASE("a ratio written over bytes is given back as bytes") {
    Run run;
    run.kernel.set("vm.dirty_background_bytes", 8 * mebibyte);
    run.write("vm.dirty_background_ratio", 5);
    check(run.release("vm.dirty_background_ratio"), Kind::written, 0);
    CHECK(run.kernel.value("vm.dirty_background_bytes") == 8 * mebibyte);
}

TEST_CASE("a twin that was in force is given back by itself") {
    Run run;
    run.kernel.set("vm.dirty_bytes", 100 * mebibyte);
    run.write("vm.dirty_bytes", 24 * mebibyte);
    check(run.release("vm.dirty_bytes"), Kind::written, 100 * mebibyte);
    CHECK(run.kernel.value("vm.dirty_ratio") == 0);
    run.kernel.set("vm.dirty_ratio", 20);
    run.write("vm.dirty_ratio", 30);
    check(run.release("vm.dirty_ratio"), Kind::written, 20);
}

TEST_CASE("twins that were both 0 become both 0 again") {
    Run run;
    run.kernel.set("vm.dirty_ratio", 0);
    run.write("vm.dirty_bytes", 24 * mebibyte);
    check(run.release("vm.dirty_bytes"), Kind::written, 0);
    CHECK(run.kernel.value("vm.dirty_ratio") == 0);
    run.write("vm.dirty_ratio", 30);
    check(run.release("vm.dirty_ratio"), Kind::written, 0);
    CHECK(run.kernel.value("vm.dirty_bytes") == 0);
}

TEST_CASE("a claim passes from a twin to the other with the boot values of both") {
    Run run;
    run.write("vm.dirty_bytes", 24 * mebibyte);
    check(run.write("vm.dirty_ratio", 30), Kind::written, 30);
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nvm.dirty_ratio 20 0 30 30\nend\n");
    CHECK_FALSE(run.refresh("vm.dirty_bytes").ours);
    check(run.write("vm.dirty_bytes", 24 * mebibyte), Kind::written, 24 * mebibyte);
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nvm.dirty_bytes 0 20 25165824 25165824\nend\n");
    check(run.release("vm.dirty_bytes"), Kind::written, 0);
    CHECK(run.kernel.value("vm.dirty_ratio") == 20);
}

TEST_CASE("somebody writing a twin makes the other foreign, and theirs is what is given back later") {
    Run run;
    run.write("vm.dirty_bytes", 24 * mebibyte);
    run.kernel.set("vm.dirty_ratio", 15);
    check(run.write("vm.dirty_bytes", 48 * mebibyte), Kind::foreign, 0);
    check(run.write("vm.dirty_ratio", 10), Kind::written, 10);
    check(run.release("vm.dirty_ratio"), Kind::written, 15);
    CHECK(run.journal->entries().empty());

    run.write("vm.dirty_bytes", 24 * mebibyte);
    run.kernel.set("vm.dirty_ratio", 12);
    run.rebase("vm.dirty_bytes");
    run.write("vm.dirty_bytes", 48 * mebibyte);
    run.release("vm.dirty_bytes");
    CHECK(run.kernel.value("vm.dirty_ratio") == 12);
}

TEST_CASE("a ratio written over bytes that are not ours any more is given back as these") {
    Run run;
    run.write("vm.dirty_bytes", 24 * mebibyte);
    run.kernel.set("vm.dirty_bytes", 99 * mebibyte);
    check(run.write("vm.dirty_ratio", 30), Kind::written, 30);
    check(run.release("vm.dirty_ratio"), Kind::written, 0);
    CHECK(run.kernel.value("vm.dirty_bytes") == 99 * mebibyte);
}

TEST_CASE("a twin that cannot be read stops the write") {
    Run run;
    run.kernel["vm.dirty_ratio"].read_error = EIO;
    check_failed(run.write("vm.dirty_bytes", 24 * mebibyte), "proc/sys/vm/dirty_ratio: Input/output error", EIO);
    CHECK(run.kernel.writes().empty());
}

// Observing

TEST_CASE("observe mode shows what it would have done and does nothing") {
    Run run(Mode::observe);
    CHECK(run.controller->mode() == Mode::observe);
    check(run.write("vm.swappiness", 10), Kind::observed, 10);
    CHECK(run.refresh("vm.swappiness").value == 10);
    CHECK(run.refresh("vm.swappiness").boot == 60);
    CHECK(run.refresh("vm.swappiness").ours);
    check(run.write("vm.swappiness", 10), Kind::same, 10);
    check(run.write("vm.swappiness", 20), Kind::observed, 20);
    check(run.write("vm.dirty_bytes", 24 * mebibyte), Kind::observed, 24 * mebibyte);
    check(run.write("vm.swappiness", 60), Kind::observed, 60);
    check(run.release("vm.swappiness"), Kind::same, 60);
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
    check(run.release("vm.dirty_bytes"), Kind::observed, 0);
    check(run.fire("vm.drop_caches", 1), Kind::observed, 1);
    check_failed(run.write("vm.swappiness", 201), "vm.swappiness: 201 is not within 0 and 200", ERANGE);
    CHECK(run.controller->finished().empty());
    CHECK(run.kernel.writes().empty());
    CHECK(run.journal->entries().empty());
    CHECK_FALSE(fs::exists(run.folder / "undo"));
}

TEST_CASE("in observe mode an outside change shows as it is, until disowned, rebased, taken back or released") {
    Run run(Mode::observe);
    run.write("vm.swappiness", 10);
    run.kernel.set("vm.swappiness", 35);
    CHECK(run.refresh("vm.swappiness").value == 35);
    CHECK(run.refresh("vm.swappiness").ours);
    check(run.write("vm.swappiness", 20), Kind::foreign, 35);
    SUBCASE("disowned") {
        check(run.disown("vm.swappiness"), Kind::same, 35);
        CHECK_FALSE(run.refresh("vm.swappiness").ours);
    }
    SUBCASE("rebased") {
        check(run.rebase("vm.swappiness"), Kind::same, 35);
        CHECK(run.refresh("vm.swappiness").ours);
        CHECK(run.refresh("vm.swappiness").boot == 35);
        check(run.write("vm.swappiness", 20), Kind::observed, 20);
        check(run.release("vm.swappiness"), Kind::observed, 35);
    }
    SUBCASE("taken back") {
        check(run.controller->take_back(Run::index("vm.swappiness"), 20), Kind::observed, 20);
        CHECK(run.refresh("vm.swappiness").value == 20);
        CHECK(run.refresh("vm.swappiness").boot == 60);
    }
    SUBCASE("released") {
        check(run.release("vm.swappiness"), Kind::foreign, 35);
        CHECK_FALSE(run.refresh("vm.swappiness").ours);
    }
    CHECK(run.kernel.writes().empty());
}

TEST_CASE("observe mode keeps to the ceiling as well") {
    Run run(Mode::observe);
    run.zones(1000000, 20000, 50000);
    const Outcome outcome = run.write("vm.watermark_scale_factor", 600);
    CHECK(outcome.kind == Kind::observed);
    CHECK(outcome.value == doctest::Approx((0.98 * 70000 - 16896) / 200).epsilon(0.01));
}

TEST_CASE("shadows end with observe mode, and what was ours before is ours again") {
    Run run;
    run.write("vm.swappiness", 10);
    run.controller->set_mode(Mode::observe);
    CHECK_FALSE(run.refresh("vm.swappiness").ours);
    check(run.write("vm.swappiness", 20), Kind::observed, 20);
    run.controller->set_mode(Mode::enforce);
    CHECK(run.refresh("vm.swappiness").ours);
    CHECK(run.refresh("vm.swappiness").value == 10);
    CHECK(run.refresh("vm.swappiness").boot == 60);
    check(run.release("vm.swappiness"), Kind::written, 60);
}

TEST_CASE("observe mode puts back what an enforcing run left") {
    Run run;
    run.write("vm.swappiness", 10);
    run.reopen(Mode::observe);
    check(run.restore(), 0, "vm.swappiness", Restored::Kind::restored, 10, 60);
    CHECK(run.kernel.value("vm.swappiness") == 60);
}

// Restoring

TEST_CASE("restore_all() puts back what a crashed run left, newest first") {
    Run run;
    run.write("vm.swappiness", 10);
    run.write("vm.dirty_bytes", 24 * mebibyte);
    run.write("vm.page-cluster", 0);
    run.write("vm.vfs_cache_pressure", 50);
    run.kernel.set("vm.page-cluster", 5);
    run.reopen();
    const auto reports = run.restore("vm.vfs_cache_pressure");
    REQUIRE(reports.size() == 4);
    check(reports, 0, "vm.vfs_cache_pressure", Restored::Kind::kept, 50, 100);
    check(reports, 1, "vm.page-cluster", Restored::Kind::foreign, 5, 3);
    check(reports, 2, "vm.dirty_bytes", Restored::Kind::restored, 24 * mebibyte, 0);
    check(reports, 3, "vm.swappiness", Restored::Kind::restored, 10, 60);
    CHECK(run.kernel.value("vm.swappiness") == 60);
    CHECK(run.kernel.value("vm.dirty_ratio") == 20);
    CHECK(run.kernel.value("vm.page-cluster") == 5);
    CHECK(run.kernel.value("vm.vfs_cache_pressure") == 50);
    CHECK(run.journal_text() == "memtuned-undo 1 boot-1\nend\n");
    CHECK(run.restore().empty());
}

TEST_CASE("a crash between the journal and the kernel is undone whichever of them saw the value") {
    Run run;
    run.write("vm.swappiness", 10);
    SUBCASE("the kernel did not") {
        run.kernel["vm.swappiness"].on_write = [] { throw FakeKernel::Crash{}; };
    }
    SUBCASE("the kernel did") {
        run.kernel.crash_after_call(2);
    }
    CHECK_THROWS_AS(run.write("vm.swappiness", 20), FakeKernel::Crash);
    run.kernel["vm.swappiness"].on_write = nullptr;
    const std::int64_t held = run.kernel.value("vm.swappiness");
    run.reopen();
    check(run.restore(), 0, "vm.swappiness", Restored::Kind::restored, held, 60);
    CHECK(run.kernel.value("vm.swappiness") == 60);
}

TEST_CASE("what cannot be restored stays in the journal for the next try") {
    Run run;
    run.write("vm.swappiness", 10);
    run.write("vm.page-cluster", 0);
    run.kernel["vm.page-cluster"].write_error = EIO;
    run.kernel["vm.swappiness"].read_error = EIO;
    run.reopen();
    auto reports = run.restore();
    check(reports, 0, "vm.page-cluster", Restored::Kind::failed, 0, 3);
    CHECK(reports[0].error.message == "vm.page-cluster: cannot write 3: Input/output error");
    check(reports, 1, "vm.swappiness", Restored::Kind::failed, 0, 60);
    CHECK(reports[1].error.message == "proc/sys/vm/swappiness: Input/output error");
    CHECK(run.journal->entries().size() == 2);

    run.kernel["vm.page-cluster"].write_error = run.kernel["vm.swappiness"].read_error = 0;
    run.break_journal();
    reports = run.restore();
    check(reports, 0, "vm.page-cluster", Restored::Kind::restored, 0, 3);
    CHECK(reports[0].error.message == run.journal_error());
    run.mend_journal();
    check(run.restore(), 1, "vm.swappiness", Restored::Kind::restored, 60, 60);
    CHECK(run.journal->entries().empty());
}

TEST_CASE("an entry of a tunable unknown here is reported and stays") {
    Run run;
    REQUIRE(run.journal->put({"vm.of_the_future", 1, 0, 2, 2}));
    const auto reports = run.controller->restore_all(nullptr);
    check(reports, 0, "vm.of_the_future", Restored::Kind::failed, 0, 1);
    CHECK(reports[0].error.message == "vm.of_the_future: not a tunable that this memtuned knows");
    CHECK(run.journal->entries().size() == 1);
}

TEST_CASE("what a crashed run left and nobody restored is still ours") {
    Run run;
    run.write("vm.swappiness", 10);
    run.reopen();
    CHECK(run.refresh("vm.swappiness").ours);
    CHECK(run.refresh("vm.swappiness").boot == 60);
    check(run.write("vm.swappiness", 20), Kind::written, 20);
    check(run.release("vm.swappiness"), Kind::written, 60);
}

// Every call of a whole run

namespace {

/// Writes, rewrites, passes a claim between twins, meets outside changes, releases, restores. 5 and 7 are theirs.
void live(Run& run) {
    static const std::size_t all[] = {Run::index("vm.swappiness"), Run::index("vm.min_free_kbytes"),
                                      Run::index("vm.watermark_scale_factor"), Run::index("vm.dirty_bytes")};
    run.controller->refresh(all, Instant{});
    run.write("vm.swappiness", 10);
    run.write("vm.min_free_kbytes", 80000);
    run.write("vm.watermark_scale_factor", 80);
    run.write("vm.dirty_bytes", 24 * mebibyte);
    run.write("vm.dirty_background_bytes", 8 * mebibyte);
    run.write("vm.page-cluster", 0);
    run.write("vm.swappiness", 20);
    run.kernel.set("vm.page-cluster", 5);
    run.kernel.set("vm.dirty_background_ratio", 7);
    run.write("vm.page-cluster", 1);
    run.write("vm.dirty_ratio", 30);
    run.controller->refresh(all, Instant{} + 2s);
    run.release("vm.swappiness");
    run.write("vm.dirty_bytes", 48 * mebibyte);
    run.write("vm.swappiness", 30);
    run.release("vm.watermark_scale_factor");
    run.write("vm.vfs_cache_pressure", 50);
    run.restore();
}

/// Where outside changes came before the crash they are there, else the boot value.
void check_all_put_back(const Run& run, bool to_the_end) {
    CHECK(run.kernel.value("vm.swappiness") == 60);
    CHECK(run.kernel.value("vm.min_free_kbytes") == 67584);
    CHECK(run.kernel.value("vm.watermark_scale_factor") == 10);
    CHECK(run.kernel.value("vm.dirty_bytes") == 0);
    CHECK(run.kernel.value("vm.dirty_ratio") == 20);
    CHECK(run.kernel.value("vm.vfs_cache_pressure") == 100);
    CHECK(run.kernel.value("vm.dirty_background_bytes") == 0);
    const std::int64_t cluster = run.kernel.value("vm.page-cluster");
    const std::int64_t background = run.kernel.value("vm.dirty_background_ratio");
    if (to_the_end) {
        CHECK(cluster == 5);
        CHECK(background == 7);
    } else {
        CHECK(((cluster == 3 && background == 10) || (cluster == 5 && background == 7)));
    }
    CHECK(run.journal->entries().empty());
}

int calls_of_a_life() {
    Run run;
    live(run);
    check_all_put_back(run, true);
    CHECK(run.kernel.writes().size() > 12);
    return run.kernel.calls();
}

}  // namespace

TEST_CASE("whichever call fails, in the end every tunable holds its boot value or somebody else's") {
    const int calls = calls_of_a_life();
    CHECK(calls > 50);
    for (const int error : {EIO, EINVAL, ENOENT}) {
        for (int n = 1; n <= calls; ++n) {
            CAPTURE(error);
            CAPTURE(n);
            Run run;
            run.kernel.fail_call(n, error);
            live(run);
            run.kernel.no_plan();
            run.reopen();
            run.restore();
            check_all_put_back(run, true);
        }
    }
}

TEST_CASE("wherever the process is killed, the next one finds the way back") {
    const int calls = calls_of_a_life();
    for (const bool before : {true, false}) {
        for (int n = 1; n <= calls; ++n) {
            CAPTURE(before);
            CAPTURE(n);
            Run run;
            before ? run.kernel.crash_before_call(n) : run.kernel.crash_after_call(n);
            bool crashed = false;
            try {
                live(run);
            } catch (const FakeKernel::Crash&) {
                crashed = true;
            }
            run.kernel.no_plan();
            run.reopen();
            run.restore();
            check_all_put_back(run, !crashed);
        }
    }
}

TEST_CASE("from whichever call on the journal fails, in the end everything is put back") {
    const int calls = calls_of_a_life();
    for (int n = 1; n <= calls; ++n) {
        CAPTURE(n);
        Run run;
        run.kernel.on_call = [&](int call) {
            if (call == n) run.break_journal();
        };
        live(run);
        run.kernel.on_call = nullptr;
        run.mend_journal();
        run.reopen();
        run.restore();
        check_all_put_back(run, true);
    }
}

TEST_CASE("a journal that fails for one call only costs nothing but that call") {
    const int calls = calls_of_a_life();
    for (int n = 1; n <= calls; ++n) {
        CAPTURE(n);
        Run run;
        run.kernel.on_call = [&](int call) {
            if (call == n) run.break_journal();
            if (call == n + 1) run.mend_journal();
        };
        live(run);
        run.kernel.on_call = nullptr;
        run.mend_journal();
        run.reopen();
        run.restore();
        check_all_put_back(run, true);
    }
}

// Triggers

namespace {

bool wait_readable(int fd) {
    pollfd wait{fd, POLLIN, 0};
    return ::poll(&wait, 1, 10000) == 1 && (wait.revents & POLLIN) != 0;
}

bool is_readable(int fd) {
    pollfd look{fd, POLLIN, 0};
    return ::poll(&look, 1, 0) == 1;
}

}  // namespace

TEST_CASE("a trigger runs on its own thread and tells its end through the descriptor") {
    Run run;
    std::promise<void> go;
    std::thread::id writer;
    run.kernel["vm.drop_caches"].on_write = [&] {
        writer = std::this_thread::get_id();
        go.get_future().wait();
    };
    check(run.fire("vm.drop_caches", 3), Kind::started, 3);
    CHECK(run.controller->finished().empty());
    CHECK_FALSE(is_readable(run.controller->finished_fd()));
    check_failed(run.fire("vm.drop_caches", 3), "vm.drop_caches: the last one still runs: Device or resource busy",
                 EBUSY);
    check(run.write("vm.swappiness", 10), Kind::written, 10);

    go.set_value();
    REQUIRE(wait_readable(run.controller->finished_fd()));
    const auto finished = run.controller->finished();
    REQUIRE(finished.size() == 1);
    CHECK(finished[0].trigger == Run::index("vm.drop_caches"));
    CHECK(finished[0].value == 3);
    CHECK(finished[0].took > 0ns);
    CHECK(finished[0].status);
    CHECK((writer != std::this_thread::get_id()));
    CHECK_FALSE(is_readable(run.controller->finished_fd()));
    CHECK(run.journal->find("vm.drop_caches") == nullptr);

    run.kernel["vm.drop_caches"].on_write = nullptr;
    check(run.fire("vm.compact_memory", 1), Kind::started, 1);
    REQUIRE(wait_readable(run.controller->finished_fd()));
    CHECK(run.controller->finished().size() == 1);
}

TEST_CASE("another trigger waits until the one that runs has ended, and is not lost") {
    Run run;
    std::promise<void> go;
    run.kernel["vm.drop_caches"].on_write = [&] { go.get_future().wait(); };
    check(run.fire("vm.drop_caches", 1), Kind::started, 1);
    check(run.fire("vm.compact_memory", 1), Kind::started, 1);
    check_failed(run.fire("vm.compact_memory", 1),
                 "vm.compact_memory: the last one still runs: Device or resource busy", EBUSY);

    go.set_value();
    std::vector<Controller::Finished> finished;
    while (finished.size() < 2) {
        REQUIRE(wait_readable(run.controller->finished_fd()));
        for (Controller::Finished& one : run.controller->finished()) finished.push_back(std::move(one));
    }
    CHECK(finished[0].trigger == Run::index("vm.drop_caches"));
    CHECK(finished[1].trigger == Run::index("vm.compact_memory"));
    CHECK(finished[1].status);
}

TEST_CASE("a trigger's failure is told at its end") {
    Run run;
    run.kernel["vm.compact_memory"].write_error = EINVAL;
    check(run.fire("vm.compact_memory", 1), Kind::started, 1);
    REQUIRE(wait_readable(run.controller->finished_fd()));
    const auto finished = run.controller->finished();
    REQUIRE(finished.size() == 1);
    REQUIRE_FALSE(finished[0].status);
    CHECK(finished[0].status.error().message == "vm.compact_memory: cannot write 1: Invalid argument");
}

TEST_CASE("a trigger's value out of range starts nothing") {
    Run run;
    check_failed(run.fire("vm.drop_caches", 4), "vm.drop_caches: 4 is not within 1 and 3", ERANGE);
    check_failed(run.fire("vm.drop_caches", 0), "vm.drop_caches: 0 is not within 1 and 3", ERANGE);
    check_failed(run.fire("vm.compact_memory", 2), "vm.compact_memory: 2 is not within 1 and 1", ERANGE);
    CHECK(run.kernel.writes().empty());
}

TEST_CASE("the controller's end waits for a trigger that runs") {
    Run run;
    std::promise<void> begun;
    run.kernel["vm.drop_caches"].on_write = [&] {
        begun.set_value();
        std::this_thread::sleep_for(50ms);
    };
    run.fire("vm.drop_caches", 1);
    begun.get_future().wait();
    run.controller.reset();
    CHECK(run.kernel.writes().size() == 1);
}
