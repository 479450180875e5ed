// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/crc_colliding_ids.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "routing/key_hash.h"
#include "tests/support/hash_key.h"

using posthaste::routing::AgentId;
using posthaste::routing::KeyHash;
using posthaste::support::hash_key;
using posthaste::tools::crc_colliding_ids;
using posthaste::tools::crc_of;

namespace {

constexpr std::size_t kIds = 10'000;

std::set<std::uint32_t> low_halves(const std::vector<AgentId>& ids, std::uint64_t key) {
    std::vector<std::uint64_t> hashes(ids.size());
    KeyHash(hash_key(key)).hash_bulk(ids, hashes.data());
    std::set<std::uint32_t> low;
    for (const std::uint64_t hash : hashes) {
        low.insert(static_cast<std::uint32_t>(hash));
    }
    return low;
}

}  // namespace

TEST(crc_colliding_ids, have_one_crc_under_every_seed) {
    const auto ids = crc_colliding_ids(kIds, 1);
    ASSERT_EQ(ids.size(), kIds);
    std::mt19937 random(1);
    for (int i = 0; i < 50; ++i) {
        const auto seed = static_cast<std::uint32_t>(i == 0 ? 0 : random());
        const std::uint32_t crc = crc_of(ids[0], seed);
        for (const AgentId& id : ids) {
            ASSERT_EQ(crc_of(id, seed), crc);
        }
    }
}

TEST(crc_colliding_ids, are_distinct_and_look_like_any_random_uuid) {
    const auto ids = crc_colliding_ids(kIds, 1);
    EXPECT_EQ(std::set<AgentId>(ids.begin(), ids.end()).size(), kIds);
    std::vector<std::size_t> ones(128);
    for (const AgentId& id : ids) {
        EXPECT_EQ(id.bytes[6] >> 4, 4);
        EXPECT_EQ(id.bytes[8] >> 6, 2);
        for (unsigned bit = 0; bit < 128; ++bit) {
            ones[bit] += id.bytes[bit / 8] >> (bit % 8) & 1;
        }
    }
    // Each bit is set in about half of them, except the six that are fixed.
    unsigned even = 0;
    for (const std::size_t count : ones) {
        even += count > kIds * 45 / 100 && count < kIds * 55 / 100 ? 1 : 0;
    }
    EXPECT_GE(even, 100U);
}

TEST(crc_colliding_ids, another_seed_gives_others) {
    const auto ids = crc_colliding_ids(kIds, 1);
    std::set<AgentId> all(ids.begin(), ids.end());
    for (const AgentId& id : crc_colliding_ids(kIds, 2)) {
        EXPECT_TRUE(all.insert(id).second);
    }
}

TEST(crc_colliding_ids, collide_under_the_keyed_hash_as_rarely_as_others) {
    // n^2 / 2^33 = 0.012 pairs expected among the 32 bits that rte_hash takes.
    const auto ids = crc_colliding_ids(kIds, 1);
    for (std::uint64_t key = 0; key < 20; ++key) {
        EXPECT_GE(low_halves(ids, key).size(), kIds - 1);
    }
}
