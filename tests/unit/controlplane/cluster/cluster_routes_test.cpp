// SPDX-License-Identifier: BSD-3-Clause
// Goal: what agents do here is what other routers hear, and what those say is what lcores see.
// Method: two or three boxes whose route planes are joined by hand; time passes as the test says.
#include "controlplane/cluster/cluster_routes.h"

#include <gtest/gtest.h>

#include "routing/capability_name.h"
#include "tests/support/route_box.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::EventKind;
using routing::ErrorCode;
using routing::Origin;
using support::kAgent;
using support::kGraceMs;
using support::local_agent;
using support::numbered_id;
using support::RouteCluster;

namespace {

// First to router 1, then to router 2: the session at router 1 is within its grace.
void attach_to_both(RouteCluster& cluster) {
    cluster.join_all();
    for (const std::size_t number : {1U, 2U}) {
        ASSERT_TRUE(cluster.enrol(number, local_agent(kAgent)));
        cluster.pass(100);
    }
    ASSERT_EQ(cluster[1].way_to(kAgent), "r2");
}

}  // namespace

TEST(cluster_routes, an_agent_registered_at_one_router_is_routed_by_the_others) {
    RouteCluster cluster(3);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_EQ(cluster[2].way_to(kAgent), "local");
    EXPECT_EQ(cluster[3].way_to(kAgent), "r2");
    EXPECT_EQ(cluster[1].fib.at(numbered_id(kAgent)).fresh_until_ms, 0U);

    ASSERT_TRUE(cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "nothing");
    EXPECT_EQ(cluster[3].way_to(kAgent), "nothing");
}

TEST(cluster_routes, what_a_static_agent_is_here_is_sticky_elsewhere) {
    RouteCluster cluster(2);
    cluster.join_all();
    routing::Registration fixed = local_agent(kAgent);
    fixed.origin = Origin::configured;
    ASSERT_TRUE(cluster[1].rib.register_agent(fixed, 0));
    cluster.pass(100);
    EXPECT_TRUE(cluster.planes[2].store().best(numbered_id(kAgent))->body.sticky);
    // One that comes there does not get it.
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[2].way_to(kAgent), "r1");
}

TEST(cluster_routes, an_agent_that_moved_is_routed_at_once_and_its_old_session_ends_later) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(1, local_agent(kAgent)));
    cluster.pass(100);
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    EXPECT_EQ(cluster[2].way_to(kAgent), "local") << "when it is told so";
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_NE(cluster[1].rib.find_agent(numbered_id(kAgent)), nullptr) << "until the grace ends";

    cluster.pass(kGraceMs + 100);
    EXPECT_EQ(cluster[1].rib.find_agent(numbered_id(kAgent)), nullptr);
    EXPECT_FALSE(cluster.planes[1].store().own(numbered_id(kAgent)));
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    EXPECT_EQ(cluster[1].routes.counts().sessions_closed, 1U);
    EXPECT_EQ(cluster[2].way_to(kAgent), "local");
}

TEST(cluster_routes, if_the_other_claim_goes_within_the_grace_the_session_here_is_shown_again) {
    RouteCluster cluster(2);
    ASSERT_NO_FATAL_FAILURE(attach_to_both(cluster));
    ASSERT_TRUE(cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[2].way_to(kAgent), "r1");
    cluster.pass(2 * kGraceMs);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
}

TEST(cluster_routes, an_agent_that_registers_again_within_the_grace_is_back) {
    RouteCluster cluster(2);
    ASSERT_NO_FATAL_FAILURE(attach_to_both(cluster));
    ASSERT_TRUE(cluster.enrol(1, local_agent(kAgent)));
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    cluster.pass(kGraceMs + 200);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[2].way_to(kAgent), "r1");
    EXPECT_EQ(cluster[2].rib.find_agent(numbered_id(kAgent)), nullptr);
}

TEST(cluster_routes, a_session_of_a_lower_epoch_is_taken_but_gets_nothing_and_is_closed) {
    RouteCluster cluster(2);
    cluster.join_all();
    routing::Registration agent = local_agent(kAgent);
    agent.epoch = 5;
    ASSERT_TRUE(cluster.enrol(1, agent));
    cluster.pass(100);
    agent.epoch = 4;
    ASSERT_TRUE(cluster.enrol(2, agent));
    EXPECT_EQ(cluster[2].way_to(kAgent), "r1");
    cluster.pass(kGraceMs + 200);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[2].way_to(kAgent), "r1");
    EXPECT_EQ(cluster[2].rib.find_agent(numbered_id(kAgent)), nullptr);

    // Its next one wins wherever it is, and so does the one it has when it says a higher number.
    agent.epoch = 6;
    ASSERT_TRUE(cluster.enrol(2, agent));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    agent.epoch = 7;
    ASSERT_TRUE(cluster.enrol(1, agent));
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster.planes[1].store().best(numbered_id(kAgent))->body.epoch, 7U);
}

