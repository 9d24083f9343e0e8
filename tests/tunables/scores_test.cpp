// SPDX-License-Identifier: GPL-2.0-or-later
//
// The oom_score_adj of units, through the controller, with a clock moved by hand.
#include <doctest/doctest.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "memtuned/kernel/units.hpp"
#include "memtuned/tunables/controller.hpp"
#include "support/allocations.hpp"
#include "support/fake_kernel.hpp"
#include "support/fake_processes.hpp"

using namespace memtuned;
using namespace memtuned::tunables;
using namespace std::chrono_literals;
using test::FakeProcesses;
using Call = FakeProcesses::Call;
using Kind = Outcome::Kind;
namespace fs = std::filesystem;

namespace {

const std::string a = "/system.slice/a.service";
const std::string b = "/system.slice/b.service";
const std::string elsewhere = "/system.slice/c.service";
constexpr int least = -1000;
constexpr int most = 1000;

/// A run of memtuned on processes that outlive it; reopen() is the next one, however this one ended.
class Run {
public:
    explicit Run(Mode mode = Mode::enforce) {
        // In memory, as /run is: with fsync() on a disk these tests take ten times as long.
        std::string path = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        path += "/memtuned-scores-XXXXXX";
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        folder = path;
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
        units.emplace(processes.tree.root());
        REQUIRE(units->start());
        journal.emplace(folder / "undo", "boot-1");
        REQUIRE(journal->load());
        controller.emplace(processes.tree.root(), files, *journal, mode);
        controller->look_after(*units, processes);
        controller->meet_units();
        met = units->version();
    }

    /// What the daemon does each tick before it decides anything.
    void tick(Duration passed = 100ms) {
        processes.now += passed;
        units->refresh(processes.now);
        if (std::exchange(met, units->version()) != units->version()) controller->meet_units();
        controller->keep_up(processes.now);
        for (Note& note : controller->take_notes()) notes.push_back(std::move(note));
    }
    /// Long enough for every process to be looked at, as long as they are few.
    void tick_long() {
        tick(3s);
        tick(1s);
    }
    /// Processes that were there long before memtuned.
    void settle() { tick(10s); }

    std::size_t tunable(const std::string& unit) const {
        const auto place = units->find(unit);
        REQUIRE_MESSAGE(place, unit);
        return of_unit(*place);
    }
    UnitOrder make(UnitOrder::Kind kind, const std::string& unit, int value = 0, int low = 0, int high = 0) const {
        return {kind, tunable(unit), value, low, high};
    }
    Outcome order(const UnitOrder& one) {
        const auto outcomes = controller->order(std::span(&one, 1), processes.now);
        REQUIRE(outcomes.size() == 1);
        return outcomes.front();
    }
    Outcome exact(const std::string& unit, int value) {
        return order(make(UnitOrder::Kind::write, unit, value, value, value));
    }
    Outcome at_least(const std::string& unit, int low, int value) {
        return order(make(UnitOrder::Kind::write, unit, value, low, most));
    }
    Outcome at_most(const std::string& unit, int high, int value) {
        return order(make(UnitOrder::Kind::write, unit, value, least, high));
    }
    Outcome take_back(const std::string& unit, int value) {
        return order(make(UnitOrder::Kind::take_back, unit, value, value, value));
    }
    Outcome release(const std::string& unit) { return order(make(UnitOrder::Kind::release, unit)); }
    Outcome disown(const std::string& unit) { return order(make(UnitOrder::Kind::disown, unit)); }
    Outcome rebase(const std::string& unit) { return order(make(UnitOrder::Kind::rebase, unit)); }
    std::vector<Restored> restore(bool keep = false) {
        return controller->restore_all([keep](std::size_t) { return keep; });
    }

    Reading reading(const std::string& unit) {
        const std::size_t wanted[] = {tunable(unit)};
        controller->refresh(wanted, processes.now);
        return controller->readings()[wanted[0]];
    }
    int held(pid_t pid) const { return processes.held(pid); }
    /// Of the journal; none if it has no line for the process.
    const Journal::Score* line(pid_t pid) const {
        const auto at = std::ranges::find(journal->scores(), processes.id(pid), &Journal::Score::process);
        return at == journal->scores().end() ? nullptr : &*at;
    }
    bool written(pid_t pid) const {
        return std::ranges::any_of(processes.writes, [&](const auto& write) { return write.id.pid == pid; });
    }
    void break_journal() const { fs::create_directory(folder / "undo.new"); }
    void mend_journal() const { fs::remove(folder / "undo.new"); }
    std::string journal_error() const { return (folder / "undo.new").string() + ": File exists"; }

    fs::path folder;
    FakeProcesses processes{Instant{} + 1h};
    test::FakeKernel files;
    std::optional<kernel::Units> units;
    std::optional<Journal> journal;
    std::optional<Controller> controller;
    std::vector<Note> notes;
    std::uint64_t met = 0;
};

void check(const Outcome& outcome, Kind kind, std::int64_t value) {
    CHECK(static_cast<int>(outcome.kind) == static_cast<int>(kind));
    CHECK(outcome.value == value);
    CHECK(outcome.error.message == "");
}

void check_note(const Run& run, std::size_t at, const std::string& text, bool common = false) {
    REQUIRE(at < run.notes.size());
    CHECK(run.notes[at].text == text);
    CHECK(run.notes[at].common == common);
}

void check_line(const Run& run, pid_t pid, const std::string& unit, int former, int ours) {
    const Journal::Score* const line = run.line(pid);
    REQUIRE(line != nullptr);
    CHECK(line->unit == unit);
    CHECK(line->former == former);
    CHECK(line->ours == ours);
    CHECK(line->next == ours);
}

const std::string needs_capability = " (to lower one below what it was given needs CAP_SYS_RESOURCE)";

}  // namespace

// Orders

TEST_CASE("each process gets its own former score within the bounds, and that back on release") {
    Run run;
    const pid_t low = run.processes.spawn(a, -500);
    const pid_t zero = run.processes.spawn(a, 0);
    const pid_t high = run.processes.spawn(a + "/workers", 600);
    run.settle();
    SUBCASE("exact") {
        check(run.exact("a.service", 300), Kind::written, 300);
        CHECK(run.held(low) == 300);
        CHECK(run.held(zero) == 300);
        CHECK(run.held(high) == 300);
    }
    SUBCASE("at least") {
        check(run.at_least("a.service", 300, 300), Kind::written, 300);
        CHECK(run.held(low) == 300);
        CHECK(run.held(zero) == 300);
        CHECK(run.held(high) == 600);
    }
    SUBCASE("at most") {
        check(run.at_most("a.service", -100, -500), Kind::written, -500);
        CHECK(run.held(low) == -500);
        CHECK(run.held(zero) == -100);
        CHECK(run.held(high) == -100);
    }
    SUBCASE("one after the other") {
        run.exact("a.service", 300);
        run.at_least("a.service", 100, 100);
        CHECK(run.held(low) == 100);
        CHECK(run.held(zero) == 100);
        CHECK(run.held(high) == 600);
    }
    CHECK(run.reading("a.service").ours);
    CHECK(run.reading("a.service").boot == -500);
    run.tick_long();
    CHECK(run.release("a.service").kind == Kind::written);
    CHECK(run.held(low) == -500);
    CHECK(run.held(zero) == 0);
    CHECK(run.held(high) == 600);
    CHECK(run.journal->scores().empty());
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.reading("a.service").value == -500);
    CHECK(run.notes.empty());
}

TEST_CASE("what holds the value already is not written, and the unit is followed all the same") {
    Run run;
    const pid_t main = run.processes.spawn(a, 300);
    run.settle();
    check(run.exact("a.service", 300), Kind::same, 300);
    CHECK(run.processes.calls.write == 0);
    CHECK_FALSE(fs::exists(run.folder / "undo"));
    const pid_t other = run.processes.spawn(a, 0);
    run.tick();
    run.tick(2s);
    CHECK(run.held(other) == 300);
    run.release("a.service");
    CHECK(run.held(main) == 300);
    CHECK(run.held(other) == 0);
}

