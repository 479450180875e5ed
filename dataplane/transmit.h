// SPDX-License-Identifier: BSD-3-Clause
// transmit: finished and answered lanes into the backlogs; and from the backlogs to the ports.
// Lcore.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/tx_backlog.h"
#include "dataplane/world.h"

struct rte_ring;

namespace posthaste::dataplane {

// How this worker sends on a port. Where a port has fewer tx queues than there are workers, those
// without one put their frames on the `handoff` ring (MP/SC, of rte_mbuf*) of the queue's owner.
struct TxQueue {
    std::uint16_t queue = 0;
    rte_ring* handoff = nullptr;  // null: the queue is this worker's alone
    bool owner = true;            // of the queue, and of the consumer end of `handoff`
};

// Finished lanes become sent. Each has a slot reserved in the backlog (by port index) it goes to;
// reservations end here.
void transmit(Burst& burst, std::span<TxBacklog> tx) noexcept;

// One frame that is no burst's. False: backlog full, the frame is still the caller's.
[[nodiscard]] bool enqueue(rte_mbuf* frame, TxBacklog& backlog) noexcept;

// Sends what the queue takes, once. Frames of other workers join first, as far as there is room.
// A port that is not up gets nothing: its backlog is discarded. Gives how many frames moved.
unsigned flush(TxBacklog& backlog,
               const TxQueue& to,
               const PortView& port,
               PortCounters& counters) noexcept;

// The same without frames of other workers, which may not take slots that are reserved: for within
// a burst.
unsigned relieve(TxBacklog& backlog,
                 const TxQueue& to,
                 const PortView& port,
                 PortCounters& counters) noexcept;

// Frees the backlog, counted.
unsigned discard(TxBacklog& backlog, PortCounters& counters) noexcept;

}  // namespace posthaste::dataplane
