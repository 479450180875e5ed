// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/lzw.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/hex.h"
#include "tests/support/lzw_writer.h"

namespace posthaste::gossip::membership {
namespace {

using support::from_hex;
using support::LzwWriter;
using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kPlenty = 1U << 20;

// Repeats itself, but not soon.
Bytes varied(std::size_t size, std::uint32_t seed) {
    Bytes bytes(size);
    for (std::uint8_t& octet : bytes) {
        seed = seed * 1'664'525 + 1'013'904'223;
        octet = static_cast<std::uint8_t>((seed >> 24) % 23);
    }
    return bytes;
}

TEST(lzw, an_ack_that_serf_compressed_is_read) {
    // From Debian's serf 0.9.4: the packed part of its answer to a ping with number 7.
    EXPECT_EQ(decompress(from_hex("0005083a05254c1e366fc29001566a4a99384ede1c0808"), kPlenty),
              from_hex("0282a75061796c6f6164c0a55365714e6f07"));
}

TEST(lzw, what_was_compressed_comes_back) {
    for (const std::size_t size : {0U, 1U, 2U, 255U, 4'000U, 20'000U, 200'000U}) {
        for (const bool anew : {true, false}) {
            const Bytes plain = varied(size, 7);
            EXPECT_EQ(decompress(LzwWriter::compress(plain, anew), kPlenty), plain) << size;
            const Bytes same(size, 'a');
            EXPECT_EQ(decompress(LzwWriter::compress(same, anew), kPlenty), same) << size;
        }
    }
}

TEST(lzw, more_than_is_allowed_is_a_bomb) {
    const Bytes packed = LzwWriter::compress(Bytes(10'000, 'a'));
    EXPECT_EQ(decompress(packed, 10'000)->size(), 10'000U);
    EXPECT_EQ(decompress(packed, 9'999), tl::unexpected(Refusal::decompression_bomb));
    EXPECT_EQ(decompress(packed, 0), tl::unexpected(Refusal::decompression_bomb));
}

TEST(lzw, what_has_no_end_is_refused) {
    const Bytes packed = LzwWriter::compress(varied(3'000, 3));
    for (std::size_t length = 0; length + 1 < packed.size(); ++length) {
        EXPECT_EQ(decompress(std::span(packed).first(length), kPlenty),
                  tl::unexpected(Refusal::bad_compression))
            << length;
    }
}

TEST(lzw, a_code_that_stands_for_nothing_is_refused) {
    // Begin, then 258, which nothing has defined; and 'a', then 300.
    EXPECT_EQ(decompress(from_hex("000502"), kPlenty), tl::unexpected(Refusal::bad_compression));
    const std::uint64_t codes = 256 | 97U << 9 | 300U << 18;
    const Bytes bytes = {static_cast<std::uint8_t>(codes),
                         static_cast<std::uint8_t>(codes >> 8),
                         static_cast<std::uint8_t>(codes >> 16),
                         static_cast<std::uint8_t>(codes >> 24)};
    EXPECT_EQ(decompress(bytes, kPlenty), tl::unexpected(Refusal::bad_compression));
}

TEST(lzw, what_is_behind_the_end_is_not_looked_at) {
    Bytes packed = LzwWriter::compress(varied(100, 5));
    packed.insert(packed.end(), 50, 0xff);
    EXPECT_EQ(decompress(packed, kPlenty), varied(100, 5));
}

}  // namespace
}  // namespace posthaste::gossip::membership
