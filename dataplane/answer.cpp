// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/answer.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

using routing::ErrorCode;

namespace {

// view.message says that the frame reached us as it was sent and names whom to answer.
bool wants_answer(const Burst& burst, unsigned lane) noexcept {
    const routing::FrameView& view = burst.view[lane];
    return view.message != 0 && error_of(burst.reason[lane]) != ErrorCode::none &&
           wants_error(header_of(bytes_of(burst.frame[lane]), view));
}

}  // namespace

void answer(Burst& burst,
            const PortView& port,
            routing::TokenBucket& rate,
            TxBacklog& tx) noexcept {
    for (const unsigned lane : burst.dropped) {
        if (!wants_answer(burst, lane)) {
            continue;
        }
        if (!port.up || !rate.take(burst.now_ms) || !tx.reserve()) {
            burst.answer_refused.set(lane);
            continue;
        }
        const std::size_t bytes = routing::answer_in_place(first_segment(burst.frame[lane]),
                                                           burst.view[lane],
                                                           routing::Type::error,
                                                           error_of(burst.reason[lane]),
                                                           {});
        shorten(burst, lane, static_cast<std::uint32_t>(bytes));
        burst.answered.set(lane);
    }
}

}  // namespace posthaste::dataplane
