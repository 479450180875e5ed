// SPDX-License-Identifier: BSD-3-Clause
// What counts as stolen time, and which samples it spoils.
#include "tools/benchmark/steal.h"

#include <gtest/gtest.h>

using namespace posthaste::tools;

namespace {

constexpr double kHz = 1e9;  // a cycle is a nanosecond

}  // namespace

TEST(steal, the_first_turn_and_short_gaps_are_none) {
    LoopWatch watch(kHz);
    EXPECT_FALSE(watch.turn(1'000'000, 0));
    EXPECT_FALSE(watch.turn(1'005'000, 0));
    EXPECT_EQ(watch.count().gaps, 0U);
}

TEST(steal, a_gap_beyond_the_limit_is_one_from_where_the_turn_began) {
    LoopWatch watch(kHz);
    EXPECT_FALSE(watch.turn(1'000'000, 0));
    EXPECT_TRUE(watch.turn(1'005'001, 0));
    EXPECT_EQ(watch.then(), 1'000'000U);
    EXPECT_FALSE(watch.turn(1'005'002, 0));
    EXPECT_TRUE(watch.turn(1'025'002, 0));
    EXPECT_EQ(watch.count().gaps, 2U);
    EXPECT_EQ(watch.count().cycles, 25'001U);
    EXPECT_EQ(watch.count().longest, 20'000U);
}

TEST(steal, a_turn_may_take_time_for_its_frames) {
    LoopWatch watch(kHz);
    EXPECT_FALSE(watch.turn(1'000'000, 0));
    EXPECT_FALSE(watch.turn(1'000'000 + 5'000 + 64 * 100, 64));
    EXPECT_TRUE(watch.turn(1'000'000 + 2 * (5'000 + 64 * 100) + 1, 64));
}

TEST(steal, samples_that_touch_a_window_are_spoilt) {
    StealLog log;
    StealReader reader(log);
    log.append(100, 200);
    log.append(300, 400);
    EXPECT_FALSE(reader.overlaps(10, 99));
    EXPECT_TRUE(reader.overlaps(10, 100));
    EXPECT_TRUE(reader.overlaps(50, 1'000));
    EXPECT_TRUE(reader.overlaps(150, 160));
    EXPECT_TRUE(reader.overlaps(200, 250));
    EXPECT_FALSE(reader.overlaps(201, 299));
    EXPECT_TRUE(reader.overlaps(250, 300));
    EXPECT_TRUE(reader.overlaps(400, 500));
    EXPECT_FALSE(reader.overlaps(401, 10'000));
    log.append(9'000, 9'500);
    EXPECT_TRUE(reader.overlaps(401, 10'000));
}

TEST(steal, a_full_log_keeps_what_it_has) {
    StealLog log;
    StealReader reader(log);
    for (std::uint64_t i = 1; i <= StealLog::kWindowsMax + 5; ++i) {
        log.append(i * 10, i * 10 + 1);
    }
    EXPECT_TRUE(reader.overlaps(10, 10));
    EXPECT_TRUE(reader.overlaps(std::uint64_t{StealLog::kWindowsMax} * 10, ~std::uint64_t{0}));
    EXPECT_FALSE(
        reader.overlaps((StealLog::kWindowsMax + 1) * std::uint64_t{10}, ~std::uint64_t{0}));
}

TEST(steal, spoilt_time_is_what_windows_cover_of_an_interval) {
    StealLog one;
    StealLog other;
    one.append(100, 200);
    one.append(300, 400);
    other.append(350, 500);
    EXPECT_EQ(spoilt_cycles(one, other, 0, 1'000), 350U);
    EXPECT_EQ(spoilt_cycles(one, other, 150, 320), 70U);
    EXPECT_EQ(spoilt_cycles(one, other, 200, 300), 0U);
    EXPECT_EQ(spoilt_cycles(one, other, 360, 380), 20U);  // never more than there is
}
