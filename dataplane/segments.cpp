// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/segments.h"

#include <algorithm>

namespace posthaste::dataplane {

void cut_chain(Burst& burst, unsigned lane, std::uint32_t bytes) noexcept {
    rte_mbuf* const frame = burst.frame[lane];
    rte_mbuf* last = frame;
    std::uint32_t before = 0;
    std::uint16_t kept = 1;
    while (before + last->data_len < bytes && last->next != nullptr) {
        before += last->data_len;
        last = last->next;
        ++kept;
    }
    last->data_len = static_cast<std::uint16_t>(bytes - before);
    frame->pkt_len = bytes;
    rte_mbuf* const rest = last->next;
    if (rest == nullptr) {
        return;
    }
    last->next = nullptr;
    rest->nb_segs = static_cast<std::uint16_t>(frame->nb_segs - kept);
    frame->nb_segs = kept;
    if (burst.surplus_of.has(lane)) {
        rte_mbuf* const earlier = burst.surplus[lane];
        rest->nb_segs = static_cast<std::uint16_t>(rest->nb_segs + earlier->nb_segs);
        rte_pktmbuf_lastseg(rest)->next = earlier;
    }
    burst.surplus[lane] = rest;
    burst.surplus_of.set(lane);
}

std::uint16_t udp_checksum_over_chain(const rte_mbuf* frame,
                                      const routing::FrameView& view) noexcept {
    const std::uint32_t udp_bytes = routing::frame_end(view) - view.l4;
    const auto* const first = rte_pktmbuf_mtod(frame, const std::uint8_t*);
    std::uint64_t sum = routing::pseudo_sum(first, view, static_cast<std::uint16_t>(udp_bytes));
    std::uint32_t skip = view.l4;
    std::uint32_t done = 0;
    for (const rte_mbuf* segment = frame; segment != nullptr && done < udp_bytes;
         segment = segment->next) {
        const auto* const bytes = rte_pktmbuf_mtod(segment, const std::uint8_t*);
        const std::uint32_t count =
            std::min<std::uint32_t>(segment->data_len - skip, udp_bytes - done);
        sum = routing::ones_sum(std::span(bytes + skip, count), sum, (done & 1) != 0);
        done += count;
        skip = 0;
    }
    return routing::fold_checksum(sum);
}

}  // namespace posthaste::dataplane