TEST_CASE("the journal has each process with its unit before it is written") {
    Run run;
    const pid_t main = run.processes.spawn(a, -500);
    run.settle();
    std::string then;
    run.processes.before_write(1, [&] {
        std::ifstream in(run.folder / "undo");
        then.assign(std::istreambuf_iterator<char>(in), {});
    });
    run.exact("a.service", 300);
    const auto id = run.processes.id(main);
    CHECK(then ==
          fmt::format("memtuned-undo 1 boot-1\nprocess {} {} -500 -500 300 a.service\nend\n", id.pid, id.start));
    check_line(run, main, "a.service", -500, 300);
}

TEST_CASE("several units are written with two journals for all of them together") {
    Run run;
    run.processes.spawn(a);
    run.processes.spawn(b);
    run.settle();
    const UnitOrder orders[] = {run.make(UnitOrder::Kind::write, "a.service", 100, 100, 100),
                                run.make(UnitOrder::Kind::write, "b.service", 200, 200, 200)};
    const auto outcomes = run.controller->order(orders, run.processes.now);
    REQUIRE(outcomes.size() == 2);
    check(outcomes[0], Kind::written, 100);
    check(outcomes[1], Kind::written, 200);
    CHECK(run.journal->scores().size() == 2);
}

TEST_CASE("users' units are never lowered") {
    Run run;
    const std::string manager = "/user.slice/user-1000.slice/user@1000.service";
    const pid_t app = run.processes.spawn(manager + "/app.slice/app-x.scope", 200);
    run.settle();
    check(run.exact("user@1000.service/app-x.scope", -500), Kind::same, -500);
    CHECK(run.held(app) == 200);
    run.exact("user@1000.service/app-x.scope", 500);
    CHECK(run.held(app) == 500);
    run.exact("user@1000.service/app-x.scope", 100);
    CHECK(run.held(app) == 200);
}

TEST_CASE("pid 1, memtuned itself, kernel threads and what a kubelet manages are never written") {
    Run run;
    const pid_t plain = run.processes.spawn(a);
    const pid_t thread = run.processes.spawn(a);
    run.processes[thread].kernel_thread = true;
    run.processes.spawn(a, 0, 1);
    run.processes.spawn(a, 0, ::getpid());
    const pid_t container = run.processes.spawn("/kubepods.slice/kubepods-x.slice/cri-1.scope", 900);
    run.settle();
    run.exact("a.service", 300);
    run.exact("cri-1.scope", 300);
    run.tick_long();
    run.release("a.service");
    CHECK(run.written(plain));
    CHECK_FALSE(run.written(1));
    CHECK_FALSE(run.written(::getpid()));
    CHECK_FALSE(run.written(thread));
    CHECK_FALSE(run.written(container));
    CHECK(run.notes.empty());
}

TEST_CASE("a process of ours that a kubelet took over is never written, nor what it forks there") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    const pid_t moved = run.processes.fork(main);
    run.settle();
    run.exact("a.service", 300);
    const std::string pod = "/kubepods.slice/kubepods-x.slice/cri-1.scope";
    run.processes.move(moved, pod);
    const pid_t unseen = run.processes.fork(main);
    run.processes.move(unseen, pod);
    const std::size_t before = run.processes.writes.size();
    run.tick();
    run.release("a.service");
    CHECK(run.held(moved) == 300);
    CHECK(run.held(unseen) == 300);
    CHECK(run.processes.writes.size() == before + 1);
}

TEST_CASE("orders on one process of a shared memory count for the other one") {
    Run run;
    const pid_t one = run.processes.spawn(a);
    const pid_t other = run.processes.spawn(a);
    run.settle();
    run.processes.before_write(2, [&] { run.processes.set(other, 300); });  // as the kernel does
    check(run.exact("a.service", 300), Kind::written, 300);
    run.tick_long();
    CHECK(run.reading("a.service").value == 300);
    check_line(run, other, "a.service", 0, 300);
    run.release("a.service");
    CHECK(run.held(one) == 0);
    CHECK(run.held(other) == 0);
    CHECK(run.notes.empty());
}

// Forks

TEST_CASE("what is forked during a claim inherits, is journaled, and gets its parent's former score back") {
    Run run;
    const pid_t zero = run.processes.spawn(a, 0);
    const pid_t low = run.processes.spawn(a, -200);
    run.settle();
    run.exact("a.service", 300);
    run.tick(10s);
    const pid_t child = run.processes.fork(low);
    const pid_t grandchild = run.processes.fork(child);
    run.tick();
    check_line(run, child, "a.service", -200, 300);
    check_line(run, grandchild, "a.service", -200, 300);
    CHECK_FALSE(run.written(child));
    run.release("a.service");
    CHECK(run.held(child) == -200);
    CHECK(run.held(grandchild) == -200);
    CHECK(run.held(zero) == 0);
    CHECK(run.notes.empty());
}

TEST_CASE("a child with a lower pid than its parent inherits as well") {
    Run run;
    const pid_t first = run.processes.spawn(a, 100, 500);
    const pid_t main = run.processes.spawn(a, 0, 700);
    run.settle();
    run.exact("a.service", 300);
    run.tick(10s);
    const pid_t child = run.processes.fork(main, 900);
    run.processes.now += 20ms;
    const pid_t grandchild = run.processes.fork(child, 10);  // pids begin anew
    run.tick();
    check_line(run, grandchild, "a.service", 0, 300);
    run.release("a.service");
    CHECK(run.held(first) == 100);
    CHECK(run.held(grandchild) == 0);
}

TEST_CASE("a child whose parent died before it was seen gets back what a process with its score held") {
    Run run;
    const pid_t high = run.processes.spawn(a, 600);
    const pid_t zero = run.processes.spawn(a, 0);
    run.settle();
    run.at_least("a.service", 300, 600);
    const pid_t between = run.processes.fork(zero);
    const pid_t daemon = run.processes.fork(between);
    const pid_t between_high = run.processes.fork(high);
    const pid_t high_daemon = run.processes.fork(between_high);
    run.processes.exit(between);
    run.processes.exit(between_high);
    run.tick();
    CHECK(run.held(daemon) == 300);
    CHECK(run.held(high_daemon) == 600);
    run.release("a.service");
    CHECK(run.held(daemon) == 0);
    CHECK(run.held(high_daemon) == 600);
}

TEST_CASE("a child that sets a score of its own is left alone, and that is said once") {
    Run run;
    const pid_t main = run.processes.spawn(a, -900);
    run.settle();
    run.exact("a.service", -500);
    run.tick(10s);
    std::vector<pid_t> backends;
    SUBCASE("another one") {
        for (int i = 0; i < 3; ++i) run.processes.set(backends.emplace_back(run.processes.fork(main)), 0);
    }
    SUBCASE("the one its parent held before") {
        for (int i = 0; i < 3; ++i) run.processes.set(backends.emplace_back(run.processes.fork(main)), -900);
    }
    SUBCASE("and forks") {
        run.processes.set(backends.emplace_back(run.processes.fork(main)), 0);
        run.tick();
        backends.push_back(run.processes.fork(backends[0]));
    }
    run.tick();
    run.processes.set(backends.emplace_back(run.processes.fork(main)), 77);
    run.tick_long();
    check_note(run, 0, fmt::format("process {} chose {} for itself: left alone", backends[0], run.held(backends[0])),
               true);
    CHECK(run.notes[0].tunable == "oom_score_adj.a.service");
    CHECK(run.notes.size() == 1);
    CHECK(run.reading("a.service").value == -500);
    run.release("a.service");
    for (const pid_t backend : backends) CHECK_FALSE(run.written(backend));
    CHECK(run.held(main) == -900);
}

