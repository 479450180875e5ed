// SPDX-License-Identifier: BSD-3-Clause
#include "routing/token_bucket.h"

#include <gtest/gtest.h>

using posthaste::routing::TokenBucket;

namespace {

unsigned taken(TokenBucket& bucket, std::uint32_t now_ms, unsigned tries) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; ++i) {
        count += bucket.take(now_ms) ? 1 : 0;
    }
    return count;
}

}  // namespace

TEST(token_bucket, one_without_a_rate_never_gives) {
    TokenBucket none;
    EXPECT_EQ(taken(none, 0, 10), 0U);
    EXPECT_EQ(taken(none, 1'000'000, 10), 0U);
    TokenBucket zero(0);
    EXPECT_EQ(taken(zero, 5'000, 10), 0U);
}

TEST(token_bucket, starts_with_one_seconds_worth_and_refills_at_its_rate) {
    TokenBucket bucket(100);
    EXPECT_EQ(taken(bucket, 7'000, 1'000), 100U);
    EXPECT_EQ(taken(bucket, 7'009, 1'000), 0U);
    EXPECT_EQ(taken(bucket, 7'010, 1'000), 1U);
    EXPECT_EQ(taken(bucket, 7'510, 1'000), 50U);
    EXPECT_EQ(taken(bucket, 100'000, 1'000), 100U);
}

TEST(token_bucket, loses_nothing_to_rounding) {
    TokenBucket bucket(3);
    taken(bucket, 0, 10);
    unsigned count = 0;
    for (std::uint32_t now_ms = 1; now_ms <= 10'000; ++now_ms) {
        count += taken(bucket, now_ms, 2);
    }
    EXPECT_EQ(count, 30U);
}

TEST(token_bucket, survives_the_wrap_of_the_clock) {
    TokenBucket bucket(10);
    EXPECT_EQ(taken(bucket, 0xffffff00, 100), 10U);
    EXPECT_EQ(taken(bucket, 0xffffff00 + 500, 100), 5U);
}

TEST(token_bucket, a_new_rate_holds_at_once) {
    TokenBucket bucket(10);
    EXPECT_EQ(taken(bucket, 0, 5), 5U);
    bucket.set_rate(2);
    EXPECT_EQ(taken(bucket, 0, 10), 2U);  // what the new second holds, not what was left
    bucket.set_rate(100);
    EXPECT_EQ(taken(bucket, 0, 10), 0U);  // a higher rate fills up, it gives nothing at once
    EXPECT_EQ(taken(bucket, 1'000, 200), 100U);
}

TEST(token_bucket, a_rate_set_before_the_first_event_finds_the_bucket_full) {
    TokenBucket bucket;
    bucket.set_rate(7);
    EXPECT_EQ(taken(bucket, 123, 10), 7U);
}
