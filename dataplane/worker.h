// SPDX-License-Identifier: BSD-3-Clause
// Worker: one lcore's loop. Polls its rx queues, runs the pipeline over each burst, flushes its
// egress backlogs, and serves the ring by which the control thread hands frames down.
//
// Owned by its lcore from run() on. Before and after, and through punts(), inject() and
// counters() at any time, by the control thread. Allocates in the constructor only.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "dataplane/burst.h"
#include "dataplane/coarse_clock.h"
#include "dataplane/counters.h"
#include "dataplane/fan_out.h"
#include "dataplane/lookup.h"
#include "dataplane/misrouted.h"
#include "dataplane/name_check.h"
#include "dataplane/overload.h"
#include "dataplane/punt.h"
#include "dataplane/route_use.h"
#include "dataplane/stage_timer.h"
#include "dataplane/stale_routes.h"
#include "dataplane/transmit.h"
#include "dataplane/tx_backlog.h"
#include "dataplane/world.h"
#include "routing/conversations.h"
#include "routing/fib.h"
#include "routing/grace.h"
#include "routing/provider_sets.h"
#include "routing/published.h"
#include "routing/resolver.h"
#include "routing/token_bucket.h"

struct rte_mempool;

namespace posthaste::dataplane {

// The ethdev is the World's: it may change when a port is reopened.
struct RxQueue {
    std::uint16_t port = 0;  // index
    std::uint16_t queue = 0;
};

struct WorkerOptions {
    unsigned id = 0;  // also its number as a reader of Grace
    CoarseClock clock;
    std::vector<RxQueue> rx;
    std::vector<TxQueue> tx;          // by port index
    std::uint32_t tx_backlog = 1024;  // frames per port, rounded up to a power of two
    std::uint32_t punt_ring = 512;    // frames per class
    std::uint32_t inject_ring = 512;
    std::uint32_t wanted_ring = 255;        // destinations
    std::uint32_t misrouted_ring = 255;     // reports
    std::uint32_t uses_ring = 1023;         // samples
    std::uint32_t expected_ring = 511;      // agents
    std::uint32_t idle_sleep_us = 0;        // 0: never sleeps
    rte_mempool* pool = nullptr;            // of copies; null: none are made
    std::uint32_t conversations = 131'072;  // with providers of capabilities, remembered
    std::uint64_t conversation_seed = 0;    // secret: who shares a set is not for others to choose
    bool shed = true;                       // lower priorities first when overloaded
};

class Worker {
  public:
    Worker(const WorkerOptions& options,
           const routing::Published<World>& world,
           routing::Fib& fib,
           const routing::ProviderSets& provider_sets,
           routing::Grace& grace,
           std::unique_ptr<routing::Resolver> resolver);
    // The lcore has left run(). Frees what is left in the rings and backlogs.
    ~Worker();
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    // Polls until `stop`, then drain(). Online in Grace in between.
    void run(const std::atomic<bool>& stop) noexcept;
    // One turn; needs to be online in Grace. Gives how many frames moved (0: idle).
    unsigned run_once(std::uint64_t tsc) noexcept;
    // Serves the inject ring to its end, sends what the ports still take, and discards the rest,
    // counted; no backlog afterwards.
    void drain(std::uint64_t tsc) noexcept;

    // Control thread: consumer of punts(), producer of inject().
    [[nodiscard]] SpscRing<Punted>& punts(PuntClass of) noexcept;

    [[nodiscard]] SpscRing<Injected>& inject() noexcept { return inject_; }

    // Consumer: destinations that nobody knows, or not any more.
    [[nodiscard]] SpscRing<routing::AgentId>& wanted() noexcept { return wanted_; }

    // Consumer: whom other routers took to be here.
    [[nodiscard]] SpscRing<Misrouted>& misrouted() noexcept { return misrouted_; }

    // Consumer: now and then one of the routes that frames take.
    [[nodiscard]] SpscRing<RouteUse>& uses() noexcept { return uses_; }

    // Producer: agents expected to be asked for, for the route cache.
    [[nodiscard]] SpscRing<routing::AgentId>& expected() noexcept { return expected_; }

    // Any thread, any time.
    [[nodiscard]] const WorkerCounters& counters() const noexcept { return counters_; }

    [[nodiscard]] const routing::LookupCounters& lookups() const noexcept {
        return std::as_const(*resolver_).counters();
    }

    // Any thread; see routing/resolver.h.
    void set_ttls(std::uint32_t local_ms,
                  std::uint32_t remote_ms,
                  std::uint32_t negative_ms) noexcept {
        resolver_->set_ttls(local_ms, remote_ms, negative_ms);
    }

    [[nodiscard]] std::size_t cache_bytes() const noexcept { return resolver_->cache_bytes(); }

    // Room for conversations, and what they take.
    [[nodiscard]] std::size_t conversations_max() const noexcept {
        return conversations_.capacity();
    }

    [[nodiscard]] std::size_t conversation_bytes() const noexcept {
        return conversations_.memory_bytes();
    }

    [[nodiscard]] unsigned id() const noexcept { return options_.id; }

    [[nodiscard]] const std::vector<RxQueue>& rx_queues() const noexcept { return options_.rx; }

  private:
    unsigned serve_inject(const World& world) noexcept;
    unsigned serve_rx(const World& world) noexcept;
    unsigned serve_tx(const World& world) noexcept;
    void pipeline(const World& world,
                  std::uint8_t floor,
                  bool resubmitted,
                  StageTimer& timer) noexcept;
    void resubmit(const World& world, std::span<const Injected> held) noexcept;
    void warm_cache() noexcept;
    void account_time(std::uint64_t tsc, bool busy) noexcept;

    const WorkerOptions options_;
    const routing::Published<World>& world_;
    routing::Fib& fib_;
    const routing::ProviderSets& provider_sets_;
    routing::Grace& grace_;
    std::unique_ptr<routing::Resolver> resolver_;

    Burst burst_;
    Asked asked_;
    WorkerCounters counters_;
    Conversing conversing_;
    routing::Conversations conversations_;
    NameCheck names_;
    FanOut fan_out_;
    std::vector<Overload> overload_;            // by position in options_.rx
    std::vector<routing::TokenBucket> errors_;  // by port
    std::vector<TxBacklog> tx_;                 // by port
    PuntRings punts_;
    SpscRing<Injected> inject_;
    SpscRing<routing::AgentId> wanted_;
    SpscRing<Misrouted> misrouted_;
    SpscRing<RouteUse> uses_;
    SpscRing<routing::AgentId> expected_;
    RouteSampler sampler_;
    MisroutedReports reports_;
    StaleRoutes stale_;
    std::uint64_t last_tsc_ = 0;
    std::uint32_t now_ms_ = 0;
    std::uint32_t bursts_ = 0;  // for sampling
    bool busy_ = false;         // the last turn moved frames
};

}  // namespace posthaste::dataplane
