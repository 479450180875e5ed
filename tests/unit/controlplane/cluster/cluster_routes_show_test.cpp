// SPDX-License-Identifier: BSD-3-Clause
// Goal: the claim that holds is the Rib's route, with what the agent offers; where the Rib has no
// room or a better word, nothing is lost. Method: boxes whose route planes are joined by hand.
#include "controlplane/cluster/cluster_routes.h"

#include <gtest/gtest.h>

#include "tests/support/route_box.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using routing::Origin;
using support::kAgent;
using support::kGraceMs;
using support::local_agent;
using support::numbered_id;
using support::RouteCluster;

namespace {

routing::Registration offering(std::uint32_t number, const std::string& name) {
    routing::Registration registration = local_agent(number);
    registration.offers = {{.text = name}};
    return registration;
}

}  // namespace

TEST(cluster_routes_show, the_operators_route_stays_and_the_claim_takes_its_place_when_it_goes) {
    RouteCluster cluster(3);
    cluster.join_all();
    const auto r3 = *cluster[1].next_hops.find_router("r3");
    const auto now = cluster.planes.now_ms;
    ASSERT_TRUE(
        cluster[1].next_hops.add_route(numbered_id(kAgent), r3, Origin::operator_set, 0, now));
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r3");
    EXPECT_GT(cluster[1].routes.counts().outranked, 0U);
    ASSERT_TRUE(cluster[1].rib.remove_route(numbered_id(kAgent)));
    cluster.turn(1);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    // And the other way round.
    ASSERT_TRUE(
        cluster[1].next_hops.add_route(numbered_id(kAgent), r3, Origin::operator_set, 0, now));
    cluster.turn(1);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r3");
}

TEST(cluster_routes_show, claims_the_table_has_no_room_for_come_when_it_has) {
    RouteCluster cluster(2, 4);
    cluster.join_all();
    for (std::uint32_t agent = 0; agent < 4; ++agent) {
        ASSERT_TRUE(cluster.enrol(1, local_agent(100 + agent)));
        ASSERT_TRUE(cluster.enrol(2, local_agent(agent)));
    }
    cluster.pass(100);
    EXPECT_EQ(cluster[1].routes.counts().waiting, 4U);
    EXPECT_GE(cluster[1].routes.counts().refused_full, 4U);
    for (std::uint32_t agent = 0; agent < 3; ++agent) {
        ASSERT_TRUE(cluster[1].rib.deregister_agent(numbered_id(100 + agent), nullptr));
    }
    cluster.pass(50);
    EXPECT_EQ(cluster[1].routes.counts().waiting, 1U);
    EXPECT_EQ(cluster[1].rib.routes().size(), 3U);
    // One that waits and goes is not waited for.
    for (std::uint32_t agent = 0; agent < 4; ++agent) {
        ASSERT_TRUE(cluster[2].rib.deregister_agent(numbered_id(agent), nullptr));
    }
    cluster.pass(100);
    EXPECT_EQ(cluster[1].routes.counts().waiting, 0U);
    EXPECT_TRUE(cluster[1].rib.routes().empty());
}

TEST(cluster_routes_show, agents_here_take_the_places_of_claims_which_come_back_when_they_go) {
    RouteCluster cluster(2, 3);
    cluster.join_all();
    for (std::uint32_t agent = 0; agent < 3; ++agent) {
        ASSERT_TRUE(cluster.enrol(2, local_agent(agent)));
    }
    cluster.pass(100);
    ASSERT_EQ(cluster[1].rib.routes().size(), 3U);
    for (std::uint32_t agent = 100; agent < 103; ++agent) {
        ASSERT_TRUE(cluster.enrol(1, local_agent(agent)));
        EXPECT_EQ(cluster[1].way_to(agent), "local");
    }
    EXPECT_FALSE(cluster.enrol(1, local_agent(103))) << "no claim is left to make room";
    cluster.pass(50);
    EXPECT_TRUE(cluster[1].rib.routes().empty());
    EXPECT_EQ(cluster[1].routes.counts().waiting, 3U);
    EXPECT_EQ(cluster[1].routes.counts().displaced, 3U);
    for (std::uint32_t agent = 100; agent < 103; ++agent) {
        ASSERT_TRUE(cluster[1].rib.deregister_agent(numbered_id(agent), nullptr));
    }
    cluster.pass(50);
    for (std::uint32_t agent = 0; agent < 3; ++agent) {
        EXPECT_EQ(cluster[1].way_to(agent), "r2");
    }
    EXPECT_EQ(cluster[1].routes.counts().waiting, 0U);
}

