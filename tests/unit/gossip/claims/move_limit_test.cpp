// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/move_limit.h"

#include <gtest/gtest.h>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace {

using namespace posthaste::gossip::claims;
using posthaste::support::numbered_id;

TEST(move_limit, those_that_are_frozen_can_be_listed_until_they_are_not) {
    MoveLimit limit({.moves_max = 1, .within_ms = 1'000, .freeze_ms = 500},
                    posthaste::routing::KeyHash(posthaste::support::hash_key(1)));
    EXPECT_TRUE(limit.note(numbered_id(1), 100));
    EXPECT_TRUE(limit.note(numbered_id(2), 100));
    EXPECT_FALSE(limit.note(numbered_id(1), 200));
    const auto frozen = limit.frozen(300, 10);
    ASSERT_EQ(frozen.size(), 1U);
    EXPECT_EQ(frozen[0].agent, numbered_id(1));
    EXPECT_EQ(frozen[0].until_ms, 700U);
    EXPECT_EQ(frozen[0].times, 1U);
    EXPECT_TRUE(limit.frozen(700, 10).empty());
    EXPECT_TRUE(limit.frozen(300, 0).empty());
}

}  // namespace
