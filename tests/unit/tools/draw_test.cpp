// SPDX-License-Identifier: BSD-3-Clause
// Streams of agent numbers: in range, repeatable, and distributed as they say.
#include "tools/benchmark/draw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

using namespace posthaste::tools;

namespace {

std::vector<std::uint32_t> histogram(Stream stream, std::uint32_t count, unsigned draws) {
    Draw draw(stream, count, 7);
    std::vector<std::uint32_t> seen(count);
    for (unsigned i = 0; i < draws; ++i) {
        ++seen.at(draw.next());
    }
    return seen;
}

}  // namespace

TEST(draw, uniform_gives_each_number_its_share) {
    for (const std::uint32_t seen : histogram(Stream::uniform, 10, 100'000)) {
        EXPECT_NEAR(seen, 10'000, 500);  // five standard deviations
    }
}

TEST(draw, zipf_gives_shares_by_rank) {
    constexpr std::uint32_t kCount = 100;
    constexpr unsigned kDraws = 1'000'000;
    const auto seen = histogram(Stream::zipf, kCount, kDraws);
    double total = 0;
    for (unsigned k = 1; k <= kCount; ++k) {
        total += std::pow(k, -kZipfExponent);
    }
    for (unsigned k = 1; k <= kCount; ++k) {
        const double expected = std::pow(k, -kZipfExponent) / total * kDraws;
        EXPECT_NEAR(seen[k - 1], expected, 5 * std::sqrt(expected)) << "rank " << k;
    }
}

TEST(draw, round_robin_counts_and_begins_again) {
    Draw draw(Stream::round_robin, 3, 1);
    for (const std::uint32_t expected : {0U, 1U, 2U, 0U, 1U, 2U}) {
        EXPECT_EQ(draw.next(), expected);
    }
}

TEST(draw, one_number_is_drawn_again_and_again) {
    for (const Stream stream : {Stream::uniform, Stream::zipf, Stream::round_robin}) {
        EXPECT_EQ(histogram(stream, 1, 100)[0], 100U);
    }
}

TEST(draw, the_same_seed_gives_the_same_numbers_and_another_seed_others) {
    Draw first(Stream::zipf, 1'000'000, 5);
    Draw again(Stream::zipf, 1'000'000, 5);
    Draw other(Stream::zipf, 1'000'000, 6);
    unsigned same = 0;
    for (unsigned i = 0; i < 100; ++i) {
        const std::uint32_t number = first.next();
        EXPECT_EQ(number, again.next());
        same += number == other.next();
    }
    EXPECT_LT(same, 50U);
}

TEST(draw, names_lead_back_to_streams) {
    for (const Stream stream : {Stream::uniform, Stream::zipf, Stream::round_robin}) {
        EXPECT_EQ(stream_of(name_of(stream)), stream);
    }
    EXPECT_EQ(stream_of("random"), std::nullopt);
}
