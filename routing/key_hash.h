// SPDX-License-Identifier: BSD-3-Clause
// KeyHash: the keyed 64-bit hash of agent ids, for tables whose keys strangers choose.
//
// NH (Black et al., UMAC, CRYPTO 1999) twice over the four 32-bit words of the id, with a key
// each, then a multiply-xorshift finaliser. The key comes from getrandom(); CRC would not do,
// since ids that collide under one CRC seed collide under every seed. Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "routing/agent_id.h"

namespace posthaste::routing {

class KeyHash {
  public:
    struct Key {
        std::array<std::uint32_t, 8> nh{};
        std::uint64_t finalise = 0;
    };

    explicit KeyHash(const Key& key) noexcept;
    [[nodiscard]] static Key random_key();  // getrandom(); aborts if the kernel refuses

    [[nodiscard]] std::uint64_t hash(const AgentId& id) const noexcept;
    // out[i] = hash(*ids[i]) for any number of ids; AVX2, 8 ids a step where the CPU has it, else
    // scalar. Bit-identical.
    void hash_bulk(std::span<const AgentId* const> ids, std::uint64_t* out) const noexcept;
    // The two behind hash_bulk, for tests and benchmarks. The second needs has_avx2().
    void hash_bulk_scalar(std::span<const AgentId* const> ids, std::uint64_t* out) const noexcept;
    void hash_bulk_avx2(std::span<const AgentId* const> ids, std::uint64_t* out) const noexcept;
    [[nodiscard]] static bool has_avx2() noexcept;

  private:
    Key key_;
    bool avx2_;
};

}  // namespace posthaste::routing
