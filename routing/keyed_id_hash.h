// SPDX-License-Identifier: BSD-3-Clause
// KeyedIdHash: for containers of agent ids, which strangers choose. Its key is secret.
#pragma once

#include <cstddef>

#include "routing/agent_id.h"
#include "routing/key_hash.h"

namespace posthaste::routing {

struct KeyedIdHash {
    KeyHash hash;

    [[nodiscard]] std::size_t operator()(const AgentId& id) const noexcept { return hash.hash(id); }
};

}  // namespace posthaste::routing
