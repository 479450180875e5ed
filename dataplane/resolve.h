// SPDX-License-Identifier: BSD-3-Clause
// resolve: where each message goes next, and whether there is a way. Lcore.
#pragma once

#include <span>

#include "dataplane/burst.h"
#include "dataplane/tx_backlog.h"
#include "dataplane/world.h"
#include "routing/lookup_counters.h"
#include "routing/router_mask.h"

namespace posthaste::dataplane {

// Writes egress, adjacency and flags of live lanes and reserves their slots in `tx` (by port
// index). Lanes whose next hop has no MAC yet leave as punted, class hold. Needs lookup(), and
// heartbeats to be gone. A route whose time is over, or whose router is out, is as good as none.
// What kind of route they were goes to `counters`. Relayed lanes to nobody here become `misrouted`.
void resolve(Burst& burst,
             const World& world,
             const routing::RouterMask& routers,
             routing::LookupCounters& counters,
             std::span<TxBacklog> tx) noexcept;

}  // namespace posthaste::dataplane
