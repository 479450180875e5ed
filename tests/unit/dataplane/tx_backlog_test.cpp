// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/tx_backlog.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

#include "tests/support/fake_mbuf.h"

using posthaste::dataplane::TxBacklog;

TEST(tx_backlog, the_capacity_is_rounded_up_to_a_power_of_two) {
    EXPECT_EQ(TxBacklog(1).capacity(), 1U);
    EXPECT_EQ(TxBacklog(100).capacity(), 128U);
    EXPECT_EQ(TxBacklog(1024).capacity(), 1024U);
}

TEST(tx_backlog, promises_no_more_slots_than_it_has) {
    TxBacklog backlog(4);
    backlog.push(nullptr);
    EXPECT_TRUE(backlog.reserve());
    EXPECT_TRUE(backlog.reserve());
    EXPECT_TRUE(backlog.reserve());
    EXPECT_FALSE(backlog.reserve());
    backlog.give_back_reservations();
    EXPECT_TRUE(backlog.reserve());
    EXPECT_EQ(backlog.size(), 1U);
}

TEST(tx_backlog, keeps_the_order_around_its_end) {
    TxBacklog backlog(8);
    std::deque<rte_mbuf*> model;
    std::vector<rte_mbuf> frames(97);
    std::mt19937 random(1);
    for (int step = 0; step < 10'000; ++step) {
        if (random() % 2 == 0 && backlog.size() < backlog.capacity()) {
            rte_mbuf* const frame = &frames[random() % frames.size()];
            backlog.push(frame);
            model.push_back(frame);
        } else {
            const auto front = backlog.front();
            ASSERT_EQ(front.empty(), model.empty());
            const std::uint32_t count = static_cast<std::uint32_t>(random() % (front.size() + 1));
            for (std::uint32_t i = 0; i < count; ++i) {
                ASSERT_EQ(front[i], model.front());
                model.pop_front();
            }
            backlog.pop(count);
        }
        ASSERT_EQ(backlog.size(), model.size());
    }
}
