// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/table_alarm.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {
namespace {

using Change = TableAlarm::Change;

TEST(table_alarm, tells_once_that_the_table_is_full_and_once_that_it_has_room) {
    TableAlarm alarm;
    EXPECT_EQ(alarm.observe(999, 1'000), std::nullopt);
    EXPECT_EQ(alarm.observe(1'000, 1'000), Change::full);
    EXPECT_EQ(alarm.observe(1'000, 1'000), std::nullopt);
    EXPECT_TRUE(alarm.raised());
    EXPECT_EQ(alarm.observe(990, 1'000), Change::has_room);
    EXPECT_EQ(alarm.observe(990, 1'000), std::nullopt);
    EXPECT_FALSE(alarm.raised());
    EXPECT_EQ(alarm.observe(1'000, 1'000), Change::full);
    EXPECT_EQ(alarm.times(), 2U);
}

TEST(table_alarm, one_agent_that_comes_and_goes_says_nothing) {
    TableAlarm alarm;
    EXPECT_EQ(alarm.observe(1'000, 1'000), Change::full);
    for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(alarm.observe(991 + i % 10, 1'000), std::nullopt);
    }
    EXPECT_EQ(alarm.times(), 1U);
}

TEST(table_alarm, a_table_of_one_is_full_with_one) {
    TableAlarm alarm;
    EXPECT_EQ(alarm.observe(0, 1), std::nullopt);
    EXPECT_EQ(alarm.observe(1, 1), Change::full);
    EXPECT_EQ(alarm.observe(0, 1), Change::has_room);
}

TEST(table_alarm, more_than_fits_is_full_as_well) {
    TableAlarm alarm;
    EXPECT_EQ(alarm.observe(12, 10), Change::full);
    EXPECT_EQ(alarm.observe(10, 10), std::nullopt);
    EXPECT_EQ(alarm.observe(9, 10), Change::has_room);
}

}  // namespace
}  // namespace posthaste::controlplane
