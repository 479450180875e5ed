// SPDX-License-Identifier: BSD-3-Clause
// What a peer compressed: LZW with codes of 9 to 12 bits, the lowest bit first, 256 to begin anew
// and 257 at the end. Only read; nothing is ever sent compressed.
// Source: T. Welch, "A Technique for High-Performance Data Compression", 1984; the variant is that
// of GIF with eight bits a literal.
#pragma once

#include <cstdint>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "gossip/membership/message.h"

namespace posthaste::gossip::membership {

// Never allocates for more than `plain_max` bytes: beyond, it is a decompression bomb. What is
// behind the end is not looked at.
[[nodiscard]] tl::expected<std::vector<std::uint8_t>, Refusal> decompress(
    std::span<const std::uint8_t> packed, std::size_t plain_max);

}  // namespace posthaste::gossip::membership
