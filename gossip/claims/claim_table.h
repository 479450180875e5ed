// SPDX-License-Identifier: BSD-3-Clause
// ClaimTable: the records of all keyspaces, one cache line each, found by key.
//
// A linear hash table (Litwin 1980): it grows by one bucket at a time, so that no insertion pays
// for all others. All records of an agent, whoever wrote them, are in one chain. The hash is keyed,
// since agents choose their ids. Control thread only. Numbers of slots stay valid until erased.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "gossip/claims/chunked.h"
#include "gossip/claims/record.h"
#include "routing/key_hash.h"
#include "routing/prefetch.h"

namespace posthaste::gossip::claims {

inline constexpr std::uint32_t kNoSlot = 0xffff'ffff;

struct Slot {
    routing::AgentId key;
    std::uint64_t version = 0;
    std::uint64_t since = 0;  // of what is gone: when it went, if it was ours
    std::uint32_t epoch = 0;  // of what is gone: the one that went before it
    // Of a capability set: how many claims of its keyspace have it. Of what is gone: the one that
    // went next.
    std::uint32_t mobility = 0;
    std::uint32_t set = 0;   // of CapabilitySets
    std::uint16_t load = 0;  // per mille
    std::uint16_t queue = 0;
    std::uint32_t chain = kNoSlot;   // the next of the bucket, or of those that are free
    std::uint32_t before = kNoSlot;  // in its keyspace, by version
    std::uint32_t after = kNoSlot;
    std::uint16_t keyspace = 0;
    RecordKind kind = RecordKind::claim;
    std::uint8_t state : 2 = 0;
    std::uint8_t sticky : 1 = 0;
    std::uint8_t multi : 1 = 0;
    std::uint8_t gone : 1 = 0;
};

static_assert(sizeof(Slot) == 64);

class ClaimTable {
  public:
    ClaimTable(std::uint32_t slots_max, const routing::KeyHash::Key& key);

    [[nodiscard]] Slot& operator[](std::uint32_t slot) noexcept { return slots_[slot]; }

    [[nodiscard]] const Slot& operator[](std::uint32_t slot) const noexcept { return slots_[slot]; }

    // There is room. Key and keyspace are set, all else is as in a new Slot.
    [[nodiscard]] std::uint32_t insert(const routing::AgentId& key, std::uint16_t keyspace);
    void erase(std::uint32_t slot) noexcept;
    [[nodiscard]] std::uint32_t find(const routing::AgentId& key,
                                     std::uint16_t keyspace) const noexcept;
    // Up to kPrefetchMax keys whose records are looked for next: what find() would wait for one
    // after the other comes at once. Gives where the records may be, kNoSlot for none.
    static constexpr std::size_t kPrefetchMax = 32;
    void prefetch(std::span<const routing::AgentId* const> keys,
                  std::uint32_t* slots) const noexcept;

    void prefetch(std::uint32_t slot) const noexcept { routing::prefetch_line(&slots_[slot]); }

    // The first of the key's records, and the next one after one of them; kNoSlot: no more.
    [[nodiscard]] std::uint32_t first(const routing::AgentId& key) const noexcept;
    [[nodiscard]] std::uint32_t next(std::uint32_t slot) const noexcept;

    [[nodiscard]] const routing::KeyHash& hash() const noexcept { return hash_; }

    [[nodiscard]] std::uint32_t used() const noexcept { return used_; }

    [[nodiscard]] std::uint32_t room() const noexcept { return slots_max_ - used_; }

    [[nodiscard]] std::uint32_t slots_max() const noexcept { return slots_max_; }

    // Of memory held for slots and buckets; it is never given back, but used again.
    [[nodiscard]] std::size_t bytes() const noexcept { return slots_.bytes() + heads_.bytes(); }

  private:
    [[nodiscard]] std::uint32_t bucket_of(const routing::AgentId& key) const noexcept {
        return bucket_of(static_cast<std::uint32_t>(hash_.hash(key)));
    }

    [[nodiscard]] std::uint32_t bucket_of(std::uint32_t hash) const noexcept;
    [[nodiscard]] std::uint32_t with_key(const routing::AgentId& key,
                                         std::uint32_t slot) const noexcept;
    void split();

    std::uint32_t slots_max_;
    routing::KeyHash hash_;
    Chunked<Slot> slots_;
    Chunked<std::uint32_t> heads_;
    std::uint32_t round_ = 1;  // buckets at the start of this round of splits, a power of two
    std::uint32_t free_ = kNoSlot;
    std::uint32_t used_ = 0;
};

}  // namespace posthaste::gossip::claims
