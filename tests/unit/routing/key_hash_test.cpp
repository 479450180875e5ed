// SPDX-License-Identifier: BSD-3-Clause
#include "routing/key_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <vector>

using posthaste::routing::AgentId;
using posthaste::routing::KeyHash;

namespace {

AgentId random_id(std::mt19937_64& random) {
    AgentId id;
    for (std::size_t at = 0; at < id.bytes.size(); at += 8) {
        const std::uint64_t word = random();
        std::memcpy(id.bytes.data() + at, &word, sizeof word);
    }
    return id;
}

KeyHash::Key random_key(std::mt19937_64& random) {
    KeyHash::Key key;
    for (auto& word : key.nh) {
        word = static_cast<std::uint32_t>(random());
    }
    key.finalise = random();
    return key;
}

AgentId counted_id(std::uint32_t number) {
    AgentId id = *AgentId::from_text("00000000-0000-4000-8000-000000000000");
    for (unsigned byte = 0; byte < 4; ++byte) {
        id.bytes[15 - byte] = static_cast<std::uint8_t>(number >> (8 * byte));
    }
    return id;
}

std::vector<const AgentId*> pointers(const std::vector<AgentId>& ids) {
    std::vector<const AgentId*> all;
    for (const AgentId& id : ids) {
        all.push_back(&id);
    }
    return all;
}

// Bitwise CRC-32C as rte_hash_crc computes it: `seed` is the initial state, nothing is inverted.
std::uint32_t crc32c(const AgentId& id, std::uint32_t seed) {
    std::uint32_t crc = seed;
    for (const std::uint8_t byte : id.bytes) {
        crc ^= byte;
        for (int bit = 0; bit < 8; ++bit) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
        }
    }
    return crc;
}

// Ids with one CRC: the first 12 bytes are free, the last 4 follow. CRC is affine, so the last
// four bytes that lead to a given value are the solution of a linear system; here it is solved by
// running the register backwards.
AgentId id_with_crc(AgentId id, std::uint32_t target, std::uint32_t seed) {
    std::uint32_t forward = seed;
    for (std::size_t at = 0; at < 12; ++at) {
        forward ^= id.bytes[at];
        for (int bit = 0; bit < 8; ++bit) {
            forward = (forward >> 1) ^ ((forward & 1) != 0 ? 0x82f63b78U : 0U);
        }
    }
    std::uint32_t backward = target;
    for (int bit = 0; bit < 32; ++bit) {
        const bool odd = (backward & 0x80000000U) != 0;
        backward = odd ? ((backward ^ 0x82f63b78U) << 1) | 1U : backward << 1;
    }
    const std::uint32_t last = forward ^ backward;
    for (unsigned byte = 0; byte < 4; ++byte) {
        id.bytes[12 + byte] = static_cast<std::uint8_t>(last >> (8 * byte));
    }
    return id;
}

double chi_square(const std::vector<std::uint32_t>& buckets, std::size_t items) {
    const double expected = static_cast<double>(items) / static_cast<double>(buckets.size());
    double sum = 0;
    for (const std::uint32_t count : buckets) {
        const double off = count - expected;
        sum += off * off / expected;
    }
    return sum;
}

}  // namespace

TEST(key_hash, avx2_scalar_and_single_agree_for_every_length) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 20; ++round) {
        const KeyHash hash(random_key(random));
        for (std::size_t count = 0; count <= 130; ++count) {
            std::vector<AgentId> ids;
            for (std::size_t i = 0; i < count; ++i) {
                ids.push_back(random_id(random));
            }
            const auto all = pointers(ids);
            // One word more, to see that nothing is written behind the last.
            std::vector<std::uint64_t> scalar(count + 1, 0x5a5a);
            hash.hash_bulk_scalar(all, scalar.data());
            std::vector<std::uint64_t> bulk(count + 1, 0x5a5a);
            hash.hash_bulk(all, bulk.data());
            EXPECT_EQ(scalar, bulk);
            EXPECT_EQ(scalar[count], 0x5a5aU);
            if (KeyHash::has_avx2()) {
                std::vector<std::uint64_t> vector(count + 1, 0x5a5a);
                hash.hash_bulk_avx2(all, vector.data());
                EXPECT_EQ(scalar, vector);
            }
            for (std::size_t i = 0; i < count; ++i) {
                ASSERT_EQ(scalar[i], hash.hash(ids[i]));
            }
        }
    }
}

