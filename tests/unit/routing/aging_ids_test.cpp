// SPDX-License-Identifier: BSD-3-Clause
#include "routing/aging_ids.h"

#include <gtest/gtest.h>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace {

using posthaste::routing::AgingIds;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

TEST(aging_ids, an_id_put_in_again_has_one_place_a_new_value_and_new_time) {
    AgingIds<int> ids(2, hash_key(1));
    EXPECT_TRUE(ids.put(numbered_id(1), 1, 0));
    EXPECT_TRUE(ids.put(numbered_id(2), 2, 10));
    for (int i = 20; i < 70; ++i) {
        EXPECT_TRUE(ids.put(numbered_id(1), i, static_cast<std::uint64_t>(i)));
    }
    EXPECT_EQ(ids.size(), 2U);
    EXPECT_EQ(ids.expire(100, 110), 1U);
    ASSERT_NE(ids.find(numbered_id(1)), nullptr);
    EXPECT_EQ(*ids.find(numbered_id(1)), 69);
    EXPECT_FALSE(ids.contains(numbered_id(2)));
    EXPECT_EQ(ids.expire(100, 168), 0U);
    EXPECT_EQ(ids.expire(100, 169), 1U);
    EXPECT_TRUE(ids.empty());
}

TEST(aging_ids, one_too_many_takes_the_place_of_the_oldest) {
    AgingIds<int> ids(2, hash_key(1));
    for (std::uint32_t agent = 1; agent <= 3; ++agent) {
        EXPECT_EQ(ids.put(numbered_id(agent), 0, agent), agent < 3);
    }
    EXPECT_EQ(ids.size(), 2U);
    EXPECT_FALSE(ids.contains(numbered_id(1)));
    EXPECT_TRUE(ids.contains(numbered_id(3)));
    EXPECT_TRUE(ids.erase(numbered_id(2)));
    EXPECT_FALSE(ids.erase(numbered_id(2)));
    EXPECT_TRUE(ids.put(numbered_id(4), 0, 4));
    EXPECT_EQ(ids.items().front().id, numbered_id(3));

    AgingIds<int> none(0, hash_key(1));
    EXPECT_FALSE(none.put(numbered_id(1), 0, 1));
    EXPECT_TRUE(none.empty());
}

}  // namespace