TEST_CASE("a server that starts anew is given nothing before it has read what it shall give its sessions") {
    Run run;
    const pid_t before = run.processes.spawn(a, -1000);
    run.settle();
    run.at_most("a.service", -500, -1000);
    const pid_t server = run.processes.spawn(a, 0);
    run.processes.exit(before);
    run.tick();
    CHECK(run.controller->waiting());
    CHECK(run.held(server) == 0);
    run.tick();
    run.processes.set(server, -1000);  // it remembers 0, and will set that in what it forks
    const pid_t session = run.processes.fork(server);
    run.processes.set(session, 0);
    run.tick(2s);
    run.tick();
    CHECK_FALSE(run.controller->waiting());
    CHECK(run.held(server) == -1000);
    CHECK(run.held(session) == 0);
    CHECK_FALSE(run.written(server));
    CHECK_FALSE(run.written(session));
    run.release("a.service");
    CHECK(run.held(server) == -1000);
}

TEST_CASE("a server that takes long to start is not lowered meanwhile, and what it sets then is nobody else's") {
    Run run;
    run.processes.spawn(a, -1000);
    run.settle();
    run.at_most("a.service", -500, -1000);
    const pid_t server = run.processes.spawn(a, 0);
    const pid_t slow = run.processes.spawn(a, 0);
    run.tick();
    for (int i = 0; i < 3; ++i) run.tick(1s);
    CHECK(run.held(server) == 0);
    run.processes.set(server, -700);
    run.tick(1s);
    CHECK(run.held(slow) == 0);
    CHECK(run.reading("a.service").value == -1000);
    for (int i = 0; i < 2; ++i) run.tick(1s);
    CHECK(run.held(server) == -700);
    CHECK(run.held(slow) == -500);
    CHECK(run.notes.empty());
    run.release("a.service");
    CHECK(run.held(server) == -700);
    CHECK(run.held(slow) == 0);
}

TEST_CASE("what a starting process forks after its manager set its score has made no choice") {
    Run run;
    run.processes.spawn(a, 100);
    run.settle();
    run.exact("a.service", 800);
    const pid_t main = run.processes.spawn(a, 0);
    run.tick();
    run.processes.set(main, 100);  // between fork and exec
    const pid_t worker = run.processes.fork(main);
    run.tick();
    CHECK(run.notes.empty());
    run.tick(2s);
    run.tick();
    CHECK(run.held(main) == 800);
    CHECK(run.held(worker) == 800);
    run.release("a.service");
    CHECK(run.held(main) == 100);
    CHECK(run.held(worker) == 100);
}

TEST_CASE("a child that is seen before it sets its own score is left alone, too, and nobody else is blamed") {
    Run run;
    const pid_t main = run.processes.spawn(a, 0);
    // So many others that its turn to be looked at is long in coming.
    for (int i = 0; i < 400; ++i) run.processes.spawn(b);
    run.settle();
    const UnitOrder orders[] = {run.make(UnitOrder::Kind::write, "a.service", 300, 300, 300),
                                run.make(UnitOrder::Kind::write, "b.service", 300, 300, 300)};
    run.controller->order(orders, run.processes.now);
    run.settle();
    const pid_t backend = run.processes.fork(main);
    run.tick();
    check_line(run, backend, "a.service", 0, 300);
    run.processes.set(backend, 50);
    for (int i = 0; i < 25; ++i) run.tick();
    check_note(run, 0, fmt::format("process {} chose 50 for itself: left alone", backend), true);
    CHECK(run.notes.size() == 1);
    CHECK(run.reading("a.service").value == 300);
    CHECK(run.line(backend) == nullptr);
    run.release("a.service");
    CHECK(run.held(backend) == 50);
}

TEST_CASE("what a parent in another unit holds makes no choice of what its child holds") {
    Run run;
    const pid_t listener = run.processes.spawn(a, -900);
    run.settle();
    run.exact("a.service", -500);
    run.settle();
    // As a session is: forked by a listener of ours, and moved into a scope of its own.
    const pid_t session = run.processes.fork(listener);
    int own = -900;
    SUBCASE("that was put back") {}
    SUBCASE("that was set for it") {
        run.processes.set(session, own = 200);
    }
    run.processes.move(session, "/user.slice/user-1000.slice/session-1.scope");
    run.tick();
    CHECK(run.held(session) == own);
    check(run.at_least("session-1.scope", 300, 300), Kind::written, 300);
    CHECK(run.held(session) == 300);
    run.release("session-1.scope");
    CHECK(run.held(session) == own);
    CHECK(run.notes.empty());
}

TEST_CASE("what holds another score than its parent is not protected with it, nor are its children") {
    Run run;
    const pid_t listener = run.processes.spawn(a, -1000);
    const pid_t session = run.processes.fork(listener);
    run.processes.set(session, 0);
    const pid_t shell = run.processes.fork(session);
    run.settle();
    run.exact("a.service", -500);
    CHECK(run.held(listener) == -500);
    CHECK(run.held(session) == 0);
    CHECK(run.held(shell) == 0);
    run.exact("a.service", 300);
    CHECK(run.held(session) == 300);
    CHECK(run.held(shell) == 300);
}

TEST_CASE("a process forked between the list and its parent's write is written in the same order") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    pid_t early = 0;
    run.processes.before_write(1, [&] { early = run.processes.fork(main); });
    check(run.exact("a.service", 300), Kind::written, 300);
    CHECK(run.held(early) == 300);
    check_line(run, early, "a.service", 0, 300);
    run.release("a.service");
    CHECK(run.held(early) == 0);
}

TEST_CASE("a process forked while its parent is put back is put back, too") {
    Run run;
    const pid_t main = run.processes.spawn(a, -100);
    run.settle();
    run.exact("a.service", 300);
    pid_t late = 0;
    run.processes.before_write(1, [&] { late = run.processes.fork(main); });
    run.release("a.service");
    CHECK(run.held(main) == -100);
    CHECK(run.held(late) == -100);
    CHECK(run.journal->scores().empty());
}

TEST_CASE("a unit that forks all through its release is put back in the ticks that follow") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    // Each process forks just before it is put back.
    for (int n = 1; n <= 20; ++n)
        run.processes.before_write(n, [&] { run.processes.fork(run.processes.all().back()); });
    check(run.release("a.service"), Kind::written, 0);
    for (int i = 0; i < 10; ++i) run.tick();
    for (const pid_t pid : run.processes.all()) CHECK(run.held(pid) == 0);
    CHECK(run.processes.all().size() == 21);
    CHECK(run.journal->scores().empty());
    CHECK(main == run.processes.all().front());
}

// Who leaves, and who comes

TEST_CASE("a process that leaves for another group gets its former score back") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    const pid_t moved = run.processes.spawn(a, -100);
    run.settle();
    run.exact("a.service", 300);
    run.processes.move(moved, elsewhere);
    run.tick();
    CHECK(run.held(moved) == -100);
    CHECK(run.line(moved) == nullptr);
    CHECK(run.held(main) == 300);
    CHECK(run.notes.empty());
}

TEST_CASE("a process forked and moved before it was ever seen gets its parent's former score back") {
    Run run;
    const pid_t main = run.processes.spawn(a, -100);
    run.processes.spawn(elsewhere);
    run.settle();
    run.exact("a.service", 300);
    const pid_t moved = run.processes.fork(main);
    run.processes.now += 20ms;
    const pid_t grandchild = run.processes.fork(moved, 20);  // pids begin anew
    SUBCASE("into a unit that was there") {
        run.processes.move(moved, elsewhere);
        run.processes.move(grandchild, elsewhere);
    }
    SUBCASE("into a new one") {
        run.processes.move(moved, "/system.slice/new.service");
        run.processes.move(grandchild, "/system.slice/new.service");
    }
    SUBCASE("into a group below a unit") {
        run.processes.move(moved, elsewhere + "/x/y");
        run.processes.move(grandchild, elsewhere + "/x/y");
    }
    SUBCASE("into the root") {
        run.processes.move(moved, "");
        run.processes.move(grandchild, "");
    }
    run.tick();
    CHECK(run.held(moved) == -100);
    CHECK(run.held(grandchild) == -100);
    CHECK(run.held(main) == 300);
}