TEST(cluster_routes, a_multi_homed_agent_is_at_both_routers_and_neither_freezes_nor_closes_it) {
    RouteCluster cluster(3);
    cluster.join_all();
    routing::Registration agent = local_agent(kAgent);
    agent.multi = true;
    for (std::size_t round = 0; round < 20; ++round) {
        agent.epoch = static_cast<std::uint32_t>(round / 2);  // and so one lags behind the other
        agent.endpoint.udp_port = static_cast<std::uint16_t>(5'000 + round);
        ASSERT_TRUE(cluster.enrol(1 + round % 2, agent)) << round;
        cluster.pass(kGraceMs / 2);
        ASSERT_EQ(cluster[1 + round % 2].way_to(kAgent), "local");
    }
    cluster.pass(3 * kGraceMs);
    for (const std::size_t n : {1U, 2U}) {
        EXPECT_EQ(cluster[n].way_to(kAgent), "local");
        EXPECT_NE(cluster[n].rib.find_agent(numbered_id(kAgent)), nullptr);
        EXPECT_EQ(cluster[n].routes.counts().sessions_closed, 0U);
        EXPECT_EQ(cluster[n].routes.counts().attach_refused, 0U);
        EXPECT_EQ(cluster.planes[n].own().counts().moved_here, 0U);
        EXPECT_EQ(cluster.events(n, EventKind::frozen), 0U);
    }
    EXPECT_EQ(cluster[3].way_to(kAgent), "r2");

    ASSERT_TRUE(cluster[2].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster.pass(50);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[2].way_to(kAgent), "r1");
    EXPECT_EQ(cluster[3].way_to(kAgent), "r1");
}

TEST(cluster_routes, an_agent_that_drains_loses_to_one_that_runs) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(1, local_agent(kAgent)));
    cluster.pass(100);
    ASSERT_TRUE(cluster[1].rib.set_state(numbered_id(kAgent), routing::AgentState::draining));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
    EXPECT_EQ(cluster[2].fib.at(numbered_id(kAgent)).state, routing::AgentState::draining);
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
}

