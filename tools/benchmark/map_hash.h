// SPDX-License-Identifier: BSD-3-Clause
// How the maps among the contenders hash an id. Pure.
#pragma once

#include <absl/hash/hash.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "routing/agent_id.h"
#include "tools/benchmark/siphash.h"

namespace posthaste::tools {

// A good unkeyed hash at the price of one multiplication: both halves, their product folded.
struct MixHash {
    [[nodiscard]] std::size_t operator()(const routing::AgentId& id) const noexcept {
        std::uint64_t half[2];
        std::memcpy(half, id.bytes.data(), sizeof half);
        const auto product = static_cast<unsigned __int128>(half[0] ^ 0xa0761d6478bd642fULL) *
                             (half[1] ^ 0xe7037ed1a0b428dbULL);
        return static_cast<std::size_t>(product) ^ static_cast<std::size_t>(product >> 64);
    }
};

// What absl::Hash does with two integers.
struct AbslIdHash {
    [[nodiscard]] std::size_t operator()(const routing::AgentId& id) const noexcept {
        std::pair<std::uint64_t, std::uint64_t> halves;
        std::memcpy(&halves.first, id.bytes.data(), sizeof halves.first);
        std::memcpy(&halves.second, &id.bytes[8], sizeof halves.second);
        return absl::Hash<std::pair<std::uint64_t, std::uint64_t>>{}(halves);
    }
};

// An id whose hash is known already: what a map is asked by, so that it is hashed once.
struct HashedId {
    std::uint64_t hash;
    const routing::AgentId& id;
};

// Not noexcept: libstdc++ then keeps the hash beside the key, which suits one that costs so much.
struct SipIdHash {
    using is_transparent = void;

    [[nodiscard]] std::size_t operator()(const routing::AgentId& id) const {
        return siphash_1_3({0x5851f42d4c957f2dULL, 0x14057b7ef767814fULL}, id);
    }

    [[nodiscard]] std::size_t operator()(const HashedId& hashed) const { return hashed.hash; }
};

struct IdEqual {
    using is_transparent = void;

    [[nodiscard]] bool operator()(const routing::AgentId& a,
                                  const routing::AgentId& b) const noexcept {
        return a == b;
    }

    [[nodiscard]] bool operator()(const HashedId& a, const routing::AgentId& b) const noexcept {
        return a.id == b;
    }

    [[nodiscard]] bool operator()(const routing::AgentId& a, const HashedId& b) const noexcept {
        return a == b.id;
    }
};

}  // namespace posthaste::tools
