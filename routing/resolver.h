// SPDX-License-Identifier: BSD-3-Clause
// Resolver: one lcore's way to look agents up: its route cache while that pays, then the Fib.
//
// Owned by its lcore; everything is within the lcore's quiescent period, and allocated in the
// constructor only. One at a time and in batches it gives the same answers. The order for each id:
// positive and negative copies of the cache that are still good, then the Fib, whose answer may be
// kept: one in kAdmitOne, since a cache that takes every id loses to no cache at all.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

#include "routing/agent_id.h"
#include "routing/cache_switch.h"
#include "routing/fib.h"
#include "routing/lookup_counters.h"
#include "routing/route_cache.h"
#include "routing/strange_share.h"

namespace posthaste::routing {

struct ResolverOptions {
    std::uint32_t cache_lines = 0;  // 64 bytes each, a power of two; 0: no cache
    // How long a copy is good for an agent of ordinary stability; stable ones twice, unstable
    // ones half as long. 0: no copies of that kind.
    std::uint32_t local_ttl_ms = 60'000;
    std::uint32_t remote_ttl_ms = 30'000;
    std::uint32_t negative_ttl_ms = 2'000;
    bool cache_always = false;                     // no trials: for tests, and to see what it costs
    bool authority_only = false;                   // rte_hash alone, as a yardstick
    std::uint64_t (*cycles)() noexcept = nullptr;  // a clock for what lookups cost; null: untimed,
                                                   // and a cache is then always used
    int socket = -1;
};

enum class Outcome : std::uint8_t { hit_positive, hit_negative, found, unknown };

class Resolver {
  public:
    static constexpr std::size_t kChunk = 256;  // ids in hand at a time
    static constexpr std::size_t kNewsMax = 64;
    // While most ids are strange: even so many a burst are more than discovery asks for.
    static constexpr std::size_t kNewsOfFlood = 16;
    static constexpr std::uint32_t kAdmitOne = 16;  // power of two

    // Null: no memory for the cache. The Fib outlives it; its stripes must be no more than the
    // cache's lines.
    [[nodiscard]] static std::unique_ptr<Resolver> create(const Fib& fib,
                                                          const ResolverOptions& options);
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    // found[i]: null (unknown), or valid until the quiescent state. Any number of agents.
    void resolve(std::span<const AgentId* const> agents,
                 const FibEntry** found,
                 std::uint32_t now_ms) noexcept;
    // The same in two steps, so that what is asked first is on its way from memory while the next
    // frames are parsed: any number of calls of announce(), which sets the hashes, and then one for
    // all of these agents. It gives their next hops, too; where hops[i] says elsewhere, found[i] is
    // on its way from memory.
    void announce(std::span<const AgentId* const> agents, std::uint64_t* hashes) noexcept;
    void resolve_announced(std::span<const AgentId* const> agents,
                           std::uint64_t* hashes,
                           const FibEntry** found,
                           NextHop* hops,
                           std::uint32_t now_ms) noexcept;
    // The same for one, with how the answer came about.
    [[nodiscard]] const FibEntry* resolve(const AgentId& agent,
                                          std::uint32_t now_ms,
                                          Outcome& outcome) noexcept;

    // Positions, in the last call of resolve() or resolve_announced(), of agents that the Fib
    // itself did not know (not a negative copy), the first of them: somebody may be asked where
    // they are.
    [[nodiscard]] std::span<const std::uint32_t> news() const noexcept {
        return {news_.data(), news_count_};
    }

    // Of the index by which the last resolve_announced() answered.
    [[nodiscard]] std::uint64_t announced_generation() const noexcept {
        return announced_generation_;
    }

    // Once per loop.
    void turn(std::uint32_t now_ms) noexcept { cache_.age(now_ms); }

    // Puts agents that are there into the cache, expected ones before they are asked for.
    void warm(std::span<const AgentId> agents, std::uint32_t now_ms) noexcept;

    // Any thread. As in the options, for copies made from now on.
    void set_ttls(std::uint32_t local_ms,
                  std::uint32_t remote_ms,
                  std::uint32_t negative_ms) noexcept;

