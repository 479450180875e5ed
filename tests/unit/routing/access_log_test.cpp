// SPDX-License-Identifier: BSD-3-Clause
#include "routing/access_log.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>

using posthaste::routing::AccessLog;

namespace {

constexpr std::uint32_t kHalfLife = AccessLog::kHalfLifeMs;

}  // namespace

TEST(access_log, a_use_counts_half_after_a_half_life) {
    AccessLog log(10);
    log.route_changed(3, 7, 1'000);
    EXPECT_FALSE(log.find(3, 1'000).has_value());
    log.used(3, 7, 2'000, 2'000);
    log.used(3, 7, 2'000, 2'000);
    const auto use = log.find(3, 2'000 + kHalfLife);
    ASSERT_TRUE(use.has_value());
    EXPECT_EQ(use->uses, 2U);
    EXPECT_NEAR(use->weight, 1, 1e-6);
    EXPECT_EQ(use->used_ms, kHalfLife);
    EXPECT_EQ(use->changed_ms, kHalfLife + 1'000);
}

TEST(access_log, a_sample_of_a_route_that_was_replaced_does_not_count) {
    AccessLog log(10);
    log.used(3, 7, 0, 0);  // never written
    log.route_changed(3, 7, 0);
    log.used(3, 7, 0, 0);
    log.route_gone(3);
    log.used(3, 7, 5, 5);
    EXPECT_FALSE(log.find(3, 5).has_value());
    log.route_changed(3, 8, 5);
    log.used(3, 7, 5, 5);
    EXPECT_FALSE(log.find(3, 5).has_value()) << "the former agent's";
    log.used(3, 8, 5, 5);
    EXPECT_EQ(log.find(3, 5)->uses, 1U);
    EXPECT_EQ(log.samples(), 5U);
    EXPECT_EQ(log.outdated(), 3U);
    log.route_changed(3, 9, 6);  // the agent stays, its route changes
    EXPECT_EQ(log.find(3, 6)->uses, 1U);
    EXPECT_EQ(log.find(3, 6)->changed_ms, 0U);
}

TEST(access_log, cells_that_are_not_there_are_ignored) {
    AccessLog log(2);
    log.route_changed(2, 1, 0);
    log.route_gone(~0U);
    log.used(2, 1, 0, 0);
    log.used(~0U, 0, 0, 0);
    EXPECT_FALSE(log.find(2, 0).has_value());
    EXPECT_TRUE(log.top(10, 0).empty());
    AccessLog none(0);
    none.age(0);
    none.used(0, 1, 0, 0);
    EXPECT_TRUE(none.top(1, 0).empty());
}

TEST(access_log, the_most_used_come_first_and_old_fame_fades) {
    AccessLog log(10);
    for (std::uint32_t cell = 0; cell < 5; ++cell) {
        log.route_changed(cell, 1, 0);
        for (std::uint32_t use = 0; use <= cell; ++use) {
            log.used(cell, 1, 0, 0);
        }
    }
    const auto top = log.top(2, 0);
    ASSERT_EQ(top.size(), 2U);
    EXPECT_EQ(top[0].cell, 4U);
    EXPECT_EQ(top[1].cell, 3U);
    log.used(0, 1, 10 * kHalfLife, 10 * kHalfLife);
    EXPECT_EQ(log.top(9, 10 * kHalfLife).front().cell, 0U);
    log.route_gone(0);
    EXPECT_EQ(log.top(9, 10 * kHalfLife).front().cell, 4U);
    EXPECT_EQ(log.top(9, 10 * kHalfLife).size(), 4U);
}

// A hundred cells get half of the uses, the other half is spread over many more than candidates.
TEST(access_log, what_is_used_often_is_found_among_many) {
    constexpr std::uint32_t kCells = 10 * AccessLog::kTopMax;
    AccessLog log(kCells);
    for (std::uint32_t cell = 0; cell < kCells; ++cell) {
        log.route_changed(cell, 1, 0);
    }
    std::mt19937 random(1);
    std::uint32_t now_ms = 0;
    for (int i = 0; i < 400'000; ++i) {
        now_ms += i % 16 == 0 ? 1 : 0;
        const std::uint32_t cell =
            random() % 2 == 0 ? kCells - 1 - random() % 100 : random() % kCells;
        log.used(cell, 1, now_ms, now_ms);
    }
    const auto top = log.top(100, now_ms);
    ASSERT_EQ(top.size(), 100U);
    for (const AccessLog::Use& use : top) {
        EXPECT_GE(use.cell, kCells - 100);
    }
    EXPECT_EQ(log.top(kCells, now_ms).size(), AccessLog::kTopMax);
}

TEST(access_log, ages_of_used_routes_are_counted_by_their_bits) {
    AccessLog log(4);
    log.route_changed(0, 1, 100);
    log.used(0, 1, 100, 100);
    log.used(0, 1, 101, 101);
    log.used(0, 1, 100 + 1'000, 1'100);
    log.used(0, 1, 90, 1'100);  // an lcore's clock was read before the control thread's
    const auto ages = log.ages();
    EXPECT_EQ(ages[0], 2U);
    EXPECT_EQ(ages[1], 1U);
    EXPECT_EQ(ages[10], 1U);
    EXPECT_EQ(std::accumulate(ages.begin(), ages.end(), std::uint64_t{0}), 4U);
}

TEST(access_log, times_survive_the_wrap_of_the_clock_and_long_silence) {
    AccessLog log(3);
    const std::uint32_t start = 0xffffff00U;
    log.route_changed(0, 1, start);
    log.used(0, 1, start, start);
    EXPECT_EQ(log.find(0, start + 1'000)->used_ms, 1'000U);
    // Not looked at for 100 days; the clock comes round twice, age() keeps up.
    for (std::uint64_t day = 0; day <= 100; ++day) {
        log.age(start + static_cast<std::uint32_t>(day * 86'400'000));
    }
    EXPECT_FALSE(log.find(0, start).has_value());
    EXPECT_TRUE(log.top(3, start).empty());
}
