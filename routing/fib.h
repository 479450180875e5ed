// SPDX-License-Identifier: BSD-3-Clause
// Fib: agent id -> where its frames go now. The winning claim per agent, read by lcores.
//
// One writer (control thread), any number of lock-free readers (lcores). rte_hash with
// RW_CONCURRENCY_LF maps the id to an entry; entries are immutable once visible and are replaced,
// never edited; the old one is reused after a grace period. Hashes are keyed (routing/key_hash.h).
// Lease cells lie beside the entries, so that a heartbeat dirties no line a lookup reads.
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
    Endpoint endpoint;       // remote: only `adjacency` (the router's) counts
    RouteKind kind = RouteKind::local;
    AgentState state = AgentState::running;
    std::uint32_t version = 0;  // routing_table_version when written
    std::uint32_t index = 0;    // own position, set by the Fib
};

static_assert(sizeof(FibEntry) == 64);

struct FibOptions {
    std::string name = "fib";    // unique per process
    std::uint32_t capacity = 0;  // routes
    KeyHash::Key key;
    int socket = -1;  // NUMA, -1: any
};

class Fib {
  public:
    static constexpr unsigned kLookupMax = 64;

    // Needs a running EAL. The error says what could not be had.
    [[nodiscard]] static tl::expected<std::unique_ptr<Fib>, std::string> create(
        const FibOptions& options, Grace& grace);
    ~Fib();
    Fib(const Fib&) = delete;
    Fib& operator=(const Fib&) = delete;

    // --- control thread ---
    // Adds or replaces. False: full, and nothing changed. `last_heard_ms` seeds the lease cell.
    [[nodiscard]] bool set(const FibEntry& entry, std::uint32_t last_heard_ms);
    // False: was not there.
    bool remove(const AgentId& agent);
    // Frees entries whose grace period is over. Once per control cycle.
    void reclaim();
    [[nodiscard]] const FibEntry* find(const AgentId& agent) const noexcept;
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    // --- any lcore ---
    // Looks up to 64 agents up; found[i] is null or valid until the reader's quiescent state.
    void lookup(std::span<const AgentId* const> agents, const FibEntry** found) const noexcept;
    // Lease refresh: last writer wins, coarse milliseconds of the program's monotonic clock.
    void touch(const FibEntry& entry, std::uint32_t now_ms) noexcept;
    [[nodiscard]] std::uint32_t last_heard_ms(const FibEntry& entry) const noexcept;

  private:
    Fib() = default;
    struct Retired {
        std::uint64_t token;
        std::uint32_t index;
    };

    rte_hash* hash_ = nullptr;
    std::unique_ptr<KeyHash> key_hash_;
    Grace* grace_ = nullptr;
    FibEntry* entries_ = nullptr;             // hugepage array of capacity_ + slack
    std::uint32_t* last_heard_ = nullptr;     // parallel to entries_, atomic access
    std::uint32_t entry_count_ = 0;
    std::uint32_t capacity_ = 0;
    std::uint32_t count_ = 0;
    std::vector<std::uint32_t> free_;
    std::deque<Retired> retired_;
};

}  // namespace posthaste::routing
