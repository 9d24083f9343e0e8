// SPDX-License-Identifier: GPL-2.0-or-later
//
// One connection, no thread: calls wait for their answer, signals come in monitor() only. What comes in between is
// served before each call and dropped, so that nothing piles up in the queue of a client that calls for hours.
#include "ctl/client.hpp"

#include <Manager-proxy.h>
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <system_error>

#include "bus/names.hpp"
#include "bus/sdbus.hpp"
#include "ctl/answers.hpp"
#include "ctl/failures.hpp"

namespace memtuned::ctl {
namespace {

using bus::manager_path;
using bus::service_name;
using std::chrono::microseconds;
using Interfaces = std::map<std::string, Properties>;
using Signals = std::deque<Client::Signal>;

/// A person may have to type a password for polkit, whose agents give two minutes for it.
constexpr std::chrono::seconds patience_to_change{130};
constexpr std::chrono::seconds patience_to_read{25};

/// Messages served in one turn, so that a flood of signals does not keep monitor() from seeing its stop.
constexpr int most_at_once = 32;

std::unique_ptr<sdbus::IConnection> connect(const std::string& address) {
    try {
        return bus::connect_to(address);
    } catch (const sdbus::Error& error) {
        throw no_bus(address, error);
    }
}

Realtime now() {
    return std::chrono::floor<microseconds>(std::chrono::system_clock::now());
}

template <class T, class Make>
void add(std::vector<T>& list, const Interfaces& interfaces, const char* interface, Make make) {
    const auto found = interfaces.find(interface);
    if (found != interfaces.end()) list.push_back(make(found->second));
}

template <class T, class Member>
void sort_by(std::vector<T>& list, Member T::*member) {
    std::sort(list.begin(), list.end(), [member](const T& a, const T& b) { return a.*member < b.*member; });
}

/// Keeps the manager's signals. It must not hand them on from here: sdbus-c++ 1.2 lets no exception out of a handler.
class ManagerProxy final : public sdbus::ProxyInterfaces<org::memtuned1::Manager_proxy> {
public:
    ManagerProxy(sdbus::IConnection& connection, Signals& signals)
        : ProxyInterfaces(connection, bus::ServiceName(service_name), bus::ObjectPath(manager_path)),
          signals_(signals) {
        registerProxy();
    }
    ~ManagerProxy() { unregisterProxy(); }

    Properties properties() {
        Properties all;
        getProxy()
            .callMethod("GetAll")
            .onInterface("org.freedesktop.DBus.Properties")
            .withArguments(std::string(INTERFACE_NAME))
            .storeResultsTo(all);
        return all;
    }

    std::map<sdbus::ObjectPath, Interfaces> objects() {
        std::map<sdbus::ObjectPath, Interfaces> all;
        getProxy()
            .callMethod("GetManagedObjects")
            .onInterface("org.freedesktop.DBus.ObjectManager")
            .storeResultsTo(all);
        return all;
    }

private:
    void onTunableChanged(const std::string& tunable, const std::int64_t& old_value, const std::int64_t& new_value,
                          const std::string& source, const std::string& reason) override {
        signals_.push_back({now(),
                            "TunableChanged",
                            {{"tunable", tunable},
                             {"old", std::to_string(old_value)},
                             {"new", std::to_string(new_value)},
                             {"source", source},
                             {"reason", reason}}});
    }
    void onRuleChanged(const std::string& rule, const std::string& state, const std::string& reason) override {
        signals_.push_back({now(), "RuleChanged", {{"rule", rule}, {"state", state}, {"reason", reason}}});
    }
    void onOutsideChange(const std::string& tunable, const std::int64_t& ours, const std::int64_t& found) override {
        signals_.push_back(
            {now(),
             "OutsideChange",
             {{"tunable", tunable}, {"ours", std::to_string(ours)}, {"found", std::to_string(found)}}});
    }
    void onReloadFailed(const std::string& diagnostics) override {
        signals_.push_back({now(), "ReloadFailed", {{"diagnostics", diagnostics}}});
    }

