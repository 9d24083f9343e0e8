// SPDX-License-Identifier: GPL-2.0-or-later
#include "memtuned/tunables/journal.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

using memtuned::tunables::Journal;
namespace fs = std::filesystem;

namespace {

constexpr const char* boot = "d3364137-2764-410f-83e0-2a229416d90f";

class Folder {
public:
    Folder() {
        // In memory, as /run is: with fsync() on a disk these tests take ten times as long.
        std::string path = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
        path += "/memtuned-journal-XXXXXX";
        REQUIRE(::mkdtemp(path.data()) != nullptr);
        path_ = path;
    }
    ~Folder() { fs::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    fs::path operator/(const char* name) const { return path_ / name; }

private:
    fs::path path_;
};

void fill(const fs::path& file, const std::string& text) {
    std::ofstream(file, std::ios::binary) << text;
}

std::string content(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string failure(const memtuned::Status& status) {
    return status ? "" : status.error().message;
}

std::string header() {
    return std::string("memtuned-undo 1 ") + boot + "\n";
}

/// What load() says about `text`, without the file's name before and the advice after.
std::string damage(const std::string& text) {
    const Folder folder;
    fill(folder / "undo", text);
    Journal journal(folder / "undo", boot);
    const std::string said = failure(journal.load());
    CHECK(journal.entries().empty());
    CHECK(journal.scores().empty());
    const std::string name = (folder / "undo").string() + ":";
    const std::string advice =
        "; what memtuned changed before cannot be put back from it: check the tunables by hand (or reboot), then "
        "remove "
        "the file";
    REQUIRE(said.starts_with(name));
    REQUIRE(said.ends_with(advice));
    return said.substr(name.size(), said.size() - name.size() - advice.size());
}

}  // namespace

TEST_CASE("a missing journal is an empty one") {
    const Folder folder;
    Journal journal(folder / "undo", boot);
    CHECK(journal.load());
    CHECK(journal.entries().empty());
    CHECK(journal.find("vm.swappiness") == nullptr);
    CHECK_FALSE(fs::exists(folder / "undo"));
}

TEST_CASE("what was put is there after a restart, in order, and what was erased is not") {
    const Folder folder;
    Journal journal(folder / "undo", boot);
    REQUIRE(journal.put({"vm.swappiness", 60, 0, 10, 20}));
    REQUIRE(journal.put({"vm.dirty_bytes", 0, 20, -1, 25165824}));
    REQUIRE(journal.put({"vm.page-cluster", 3, 0, 0, 0}));
    REQUIRE(journal.put({"vm.swappiness", 60, 0, 20, 20}));
    REQUIRE(journal.erase("vm.page-cluster"));
    REQUIRE(journal.erase("vm.page-cluster"));
    CHECK(content(folder / "undo") == header() + "vm.swappiness 60 0 20 20\nvm.dirty_bytes 0 20 -1 25165824\nend\n");

    Journal later(folder / "undo", boot);
    REQUIRE(later.load());
    REQUIRE(later.entries().size() == 2);
    const Journal::Entry* entry = later.find("vm.dirty_bytes");
    REQUIRE(entry != nullptr);
    CHECK(entry->boot == 0);
    CHECK(entry->twin_boot == 20);
    CHECK(entry->ours == -1);
    CHECK(entry->next == 25165824);
    CHECK(later.find("vm.page-cluster") == nullptr);
}

TEST_CASE("the journal's folder is made and only its owner may read the file") {
    const Folder folder;
    Journal journal(folder / "run/memtuned/undo", boot);
    REQUIRE(journal.put({"vm.swappiness", 60, 0, 60, 10}));
    struct stat status {};
    REQUIRE(::stat((folder / "run/memtuned/undo").c_str(), &status) == 0);
    CHECK((status.st_mode & 07777) == 0600);
    CHECK_FALSE(fs::exists(folder / "run/memtuned/undo.new"));
}

TEST_CASE("a journal of another boot is void, damaged or not") {
    const Folder folder;
    for (const char* rest : {"vm.swappiness 60 0 10 10\nend\n", "junk"}) {
        fill(folder / "undo", "memtuned-undo 1 00000000-0000-0000-0000-000000000000\n" + std::string(rest));
        Journal journal(folder / "undo", boot);
        CHECK(journal.load());
        CHECK(journal.entries().empty());
        REQUIRE(journal.put({"vm.page-cluster", 3, 0, 3, 0}));
        CHECK(content(folder / "undo") == header() + "vm.page-cluster 3 0 3 0\nend\n");
    }
}

TEST_CASE("a damaged journal is an error that says where and what to do") {
    CHECK(damage("") == "1: not an undo journal: it begins with \"\"");
    CHECK(damage(std::string("\0\1\xff", 3) + "rest\n") == "1: not an undo journal: it begins with \"???rest\"");
    CHECK(damage(std::string(100, 'x')) ==
          "1: not an undo journal: it begins with \"" + std::string(60, 'x') + "...\"");
    CHECK(damage("memtuned-undo 2 " + std::string(boot) + "\nend\n") ==
          "1: an undo journal of format \"2\", this memtuned reads 1");
    CHECK(damage("memtuned-undo 1") == "1: the boot id is missing or cut off");
    CHECK(damage("memtuned-undo 1 " + std::string(boot)) == "1: the boot id is missing or cut off");
    CHECK(damage(header()) == "2: cut off: the line \"end\" is missing");
    CHECK(damage(header() + "vm.swappiness 60 0 10 10\n") == "3: cut off: the line \"end\" is missing");
    CHECK(damage(header() + "vm.swappiness 60 0 10 1") ==
          "2: not \"TUNABLE BOOT TWIN OURS NEXT\": \"vm.swappiness 60 0 10 1\"");
    CHECK(damage(header() + "vm.swappiness 60 0 10\nend\n") ==
          "2: not \"TUNABLE BOOT TWIN OURS NEXT\": \"vm.swappiness 60 0 10\"");
    CHECK(damage(header() + "vm.swappiness 60 0 10 10 10\nend\n") ==
          "2: not \"TUNABLE BOOT TWIN OURS NEXT\": \"vm.swappiness 60 0 10 10 10\"");
    CHECK(damage(header() + "vm.swappiness 60 0 1O 10\nend\n") ==
          "2: not \"TUNABLE BOOT TWIN OURS NEXT\": \"vm.swappiness 60 0 1O 10\"");
    CHECK(damage(header() + "vm.swappiness 60 0 10 99999999999999999999\nend\n") ==
          "2: not \"TUNABLE BOOT TWIN OURS NEXT\": \"vm.swappiness 60 0 10 99999999999999999999\"");
    CHECK(damage(header() + "vm.a 1 0 1 1\n\nend\n") == "3: not \"TUNABLE BOOT TWIN OURS NEXT\": \"\"");
    CHECK(damage(header() + "vm.a 1 0 1 1\nvm.a 2 0 2 2\nend\n") == "3: vm.a is there twice");
    CHECK(damage(header() + "vm.a 1 0 1 1\nend") == "3: not \"TUNABLE BOOT TWIN OURS NEXT\": \"end\"");
    CHECK(damage(header() + "vm.a 1 0 1 1\nend\nvm.b") == "4: there is more after the end");
}

TEST_CASE("a journal cut short anywhere is either refused or of no boot at all") {
    const std::string whole = header() + "vm.swappiness 60 0 10 10\nvm.page-cluster 3 0 0 0\n" +
                              "process 4711 12345 0 0 300 a b.service\nprocess 4712 12346 -5 300 300 end\nend\n";
    const Folder folder;
    for (std::size_t length = 0; length < whole.size(); ++length) {
        CAPTURE(length);
        fill(folder / "undo", whole.substr(0, length));
        Journal journal(folder / "undo", boot);
        CHECK_FALSE(journal.load());
        CHECK(journal.entries().empty());
        CHECK(journal.scores().empty());
    }
}

TEST_CASE("a damaged journal is not overwritten until it is gone") {
    const Folder folder;
    fill(folder / "undo", "junk\n");
    Journal journal(folder / "undo", boot);
    const std::string said = failure(journal.load());
    CHECK(failure(journal.put({"vm.swappiness", 60, 0, 60, 10})) == said);
    CHECK(content(folder / "undo") == "junk\n");
    fs::remove(folder / "undo");
    REQUIRE(journal.load());
    CHECK(journal.put({"vm.swappiness", 60, 0, 60, 10}));
}

TEST_CASE("a journal that cannot be read is an error with its errno") {
    const Folder folder;
    fs::create_directory(folder / "undo");
    Journal journal(folder / "undo", boot);
    const auto status = journal.load();
    REQUIRE_FALSE(status);
    CHECK(status.error().message == (folder / "undo").string() + ": Is a directory");
    CHECK(status.error().code == EISDIR);
}

TEST_CASE("a name that would break the journal's lines is refused") {
    const Folder folder;
    Journal journal(folder / "undo", boot);
    for (const char* name : {"", "vm swappiness", "vm.swappiness\n", "\x80"})
        CHECK_FALSE(journal.put({name, 1, 0, 1, 1}));
    CHECK(failure(journal.put({"vm swappiness", 1, 0, 1, 1})) ==
          (folder / "undo").string() + ": not a name a journal can hold: \"vm swappiness\"");
    CHECK_FALSE(fs::exists(folder / "undo"));
}

// Processes

namespace {

Journal::Score score(std::string unit, pid_t pid = 4711) {
    return {std::move(unit), {pid, 18446744073709551615U}, -1000, 0, 1000};
}

/// What a journal with nothing but this line's text is damaged by.
std::string line_damage(const std::string& line) {
    return damage(header() + line + "\nend\n");
}

void check_same(const std::vector<Journal::Score>& found, const std::vector<Journal::Score>& expected) {
    REQUIRE(found.size() == expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
        CHECK(found[i].unit == expected[i].unit);
        CHECK(found[i].process == expected[i].process);
        CHECK(found[i].former == expected[i].former);
        CHECK(found[i].ours == expected[i].ours);
        CHECK(found[i].next == expected[i].next);
    }
}

}  // namespace

TEST_CASE("processes are there after a restart, in order, whatever their units are called") {
    const std::vector<Journal::Score> scores = {
        score("a.service", 1),
        score("with blanks  in it .service", 4194304),
        score(R"(dev-disk-by\x2duuid-\.swap)", 3),
        score(" led by one and ended by one ", 4),
        score("user@1000.service/" + std::string(255 - 8, 'x') + ".service", 5),
        score(std::string(255, 'u'), 6),
        score("end", 7),
        score("process 1 2 3 4 5 x", 8),
        score("\xc3\xa4\t\r\x01", 9),
    };
    const Folder folder;
    Journal journal(folder / "undo", boot);
    REQUIRE(journal.put({"vm.swappiness", 60, 0, 10, 10}));
    REQUIRE(journal.put_scores(scores));
    check_same(journal.scores(), scores);

    Journal later(folder / "undo", boot);
    REQUIRE(later.load());
    check_same(later.scores(), scores);
    REQUIRE(later.entries().size() == 1);
    REQUIRE(later.put({"vm.swappiness", 60, 0, 10, 20}));
    REQUIRE(later.erase("vm.swappiness"));
    REQUIRE(later.load());
    check_same(later.scores(), scores);
}

TEST_CASE("processes have a line each, after the tunables, and all are replaced at once") {
    const Folder folder;
    Journal journal(folder / "undo", boot);
    REQUIRE(journal.put_scores({{"a.service", {4711, 12345}, 0, 0, 800}, {"b c.scope", {12, 1}, -900, 800, 800}}));
    REQUIRE(journal.put({"vm.swappiness", 60, 0, 10, 10}));
    CHECK(content(folder / "undo") == header() + "vm.swappiness 60 0 10 10\nprocess 4711 12345 0 0 800 a.service\n" +
                                          "process 12 1 -900 800 800 b c.scope\nend\n");
    REQUIRE(journal.put_scores({{"b c.scope", {12, 1}, -900, 800, 700}}));
    CHECK(content(folder / "undo") ==
          header() + "vm.swappiness 60 0 10 10\nprocess 12 1 -900 800 700 b c.scope\nend\n");
    REQUIRE(journal.put_scores({}));
    CHECK(journal.scores().empty());
    CHECK(content(folder / "undo") == header() + "vm.swappiness 60 0 10 10\nend\n");
}

TEST_CASE("a damaged line of a process is an error that says where") {
    const std::string form = "2: not \"process PID START FORMER OURS NEXT UNIT\": ";
    for (const char* line : {"process", "process ", "process 4711", "process 4711 12345 0 0 800",
                             "process 4711 12345 0 0 800 ", "process  4711 12345 0 0 800 a.service",
                             "process 4711 -1 0 0 800 a.service", "process 4711 18446744073709551616 0 0 800 a",
                             "process 2147483648 1 0 0 800 a.service", "process 4711 12345 0x 0 800 a.service",
                             "process 4711 12345 0 0 a.service 800", "process 4711 12345 0 0 +800 a.service"}) {
        CAPTURE(line);
        CHECK(line_damage(line) == form + "\"" + line + "\"");
    }
    CHECK(line_damage("process 1 2 3 4 x " + std::string(100, 'u')) ==
          form + "\"process 1 2 3 4 x " + std::string(42, 'u') + "...\"");
    CHECK(damage(header() + "process 4711 12345 0 0 800 a.service\nprocess 4711 12345 0 0 800 a.serv") ==
          "3: not \"TUNABLE BOOT TWIN OURS NEXT\": \"process 4711 12345 0 0 800 a.serv\"");
    CHECK(damage(header() + "process 4711 12345 0 0 800 a.service\n") == "3: cut off: the line \"end\" is missing");
    CHECK(line_damage("Process 4711 12345 0 0 800 a.service") ==
          "2: not \"TUNABLE BOOT TWIN OURS NEXT\": \"Process 4711 12345 0 0 800 a.service\"");
}

TEST_CASE("the processes of another boot are other processes") {
    const Folder folder;
    fill(folder / "undo", "memtuned-undo 1 00000000-0000-0000-0000-000000000000\nprocess 1 2 3 4 5 a.service\nend\n");
    Journal journal(folder / "undo", boot);
    CHECK(journal.load());
    CHECK(journal.scores().empty());
    REQUIRE(journal.put_scores({{"b.service", {9, 8}, 7, 6, 5}}));
    CHECK(content(folder / "undo") == header() + "process 9 8 7 6 5 b.service\nend\n");
}

TEST_CASE("a failed put of processes changes neither the file nor what is known of them") {
    const Folder folder;
    Journal journal(folder / "undo", boot);
    REQUIRE(journal.put_scores({score("a.service")}));
    const std::string before = content(folder / "undo");
    fs::create_directory(folder / "undo.new");
    CHECK(failure(journal.put_scores({score("b.service")})) == (folder / "undo.new").string() + ": File exists");
    CHECK(failure(journal.put_scores({})) == (folder / "undo.new").string() + ": File exists");
    CHECK(content(folder / "undo") == before);
    check_same(journal.scores(), {score("a.service")});
}

TEST_CASE("a damaged journal is not overwritten by processes, either") {
    const Folder folder;
    fill(folder / "undo", header() + "process 1\nend\n");
    Journal journal(folder / "undo", boot);
    const std::string said = failure(journal.load());
    CHECK(said != "");
    CHECK(failure(journal.put_scores({score("a.service")})) == said);
    CHECK(content(folder / "undo") == header() + "process 1\nend\n");
    CHECK(journal.scores().empty());
}

TEST_CASE("a failed put or erase changes neither the file nor the entries") {
    const Folder folder;
    Journal journal(folder / "undo", boot);
    REQUIRE(journal.put({"vm.swappiness", 60, 0, 10, 10}));
    const std::string before = content(folder / "undo");

    SUBCASE("the file aside cannot be made") {
        fs::create_directory(folder / "undo.new");
        CHECK(failure(journal.put({"vm.a", 1, 0, 1, 1})) == (folder / "undo.new").string() + ": File exists");
        CHECK(failure(journal.erase("vm.swappiness")) == (folder / "undo.new").string() + ": File exists");
    }
    SUBCASE("the file aside cannot be written") {
        struct rlimit old {};
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
        const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
        const struct rlimit small { 20, old.rlim_max };
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
        const std::string said = failure(journal.put({"vm.a", 1, 0, 1, 1}));
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &old) == 0);
        std::signal(SIGXFSZ, old_handler);
        CHECK(said == (folder / "undo.new").string() + ": File too large");
        CHECK_FALSE(fs::exists(folder / "undo.new"));
    }
    CHECK(content(folder / "undo") == before);
    CHECK(journal.entries().size() == 1);
    CHECK(journal.find("vm.swappiness") != nullptr);
}

