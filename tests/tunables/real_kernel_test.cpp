// SPDX-License-Identifier: GPL-2.0-or-later
//
// The controller on the kernel at hand. Only root may write there; every value is put back in the end, whatever
// fails. ctest runs test cases side by side: a lock on the folder of fixtures lets one at the kernel at a time.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "memtuned/kernel/descriptor.hpp"
#include "memtuned/kernel/root.hpp"
#include "memtuned/kernel/sysctl.hpp"
#include "memtuned/tunables/controller.hpp"
#include "tunables/compare_marks.hpp"

using namespace memtuned;
using namespace memtuned::tunables;
using Kind = Outcome::Kind;

namespace {

constexpr std::int64_t mebibyte = 1 << 20;

std::optional<std::string> why_not() {
    if (::geteuid() != 0) return "skipped: only root may write tunables";
    if (::access("/proc/sys/vm/swappiness", W_OK) != 0) return "skipped: /proc/sys is read-only here";
    return std::nullopt;
}

class RealRun {
public:
    RealRun() : lock_(::open(MEMTUNED_FIXTURES, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), files_(kernel::Root("/")) {
        REQUIRE(lock_);
        REQUIRE(::flock(lock_.get(), LOCK_EX) == 0);
        char path[] = "/tmp/memtuned-real-XXXXXX";
        REQUIRE(::mkdtemp(path) != nullptr);
        folder_ = path;
        for (const Tunable& tunable : catalogue())
            if (const auto value = files_.read(tunable.path)) found_[std::string(tunable.path)] = *value;
        reopen();
    }
    ~RealRun() {
        controller.reset();
        // A twin's 0 cannot always be written; the other one's value brings it back.
        for (const auto& [path, value] : found_) {
            const auto now = files_.read(path);
            if ((!now || *now != value) && value != 0) static_cast<void>(files_.write(path, value));
        }
        std::filesystem::remove_all(folder_);
    }
    RealRun(const RealRun&) = delete;
    RealRun& operator=(const RealRun&) = delete;

    /// The next process, after this one ended without a word.
    void reopen() {
        controller.reset();
        journal.emplace(folder_ / "undo", "boot-1");
        REQUIRE(journal->load());
        controller.emplace(kernel::Root("/"), files_, *journal, Mode::enforce);
    }

    std::int64_t read(const char* name) {
        const auto value = files_.read(catalogue()[*find(name)].path);
        REQUIRE(value);
        return *value;
    }
    void check_as_found() {
        for (const auto& found : found_) {
            CAPTURE(found.first);
            const auto now = files_.read(found.first);
            REQUIRE(now);
            CHECK(*now == found.second);
        }
    }

    std::optional<Journal> journal;
    std::optional<Controller> controller;

private:
    kernel::Descriptor lock_;
    std::filesystem::path folder_;
    kernel::ProcSysctls files_;
    std::map<std::string, std::int64_t> found_;
};

/// Writes another value, checks, releases; then writes, "crashes", restores.
void write_and_give_back(const char* name, std::int64_t (*another)(std::int64_t found)) {
    CAPTURE(name);
    RealRun run;
    const std::size_t i = *find(name);
    const std::int64_t found = run.read(name);
    const std::int64_t value = another(found);

    const Outcome written = run.controller->write(i, value);
    CHECK_MESSAGE(written.kind == Kind::written, written.error.message);
    CHECK(written.value == value);
    CHECK(run.read(name) == value);
    const Outcome released = run.controller->release(i);
    CHECK_MESSAGE(released.kind == Kind::written, released.error.message);
    CHECK(run.read(name) == found);
    run.check_as_found();

    CHECK(run.controller->write(i, value).kind == Kind::written);
    run.reopen();
    const auto reports = run.controller->restore_all(nullptr);
    REQUIRE(reports.size() == 1);
    CHECK_MESSAGE(reports[0].kind == Restored::Kind::restored, reports[0].error.message);
    CHECK(reports[0].from == value);
    run.check_as_found();
}

}  // namespace

TEST_SUITE_BEGIN("real kernel");

TEST_CASE("tunables of the running kernel are written and put back") {
    if (const auto why = why_not()) {
        MESSAGE(*why);
        return;
    }
    const auto another_bytes = [](std::int64_t found) {
        return found == 64 * mebibyte ? 65 * mebibyte : 64 * mebibyte;
    };
    SUBCASE("vm.swappiness") {
        write_and_give_back("vm.swappiness", [](std::int64_t found) { return found > 50 ? found - 20 : found + 20; });
    }
    SUBCASE("vm.min_free_kbytes") {
        write_and_give_back("vm.min_free_kbytes", [](std::int64_t found) { return found * 11 / 10; });
    }
    SUBCASE("vm.watermark_scale_factor") {
        write_and_give_back("vm.watermark_scale_factor", [](std::int64_t found) { return found + 5; });
    }
    SUBCASE("vm.dirty_bytes and its twin") {
        write_and_give_back("vm.dirty_bytes", another_bytes);
    }
    SUBCASE("vm.dirty_background_bytes and its twin") {
        write_and_give_back("vm.dirty_background_bytes", another_bytes);
    }
    SUBCASE("vm.dirty_ratio and its twin") {
        write_and_give_back("vm.dirty_ratio", [](std::int64_t found) { return found == 15 ? found + 1 : 15; });
    }
}

TEST_CASE("the running kernel's watermarks are the projected ones, before and after writes") {
    if (const auto why = why_not()) {
        MESSAGE(*why);
        return;
    }
    RealRun run;
    const std::size_t factor = *find("vm.watermark_scale_factor");
    const std::size_t min_free = *find("vm.min_free_kbytes");
    const auto check_marks = [] {
        const auto result = test::compare_running_marks();
        CHECK(result.zones > 0);
        CHECK(result.different == "");
    };
    // The first may be those of an earlier boot stage; the same value written again makes them those of now.
    kernel::ProcSysctls files{kernel::Root("/")};
    REQUIRE(files.write("proc/sys/vm/watermark_scale_factor", run.read("vm.watermark_scale_factor")));
    check_marks();
    CHECK(run.controller->write(factor, run.read("vm.watermark_scale_factor") + 107).kind == Kind::written);
    check_marks();
    CHECK(run.controller->write(min_free, run.read("vm.min_free_kbytes") * 11 / 10 + 3).kind == Kind::written);
    check_marks();
    CHECK(run.controller->release(factor).kind == Kind::written);
    check_marks();
    CHECK(run.controller->release(min_free).kind == Kind::written);
    check_marks();
    run.check_as_found();
}

TEST_CASE("a claim passes between real twins and both come back") {
    if (const auto why = why_not()) {
        MESSAGE(*why);
        return;
    }
    RealRun run;
    const std::size_t bytes = *find("vm.dirty_bytes");
    const std::size_t ratio = *find("vm.dirty_ratio");
    CHECK(run.controller->write(bytes, 77 * mebibyte).kind == Kind::written);
    CHECK(run.read("vm.dirty_ratio") == 0);
    CHECK(run.controller->write(ratio, 17).kind == Kind::written);
    CHECK(run.read("vm.dirty_bytes") == 0);
    CHECK(run.journal->entries().size() == 1);
    CHECK(run.controller->release(ratio).kind != Kind::failed);
    run.check_as_found();
}

TEST_CASE("the running kernel refuses what the catalogue says it refuses") {
    if (const auto why = why_not()) {
        MESSAGE(*why);
        return;
    }
    RealRun run;
    kernel::ProcSysctls files{kernel::Root("/")};
    for (const char* name : {"vm.swappiness", "vm.watermark_scale_factor", "vm.compaction_proactiveness",
                             "vm.page-cluster", "vm.dirty_ratio", "vm.dirty_background_ratio"}) {
        CAPTURE(name);
        const Tunable& tunable = catalogue()[*find(name)];
        if (!files.read(tunable.path)) continue;
        for (const std::int64_t value : {tunable.minimum - 1, tunable.maximum + 1}) {
            const auto status = files.write(tunable.path, value);
            REQUIRE_FALSE(status);
            CHECK(status.error().code == EINVAL);
        }
    }
    CHECK_FALSE(files.write("proc/sys/vm/dirty_bytes", 4096));
    CHECK_FALSE(files.write("proc/sys/vm/dirty_bytes", 0));
    CHECK_FALSE(files.write("proc/sys/vm/dirty_background_bytes", 0));
    CHECK_FALSE(files.write("proc/sys/vm/min_free_kbytes", -1));
    run.check_as_found();
}

TEST_SUITE_END();