TEST(cluster_routes_show, an_agent_that_moves_needs_no_second_place_in_a_full_table) {
    RouteCluster cluster(2, 2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(1, local_agent(1)));
    ASSERT_TRUE(cluster.enrol(1, local_agent(2)));
    cluster.pass(100);
    ASSERT_TRUE(cluster.enrol(2, local_agent(1))) << "its claim has the place there";
    EXPECT_EQ(cluster[2].way_to(1), "local");
    cluster.pass(50);
    EXPECT_EQ(cluster[1].way_to(1), "r2") << "before its session here ends";
    EXPECT_EQ(cluster[1].routes.counts().waiting, 0U);
}

TEST(cluster_routes_show, more_claims_than_can_wait_are_found_by_another_walk) {
    constexpr std::uint32_t kClaims = ClusterRoutes::kWaitingMax + 500;
    RouteCluster cluster(2, 10'000);
    cluster[1].rib.set_limits({.routes_max = 10});
    cluster.join_all();
    for (std::uint32_t agent = 0; agent < kClaims; ++agent) {
        ASSERT_TRUE(cluster.enrol(2, local_agent(agent)));
    }
    cluster.pass(1'000);
    EXPECT_EQ(cluster[1].rib.routes().size(), 10U);
    EXPECT_EQ(cluster[1].routes.counts().waiting, ClusterRoutes::kWaitingMax);
    EXPECT_EQ(cluster[1].routes.counts().walks, 0U) << "none while there is no room";
    cluster[1].rib.set_limits({.routes_max = 10'000});
    cluster.pass(2'000);
    EXPECT_EQ(cluster[1].rib.routes().size(), kClaims);
    EXPECT_EQ(cluster[1].routes.counts().waiting, 0U);
    EXPECT_GT(cluster[1].routes.counts().walks, 0U);
}

TEST(cluster_routes_show, what_remote_agents_offer_and_how_busy_they_are_is_known) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, offering(kAgent, "vision/ocr")));
    cluster[2].loads.here[numbered_id(kAgent)] = {300, 4};
    cluster.pass(300);
    ASSERT_EQ(cluster[1].offers.size(), 1U);
    const routing::OfferChange& offer = cluster[1].offers.front();
    EXPECT_EQ(cluster[1].rib.names().at(offer.number).text, "vision/ocr");
    EXPECT_EQ(offer.provider.agent, numbered_id(kAgent));
    EXPECT_EQ(offer.provider.router, *cluster[1].next_hops.find_router("r2"));
    EXPECT_EQ(cluster[1].loads.elsewhere[numbered_id(kAgent)].per_mille, 300);

    cluster[2].loads.here[numbered_id(kAgent)] = {900, 1};
    cluster[2].loads.moved = {{numbered_id(kAgent), {900, 1}}};
    cluster.pass(300);
    EXPECT_EQ(cluster[1].loads.elsewhere[numbered_id(kAgent)].per_mille, 900);

    // Another offer, then none.
    ASSERT_TRUE(cluster.enrol(2, offering(kAgent, "vision/ocr:2")));
    cluster.pass(100);
    ASSERT_EQ(cluster[1].offers.size(), 3U);
    ASSERT_TRUE(cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster.pass(100);
    EXPECT_TRUE(cluster[1].offers.back().remove);
    EXPECT_EQ(cluster[1].rib.offers_held(), 0U);
}

TEST(cluster_routes_show,
     an_agent_with_more_offers_than_there_is_room_for_is_reached_all_the_same) {
    RouteCluster cluster(2);
    cluster.join_all();
    cluster[1].rib.set_limits({.routes_max = 100, .names_max = 0});
    ASSERT_TRUE(cluster.enrol(2, offering(kAgent, "vision/ocr")));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_TRUE(cluster[1].offers.empty());
    EXPECT_EQ(cluster[1].routes.counts().offers_left_out, 1U);
    EXPECT_EQ(cluster[1].routes.counts().without_offers, 1U);
    cluster.pass(3'000);
    EXPECT_EQ(cluster[1].routes.counts().offers_left_out, 1U) << "there still is no room";
    // Found by what it offers as soon as there is.
    cluster[1].rib.set_limits({.routes_max = 100, .names_max = 1});
    cluster.pass(1'100);
    ASSERT_EQ(cluster[1].offers.size(), 1U);
    EXPECT_EQ(cluster[1].rib.names().at(cluster[1].offers[0].number).text, "vision/ocr");
    EXPECT_EQ(cluster[1].routes.counts().without_offers, 0U);
}

TEST(cluster_routes_show, more_routes_without_offers_than_are_kept_are_found_by_another_walk) {
    constexpr std::uint32_t kClaims = ClusterRoutes::kWithoutOffersMax + 300;
    RouteCluster cluster(2, 10'000);
    cluster.join_all();
    cluster[1].rib.set_limits({.routes_max = 10'000, .providers_max = 0});
    for (std::uint32_t agent = 0; agent < kClaims; ++agent) {
        ASSERT_TRUE(cluster.enrol(2, offering(agent, "vision/ocr")));
    }
    cluster.pass(1'000);
    ASSERT_EQ(cluster[1].rib.routes().size(), kClaims);
    EXPECT_EQ(cluster[1].routes.counts().without_offers, ClusterRoutes::kWithoutOffersMax);
    EXPECT_EQ(cluster[1].routes.counts().walks, 0U) << "none while there is no room";
    cluster[1].rib.set_limits({.routes_max = 10'000});
    cluster.pass(3'000);
    EXPECT_EQ(cluster[1].rib.offers_held(), kClaims);
    EXPECT_EQ(cluster[1].routes.counts().without_offers, 0U);
    EXPECT_EQ(cluster[1].routes.counts().walks, 1U);
}

TEST(cluster_routes_show, a_route_without_offers_that_goes_is_not_waited_for) {
    RouteCluster cluster(2);
    cluster.join_all();
    cluster[1].rib.set_limits({.routes_max = 100, .names_max = 0});
    ASSERT_TRUE(cluster.enrol(2, offering(kAgent, "vision/ocr")));
    cluster.pass(100);
    ASSERT_TRUE(cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster.pass(1'100);
    EXPECT_EQ(cluster[1].routes.counts().without_offers, 0U);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");
}

TEST(cluster_routes_show, an_agent_at_several_routers_is_served_by_the_one_here) {
    RouteCluster cluster(2);
    cluster.join_all();
    routing::Registration agent = local_agent(kAgent);
    agent.multi = true;
    ASSERT_TRUE(cluster.enrol(1, agent));
    cluster.pass(100);
    ASSERT_TRUE(cluster.enrol(2, agent));
    cluster.pass(3 * kGraceMs);
    ASSERT_EQ(cluster.planes[1].store().best(numbered_id(kAgent))->router, support::member(2).id);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[1].routes.counts().sessions_closed, 0U);
}

TEST(cluster_routes_show, nothing_is_added_while_the_fib_is_behind) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.planes.pass(100);
    const auto now = cluster.planes.now_ms;
    static_cast<void>(cluster[1].routes.turn(
        {.now_ms = now, .claims_ms = now, .budget = 100, .fib_behind = true}));
    EXPECT_TRUE(cluster[1].rib.routes().empty());
    EXPECT_EQ(cluster[1].routes.counts().pending, 1U);
    // A winner that changes again does not wait twice.
    routing::Registration drains = local_agent(kAgent);
    drains.state = routing::AgentState::draining;
    ASSERT_TRUE(cluster.enrol(2, drains));
    cluster.planes.pass(100);
    static_cast<void>(cluster[1].routes.turn(
        {.now_ms = now, .claims_ms = now, .budget = 100, .fib_behind = true}));
    EXPECT_EQ(cluster[1].routes.counts().pending, 1U);
    static_cast<void>(cluster[1].routes.turn({.now_ms = now, .claims_ms = now, .budget = 100}));
    EXPECT_EQ(cluster[1].rib.routes().size(), 1U);
}

}  // namespace posthaste::controlplane