TEST(key_hash, extreme_words_and_keys_agree_as_well) {
    const std::uint32_t edges[] = {0, 1, 0x7fffffff, 0x80000000, 0xffffffff};
    std::vector<AgentId> ids;
    for (const std::uint32_t a : edges) {
        for (const std::uint32_t b : edges) {
            AgentId id;
            const std::uint32_t words[4] = {a, b, b, a};
            std::memcpy(id.bytes.data(), words, sizeof words);
            ids.push_back(id);
        }
    }
    const auto all = pointers(ids);
    for (const std::uint32_t word : edges) {
        KeyHash::Key key;
        key.nh.fill(word);
        key.finalise = word * 0x100000001ULL;
        const KeyHash hash(key);
        std::vector<std::uint64_t> scalar(ids.size());
        std::vector<std::uint64_t> bulk(ids.size());
        hash.hash_bulk_scalar(all, scalar.data());
        hash.hash_bulk(all, bulk.data());
        EXPECT_EQ(scalar, bulk);
    }
}

// The answers come from a second implementation, in Python's whole numbers.
TEST(key_hash, known_answers_stay) {
    const AgentId id = *AgentId::from_text("01234567-89ab-cdef-0123-456789abcdef");
    const KeyHash counting({{1, 2, 3, 4, 5, 6, 7, 8}, 9});
    EXPECT_EQ(counting.hash(id), 0xb8d430d4be689092ULL);
    EXPECT_EQ(counting.hash(AgentId{}), 0x9162386e369c5f86ULL);
    const KeyHash mixed({{0x9e3779b9,
                          0x7f4a7c15,
                          0xf39cc060,
                          0x5cedc834,
                          0x1082276b,
                          0xf3a27251,
                          0xf86c6a11,
                          0xd01c8ad1},
                         0x2545f4914f6cdd1dULL});
    EXPECT_EQ(mixed.hash(id), 0x12f3b0c025d65115ULL);
    EXPECT_EQ(mixed.hash(AgentId{}), 0xb9801c980b2b0303ULL);
}

TEST(key_hash, the_key_decides) {
    std::mt19937_64 random(2);
    const AgentId id = random_id(random);
    std::set<std::uint64_t> seen;
    for (int round = 0; round < 1000; ++round) {
        seen.insert(KeyHash(random_key(random)).hash(id));
    }
    EXPECT_EQ(seen.size(), 1000U);
    EXPECT_NE(KeyHash(KeyHash::random_key()).hash(id), KeyHash(KeyHash::random_key()).hash(id));
}

TEST(key_hash, one_flipped_bit_flips_half_of_the_hash) {
    std::mt19937_64 random(3);
    constexpr int kRounds = 400;
    std::vector<std::uint32_t> flips(128 * 64);
    for (int round = 0; round < kRounds; ++round) {
        const KeyHash hash(random_key(random));
        const AgentId id = random_id(random);
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
    // Binomial with p = 1/2: its deviation is 10, and 8192 cells reach 4.3 of them now and then.
    for (const std::uint32_t count : flips) {
        EXPECT_NEAR(count, kRounds / 2, 60);
    }
}

TEST(key_hash, counted_ids_fill_buckets_evenly_by_any_16_bits) {
    std::mt19937_64 random(4);
    constexpr std::uint32_t kItems = 1 << 18;
    constexpr std::size_t kBuckets = 1 << 12;
    for (int round = 0; round < 4; ++round) {
        const KeyHash hash(random_key(random));
        for (const unsigned shift : {0U, 16U, 32U, 52U}) {
            std::vector<std::uint32_t> buckets(kBuckets);
            for (std::uint32_t i = 0; i < kItems; ++i) {
                ++buckets[(hash.hash(counted_id(i)) >> shift) % kBuckets];
            }
            // Mean 4095, deviation sqrt(2 * 4095) = 90; six of them either way.
            EXPECT_NEAR(chi_square(buckets, kItems), kBuckets - 1, 540) << shift;
        }
    }
}

TEST(key_hash, ids_that_collide_under_crc_do_not_collide_here) {
    std::mt19937_64 random(5);
    std::vector<AgentId> ids;
    for (int i = 0; i < 20'000; ++i) {
        ids.push_back(id_with_crc(random_id(random), 0x12345678, 0));
    }
    for (const AgentId& id : ids) {
        ASSERT_EQ(crc32c(id, 0), 0x12345678U);
        ASSERT_EQ(crc32c(id, 0xdeadbeef), crc32c(ids[0], 0xdeadbeef));  // so seeding is no help
    }
    const KeyHash hash(random_key(random));
    std::set<std::uint32_t> low;
    for (const AgentId& id : ids) {
        low.insert(static_cast<std::uint32_t>(hash.hash(id)));
    }
    // n^2 / 2^33 = 0.05 pairs expected among the 32 bits that tables use.
    EXPECT_GE(low.size(), ids.size() - 2);
}
