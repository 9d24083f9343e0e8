// SPDX-License-Identifier: GPL-2.0-or-later
//
// The program on a bus of its own: a D-Bus daemon with the tree's policy in force, which can be killed, stopped and
// started again at the same address, and memtuned as another process, on a copy of a machine's kernel files. Both end
// with whoever started them, however that ends.
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "bus/names.hpp"
#include "bus/sdbus.hpp"
#include "memtuned/kernel/descriptor.hpp"
#include "support/temp_root.hpp"

namespace memtuned::test {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

inline Milliseconds since(Clock::time_point start) {
    return std::chrono::duration_cast<Milliseconds>(Clock::now() - start);
}

/// Whether a condition came true within the time.
template <class Condition>
bool soon(Milliseconds longest, Condition condition) {
    const auto start = Clock::now();
    while (!condition()) {
        if (since(start) > longest) return false;
        std::this_thread::sleep_for(Milliseconds(5));
    }
    return true;
}

/// A process of ours, killed at the end of its life. What it says goes to a file.
class Child {
public:
    Child(std::vector<std::string> command, const std::string& log, std::vector<std::string> environment = {}) {
        std::vector<char*> arguments;
        for (std::string& argument : command) arguments.push_back(argument.data());
        arguments.push_back(nullptr);
        std::vector<char*> settings;
        for (std::string& setting : environment) settings.push_back(setting.data());
        const kernel::Descriptor output(::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
        pid_ = ::fork();
        if (pid_ < 0) throw std::runtime_error("cannot fork");
        if (pid_ > 0) return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        sigset_t none;
        sigemptyset(&none);
        ::sigprocmask(SIG_SETMASK, &none, nullptr);
        ::dup2(output.get(), STDOUT_FILENO);
        ::dup2(output.get(), STDERR_FILENO);
        for (char* setting : settings) ::putenv(setting);
        ::execvp(arguments[0], arguments.data());
        ::_exit(127);
    }
    ~Child() { kill(); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    pid_t pid() const { return pid_; }
    void signal(int number) const {
        if (pid_ > 0) ::kill(pid_, number);
    }
    void kill() {
        signal(SIGKILL);
        wait();
    }
    /// Its exit status, 128 and more after a signal; none if it still runs after that time.
    std::optional<int> ends_within(Milliseconds longest) {
        std::optional<int> status;
        soon(longest, [&] {
            int raw = 0;
            if (pid_ <= 0 || ::waitpid(pid_, &raw, WNOHANG) != pid_) return false;
            pid_ = -1;
            status = WIFEXITED(raw) ? WEXITSTATUS(raw) : 128 + WTERMSIG(raw);
            return true;
        });
        return status;
    }

private:
    void wait() {
        if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
        pid_ = -1;
    }

    pid_t pid_ = -1;
};

/// A D-Bus daemon as the system's, with its usual limits.
class PrivateBus {
public:
    /// `users` may take polkit's name besides root.
    explicit PrivateBus(std::string_view users = "root") {
        const std::string folder = files_.root().path().string();
        address_ = "unix:abstract=" + folder;
        files_.write("bus.conf", fmt::format(configuration, address_, MEMTUNED_FIXTURES "/../../dbus", users));
        start();
    }

    const std::string& address() const { return address_; }
    void start() {
        daemon_.emplace(
            std::vector<std::string>{"dbus-daemon", "--config-file=" + (files_.root() / "bus.conf").string(),
                                     "--nofork", "--nopidfile"},
            (files_.root() / "log").string());
        if (!soon(Milliseconds(10'000), [this] { return answers(); }))
            throw std::runtime_error("the bus did not start: " + text_of(files_.root(), "log"));
    }
    void kill() { daemon_->kill(); }
    void stop() const { daemon_->signal(SIGSTOP); }
    void go_on() const { daemon_->signal(SIGCONT); }

private:
    static constexpr std::string_view configuration = R"(<!DOCTYPE busconfig PUBLIC
  "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>{0}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
  </policy>
  <include>{1}/org.memtuned1.conf</include>
  <policy user="root"><allow own="org.freedesktop.PolicyKit1"/></policy>
  <policy user="{2}"><allow own="org.freedesktop.PolicyKit1"/></policy>
</busconfig>
)";

    bool answers() const {
        sockaddr_un where{};
        where.sun_family = AF_UNIX;
        const std::string path = files_.root().path().string();
        std::memcpy(where.sun_path + 1, path.data(), std::min(path.size(), sizeof where.sun_path - 1));
        const kernel::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + path.size());
        return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&where), length) == 0;
    }

    TempRoot files_;
    std::string address_;
    std::optional<Child> daemon_;
};

/// Everything that this thread does meanwhile is done as another user; needs root.
class AsUser {
public:
    explicit AsUser(uid_t user) { become(user); }
    ~AsUser() { become(0); }
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;

