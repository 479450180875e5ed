// SPDX-License-Identifier: BSD-3-Clause
#include "routing/key_hash.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "tests/support/hash_key.h"

using posthaste::routing::AgentId;
using posthaste::routing::KeyHash;
using posthaste::support::hash_key;

namespace {

using Hashes = std::vector<std::uint64_t>;

AgentId random_id(std::mt19937_64& random) {
    AgentId id;
    for (std::size_t at = 0; at < id.bytes.size(); at += 8) {
        const std::uint64_t word = random();
        std::memcpy(id.bytes.data() + at, &word, sizeof word);
    }
    return id;
}

// Every variant, each from addresses and from a row of ids, gives what the scalar one gives for
// each id alone. One word more, to see that nothing is written behind the last.
void expect_agreement(const KeyHash::Key& key, const std::vector<AgentId>& ids) {
    constexpr std::uint64_t kUntouched = 0x5a5a;
    const KeyHash reference(key, KeyHash::Variant::scalar);
    std::vector<const AgentId*> addresses;
    Hashes expected;
    for (const AgentId& id : ids) {
        addresses.push_back(&id);
        expected.push_back(reference.hash(id));
    }
    expected.push_back(kUntouched);
    std::vector<KeyHash> hashes = {KeyHash(key)};
    for (const auto variant :
         {KeyHash::Variant::scalar, KeyHash::Variant::aes, KeyHash::Variant::vaes}) {
        if (KeyHash::has(variant)) {
            hashes.emplace_back(key, variant);
        }
    }
    for (const KeyHash& hash : hashes) {
        Hashes scattered(ids.size() + 1, kUntouched);
        hash.hash_bulk(addresses, scattered.data());
        ASSERT_EQ(scattered, expected);
        Hashes in_a_row(ids.size() + 1, kUntouched);
        hash.hash_bulk(ids, in_a_row.data());
        ASSERT_EQ(in_a_row, expected);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            ASSERT_EQ(hash.hash(ids[i]), expected[i]);
        }
    }
}

}  // namespace

TEST(key_hash, all_variants_agree_for_every_length) {
    std::mt19937_64 random(1);
    for (std::uint64_t round = 0; round < 10; ++round) {
        for (std::size_t count = 0; count <= 130; ++count) {
            std::vector<AgentId> ids;
            for (std::size_t i = 0; i < count; ++i) {
                ids.push_back(random_id(random));
            }
            ASSERT_NO_FATAL_FAILURE(expect_agreement(hash_key(round), ids));
        }
    }
}

// So all 256 bytes are looked up in the scalar variant's table, and at every place.
TEST(key_hash, all_variants_agree_on_every_byte_at_every_place) {
    for (const std::uint64_t word : {std::uint64_t{0}, ~std::uint64_t{0}}) {
        KeyHash::Key key;
        key.words.fill(word);
        std::vector<AgentId> ids;
        for (unsigned byte = 0; byte < 256; ++byte) {
            AgentId id;
            id.bytes.fill(static_cast<std::uint8_t>(byte));
            ids.push_back(id);
            for (std::size_t at = 0; at < id.bytes.size(); ++at) {
                ids.emplace_back().bytes[at] = static_cast<std::uint8_t>(byte);
            }
        }
        ASSERT_NO_FATAL_FAILURE(expect_agreement(key, ids));
    }
}

// FIPS 197, appendix B: its input, its first five round keys, and its state at the start of round
// 5, which begins e0 92 7f e8 c8 63 63 c0.
TEST(key_hash, is_the_first_half_of_four_rounds_of_aes) {
    const AgentId input = *AgentId::from_text("3243f6a8-885a-308d-3131-98a2e0370734");
    const KeyHash::Key key{{0xa6d2ae2816157e2bULL,
                            0x3c4fcf098815f7abULL,
                            0xb12c548817fefaa0ULL,
                            0x05766c2a3939a323ULL,
                            0x43b9967af295c2f2ULL,
                            0x7ff659737a803559ULL,
                            0x3efe16477d47803dULL,
                            0x3b887a6d447e231eULL,
                            0x7f5b52a841a544efULL,
                            0x00ad0bdb3b2571b6ULL}};
    EXPECT_EQ(KeyHash(key).hash(input), 0xc06363c8e87f92e0ULL);
}

// The answers come from a second implementation, in Python's whole numbers.
TEST(key_hash, known_answers_stay) {
    const AgentId id = *AgentId::from_text("01234567-89ab-cdef-0123-456789abcdef");
    const KeyHash counting(KeyHash::Key{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}});
    EXPECT_EQ(counting.hash(id), 0x1aef971cefb056ccULL);
    EXPECT_EQ(counting.hash(AgentId{}), 0x34a3708dfccd8463ULL);
    KeyHash::Key key;
    for (std::size_t i = 0; i < key.words.size(); ++i) {
        key.words[i] = 0x9e3779b97f4a7c15ULL * (i + 1);
    }
    const KeyHash mixed(key);
    EXPECT_EQ(mixed.hash(id), 0x68dc63573632214bULL);
    EXPECT_EQ(mixed.hash(AgentId{}), 0xcdcfcf20e8be8018ULL);
}

TEST(key_hash, the_key_decides) {
    const AgentId id = *AgentId::from_text("01234567-89ab-cdef-0123-456789abcdef");
    std::set<std::uint64_t> seen;
    for (std::uint64_t round = 0; round < 1000; ++round) {
        seen.insert(KeyHash(hash_key(round)).hash(id));
    }
    EXPECT_EQ(seen.size(), 1000U);
    // So does every bit of the first six words, which go through two rounds or more.
    KeyHash::Key key = hash_key(0);
    for (std::size_t word = 0; word < 6; ++word) {
        for (unsigned bit = 0; bit < 64; ++bit) {
            key.words[word] ^= std::uint64_t{1} << bit;
            seen.insert(KeyHash(key).hash(id));
            key.words[word] ^= std::uint64_t{1} << bit;
        }
    }
    EXPECT_EQ(seen.size(), 1000U + 6 * 64);
}

TEST(key_hash, random_keys_differ_in_every_word) {
    const KeyHash::Key one = KeyHash::random_key();
    const KeyHash::Key other = KeyHash::random_key();
    for (std::size_t i = 0; i < one.words.size(); ++i) {
        EXPECT_NE(one.words[i], other.words[i]);
    }
}
