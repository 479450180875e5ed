// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/store/held_answers.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {

namespace {

TEST(held_answers, go_in_the_order_they_came) {
    HeldAnswers held;
    EXPECT_EQ(held.front(), nullptr);
    EXPECT_TRUE(held.hold({.ticket = 2, .frame = {2}}));
    EXPECT_TRUE(held.hold({.ticket = 1, .frame = {1}}));
    EXPECT_EQ(held.front()->ticket, 2U);
    held.pop();
    EXPECT_EQ(held.front()->ticket, 1U);
    held.pop();
    EXPECT_EQ(held.front(), nullptr);
    EXPECT_EQ(held.given_up(), 0U);
}

TEST(held_answers, one_that_waited_too_long_is_given_up) {
    HeldAnswers held;
    EXPECT_TRUE(held.hold({.ticket = 1, .held_at_ms = 100}));
    EXPECT_TRUE(held.hold({.ticket = 2, .held_at_ms = 101}));
    held.give_up_late(100 + HeldAnswers::kWaitMaxMs);
    EXPECT_EQ(held.size(), 2U);
    held.give_up_late(101 + HeldAnswers::kWaitMaxMs);
    EXPECT_EQ(held.size(), 1U);
    EXPECT_EQ(held.front()->ticket, 2U);
    EXPECT_EQ(held.given_up(), 1U);
}

TEST(held_answers, are_bounded_and_count_what_is_given_up) {
    HeldAnswers held;
    for (std::size_t i = 0; i < HeldAnswers::kHeldMax; ++i) {
        EXPECT_FALSE(held.full());
        EXPECT_TRUE(held.hold({.ticket = i}));
    }
    EXPECT_TRUE(held.full());
    EXPECT_FALSE(held.hold({.ticket = 1}));
    EXPECT_EQ(held.given_up(), 1U);
    held.give_up_all();
    EXPECT_EQ(held.size(), 0U);
    EXPECT_EQ(held.given_up(), HeldAnswers::kHeldMax + 1);
}

}  // namespace

}  // namespace posthaste::controlplane
