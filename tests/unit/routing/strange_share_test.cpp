// SPDX-License-Identifier: BSD-3-Clause
#include "routing/strange_share.h"

#include <gtest/gtest.h>

using posthaste::routing::StrangeShare;

TEST(strange_share, begins_with_nobody_strange) {
    EXPECT_FALSE(StrangeShare().most());
}

TEST(strange_share, a_flood_is_noticed_within_some_bursts_and_its_end_too) {
    StrangeShare share;
    unsigned bursts = 0;
    while (!share.most() && bursts < 100) {
        share.observe(64, 64);
        ++bursts;
    }
    EXPECT_GT(bursts, 2U);  // one burst of strangers is no flood
    EXPECT_LT(bursts, 16U);
    for (bursts = 0; share.most() && bursts < 100; ++bursts) {
        share.observe(0, 64);
    }
    EXPECT_GT(bursts, 2U);
    EXPECT_LT(bursts, 64U);
}

TEST(strange_share, between_its_bounds_it_stays_as_it_is) {
    StrangeShare few;
    StrangeShare many;
    for (unsigned burst = 0; burst < 100; ++burst) {
        many.observe(64, 64);
    }
    for (unsigned burst = 0; burst < 1'000; ++burst) {
        few.observe(16, 64);
        many.observe(16, 64);
        ASSERT_FALSE(few.most());
        ASSERT_TRUE(many.most());
    }
}

TEST(strange_share, calls_of_any_size_count_by_their_lookups) {
    StrangeShare share;
    share.observe(0, 0);
    EXPECT_FALSE(share.most());
    share.observe(100'000, 100'000);
    EXPECT_TRUE(share.most());
    share.observe(0, 100'000);
    EXPECT_FALSE(share.most());
}
