// SPDX-License-Identifier: BSD-3-Clause
// A message gets another destination on its way: a capability. In place; any lcore.
#pragma once

#include <cstdint>
#include <span>

#include "routing/agent_id.h"
#include "routing/frame.h"

namespace posthaste::routing {

// The destination becomes the capability of that id, addressing any, strategy sticky. A capability
// name in the header, of what was the destination, becomes a TLV that nobody reads. The UDP
// checksum is updated (RFC 1624): a wrong one stays wrong, an absent one absent. `first` is the
// first segment, with all headers.
void redirect_to_capability(std::span<std::uint8_t> first,
                            const FrameView& view,
                            const AgentId& id) noexcept;

}  // namespace posthaste::routing