    Signals& signals_;
};

/// The part of the bus's own interface that is needed here, in the shape of a generated proxy.
class Bus_proxy {
public:
    static constexpr const char* INTERFACE_NAME = "org.freedesktop.DBus";

    bool has_owner(const std::string& name) {
        bool owned = false;
        proxy_.callMethod("NameHasOwner").onInterface(INTERFACE_NAME).withArguments(name).storeResultsTo(owned);
        return owned;
    }

protected:
    explicit Bus_proxy(sdbus::IProxy& proxy) : proxy_(proxy) {
        proxy_.uponSignal("NameOwnerChanged")
            .onInterface(INTERFACE_NAME)
            .call([this](const std::string& name, const std::string& before, const std::string& after) {
                on_owner_changed(name, before, after);
            });
    }
    ~Bus_proxy() = default;
    /// As in sdbus-c++ 2; here the constructor subscribed already, as in 1.2.
    void registerProxy() {}

    virtual void on_owner_changed(const std::string& name, const std::string& before, const std::string& after) = 0;

private:
    sdbus::IProxy& proxy_;
};

/// Sees the daemon come and go.
class BusProxy final : public sdbus::ProxyInterfaces<Bus_proxy> {
public:
    BusProxy(sdbus::IConnection& connection, Signals& signals)
        : ProxyInterfaces(connection, bus::ServiceName("org.freedesktop.DBus"),
                          bus::ObjectPath("/org/freedesktop/DBus")),
          signals_(signals) {
        registerProxy();
    }
    ~BusProxy() { unregisterProxy(); }

private:
    void on_owner_changed(const std::string& name, const std::string& before, const std::string& after) override {
        if (name != service_name) return;
        if (!before.empty()) signals_.push_back({now(), "Gone", {}});
        if (!after.empty()) signals_.push_back({now(), "Back", {}});
    }

