// SPDX-License-Identifier: BSD-3-Clause
// Goal: a router of the cluster is a next hop as long as the cluster says so, and leaves nothing
// behind. Method: boxes whose route planes are joined by hand, and members as the test says.
#include "controlplane/cluster/cluster_routes.h"

#include <gtest/gtest.h>

#include "tests/support/route_box.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::Membership;
using routing::Origin;
using support::kAgent;
using support::local_agent;
using support::member;
using support::numbered_id;
using support::RouteCluster;

namespace {

constexpr std::size_t kSlice = 40;  // of 100 routes

// Router 2 has 100 agents and moves to another address; the first slice of its routes at router 1
// has followed.
struct MovingRouter {
    MovingRouter() : cluster(2) {
        cluster.join_all();
        for (std::uint32_t agent = 0; agent < 100; ++agent) {
            EXPECT_TRUE(cluster.enrol(2, local_agent(agent)));
        }
        cluster.pass(200);
        before = adjacency();
        RouterMember moved = member(2);
        moved.fabric = support::address("10.2.0.77");
        cluster.turn(1, {moved}, kSlice);
        after = adjacency();
        EXPECT_NE(after, before);
    }

    [[nodiscard]] std::uint16_t adjacency() {
        return cluster[1].next_hops.routers()[*cluster[1].next_hops.find_router("r2")].adjacency;
    }

    [[nodiscard]] std::size_t routes_by(std::uint16_t where) {
        std::size_t count = 0;
        for (const auto& [id, entry] : cluster[1].fib) {
            count += entry.endpoint.adjacency == where ? 1U : 0U;
        }
        return count;
    }

    [[nodiscard]] bool is_used(std::uint16_t which) {
        return cluster[1].neighbours.adjacencies()[which].used;
    }

    RouteCluster cluster;
    std::uint16_t before = 0;
    std::uint16_t after = 0;
};

}  // namespace

TEST(cluster_routes_members, agents_of_a_dead_router_go_to_their_other_claim_and_back) {
    RouteCluster cluster(3);
    cluster.join_all();
    routing::Registration fixed = local_agent(kAgent);
    fixed.origin = Origin::configured;
    ASSERT_TRUE(cluster[2].rib.register_agent(fixed, 0));
    cluster.pass(100);
    fixed.agent = numbered_id(kAgent);
    ASSERT_TRUE(cluster[3].rib.register_agent(fixed, 0));
    cluster.pass(100);
    ASSERT_EQ(cluster[1].way_to(kAgent), "r3") << "it came there last";
    ASSERT_TRUE(cluster.enrol(3, local_agent(kAgent + 1)));
    cluster.pass(100);

    cluster.planes[1].set_member(member(3).id, Membership::out);
    cluster.turn(1, {member(3, Membership::out)}, 0);
    EXPECT_EQ(cluster[1].way_to(kAgent), "out") << "at once, before any route is touched";
    EXPECT_EQ(cluster[1].way_to(kAgent + 1), "out");
    cluster.pass(50);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_EQ(cluster[1].way_to(kAgent + 1), "out") << "it is nowhere else";

    cluster.planes[1].set_member(member(3).id, Membership::alive);
    cluster.turn(1, {member(3)}, 0);
    EXPECT_EQ(cluster[1].way_to(kAgent + 1), "r3") << "at once";
    cluster.pass(50);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r3");
}

TEST(cluster_routes_members, a_claim_that_went_while_its_router_was_out_leaves_no_route) {
    RouteCluster cluster(3);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(3, local_agent(kAgent)));
    cluster.pass(100);
    cluster.tell(1, member(3, Membership::out));  // router 1 is alone with that belief
    ASSERT_TRUE(cluster[3].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster.pass(500);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");
}

TEST(cluster_routes_members, a_forgotten_router_gives_its_number_back) {
    RouteCluster cluster(3);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(3, local_agent(kAgent)));
    cluster.pass(100);
    const auto slot = cluster[1].next_hops.find_router("r3");
    ASSERT_TRUE(slot);
    // The operator's routes to it go, too.
    ASSERT_TRUE(cluster[1].next_hops.add_route(
        numbered_id(99), *slot, Origin::operator_set, 0, cluster.planes.now_ms));
    cluster.planes.cut(1, 3);
    cluster.planes.cut(2, 3);
    cluster.tell(1, member(3, Membership::out));
    cluster.tell(1, member(3, Membership::forgotten));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");
    EXPECT_EQ(cluster[1].way_to(99), "nothing");
    EXPECT_FALSE(cluster[1].next_hops.find_router("r3"));
    EXPECT_FALSE(cluster[1].mask.out(*slot));
    EXPECT_EQ(cluster[1].routes.counts().routers, 1U);
    EXPECT_FALSE(cluster[1].routes.router_at(*slot));

    cluster.tell(1, member(9));
    EXPECT_EQ(cluster[1].next_hops.find_router("r9"), slot);
}

