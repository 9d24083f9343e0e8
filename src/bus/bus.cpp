// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/bus.hpp"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <exception>
#include <thread>
#include <utility>
#include <vector>

#include "bus/authority.hpp"
#include "bus/connector.hpp"
#include "bus/names.hpp"
#include "bus/objects.hpp"
#include "bus/requests.hpp"

namespace memtuned::bus {
namespace {

/// In one turn of the loop at most so many messages, and for no longer than this, are served: a flood must not make
/// a sample late.
constexpr int most_messages = 32;
constexpr Duration longest_service = std::chrono::milliseconds(20);

constexpr Duration first_retry = std::chrono::seconds(1);
constexpr Duration longest_retry = std::chrono::seconds(30);

/// A bus that takes nothing for so long is as good as dead; sd-bus would keep up to 393,216 messages for it.
constexpr Duration longest_stuck = std::chrono::seconds(30);

constexpr std::uint32_t do_not_queue = 4;
constexpr std::uint32_t now_owner = 1;

}  // namespace

/// All that lasts as long as one connection. In this order: what points into the connection goes before it.
struct Bus::Session {
    Session(Host& host, Connected connected)
        : link(std::move(connected)),
          authority(*link.connection),
          requests(host, authority),
          objects(*link.connection, host, requests),
          daemon(sdbus::createProxy(*link.connection, ServiceName("org.freedesktop.DBus"),
                                    ObjectPath("/org/freedesktop/DBus"))) {}

    /// Only now that the objects are there may anybody find us.
    void request_name() {
        daemon->callMethodAsync("RequestName")
            .onInterface("org.freedesktop.DBus")
            .withArguments(std::string(service_name), do_not_queue)
            .uponReplyInvoke([this](CallError error, std::uint32_t outcome) {
                if (error)
                    trouble = error->getMessage();
                else if (outcome != now_owner)
                    trouble = fmt::format("another program owns the name {}", service_name);
                else
                    named = true;
            });
    }

    Connected link;
    Authority authority;
    Requests requests;
    Objects objects;
    std::unique_ptr<sdbus::IProxy> daemon;
    bool named = false;
    std::string trouble;  // why the connection is of no use any more
    bool serving = false;
    std::optional<Instant> stuck_since;
};

struct Bus::State {
    State(Host& host_, std::string address_) : host(host_), address(std::move(address_)) {}

    void connect(Instant now);
    void process(Instant now);
    void lose(const std::string& why, Instant now);
    void close();
    void settle_name();
    /// Does something with the session, if there is one; what it throws ends the session, but not while a message is
    /// being served: its handler may be on the stack.
    template <class Action>
    void with_session(Instant now, Action action);

    Host& host;
    const std::string address;
    std::optional<Connector> connector;
    std::unique_ptr<Session> session;
    std::uint64_t number = 0;
    Instant retry_at{};
    Duration retry_after = first_retry;
    std::optional<std::string> said;
};

Bus::Bus(Host& host, std::string address) : state_(std::make_unique<State>(host, std::move(address))) {}
Bus::~Bus() {
    state_->close();
}

/// The end of a connection waits until all is sent. Where the bus takes nothing, that is for a thread to wait for.
void Bus::State::close() {
    if (session && session->stuck_since)
        std::thread([gone = std::move(session)]() mutable { gone.reset(); }).detach();
    session.reset();
}

template <class Action>
void Bus::State::with_session(Instant now, Action action) {
    if (!session) return;
    try {
        action(*session);
    } catch (const sdbus::Error& error) {
        session->trouble = error.getMessage();
    } catch (const std::exception& failure) {
        session->trouble = failure.what();
    }
    if (!session->trouble.empty() && !session->serving) lose(std::string(session->trouble), now);
}

void Bus::serve(Instant now) {
    if (state_->address == "none") return;
    state_->connect(now);
    state_->process(now);
}

void Bus::State::connect(Instant now) {
    if (session) return;
    if (!connector) {
        if (now < retry_at) return;
        connector.emplace(address);
        ++number;
    }
    std::string error;
    std::optional<Connected> connected = connector->take(error);
    if (!connected) return;
    connector.reset();
    if (!connected->connection) return lose(error, now);
    ++number;
    try {
        session = std::make_unique<Session>(host, std::move(*connected));
    } catch (const std::exception& failure) {
        return lose(failure.what(), now);
    }
    with_session(now, [](Session& open) { open.request_name(); });
}

void Bus::State::process(Instant now) {
    with_session(now, [&](Session& open) {
        open.serving = true;
        const Instant end = BootClock::now() + longest_service;
        for (int i = 0; i < most_messages && process_pending(*open.link.connection); ++i)
            if (BootClock::now() > end) break;
        for (const std::string& name : std::exchange(*open.link.departed, {})) open.requests.forget(name);
        open.serving = false;
    });
    if (session && session->serving) {
        session->serving = false;
        return lose(std::string(session->trouble), now);
    }
    if (session && session->stuck_since && now - *session->stuck_since > longest_stuck)
        return lose("it takes no more messages", now);
    if (session && session->named) settle_name();
}

void Bus::State::settle_name() {
    retry_after = first_retry;
    if (said && said->empty()) return;
    said.emplace();
    host.bus_changed({});
}

/// Whoever held an override by his connection is gone with it; all others stay.
void Bus::State::lose(const std::string& why, Instant now) {
    close();
    std::vector<std::uint64_t> held;
    for (const policy::Override& o : host.policy().overrides())
        if (!o.holder.empty()) held.push_back(o.id);
    for (const std::uint64_t id : held) host.policy().clear_override(id);
    if (!held.empty()) host.wake();
    retry_at = now + retry_after;
    retry_after = std::min(retry_after * 2, longest_retry);
    if (said == why) return;
    said = why;
    host.bus_changed(why);
}

Bus::Wait Bus::wait(Instant now) {
    State& state = *state_;
    Wait wait{-1, POLLIN, state.number, std::nullopt};
    if (state.address == "none") return wait;
    if (state.connector) wait.fd = state.connector->fd();
    if (!state.connector && !state.session) wait.longest = std::max(state.retry_at - now, Duration{0});
    state.with_session(now, [&](Session& open) {
        const auto poll = open.link.connection->getEventLoopPollData();
        wait.fd = poll.fd;
        wait.events = static_cast<std::uint32_t>(poll.events);
        if (const auto longest = longest_wait(poll)) wait.longest = *longest;
        if ((wait.events & POLLOUT) == 0)
            open.stuck_since.reset();
        else if (!open.stuck_since)
            open.stuck_since = now;
    });
    return state.session || state.connector ? wait : Wait{-1, 0, state.number, wait.longest.value_or(Duration{0})};
}

void Bus::turn_taken(Instant now) {
    state_->with_session(now, [](Session& open) {
        open.requests.turn_taken();
        open.objects.update();
    });
}

void Bus::tell(const policy::PastDecision& decision, Instant now) {
    state_->with_session(now, [&](Session& open) { open.objects.manager().tell_tunable(decision); });
}

void Bus::tell(const policy::Event& event, Instant now) {
    state_->with_session(now, [&](Session& open) { open.objects.manager().tell_event(event); });
}

void Bus::tell_reload_failed(const std::string& diagnostics, Instant now) {
    state_->with_session(now, [&](Session& open) { open.objects.manager().tell_reload_failed(diagnostics); });
}

}  // namespace memtuned::bus
