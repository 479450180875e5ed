// SPDX-License-Identifier: BSD-3-Clause
// KeyHash: the keyed 64-bit hash of agent ids, for tables whose keys strangers choose.
//
// The id goes through four rounds of AES, each with a secret round key of its own from getrandom();
// the first half of the result is the hash. CRC would not do: ids that collide under one CRC seed
// collide under every seed.
//
// Claimed: two ids, chosen without knowledge of the key, agree in all 64 bits for at most 2^-49 of
// the keys, since four rounds with independent keys have no differential likelier than 2^-113
// (Keliher and Sui, 2007). Measured, not proven: any fewer bits collide and spread like those of
// random numbers, anew under every key. Not claimed: that it is a MAC, or that its key is safe
// from somebody who sees hashes; so they never leave the process. The scalar variant, for a CPU
// without AES, reads a table at places that depend on key and id. Immutable; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "routing/agent_id.h"

namespace posthaste::routing {

class KeyHash {
  public:
    static constexpr std::size_t kRounds = 4;

    // One AES state to begin with and one a round, two words each, all secret and independent.
    struct Key {
        std::array<std::uint64_t, 2 * (kRounds + 1)> words{};
    };

    // How it is computed; the result is the same. Later ones are faster: aes has the CPU's AES
    // instruction, vaes the one on two ids (and AVX2).
    enum class Variant : std::uint8_t { scalar, aes, vaes };

    // With the fastest variant this CPU has; or with the one given, which it must have.
    explicit KeyHash(const Key& key) noexcept;
    KeyHash(const Key& key, Variant variant) noexcept;
    [[nodiscard]] static Key random_key();  // getrandom(); aborts if the kernel refuses
    [[nodiscard]] static bool has(Variant variant) noexcept;

    [[nodiscard]] std::uint64_t hash(const AgentId& id) const noexcept;
    // out[i] = hash(*ids[i]), or hash(ids[i]), for any number of ids.
    void hash_bulk(std::span<const AgentId* const> ids, std::uint64_t* out) const noexcept;
    void hash_bulk(std::span<const AgentId> ids, std::uint64_t* out) const noexcept;

  private:
    Key key_;
    Variant variant_;
};

}  // namespace posthaste::routing
