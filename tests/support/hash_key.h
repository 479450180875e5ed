// SPDX-License-Identifier: BSD-3-Clause
// Keys for KeyHash that are the same in every run.
#pragma once

#include <cstdint>
#include <random>

#include "routing/key_hash.h"

namespace posthaste::support {

[[nodiscard]] inline routing::KeyHash::Key hash_key(std::uint64_t seed) {
    std::mt19937_64 random(seed);
    routing::KeyHash::Key key;
    for (std::uint64_t& word : key.words) {
        word = random();
    }
    return key;
}

}  // namespace posthaste::support
