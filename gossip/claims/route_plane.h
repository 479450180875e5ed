// SPDX-License-Identifier: BSD-3-Clause
// RoutePlane: one router's part in telling all of them which agent is attached where.
//
// A pure state machine: connections, bytes, members and time come in; bytes to send, changed agents
// and events are there to be taken. Whoever drives it sends what take_output() gives, calls
// on_timer() when next_due_ms() has come, and ends the connections that are closed(). Control
// thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "gossip/claims/plane_state.h"
#include "gossip/claims/session.h"

namespace posthaste::gossip::claims {

enum class Membership : std::uint8_t {
    alive,      // suspected, too
    out,        // dead or left: its claims do not hold, and are kept
    forgotten,  // out for so long that they are not
};

class RoutePlane {
  public:
    // `generation`: one above the last that was stored, and a random nonce. `key` is secret.
    RoutePlane(const PlaneOptions& options,
               RouterId self,
               const Generation& generation,
               std::uint64_t random_seed,
               const routing::KeyHash::Key& key);

    // --- the transport ---
    [[nodiscard]] tl::expected<void, Refusal> connect(ConnectionId connection,
                                                      bool initiated,
                                                      std::optional<RouterId> expected,
                                                      std::uint64_t now_ms);
    // All others ignore connections that are not there.
    void receive(ConnectionId connection,
                 std::span<const std::uint8_t> bytes,
                 std::uint64_t now_ms);
    void disconnect(ConnectionId connection, std::uint64_t now_ms);
    [[nodiscard]] std::vector<std::uint8_t> take_output(ConnectionId connection,
                                                        std::size_t bytes_max,
                                                        std::uint64_t now_ms);
    [[nodiscard]] std::optional<Refusal> closed(ConnectionId connection) const;
    void on_timer(std::uint64_t now_ms);
    [[nodiscard]] std::uint64_t next_due_ms() const noexcept;

    // --- the router ---
    // What can change while it runs: of these push_ms, digest_ms and max_version_drift count.
    void set_options(const PlaneOptions& next) noexcept;
    void set_member(RouterId router, Membership membership);

    // All agents the router claims come out of take_changes() once more, in slices.
    void tell_again(RouterId router) { state_.store.tell_again(router); }

    // While whoever takes the changes has enough of them, no more are made of what is done in
    // slices anyway. What other routers say goes on coming.
    void hold_work(bool hold) noexcept { work_held_ = hold; }

    // Attaches, detaches and loads go there.
    [[nodiscard]] OwnClaims& own() noexcept { return state_.own; }

    [[nodiscard]] const OwnClaims& own() const noexcept { return state_.own; }

    // Asks every peer about an agent, or a capability by its key; once, see routing/discovery.h.
    void discover(const routing::AgentId& agent);
    // What peers ask about capabilities, at most so many; each is to be answered.
    [[nodiscard]] std::vector<ProviderQuestion> take_questions(std::size_t count);
    // Claims of those among `agents` that are ours, at most kProvidersMax; none: nobody here.
    void answer(const ProviderQuestion& question, std::span<const routing::AgentId> agents);
    // Every peer's digest is compared with ours, now and not only when its turn comes.
    void compare_all();
    // Null: there is no session, or nothing was compared yet.
    [[nodiscard]] const PeerComparison* comparison_with(RouterId peer) const;
    // A frame came from the router for an agent, or to a capability, by its key, that is not here:
    // it hears of that, and looks anew. May be called for every such frame, since each session has
    // its rate. False: not told, for that or because there is no session.
    bool tell_not_here(RouterId router, const routing::AgentId& agent);

    // Agents whose winner may have changed: the store's best() says what it is.
    [[nodiscard]] std::vector<routing::AgentId> take_changes();
    [[nodiscard]] std::vector<routing::AgentId> take_load_changes();
    [[nodiscard]] std::vector<Event> take_events();

    [[nodiscard]] const ClaimStore& store() const noexcept { return state_.store; }

    [[nodiscard]] const PlaneCounters& counters() const noexcept { return state_.counters; }

    [[nodiscard]] std::size_t sessions() const noexcept { return sessions_.size(); }

    // Sessions whose peer has said who it is.
    [[nodiscard]] std::size_t peer_count() const noexcept { return state_.established.size(); }

    [[nodiscard]] const Session* session_of(RouterId router) const {
        return state_.session_of(router);
    }

  private:
    friend class StoreDamage;

    void push_all();
    void send_loads();
    void send_digest();
    [[nodiscard]] std::vector<Session*> peers();
    void settle_changes(std::uint64_t now_ms);

    PlaneState state_;
    std::unordered_map<ConnectionId, std::unique_ptr<Session>> sessions_;
    std::vector<routing::AgentId> changes_;
    std::deque<routing::AgentId> unnoted_;  // of them, what OwnClaims is still to hear of
    std::uint64_t next_push_ms_ = 0;
    std::uint64_t next_load_ms_ = 0;
    std::uint64_t next_digest_ms_ = 0;
    std::uint64_t next_floor_ms_ = 0;
    bool more_work_ = false;
    bool work_held_ = false;
};

}  // namespace posthaste::gossip::claims
