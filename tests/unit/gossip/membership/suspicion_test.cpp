// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/membership/suspicion.h"

#include <gtest/gtest.h>

namespace posthaste::gossip::membership {

namespace {

constexpr std::uint64_t kStart = 50'000;

TEST(suspicion, five_on_a_lan_take_24_seconds_down_to_4_as_two_confirm) {
    Suspicion suspicion(lan_timing(), 5, "a", kStart);
    EXPECT_EQ(suspicion.due_ms() - kStart, 24'000);
    EXPECT_TRUE(suspicion.confirm("b"));
    // 24 - 20 * ln 2 / ln 3
    EXPECT_NEAR(static_cast<double>(suspicion.due_ms() - kStart), 11'381.0, 1.0);
    EXPECT_TRUE(suspicion.confirm("c"));
    EXPECT_EQ(suspicion.due_ms() - kStart, 4'000);
}

TEST(suspicion, one_member_confirms_once_and_the_accuser_not_at_all) {
    Suspicion suspicion(lan_timing(), 5, "a", kStart);
    EXPECT_FALSE(suspicion.confirm("a"));
    EXPECT_TRUE(suspicion.confirm("b"));
    EXPECT_FALSE(suspicion.confirm("b"));
    EXPECT_EQ(suspicion.confirmations(), 1U);
}

TEST(suspicion, more_confirmations_than_are_expected_change_nothing) {
    Suspicion suspicion(lan_timing(), 50, "a", kStart);
    EXPECT_TRUE(suspicion.confirm("b"));
    EXPECT_TRUE(suspicion.confirm("c"));
    const std::uint64_t due = suspicion.due_ms();
    EXPECT_FALSE(suspicion.confirm("d"));
    EXPECT_EQ(suspicion.due_ms(), due);
}

TEST(suspicion, three_members_have_nobody_to_confirm_and_take_the_shortest_time) {
    Suspicion suspicion(lan_timing(), 3, "a", kStart);
    EXPECT_EQ(suspicion.due_ms() - kStart, 4'000);
    EXPECT_FALSE(suspicion.confirm("b"));
}

TEST(suspicion, the_time_grows_with_the_logarithm_of_the_members) {
    EXPECT_EQ(Suspicion(lan_timing(), 100, "a", kStart).due_ms() - kStart, 48'000);
    EXPECT_EQ(Suspicion(lan_timing(), 1'000, "a", kStart).due_ms() - kStart, 72'000);
    EXPECT_EQ(Suspicion(wan_timing(), 1'000, "a", kStart).due_ms() - kStart, 540'000);
}

}  // namespace

}  // namespace posthaste::gossip::membership