TEST(cluster_routes, an_agent_two_routers_claim_too_often_is_refused_and_nothing_is_registered) {
    RouteCluster cluster(2);
    cluster.join_all();
    tl::expected<routing::RegisterOutcome, routing::RibError> outcome;
    std::size_t moves = 0;
    for (; moves < 30; ++moves) {
        const std::size_t box = 1 + moves % 2;
        const auto version = cluster[box].rib.version();
        outcome = cluster.enrol(box, local_agent(kAgent));
        if (!outcome) {
            EXPECT_EQ(cluster[box].rib.version(), version);
            break;
        }
        cluster.pass(kGraceMs + 300);  // the other session is closed
    }
    ASSERT_FALSE(outcome) << moves;
    EXPECT_EQ(outcome.error().code, ErrorCode::rate_limited);
    EXPECT_EQ(outcome.error().detail, "claimed by two routers too often");
    const std::size_t box = 1 + moves % 2;
    EXPECT_EQ(cluster[box].rib.find_agent(numbered_id(kAgent)), nullptr);
    EXPECT_FALSE(cluster.planes[box].store().own(numbered_id(kAgent)));
    EXPECT_EQ(cluster[box].way_to(kAgent), box == 1 ? "r2" : "r1");
    EXPECT_EQ(cluster[box].routes.counts().frozen, 1U);
    cluster.pass(50);
    EXPECT_EQ(cluster.events(box, EventKind::frozen), 1U) << "the alarm";
    // Where it is, it may go on registering.
    EXPECT_TRUE(cluster.enrol(3 - box, local_agent(kAgent)));
    // And after the freeze it may come.
    cluster.pass(200'000);
    EXPECT_TRUE(cluster.enrol(box, local_agent(kAgent)));
    EXPECT_EQ(cluster[box].way_to(kAgent), "local");
}

TEST(cluster_routes, agents_a_full_table_of_claims_cannot_take_are_refused) {
    auto options = support::PlaneGroup::small_options();
    options.store.limits.records_max = 4;
    RouteCluster cluster(1, 1'000, options);
    cluster.turn(1);
    tl::expected<routing::RegisterOutcome, routing::RibError> outcome;
    std::uint32_t agent = 0;
    for (; agent < 10; ++agent) {
        outcome = cluster.enrol(1, local_agent(agent));
        if (!outcome) {
            break;
        }
    }
    ASSERT_FALSE(outcome);
    EXPECT_EQ(outcome.error().code, ErrorCode::overloaded);
    EXPECT_EQ(cluster[1].rib.agents().size(), agent);

    // Static ones are served here, and told of when there is room.
    routing::Registration fixed = local_agent(50);
    fixed.origin = Origin::configured;
    ASSERT_TRUE(cluster[1].rib.register_agent(fixed, 0));
    cluster.turn(1);
    EXPECT_EQ(cluster[1].way_to(50), "local");
    EXPECT_EQ(cluster[1].routes.counts().unclaimed, 1U);
}

TEST(cluster_routes, an_agent_that_registers_is_claimed_before_all_that_changed_earlier) {
    constexpr std::uint32_t kEarlier = 2'000;
    RouteCluster cluster(1, 10'000);
    cluster.turn(1);
    for (std::uint32_t agent = 0; agent < kEarlier; ++agent) {
        routing::Registration fixed = local_agent(100 + agent);
        fixed.origin = Origin::operator_set;
        ASSERT_TRUE(cluster[1].rib.register_agent(fixed, 0));
    }
    ASSERT_TRUE(cluster.enrol(1, local_agent(kAgent)));
    EXPECT_TRUE(cluster.planes[1].store().own(numbered_id(kAgent)));
    EXPECT_EQ(cluster[1].routes.counts().own_pending, kEarlier) << "its turn pays for no other";
    EXPECT_TRUE(cluster.turn(1).more);
    EXPECT_LT(cluster[1].routes.counts().own_pending, kEarlier);
    EXPECT_GT(cluster[1].routes.counts().own_pending, 0U) << "as many as a turn may cost";
    EXPECT_FALSE(cluster.turn(1).more);
    EXPECT_TRUE(cluster.planes[1].store().own(numbered_id(100 + kEarlier - 1)));
}

TEST(cluster_routes, an_agent_that_changes_again_and_again_waits_once_and_as_a_new_session) {
    RouteCluster cluster(2);
    ASSERT_NO_FATAL_FAILURE(attach_to_both(cluster));
    ASSERT_TRUE(cluster[1].rib.register_agent(local_agent(kAgent), 0));  // it wants to be here
    for (const auto state : {routing::AgentState::draining, routing::AgentState::running}) {
        ASSERT_TRUE(cluster[1].rib.set_state(numbered_id(kAgent), state));
    }
    ASSERT_TRUE(cluster.enrol(1, local_agent(1)));
    EXPECT_EQ(cluster[1].routes.counts().own_pending, 1U);
    cluster.turn(1);
    EXPECT_EQ(cluster[1].way_to(kAgent), "local");
}

TEST(cluster_routes, agents_beyond_those_kept_for_room_are_claimed_when_there_is_some) {
    auto options = support::PlaneGroup::small_options();
    options.store.limits.records_max = 10;
    options.own.withdrawn_max = 0;
    support::PlaneGroup planes(1, options);
    support::RouteBox box(planes[1], 100, {.unclaimed_max = 2});
    const auto turn = [&] {
        planes.pass(100);
        static_cast<void>(
            box.routes.turn({.now_ms = planes.now_ms, .claims_ms = planes.now_ms, .budget = 100}));
    };
    const auto claimed = [&] {
        std::vector<std::uint32_t> agents;
        for (std::uint32_t agent = 0; agent < 40; ++agent) {
            if (planes[1].store().own(numbered_id(agent))) {
                agents.push_back(agent);
            }
        }
        return agents;
    };
    for (std::uint32_t agent = 0; agent < 20; ++agent) {
        routing::Registration fixed = local_agent(agent);
        fixed.origin = Origin::configured;
        ASSERT_TRUE(box.rib.register_agent(fixed, 0));
    }
    turn();
    const auto first = claimed();
    ASSERT_GT(first.size(), 5U);
    ASSERT_LT(first.size(), 12U);
    EXPECT_EQ(box.routes.counts().unclaimed, 2U);
    for (const std::uint32_t agent : first) {
        ASSERT_TRUE(box.rib.deregister_agent(numbered_id(agent), nullptr));
    }
    for (int i = 0; i < 60; ++i) {
        turn();
    }
    EXPECT_LE(planes[1].store().room(), 1U) << "as many as can be";
    EXPECT_GT(claimed().size(), 5U);
}

TEST(cluster_routes, who_leaves_is_shown_where_else_it_is_in_the_same_publication) {
    RouteCluster cluster(2);
    cluster.join_all();
    routing::Registration several = local_agent(kAgent);
    several.multi = true;
    for (const std::size_t number : {1U, 2U}) {
        ASSERT_TRUE(cluster.enrol(number, several));
        cluster.pass(100);
    }
    ASSERT_EQ(cluster[1].way_to(kAgent), "local");
    ASSERT_TRUE(cluster[1].rib.deregister_agent(numbered_id(kAgent), nullptr));
    cluster[1].routes.settle_some(1);
    cluster[1].publish();
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
}

TEST(cluster_routes, an_agent_nobody_told_of_is_asked_for_and_shown) {
    RouteCluster cluster(2);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));  // and its push has not gone yet
    ASSERT_TRUE(cluster[1].discovery.want(numbered_id(kAgent), cluster.planes.now_ms));
    cluster.turn(1);
    EXPECT_EQ(cluster[1].routes.counts().discoveries, 1U);
    while (cluster.planes.carry()) {
    }
    cluster.planes[1].on_timer(cluster.planes.now_ms);
    cluster.turn(1);
    EXPECT_EQ(cluster[1].routes.counts().discoveries_found, 1U);
    EXPECT_EQ(cluster[1].discovery.counts().answered, 1U);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
}

TEST(cluster_routes, a_capability_nobody_told_of_is_asked_for_and_agents_that_have_it_shown) {
    claims::PlaneOptions silent = support::PlaneGroup::small_options();
    silent.push_ms = 1'000'000;
    silent.digest_ms = 1'000'000;
    RouteCluster cluster(3, 1'000, silent);
    const routing::AgentId key = routing::capability_key(routing::capability_id("vision/ocr"));
    ASSERT_TRUE(cluster[1].discovery.want(key, cluster.planes.now_ms));
    cluster.turn(1);
    EXPECT_EQ(cluster[1].routes.counts().not_discovered, 1U) << "nobody is there";
    cluster.join_all();
    routing::Registration agent = local_agent(kAgent);
    agent.offers = {{.text = "vision/ocr"}};
    ASSERT_TRUE(cluster.enrol(2, agent));
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent + 1)));
    cluster.pass(2'000);
    ASSERT_EQ(cluster[1].way_to(kAgent), "nothing") << "it is not told unasked";

    ASSERT_TRUE(cluster[1].discovery.want(key, cluster.planes.now_ms));
    EXPECT_FALSE(cluster[1].discovery.want(key, cluster.planes.now_ms)) << "one at a time";
    cluster.turn(1);
    cluster.planes.carry();
    cluster.turn(2);
    cluster.turn(3);
    cluster.planes.carry();
    ASSERT_TRUE(cluster.planes[1].store().best(numbered_id(kAgent))->provisional);
    EXPECT_FALSE(cluster.planes[1].store().best(numbered_id(kAgent + 1))) << "it has nothing";
    cluster.planes[1].on_timer(cluster.planes.now_ms);
    cluster.turn(1);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r2");
    ASSERT_EQ(cluster[1].offers.size(), 1U);
    EXPECT_EQ(cluster[1].rib.names().at(cluster[1].offers[0].number).text, "vision/ocr");
    EXPECT_EQ(cluster[1].routes.counts().discoveries_found, 1U);
    EXPECT_EQ(cluster[1].routes.counts().discoveries_unknown, 0U);
    EXPECT_EQ(cluster[1].discovery.in_flight(), 0U);
    EXPECT_EQ(cluster[2].routes.counts().questions_answered, 1U);
    EXPECT_EQ(cluster[3].routes.counts().questions_answered, 1U);
    cluster.pass(100);
    EXPECT_EQ(cluster[1].way_to(kAgent + 1), "r2") << "the keyspace has come";
}

