// SPDX-License-Identifier: BSD-3-Clause
// Fib: agent id -> where its frames go now. The winning claim per agent, read by lcores.
//
// One writer (control thread), any number of lock-free readers (lcores). A FibIndex maps the id to
// an entry; entries are immutable once visible and are replaced, never edited; the old one is
// reused after a grace period. Who copies an entry for longer asks by changes_near() whether it is
// still there. Lease cells lie beside the entries, so that a heartbeat dirties no line a lookup
// reads; a cell stays with its agent while the agent stays, so that no heartbeat is lost to a
// replacement. Memory is taken once, in create(): about 290 bytes a route (index 211, of it 130 the
// RouteTable; entry 64; cells 12; the rest places), and an index once more while the key changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "routing/address.h"
#include "routing/agent_id.h"
#include "routing/fib_index.h"
#include "routing/grace.h"
#include "routing/key_hash.h"
#include "routing/load_cells.h"
#include "routing/message.h"
#include "routing/mix.h"
#include "routing/prefetch.h"
#include "routing/router_mask.h"
#include "routing/thread_sanitizer.h"
#include "routing/version_stripes.h"

namespace posthaste::routing {

inline constexpr std::uint16_t kNoAdjacency = 0xffff;

// A capability is found as an agent is, by its key (routing/capability_name.h).
enum class RouteKind : std::uint8_t { local = 1, remote = 2, capability = 3 };

// How often an agent moves; decides how long a cache keeps where it is.
enum class Stability : std::uint8_t { normal = 0, stable = 1, unstable = 2 };

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

// Whatever UDP port is used there.
[[nodiscard]] inline bool same_host(const Endpoint& a, const Endpoint& b) noexcept {
    return a.port == b.port && a.mac == b.mac && a.ip == b.ip;
}

// One route, 64 bytes, one line.
struct alignas(64) FibEntry {
    AgentId agent;
    Endpoint endpoint;  // remote: only `adjacency` (the router's) counts; capability: nothing
    RouteKind kind = RouteKind::local;
    AgentState state = AgentState::running;
    Stability stability = Stability::normal;
    std::uint16_t router = kNoRouter;  // remote: index of the claiming router
    std::uint32_t version = 0;         // routing_table_version when written
    std::uint32_t fresh_until_ms = 0;  // as good as unknown from then on; 0: always good
    std::uint32_t cell = 0;            // of the lease, set by the Fib

    // Whether frames may still go there; coarse milliseconds modulo 2^32.
    [[nodiscard]] bool fresh(std::uint32_t now_ms) const noexcept {
        return fresh_until_ms == 0 || static_cast<std::int32_t>(fresh_until_ms - now_ms) > 0;
    }

    // Capabilities: the number of its ProviderSet, 0: nobody has it. It lies where agents have
    // their address, so that an entry stays one line.
    [[nodiscard]] std::uint32_t provider_set() const noexcept {
        std::uint32_t number;
        std::memcpy(&number, endpoint.ip.bytes.data(), sizeof number);
        return number;
    }

    void set_provider_set(std::uint32_t number) noexcept {
        std::memcpy(endpoint.ip.bytes.data(), &number, sizeof number);
    }
};

static_assert(sizeof(FibEntry) == 64);

inline NextHop NextHop::of(const FibEntry& entry) noexcept {
    const Endpoint& at = entry.endpoint;
    NextHop hop = elsewhere();
    if (entry.kind == RouteKind::remote) {
        hop.word_[0] = entry.fresh_until_ms;
        hop.word_[1] = entry.router | std::uint32_t{at.adjacency} << 16;
        hop.where_ = kRemote;
    } else if (entry.kind == RouteKind::capability) {
        hop.word_[0] = entry.fresh_until_ms;
        hop.word_[1] = entry.provider_set();
        hop.where_ = kCapability;
    } else if (entry.kind == RouteKind::local && entry.state != AgentState::stopped &&
               at.ip.family == Family::ipv4 && at.adjacency == kNoAdjacency &&
               at.port <= kPortMax) {
        std::uint16_t mac_end;
        std::memcpy(&hop.word_[0], at.ip.bytes.data(), 4);
        std::memcpy(&hop.word_[1], at.mac.bytes.data(), 4);
        std::memcpy(&mac_end, at.mac.bytes.data() + 4, 2);
        hop.word_[2] = mac_end | std::uint32_t{__builtin_bswap16(at.udp_port)} << 16;
        hop.where_ = at.port;
    }
    return hop;
}

struct FibOptions {
    std::string name = "fib";    // for people; need not be unique
    std::uint32_t capacity = 0;  // routes, 1 .. Fib::kCapacityMax
    KeyHash::Key key;
    int socket = -1;            // NUMA, -1: any
    std::uint32_t stripes = 0;  // versions for route caches, a power of two; 0: by the capacity
    bool table = true;          // false: rte_hash alone answers lookups
};

class Fib {
  public:
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

