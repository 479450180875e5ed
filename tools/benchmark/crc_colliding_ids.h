// SPDX-License-Identifier: BSD-3-Clause
// Ids that anybody can make to flood a table hashed by CRC: all have one CRC-32C under every seed.
// CRC is affine, so ids whose differences have the CRC zero collide, whatever the seed; these
// differences are found by Gaussian elimination. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::tools {

// Distinct ids of the form of UUID version 4; below 2^32 of them.
[[nodiscard]] std::vector<routing::AgentId> crc_colliding_ids(std::size_t count,
                                                              std::uint64_t seed);

}  // namespace posthaste::tools