TEST(cluster_routes, a_capability_is_unknown_when_all_who_were_asked_said_so) {
    RouteCluster cluster(3);
    cluster.join_all();
    ASSERT_TRUE(cluster[1].discovery.want(
        routing::capability_key(routing::capability_id("vision/ocr")), cluster.planes.now_ms));
    cluster.pass(50);
    EXPECT_EQ(cluster[1].routes.counts().discoveries, 1U);
    EXPECT_EQ(cluster[1].routes.counts().discoveries_found, 0U);
    EXPECT_EQ(cluster[1].routes.counts().discoveries_unknown, 1U);
    EXPECT_EQ(cluster[1].discovery.in_flight(), 0U);
}

TEST(cluster_routes, more_questions_than_a_turn_answers_wait_for_the_next) {
    RouteCluster cluster(2);
    cluster.join_all();
    for (unsigned i = 0; i < 40; ++i) {
        ASSERT_TRUE(cluster[1].discovery.want(
            routing::capability_key(routing::capability_id("c/" + std::to_string(i))),
            cluster.planes.now_ms));
    }
    cluster.turn(1);
    cluster.planes.carry();
    cluster.turn(2);
    const std::uint64_t once = cluster[2].routes.counts().questions_answered;
    EXPECT_GT(once, 0U);
    EXPECT_LT(once, 40U);
    cluster.pass(100);
    EXPECT_EQ(cluster[2].routes.counts().questions_answered, 40U);
    EXPECT_EQ(cluster[1].routes.counts().discoveries_unknown, 40U);
}

