// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/heartbeat.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

void heartbeat(Burst& burst, routing::Fib& fib, std::span<TxBacklog> tx) noexcept {
    for (const unsigned lane : burst.live) {
        const routing::FrameView& view = burst.view[lane];
        if (view.kind != routing::FrameKind::heartbeat) {
            continue;
        }
        DCHECK(burst.sender[lane] != nullptr);
        fib.touch(*burst.sender[lane], burst.now_ms);
        if (!tx[burst.ingress].reserve()) {
            burst.drop(lane, routing::Drop::tx_full);
            continue;
        }
        const std::size_t bytes = routing::answer_in_place(first_segment(burst.frame[lane]),
                                                           view,
                                                           routing::Type::ack,
                                                           routing::ErrorCode::none,
                                                           {});
        shorten(burst, lane, static_cast<std::uint32_t>(bytes));
        burst.finish(lane, burst.ingress);
    }
}

}  // namespace posthaste::dataplane
