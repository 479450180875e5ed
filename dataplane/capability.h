// SPDX-License-Identifier: BSD-3-Clause
// capability: messages addressed to a capability get an agent that has it. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/capability_tables.h"
#include "dataplane/follow.h"

namespace posthaste::dataplane {

// Where frames to the provider go now; null: nowhere. What the set says may be older than the Fib.
[[nodiscard]] const routing::FibEntry* route_of(const routing::Provider& provider,
                                                const routing::Fib& fib,
                                                std::uint32_t now_ms) noexcept;

// What was found of the capability that the lane is addressed to: by its next hop, or where that
// says nothing by its entry. Another kind of hop: there is none.
[[nodiscard]] routing::NextHop capability_of(const Burst& burst, unsigned lane) noexcept;

// Replaces burst.target, for lanes addressed to any agent with a capability, by the entry of the
// chosen one. Lanes to an unknown capability leave: as punted where the control thread may know
// better (but once only), else dropped. Those followed have their target. Needs lookup(), and
// heartbeats to be gone.
void capability(Burst& burst,
                const Conversing& conversing,
                const CapabilityTables& tables) noexcept;

}  // namespace posthaste::dataplane
