// SPDX-License-Identifier: BSD-3-Clause
// The n-th send time: steady, exact over long runs, and the inverse of what is due.
#include "tools/benchmark/pacing.h"

#include <gtest/gtest.h>

using posthaste::tools::Pace;

TEST(pacing, the_first_is_due_at_the_start) {
    const Pace pace(1'000, 3e9, 1e6);
    EXPECT_EQ(pace.time_of(0), 1'000U);
    EXPECT_EQ(pace.due(999), 0U);
    EXPECT_EQ(pace.due(1'000), 1U);
}

TEST(pacing, events_are_evenly_spaced) {
    const Pace pace(0, 3e9, 1e6);
    for (std::uint64_t n = 0; n < 10'000; ++n) {
        ASSERT_EQ(pace.time_of(n), n * 3'000);
    }
}

TEST(pacing, a_rate_that_does_not_divide_the_clock_does_not_drift) {
    constexpr double kHz = 2'599'998'000;
    constexpr double kRate = 7'000'003;
    const Pace pace(0, kHz, kRate);
    constexpr std::uint64_t kHour = 3'600 * std::uint64_t{7'000'003};
    const double exact = static_cast<double>(kHour) * kHz / kRate;
    EXPECT_NEAR(static_cast<double>(pace.time_of(kHour)), exact, 10);
}

TEST(pacing, what_is_due_is_what_has_come_in_time) {
    for (const double rate : {1.0, 3.0, 1e5, 7'654'321.0, 1e9, 7e9}) {
        const Pace pace(500, 3e9, rate);
        for (const std::uint64_t n : {std::uint64_t{0},
                                      std::uint64_t{1},
                                      std::uint64_t{2},
                                      std::uint64_t{999},
                                      std::uint64_t{123'456'789}}) {
            const std::uint64_t at = pace.time_of(n);
            EXPECT_GE(pace.due(at), n + 1);
            EXPECT_LE(pace.time_of(pace.due(at) - 1), at);
            EXPECT_GT(pace.time_of(pace.due(at)), at);
            if (at > 500) {
                EXPECT_LE(pace.due(at - 1), n);
            }
        }
    }
}