TEST_CASE("a process forked and moved just before its parent is put back is put back in the next tick") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.processes.spawn(elsewhere);
    run.settle();
    run.exact("a.service", 300);
    run.tick();
    const pid_t moved = run.processes.fork(main);
    run.processes.move(moved, elsewhere);
    run.release("a.service");
    CHECK(run.held(main) == 0);
    run.tick();
    CHECK(run.held(moved) == 0);
    // Then nothing is left to be looked at.
    run.tick();
    run.tick();
    const auto calls = run.processes.calls;
    run.processes.spawn(elsewhere);
    run.tick_long();
    CHECK(run.processes.calls.look == calls.look);
    CHECK(run.processes.calls.score == calls.score);
}

TEST_CASE("a child of a process that left is put back with it") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.processes.move(main, elsewhere);
    const pid_t child = run.processes.fork(main);
    pid_t late = 0;
    run.processes.before_write(1, [&] { late = run.processes.fork(child); });
    run.tick();
    CHECK(run.held(main) == 0);
    CHECK(run.held(child) == 0);
    CHECK(run.held(late) == 0);
}

TEST_CASE("a process that moves from one unit of ours into another gets that one's score and keeps its former one") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    const pid_t moved = run.processes.spawn(a, -100);
    run.processes.spawn(b);
    run.settle();
    run.exact("a.service", 300);
    run.exact("b.service", 700);
    run.processes.move(moved, b);
    const pid_t unseen = run.processes.fork(main);
    run.processes.move(unseen, b);
    run.tick();
    CHECK(run.held(moved) == 700);
    CHECK(run.held(unseen) == 700);
    check_line(run, moved, "b.service", -100, 700);
    run.release("a.service");
    CHECK(run.held(moved) == 700);
    run.release("b.service");
    CHECK(run.held(moved) == -100);
    CHECK(run.held(unseen) == 0);
}

TEST_CASE("a process that leaves between the list and the write is not written there") {
    Run run;
    run.processes.spawn(a, 0, 200);
    const pid_t moved = run.processes.spawn(a, -100, 201);
    run.settle();
    run.processes.before_write(1, [&] { run.processes.move(moved, elsewhere); });
    check(run.exact("a.service", 300), Kind::written, 300);
    CHECK(run.held(moved) == -100);
    CHECK_FALSE(run.written(moved));
    SUBCASE("nor later") {
        run.tick();
        CHECK_FALSE(run.written(moved));
    }
    SUBCASE("but when it is there again") {
        run.processes.move(moved, a);
        run.tick();
        CHECK(run.held(moved) == 300);
    }
}

TEST_CASE("a process that left for a moment is written all the same") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    const pid_t moved = run.processes.spawn(a);
    run.settle();
    run.processes.before_write(2, [&] { run.processes.move(moved, elsewhere); });
    run.exact("a.service", 300);
    CHECK(run.held(moved) == 0);
    run.processes.move(moved, a);
    run.tick();
    run.processes.before_write(2, [&] { run.processes.move(moved, elsewhere); });
    run.processes.before_write(3, [&] { run.processes.move(moved, a); });
    run.exact("a.service", 400);
    run.tick();
    CHECK(run.held(main) == 400);
    CHECK(run.held(moved) == 400);
}

TEST_CASE("an inner unit of ours goes before the one around it, and after it falls to that") {
    Run run;
    const pid_t inner = run.processes.spawn(a, -100);
    const pid_t outer = run.processes.spawn(b);
    run.settle();
    run.exact("system.slice", 200);
    CHECK(run.held(inner) == 200);
    run.exact("a.service", 700);
    CHECK(run.held(inner) == 700);
    CHECK(run.held(outer) == 200);
    const pid_t child = run.processes.fork(inner);
    run.tick();
    check_line(run, child, "a.service", -100, 700);
    run.release("a.service");
    CHECK(run.held(inner) == 200);
    CHECK(run.held(child) == 200);
    run.release("system.slice");
    CHECK(run.held(inner) == -100);
    CHECK(run.held(child) == -100);
    CHECK(run.held(outer) == 0);
}

TEST_CASE("a unit that vanished and came again is not ours until it is ordered anew") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.processes.spawn(b);
    run.settle();
    run.exact("a.service", 300);
    run.processes.exit(main);
    run.processes.remove_group(a);
    run.tick();
    CHECK_FALSE(run.units->find("a.service"));
    const pid_t again = run.processes.spawn(a, 50);
    run.tick();
    CHECK(run.held(again) == 50);
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.reading("a.service").value == 50);
    check(run.exact("a.service", 300), Kind::written, 300);
    run.release("a.service");
    CHECK(run.held(again) == 50);
    CHECK(run.notes.empty());
}

TEST_CASE("a unit that takes the place of one that vanished has nothing of it") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    const std::size_t place = run.tunable("a.service");
    run.processes.move(main, elsewhere);
    run.processes.set(main, 44);
    run.tick();
    run.processes.spawn("/system.slice/0.service", 10);
    run.processes.spawn("/system.slice/d.service", 20);
    run.tick();
    CHECK(run.controller->readings().size() > place);
    for (const char* unit : {"c.service", "0.service", "d.service"}) CHECK_FALSE(run.reading(unit).ours);
    CHECK(run.held(main) == 44);
    CHECK(run.notes.empty());
}

TEST_CASE("a service that sets its own score while it starts has that as its former one") {
    Run run;
    run.processes.spawn(b);
    for (int i = 0; i < 400; ++i) run.processes.spawn(b);
    run.settle();
    run.exact("b.service", 100);
    run.settle();
    const pid_t main = run.processes.spawn(a);
    run.tick();
    run.exact("a.service", 300);
    run.processes.now += 1900ms;
    run.processes.set(main, -900);
    for (int i = 0; i < 4; ++i) run.tick();
    CHECK(run.held(main) == 300);
    check_line(run, main, "a.service", -900, 300);
    run.release("a.service");
    CHECK(run.held(main) == -900);
    CHECK(run.notes.empty());
}

// Changes from outside

TEST_CASE("what somebody else gives to a process is shown, and the process is left alone") {
    Run run;
    const pid_t main = run.processes.spawn(a, 0);
    const pid_t other = run.processes.spawn(a, -100);
    run.settle();
    run.exact("a.service", 300);
    run.settle();
    run.processes.set(other, 77);
    const pid_t child = run.processes.fork(other);
    run.tick_long();
    CHECK(run.reading("a.service").value == 77);
    CHECK(run.reading("a.service").ours);
    check_note(run, 0, fmt::format("process {} was given 77 by somebody else", other), true);
    CHECK(run.notes.size() == 1);
    CHECK(run.held(other) == 77);
    CHECK(run.held(child) == 77);

    SUBCASE("disown puts the others back") {
        check(run.disown("a.service"), Kind::same, 77);
        CHECK(run.held(main) == 0);
        CHECK(run.held(other) == 77);
        CHECK(run.held(child) == 77);
        CHECK(run.journal->scores().empty());
        CHECK_FALSE(run.reading("a.service").ours);
        // And what it holds counts as its own when it is ordered anew.
        run.exact("a.service", 400);
        CHECK(run.held(other) == 400);
        run.release("a.service");
        CHECK(run.held(other) == 77);
    }
    SUBCASE("take_back writes over it, and its former score stays its former score") {
        check(run.take_back("a.service", 300), Kind::written, 300);
        CHECK(run.held(other) == 300);
        CHECK(run.held(child) == 300);
        CHECK(run.reading("a.service").value == 300);
        run.release("a.service");
        CHECK(run.held(other) == -100);
        CHECK(run.held(child) == -100);
    }
    SUBCASE("rebase makes it its former score") {
        check(run.rebase("a.service"), Kind::same, 300);
        CHECK(run.held(other) == 300);
        CHECK(run.reading("a.service").value == 300);
        run.release("a.service");
        CHECK(run.held(main) == 0);
        CHECK(run.held(other) == 77);
        CHECK(run.held(child) == 77);
    }
    SUBCASE("release leaves it") {
        run.release("a.service");
        CHECK(run.held(main) == 0);
        CHECK(run.held(other) == 77);
    }
}

