// SPDX-License-Identifier: BSD-3-Clause
// For whom a frame is that waits for a neighbour: one to all who have a capability, or a copy of
// such a frame, is one recipient's from then on, and must not be copied again when it comes back.
//
// The mark is the mbuf's own field for flow numbers, which nobody else uses here; it is valid by a
// flag of the mbuf, which allocating one clears. It says the cell of an agent's entry, or the
// number of a router, and is checked against the set of providers when it is read.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>

#include "dataplane/burst.h"

namespace posthaste::dataplane {

inline constexpr std::uint32_t kNoRecipient = 0xffffffff;
inline constexpr std::uint32_t kRouterRecipient = 0x80000000;  // and its number; else a cell

// Of a lane that knows its target.
[[nodiscard]] inline std::uint32_t recipient_of(const Burst& burst, unsigned lane) noexcept {
    const routing::FibEntry* const target = burst.target[lane];
    if (!burst.to_all.has(lane) || target == nullptr) {
        return kNoRecipient;
    }
    return target->kind == routing::RouteKind::local ? target->cell
                                                     : kRouterRecipient | target->router;
}

inline void mark_recipient(rte_mbuf& frame, std::uint32_t recipient) noexcept {
    frame.ol_flags &= ~RTE_MBUF_F_RX_FDIR_ID;
    if (recipient != kNoRecipient) {
        frame.ol_flags |= RTE_MBUF_F_RX_FDIR_ID;
        frame.hash.fdir.hi = recipient;
    }
}

// Of a frame that comes back; those that were just received may have anything there.
[[nodiscard]] inline std::uint32_t marked_recipient(const rte_mbuf& frame) noexcept {
    return (frame.ol_flags & RTE_MBUF_F_RX_FDIR_ID) != 0 ? frame.hash.fdir.hi : kNoRecipient;
}

}  // namespace posthaste::dataplane
