// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/backoff.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace posthaste::controlplane {
namespace {

TEST(backoff, nobody_waits_for_the_first_call) {
    EXPECT_EQ(Backoff().due_ms(), 0U);
}

TEST(backoff, each_failure_doubles_the_wait_up_to_a_limit) {
    Backoff backoff;
    for (const std::uint64_t delay : {100, 200, 400, 800, 1'600, 3'200, 5'000, 5'000}) {
        backoff.failed(1'000, 0);
        EXPECT_EQ(backoff.due_ms(), 1'000 + delay);
    }
    for (int i = 0; i < 1'000; ++i) {
        backoff.failed(1'000, 0);
    }
    EXPECT_EQ(backoff.due_ms(), 6'000U);
}

TEST(backoff, a_refusal_waits_longer_and_up_to_a_minute) {
    Backoff backoff;
    for (const std::uint64_t delay : {1'000, 2'000, 4'000, 8'000, 16'000, 32'000, 60'000}) {
        backoff.refused(0, 0);
        EXPECT_EQ(backoff.due_ms(), delay);
    }
}

TEST(backoff, chance_takes_half_of_it_at_most) {
    Backoff backoff;
    for (std::uint64_t random = 0; random < 500; ++random) {
        backoff.succeeded();
        backoff.failed(0, random);
        EXPECT_GE(backoff.due_ms(), 50U);
        EXPECT_LE(backoff.due_ms(), 100U);
    }
}

TEST(backoff, success_begins_it_anew) {
    Backoff backoff;
    backoff.refused(0, 0);
    backoff.failed(0, 0);
    backoff.succeeded();
    EXPECT_EQ(backoff.due_ms(), 0U);
    backoff.failed(0, 0);
    EXPECT_EQ(backoff.due_ms(), 100U);
}

}  // namespace
}  // namespace posthaste::controlplane
