// SPDX-License-Identifier: BSD-3-Clause
#include "routing/move_rate.h"

#include <gtest/gtest.h>

using posthaste::routing::MoveRate;
using posthaste::routing::Stability;

namespace {

constexpr std::uint64_t kHalfLife = MoveRate::kHalfLifeMs;

Stability judge(const MoveRate& rate, Stability before, std::uint64_t now_ms) {
    return rate.judge(before, 0, false, now_ms);
}

}  // namespace

TEST(move_rate, a_move_counts_half_after_a_half_life) {
    MoveRate rate;
    EXPECT_EQ(rate.weight(5), 0);
    rate.note_move(1'000);
    EXPECT_DOUBLE_EQ(rate.weight(1'000), 1);
    EXPECT_DOUBLE_EQ(rate.weight(1'000 + kHalfLife), 0.5);
    rate.note_move(1'000 + kHalfLife);
    EXPECT_DOUBLE_EQ(rate.weight(1'000 + kHalfLife), 1.5);
}

TEST(move_rate, a_clock_that_stands_still_or_goes_back_forgets_nothing) {
    MoveRate rate;
    rate.note_move(10'000);
    rate.note_move(10'000);
    rate.note_move(9'000);
    EXPECT_DOUBLE_EQ(rate.weight(8'000), 3);
    EXPECT_DOUBLE_EQ(rate.weight(10'000), 3);
    EXPECT_DOUBLE_EQ(rate.weight(10'000 + kHalfLife), 1.5);
}

TEST(move_rate, an_agent_becomes_stable_by_time_alone) {
    const MoveRate rate;
    EXPECT_EQ(judge(rate, Stability::normal, kHalfLife - 1), Stability::normal);
    EXPECT_EQ(judge(rate, Stability::normal, kHalfLife), Stability::stable);
    EXPECT_EQ(rate.judge(Stability::normal, 0, true, 0), Stability::stable) << "vouched for";
    EXPECT_EQ(rate.judge(Stability::normal, 50, false, 10), Stability::normal) << "not known yet";
}

TEST(move_rate, three_quick_moves_make_it_unstable_until_half_of_them_are_forgotten) {
    MoveRate rate;
    rate.note_move(0);
    EXPECT_EQ(judge(rate, Stability::stable, 0), Stability::normal) << "one is enough to doubt";
    rate.note_move(0);
    EXPECT_EQ(judge(rate, Stability::normal, 0), Stability::normal);
    rate.note_move(0);
    EXPECT_EQ(judge(rate, Stability::normal, 0), Stability::unstable);
    EXPECT_EQ(judge(rate, Stability::unstable, kHalfLife - 1'000), Stability::unstable);
    EXPECT_EQ(judge(rate, Stability::normal, kHalfLife - 1'000), Stability::normal)
        << "between the bounds a class keeps itself";
    EXPECT_EQ(judge(rate, Stability::unstable, kHalfLife + 1'000), Stability::normal);
}

TEST(move_rate, no_class_flutters_between_the_bounds) {
    MoveRate rate;
    rate.note_move(0);
    const std::uint64_t between = kHalfLife + kHalfLife / 2;  // .35 of a move
    EXPECT_EQ(judge(rate, Stability::normal, between), Stability::normal);
    EXPECT_EQ(judge(rate, Stability::stable, between), Stability::stable);
    EXPECT_EQ(judge(rate, Stability::normal, 3 * kHalfLife), Stability::stable);
}