TEST_CASE("a process that somebody else writes between the look and the write is left to him") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.settle();
    run.processes.before_write(1, [&] { run.processes.set(main, 77); });
    SUBCASE("when it is written") {
        run.exact("a.service", 400);
        CHECK(run.reading("a.service").value == 77);
    }
    SUBCASE("when it is put back") {
        run.release("a.service");
        CHECK_FALSE(run.reading("a.service").ours);
        CHECK(run.journal->scores().empty());
    }
    run.tick_long();
    CHECK(run.held(main) == 77);
}

TEST_CASE("a take_back that is refused leaves the process to who changed it") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.settle();
    run.processes.set(main, 77);
    run.tick_long();
    run.processes.fail(Call::write, main, EACCES);
    CHECK(run.take_back("a.service", 300).kind == Kind::failed);
    CHECK(run.reading("a.service").value == 77);
    run.processes.mend();
    run.tick_long();
    run.release("a.service");
    CHECK(run.held(main) == 77);
}

TEST_CASE("a process that held something else for a moment only is nobody else's") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    // The write found another score, and the look after it the old one.
    run.processes.fail(Call::write, main, EBUSY);
    run.exact("a.service", 300);
    run.processes.mend();
    run.tick();
    CHECK(run.held(main) == 300);
    CHECK(run.reading("a.service").value == 300);
    CHECK(run.notes.empty());
}

TEST_CASE("what somebody else wrote does not pass for ours before it was written over") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.settle();
    run.processes.set(main, 77);
    run.tick_long();
    run.processes.crash_before_write(1);
    CHECK_THROWS_AS(run.take_back("a.service", 300), FakeProcesses::Crash);
    run.reopen();
    const auto reports = run.restore();
    REQUIRE(reports.size() == 1);
    CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::foreign));
    CHECK(run.held(main) == 77);
}

// Refusals

TEST_CASE("where all processes refuse, the order failed and nothing changed") {
    Run run;
    run.processes.capable = false;
    const pid_t one = run.processes.spawn(a);
    const pid_t two = run.processes.spawn(a);
    run.settle();
    for (int i = 0; i < 3; ++i) {
        const Outcome outcome = run.exact("a.service", -500);
        CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::failed));
        CHECK(outcome.error.message == "2 processes refuse a score of -500: Permission denied" + needs_capability);
        CHECK(outcome.error.code == EACCES);
    }
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.reading("a.service").value == 0);
    CHECK(run.journal->scores().empty());
    run.processes.spawn(a, 33);
    run.tick_long();
    CHECK(run.held(one) == 0);
    CHECK(run.held(two) == 0);
    CHECK(run.notes.empty());
    CHECK(run.processes.writes.empty());

    // Nor does a refused change of one that is ours change it.
    run.exact("a.service", 300);
    CHECK(run.exact("a.service", -500).kind == Kind::failed);
    CHECK(run.reading("a.service").value == 300);
    run.tick_long();
    CHECK(run.held(one) == 300);
    run.release("a.service");
    CHECK(run.held(one) == 0);
}

TEST_CASE("where some processes refuse, it is written, with an error") {
    Run run;
    const pid_t one = run.processes.spawn(a);
    const pid_t two = run.processes.spawn(a);
    run.settle();
    run.processes.fail(Call::write, two, EACCES);
    const Outcome outcome = run.exact("a.service", -500);
    CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::written));
    CHECK(outcome.error.message == "a process refuses a score of -500: Permission denied" + needs_capability);
    CHECK(run.held(one) == -500);
    CHECK(run.held(two) == 0);
    const int writes = run.processes.calls.write;
    for (int i = 0; i < 5; ++i) {
        run.processes.spawn(elsewhere);
        run.tick();
    }
    CHECK(run.processes.calls.write == writes);
    CHECK(run.notes.empty());
    run.processes.mend();
    check(run.exact("a.service", -400), Kind::written, -400);
    CHECK(run.held(two) == -400);
}

TEST_CASE("newcomers that refuse are one note for each unit") {
    Run run;
    run.processes.capable = false;
    run.processes.spawn(a, -500);
    run.settle();
    check(run.exact("a.service", -500), Kind::same, -500);
    for (int i = 0; i < 5; ++i) {
        run.processes.spawn(a);
        run.tick();
        run.tick(2s);
    }
    check_note(run, 0, "a process refuses a score of -500: Permission denied" + needs_capability);
    CHECK(run.notes[0].tunable == "oom_score_adj.a.service");
    CHECK(run.notes.size() == 1);
}

TEST_CASE("what refuses to be put back stays ours, and in the journal") {
    Run run;
    const pid_t one = run.processes.spawn(a);
    const pid_t two = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.processes.fail(Call::write, two, EPERM);
    SUBCASE("all of them") {
        run.processes.fail(Call::write, one, EPERM);
        const Outcome outcome = run.release("a.service");
        CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::failed));
        CHECK(outcome.error.message ==
              "2 processes refuse what it held before: Operation not permitted" + needs_capability);
        CHECK(run.reading("a.service").ours);
        run.tick();
        check_line(run, one, "a.service", 0, 300);
        run.processes.mend();
        check(run.release("a.service"), Kind::written, 0);
    }
    SUBCASE("one of them") {
        const Outcome outcome = run.release("a.service");
        CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::written));
        CHECK(outcome.error.message ==
              "a process refuses what it held before: Operation not permitted" + needs_capability);
        run.tick();
        check_line(run, two, "a.service", 0, 300);
        const int looks = run.processes.calls.look;
        run.processes.spawn(elsewhere);
        run.tick();
        CHECK(run.processes.calls.look <= looks + 1);
        run.processes.mend();
        const auto reports = run.restore();
        REQUIRE(reports.size() == 1);
        CHECK(reports[0].tunable == "oom_score_adj.a.service");
        CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::restored));
    }
    CHECK(run.held(one) == 0);
    CHECK(run.held(two) == 0);
    CHECK(run.journal->scores().empty());
}

TEST_CASE("zombies and processes that vanish are no error and no note") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    const pid_t zombie = run.processes.spawn(a);
    const pid_t listed_dead = run.processes.spawn(a);
    const pid_t dies = run.processes.spawn(a);
    run.settle();
    run.processes.become_zombie(zombie);
    run.processes[listed_dead].dead = true;
    run.processes.before_write(2, [&] { run.processes.exit(dies); });
    check(run.exact("a.service", 300), Kind::written, 300);
    CHECK_FALSE(run.written(zombie));
    CHECK_FALSE(run.written(listed_dead));
    CHECK(run.journal->scores().size() == 1);
    const pid_t child = run.processes.fork(main);
    run.tick();
    run.processes.become_zombie(child);
    run.tick_long();
    run.processes.spawn(elsewhere);
    run.tick();
    check(run.release("a.service"), Kind::written, 0);
    CHECK_FALSE(run.written(child));
    CHECK(run.journal->scores().empty());
    run.tick_long();
    CHECK(run.notes.empty());
}

TEST_CASE("a process that cannot be looked at for want of a descriptor is not forgotten") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.processes.move(main, elsewhere);
    run.processes.fail(Call::look, main, EMFILE);
    run.processes.fail(Call::write, main, EMFILE);
    run.tick();
    CHECK(run.line(main) != nullptr);
    SUBCASE("nor by the next run") {
        run.reopen();
        const auto reports = run.restore();
        REQUIRE(reports.size() == 1);
        CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::failed));
        CHECK(run.line(main) != nullptr);
    }
    run.processes.mend();
    run.restore();
    CHECK(run.held(main) == 0);
    CHECK(run.journal->scores().empty());
}

