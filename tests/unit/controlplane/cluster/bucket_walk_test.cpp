// SPDX-License-Identifier: BSD-3-Clause
// Goal: every bucket is looked into, whatever becomes of the table meanwhile. Method: facts one by
// one, and a set that grows under a walk.
#include "controlplane/cluster/bucket_walk.h"

#include <gtest/gtest.h>

#include <set>
#include <unordered_set>
#include <vector>

using posthaste::controlplane::BucketWalk;

TEST(bucket_walk, each_bucket_comes_once_and_one_that_was_not_done_again) {
    BucketWalk walk;
    EXPECT_TRUE(walk.done());
    walk.begin(3);
    EXPECT_EQ(walk.next(3), 0U);
    EXPECT_EQ(walk.next(3), 1U);
    walk.again();
    EXPECT_EQ(walk.next(3), 1U);
    EXPECT_FALSE(walk.done());
    EXPECT_EQ(walk.next(3), 2U);
    EXPECT_TRUE(walk.done());
}

TEST(bucket_walk, one_begun_anew_goes_on_from_where_the_last_one_was) {
    BucketWalk walk;
    walk.begin(3);
    EXPECT_EQ(walk.next(3), 0U);
    walk.begin(3);
    std::vector<std::size_t> seen;
    while (!walk.done()) {
        seen.push_back(walk.next(3));
    }
    EXPECT_EQ(seen, (std::vector<std::size_t>{1, 2, 0}));
}

TEST(bucket_walk, all_that_was_there_is_found_in_a_table_that_grows) {
    std::unordered_set<int> table;
    for (int i = 0; i < 100; ++i) {
        table.insert(i);
    }
    std::set<int> found;
    BucketWalk walk;
    walk.begin(table.bucket_count());
    for (int more = 100; !walk.done(); ++more) {
        const std::size_t bucket = walk.next(table.bucket_count());
        found.insert(table.begin(bucket), table.end(bucket));
        if (more < 2'000) {
            table.insert(more);
        }
    }
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(found.contains(i)) << i;
    }
}
