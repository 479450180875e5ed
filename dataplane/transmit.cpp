// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/transmit.h"

#include <rte_ethdev.h>
#include <rte_ring.h>

#include <algorithm>

namespace posthaste::dataplane {

namespace {

// What the receiving port said of the frame must not reach the sending one as a request.
constexpr std::uint64_t kKeptFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

rte_mbuf* outgoing(rte_mbuf* frame) noexcept {
    frame->ol_flags &= kKeptFlags;
    return frame;
}

void push(rte_mbuf* frame, TxBacklog& backlog) noexcept {
    backlog.push(outgoing(frame));
}

std::uint64_t total_bytes(std::span<rte_mbuf* const> frames) noexcept {
    std::uint64_t bytes = 0;
    for (const rte_mbuf* frame : frames) {
        bytes += frame->pkt_len;
    }
    return bytes;
}

unsigned take_over(TxBacklog& backlog, rte_ring* handoff) noexcept {
    unsigned total = 0;
    while (backlog.size() < backlog.capacity()) {
        std::array<rte_mbuf*, kBurstMax> frames;
        const unsigned wanted = std::min<unsigned>(kBurstMax, backlog.capacity() - backlog.size());
        const unsigned count = rte_ring_sc_dequeue_burst(
            handoff, reinterpret_cast<void**>(frames.data()), wanted, nullptr);
        for (unsigned i = 0; i < count; ++i) {
            backlog.push(frames[i]);
        }
        total += count;
        if (count < wanted) {
            break;
        }
    }
    return total;
}

unsigned hand_over(TxBacklog& backlog, rte_ring* handoff) noexcept {
    unsigned total = 0;
    while (backlog.size() > 0) {
        const std::span<rte_mbuf*> frames = backlog.front();
        const unsigned count = rte_ring_mp_enqueue_burst(handoff,
                                                         reinterpret_cast<void**>(frames.data()),
                                                         static_cast<unsigned>(frames.size()),
                                                         nullptr);
        backlog.pop(count);
        total += count;
        if (count < frames.size()) {
            break;
        }
    }
    return total;
}

unsigned send(TxBacklog& backlog,
              std::uint16_t ethdev,
              std::uint16_t queue,
              PortCounters& counters) noexcept {
    unsigned total = 0;
    while (backlog.size() > 0) {
        const std::span<rte_mbuf*> all = backlog.front();
        const auto offered =
            static_cast<std::uint16_t>(std::min<std::size_t>(all.size(), kBurstMax));
        const std::span<rte_mbuf*> frames = all.first(offered);
        std::uint64_t bytes = total_bytes(frames);  // sent frames are no longer ours to look at
        const std::uint16_t sent = rte_eth_tx_burst(ethdev, queue, frames.data(), offered);
        bytes -= total_bytes(frames.subspan(sent));
        backlog.pop(sent);
        counters.transmitted.add(sent);
        counters.transmitted_bytes.add(bytes);
        total += sent;
        if (sent < offered) {
            break;
        }
    }
    return total;
}

}  // namespace

void transmit(Burst& burst, std::span<TxBacklog> tx) noexcept {
    // Mostly all to one port.
    for (LaneMask left = burst.finished; left.any();) {
        const std::uint16_t egress = burst.egress[*left.begin()];
        TxBacklog::Row row(tx[egress]);
        for (const unsigned lane : left) {
            if (burst.egress[lane] != egress) {
                break;
            }
            row.push(outgoing(burst.frame[lane]));
            left.clear(lane);
        }
    }
    burst.sent |= burst.finished;
    burst.finished = LaneMask();
    for (const unsigned lane : burst.answered) {
        push(burst.frame[lane], tx[burst.ingress]);
    }
    for (TxBacklog& backlog : tx) {
        backlog.give_back_reservations();
    }
}

bool enqueue(rte_mbuf* frame, TxBacklog& backlog) noexcept {
    if (!backlog.has_room()) {
        return false;
    }
    push(frame, backlog);
    return true;
}

unsigned flush(TxBacklog& backlog,
               const TxQueue& to,
               const PortView& port,
               PortCounters& counters) noexcept {
    unsigned count = 0;
    if (to.handoff != nullptr && to.owner) {
        count = take_over(backlog, to.handoff);
        counters.taken_over.add(count);
    }
    return count + relieve(backlog, to, port, counters);
}

unsigned relieve(TxBacklog& backlog,
                 const TxQueue& to,
                 const PortView& port,
                 PortCounters& counters) noexcept {
    if (backlog.size() == 0) {
        return 0;
    }
    if (!port.up) {
        return discard(backlog, counters);
    }
    unsigned moved = 0;
    if (to.handoff != nullptr && !to.owner) {
        moved = hand_over(backlog, to.handoff);
        counters.handed_over.add(moved);
    } else {
        moved = send(backlog, port.ethdev, to.queue, counters);
    }
    counters.backlog.set(backlog.size());
    return moved;
}

unsigned discard(TxBacklog& backlog, PortCounters& counters) noexcept {
    unsigned total = 0;
    while (backlog.size() > 0) {
        const std::span<rte_mbuf*> frames = backlog.front();
        const auto count = static_cast<unsigned>(frames.size());
        rte_pktmbuf_free_bulk(frames.data(), count);
        backlog.pop(count);
        total += count;
    }
    counters.tx_discarded.add(total);
    counters.backlog.set(0);
    return total;
}

}  // namespace posthaste::dataplane
