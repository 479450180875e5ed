// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/claim_table.h"

#include <array>

#include "routing/check.h"

namespace posthaste::gossip::claims {

ClaimTable::ClaimTable(std::uint32_t slots_max, const routing::KeyHash::Key& key)
    : slots_max_(slots_max), hash_(key) {
    heads_.push_back(kNoSlot);
}

std::uint32_t ClaimTable::bucket_of(std::uint32_t hash) const noexcept {
    const std::uint32_t wide = hash & (2 * round_ - 1);
    return wide < heads_.size() ? wide : hash & (round_ - 1);
}

std::uint32_t ClaimTable::insert(const routing::AgentId& key, std::uint16_t keyspace) {
    CHECK(used_ < slots_max_);
    if (used_ >= heads_.size()) {
        split();
    }
    std::uint32_t slot = free_;
    if (slot == kNoSlot) {
        slot = slots_.size();
        slots_.push_back({});
    } else {
        free_ = slots_[slot].chain;
    }
    std::uint32_t& head = heads_[bucket_of(key)];
    Slot& made = slots_[slot];
    made = {};
    made.key = key;
    made.keyspace = keyspace;
    made.chain = head;
    head = slot;
    ++used_;
    return slot;
}

void ClaimTable::erase(std::uint32_t slot) noexcept {
    std::uint32_t* link = &heads_[bucket_of(slots_[slot].key)];
    while (*link != slot) {
        CHECK(*link != kNoSlot);
        link = &slots_[*link].chain;
    }
    *link = slots_[slot].chain;
    slots_[slot].chain = free_;
    free_ = slot;
    --used_;
}

void ClaimTable::prefetch(std::span<const routing::AgentId* const> keys,
                          std::uint32_t* slots) const noexcept {
    CHECK(keys.size() <= kPrefetchMax);
    std::array<std::uint64_t, kPrefetchMax> hashes;
    hash_.hash_bulk(keys, hashes.data());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        routing::prefetch_line(&heads_[bucket_of(static_cast<std::uint32_t>(hashes[i]))]);
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        slots[i] = heads_[bucket_of(static_cast<std::uint32_t>(hashes[i]))];
        if (slots[i] != kNoSlot) {
            prefetch(slots[i]);
        }
    }
}

std::uint32_t ClaimTable::with_key(const routing::AgentId& key, std::uint32_t slot) const noexcept {
    while (slot != kNoSlot && slots_[slot].key != key) {
        slot = slots_[slot].chain;
    }
    return slot;
}

std::uint32_t ClaimTable::first(const routing::AgentId& key) const noexcept {
    return with_key(key, heads_[bucket_of(key)]);
}

std::uint32_t ClaimTable::next(std::uint32_t slot) const noexcept {
    return with_key(slots_[slot].key, slots_[slot].chain);
}

std::uint32_t ClaimTable::find(const routing::AgentId& key, std::uint16_t keyspace) const noexcept {
    std::uint32_t slot = first(key);
    while (slot != kNoSlot && slots_[slot].keyspace != keyspace) {
        slot = next(slot);
    }
    return slot;
}

// One bucket becomes two: those of its records whose next bit of the hash is set go to the other.
void ClaimTable::split() {
    const std::uint32_t from = heads_.size() - round_;
    const std::uint32_t to = heads_.size();
    std::uint32_t slot = heads_[from];
    heads_[from] = kNoSlot;
    heads_.push_back(kNoSlot);
    while (slot != kNoSlot) {
        const std::uint32_t rest = slots_[slot].chain;
        const auto hash = static_cast<std::uint32_t>(hash_.hash(slots_[slot].key));
        std::uint32_t& head = heads_[(hash & (2 * round_ - 1)) == to ? to : from];
        slots_[slot].chain = head;
        head = slot;
        slot = rest;
    }
    if (heads_.size() == 2 * round_) {
        round_ *= 2;
    }
}

}  // namespace posthaste::gossip::claims
