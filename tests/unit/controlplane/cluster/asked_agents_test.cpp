// SPDX-License-Identifier: BSD-3-Clause
// Goal: nobody is said to be unknown before all who were asked said so, and what nobody answers is
// given up. Method: facts one by one.
#include "controlplane/cluster/asked_agents.h"

#include <gtest/gtest.h>

#include "tests/support/numbered_id.h"

using posthaste::controlplane::AskedAgents;
using posthaste::support::numbered_id;

TEST(asked_agents, the_last_of_those_who_were_asked_decides) {
    AskedAgents asked(10, 1'000);
    asked.ask(numbered_id(1), 2, 0);
    EXPECT_FALSE(asked.is_unknown(numbered_id(1)));
    EXPECT_TRUE(asked.is_unknown(numbered_id(1)));
    EXPECT_FALSE(asked.is_unknown(numbered_id(1))) << "one answer more than asked for";
    EXPECT_EQ(asked.size(), 0U);
}

TEST(asked_agents, what_is_asked_again_counts_from_then_on) {
    AskedAgents asked(10, 1'000);
    asked.ask(numbered_id(1), 1, 0);
    asked.ask(numbered_id(1), 2, 500);
    asked.ask(numbered_id(2), 1, 1'200);  // the first asking is past
    EXPECT_FALSE(asked.is_unknown(numbered_id(1)));
    EXPECT_TRUE(asked.is_unknown(numbered_id(1)));
}

TEST(asked_agents, no_more_than_the_maximum_are_kept_and_none_for_long) {
    AskedAgents asked(3, 1'000);
    for (std::uint32_t agent = 0; agent < 10; ++agent) {
        asked.ask(numbered_id(agent), 1, agent);
    }
    EXPECT_EQ(asked.size(), 3U);
    EXPECT_FALSE(asked.is_unknown(numbered_id(0)));
    asked.end(numbered_id(9));
    EXPECT_EQ(asked.size(), 2U);
    asked.ask(numbered_id(20), 1, 5'000);
    EXPECT_EQ(asked.size(), 1U);
}
