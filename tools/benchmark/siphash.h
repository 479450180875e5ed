// SPDX-License-Identifier: BSD-3-Clause
// SipHash (Aumasson, Bernstein, 2012): what general hash tables use against strangers' keys, so
// the benchmarks have it as a rival. Inline, so that a fixed length costs no loop. Any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "routing/agent_id.h"

namespace posthaste::tools {

struct SipKey {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};

namespace sip {

struct State {
    std::uint64_t v0, v1, v2, v3;

    constexpr void rounds(int count) noexcept {
        for (int i = 0; i < count; ++i) {
            v0 += v1;
            v2 += v3;
            v1 = std::rotl(v1, 13) ^ v0;
            v3 = std::rotl(v3, 16) ^ v2;
            v0 = std::rotl(v0, 32);
            v2 += v1;
            v0 += v3;
            v1 = std::rotl(v1, 17) ^ v2;
            v3 = std::rotl(v3, 21) ^ v0;
            v2 = std::rotl(v2, 32);
        }
    }
};

}  // namespace sip

// SipHash-kCompress-kFinish with a 64-bit result, for little-endian machines.
template <int kCompress, int kFinish>
[[nodiscard]] inline std::uint64_t siphash(const SipKey& key,
                                           std::span<const std::uint8_t> bytes) noexcept {
    sip::State state{key.low ^ 0x736f6d6570736575ULL,
                     key.high ^ 0x646f72616e646f6dULL,
                     key.low ^ 0x6c7967656e657261ULL,
                     key.high ^ 0x7465646279746573ULL};
    const auto take = [&state](std::uint64_t word) {
        state.v3 ^= word;
        state.rounds(kCompress);
        state.v0 ^= word;
    };
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word;
        std::memcpy(&word, &bytes[at], sizeof word);
        take(word);
    }
    std::uint64_t last = std::uint64_t{bytes.size()} << 56;
    for (unsigned shift = 0; at < bytes.size(); ++at, shift += 8) {
        last |= std::uint64_t{bytes[at]} << shift;
    }
    take(last);
    state.v2 ^= 0xff;
    state.rounds(kFinish);
    return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

// The one in use: what Rust's tables hash with, and so DashMap.
[[nodiscard]] inline std::uint64_t siphash_1_3(const SipKey& key,
                                               const routing::AgentId& id) noexcept {
    return siphash<1, 3>(key, std::span<const std::uint8_t, 16>(id.bytes));
}

}  // namespace posthaste::tools
