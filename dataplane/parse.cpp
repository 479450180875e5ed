// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/parse.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

using routing::ChecksumHint;
using routing::Drop;
using routing::FrameKind;
using routing::FrameView;

namespace {

// RTE_MBUF_F_RX_L4_CKSUM_NONE says that the data is good but the field is not, so that updating
// the field would pass the fault on: it counts as unknown, and verification fails.
ChecksumHint hint_of(const rte_mbuf& frame) noexcept {
    switch (frame.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) {
        case RTE_MBUF_F_RX_L4_CKSUM_GOOD:
            return ChecksumHint::good;
        case RTE_MBUF_F_RX_L4_CKSUM_BAD:
            return ChecksumHint::bad;
        default:
            return ChecksumHint::unknown;
    }
}

void parse_others(Burst& burst, const PortView& port, LaneMask lanes) noexcept {
    for (const unsigned lane : lanes) {
        rte_mbuf* const frame = burst.frame[lane];
        FrameView& view = burst.view[lane];
        const routing::ParseResult result = routing::parse_frame(
            first_segment(frame), frame->pkt_len, port.rules, hint_of(*frame), view);
        if (result.checksum_pending && udp_checksum_over_chain(frame, view) != 0) [[unlikely]] {
            view.message = 0;  // not as it was sent: nobody to answer
            burst.drop(lane, Drop::bad_checksum);
            continue;
        }
        if (result.drop != Drop::none) [[unlikely]] {
            burst.drop(lane, result.drop);
            continue;
        }
        switch (view.kind) {
            case FrameKind::message:
                break;
            case FrameKind::heartbeat:
                burst.heartbeats.set(lane);
                break;
            case FrameKind::control:
                burst.punt(lane, PuntClass::registration);
                break;
            case FrameKind::neighbour:
                burst.punt(lane, PuntClass::neighbour);
                break;
        }
    }
}

}  // namespace

void parse(Burst& burst,
           LaneMask lanes,
           const PortView& port,
           const routing::PlainRules& plain) noexcept {
    std::uint32_t bytes = 0;
    LaneMask others;
    for (const unsigned lane : burst.live& lanes) {
        rte_mbuf* const frame = burst.frame[lane];
        bytes += frame->pkt_len;
        if (frame->nb_segs != 1 ||
            !routing::parse_plain(first_segment(frame), plain, hint_of(*frame), burst.view[lane]))
            [[unlikely]] {
            others.set(lane);
        }
    }
    burst.received_bytes += bytes;
    if (others.any()) [[unlikely]] {
        parse_others(burst, port, others);
    }
}

void shed(Burst& burst, LaneMask lanes, std::uint8_t floor) noexcept {
    if (floor == 0) [[likely]] {
        return;
    }
    for (const unsigned lane : burst.live& lanes) {
        const FrameView& view = burst.view[lane];
        if (view.kind == FrameKind::message &&
            header_of(bytes_of(burst.frame[lane]), view).priority_level() < floor) {
            burst.drop(lane, Drop::shed);
        }
    }
}

}  // namespace posthaste::dataplane
