// SPDX-License-Identifier: BSD-3-Clause
// What is asked for providers of capabilities.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/name_check.h"
#include "dataplane/world.h"
#include "routing/conversations.h"
#include "routing/fib.h"
#include "routing/provider_sets.h"

namespace posthaste::dataplane {

// All but the counters and what belongs to the lcore (conversations, names) is read only.
struct CapabilityTables {
    const World& world;
    const routing::Fib& fib;
    const routing::ProviderSets& sets;
    routing::Conversations& conversations;
    NameCheck& names;
    CapabilityCounters& counters;
};

}  // namespace posthaste::dataplane