TEST(cluster_routes_members, a_router_counts_if_neither_operator_nor_cluster_says_otherwise) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    const auto slot = *cluster[1].next_hops.find_router("r2");
    cluster[1].next_hops.set_withdrawn(slot, true);
    cluster.tell(1, member(2, Membership::out));
    cluster.tell(1, member(2));
    EXPECT_EQ(cluster[1].way_to(kAgent), "out");
    cluster.tell(1, member(2, Membership::out));
    cluster[1].next_hops.set_withdrawn(slot, false);
    EXPECT_EQ(cluster[1].way_to(kAgent), "out");
    cluster.tell(1, member(2));
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
}

TEST(cluster_routes_members, a_claim_of_a_router_that_is_no_member_yet_is_shown_when_it_is) {
    RouteCluster cluster(3);
    cluster.planes.connect_all();
    cluster.tell(1, member(2));
    ASSERT_TRUE(cluster.enrol(3, local_agent(kAgent)));
    cluster.turn(3);
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");
    EXPECT_GT(cluster[1].routes.counts().unreachable, 0U);
    cluster.tell(1, member(3));
    cluster.pass(50);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r3");
}

TEST(cluster_routes_members, a_router_no_fabric_port_leads_to_waits_for_one) {
    RouteCluster cluster(2);
    cluster.planes.connect_all();
    RouterMember far = member(2);
    far.fabric = support::address("10.9.0.2");
    cluster.tell(1, far);
    EXPECT_EQ(cluster[1].routes.counts().routers_waiting, 1U);
    EXPECT_FALSE(cluster[1].next_hops.find_router("r2"));
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.turn(2);
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");

    cluster[1].config.ports[1].gateway = support::address("10.2.0.1");
    cluster.pass(1'100);
    EXPECT_EQ(cluster[1].routes.counts().routers_waiting, 0U);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
}

TEST(cluster_routes_members, a_router_that_moves_where_no_port_leads_is_out_until_one_does) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    RouterMember far = member(2);
    far.fabric = support::address("10.9.0.2");
    cluster.tell(1, far);
    EXPECT_EQ(cluster[1].way_to(kAgent), "out") << "it is no more where it was";
    cluster.pass(3'000);
    EXPECT_EQ(cluster[1].way_to(kAgent), "out");
    cluster[1].config.ports[1].gateway = support::address("10.2.0.1");
    cluster.pass(1'100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_EQ(cluster[1].routes.counts().routers_waiting, 0U);
}

TEST(cluster_routes_members, routes_follow_a_router_to_its_new_address_in_slices) {
    MovingRouter moving;
    EXPECT_EQ(moving.routes_by(moving.after), kSlice);
    moving.cluster.turn(1, {}, kSlice);
    moving.cluster.turn(1, {}, kSlice);
    EXPECT_EQ(moving.routes_by(moving.after), 100U);
    moving.cluster.turn(1, {}, kSlice);
    EXPECT_FALSE(moving.is_used(moving.before));
}

TEST(cluster_routes_members, routes_follow_a_router_that_moves_back_before_all_have_followed) {
    MovingRouter moving;
    moving.cluster.turn(1, {member(2)}, kSlice);
    ASSERT_EQ(moving.adjacency(), moving.before);
    for (int i = 0; i < 10; ++i) {
        moving.cluster.turn(1, {}, kSlice);
    }
    EXPECT_EQ(moving.routes_by(moving.before), 100U);
    EXPECT_TRUE(moving.is_used(moving.before));
    EXPECT_FALSE(moving.is_used(moving.after));
}

TEST(cluster_routes_members, a_member_with_a_section_is_where_the_section_says) {
    RouteCluster cluster(2);
    controlplane::Config with = cluster[1].config;
    RouterConfig& section = with.routers.emplace_back();
    section.name = "r2";
    section.address = support::address("10.2.0.200");
    cluster[1].config = with;
    ASSERT_TRUE(cluster[1].next_hops.apply(with, 0));
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    const auto slot = *cluster[1].next_hops.find_router("r2");
    const RouterSlot& router = cluster[1].next_hops.routers()[slot];
    EXPECT_EQ(router.config.address, support::address("10.2.0.200"));

    // Without the section it is where the cluster says, and keeps its number and its routes.
    const controlplane::Config without = support::route_box_config();
    cluster[1].config = without;
    ASSERT_TRUE(cluster[1].next_hops.apply(without, 0));
    cluster.turn(1);
    cluster.turn(1);
    EXPECT_EQ(cluster[1].next_hops.find_router("r2"), slot);
    EXPECT_EQ(router.config.address, support::address("10.2.0.2"));
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_EQ(cluster[1].fib.at(numbered_id(kAgent)).endpoint.adjacency, router.adjacency);

    // And again with it, then forgotten by the cluster: the section stays.
    cluster[1].config = with;
    ASSERT_TRUE(cluster[1].next_hops.apply(with, 0));
    EXPECT_EQ(router.config.address, support::address("10.2.0.200"));
    cluster.planes.cut(1, 2);
    cluster.tell(1, member(2, Membership::out));
    cluster.tell(1, member(2, Membership::forgotten));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");
    EXPECT_EQ(cluster[1].next_hops.find_router("r2"), slot);
    EXPECT_FALSE(cluster[1].mask.out(slot));
    EXPECT_EQ(cluster[1].next_hops.members_alone(), 0U);
}

}  // namespace posthaste::controlplane
