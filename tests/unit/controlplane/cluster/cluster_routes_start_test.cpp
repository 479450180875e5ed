// SPDX-License-Identifier: BSD-3-Clause
// Goal: what a router brings along from its ini and store is claimed, and nobody waits for it.
// Method: one box that has agents before its first turn.
#include <gtest/gtest.h>

#include "controlplane/cluster/cluster_routes.h"
#include "tests/support/route_box.h"

namespace posthaste::controlplane {

using support::local_agent;
using support::numbered_id;
using support::RouteCluster;

TEST(cluster_routes_start,
     agents_that_are_here_at_the_start_are_claimed_some_a_turn_before_the_end) {
    constexpr std::uint32_t kStored = 3'000;
    RouteCluster cluster(1, 10'000);
    for (std::uint32_t agent = 0; agent < kStored; ++agent) {
        ASSERT_TRUE(cluster[1].rib.register_agent(local_agent(100 + agent), 0));
    }
    const gossip::claims::ClaimStore& store = cluster.planes[1].store();
    const auto claimed = [&](std::uint32_t agent) {
        return store.own(numbered_id(100 + agent)).has_value();
    };
    EXPECT_TRUE(cluster.turn(1).more);
    std::uint32_t last = kStored;
    while (last > 0 && claimed(last - 1)) {
        --last;
    }
    ASSERT_GT(last, 0U) << "as many as a turn may cost";
    const std::uint64_t left = cluster[1].routes.counts().own_pending;
    EXPECT_GT(left, 0U);
    EXPECT_LT(left, kStored);
    EXPECT_FALSE(store.own(gossip::claims::end_key()));
    // One that refreshes is told that it is here: before its turn it is claimed.
    ASSERT_TRUE(cluster.enrol(1, local_agent(100 + last - 1)));
    EXPECT_TRUE(claimed(last - 1));
    for (int turns = 0; cluster[1].routes.counts().own_pending > 0; ++turns) {
        ASSERT_LT(turns, 10);
        cluster.turn(1);
    }
    for (std::uint32_t agent = 0; agent < kStored; ++agent) {
        EXPECT_TRUE(claimed(agent)) << agent;
    }
    EXPECT_TRUE(store.own(gossip::claims::end_key()));
    EXPECT_FALSE(cluster.turn(1).more);
}

}  // namespace posthaste::controlplane