TEST_CASE("a put fails where the file's place is taken or its folder cannot be made") {
    const Folder folder;
    fs::create_directory(folder / "undo");
    Journal taken(folder / "undo", boot);
    CHECK(failure(taken.put({"vm.a", 1, 0, 1, 1})) == (folder / "undo").string() + ": Is a directory");
    CHECK(taken.entries().empty());

    fill(folder / "file", "");
    Journal nowhere(folder / "file/undo", boot);
    CHECK(failure(nowhere.put({"vm.a", 1, 0, 1, 1})) == (folder / "file").string() + ": Not a directory");
}

TEST_CASE("what a crash left aside is neither read nor in the way nor followed") {
    const Folder folder;
    fill(folder / "victim", "precious");
    const std::string whole = header() + "vm.swappiness 60 0 10 10\nend\n";
    for (const char* left : {"", "memtuned-undo 1", "link"}) {
        fill(folder / "undo", whole);
        fs::remove(folder / "undo.new");
        if (left == std::string("link"))
            fs::create_symlink(folder / "victim", folder / "undo.new");
        else
            fill(folder / "undo.new", left);
        Journal journal(folder / "undo", boot);
        REQUIRE(journal.load());
        CHECK(journal.entries().size() == 1);
        REQUIRE(journal.put({"vm.a", 1, 0, 1, 1}));
        REQUIRE(journal.load());
        CHECK(journal.entries().size() == 2);
    }
    CHECK(content(folder / "victim") == "precious");
}

