// SPDX-License-Identifier: BSD-3-Clause
// The records of a keyspace as values: what travels between routers.
//
// A keyspace holds claims, by agent; capability sets, by the hash of their text; and a mark that
// says that what its router had before a restart is all there again. Every record has the version
// of its last change. A record that is gone stays for a while as its key and version alone.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "gossip/claims/identity.h"
#include "routing/agent_id.h"
#include "routing/load_cells.h"
#include "routing/message.h"

namespace posthaste::gossip::claims {

enum class RecordKind : std::uint8_t { claim = 0, capability_set = 1, end_of_rib = 2 };

// What the router says of an agent's session. Receivers never alter a field of it.
struct ClaimBody {
    routing::AgentState state = routing::AgentState::running;
    bool sticky = false;             // stays where it is while the router lives
    bool multi = false;              // may be attached to several routers at once
    std::uint32_t epoch = 0;         // the agent's own session number; 0: it gives none
    std::uint32_t mobility = 0;      // grows by one with every move
    std::uint64_t since = 0;         // hybrid time of the attach: milliseconds << 16 | counter
    std::uint64_t capabilities = 0;  // hash of a capability set of the same keyspace; 0: none

    friend bool operator==(const ClaimBody&, const ClaimBody&) = default;
};

struct Entry {
    RecordKind kind = RecordKind::claim;
    bool gone = false;  // only key and version count
    routing::AgentId key;
    std::uint64_t version = 0;
    ClaimBody body;        // of a claim
    routing::Load load{};  // of a claim; neither versioned nor in a fingerprint
    std::string set;       // of a capability set: its text, see capability_sets.h
};

// Keys that no agent can have (routing/capability_name.h).
[[nodiscard]] routing::AgentId set_key(std::uint64_t hash) noexcept;
[[nodiscard]] std::uint64_t hash_in(const routing::AgentId& set_key) noexcept;
[[nodiscard]] routing::AgentId end_key() noexcept;
// Whether the key fits the kind; of a set that is not gone, whether it fits the text is seen by
// whoever knows the cluster's seed.
[[nodiscard]] bool key_fits(RecordKind kind, const routing::AgentId& key) noexcept;

// Which of two claims of one agent holds: the greater. Total where the routers differ.
// Available, sticky, epoch, mobility, time, router.
struct Claimant {
    RouterId router{};
    ClaimBody body;
};

[[nodiscard]] bool holds_over(const Claimant& one, const Claimant& other) noexcept;

// What decides between two claims: the first in this order in which they differ.
enum class Precedence : std::uint8_t { state, sticky, epoch, mobility, since, router, none };

inline constexpr std::array<std::string_view, 7> kPrecedenceNames = {
    "state", "sticky", "epoch", "mobility", "since", "router", "none"};

[[nodiscard]] Precedence decides(const Claimant& one, const Claimant& other) noexcept;

}  // namespace posthaste::gossip::claims
