// SPDX-License-Identifier: BSD-3-Clause
// Nonces for AES-GCM: a counter of 96 bits from a random start, so none comes twice from one seed.
//
// GCM needs them to differ, not to be a secret. Two processes that seal 2^32 things each under one
// key meet with a chance of 2^-63 if their seeds are random: their starts are within 2^33 of each
// other, or their 64-bit seeds are equal. Random nonces would meet with 2^-32. The seed must be
// drawn anew at every start.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gossip/seal/keyring.h"
#include "routing/mix.h"

namespace posthaste::gossip::membership {

class Nonces {
  public:
    explicit Nonces(std::uint64_t seed) noexcept {
        constexpr std::uint64_t kPurpose = 0x6e6f'6e63'6573'3936;
        high_ = static_cast<std::uint32_t>(routing::mix(seed ^ kPurpose));
        low_ = routing::mix((seed ^ kPurpose) + routing::kMixStep);
    }

    [[nodiscard]] seal::Nonce next() noexcept {
        if (++low_ == 0) {
            ++high_;
        }
        seal::Nonce nonce{};
        for (std::size_t i = 0; i < 4; ++i) {
            nonce[i] = static_cast<std::uint8_t>(high_ >> (24 - 8 * i));
        }
        for (std::size_t i = 0; i < 8; ++i) {
            nonce[4 + i] = static_cast<std::uint8_t>(low_ >> (56 - 8 * i));
        }
        return nonce;
    }

  private:
    std::uint32_t high_ = 0;
    std::uint64_t low_ = 0;
};

}  // namespace posthaste::gossip::membership