namespace {

[[noreturn]] void put_and_erase_forever(const fs::path& file) {
    Journal journal(file, boot);
    if (!journal.load()) ::_exit(1);
    for (std::int64_t n = 0;; ++n) {
        const bool kept = n % 3 == 2 ? static_cast<bool>(journal.erase("vm.b"))
                                     : static_cast<bool>(journal.put({n % 3 == 0 ? "vm.a" : "vm.b", n, 0, n, n}));
        if (!kept) ::_exit(1);
    }
}

}  // namespace

TEST_CASE("a process killed at any moment leaves a journal that loads") {
    const Folder folder;
    std::size_t seen = 0;
    for (int round = 0; round < 50; ++round) {
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) put_and_erase_forever(folder / "undo");
        // Readers see whole files too, as the writer works.
        for (int look = 0; look < 20; ++look) {
            Journal journal(folder / "undo", boot);
            const auto status = journal.load();
            CHECK_MESSAGE(status, failure(status));
            seen += journal.entries().size();
            ::usleep(static_cast<useconds_t>(17 * look + 29 * round));
        }
        REQUIRE(::kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));

        Journal journal(folder / "undo", boot);
        const auto loaded = journal.load();
        CHECK_MESSAGE(loaded, failure(loaded));
        for (const auto& entry : journal.entries()) CHECK(entry.boot == entry.next);
    }
    CHECK(seen > 0);
}
