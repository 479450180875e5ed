// SPDX-License-Identifier: BSD-3-Clause
// The histogram's promise, against the sorted values themselves.
#include "tools/benchmark/hdr_histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "tools/benchmark/draw.h"

using namespace posthaste::tools;

namespace {

constexpr double kQuantiles[] = {0, 0.001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1};
constexpr double kError = 1.0 / (1U << HdrHistogram::kSubBits);

}  // namespace

TEST(hdr_histogram, buckets_join_without_gap_or_overlap) {
    const std::size_t last = HdrHistogram::index_of(~std::uint64_t{0});
    std::uint64_t from = 0;
    for (std::size_t i = 0; i <= last; ++i) {
        const std::uint64_t to = HdrHistogram::highest_of(i);
        ASSERT_GE(to, from);
        ASSERT_EQ(HdrHistogram::index_of(from), i);
        ASSERT_EQ(HdrHistogram::index_of(to), i);
        from = to + 1;
    }
    EXPECT_EQ(from, std::uint64_t{1} << HdrHistogram::kValueBits);
}

TEST(hdr_histogram, no_bucket_is_wider_than_the_error_allows) {
    const std::size_t last = HdrHistogram::index_of(~std::uint64_t{0});
    for (std::size_t i = 1; i <= last; ++i) {
        const std::uint64_t lowest = HdrHistogram::highest_of(i - 1) + 1;
        const std::uint64_t spread = HdrHistogram::highest_of(i) - lowest;
        ASSERT_LT(static_cast<double>(spread), static_cast<double>(lowest) * kError);
        if (lowest < 2U << HdrHistogram::kSubBits) {
            ASSERT_EQ(spread, 0U);
        }
    }
}

TEST(hdr_histogram, quantiles_are_never_low_and_high_by_less_than_the_error) {
    Random random(3);
    for (unsigned round = 0; round < 50; ++round) {
        HdrHistogram histogram;
        std::vector<std::uint64_t> values;
        for (unsigned i = 0; i < 5'000; ++i) {  // over all magnitudes
            const std::uint64_t value = random.next() >> (64 - HdrHistogram::kValueBits +
                                                          random.below(HdrHistogram::kValueBits));
            histogram.record(value);
            values.push_back(value);
        }
        std::ranges::sort(values);
        for (const double quantile : kQuantiles) {
            const auto rank = std::max<std::size_t>(
                1, static_cast<std::size_t>(std::ceil(quantile * 5'000 - 1e-9)));
            const std::uint64_t exact = values[rank - 1];
            const std::uint64_t told = histogram.value_at(quantile);
            ASSERT_GE(told, exact);
            ASSERT_LE(static_cast<double>(told - exact), static_cast<double>(exact) * kError);
        }
        ASSERT_EQ(histogram.min(), values.front());
        ASSERT_EQ(histogram.max(), values.back());
        ASSERT_EQ(histogram.value_at(1), values.back());
    }
}

TEST(hdr_histogram, of_none_everything_is_zero) {
    const HdrHistogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_EQ(histogram.min(), 0U);
    EXPECT_EQ(histogram.max(), 0U);
    EXPECT_EQ(histogram.value_at(0.5), 0U);
}

TEST(hdr_histogram, values_beyond_the_range_are_counted_and_the_greatest_kept) {
    HdrHistogram histogram;
    histogram.record(5);
    histogram.record(~std::uint64_t{0});
    EXPECT_EQ(histogram.count(), 2U);
    EXPECT_EQ(histogram.value_at(0.5), 5U);
    EXPECT_EQ(histogram.value_at(1), ~std::uint64_t{0});
}

TEST(hdr_histogram, two_together_are_as_one_of_all) {
    Random random(9);
    HdrHistogram all;
    HdrHistogram half[2];
    for (unsigned i = 0; i < 10'000; ++i) {
        const std::uint64_t value = random.below(1'000'000);
        all.record(value);
        half[i % 2].record(value);
    }
    half[0].add(half[1]);
    EXPECT_EQ(half[0].count(), all.count());
    EXPECT_EQ(half[0].min(), all.min());
    for (const double quantile : kQuantiles) {
        EXPECT_EQ(half[0].value_at(quantile), all.value_at(quantile));
    }
}