    static constexpr uid_t nobody = 65534;

private:
    /// Not by setresuid(), which is for all threads.
    static void become(uid_t user) { ::syscall(SYS_setresuid, -1, user, -1); }
};

/// Somebody on the bus, who calls memtuned.
class Client {
public:
    explicit Client(const PrivateBus& bus) : connection_(bus::connect_to(bus.address())) {}

    sdbus::IConnection& connection() { return *connection_; }
    std::string name() const { return connection_->getUniqueName(); }
    std::unique_ptr<sdbus::IProxy> proxy(const std::string& path = bus::manager_path,
                                         const std::string& service = bus::service_name) {
        return sdbus::createProxy(*connection_, bus::ServiceName(service), bus::ObjectPath(path));
    }
    static std::string path(std::string_view kind, std::string_view name) { return bus::path_of(kind, name); }

    template <class... Arguments>
    void call(const std::string& method, const Arguments&... arguments) {
        manager().callMethod(method).onInterface("org.memtuned1.Manager").withArguments(arguments...);
    }
    template <class Result, class... Arguments>
    Result ask(const std::string& method, const Arguments&... arguments) {
        Result result;
        manager()
            .callMethod(method)
            .onInterface("org.memtuned1.Manager")
            .withArguments(arguments...)
            .storeResultsTo(result);
        return result;
    }
    template <class Value>
    Value property(const std::string& name) {
        return property<Value>(bus::manager_path, "Manager", name);
    }
    template <class Value>
    Value property(const std::string& path, const std::string& interface, const std::string& name) {
        const sdbus::Variant value = proxy(path)->getProperty(name).onInterface("org.memtuned1." + interface);
        return value.get<Value>();
    }
    template <class Value>
    Value of_tunable(const std::string& tunable, const std::string& name) {
        return property<Value>(path("tunable", tunable), "Tunable", name);
    }
    bool sees_memtuned() {
        bool owned = false;
        proxy("/org/freedesktop/DBus", "org.freedesktop.DBus")
            ->callMethod("NameHasOwner")
            .onInterface("org.freedesktop.DBus")
            .withArguments(std::string(bus::service_name))
            .storeResultsTo(owned);
        return owned;
    }

    /// Sends what is to be sent, and serves what has come.
    void serve() {
        while (bus::process_pending(*connection_)) {
        }
    }
    /// Serves what comes until a condition is true. False: it was not within the time.
    template <class Condition>
    bool serve_until(Milliseconds longest, Condition condition) {
        const auto start = Clock::now();
        while (!condition()) {
            if (since(start) > longest) return false;
            if (bus::process_pending(*connection_)) continue;
            const auto wanted = connection_->getEventLoopPollData();
            pollfd one{wanted.fd, static_cast<short>(wanted.events), 0};
            ::poll(&one, 1, 10);
        }
        return true;
    }

private:
    sdbus::IProxy& manager() {
        if (!manager_) manager_ = proxy();
        return *manager_;
    }

