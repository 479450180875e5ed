// SPDX-License-Identifier: BSD-3-Clause
// Stage: ids become Fib entries, for the whole burst at once.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/punt.h"
#include "dataplane/world.h"
#include "routing/resolver.h"

namespace posthaste::dataplane {

// Sets burst.target (of messages; for those in to_capability, which it sets too, the capability's
// entry) and burst.sender (heartbeats, and messages on ports that check sources); null: unknown.
// Destinations nobody knows go to `wanted`, as far as there is room, for the control thread to ask
// around.
void lookup(Burst& burst,
            const PortView& port,
            routing::Resolver& resolver,
            SpscRing<routing::AgentId>& wanted) noexcept;

}  // namespace posthaste::dataplane