    // Of many to be set one after the other, the next few: what set() waits for comes at once.
    void prefetch(std::span<const AgentId* const> agents) const noexcept {
        owned_index_->prefetch_puts(agents);
    }

    // False: was not there.
    bool remove(const AgentId& agent);
    // Frees what no reader can hold any more. Once per control cycle; set() does it on need.
    void reclaim();

    // Changes the key of the hash, with lookups and changes going on: an index under the new key is
    // built beside, `budget` entries a step, and then takes over at once. False: there is no memory
    // for it, or a change is under way already.
    [[nodiscard]] bool rekey_start(const KeyHash::Key& key);
    // True: done, or nothing to do. A key under which not everything has room is given up.
    bool rekey_step(std::uint32_t budget);

    [[nodiscard]] bool rekeying() const noexcept { return next_ != nullptr; }

    [[nodiscard]] std::uint64_t rekeyed_count() const noexcept { return rekeyed_; }

    // Entries that rekey_step() has seen to, of entry_count().
    [[nodiscard]] std::uint32_t rekeyed_entries() const noexcept { return next_done_; }

    // Agents that lookups find by way of rte_hash only, and how many there would be by chance.
    // Many more: somebody chooses ids by knowledge of the key.
    [[nodiscard]] std::uint32_t spilled_count() const noexcept {
        return owned_index_->spilled_count();
    }

    [[nodiscard]] double spilled_by_chance() const noexcept {
        return owned_index_->spilled_by_chance();
    }

    [[nodiscard]] const FibEntry* find(const AgentId& agent) const noexcept;

    // As many cells as entries: the capacity and slack.
    [[nodiscard]] std::uint32_t entry_count() const noexcept { return entry_count_; }

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

    // Entries beyond the capacity, for those that await their grace period.
    [[nodiscard]] std::uint32_t slack_count() const noexcept { return entry_count_ - capacity_; }

    [[nodiscard]] static std::uint32_t slack_for(std::uint32_t capacity) noexcept;
    // What FibOptions::stripes 0 stands for.
    [[nodiscard]] static std::uint32_t stripes_for(std::uint32_t capacity) noexcept;

    [[nodiscard]] std::size_t retired_count() const noexcept { return retired_.size(); }

    // What create() took from DPDK's heap, as that counts it.
    [[nodiscard]] std::size_t heap_bytes() const noexcept { return heap_bytes_; }

    // The same and our own lists.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;
    // What create() will take from DPDK's heap, at most; a few pages above heap_bytes().
    [[nodiscard]] static std::size_t planned_heap_bytes(std::uint32_t capacity,
                                                        std::uint32_t stripes,
                                                        bool table) noexcept;
    // What a change of the key takes beyond that, until it is over.
    [[nodiscard]] static std::size_t rekey_heap_bytes(std::uint32_t capacity,
                                                      std::uint32_t stripes,
                                                      bool table) noexcept;

    // --- any lcore ---
    // The index to use until the reader's quiescent state. Take it anew for each burst.
    [[nodiscard]] const FibIndex& index() const noexcept {
        return *index_.load(std::memory_order_acquire);
    }

    // Routers whose routes count for nothing.
    [[nodiscard]] RouterMask& routers() noexcept { return routers_; }

    [[nodiscard]] const RouterMask& routers() const noexcept { return routers_; }

    // The entry of a number that a lookup gave; null for 0. Valid until the quiescent state.
    [[nodiscard]] const FibEntry* entry(std::uint32_t number) const noexcept {
        if (number == 0) {
            return nullptr;
        }
        FibEntry* const entry = entries_ + number - 1;
        if constexpr (kUnderThreadSanitizer) {
            static_cast<void>(
                std::atomic_ref<std::uint32_t>(entry->version).load(std::memory_order_acquire));
        }
        return entry;
    }

    // The same for many: found[i] of numbers[i].
    void entries(std::span<const std::uint32_t> numbers, const FibEntry** found) const noexcept;

    // Another number whenever this capability, or one of those that share it, has another entry or
    // none any more. Who reads it, then looks the capability up, and finds that the index he asked
    // is still index(), may use what he found while the number is the same: an index whose key has
    // been changed does not learn of what changes since.
    [[nodiscard]] std::uint32_t changes_of_capability(const AgentId& capability) const noexcept {
        return capability_changes_->read(stripe_key(capability));
    }

