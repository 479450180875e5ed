// SPDX-License-Identifier: BSD-3-Clause
// ProvidersHere: who answers when another router asks for a capability. Control thread only.
#pragma once

#include <cstddef>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::controlplane {

class ProvidersHere {
  public:
    virtual ~ProvidersHere() = default;
    // At most `count` running agents attached here that have the capability of that key
    // (routing/capability_name.h): as lcores find them, so by pattern only if a frame with the
    // name was here lately. O(count).
    [[nodiscard]] virtual std::vector<routing::AgentId> providers_here(const routing::AgentId& key,
                                                                       std::size_t count) const = 0;
};

}  // namespace posthaste::controlplane
