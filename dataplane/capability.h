// SPDX-License-Identifier: BSD-3-Clause
// capability: messages addressed to a capability get an agent that has it. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/name_check.h"
#include "dataplane/world.h"
#include "routing/fib.h"
#include "routing/provider_sets.h"

namespace posthaste::dataplane {

// What is asked for providers. All but the counters and what belongs to the lcore (conversations,
// names) is read only.
struct CapabilityTables {
    const World& world;
    const routing::Fib& fib;
    const routing::ProviderSets& sets;
    routing::Conversations& conversations;
    NameCheck& names;
    CapabilityCounters& counters;
};

// Where frames to the provider go now; null: nowhere. What the set says may be older than the Fib.
[[nodiscard]] const routing::FibEntry* route_of(const routing::Provider& provider,
                                                const routing::Fib& fib,
                                                std::uint32_t now_ms) noexcept;

// Replaces burst.target, for lanes addressed to any agent with a capability, by the entry of the
// chosen one. Lanes to an unknown capability leave: as punted where the control thread may know
// better (but once only), else dropped. Needs lookup(), and heartbeats to be gone.
void capability(Burst& burst, const CapabilityTables& tables) noexcept;

}  // namespace posthaste::dataplane