    // Another number whenever the entry of that number, or one of those that share it, has been
    // replaced or removed. Who reads it, then sees by entry_of_cell() that the entry is somebody's
    // still, and later reads the same, may use what he copied, and the entry until his quiescent
    // state.
    [[nodiscard]] std::uint32_t changes_near(std::uint32_t number) const noexcept {
        return changes_->read(stripe_key(number));
    }

    // The entry whose cell it is now; null: nobody's. The cell may have gone to another agent since
    // the caller learnt of it: compare entry->agent.
    [[nodiscard]] const FibEntry* entry_of_cell(std::uint32_t cell) const noexcept {
        return cell >= entry_count_ ? nullptr
                                    : entry(std::atomic_ref<std::uint32_t>(cell_entry_[cell])
                                                .load(std::memory_order_acquire));
    }

    void prefetch_cell(std::uint32_t cell) const noexcept { prefetch_line(cell_entry_ + cell); }

    [[nodiscard]] LoadCells& loads() noexcept { return loads_; }

    [[nodiscard]] const LoadCells& loads() const noexcept { return loads_; }

    [[nodiscard]] std::uint32_t number_of(const FibEntry& entry) const noexcept {
        return static_cast<std::uint32_t>(&entry - entries_) + 1;
    }

    // Any number of agents; found[i] is null or valid until the quiescent state.
    void lookup(std::span<const AgentId* const> agents, const FibEntry** found) const noexcept;
    // Lease refresh: last writer wins, coarse milliseconds of the program's monotonic clock.
    void touch(const FibEntry& entry, std::uint32_t now_ms) noexcept;
    [[nodiscard]] std::uint32_t last_heard_ms(const FibEntry& entry) const noexcept;

  private:
    static constexpr std::uint32_t kNoCell = 0xffffffff;
    static constexpr std::size_t kCapabilityStripes = 1'024;

    struct Retired {
        std::uint64_t token;
        std::uint32_t index;
        std::uint32_t cell;  // kNoCell: the agent stayed
    };

    Fib(const FibOptions& options, Grace& grace);
    [[nodiscard]] static std::uint32_t change_stripes_for(std::uint32_t entries) noexcept;

    // Neighbours are replaced together: they are spread.
    [[nodiscard]] static std::uint64_t stripe_key(std::uint32_t number) noexcept {
        return number * kMixStep;
    }

    // By the first bytes, which a capability's id and its key have in common.
    [[nodiscard]] static std::uint64_t stripe_key(const AgentId& capability) noexcept {
        std::uint32_t first;
        std::memcpy(&first, capability.bytes.data(), sizeof first);
        return stripe_key(first);
    }

    [[nodiscard]] bool allocate();
    [[nodiscard]] std::unique_ptr<FibIndex> make_index(const KeyHash::Key& key);
    [[nodiscard]] std::uint32_t* allocate_cells();
    void seed_cell(std::uint32_t cell, std::uint32_t last_heard_ms, bool keep_later) noexcept;
    void retire(const FibEntry& entry, std::uint32_t cell);
    void put_in_next(const FibEntry& entry);
    void take_over();

    FibOptions options_;
    Grace& grace_;
    std::uint32_t capacity_;
    std::uint32_t entry_count_;            // capacity_ and slack
    FibEntry* entries_ = nullptr;          // hugepages
    std::uint32_t* last_heard_ = nullptr;  // lease cells, atomic access
    std::uint32_t* cell_entry_ = nullptr;  // by cell: number of the entry, 0: none; atomic access
    std::uint32_t* load_cells_ = nullptr;  // behind loads_
    std::atomic<std::uint32_t>* change_counts_ = nullptr;  // behind both of these
    std::unique_ptr<VersionStripes> changes_;
    std::unique_ptr<VersionStripes> capability_changes_;
    std::uint32_t count_ = 0;
    std::size_t heap_bytes_ = 0;
    std::vector<std::uint32_t> free_entries_;
    std::vector<std::uint32_t> free_cells_;
    std::vector<bool> current_;  // by entry: it is what a lookup finds
    std::deque<Retired> retired_;

    RouterMask routers_;
    LoadCells loads_;
    std::unique_ptr<FibIndex> owned_index_;
    std::atomic<const FibIndex*> index_{nullptr};  // the same, for readers
    std::unique_ptr<FibIndex> next_;               // under another key, being built
    std::uint32_t next_done_ = 0;                  // entries copied to it so far
    std::unique_ptr<FibIndex> old_index_;          // awaits its grace period
    std::uint64_t old_token_ = 0;
    std::uint64_t rekeyed_ = 0;
    std::uint64_t indexes_made_ = 0;  // gives each its generation
};

}  // namespace posthaste::routing
