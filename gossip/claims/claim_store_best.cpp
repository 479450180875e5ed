// SPDX-License-Identifier: BSD-3-Clause
// Which claim of an agent holds: a function of the claims and of who is alive, and of nothing else.
#include <algorithm>
#include <utility>

#include "gossip/claims/claim_store.h"

namespace posthaste::gossip::claims {

// A claim nobody took back: said by its router, or said before its restart and not mentioned since.
bool ClaimStore::is_shown(const Slot& slot) const {
    if (slot.gone != 0 || slot.kind != RecordKind::claim) {
        return false;
    }
    const Keyspace& keyspace = *keyspaces_[slot.keyspace];
    if (keyspace.role == KeyspaceRole::live) {
        return true;
    }
    return keyspace.role == KeyspaceRole::stale &&
           table_.find(slot.key, origins_[keyspace.origin].live) == kNoSlot;
}

bool ClaimStore::is_eligible(const Slot& slot) const {
    return origins_[keyspaces_[slot.keyspace]->origin].eligible;
}

std::uint32_t ClaimStore::best_slot(const routing::AgentId& agent) const {
    std::uint32_t best = kNoSlot;
    Claimant holder;
    for (std::uint32_t slot = table_.first(agent); slot != kNoSlot; slot = table_.next(slot)) {
        if (!is_shown(table_[slot]) || !is_eligible(table_[slot])) {
            continue;
        }
        const Claimant claimant{origins_[keyspaces_[table_[slot].keyspace]->origin].router,
                                body_of(table_[slot])};
        if (best == kNoSlot || holds_over(claimant, holder)) {
            best = slot;
            holder = claimant;
        }
    }
    return best;
}

Winner ClaimStore::winner_of(const Slot& slot) const {
    const Keyspace& keyspace = *keyspaces_[slot.keyspace];
    return {.router = origins_[keyspace.origin].router,
            .body = body_of(slot),
            .load = {slot.load, slot.queue},
            .set = slot.set,
            .at = {keyspace.at.generation, slot.version},
            .stale = keyspace.role == KeyspaceRole::stale};
}

std::optional<Winner> ClaimStore::best(const routing::AgentId& agent) const {
    const std::uint32_t slot = best_slot(agent);
    return slot == kNoSlot ? provisional_best(agent) : std::optional(winner_of(table_[slot]));
}

std::vector<Winner> ClaimStore::winners(const routing::AgentId& agent) const {
    std::vector<Winner> winners;
    const std::uint32_t best = best_slot(agent);
    if (best == kNoSlot) {
        if (const auto asked = provisional_best(agent)) {
            winners.push_back(*asked);
        }
        return winners;
    }
    winners.push_back(winner_of(table_[best]));
    for (std::uint32_t slot = table_.first(agent); slot != kNoSlot; slot = table_.next(slot)) {
        if (slot != best && table_[best].multi != 0 && table_[slot].multi != 0 &&
            is_shown(table_[slot]) && is_eligible(table_[slot])) {
            winners.push_back(winner_of(table_[slot]));
        }
    }
    std::sort(winners.begin() + 1, winners.end(), [](const Winner& one, const Winner& other) {
        return number(one.router) < number(other.router);
    });
    return winners;
}

std::vector<Winner> ClaimStore::claims_of(const routing::AgentId& agent) const {
    std::vector<Winner> claims;
    for (std::uint32_t slot = table_.first(agent); slot != kNoSlot; slot = table_.next(slot)) {
        if (is_shown(table_[slot])) {
            claims.push_back(winner_of(table_[slot]));
        }
    }
    return claims;
}

std::vector<routing::AgentId> ClaimStore::take_changes() {
    return std::exchange(changes_, {});
}

std::vector<routing::AgentId> ClaimStore::take_load_changes() {
    return std::exchange(load_changes_, {});
}

tl::expected<void, Refusal> ClaimStore::put_provisional(const routing::AgentId& agent,
                                                        const ProvisionalClaim& claim) {
    if (!key_fits(RecordKind::claim, agent)) {
        return tl::unexpected(Refusal::bad_key);
    }
    if (claim.router == self_) {
        return tl::unexpected(Refusal::own_keyspace);
    }
    if (forgotten(claim.router)) {
        return tl::unexpected(Refusal::forgotten);
    }
    const Keyspace* const held = keyspace(claim.router);
    if (best_slot(agent) != kNoSlot || (held != nullptr && claim.at <= held->at)) {
        return tl::unexpected(Refusal::not_newer);  // what we have of that router says otherwise
    }
    const auto found = provisional_.find(agent);
    if (found == provisional_.end() &&
        (provisional_.size() >= options_.limits.provisional_max ||
         provisional_ends_.size() >= std::size_t{4} * options_.limits.provisional_max)) {
        return tl::unexpected(Refusal::provisional_full);
    }
    if (const auto set = sets_.find(sets_.hash_of(claim.set));
        set == CapabilitySets::kNone && !claim.set.empty() &&
        !sets_.has_room(1, claim.set.size())) {
        return tl::unexpected(Refusal::sets_full);
    }
    // One end is waited for at a time, however often the claim is put anew.
    const bool waits = found != provisional_.end();
    forget_provisional(agent);
    if (!claim.set.empty() && !sets_.intern(claim.set)) {
        return tl::unexpected(Refusal::sets_full);
    }
    provisional_.emplace(agent, claim);
    ++provisional_of_[number(claim.router)];
    if (!waits) {
        provisional_ends_.emplace_back(claim.until_ms, agent);
    }
    changes_.push_back(agent);
    return {};
}

std::optional<Winner> ClaimStore::provisional_best(const routing::AgentId& agent) const {
    const auto found = provisional_.find(agent);
    if (found == provisional_.end()) {
        return std::nullopt;
    }
    const ProvisionalClaim& claim = found->second;
    const Origin* const origin = known(claim.router);
    if (origin == nullptr ? !options_.eligible_at_first : !origin->eligible) {
        return std::nullopt;
    }
    if (const Keyspace* const held = keyspace(claim.router);
        held != nullptr && claim.at <= held->at) {
        return std::nullopt;  // it has come so far, and says otherwise
    }
    return Winner{.router = claim.router,
                  .body = claim.body,
                  .load = claim.load,
                  .set = sets_.find(sets_.hash_of(claim.set)),
                  .at = claim.at,
                  .provisional = true};
}

void ClaimStore::forget_provisional(const routing::AgentId& agent) {
    const auto found = provisional_.find(agent);
    if (found != provisional_.end()) {
        sets_.release(sets_.find(sets_.hash_of(found->second.set)));
        const auto count = provisional_of_.find(number(found->second.router));
        if (--count->second == 0) {
            provisional_of_.erase(count);
        }
        provisional_.erase(found);
    }
}

void ClaimStore::deny_provisional(const routing::AgentId& agent, RouterId router) {
    const auto found = provisional_.find(agent);
    if (found != provisional_.end() && found->second.router == router) {
        changes_.push_back(agent);
        forget_provisional(agent);
    }
}

// The keyspace has come so far, and says what holds. Rare, and few.
void ClaimStore::overtake_provisional(const Range& range) {
    if (!provisional_of_.contains(number(range.router))) {
        return;
    }
    std::vector<routing::AgentId> over;
    for (const auto& [agent, claim] : provisional_) {
        if (claim.router == range.router && claim.at <= range.to) {
            over.push_back(agent);
        }
    }
    for (const routing::AgentId& agent : over) {
        changes_.push_back(agent);
        forget_provisional(agent);
    }
}

// Each claim has one place in the order of ends, and one that was put anew another in turn.
void ClaimStore::expire_provisional(std::uint64_t now_ms) {
    while (!provisional_ends_.empty() && provisional_ends_.front().first <= now_ms) {
        const routing::AgentId agent = provisional_ends_.front().second;
        provisional_ends_.pop_front();
        const auto found = provisional_.find(agent);
        if (found == provisional_.end()) {
            continue;
        }
        if (found->second.until_ms <= now_ms) {
            changes_.push_back(agent);
            forget_provisional(agent);
        } else {
            provisional_ends_.emplace_back(found->second.until_ms, agent);
        }
    }
}

}  // namespace posthaste::gossip::claims
