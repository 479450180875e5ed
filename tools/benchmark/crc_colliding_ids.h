// SPDX-License-Identifier: BSD-3-Clause
// Ids that anybody can make to flood a table hashed by CRC: all have one CRC-32C under every seed.
// CRC is affine, so ids whose differences have the CRC zero collide, whatever the seed; these
// differences are found by Gaussian elimination. Pure.
#pragma once

#include <rte_hash_crc.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "routing/agent_id.h"

namespace posthaste::tools {

// Distinct ids of the form of UUID version 4; below 2^32 of them.
[[nodiscard]] std::vector<routing::AgentId> crc_colliding_ids(std::size_t count,
                                                              std::uint64_t seed);

// rte_hash_crc() as a table of rte_hash takes it; that wants aligned words.
[[nodiscard]] inline std::uint32_t crc_of(const routing::AgentId& id, std::uint32_t seed) noexcept {
    std::uint64_t words[2];
    std::memcpy(words, id.bytes.data(), sizeof words);
    return rte_hash_crc(words, sizeof words, seed);
}

}  // namespace posthaste::tools
