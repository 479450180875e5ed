// SPDX-License-Identifier: BSD-3-Clause
// KeyHash as a random function, over ids with structure. All seeds are fixed: a test that passes
// once passes always, and the bounds (five deviations or more) leave a good hash no reason to fail.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "routing/key_hash.h"
#include "tests/support/hash_key.h"

using posthaste::routing::AgentId;
using posthaste::routing::KeyHash;
using posthaste::support::hash_key;

namespace {

using Ids = std::vector<AgentId>;
using Hashes = std::vector<std::uint64_t>;

constexpr std::size_t kIds = std::size_t{1} << 18;

void put(AgentId& id, std::size_t at, std::uint32_t number) {
    for (std::size_t byte = 0; byte < 4; ++byte) {
        id.bytes[at + byte] = static_cast<std::uint8_t>(number >> (24 - 8 * byte));
    }
}

void mark(AgentId& id, unsigned version) {
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | version << 4);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
}

// The last four bytes count, as somebody writes them who numbers his agents.
Ids counted() {
    Ids ids(kIds);
    for (std::uint32_t i = 0; i < kIds; ++i) {
        put(ids[i], 12, i);
        mark(ids[i], 4);
    }
    return ids;
}

// Version 1: a clock in steps of ten thousand in the first bytes, one machine in the last.
Ids timed() {
    Ids ids(kIds);
    for (std::uint32_t i = 0; i < kIds; ++i) {
        put(ids[i], 0, i * 10'000);
        put(ids[i], 4, 0x9c1e11ef);
        put(ids[i], 8, 0x2a5b0242);
        put(ids[i], 12, 0xac120002);
        mark(ids[i], 1);
    }
    return ids;
}

Ids drawn(unsigned version) {
    std::mt19937 random(version);
    Ids ids(kIds);
    for (AgentId& id : ids) {
        for (const std::size_t at : {0U, 4U, 8U, 12U}) {
            put(id, at, static_cast<std::uint32_t>(random()));
        }
        mark(id, version);
    }
    return ids;
}

// Every id that differs from one in three bits or two, until there are enough.
Ids near_one() {
    Ids ids;
    const auto flip = [](AgentId& id, unsigned bit) {
        id.bytes[bit / 8] = static_cast<std::uint8_t>(id.bytes[bit / 8] ^ (1U << bit % 8));
    };
    const AgentId one = *AgentId::from_text("6ba7b810-9dad-41d1-80b4-00c04fd430c8");
    for (unsigned a = 0; a < 128; ++a) {
        for (unsigned b = 0; b < a; ++b) {
            for (unsigned c = 0; c <= b && ids.size() < kIds; ++c) {
                AgentId id = one;
                flip(id, a);
                flip(id, b);
                if (c < b) {
                    flip(id, c);
                }
                ids.push_back(id);
            }
        }
    }
    return ids;
}

const std::vector<std::pair<std::string, Ids>>& families() {
    static const std::vector<std::pair<std::string, Ids>> all = {{"counted", counted()},
                                                                 {"timed", timed()},
                                                                 {"version 4", drawn(4)},
                                                                 {"version 5", drawn(5)},
                                                                 {"near one", near_one()}};
    return all;
}

Hashes hashes_of(const Ids& ids, const KeyHash& hash) {
    Hashes hashes(ids.size());
    hash.hash_bulk(ids, hashes.data());
    return hashes;
}

// In deviations from what balls thrown at random give; the statistic is near a normal one, since
// there are thousands of buckets.
double unevenness(const Hashes& hashes, unsigned shift, unsigned bits) {
    std::vector<std::uint32_t> buckets(std::size_t{1} << bits);
    for (const std::uint64_t hash : hashes) {
        ++buckets[(hash >> shift) & (buckets.size() - 1)];
    }
    const double expected =
        static_cast<double>(hashes.size()) / static_cast<double>(buckets.size());
    double chi_square = 0;
    for (const std::uint32_t count : buckets) {
        chi_square += (count - expected) * (count - expected) / expected;
    }
    const double freedom = static_cast<double>(buckets.size() - 1);
    return (chi_square - freedom) / std::sqrt(2 * freedom);
}

// Pairs that agree in `bits` bits from `shift` on.
std::size_t colliding_pairs(const Hashes& hashes, unsigned shift, unsigned bits) {
    Hashes parts;
    for (const std::uint64_t hash : hashes) {
        parts.push_back((hash >> shift) & ((std::uint64_t{1} << bits) - 1));
    }
    std::sort(parts.begin(), parts.end());
    std::size_t pairs = 0;
    std::size_t alike = 0;
    for (std::size_t i = 1; i < parts.size(); ++i) {
        alike = parts[i] == parts[i - 1] ? alike + 1 : 0;
        pairs += alike;
    }
    return pairs;
}

double ideal_pairs(std::size_t items, unsigned bits) {
    const double n = static_cast<double>(items);
    return n * (n - 1) / 2 / std::exp2(bits);
}

}  // namespace

