// SPDX-License-Identifier: BSD-3-Clause
// A frame an lcore has given up to the control thread: what is done to it there as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "controlplane/hold_queue.h"
#include "routing/frame.h"

struct rte_mbuf;

namespace posthaste::controlplane {

[[nodiscard]] std::span<std::uint8_t> first_segment(rte_mbuf* frame);

// While the control thread has a frame, its mbuf remembers the worker it came from: that one
// gets it back, so that frames of one conversation keep their order.
void note_worker(rte_mbuf* frame, unsigned worker);
[[nodiscard]] unsigned worker_of(const rte_mbuf* frame);

[[nodiscard]] rte_mbuf* mbuf_of(const HeldFrame& held);

// The sound header of a frame the lcore parsed before; null if it is not (never, by contract).
[[nodiscard]] routing::WireHeader* header_of(rte_mbuf* frame,
                                             const routing::PortRules& rules,
                                             routing::FrameView& view);
// The capability's name in the header; empty: it is not said. `frame` is the first segment.
[[nodiscard]] std::string_view capability_name_in(std::span<const std::uint8_t> frame,
                                                  const routing::FrameView& view);

// Takes the wait off the frame's lifetime and keeps the UDP checksum right. False: nothing is left
// of it.
[[nodiscard]] bool shorten_lifetime(rte_mbuf* frame,
                                    const routing::FrameView& view,
                                    routing::WireHeader& header,
                                    std::uint64_t waited_ms);

// An answer stands in the first segment alone.
void keep_first_segment(rte_mbuf* frame, std::size_t bytes);

}  // namespace posthaste::controlplane
