// SPDX-License-Identifier: BSD-3-Clause
#include "gossip/claims/open_questions.h"

#include <gtest/gtest.h>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace {

using posthaste::gossip::claims::OpenQuestions;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

TEST(open_questions, an_agent_asked_about_again_has_one_place_and_new_time) {
    OpenQuestions open(2, 100, hash_key(1));
    EXPECT_TRUE(open.ask(numbered_id(1), 0));
    EXPECT_TRUE(open.ask(numbered_id(2), 10));
    for (std::uint64_t now_ms = 20; now_ms < 70; ++now_ms) {
        EXPECT_TRUE(open.ask(numbered_id(1), now_ms));
    }
    EXPECT_EQ(open.count(), 2U);
    open.expire(110);
    EXPECT_TRUE(open.holds(numbered_id(1)));
    EXPECT_FALSE(open.holds(numbered_id(2)));
    open.expire(169);
    EXPECT_EQ(open.count(), 0U);
}

TEST(open_questions, one_too_many_takes_the_place_of_the_oldest) {
    OpenQuestions open(2, 100, hash_key(1));
    for (std::uint32_t agent = 1; agent <= 3; ++agent) {
        EXPECT_EQ(open.ask(numbered_id(agent), agent), agent < 3);
    }
    EXPECT_EQ(open.count(), 2U);
    EXPECT_FALSE(open.holds(numbered_id(1)));
    EXPECT_TRUE(open.holds(numbered_id(3)));
    OpenQuestions none(0, 100, hash_key(1));
    EXPECT_FALSE(none.ask(numbered_id(1), 0));
    EXPECT_EQ(none.count(), 0U);
}

}  // namespace
