// SPDX-License-Identifier: BSD-3-Clause
#include "routing/router_mask.h"

#include <gtest/gtest.h>

using posthaste::routing::kNoRouter;
using posthaste::routing::RouterMask;

TEST(router_mask, every_router_is_in_until_it_is_put_out_and_no_other_goes_with_it) {
    RouterMask mask;
    for (const std::uint16_t router : {0, 63, 64, 1'000, RouterMask::kRoutersMax - 1}) {
        mask.set_out(router, true);
        for (std::uint16_t other = 0; other < RouterMask::kRoutersMax; ++other) {
            ASSERT_EQ(mask.out(other), other == router) << other;
        }
        mask.set_out(router, true);  // twice is as once
        mask.set_out(router, false);
        EXPECT_FALSE(mask.out(router));
    }
}

TEST(router_mask, what_is_no_router_is_never_out_and_cannot_be_put_out) {
    RouterMask mask;
    for (std::uint16_t router = 0; router < RouterMask::kRoutersMax; ++router) {
        mask.set_out(router, true);
    }
    EXPECT_FALSE(mask.out(kNoRouter));
    EXPECT_FALSE(mask.out(RouterMask::kRoutersMax));
    EXPECT_DEATH(mask.set_out(kNoRouter, true), "check failed");
}
