// SPDX-License-Identifier: BSD-3-Clause
// Ids of agents by number: valid UUIDs that differ in their last four bytes, where the number is.
#pragma once

#include <cstdint>
#include <cstring>

#include "routing/agent_id.h"

namespace posthaste::support {

[[nodiscard]] inline routing::AgentId numbered_id(std::uint32_t number) {
    routing::AgentId id = *routing::AgentId::from_text("10000000-0000-4000-8000-000000000000");
    std::memcpy(id.bytes.data() + 12, &number, sizeof number);
    return id;
}

}  // namespace posthaste::support
