// SPDX-License-Identifier: BSD-3-Clause
// heartbeat: renews the sender's lease, notes the load it tells, and turns the frame into its
// acknowledgement. Lcore.
#pragma once

#include <span>

#include "dataplane/burst.h"
#include "dataplane/tx_backlog.h"
#include "routing/fib.h"

namespace posthaste::dataplane {

// Heartbeats leave as finished (or tx_full: the lease is renewed all the same). Needs
// source_check(). `tx` is by port index.
void heartbeat(Burst& burst, routing::Fib& fib, std::span<TxBacklog> tx) noexcept;

}  // namespace posthaste::dataplane