TEST_CASE("a pid that another process has by now is never written") {
    Run run;
    run.processes.spawn(a);
    const pid_t pid = run.processes.spawn(a, -100);
    const auto first = run.processes.id(pid);
    run.settle();
    SUBCASE("in an order") {
        run.processes.before_write(1, [&] { run.processes.reuse(pid, elsewhere, 5); });
        run.exact("a.service", 300);
    }
    SUBCASE("during a claim") {
        run.exact("a.service", 300);
        run.processes.reuse(pid, elsewhere, 300);
    }
    SUBCASE("as it is put back") {
        run.exact("a.service", 300);
        run.processes.before_write(2, [&] { run.processes.reuse(pid, elsewhere, 300); });
        run.release("a.service");
    }
    SUBCASE("after a crash") {
        run.exact("a.service", 300);
        run.processes.reuse(pid, elsewhere, 300);
        run.reopen();
        run.restore();
    }
    run.tick_long();
    if (run.reading("a.service").ours) run.release("a.service");
    CHECK(run.processes.id(pid) != first);
    for (const auto& write : run.processes.writes)
        if (write.id.pid == pid) CHECK(write.id == first);
    CHECK(run.notes.empty());
    CHECK(run.journal->scores().empty());
}

TEST_CASE("a pid that another process of the unit has by now is that one's") {
    Run run;
    const pid_t main = run.processes.spawn(a, -100);
    const pid_t pid = run.processes.spawn(a, 50);
    run.settle();
    run.exact("a.service", 300);
    run.settle();
    run.processes.exit(pid);
    SUBCASE("that was forked by one of ours") {
        run.processes.fork(main, pid);
        run.tick_long();
        CHECK(run.held(pid) == 300);
        run.release("a.service");
        CHECK(run.held(pid) == -100);
    }
    SUBCASE("that is new") {
        run.processes.spawn(a, 5, pid);
        run.tick_long();
        CHECK(run.held(pid) == 300);
        run.release("a.service");
        CHECK(run.held(pid) == 5);
    }
    SUBCASE("that was forked before a crash") {
        run.processes.fork(main, pid);
        run.reopen();
        run.restore();
        CHECK(run.held(pid) == -100);
    }
    CHECK(run.held(main) == -100);
    CHECK(run.notes.empty());
}

// The journal

TEST_CASE("without a journal nothing is written to any process") {
    Run run;
    const pid_t one = run.processes.spawn(a, 0);
    run.processes.spawn(b, 0);
    run.settle();
    run.break_journal();
    const std::string text = "oom_score_adj: not written, as the undo journal failed: " + run.journal_error();
    const Outcome outcome = run.exact("a.service", 300);
    CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::failed));
    CHECK(outcome.error.message == text);
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.processes.calls.write == 0);
    run.tick_long();
    CHECK(run.notes.empty());

    run.mend_journal();
    run.exact("a.service", 300);
    run.break_journal();
    // Nor to newcomers, which is said once.
    const pid_t child = run.processes.spawn(a, 0);
    for (int i = 0; i < 5; ++i) run.tick(1s);
    CHECK(run.held(child) == 0);
    check_note(run, 0, text);
    CHECK(run.notes[0].tunable == "oom_score_adj");
    CHECK(run.notes.size() == 1);
    // Neither is a release carried out, and it stays ours.
    CHECK(run.release("a.service").error.message == text);
    CHECK(run.held(one) == 300);
    CHECK(run.reading("a.service").ours);

    run.mend_journal();
    run.tick();
    CHECK(run.held(child) == 300);
    check(run.release("a.service"), Kind::written, 0);
    CHECK(run.held(one) == 0);
}

TEST_CASE("an order that failed for the journal changes nothing in the books") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.settle();
    run.processes.set(main, 77);
    run.tick_long();
    run.break_journal();
    CHECK(run.take_back("a.service", 300).kind == Kind::failed);
    run.mend_journal();
    run.tick_long();
    CHECK(run.held(main) == 77);
    CHECK(run.reading("a.service").value == 77);
}

TEST_CASE("what arrived somewhere while the journal failed is put back later") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.processes.spawn(elsewhere);
    run.settle();
    run.exact("a.service", 300);
    run.tick();
    run.break_journal();
    const pid_t moved = run.processes.fork(main);
    run.processes.move(moved, elsewhere);
    SUBCASE("in the tick") {
        run.tick();
    }
    SUBCASE("and an order failed, too") {
        run.units->refresh(run.processes.now);
        CHECK(run.exact("a.service", 400).kind == Kind::failed);
        run.tick();
        CHECK(run.exact("a.service", 400).kind == Kind::failed);
    }
    CHECK(run.held(moved) == 300);
    run.mend_journal();
    run.tick();
    CHECK(run.held(moved) == 0);
}

TEST_CASE("a journal that fails once all is written is told, and mended later") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.processes.before_write(1, [&] { run.break_journal(); });
    const Outcome outcome = run.exact("a.service", 300);
    CHECK(run.held(main) == 300);
    CHECK(static_cast<int>(outcome.kind) == static_cast<int>(Kind::written));
    CHECK(outcome.error.message == run.journal_error());
    CHECK(run.reading("a.service").ours);
    run.mend_journal();
    run.tick();
    check_line(run, main, "a.service", 0, 300);
    check(run.release("a.service"), Kind::written, 0);
}

TEST_CASE("on the way out processes are put back without a journal, too") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.break_journal();
    const auto reports = run.restore();
    REQUIRE(reports.size() == 1);
    CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::restored));
    CHECK(reports[0].error.message == run.journal_error());
    CHECK(run.held(main) == 0);
}

// The end

TEST_CASE("restoring puts everything back and tells it by unit") {
    Run run;
    const pid_t one = run.processes.spawn(a, -100);
    const pid_t two = run.processes.spawn(a, 50);
    const pid_t other = run.processes.spawn(b, 0);
    run.settle();
    run.exact("a.service", 300);
    run.exact("b.service", 700);
    const pid_t unseen = run.processes.fork(two);
    const auto reports = run.restore();
    REQUIRE(reports.size() == 2);
    CHECK(reports[0].tunable == "oom_score_adj.a.service");
    CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::restored));
    CHECK(reports[0].from == 300);
    CHECK(reports[0].to == -100);
    CHECK(reports[0].processes == 2);
    CHECK(reports[0].error.message == "");
    CHECK(reports[1].tunable == "oom_score_adj.b.service");
    CHECK(run.held(one) == -100);
    CHECK(run.held(two) == 50);
    CHECK(run.held(unseen) == 50);
    CHECK(run.held(other) == 0);
    CHECK(run.journal->scores().empty());
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.restore().empty());
}

TEST_CASE("restoring ends claims that have changed nothing so far") {
    Run run;
    run.processes.spawn(a, 300);
    run.settle();
    run.exact("a.service", 300);
    CHECK(run.restore().empty());
    CHECK_FALSE(run.reading("a.service").ours);
    const pid_t late = run.processes.spawn(a, 0);
    run.tick_long();
    CHECK(run.held(late) == 0);
}

TEST_CASE("restoring finds what was forked and moved since the last tick") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.processes.spawn(elsewhere);
    run.settle();
    run.exact("a.service", 300);
    run.tick();
    const pid_t inside = run.processes.fork(main);
    run.processes.move(inside, a + "/new");
    const pid_t outside = run.processes.fork(main);
    run.processes.move(outside, elsewhere);
    run.restore();
    CHECK(run.held(inside) == 0);
    CHECK(run.held(outside) == 0);
}

TEST_CASE("what is to be kept is left as it is, and is not ours any more") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    SUBCASE("at the end of a run") {}
    SUBCASE("after a crash") {
        run.reopen();
    }
    const auto reports = run.restore(true);
    REQUIRE(reports.size() == 1);
    CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::kept));
    CHECK(run.held(main) == 300);
    CHECK(run.journal->scores().empty());
    CHECK_FALSE(run.reading("a.service").ours);
    run.tick_long();
    CHECK(run.held(main) == 300);
}

