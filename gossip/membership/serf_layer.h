// SPDX-License-Identifier: BSD-3-Clause
// SerfLayer: what members say they will do (intents), user events, and queries, as Serf does.
//
// Whatever is relayed is relayed once and byte for byte: intents only where they raise the time of
// a member's status, events and queries only where they are new. Bounded by its buffers: 512 times
// of events and of queries, 4096 intents for unknown members, 16 queries of our own. Control thread
// only. Source: the Serf wire format.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gossip/membership/event_buffer.h"
#include "gossip/membership/intent_buffer.h"
#include "gossip/membership/key_requests.h"
#include "gossip/membership/lamport_clock.h"
#include "gossip/membership/own_queries.h"
#include "gossip/membership/serf_host.h"

namespace posthaste::gossip::membership {

// Name and payload together, of events we send. Others' may have more.
inline constexpr std::size_t kOwnEventBytesMax = 512;
// For how many members one answer is relayed, whatever the query asks for.
inline constexpr std::size_t kResponseRelaysMax = 16;

class SerfLayer final : public UserLayer {
  public:
    // The host must outlive it.
    explicit SerfLayer(SerfHost& host) : host_(host) {}

    void on_user(std::string_view payload, std::uint64_t now_ms) override;
    [[nodiscard]] std::string user_state() const override;
    void merge_user_state(std::string_view state, bool join, std::uint64_t now_ms) override;

    void on_alive(std::string_view name, std::uint64_t now_ms) override;
    void on_gone(std::string_view name, NodeState state) override;
    void on_forgotten(std::string_view name) override;
    void on_conflict(std::string_view name, std::uint64_t now_ms) override;
    [[nodiscard]] MemberStatus status(std::string_view name) const override;

    void announce_join() override;
    void begin_leave(std::uint64_t now_ms) override;
    [[nodiscard]] bool leave_heard() const override;
    [[nodiscard]] tl::expected<void, std::string> force_leave(std::string_view name,
                                                              bool prune,
                                                              std::uint64_t now_ms) override;

    [[nodiscard]] tl::expected<void, std::string> send_event(std::string_view name,
                                                             std::string_view payload) override;
    [[nodiscard]] tl::expected<std::uint32_t, std::string> ask_keys(KeyAction action,
                                                                    std::string_view key,
                                                                    std::uint64_t now_ms) override;

    void on_timer(std::uint64_t now_ms) override;
    [[nodiscard]] std::uint64_t next_due_ms() const override;

    [[nodiscard]] std::string ack_payload() const override;

  private:
    struct Record {
        MemberStatus status = MemberStatus::alive;
        LamportTime time = 0;  // of the intent that was believed last
        bool prune = false;    // to be forgotten when it is gone
    };

    // Whether a message is to be told to others.
    enum class Spread : std::uint8_t { yes, no };

    void receive(std::string_view payload, std::uint64_t now_ms);
    [[nodiscard]] bool is_self(std::string_view name) const;
    [[nodiscard]] Record* find(std::string_view name);
    BroadcastNumber broadcast(std::string_view payload);
    bool send(const SocketAddress& to, std::string_view payload);

    // serf_intents.cpp
    [[nodiscard]] Spread take_leave(const LeaveIntent& intent, std::uint64_t now_ms);
    [[nodiscard]] Spread take_join(const JoinIntent& intent, std::uint64_t now_ms);
    void take_left(std::string_view name, LamportTime status_time, std::uint64_t now_ms);
    // Whose status the intent may change; otherwise whether to tell it on.
    [[nodiscard]] tl::expected<Record*, Spread> weigh(const std::string& name,
                                                      bool leave,
                                                      LamportTime time,
                                                      std::uint64_t now_ms);
    [[nodiscard]] Spread buffer(std::string_view name,
                                bool leave,
                                LamportTime time,
                                std::uint64_t now_ms);

    void forget_soon(std::string_view name) { prunes_.emplace_back(name); }

    void merge_intents(const SerfPushPull& push, std::uint64_t now_ms);
    void merge_events(const SerfPushPull& push, bool join);
    [[nodiscard]] Spread take_event(const UserEvent& event);

    // serf_queries.cpp
    void take_query(const Query& query, std::string_view payload);
    // `to`: the member that asks.
    void answer_internal(const Query& query, const SocketAddress& to);
    void answer_conflict(const Query& query, const SocketAddress& to);
    void answer_keys(const Query& query, const SocketAddress& to, KeyAction action);
    void respond(const Query& query,
                 const SocketAddress& to,
                 std::uint32_t flags,
                 std::string payload);
    void take_response(const QueryResponse& response);
    void take_relay(const Relay& relay, std::uint64_t now_ms);
    [[nodiscard]] std::uint64_t query_timeout_ms() const;
    [[nodiscard]] bool ask(OwnQuery own,
                           std::string_view name,
                           std::string payload,
                           std::uint64_t now_ms);
    void finish(const OwnQuery& query);

    SerfHost& host_;
    LamportClock clock_;
    LamportClock event_clock_;
    LamportClock query_clock_;
    std::map<std::string, Record, std::less<>> records_;
    IntentBuffer intents_;
    EventBuffer events_;
    QueryBuffer queries_;
    OwnQueries own_queries_;
    std::vector<std::string> prunes_;
    BroadcastNumber leave_number_ = 0;
    std::uint32_t questions_ = 0;
    bool leaving_ = false;
    bool merged_ = false;  // something, ever
};

}  // namespace posthaste::gossip::membership
