// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/lane_mask.h"

#include <gtest/gtest.h>

#include <vector>

using posthaste::dataplane::LaneMask;

TEST(lane_mask, the_first_lanes_are_set) {
    EXPECT_EQ(LaneMask::first(0).bits(), 0U);
    EXPECT_EQ(LaneMask::first(1).bits(), 1U);
    EXPECT_EQ(LaneMask::first(63).bits(), ~0ULL >> 1);
    EXPECT_EQ(LaneMask::first(64).bits(), ~0ULL);
    EXPECT_EQ(LaneMask::first(64).count(), 64U);
}

TEST(lane_mask, a_loop_may_clear_the_lane_it_stands_on) {
    LaneMask mask(0b1010'0110);
    std::vector<unsigned> seen;
    for (const unsigned lane : mask) {
        mask.clear(lane);
        seen.push_back(lane);
    }
    EXPECT_EQ(seen, (std::vector<unsigned>{1, 2, 5, 7}));
    EXPECT_FALSE(mask.any());
}

TEST(lane_mask, minus_leaves_the_lanes_of_the_first_only) {
    EXPECT_EQ(LaneMask(0b1110) - LaneMask(0b0111), LaneMask(0b1000));
    EXPECT_EQ((LaneMask(0b1110) - LaneMask()).count(), 3U);
}