TEST_CASE("what refuses on the way out is reported for its unit alone and stays in the journal") {
    Run run;
    const pid_t one = run.processes.spawn(a);
    const pid_t other = run.processes.spawn(b);
    run.settle();
    run.exact("a.service", 300);
    run.exact("b.service", 300);
    run.processes.fail(Call::write, one, EACCES);
    SUBCASE("at the end of a run") {}
    SUBCASE("after a crash") {
        run.reopen();
    }
    const auto reports = run.restore();
    REQUIRE(reports.size() == 2);
    CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::failed));
    CHECK(reports[0].error.message == "1 process refuses the former score");
    CHECK(static_cast<int>(reports[1].kind) == static_cast<int>(Restored::Kind::restored));
    CHECK(run.held(other) == 0);
    check_line(run, one, "a.service", 0, 300);
    run.processes.mend();
    run.restore();
    CHECK(run.held(one) == 0);
}

TEST_CASE("after a crash what was forked since is found by its unit, also from parents that died") {
    Run run;
    const pid_t high = run.processes.spawn(a, 600);
    const pid_t main = run.processes.spawn(a, -200);
    run.settle();
    run.at_least("a.service", 300, 600);
    const pid_t child = run.processes.fork(main);
    run.processes.now += 1min;
    const pid_t grandchild = run.processes.fork(child);
    SUBCASE("parents that live") {}
    SUBCASE("parents that died") {
        run.processes.exit(main);
        run.processes.exit(child);
    }
    run.reopen();
    run.restore();
    CHECK(run.held(grandchild) == -200);
    CHECK(run.held(high) == 600);
    if (run.processes.alive(child)) CHECK(run.held(child) == -200);
    CHECK(run.notes.empty());
}

TEST_CASE("after a crash a process that left its unit is put back with what it forked there") {
    Run run;
    const pid_t main = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.processes.move(main, elsewhere);
    const pid_t child = run.processes.fork(main);
    run.processes.spawn(a, 7);
    run.reopen();
    run.restore();
    CHECK(run.held(main) == 0);
    CHECK(run.held(child) == 0);
}

TEST_CASE("after a crash what somebody else changed since is left to him") {
    Run run;
    const pid_t one = run.processes.spawn(a);
    const pid_t two = run.processes.spawn(a);
    run.settle();
    run.exact("a.service", 300);
    run.processes.set(two, 55);
    run.reopen();
    const auto reports = run.restore();
    REQUIRE(reports.size() == 1);
    CHECK(static_cast<int>(reports[0].kind) == static_cast<int>(Restored::Kind::restored));
    CHECK(run.held(one) == 0);
    CHECK(run.held(two) == 55);
    CHECK(run.journal->scores().empty());
}

namespace {

/// A run with some of everything; says what each process held before memtuned.
struct Story {
    Run run;
    std::map<pid_t, int> former;

    pid_t spawn(const std::string& in, int score) {
        const pid_t pid = run.processes.spawn(in, score);
        former[pid] = score;
        return pid;
    }
    pid_t fork(pid_t parent) {
        const pid_t pid = run.processes.fork(parent);
        former[pid] = former.at(parent);
        return pid;
    }

    void play() {
        const pid_t one = spawn(a, -300);
        const pid_t two = spawn(a, 40);
        const pid_t three = spawn(b, 600);
        run.settle();
        run.exact("a.service", 300);
        run.at_least("b.service", 200, 600);
        fork(one);
        spawn(b, 5);
        run.tick(10s);
        run.exact("system.slice", 100);
        run.processes.move(fork(two), elsewhere);
        run.tick();
        run.exact("a.service", 800);
        run.processes.move(two, b);
        fork(three);
        run.tick();
        run.release("a.service");
        fork(one);
        run.tick();
        run.release("system.slice");
        run.restore();
    }
    void check_all_back() {
        for (const auto& each : former) {
            const pid_t pid = each.first;
            const int score = each.second;
            CAPTURE(pid);
            CHECK(run.held(pid) == score);
        }
        CHECK(run.journal->scores().empty());
    }
};

}  // namespace

TEST_CASE("after a crash at any write every process gets back what it held") {
    int writes = 0;
    {
        Story story;
        story.play();
        story.check_all_back();
        writes = story.run.processes.calls.write;
    }
    REQUIRE(writes >= 15);
    for (int n = 1; n <= writes; ++n)
        for (const bool after : {false, true}) {
            CAPTURE(n);
            CAPTURE(after);
            Story story;
            after ? story.run.processes.crash_after_write(n) : story.run.processes.crash_before_write(n);
            CHECK_THROWS_AS(story.play(), FakeProcesses::Crash);
            story.run.processes.no_plan();
            // The machine goes on meanwhile.
            story.run.processes.now += 30s;
            for (const pid_t pid : story.run.processes.all()) story.fork(pid);
            story.run.reopen();
            story.run.restore();
            story.check_all_back();
        }
}

TEST_CASE("after a crash while restoring from a crash every process gets back what it held") {
    for (int n = 1; n <= 4; ++n) {
        CAPTURE(n);
        Run run;
        const pid_t one = run.processes.spawn(a, -300);
        const pid_t two = run.processes.spawn(a, 40);
        run.settle();
        run.exact("a.service", 300);
        const pid_t first = run.processes.fork(one);
        const pid_t second = run.processes.fork(two);
        run.reopen();
        run.processes.crash_after_write(n);
        CHECK_THROWS_AS(run.restore(), FakeProcesses::Crash);
        run.reopen();
        run.restore();
        CHECK(run.held(one) == -300);
        CHECK(run.held(first) == -300);
        CHECK(run.held(two) == 40);
        CHECK(run.held(second) == 40);
        CHECK(run.journal->scores().empty());
    }
}

namespace {

/// Anything in any order; says what each process would hold without memtuned. That is never what an order gives: of a
/// process without a known parent nobody could say then whether it inherited that.
class Chaos {
public:
    explicit Chaos(unsigned seed) : random_(seed) {
        for (const std::string& group : groups_)
            for (const int score : {-303, 7, 453}) spawn(group, score);
        run.settle();
    }

    void step() {
        switch (below(9)) {
            case 0: spawn(any_group(), 100 * static_cast<int>(below(7)) - 303); break;
            case 1: fork(any()); break;
            case 2: run.processes.move(any(), any_group()); break;
            case 3: exit(); break;
            case 4: fork_and_move(); break;
            case 5: fork_during_write(); break;
            case 6: release(); break;
            default: order(); break;
        }
        if (below(2) == 0) run.tick();
    }
    void crash() {
        run.tick();
        run.processes.crash_after_write(1 + static_cast<int>(below(3)));
        try {
            order();
            run.tick();
        } catch (const FakeProcesses::Crash&) {
        }
        run.processes.no_plan();
        fork(any());
        run.reopen();
    }
    void check_all_back() {
        run.restore();
        for (const auto& each : own_) {
            const pid_t pid = each.first;
            const int score = each.second;
            CAPTURE(pid);
            CHECK(run.held(pid) == score);
        }
        CHECK(run.journal->scores().empty());
    }

    Run run;

private:
    std::size_t below(std::size_t n) { return random_() % n; }
    pid_t any() { return run.processes.all()[below(own_.size())]; }
    const std::string& any_group() { return groups_[below(groups_.size())]; }
    std::string any_unit() {
        const std::string& group = any_group();
        const std::string name = below(5) == 0 ? "system.slice" : group.substr(group.rfind('/') + 1);
        return run.units->find(name) ? name : "system.slice";
    }

    void spawn(const std::string& in, int score) {
        own_[run.processes.spawn(in, score)] = score;
        run.processes.now += 10ms;
    }
    pid_t fork(pid_t parent) {
        const pid_t pid = run.processes.fork(parent);
        own_[pid] = own_.at(parent);
        run.processes.now += 10ms;
        return pid;
    }
    /// Whose children were seen: of one whose parent is not known nobody can say what it held.
    void exit() {
        if (own_.size() < 5) return;
        run.tick();
        const pid_t pid = any();
        run.processes.exit(pid);
        own_.erase(pid);
    }
    void fork_and_move() {
        const pid_t child = fork(any());
        const pid_t grandchild = fork(child);
        run.processes.move(child, any_group());
        run.processes.move(grandchild, any_group());
        run.tick();
    }
    void fork_during_write() {
        run.processes.before_write(1 + static_cast<int>(below(3)), [this] { fork(any()); });
        order();
        run.processes.no_plan();
    }
    void order() {
        const std::string unit = any_unit();
        const int value = 100 * static_cast<int>(below(10)) - 400;
        below(2) == 0 ? run.exact(unit, value) : run.at_least(unit, value, value);
    }
    void release() { run.release(any_unit()); }