    Signals& signals_;
};

/// False: there is no message left.
bool serve_some(sdbus::IConnection& connection) {
    for (int served = 0; served < most_at_once; ++served)
        if (!bus::process_pending(connection)) return false;
    return true;
}

int to_milliseconds(std::optional<microseconds> wait) {
    if (!wait) return -1;
    const auto rounded_up = std::chrono::ceil<std::chrono::milliseconds>(*wait).count();
    return static_cast<int>(std::clamp<std::int64_t>(rounded_up, 0, 60'000));
}

/// True: stop.
bool wait_for_message(const sdbus::IConnection& connection, int stop_fd, bool at_once) {
    const sdbus::IConnection::PollData data = connection.getEventLoopPollData();
    std::array<pollfd, 2> watched{pollfd{data.fd, data.events, 0}, pollfd{stop_fd, POLLIN, 0}};
    const int longest = at_once ? 0 : to_milliseconds(bus::longest_wait(data));
    if (::poll(watched.data(), watched.size(), longest) < 0 && errno != EINTR)
        throw std::system_error(errno, std::generic_category(), "poll");
    return watched[1].revents != 0;
}

}  // namespace

struct Client::State {
    explicit State(const std::string& address)
        : connection(connect(address)), daemon(*connection, signals), bus_daemon(*connection, signals) {}

    template <class Call>
    auto call(std::chrono::seconds patience, Call&& what) {
        try {
            drop_signals();
            connection->setMethodCallTimeout(patience);
            return what();
        } catch (const sdbus::Error& error) {
            throw failed(error);
        }
    }
    template <class Call>
    auto read(Call&& what) {
        return call(patience_to_read, what);
    }
    template <class Call>
    void change(Call&& what) {
        call(patience_to_change, what);
    }

    void drop_signals() {
        while (serve_some(*connection)) signals.clear();
        signals.clear();
    }

    Signals signals;  ///< what came in and was not handed on yet
    std::unique_ptr<sdbus::IConnection> connection;
    ManagerProxy daemon;
    BusProxy bus_daemon;
};

Client::Client(const std::string& address) try : state_(std::make_unique<State>(address)) {
    if (!state_->read([this] { return state_->bus_daemon.has_owner(service_name); })) throw no_daemon(address);
} catch (const sdbus::Error& error) {
    throw failed(error);
}

Client::~Client() = default;

ManagerState Client::manager() {
    return state_->read([this] { return to_manager(state_->daemon.properties()); });
}

Objects Client::objects() {
    return state_->read([this] {
        Objects objects;
        for (const auto& [path, interfaces] : state_->daemon.objects()) {
            add(objects.tunables, interfaces, "org.memtuned1.Tunable", to_tunable);
            add(objects.rules, interfaces, "org.memtuned1.Rule", to_rule);
            add(objects.services, interfaces, "org.memtuned1.Service", to_service);
        }
        sort_by(objects.tunables, &TunableState::name);
        sort_by(objects.rules, &RuleState::order);
        sort_by(objects.services, &ServiceState::unit);
        return objects;
    });
}

std::map<std::string, double> Client::indicators() {
    return state_->read([this] { return state_->daemon.GetIndicators(); });
}

std::vector<ExplainedClaim> Client::explain(const std::string& tunable) {
    return state_->read([this, &tunable] {
        std::vector<ExplainedClaim> claims;
        for (const auto& row : state_->daemon.Explain(tunable))
            claims.push_back({row.get<0>(), row.get<1>(), row.get<2>(), row.get<3>()});
        return claims;
    });
}

std::vector<std::pair<std::string, std::string>> Client::outlook(const std::string& tunable) {
    return state_->read([this, &tunable] {
        std::vector<std::pair<std::string, std::string>> changes;
        for (const auto& row : state_->daemon.Outlook(tunable)) changes.emplace_back(row.get<0>(), row.get<1>());
        return changes;
    });
}

std::vector<PastDecision> Client::history(std::uint32_t most) {
    return state_->read([this, most] {
        std::vector<PastDecision> decisions;
        for (const auto& row : state_->daemon.GetHistory(most))
            decisions.push_back({Realtime(microseconds(row.get<0>())), row.get<1>(), row.get<2>(), row.get<3>(),
                                 row.get<4>(), row.get<5>()});
        return decisions;
    });
}

void Client::switch_profile(const std::string& name) {
    state_->change([this, &name] { state_->daemon.SwitchProfile(name); });
}

void Client::set_mode(const std::string& mode) {
    state_->change([this, &mode] { state_->daemon.SetMode(mode); });
}

void Client::reload() {
    state_->change([this] { state_->daemon.Reload(); });
}

void Client::override_tunable(const std::string& tunable, std::int64_t value, microseconds lifetime,
                              const std::string& reason) {
    const auto lifetime_us = static_cast<std::uint64_t>(std::max(lifetime, microseconds(0)).count());
    state_->change([&] { state_->daemon.Override(tunable, value, lifetime_us, reason); });
}

void Client::override_while_connected(const std::string& tunable, std::int64_t value, const std::string& reason) {
    state_->change([&] { state_->daemon.OverrideWhileConnected(tunable, value, reason); });
}

void Client::clear_override(const std::string& tunable) {
    state_->change([this, &tunable] { state_->daemon.ClearOverride(tunable); });
}

void Client::release(const std::string& tunable) {
    state_->change([this, &tunable] { state_->daemon.Release(tunable); });
}

void Client::enable_rule(const std::string& name, bool enabled) {
    state_->change([&] { state_->daemon.EnableRule(name, enabled); });
}

void Client::monitor(const std::function<void(const Signal&)>& handler, int stop_fd) {
    try {
        for (;;) {
            const bool more = serve_some(*state_->connection);
            for (; !state_->signals.empty(); state_->signals.pop_front()) handler(state_->signals.front());
            if (wait_for_message(*state_->connection, stop_fd, more)) return;
        }
    } catch (const sdbus::Error& error) {
        throw bus_gone(error);
    }
}

}  // namespace memtuned::ctl
