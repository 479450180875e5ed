// SPDX-License-Identifier: BSD-3-Clause
// Fib: agent id -> where its frames go now. The winning claim per agent, read by lcores.
//
// One writer (control thread), any number of lock-free readers (lcores). rte_hash with
// RW_CONCURRENCY_LF maps the id to an entry; entries are immutable once visible and are replaced,
// never edited; the old one is reused after a grace period. Hashes are keyed (routing/key_hash.h).
// Lease cells lie beside the entries, so that a heartbeat dirties no line a lookup reads; a cell
// stays with its agent while the agent stays, so that no heartbeat is lost to a replacement.
// Memory is taken once, in create(): 150 to 200 bytes a route (entry 64, key 32, the rest places).
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/address.h"
#include "routing/agent_id.h"
#include "routing/grace.h"
#include "routing/key_hash.h"
#include "routing/message.h"

struct rte_hash;

namespace posthaste::routing {

inline constexpr std::uint16_t kNoAdjacency = 0xffff;

enum class RouteKind : std::uint8_t { local = 1, remote = 2 };

// Where a local agent is reached. With an adjacency its MAC is that of the adjacency (static
// agents whose MAC is resolved); without one it was learnt from the registration.
struct Endpoint {
    IpAddress ip;
    std::uint16_t udp_port = 0;
    Mac mac;
    std::uint16_t port = 0;  // index of the Posthaste port
    std::uint16_t adjacency = kNoAdjacency;

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// One route, 64 bytes, one line.
struct alignas(64) FibEntry {
    AgentId agent;
    Endpoint endpoint;  // remote: only `adjacency` (the router's) counts
    RouteKind kind = RouteKind::local;
    AgentState state = AgentState::running;
    std::uint32_t version = 0;  // routing_table_version when written
    std::uint32_t index = 0;    // own position, set by the Fib
    std::uint32_t cell = 0;     // of the lease, set by the Fib
};

static_assert(sizeof(FibEntry) == 64);

struct FibOptions {
    std::string name = "fib";    // for people; need not be unique
    std::uint32_t capacity = 0;  // routes, 1 .. Fib::kCapacityMax
    KeyHash::Key key;
    int socket = -1;  // NUMA, -1: any
};

class Fib {
  public:
    static constexpr unsigned kLookupMax = 64;
    static constexpr std::uint32_t kCapacityMax = 1U << 26;

    // Needs a running EAL. The error says what could not be had. `grace` outlives the Fib, and
    // every reader is offline when the Fib goes.
    [[nodiscard]] static tl::expected<std::unique_ptr<Fib>, std::string> create(
        const FibOptions& options, Grace& grace);
    ~Fib();
    Fib(const Fib&) = delete;
    Fib& operator=(const Fib&) = delete;

    // --- control thread ---
    // Adds, or replaces at once: a reader sees the old entry or the new one. False: nothing
    // changed, because `capacity` agents are in or because all the slack awaits its grace period
    // (more changes than slack_count() since readers last moved on: try again next cycle).
    // The lease cell becomes `last_heard_ms`, unless a local agent stays local and was heard later.
    [[nodiscard]] bool set(const FibEntry& entry, std::uint32_t last_heard_ms);
    // False: was not there.
    bool remove(const AgentId& agent);
    // Frees entries whose grace period is over. Once per control cycle; set() does it on need.
    void reclaim();
    [[nodiscard]] const FibEntry* find(const AgentId& agent) const noexcept;

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

    // Entries beyond the capacity, for those that await their grace period.
    [[nodiscard]] std::uint32_t slack_count() const noexcept { return entry_count_ - capacity_; }

    [[nodiscard]] std::size_t retired_count() const noexcept { return retired_.size(); }

    // What create() took from DPDK's heap, as that counts it.
    [[nodiscard]] std::size_t heap_bytes() const noexcept { return heap_bytes_; }

    // The same and our own lists.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;
    // What create() will take from DPDK's heap, at most; a few pages above heap_bytes().
    [[nodiscard]] static std::size_t planned_heap_bytes(std::uint32_t capacity) noexcept;

    // --- any lcore ---
    // Looks up to 64 agents up; found[i] is null or valid until the reader's quiescent state.
    void lookup(std::span<const AgentId* const> agents, const FibEntry** found) const noexcept;
    // Lease refresh: last writer wins, coarse milliseconds of the program's monotonic clock.
    void touch(const FibEntry& entry, std::uint32_t now_ms) noexcept;
    [[nodiscard]] std::uint32_t last_heard_ms(const FibEntry& entry) const noexcept;

  private:
    static constexpr std::uint32_t kNoCell = 0xffffffff;

    struct Retired {
        std::uint64_t token;
        std::uint32_t index;
        std::uint32_t cell;  // kNoCell: the agent stayed
    };

    Fib(const FibOptions& options, Grace& grace);
    [[nodiscard]] bool allocate(const FibOptions& options);
    [[nodiscard]] bool add_hash(const FibOptions& options);
    void seed_cell(std::uint32_t cell, std::uint32_t last_heard_ms, bool keep_later) noexcept;
    void retire(const FibEntry& entry, std::uint32_t cell);
    [[nodiscard]] const FibEntry* find(const AgentId& agent, std::uint32_t hash) const noexcept;
    [[nodiscard]] std::uint32_t signature(const AgentId& agent) const noexcept;

    Grace& grace_;
    KeyHash key_hash_;
    std::uint32_t capacity_;
    std::uint32_t entry_count_;  // capacity_ and slack
    rte_hash* hash_ = nullptr;
    FibEntry* entries_ = nullptr;          // hugepages
    std::uint32_t* last_heard_ = nullptr;  // lease cells, atomic access
    std::uint32_t count_ = 0;
    std::size_t heap_bytes_ = 0;
    std::vector<std::uint32_t> free_entries_;
    std::vector<std::uint32_t> free_cells_;
    std::deque<Retired> retired_;
};

}  // namespace posthaste::routing
