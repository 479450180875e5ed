// SPDX-License-Identifier: BSD-3-Clause
// OwnClaims: what this router says of the agents attached to it; the only writer of its keyspace.
//
// A claim means that the session is here. It is never withdrawn because of what another router
// claims: the session is told to close after a grace, and its end is the detach. So two routers
// cannot withdraw in favour of each other. Pure; time and nonces are arguments. Control thread
// only.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gossip/claims/claim_store.h"
#include "gossip/claims/move_limit.h"
#include "routing/offer.h"

namespace posthaste::gossip::claims {

struct OwnOptions {
    MoveLimits moves{};
    std::uint64_t grace_ms = 2'000;          // from being superseded to closing the session
    std::uint64_t withdrawn_ms = 3'600'000;  // how long what is gone is remembered
    std::size_t withdrawn_max = 65'536;      // and how much of it
    std::uint64_t skew_max_ms = 60'000;
};

// What the agent asks for when it registers.
struct Attachment {
    routing::AgentState state = routing::AgentState::running;
    bool sticky = false;
    // It may be attached to several routers at once. With those that say so, too, nothing is a move
    // and nobody's session is closed; one that says so no more is from then on here alone.
    bool multi = false;
    // Another session than the one the claim is for; otherwise the claim only changes.
    bool new_session = false;
    std::uint32_t epoch = 0;
    routing::Load load{};
    std::vector<routing::Offer> offers{};
};

enum class AttachOutcome : std::uint8_t { attached, refreshed, changed };

struct OwnCounts {
    std::uint64_t attached = 0;
    std::uint64_t moved_here = 0;
    std::uint64_t changed = 0;
    std::uint64_t refreshed = 0;
    std::uint64_t detached = 0;
    std::uint64_t refused = 0;
    std::uint64_t frozen = 0;
    std::uint64_t renewals = 0;    // of the generation, because somebody knew a greater one
    std::uint64_t superseded = 0;  // sessions told to close
};

class OwnClaims {
  public:
    OwnClaims(ClaimStore& store, const OwnOptions& options);

    // Why attach() would be refused now; nothing: it would not be. Counts nothing.
    [[nodiscard]] std::optional<Refusal> refusal_of(const routing::AgentId& agent,
                                                    const Attachment& attachment,
                                                    std::uint64_t now_ms) const;
    // Refused: frozen, store_full, sets_full, bad_key, bad_set; nothing changes then.
    [[nodiscard]] tl::expected<AttachOutcome, Refusal> attach(const routing::AgentId& agent,
                                                              const Attachment& attachment,
                                                              std::uint64_t now_ms);
    // False: there was no claim.
    bool detach(const routing::AgentId& agent, std::uint64_t now_ms);
    // Everything that was attached before a restart is attached again, or given up.
    void end_of_rib(std::uint64_t now_ms);
    // Neither versioned nor urgent.
    void set_load(const routing::AgentId& agent, routing::Load load);
    [[nodiscard]] std::vector<std::pair<routing::AgentId, routing::Load>> take_loads(
        std::size_t loads_max);

    // Somebody says that our keyspace has come further than we know: then it had another life,
    // and a new one begins, above it. True: it does.
    bool defend(const Position& seen, std::uint64_t nonce);

    // Of agents whose winner may have changed.
    void note_changes(std::span<const routing::AgentId> agents, std::uint64_t now_ms);
    // Agents whose sessions are to be closed, since another router's claim has held for the grace.
    [[nodiscard]] std::vector<routing::AgentId> take_superseded(std::uint64_t now_ms);
    void collect(std::uint64_t now_ms);

    [[nodiscard]] std::vector<MoveLimit::Frozen> take_alarms() { return moves_.take_alarms(); }

    [[nodiscard]] const MoveLimit& moves() const noexcept { return moves_; }

    [[nodiscard]] const OwnCounts& counts() const noexcept { return counts_; }

  private:
    [[nodiscard]] bool is_superseded(const routing::AgentId& agent) const;
    // Whether the claim stays the one it is, and only its content may change.
    [[nodiscard]] bool goes_on(const routing::AgentId& agent,
                               const Attachment& attachment,
                               const std::optional<Entry>& before) const;
    [[nodiscard]] bool moves_here(const Winner& other, const Attachment& attachment) const;
    [[nodiscard]] std::optional<Refusal> lack_of_room(const routing::AgentId& agent,
                                                      const Attachment& attachment,
                                                      const std::string& set) const;
    void drop_unused_set(std::uint64_t hash, std::uint64_t now_ms);
    [[nodiscard]] tl::expected<ClaimBody, Refusal> make_body(const routing::AgentId& agent,
                                                             const Attachment& attachment,
                                                             const std::optional<Entry>& before,
                                                             std::uint64_t now_ms);
    [[nodiscard]] tl::expected<AttachOutcome, Refusal> refuse(Refusal why);

    ClaimStore& store_;
    OwnOptions options_;
    HybridClock clock_;
    MoveLimit moves_;
    std::unordered_map<routing::AgentId, routing::Load, routing::KeyedIdHash> loads_;
    // When the session is to be closed.
    std::unordered_map<routing::AgentId, std::uint64_t, routing::KeyedIdHash> superseded_;
    std::deque<std::pair<std::uint64_t, routing::AgentId>> superseded_due_;
    OwnCounts counts_;
};

}  // namespace posthaste::gossip::claims