    // Any thread.
    [[nodiscard]] const LookupCounters& counters() const noexcept { return counters_; }

    // This lcore: what a stage learns about the answers later.
    [[nodiscard]] LookupCounters& counters() noexcept { return counters_; }

    // With a cache of so many lines: after so many lookups it is known for the first time whether
    // it pays.
    [[nodiscard]] static std::uint64_t lookups_to_decide(std::uint32_t cache_lines) noexcept;

    [[nodiscard]] std::size_t cache_bytes() const noexcept {
        return cache_.line_count() * sizeof(RouteCache::Line);
    }

  private:
    struct Batch;

    // What resolve() is called with.
    struct Call {
        std::span<const AgentId* const> agents;
        std::uint64_t* hashes;  // null: to be computed
        const FibEntry** found;
        NextHop* hops;  // null: not wanted
    };

    Resolver(const Fib& fib, const ResolverOptions& options, std::span<RouteCache::Line> lines);
    // The Fib's; where it is another than before, the cache is emptied.
    [[nodiscard]] const FibIndex& current_index() noexcept;
    // Gives how many were found.
    [[nodiscard]] std::size_t ask_index(const FibIndex& index,
                                        std::span<const AgentId* const> agents,
                                        std::uint64_t* hashes,
                                        RouteTable::Hashes are,
                                        std::uint32_t* numbers,
                                        NextHop* hops) noexcept;
    static void ask_entries(const Batch& batch, const Call& call) noexcept;
    void resolve_by(const FibIndex& index, const Call& call, std::uint32_t now_ms) noexcept;
    void by_fib(const FibIndex& index, Batch& batch) noexcept;
    void by_cache(const FibIndex& index, Batch& batch, std::uint32_t now_ms) noexcept;
    void probe(const FibIndex& index, Batch& batch, std::uint32_t now_ms) noexcept;
    void keep(const AgentId& agent,
              std::uint64_t hash,
              std::uint32_t number,
              std::uint32_t version,
              std::uint32_t now_ms) noexcept;
    [[nodiscard]] std::uint32_t ttl_of(const FibEntry& entry, std::uint32_t now_ms) const noexcept;
    void publish_cache_stats() noexcept;
    [[nodiscard]] std::uint32_t ask_one(const FibIndex& index,
                                        const AgentId& agent,
                                        std::uint64_t hash) const noexcept;
    [[nodiscard]] std::uint32_t resolve_one(const FibIndex& index,
                                            const AgentId& agent,
                                            std::uint32_t now_ms,
                                            bool cached,
                                            Outcome& outcome) noexcept;
    [[nodiscard]] bool admit() noexcept;

    [[nodiscard]] bool cached() const noexcept {
        return cache_.enabled() && (always() || switch_.with_cache());
    }

    [[nodiscard]] RouteTable::Mostly mostly() const noexcept {
        return strange_.most() ? RouteTable::Mostly::strange : RouteTable::Mostly::known;
    }

    [[nodiscard]] bool always() const noexcept {
        return options_.cache_always || options_.cycles == nullptr;
    }

    void note(std::size_t position, bool unknown) noexcept;

    const Fib& fib_;
    const ResolverOptions options_;
    std::atomic<std::uint32_t> local_ttl_ms_;
    std::atomic<std::uint32_t> remote_ttl_ms_;
    std::atomic<std::uint32_t> negative_ttl_ms_;
    std::span<RouteCache::Line> lines_;  // hugepages
    RouteCache cache_;
    CacheSwitch switch_;
    std::uint64_t generation_ = 0;         // of the index the cache was filled by
    const FibIndex* announced_ = nullptr;  // the index that the announced hashes are of
    std::uint64_t announced_generation_ = 0;
    std::uint64_t batches_ = 0;
    std::uint32_t admissions_ = 0;
    StrangeShare strange_;
    std::array<std::uint32_t, kNewsMax> news_;
    std::size_t news_count_ = 0;
    LookupCounters counters_;
};

}  // namespace posthaste::routing
