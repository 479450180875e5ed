// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/heartbeat.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

namespace {

// What the agent says of its load; one that says nothing sound keeps what it said before.
void read_load(std::span<const std::uint8_t> frame,
               const routing::FrameView& view,
               routing::LoadCells& loads,
               std::uint32_t cell) noexcept {
    if (view.payload_bytes == 0 || routing::frame_end(view) > frame.size()) [[likely]] {
        return;  // the second: in segments, which no heartbeat needs
    }
    routing::TlvReader tlvs(
        frame.subspan(std::size_t{view.message} + view.header_bytes, view.payload_bytes));
    std::span<const std::uint8_t> told;
    while (tlvs.next()) {
        if (tlvs.type() == static_cast<std::uint8_t>(routing::Tlv::load)) {
            told = tlvs.value();
        }
    }
    const auto load = tlvs.ok() ? routing::load_from_tlv(told) : std::nullopt;
    if (load) {
        loads.set(cell, *load);
    }
}

}  // namespace

void heartbeat(Burst& burst, routing::Fib& fib, std::span<TxBacklog> tx) noexcept {
    for (const unsigned lane : burst.live& burst.heartbeats) {
        const routing::FrameView& view = burst.view[lane];
        DCHECK(burst.sender[lane] != nullptr);
        fib.touch(*burst.sender[lane], burst.now_ms);
        read_load(first_segment(burst.frame[lane]), view, fib.loads(), burst.sender[lane]->cell);
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
