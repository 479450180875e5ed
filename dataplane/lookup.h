// SPDX-License-Identifier: BSD-3-Clause
// lookup: the routes of a burst's destinations and, on edge ports, of its senders. Lcore.
#pragma once

#include "dataplane/burst.h"
#include "dataplane/world.h"
#include "routing/fib.h"

namespace posthaste::dataplane {

// Writes target (messages to an agent) and sender (heartbeats; messages where the port checks
// sources) of live lanes; null where the Fib knows none. The entries stay valid until the worker's
// next quiescent state.
void lookup(Burst& burst, const PortView& port, const routing::Fib& fib) noexcept;

}  // namespace posthaste::dataplane