    std::unique_ptr<sdbus::IConnection> connection_;
    std::unique_ptr<sdbus::IProxy> manager_;
};

/// "org.memtuned1.Error.OutOfRange: the message" of a call that is refused, "none" of one that is not.
template <class Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const sdbus::Error& error) {
        return fmt::format("{}: {}", std::string(error.getName()), std::string(error.getMessage()));
    }
    return "none";
}

/// memtuned, on a copy of a capture. It is not started yet.
class Program {
public:
    /// Where the program is: none where nobody says.
    static const char* path() { return std::getenv("MEMTUNED"); }

    explicit Program(std::string_view capture = "linux-6.18") {
        files.copy(fixture(capture));
        for (const auto& file : std::filesystem::recursive_directory_iterator(files.root().path()))
            std::filesystem::permissions(file, std::filesystem::perms::owner_write,
                                         std::filesystem::perm_options::add);
        files.write("memtuned.toml", "[sampling]\nidle = \"200ms\"\n");
    }

    /// Has no bus to be found on yet, where `waits` is false.
    void start(const PrivateBus& bus, std::vector<std::string> more = {}, bool waits = true) {
        std::vector<std::string> command{path(),
                                         "--root",
                                         files.root().path().string(),
                                         "--rules",
                                         in("rules"),
                                         "--config",
                                         in("memtuned.toml"),
                                         "--profile",
                                         "test",
                                         "--bus",
                                         bus.address()};
        command.insert(command.end(), more.begin(), more.end());
        process_.emplace(std::move(command), in("log"));
        if (!waits) return;
        Client client(bus);
        if (!soon(Milliseconds(20'000), [&] { return client.sees_memtuned(); }))
            throw std::runtime_error("memtuned did not start: " + log());
    }
    Child& process() { return *process_; }
    std::string log() const { return text_of(files.root(), "log"); }
    bool says(std::string_view text) const { return log().find(text) != std::string::npos; }

    /// "vm.swappiness" as the kernel has it.
    std::string value(std::string_view tunable = "vm.swappiness") const {
        std::string path = fmt::format("proc/sys/vm/{}", tunable.substr(tunable.find('.') + 1));
        std::string text = text_of(files.root(), path);
        return text.substr(0, text.find('\n'));
    }
    /// Everything that it could have tuned.
    std::map<std::string, std::string> tunables() const {
        std::map<std::string, std::string> all;
        for (const auto& file : std::filesystem::directory_iterator(files.root() / "proc/sys/vm"))
            all[file.path().filename().string()] =
                text_of(files.root(), fmt::format("proc/sys/vm/{}", file.path().filename().string()));
        return all;
    }
    /// Gives a key of /proc/meminfo another value, of no more digits than there is room for, in one piece.
    void set_meminfo(std::string_view key, unsigned long kilobytes) {
        const std::string text = text_of(files.root(), "proc/meminfo");
        const std::size_t line = text.find(fmt::format("{}:", key));
        const std::size_t from = line + key.size() + 1;
        const std::size_t to = text.find(" kB", from);
        const std::string padded = fmt::format("{:>{}}", kilobytes, to - from);
        const kernel::Descriptor file(::open(in("proc/meminfo").c_str(), O_WRONLY | O_CLOEXEC));
        if (line == std::string::npos ||
            ::pwrite(file.get(), padded.data(), padded.size(), static_cast<off_t>(from)) < 0)
            throw std::runtime_error("cannot set " + std::string(key));
    }

    /// Kilobytes that it holds in memory, and its open files.
    long memory() const {
        std::ifstream status(fmt::format("/proc/{}/status", process_->pid()));
        for (std::string word; status >> word;)
            if (long kilobytes = 0; word == "VmRSS:" && status >> kilobytes) return kilobytes;
        return -1;
    }
    std::ptrdiff_t open_files() const {
        const std::filesystem::directory_iterator open(fmt::format("/proc/{}/fd", process_->pid()));
        return std::distance(begin(open), end(open));
    }

    TempRoot files;

private:
    std::string in(std::string_view file) const { return (files.root() / file).string(); }

    std::optional<Child> process_;
};

}  // namespace memtuned::test
