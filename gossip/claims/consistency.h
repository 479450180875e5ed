// SPDX-License-Identifier: BSD-3-Clause
// The contract of consistency: what an update is to what we have, what becomes of it, and how far
// two routers are apart. Pure functions over ClaimStore and digest rows.
//
// Versions are compared keyspace by keyspace. One number for all would lose updates: a router that
// had counted further than another would take the other's word of its own agents for old.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "gossip/claims/claim_store.h"

namespace posthaste::gossip::claims {

enum class Comparison : std::uint8_t { equal, local_newer, source_newer, concurrent };

// Of one keyspace: never concurrent, since one router writes it.
[[nodiscard]] Comparison compare_versions(const Position& local, const Position& source) noexcept;
// Of one agent: two routers with equal epoch and mobility are concurrent, and the total order of
// claims decides.
[[nodiscard]] Comparison compare_claims(const Claimant& local, const Claimant& source) noexcept;

enum class UpdateOutcome : std::uint8_t { applied, rejected, merged };
enum class ConflictVerdict : std::uint8_t { accept_remote, reject_remote, merge };

// Another router's claim beside the update's. Both are kept; the verdict is on who is routed to.
struct Conflict {
    routing::AgentId agent;
    ConflictVerdict verdict = ConflictVerdict::accept_remote;
    RouterId winner{};
    Position at;  // of the winner's claim
};

inline constexpr std::size_t kConflictsReported = 64;

struct UpdateResult {
    UpdateOutcome outcome = UpdateOutcome::applied;
    Comparison comparison = Comparison::source_newer;
    std::optional<Refusal> refusal{};     // rejected
    std::optional<DigestRow> mismatch{};  // rejected: what we have, the answer to the sender
    std::vector<Conflict> conflicts{};    // merged: the first kConflictsReported of them
};

// A range that does not begin at 0. Rejected: nothing changed.
[[nodiscard]] UpdateResult apply_routing_update(ClaimStore& store,
                                                const Range& range,
                                                std::span<const Entry> entries);

struct Drift {
    std::uint64_t sum = 0;
    std::uint64_t max = 0;
    RouterId router{};  // of the greatest
};

[[nodiscard]] std::uint64_t lag(const Position& local, const Position& source) noexcept;

[[nodiscard]] constexpr bool needs_reconciliation(const Drift& drift,
                                                  std::uint64_t max_version_drift) noexcept {
    return drift.max > max_version_drift;
}

// A keyspace of which the two know different things; a side without one has the first position.
struct RowDifference {
    RouterId router{};
    Position local;
    Position peer;  // equal to ours: the content differs, which is damage
};

struct RowComparison {
    Drift drift{};
    std::vector<RowDifference> differences{};  // by router
};

// Over the routers that either side knows; the first `most` of the differences.
[[nodiscard]] RowComparison compare_rows(std::span<const DigestRow> local,
                                         std::span<const DigestRow> peer,
                                         std::size_t most);

// What the last digest of a peer came to.
struct PeerComparison {
    std::uint64_t number = 0;  // of comparisons with that peer, this one included
    std::uint64_t at_ms = 0;
    Drift drift{};
    std::vector<RowDifference> differences{};  // the first kDifferencesKept
};

inline constexpr std::size_t kDifferencesKept = 64;

// Keyspaces that should be alike, and are not: damage, or two lives under one name.
[[nodiscard]] std::vector<RouterId> detect_route_inconsistencies(std::span<const DigestRow> local,
                                                                 std::span<const DigestRow> peer);

}  // namespace posthaste::gossip::claims