// Router 1 is told nothing by router 3, where the agent of router 2 is now.
TEST(cluster_routes, who_sends_to_a_router_that_an_agent_has_left_is_told_and_sends_elsewhere) {
    claims::PlaneOptions silent = support::PlaneGroup::small_options();
    silent.digest_ms = 1'000'000;
    RouteCluster cluster(3, 1'000, silent);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.pass(100);
    cluster.planes.cut(1, 3);
    ASSERT_TRUE(cluster.enrol(3, local_agent(kAgent)));
    cluster.pass(kGraceMs / 2);
    ASSERT_EQ(cluster[2].way_to(kAgent), "r3");
    ASSERT_EQ(cluster[1].way_to(kAgent), "r2");

    cluster.turn(2, {}, 100, {{numbered_id(kAgent), support::address("10.2.0.1")}});
    EXPECT_EQ(cluster[2].routes.counts().hints_told, 1U);
    cluster.pass(50);
    EXPECT_EQ(cluster[1].way_to(kAgent), "r3");
}

TEST(cluster_routes, hints_go_to_routers_with_a_session_and_about_agents_that_are_not_here) {
    claims::PlaneOptions options = support::PlaneGroup::small_options();
    options.not_here_per_second = 1;
    RouteCluster cluster(3, 1'000, options);
    cluster.join_all();
    ASSERT_TRUE(cluster.enrol(2, local_agent(kAgent)));
    cluster.planes.cut(2, 3);
    const auto from = [](const char* router) { return support::address(router); };
    cluster.turn(2,
                 {},
                 100,
                 {{numbered_id(kAgent), from("10.2.0.1")},
                  {numbered_id(kAgent + 1), from("10.2.0.1")},
                  {numbered_id(kAgent + 2), from("10.2.0.1")},
                  {numbered_id(kAgent + 1), from("10.2.0.3")},
                  {numbered_id(kAgent + 1), from("10.2.0.99")}});
    const ClusterRoutesCounts counts = cluster[2].routes.counts();
    EXPECT_EQ(counts.hints_void, 1U);
    EXPECT_EQ(counts.hints_told, 1U);
    EXPECT_EQ(counts.hints_unsent, 2U) << "too often, and no session";
    EXPECT_EQ(counts.hints_strangers, 1U);
}

TEST(cluster_routes, an_agent_is_unknown_when_all_who_were_asked_said_so) {
    RouteCluster cluster(3);
    cluster.join_all();
    ASSERT_TRUE(cluster[1].discovery.want(numbered_id(kAgent), cluster.planes.now_ms));
    cluster.turn(1);
    while (cluster.planes.carry()) {
    }
    cluster.turn(1);
    EXPECT_EQ(cluster[1].routes.counts().discoveries_unknown, 1U);
    EXPECT_EQ(cluster[1].discovery.counts().answered, 1U);
    EXPECT_EQ(cluster[1].discovery.in_flight(), 0U);
}

TEST(cluster_routes, what_was_there_before_the_first_turn_is_told_then_and_the_end_after_it) {
    support::PlaneGroup planes(1);
    support::RouteBox box(planes[1], 10);
    ASSERT_TRUE(box.rib.register_agent(local_agent(kAgent), 0));
    EXPECT_FALSE(planes[1].store().own(numbered_id(kAgent)));
    static_cast<void>(box.routes.turn({.now_ms = 5, .claims_ms = planes.now_ms, .budget = 100}));
    const auto claim = planes[1].store().own(numbered_id(kAgent));
    const auto end = planes[1].store().own(claims::end_key());
    ASSERT_TRUE(claim && end);
    EXPECT_LT(claim->version, end->version);
    EXPECT_EQ(claim->body.since >> 16, planes.now_ms) << "by the clock of claims";
}

}  // namespace posthaste::controlplane
