// SPDX-License-Identifier: BSD-3-Clause
// Goal: every agent comes out once, in order, and no more are kept than allowed. Method: facts one
// by one.
#include "controlplane/cluster/agent_queue.h"

#include <gtest/gtest.h>

#include "tests/support/numbered_id.h"

using posthaste::controlplane::AgentQueue;
using posthaste::support::numbered_id;

TEST(agent_queue, an_agent_that_comes_again_is_in_once_and_where_it_was) {
    AgentQueue queue;
    for (const std::uint32_t agent : {1U, 2U, 1U, 3U, 1U}) {
        EXPECT_TRUE(queue.push(numbered_id(agent)));
    }
    EXPECT_EQ(queue.size(), 3U);
    for (const std::uint32_t agent : {1U, 2U, 3U}) {
        EXPECT_EQ(queue.pop()->agent, numbered_id(agent));
    }
    EXPECT_TRUE(queue.empty());
    EXPECT_FALSE(queue.pop());
}

TEST(agent_queue, a_mark_stays_until_the_agent_is_taken) {
    AgentQueue queue;
    queue.push(numbered_id(1));
    queue.push(numbered_id(1), true);
    queue.push(numbered_id(1));
    EXPECT_TRUE(queue.pop()->marked);
    queue.push(numbered_id(1));
    EXPECT_FALSE(queue.pop()->marked);
}

TEST(agent_queue, one_out_of_the_middle_leaves_the_order_of_the_others) {
    AgentQueue queue;
    for (std::uint32_t agent = 1; agent <= 4; ++agent) {
        queue.push(numbered_id(agent));
    }
    EXPECT_EQ(queue.take(numbered_id(2))->agent, numbered_id(2));
    EXPECT_FALSE(queue.take(numbered_id(2)));
    queue.push(numbered_id(2));
    for (const std::uint32_t agent : {1U, 3U, 4U, 2U}) {
        EXPECT_EQ(queue.pop()->agent, numbered_id(agent));
    }
}

TEST(agent_queue, a_full_one_refuses_only_who_is_not_in) {
    AgentQueue queue(2);
    EXPECT_TRUE(queue.push(numbered_id(1)));
    EXPECT_TRUE(queue.push(numbered_id(2)));
    EXPECT_FALSE(queue.push(numbered_id(3)));
    EXPECT_TRUE(queue.push(numbered_id(2)));
    EXPECT_EQ(queue.size(), 2U);
}
