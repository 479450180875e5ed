// SPDX-License-Identifier: BSD-3-Clause
// Bytes of a frame, also of one of several mbuf segments: shortening these, summing over them. Any
// lcore.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <span>

#include "dataplane/burst.h"
#include "routing/frame.h"

namespace posthaste::dataplane {

[[nodiscard]] inline std::uint8_t* bytes_of(rte_mbuf* frame) noexcept {
    return rte_pktmbuf_mtod(frame, std::uint8_t*);
}

// The message header of a lane whose view has one.
[[nodiscard]] inline const routing::WireHeader& header_in(const Burst& burst,
                                                          unsigned lane) noexcept {
    return routing::header_of(bytes_of(burst.frame[lane]), burst.view[lane]);
}

// The part of a frame that lies in its first segment, all of it with our pools.
[[nodiscard]] inline std::span<std::uint8_t> first_segment(rte_mbuf* frame) noexcept {
    return {bytes_of(frame), rte_pktmbuf_data_len(frame)};
}

// Segments that end before `bytes` go to burst.surplus.
void cut_chain(Burst& burst, unsigned lane, std::uint32_t bytes) noexcept;

// Makes the lane's frame `bytes` long (1 .. what it is now).
inline void shorten(Burst& burst, unsigned lane, std::uint32_t bytes) noexcept {
    rte_mbuf& frame = *burst.frame[lane];
    if (frame.nb_segs == 1) {
        frame.pkt_len = bytes;
        frame.data_len = static_cast<std::uint16_t>(bytes);
    } else {
        cut_chain(burst, lane, bytes);
    }
}

// What fold_checksum() says of the UDP datagram, over all segments: 0 if its checksum holds; the
// checksum it ought to have if the field is 0.
[[nodiscard]] std::uint16_t udp_checksum_over_chain(const rte_mbuf* frame,
                                                    const routing::FrameView& view) noexcept;

}  // namespace posthaste::dataplane
