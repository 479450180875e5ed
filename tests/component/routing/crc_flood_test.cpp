// SPDX-License-Identifier: BSD-3-Clause
// Strangers who choose their ids so that CRC collides: what it does to a table hashed by CRC, and
// that it does nothing to ours.
#include <gtest/gtest.h>
#include <rte_hash.h>

#include <algorithm>
#include <memory>
#include <random>

#include "routing/fib.h"
#include "tests/support/hash_key.h"
#include "tools/benchmark/crc_colliding_ids.h"

using posthaste::routing::AgentId;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::Grace;
using posthaste::routing::KeyHash;
using posthaste::support::hash_key;
using posthaste::tools::crc_colliding_ids;

namespace {

constexpr std::uint32_t kIds = 10'000;

using Table = std::unique_ptr<rte_hash, decltype(&rte_hash_free)>;

// As a user gets it: the hash function is left to rte_hash, which takes CRC here.
Table table_by_crc(std::uint32_t entries, std::uint32_t seed) {
    rte_hash_parameters parameters = {};
    parameters.name = "by crc";
    parameters.entries = entries;
    parameters.key_len = sizeof(AgentId);
    parameters.hash_func_init_val = seed;
    parameters.socket_id = SOCKET_ID_ANY;
    return {rte_hash_create(&parameters), rte_hash_free};
}

std::vector<AgentId> random_ids(std::size_t count) {
    std::mt19937 random(1);
    std::vector<AgentId> ids(count);
    for (AgentId& id : ids) {
        std::generate(id.bytes.begin(), id.bytes.end(), [&random] {
            return static_cast<std::uint8_t>(random());
        });
    }
    return ids;
}

std::size_t accepted(rte_hash* table, const std::vector<AgentId>& ids) {
    return static_cast<std::size_t>(std::count_if(ids.begin(), ids.end(), [table](const auto& id) {
        return rte_hash_add_key(table, &id) >= 0;
    }));
}

// How many of them the fullest of `1 << bits` buckets holds, by the low bits of the hash.
std::uint32_t fullest_bucket(const std::vector<AgentId>& ids, const KeyHash& hash, unsigned bits) {
    std::vector<std::uint32_t> buckets(std::size_t{1} << bits);
    for (const AgentId& id : ids) {
        ++buckets[hash.hash(id) & (buckets.size() - 1)];
    }
    return *std::max_element(buckets.begin(), buckets.end());
}

}  // namespace

TEST(crc_flood, a_half_empty_table_hashed_by_crc_refuses_the_seventeenth_such_id) {
    for (const std::uint32_t seed : {0U, 0x12345678U, 0xffffffffU}) {
        const Table table = table_by_crc(32'768, seed);
        ASSERT_NE(table, nullptr);
        EXPECT_EQ(accepted(table.get(), random_ids(16'384)), 16'384U);
        // Two buckets of eight places, and nowhere else to go.
        EXPECT_LE(accepted(table.get(), crc_colliding_ids(kIds, seed)), 16U);
        EXPECT_LT(rte_hash_count(table.get()), 16'384 + 17);
    }
}

TEST(crc_flood, our_table_takes_and_finds_all_of_them) {
    Grace grace(1);
    const auto ids = crc_colliding_ids(kIds, 1);
    for (std::uint64_t key = 0; key < 3; ++key) {
        const auto made =
            Fib::create({.name = "flood", .capacity = kIds, .key = hash_key(key)}, grace);
        ASSERT_TRUE(made.has_value()) << made.error();
        Fib& fib = **made;
        for (std::uint32_t i = 0; i < kIds; ++i) {
            FibEntry entry;
            entry.agent = ids[i];
            entry.version = i;
            ASSERT_TRUE(fib.set(entry, 0)) << i;
        }
        EXPECT_EQ(fib.count(), kIds);
        for (std::uint32_t i = 0; i < kIds; ++i) {
            const AgentId* const asked[] = {&ids[i]};
            const FibEntry* found[1];
            fib.lookup(asked, found);
            ASSERT_NE(found[0], nullptr);
            ASSERT_EQ(found[0]->version, i);
        }
    }
}

// A lookup costs what its buckets hold; so this, and not a clock, says that it costs no more.
TEST(crc_flood, their_buckets_are_no_fuller_than_those_of_random_ids) {
    const auto flood = crc_colliding_ids(kIds, 1);
    const auto random = random_ids(kIds);
    for (std::uint64_t key = 0; key < 20; ++key) {
        const KeyHash hash(hash_key(key));
        // Five a bucket on average; of 2048 Poisson buckets hardly one holds more than 20.
        EXPECT_LE(fullest_bucket(flood, hash, 11), 20U);
        EXPECT_LE(fullest_bucket(random, hash, 11), 20U);
    }
}
