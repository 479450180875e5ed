// SPDX-License-Identifier: BSD-3-Clause
// FibIndex: from agent id to Fib entry, under one hash key. The Fib has one, and builds a second
// beside it when the key changes.
//
// rte_hash (RW_CONCURRENCY_LF) is the authority; the RouteTable in front of it answers readers
// with one cache line, and sends them on for the few ids it has no room for. Route caches take
// their versions here. One writer (control thread), lock-free readers (lcores).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "routing/agent_id.h"
#include "routing/grace.h"
#include "routing/key_hash.h"
#include "routing/route_table.h"
#include "routing/version_stripes.h"

struct rte_hash;

namespace posthaste::routing {

struct FibEntry;

struct FibIndexOptions {
    std::string name;
    std::uint32_t capacity = 0;
    std::uint32_t stripes = 2;  // a power of two
    bool table = true;          // false: rte_hash alone answers
    int socket = -1;
    std::uint64_t generation = 0;  // of the key; unlike any other index of this Fib
    KeyHash::Key key;
};

class FibIndex {
  public:
    // Null: no memory, rte_errno says why. `entries` is the Fib's array.
    [[nodiscard]] static std::unique_ptr<FibIndex> create(const FibIndexOptions& options,
                                                          const FibEntry* entries,
                                                          Grace& grace);
    ~FibIndex();
    FibIndex(const FibIndex&) = delete;
    FibIndex& operator=(const FibIndex&) = delete;

    // --- control thread ---
    // Adds or, if the agent is `known`, replaces at once. `entry` is one of the array, filled and
    // not visible yet; `hash` its agent's, by key_hash(). False: rte_hash has no room; nothing
    // changed.
    [[nodiscard]] bool put(const FibEntry& entry, std::uint64_t hash, bool known);
    // Brings what find() and put() of these will look at into the core's cache, all at a time.
    void prefetch_puts(std::span<const AgentId* const> agents) const noexcept;
    // Must be there.
    void remove(const AgentId& agent);
    void reclaim();
    [[nodiscard]] const FibEntry* find(const AgentId& agent) const noexcept;
    // The same where its hash, by key_hash(), is known.
    [[nodiscard]] const FibEntry* find(const AgentId& agent, std::uint64_t hash) const noexcept;
    // Ids the table had no room for. Many of them: somebody knows the key.
    [[nodiscard]] std::uint32_t spilled_count() const noexcept;
    [[nodiscard]] double spilled_by_chance() const noexcept;
    [[nodiscard]] static std::size_t planned_heap_bytes(std::uint32_t capacity,
                                                        std::uint32_t stripes,
                                                        bool table) noexcept;

    // --- readers, within one quiescent period ---
    // numbers[i]: position of the entry in the array, plus 1; 0: not there. hops[i] has the next
    // hop, or sends to the entry; `hops` may be null. The rest as in RouteTable::lookup().
    void lookup(std::span<const AgentId* const> agents,
                std::uint64_t* hashes,
                RouteTable::Hashes are,
                RouteTable::Mostly mostly,
                std::uint32_t* numbers,
                NextHop* hops) const noexcept;
    // The same for one agent whose hash is known.
    [[nodiscard]] std::uint32_t lookup_one(const AgentId& agent, std::uint64_t hash) const noexcept;

    // What a lookup of the agent with this hash will read first is asked for.
    void prefetch(std::uint64_t hash, RouteTable::Mostly mostly) const noexcept {
        if (table_ != nullptr) {
            table_->prefetch(hash, mostly);
        }
    }

    // As lookup(), by rte_hash alone.
    void lookup_authority(std::span<const AgentId* const> agents,
                          std::uint64_t* hashes,
                          RouteTable::Hashes are,
                          std::uint32_t* numbers) const noexcept;

    [[nodiscard]] const KeyHash& key_hash() const noexcept { return key_hash_; }

    [[nodiscard]] const VersionStripes& stripes() const noexcept { return *stripes_; }

    [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

  private:
    FibIndex(const FibIndexOptions& options, const FibEntry* entries);
    [[nodiscard]] bool add_hash(const FibIndexOptions& options, Grace& grace);
    [[nodiscard]] std::uint32_t number_of(const FibEntry* entry) const noexcept;

    KeyHash key_hash_;
    const FibEntry* entries_;
    std::uint64_t generation_;
    rte_hash* hash_ = nullptr;
    std::unique_ptr<RouteTable> table_;  // may be null
    std::atomic<std::uint32_t>* versions_ = nullptr;
    std::unique_ptr<VersionStripes> stripes_;
};

}  // namespace posthaste::routing
