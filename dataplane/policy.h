// SPDX-License-Identifier: BSD-3-Clause
// policy: what is in a message decides what becomes of it. Lcore.
#pragma once

#include <span>

#include "dataplane/burst.h"
#include "dataplane/counters.h"
#include "dataplane/tx_backlog.h"
#include "dataplane/world.h"
#include "routing/resolver.h"

namespace posthaste::dataplane {

struct PolicyTables {
    const World& world;
    unsigned worker;  // whose counters and scratch memory of the PolicySet are used
    WorkerCounters& counters;
    std::span<TxBacklog> tx;  // by port
};

// Where the box has no policies, both do nothing.
//
// Of received messages (not of resubmitted ones, which were looked at before). Needs lookup(): a
// redirected message gets a new destination and, by `resolver`, a new target.
void policy_in(Burst& burst, const PolicyTables& tables, routing::Resolver& resolver) noexcept;

// Of messages that resolve() found an egress for.
void policy_out(Burst& burst, const PolicyTables& tables) noexcept;

}  // namespace posthaste::dataplane
