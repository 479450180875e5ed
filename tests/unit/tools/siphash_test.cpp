// SPDX-License-Identifier: BSD-3-Clause
#include "tools/benchmark/siphash.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <utility>

namespace tools = posthaste::tools;

namespace {

// The published key, and input: both count up from zero.
constexpr tools::SipKey kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

template <int kCompress, int kFinish>
std::uint64_t of_first(std::size_t count) {
    std::array<std::uint8_t, 64> bytes;
    std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
    return tools::siphash<kCompress, kFinish>(kKey, std::span(bytes).first(count));
}

using Answers = std::array<std::pair<std::size_t, std::uint64_t>, 8>;

}  // namespace

// The vectors of the paper (its example is the one of 15 bytes) and of the reference program.
TEST(siphash, two_and_four_rounds_give_the_published_answers) {
    constexpr Answers kAnswers = {{{0, 0x726fdb47dd0e0e31ULL},
                                   {1, 0x74f839c593dc67fdULL},
                                   {7, 0xab0200f58b01d137ULL},
                                   {8, 0x93f5f5799a932462ULL},
                                   {15, 0xa129ca6149be45e5ULL},
                                   {16, 0x3f2acc7f57c29bdbULL},
                                   {17, 0x699ae9f52cbe4794ULL},
                                   {63, 0x958a324ceb064572ULL}}};
    for (const auto& [count, answer] : kAnswers) {
        EXPECT_EQ((of_first<2, 4>(count)), answer) << count;
    }
}

// The same inputs; OpenSSL agrees (openssl mac -macopt c-rounds:1 -macopt d-rounds:3 SIPHASH).
TEST(siphash, one_and_three_rounds_give_the_published_answers) {
    constexpr Answers kAnswers = {{{0, 0xabac0158050fc4dcULL},
                                   {1, 0xc9f49bf37d57ca93ULL},
                                   {7, 0xd3927d989bb11140ULL},
                                   {8, 0x369095118d299a8eULL},
                                   {15, 0xd320d86d2a519956ULL},
                                   {16, 0xcc4fdd1a7d908b66ULL},
                                   {17, 0x9cf2689063dbd80cULL},
                                   {63, 0x9d199062b7bbb3a8ULL}}};
    for (const auto& [count, answer] : kAnswers) {
        EXPECT_EQ((of_first<1, 3>(count)), answer) << count;
    }
}

TEST(siphash, an_id_is_its_sixteen_bytes) {
    posthaste::routing::AgentId id;
    std::iota(id.bytes.begin(), id.bytes.end(), std::uint8_t{0});
    EXPECT_EQ(tools::siphash_1_3(kKey, id), 0xcc4fdd1a7d908b66ULL);
}
