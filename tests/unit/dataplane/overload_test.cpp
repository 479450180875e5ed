// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/overload.h"

#include <gtest/gtest.h>

using posthaste::dataplane::Overload;

namespace {

void polls(Overload& overload, bool full, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        overload.observe(full);
    }
}

}  // namespace

TEST(overload, nothing_is_shed_before_the_queue_stayed_full_for_long) {
    Overload overload;
    polls(overload, true, Overload::kRaiseAfter - 1);
    EXPECT_EQ(overload.floor(), 0);
    overload.observe(true);
    EXPECT_EQ(overload.floor(), 2);
}

TEST(overload, one_poll_that_was_not_full_starts_the_count_again) {
    Overload overload;
    polls(overload, true, Overload::kRaiseAfter - 1);
    overload.observe(false);
    polls(overload, true, Overload::kRaiseAfter - 1);
    EXPECT_EQ(overload.floor(), 0);
}

TEST(overload, the_floor_rises_step_by_step_and_never_above_critical) {
    Overload overload;
    for (const unsigned floor : {2, 6, 9, 9, 9}) {
        polls(overload, true, Overload::kRaiseAfter);
        EXPECT_EQ(overload.floor(), floor);
    }
    EXPECT_LE(overload.floor(), 10);  // critical passes
}

TEST(overload, the_floor_sinks_the_way_it_rose) {
    Overload overload;
    polls(overload, true, 3 * Overload::kRaiseAfter);
    ASSERT_EQ(overload.floor(), 9);
    for (const unsigned floor : {6, 2, 0, 0}) {
        polls(overload, false, Overload::kLowerAfter);
        EXPECT_EQ(overload.floor(), floor);
    }
}
