// SPDX-License-Identifier: BSD-3-Clause
// fan_out: messages to all who have a capability become one frame for each recipient. Lcore.
//
// Recipients are the running providers here, but the sender, and each router that has running ones;
// of relayed messages, those here only. The message itself is the last recipient's and stays in its
// lane; the others get copies, which go the rest of the way in bursts of their own before it.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "dataplane/burst.h"
#include "dataplane/capability.h"
#include "dataplane/counters.h"
#include "dataplane/plain_head.h"
#include "dataplane/policy.h"
#include "dataplane/punt.h"
#include "dataplane/transmit.h"
#include "dataplane/tx_backlog.h"
#include "routing/lookup_counters.h"

struct rte_mempool;

namespace posthaste::dataplane {

// What frames need on the rest of their way.
struct OnwardTables {
    std::span<TxBacklog> tx;  // by port, as the next
    std::span<const TxQueue> tx_queues;
    PuntRings& punts;
    WorkerCounters& counters;
    routing::LookupCounters& lookups;
    const PolicyTables& policies;
};

class FanOut {
  public:
    static constexpr unsigned kRecipientsMax = World::kFanOutMax + 1;  // the sender may be one

    // Copies come from `pool`, whose mbufs hold a frame of the largest MTU; null: no copies.
    explicit FanOut(rte_mempool* pool);

    // The stage. Needs capability(). Afterwards lanes to all have a target; those that have no
    // recipient, or more than World::fan_out_max, were dropped.
    void run(Burst& burst, const CapabilityTables& tables, const OnwardTables& onward) noexcept;

  private:
    [[nodiscard]] routing::Drop find(const Burst& burst,
                                     unsigned lane,
                                     const CapabilityTables& tables) noexcept;
    void add_local(const Burst& burst,
                   unsigned lane,
                   const routing::ProviderSet& set,
                   const routing::Fib& fib) noexcept;
    void add_routers(const routing::ProviderSet& set,
                     const World& world,
                     const routing::RouterMask& routers,
                     std::size_t most) noexcept;
    void copy(const Burst& burst,
              unsigned lane,
              const CapabilityTables& tables,
              const OnwardTables& onward) noexcept;
    [[nodiscard]] unsigned allocate(std::size_t wanted) noexcept;
    unsigned make(const Burst& burst,
                  unsigned lane,
                  std::span<const routing::FibEntry* const> to,
                  const World& world,
                  std::span<TxBacklog> tx) noexcept;
    void send(const CapabilityTables& tables, const OnwardTables& onward) noexcept;

    rte_mempool* pool_;
    std::unique_ptr<Burst> copies_;
    LaneMask plain_;  // of them, rewritten already
    PlainHead head_;
    std::array<const routing::FibEntry*, kRecipientsMax> recipients_;
    unsigned count_ = 0;  // of them
};

}  // namespace posthaste::dataplane