TEST(key_hash_statistics, one_flipped_bit_flips_half_of_the_hash) {
    constexpr int kRounds = 1024;
    std::mt19937 random(3);
    std::vector<std::uint32_t> flips(128 * 64);
    for (int round = 0; round < kRounds; ++round) {
        const KeyHash hash(hash_key(static_cast<std::uint64_t>(round)));
        AgentId id;  // half of the time random, else the barest there is
        for (std::uint8_t& byte : id.bytes) {
            byte = round % 2 == 0 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0};
        }
        const std::uint64_t before = hash.hash(id);
        for (unsigned in = 0; in < 128; ++in) {
            AgentId other = id;
            other.bytes[in / 8] = static_cast<std::uint8_t>(other.bytes[in / 8] ^ (1U << in % 8));
            const std::uint64_t changed = before ^ hash.hash(other);
            for (unsigned out = 0; out < 64; ++out) {
                flips[in * 64 + out] += (changed >> out) & 1;
            }
        }
    }
    // Binomial with p = 1/2: its deviation is 16, and 8192 cells reach 4.3 of them now and then.
    for (const std::uint32_t count : flips) {
        EXPECT_NEAR(count, kRounds / 2, 6 * 16);
    }
}

TEST(key_hash_statistics, any_bits_fill_buckets_evenly) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        const KeyHash hash(hash_key(seed));
        for (const auto& [name, ids] : families()) {
            const Hashes hashes = hashes_of(ids, hash);
            for (const unsigned shift : {0U, 16U, 26U, 32U, 52U}) {
                // Too even is as wrong as too uneven.
                EXPECT_LT(std::abs(unevenness(hashes, shift, 12)), 5) << name << ' ' << shift;
            }
        }
    }
}

TEST(key_hash_statistics, ids_collide_as_often_as_random_numbers) {
    constexpr unsigned kKeys = 4;
    for (const auto& [name, ids] : families()) {
        ASSERT_EQ(ids.size(), kIds) << name;
        for (const auto& [shift, bits] : std::vector<std::pair<unsigned, unsigned>>{
                 {0, 32}, {32, 32}, {0, 24}, {20, 24}, {40, 24}}) {
            std::size_t pairs = 0;
            for (std::uint64_t seed = 0; seed < kKeys; ++seed) {
                pairs += colliding_pairs(hashes_of(ids, KeyHash(hash_key(seed))), shift, bits);
            }
            // Poisson: 32 at 32 bits, 8192 at 24.
            const double expected = kKeys * ideal_pairs(kIds, bits);
            EXPECT_NEAR(static_cast<double>(pairs), expected, 5 * std::sqrt(expected))
                << name << ": " << bits << " bits from " << shift;
        }
    }
}

// What rekeying is worth: pairs found to collide are, under the next key, pairs like any other.
TEST(key_hash_statistics, pairs_that_collide_under_one_key_do_not_under_the_next) {
    constexpr std::uint64_t kMask = (1U << 24) - 1;
    for (const auto& [name, ids] : families()) {
        const Hashes first = hashes_of(ids, KeyHash(hash_key(100)));
        std::vector<std::pair<std::uint64_t, std::size_t>> order;
        for (std::size_t i = 0; i < first.size(); ++i) {
            order.emplace_back(first[i] & kMask, i);
        }
        std::sort(order.begin(), order.end());
        const Hashes second = hashes_of(ids, KeyHash(hash_key(101)));
        std::size_t pairs = 0;
        std::size_t again = 0;
        std::size_t again_in_four_bits = 0;
        for (std::size_t i = 1; i < order.size(); ++i) {
            if (order[i].first != order[i - 1].first) {
                continue;
            }
            const std::uint64_t other = second[order[i].second] ^ second[order[i - 1].second];
            ++pairs;
            again += (other & kMask) == 0 ? 1 : 0;
            again_in_four_bits += (other & 15) == 0 ? 1 : 0;
        }
        ASSERT_GT(pairs, 1'500U) << name;  // 2030 expected
        EXPECT_EQ(again, 0U) << name;      // 0.0001
        const double sixteenth = static_cast<double>(pairs) / 16;
        EXPECT_NEAR(static_cast<double>(again_in_four_bits), sixteenth, 5 * std::sqrt(sixteenth))
            << name;
    }
}

// A flood: thousands of ids that fell into one bucket of 64 spread again under the next key.
TEST(key_hash_statistics, ids_of_one_bucket_spread_under_the_next_key) {
    for (const auto& [name, ids] : families()) {
        const Hashes first = hashes_of(ids, KeyHash(hash_key(200)));
        Ids flood;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (first[i] % 64 == 7) {
                flood.push_back(ids[i]);
            }
        }
        ASSERT_GT(flood.size(), kIds / 64 / 2) << name;
        const Hashes second = hashes_of(flood, KeyHash(hash_key(201)));
        EXPECT_LT(std::abs(unevenness(second, 0, 8)), 5) << name;
        EXPECT_LT(std::abs(unevenness(second, 56, 8)), 5) << name;
    }
}