    std::mt19937 random_;
    const std::vector<std::string> groups_{a, b, elsewhere, a + "/inner", "/other.slice/x.service"};
    std::map<pid_t, int> own_;
};

}  // namespace

TEST_CASE("whatever processes do, each gets back what it held") {
    for (unsigned seed = 0; seed < 60; ++seed) {
        CAPTURE(seed);
        Chaos chaos(seed);
        // Without the capability some orders are refused, but whatever was raised can be put back.
        chaos.run.processes.capable = seed % 4 != 1;
        for (int i = 0; i < 60; ++i) chaos.step();
        if (seed % 3 == 0) chaos.crash();
        chaos.check_all_back();
        if (chaos.run.processes.capable) CHECK(chaos.run.notes.empty());
    }
}

// Observe mode

TEST_CASE("observe mode writes nothing and shows what would be") {
    Run run(Mode::observe);
    const pid_t main = run.processes.spawn(a, 50);
    run.settle();
    CHECK(run.reading("a.service").value == 50);
    check(run.exact("a.service", 300), Kind::observed, 300);
    CHECK(run.reading("a.service").ours);
    CHECK(run.reading("a.service").value == 300);
    CHECK(run.reading("a.service").boot == 50);
    run.processes.fork(main);
    run.tick_long();
    check(run.take_back("a.service", 400), Kind::observed, 400);
    check(run.release("a.service"), Kind::same, 50);
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.processes.calls.write == 0);
    CHECK(run.processes.calls.look == 0);
    CHECK_FALSE(fs::exists(run.folder / "undo"));
    CHECK(run.restore().empty());
}

TEST_CASE("what is ours for real stays so through observe mode, unseen") {
    Run run;
    const pid_t main = run.processes.spawn(a, 50);
    run.settle();
    run.exact("a.service", 300);
    run.controller->set_mode(Mode::observe);
    CHECK_FALSE(run.reading("a.service").ours);
    CHECK(run.reading("a.service").value == 300);
    check(run.exact("a.service", 700), Kind::observed, 700);
    CHECK(run.reading("a.service").value == 700);
    const int writes = run.processes.calls.write;
    run.tick_long();
    CHECK(run.processes.calls.write == writes);
    SUBCASE("until enforce mode returns") {
        run.controller->set_mode(Mode::enforce);
        CHECK(run.reading("a.service").ours);
        CHECK(run.reading("a.service").value == 300);
        CHECK(run.reading("a.service").boot == 50);
        run.release("a.service");
    }
    SUBCASE("until it is restored") {
        run.restore();
    }
    CHECK(run.held(main) == 50);
}

// Cost

namespace {

constexpr int many_units = 200;
constexpr int each_unit = 10;

struct Crowd : Run {
    Crowd() {
        for (int unit = 0; unit < many_units; ++unit) {
            const std::string group = fmt::format("/system.slice/u{}.service", unit);
            for (int n = 0; n < each_unit; ++n) processes.spawn(group);
        }
        processes.spawn(elsewhere);
        settle();
    }
    std::vector<UnitOrder> orders(UnitOrder::Kind kind, int value) const {
        std::vector<UnitOrder> all;
        for (int unit = 0; unit < many_units; ++unit)
            all.push_back(make(kind, fmt::format("u{}.service", unit), value, value, value));
        return all;
    }
};

}  // namespace

TEST_CASE("2,000 processes cost one look and one write each, and two journals") {
    constexpr int processes = many_units * each_unit;
    Crowd run;
    for (const int value : {300, 400}) {
        const auto before = run.processes.calls;
        const auto outcomes = run.controller->order(run.orders(UnitOrder::Kind::write, value), run.processes.now);
        CHECK(std::ranges::all_of(outcomes, [](const Outcome& o) { return o.kind == Kind::written; }));
        CHECK(run.processes.calls.write - before.write == processes);
        CHECK(run.processes.calls.look - before.look == (value == 300 ? processes : 0));
    }
    CHECK(run.journal->scores().size() == processes);
    run.tick();
    const auto before = run.processes.calls;
    run.controller->order(run.orders(UnitOrder::Kind::release, 0), run.processes.now);
    run.tick();
    run.tick();
    CHECK(run.processes.calls.write - before.write == processes);
    CHECK(run.processes.calls.look - before.look == 0);
    CHECK(run.journal->scores().empty());
}

TEST_CASE("with nothing changed keep_up() looks at four scores in 100 ms and allocates nothing") {
    Crowd run;
    run.controller->order(run.orders(UnitOrder::Kind::write, 300), run.processes.now);
    run.tick();
    run.tick();
    const auto before = run.processes.calls;
    const std::size_t allocated = test::allocations();
    for (int i = 0; i < 50; ++i) {
        run.processes.now += 100ms;
        run.controller->keep_up(run.processes.now);
    }
    CHECK(test::allocations() == allocated);
    CHECK(run.processes.calls.look == before.look);
    CHECK(run.processes.calls.score - before.score == 200);
    CHECK(run.processes.calls.newest - before.newest == 50);
}

TEST_CASE("ticks that are no multiple of 25 ms look at as many scores") {
    Crowd run;
    run.controller->order(run.orders(UnitOrder::Kind::write, 300), run.processes.now);
    run.tick(100ms);
    const int before = run.processes.calls.score;
    for (int i = 0; i < 50; ++i) run.tick(40ms);
    CHECK(run.processes.calls.score - before == 80);
}

TEST_CASE("a tick that is long in coming does not make up for all the looks it missed") {
    Crowd run;
    run.controller->order(run.orders(UnitOrder::Kind::write, 300), run.processes.now);
    run.tick();
    const int before = run.processes.calls.score;
    run.tick(1min);
    CHECK(run.processes.calls.score - before == 80);
}

TEST_CASE("forks in units that are not ours cost no look") {
    Crowd run;
    run.controller->order(run.orders(UnitOrder::Kind::write, 300), run.processes.now);
    run.tick();
    const auto before = run.processes.calls;
    for (int i = 0; i < 10; ++i) {
        const pid_t pid = run.processes.spawn(elsewhere);
        run.tick();
        run.processes.exit(pid);
    }
    CHECK(run.processes.calls.look == before.look);
    CHECK(run.processes.calls.write == before.write);
}

TEST_CASE("forks in units of ours that inherit cost one look each") {
    Crowd run;
    run.controller->order(run.orders(UnitOrder::Kind::write, 300), run.processes.now);
    run.settle();
    const auto before = run.processes.calls;
    for (int i = 0; i < 10; ++i) {
        run.processes.fork(100);
        run.tick();
    }
    CHECK(run.processes.calls.look - before.look == 10);
    CHECK(run.processes.calls.write == before.write);
}

TEST_CASE("the score of a unit that is not ours is read every 10 s") {
    Run run;
    const pid_t main = run.processes.spawn(a, 50);
    run.settle();
    CHECK(run.reading("a.service").value == 50);
    CHECK(run.reading("a.service").boot == 50);
    CHECK(run.reading("a.service").available);
    CHECK(run.reading("a.service").hard_minimum == -999);
    CHECK(run.reading("a.service").hard_maximum == 1000);
    CHECK(run.processes.calls.score == 1);
    run.processes.set(main, 60);
    run.tick(9s);
    CHECK(run.reading("a.service").value == 50);
    run.tick(1s);
    CHECK(run.reading("a.service").value == 60);
    run.controller->allow_unkillable(true);
    CHECK(run.reading("a.service").hard_minimum == -1000);
}
