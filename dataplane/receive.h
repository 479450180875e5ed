// SPDX-License-Identifier: BSD-3-Clause
// receive: frames from a queue become the lanes of a burst. Lcore.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/burst.h"

namespace posthaste::dataplane {

// Empties `burst` for frames of port `ingress`.
void begin(Burst& burst, std::uint16_t ingress, std::uint32_t now_ms) noexcept;

// Polls once; all that came is live. Needs begin().
void receive(Burst& burst, std::uint16_t ethdev, std::uint16_t queue) noexcept;

// The same for frames at hand, at most kBurstMax; the burst owns them now.
void take(Burst& burst, std::span<rte_mbuf* const> frames) noexcept;

}  // namespace posthaste::dataplane
