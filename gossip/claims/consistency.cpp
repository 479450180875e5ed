// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/consistency.h"

#include <algorithm>
#include <limits>
#include <map>
#include <tuple>
#include <utility>

namespace posthaste::gossip::claims {

namespace {

// Each router's rows, ours and theirs.
using Pairs = std::map<std::uint64_t, std::pair<const DigestRow*, const DigestRow*>>;

Pairs pairs(std::span<const DigestRow> local, std::span<const DigestRow> peer) {
    Pairs pairs;
    for (const DigestRow& row : local) {
        pairs[number(row.router)].first = &row;
    }
    for (const DigestRow& row : peer) {
        pairs[number(row.router)].second = &row;
    }
    return pairs;
}

// None: it holds, and nobody's claim is of the same rank.
std::optional<Conflict> conflict_of(const ClaimStore& store, RouterId source, const Entry& entry) {
    if (!store.contested(entry.key)) {
        return std::nullopt;
    }
    const Claimant said{source, entry.body};
    bool concurrent = false;
    for (const Winner& other : store.claims_of(entry.key)) {
        concurrent = concurrent ||
                     compare_claims({other.router, other.body}, said) == Comparison::concurrent;
    }
    const auto winners = store.winners(entry.key);
    if (winners.empty()) {
        return std::nullopt;  // all of them are out
    }
    const bool theirs = winners.front().router == source;
    if (theirs && !concurrent) {
        return std::nullopt;  // nobody else, or a move
    }
    const bool both = winners.size() > 1 && entry.body.multi;
    return Conflict{entry.key,
                    both     ? ConflictVerdict::merge
                    : theirs ? ConflictVerdict::accept_remote
                             : ConflictVerdict::reject_remote,
                    winners.front().router,
                    winners.front().at};
}

}  // namespace

Comparison compare_versions(const Position& local, const Position& source) noexcept {
    if (local == source) {
        return Comparison::equal;
    }
    return source < local ? Comparison::local_newer : Comparison::source_newer;
}

Comparison compare_claims(const Claimant& local, const Claimant& source) noexcept {
    const auto order = [](const ClaimBody& body) {
        return std::make_tuple(body.epoch, body.mobility);
    };
    if (order(local.body) != order(source.body)) {
        return order(local.body) < order(source.body) ? Comparison::source_newer
                                                      : Comparison::local_newer;
    }
    return local.router == source.router ? Comparison::equal : Comparison::concurrent;
}

UpdateResult apply_routing_update(ClaimStore& store,
                                  const Range& range,
                                  std::span<const Entry> entries) {
    UpdateResult result;
    if (const auto row = store.row(range.router)) {
        result.comparison = compare_versions(row->at, range.to);
    }
    if (const auto applied = store.apply(range, entries); !applied) {
        result.outcome = UpdateOutcome::rejected;
        result.refusal = applied.error();
        result.mismatch = store.row(range.router);
        return result;
    }
    for (const Entry& entry : entries) {
        if (entry.gone || entry.kind != RecordKind::claim) {
            continue;
        }
        if (result.conflicts.size() == kConflictsReported) {
            break;
        }
        if (auto conflict = conflict_of(store, range.router, entry)) {
            result.outcome = UpdateOutcome::merged;
            result.conflicts.push_back(*conflict);
        }
    }
    return result;
}

// Between generations, all that the newer one says counts.
std::uint64_t lag(const Position& local, const Position& source) noexcept {
    if (local.generation != source.generation) {
        return std::max(std::max(local, source).version, std::uint64_t{1});
    }
    return local.version < source.version ? source.version - local.version
                                          : local.version - source.version;
}

RowComparison compare_rows(std::span<const DigestRow> local,
                           std::span<const DigestRow> peer,
                           std::size_t most) {
    RowComparison found;
    Drift& drift = found.drift;
    for (const auto& [router, rows] : pairs(local, peer)) {
        DigestRow none{};
        none.router = RouterId{router};
        const DigestRow& ours = rows.first == nullptr ? none : *rows.first;
        const DigestRow& theirs = rows.second == nullptr ? none : *rows.second;
        const std::uint64_t apart = lag(ours.at, theirs.at);
        drift.sum = apart > std::numeric_limits<std::uint64_t>::max() - drift.sum
                        ? std::numeric_limits<std::uint64_t>::max()
                        : drift.sum + apart;
        if (apart > drift.max) {
            drift.max = apart;
            drift.router = RouterId{router};
        }
        if (found.differences.size() < most &&
            (ours.at != theirs.at || ours.fingerprint != theirs.fingerprint)) {
            found.differences.push_back({RouterId{router}, ours.at, theirs.at});
        }
    }
    return found;
}

std::vector<RouterId> detect_route_inconsistencies(std::span<const DigestRow> local,
                                                   std::span<const DigestRow> peer) {
    std::vector<RouterId> found;
    for (const auto& [router, rows] : pairs(local, peer)) {
        if (rows.first != nullptr && rows.second != nullptr && rows.first->at == rows.second->at &&
            rows.first->fingerprint != rows.second->fingerprint) {
            found.push_back(RouterId{router});
        }
    }
    return found;
}

}  // namespace posthaste::gossip::claims
