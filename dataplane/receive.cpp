// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/receive.h"

#include <rte_ethdev.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "routing/check.h"

namespace posthaste::dataplane {

namespace {

// The message header straddles the second cache line, or the second and third.
void all_live(Burst& burst, unsigned count) noexcept {
    burst.received = LaneMask::first(count);
    burst.live = burst.received;
    for (unsigned lane = 0; lane < count; ++lane) {
        DCHECK(rte_mbuf_refcnt_read(burst.frame[lane]) == 1);
        const auto* const bytes = rte_pktmbuf_mtod(burst.frame[lane], const std::uint8_t*);
        rte_prefetch0(bytes);
        rte_prefetch0(bytes + 64);
    }
}

}  // namespace

void begin(Burst& burst, std::uint16_t ingress, std::uint32_t now_ms) noexcept {
    burst.received = burst.live = burst.finished = burst.messages = LaneMask();
    burst.sent = burst.punted = burst.dropped = LaneMask();
    burst.answered = burst.answer_refused = burst.surplus_of = LaneMask();
    burst.to_capability = burst.to_any = burst.followed = burst.heartbeats = LaneMask();
    burst.to_all = burst.misrouted = burst.stale = LaneMask();
    burst.origin = Origin::received;
    burst.ingress = ingress;
    burst.now_ms = now_ms;
    burst.received_bytes = 0;
}

void receive(Burst& burst, std::uint16_t ethdev, std::uint16_t queue) noexcept {
    all_live(burst, rte_eth_rx_burst(ethdev, queue, burst.frame.data(), kBurstMax));
}

void take(Burst& burst, std::span<rte_mbuf* const> frames) noexcept {
    DCHECK(frames.size() <= kBurstMax);
    std::ranges::copy(frames, burst.frame.begin());
    all_live(burst, static_cast<unsigned>(frames.size()));
}

}  // namespace posthaste::dataplane
