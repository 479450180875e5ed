// SPDX-License-Identifier: BSD-3-Clause
#include <gtest/gtest.h>

#include <string>

#include "routing/rib.h"
#include "tests/support/named_offers.h"
#include "tests/support/rib_fixture.h"

using posthaste::routing::AgentId;
using posthaste::routing::AgentState;
using posthaste::routing::Endpoint;
using posthaste::routing::ErrorCode;
using posthaste::routing::FibChange;
using posthaste::routing::IpAddress;
using posthaste::routing::kRouterId;
using posthaste::routing::Origin;
using posthaste::routing::RegisterOutcome;
using posthaste::routing::Registration;
using posthaste::routing::Rib;
using posthaste::routing::RibLimits;
using posthaste::routing::RouteKind;
using posthaste::support::agent;
using posthaste::support::agent_of;
using posthaste::support::endpoint;
using posthaste::support::id_of;
using posthaste::support::kLimits;
using posthaste::support::RibFixture;

namespace {

class rib : public RibFixture {};

}  // namespace

TEST_F(rib, a_first_registration_adds_the_agent) {
    EXPECT_EQ(add(agent(1), 500), RegisterOutcome::added);
    const auto* const record = table.find_agent(id_of(1));
    ASSERT_NE(record, nullptr);
    EXPECT_EQ(record->registered_at_ms, 500U);
    EXPECT_EQ(record->registration.lease_ms, 30'000U);
    EXPECT_EQ(record->deadline_ms, 30'500U);
    const FibChange change = only_change();
    EXPECT_FALSE(change.remove);
    EXPECT_EQ(change.entry.agent, id_of(1));
    EXPECT_EQ(change.entry.kind, RouteKind::local);
    EXPECT_EQ(change.entry.endpoint, endpoint(0, 1));
    EXPECT_EQ(change.entry.version, 1U);
    EXPECT_EQ(change.last_heard_ms, 500U);
}

TEST_F(rib, other_words_about_the_same_agent_change_it) {
    add(agent(1));
    forget_changes();
    Registration named = agent(1);
    named.name = "camera";
    EXPECT_EQ(add(named), RegisterOutcome::changed);
    named.offers = posthaste::support::named_offers({"vision"});
    EXPECT_EQ(add(named), RegisterOutcome::changed);
    named.epoch = 7;
    EXPECT_EQ(add(named), RegisterOutcome::changed);
    named.multi = true;
    EXPECT_EQ(add(named), RegisterOutcome::changed);
    EXPECT_EQ(add(named), RegisterOutcome::refreshed);
    EXPECT_TRUE(table.take_changes().empty());  // the Fib knows none of these
    named.state = AgentState::draining;
    EXPECT_EQ(add(named), RegisterOutcome::changed);
    EXPECT_EQ(only_change().entry.state, AgentState::draining);
    EXPECT_EQ(table.find_agent(id_of(1))->registration.name, "camera");
}

TEST_F(rib, each_part_of_another_endpoint_is_a_move) {
    add(agent(1), 100);
    forget_changes();
    Registration moving = agent(1);
    std::uint32_t moves = 0;
    const auto moves_to = [&](const Endpoint& where) {
        moving.endpoint = where;
        EXPECT_EQ(add(moving, 200), RegisterOutcome::moved);
        EXPECT_EQ(only_change().entry.endpoint, where);
        EXPECT_EQ(table.find_agent(id_of(1))->moves, ++moves);
    };
    Endpoint where = endpoint(0, 1);
    where.udp_port = 5001;
    moves_to(where);
    where.mac.bytes[5] = 99;
    moves_to(where);
    where.ip = *IpAddress::from_text("fd00::1");
    moves_to(where);
    where.port = 1;
    moves_to(where);
    EXPECT_EQ(table.agents_on_port(0), 0U);
    EXPECT_EQ(table.agents_on_port(1), 1U);
    EXPECT_EQ(table.find_agent(id_of(1))->registered_at_ms, 100U);
}

TEST_F(rib, the_table_takes_no_more_than_its_limit) {
    add(agent(1));
    add(agent(2));
    EXPECT_TRUE(table.set_route({.agent = id_of(10)}, 0).has_value());
    add(agent(3, 1));
    EXPECT_EQ(table.take_changes().size(), 4U);
    EXPECT_EQ(refused(agent(4, 1)), ErrorCode::overloaded);
    EXPECT_EQ(table.set_route({.agent = id_of(11)}, 0).error().code, ErrorCode::overloaded);
    EXPECT_EQ(table.find_agent(id_of(4)), nullptr);
    // What is in may change, and what goes makes room.
    EXPECT_TRUE(table.set_route({.agent = id_of(10), .adjacency = 5}, 0).has_value());
    add(agent(1, 1));
    EXPECT_TRUE(table.deregister_agent(id_of(2), nullptr).has_value());
    add(agent(4, 1));
}

TEST_F(rib, a_port_takes_no_more_than_its_limit_neither_new_nor_moved) {
    Rib wide({.routes_max = 100, .agents_per_port_max = 2});
    ASSERT_TRUE(wide.register_agent(agent(1, 0), 0).has_value());
    ASSERT_TRUE(wide.register_agent(agent(2, 0), 0).has_value());
    ASSERT_TRUE(wide.register_agent(agent(3, 1), 0).has_value());
    EXPECT_EQ(wide.register_agent(agent(4, 0), 0).error().code, ErrorCode::overloaded);
    EXPECT_EQ(wide.register_agent(agent(3, 0), 0).error().code, ErrorCode::overloaded);
    EXPECT_EQ(wide.find_agent(id_of(3))->registration.endpoint.port, 1);
    EXPECT_EQ(wide.agents_on_port(0), 2U);
    // A move within the full port is none to it.
    Registration inside = agent(1, 0);
    inside.endpoint = endpoint(0, 77);
    EXPECT_EQ(wide.register_agent(inside, 0).value(), RegisterOutcome::moved);
    ASSERT_TRUE(wide.register_agent(agent(2, 1), 0).has_value());
    EXPECT_TRUE(wide.register_agent(agent(3, 0), 0).has_value());
}

TEST_F(rib, no_limit_per_port_means_only_the_table_counts) {
    Rib wide({.routes_max = 200, .agents_per_port_max = 0});
    for (std::uint8_t number = 1; number <= 200; ++number) {
        ASSERT_TRUE(wide.register_agent(agent(number), 0).has_value());
    }
    EXPECT_EQ(wide.agents_on_port(0), 200U);
}

TEST_F(rib, ids_addresses_and_states_that_cannot_be_are_refused) {
    Registration wrong = agent(1);
    wrong.agent = AgentId{};
    EXPECT_EQ(refused(wrong), ErrorCode::malformed);
    wrong.agent = kRouterId;
    EXPECT_EQ(refused(wrong), ErrorCode::malformed);
    wrong = agent(1);
    wrong.endpoint.ip = IpAddress{};
    EXPECT_EQ(refused(wrong), ErrorCode::malformed);
    wrong.endpoint.ip = *IpAddress::from_text("224.0.0.1");
    EXPECT_EQ(refused(wrong), ErrorCode::malformed);
    wrong = agent(1);
    wrong.endpoint.udp_port = 0;
    EXPECT_EQ(refused(wrong), ErrorCode::malformed);
    for (const int state : {0, 4, 255}) {
        wrong = agent(1);
        wrong.state = static_cast<AgentState>(state);
        EXPECT_EQ(refused(wrong), ErrorCode::malformed);
    }
    EXPECT_EQ(table.set_route({.agent = AgentId{}}, 0).error().code, ErrorCode::malformed);
    EXPECT_EQ(table.set_route({.agent = kRouterId}, 0).error().code, ErrorCode::malformed);
}

TEST_F(rib, a_name_is_printable_and_at_most_255_bytes) {
    Registration named = agent(1);
    named.name = std::string(255, 'n');
    add(named);
    forget_changes();
    named.name.push_back('n');
    EXPECT_EQ(refused(named), ErrorCode::malformed);
    named.name = "bell\a";
    EXPECT_EQ(refused(named), ErrorCode::malformed);
    EXPECT_EQ(table.find_agent(id_of(1))->registration.name, std::string(255, 'n'));
}

TEST_F(rib, capabilities_are_few_short_plain_and_named_once) {
    Registration skilled = agent(1);
    skilled.offers =
        posthaste::support::named_offers({"a", "vision/ocr:v1.2_x-y", std::string(100, 'z')});
    add(skilled);
    forget_changes();
    EXPECT_EQ(table.offers_of(table.find_agent(id_of(1))->offers), skilled.offers);

    skilled.offers.emplace_back().text = "d";
    EXPECT_EQ(refused(skilled), ErrorCode::too_large);
    for (const std::string& name : {std::string(),
                                    std::string(101, 'z'),
                                    std::string("Vision"),
                                    std::string("a b"),
                                    std::string("a*"),
                                    std::string("a\0b", 3),
                                    std::string("\xc3\xa9")}) {
        skilled.offers = posthaste::support::named_offers({"fine", name});
        EXPECT_EQ(refused(skilled), ErrorCode::malformed) << name;
    }
    skilled.offers = posthaste::support::named_offers({"same", "same"});
    EXPECT_EQ(refused(skilled), ErrorCode::malformed);
}

TEST_F(rib, a_configured_agent_cannot_be_taken_over) {
    for (const Origin origin : {Origin::configured, Origin::operator_set}) {
        Rib fresh(kLimits);
        ASSERT_TRUE(fresh.register_agent(agent_of(origin, 1), 0).has_value());
        static_cast<void>(fresh.take_changes());
        Registration thief = agent(1);
        thief.endpoint = endpoint(1, 66);
        const auto outcome = fresh.register_agent(thief, 10);
        ASSERT_FALSE(outcome.has_value());
        EXPECT_EQ(outcome.error().code, ErrorCode::unauthorised);
        EXPECT_TRUE(fresh.take_changes().empty());
        EXPECT_EQ(fresh.find_agent(id_of(1))->registration.endpoint, endpoint(0, 1));
    }
}

TEST_F(rib, a_configured_agent_that_registers_from_its_place_stays_as_configured) {
    Registration fixed = agent_of(Origin::configured, 1);
    fixed.endpoint.adjacency = 3;  // whose MAC is resolved, not known here
    fixed.endpoint.mac = {};
    fixed.name = "from the file";
    add(fixed);
    forget_changes();
    Registration itself = agent(1);
    itself.name = "from itself";
    itself.state = AgentState::stopped;
    EXPECT_EQ(add(itself, 10), RegisterOutcome::refreshed);
    const auto* const record = table.find_agent(id_of(1));
    EXPECT_EQ(record->registration.name, "from the file");
    EXPECT_EQ(record->registration.state, AgentState::running);
    EXPECT_EQ(record->registration.origin, Origin::configured);
    EXPECT_EQ(record->heard_ms, 10U);
    EXPECT_EQ(record->deadline_ms, 0U);
    EXPECT_TRUE(table.take_changes().empty());
    EXPECT_EQ(table.next_deadline_ms(), std::nullopt);
}

TEST_F(rib, the_file_overrules_the_operator_and_both_overrule_the_agent) {
    add(agent(1), 0);
    EXPECT_TRUE(table.next_deadline_ms().has_value());
    EXPECT_EQ(add(agent_of(Origin::operator_set, 1)), RegisterOutcome::changed);
    EXPECT_FALSE(table.next_deadline_ms().has_value());  // no lease any more
    EXPECT_EQ(expire(1'000'000), 0U);
    EXPECT_EQ(add(agent_of(Origin::configured, 1)), RegisterOutcome::changed);
    forget_changes();
    EXPECT_EQ(refused(agent_of(Origin::operator_set, 1)), ErrorCode::unauthorised);
    EXPECT_EQ(table.find_agent(id_of(1))->registration.origin, Origin::configured);
}

TEST_F(rib, an_agent_deregisters_itself_from_its_host_only) {
    add(agent(1));
    forget_changes();
    for (Endpoint wrong : {endpoint(1, 1), endpoint(0, 2)}) {
        const auto outcome = table.deregister_agent(id_of(1), &wrong);
        ASSERT_FALSE(outcome.has_value());
        EXPECT_EQ(outcome.error().code, ErrorCode::unauthorised);
    }
    Endpoint other_mac = endpoint(0, 1);
    other_mac.mac.bytes[0] = 6;
    EXPECT_FALSE(table.deregister_agent(id_of(1), &other_mac).has_value());
    EXPECT_TRUE(table.take_changes().empty());

    const Endpoint other_udp_port = endpoint(0, 1, 6000);
    EXPECT_TRUE(table.deregister_agent(id_of(1), &other_udp_port).has_value());
    const FibChange change = only_change();
    EXPECT_TRUE(change.remove);
    EXPECT_EQ(change.entry.agent, id_of(1));
    EXPECT_EQ(table.deregister_agent(id_of(1), &other_udp_port).error().code,
              ErrorCode::unknown_agent);
    EXPECT_EQ(table.agents_on_port(0), 0U);
    EXPECT_EQ(table.next_deadline_ms(), std::nullopt);
}

TEST_F(rib, only_the_operator_removes_a_static_agent) {
    add(agent_of(Origin::configured, 1));
    const Endpoint own = endpoint(0, 1);
    EXPECT_EQ(table.deregister_agent(id_of(1), &own).error().code, ErrorCode::unauthorised);
    EXPECT_TRUE(table.deregister_agent(id_of(1), nullptr).has_value());
    EXPECT_EQ(table.find_agent(id_of(1)), nullptr);
}

TEST_F(rib, a_state_set_is_published_once) {
    add(agent(1));
    forget_changes();
    EXPECT_TRUE(table.set_state(id_of(1), AgentState::stopped).has_value());
    EXPECT_EQ(only_change().entry.state, AgentState::stopped);
    EXPECT_TRUE(table.set_state(id_of(1), AgentState::stopped).has_value());
    EXPECT_TRUE(table.take_changes().empty());
    EXPECT_EQ(table.set_state(id_of(1), static_cast<AgentState>(9)).error().code,
              ErrorCode::malformed);
    EXPECT_EQ(table.set_state(id_of(2), AgentState::running).error().code,
              ErrorCode::unknown_agent);
}

TEST_F(rib, a_route_is_published_and_removed) {
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .router = 2, .adjacency = 7}, 0).has_value());
    const FibChange change = only_change();
    EXPECT_EQ(change.entry.kind, RouteKind::remote);
    EXPECT_EQ(change.entry.endpoint.adjacency, 7);
    EXPECT_EQ(change.entry.router, 2);
    EXPECT_EQ(change.entry.fresh_until_ms, 0U);
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .router = 2, .adjacency = 7}, 0).has_value());
    EXPECT_TRUE(table.take_changes().empty());
    // The same adjacency again, though of another router.
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .router = 3, .adjacency = 7}, 0).has_value());
    EXPECT_EQ(only_change().entry.router, 3);
    EXPECT_EQ(table.find_route(id_of(1))->router, 3);
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .router = 3, .adjacency = 8}, 0).has_value());
    EXPECT_EQ(only_change().entry.endpoint.adjacency, 8);
    EXPECT_TRUE(table.remove_route(id_of(1)).has_value());
    EXPECT_TRUE(only_change().remove);
    EXPECT_EQ(table.remove_route(id_of(1)).error().code, ErrorCode::unknown_agent);
}

TEST_F(rib, the_operator_does_not_replace_a_configured_route) {
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .origin = Origin::configured}, 0).has_value());
    EXPECT_EQ(table.set_route({.agent = id_of(1), .origin = Origin::operator_set}, 0).error().code,
              ErrorCode::unauthorised);
    EXPECT_TRUE(
        table.set_route({.agent = id_of(2), .origin = Origin::operator_set}, 0).has_value());
    EXPECT_TRUE(table.set_route({.agent = id_of(2), .origin = Origin::configured}, 0).has_value());
}

TEST_F(rib, a_local_agent_hides_a_route_and_its_end_uncovers_it) {
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .adjacency = 7}, 0).has_value());
    EXPECT_EQ(only_change().entry.kind, RouteKind::remote);
    add(agent(1), 0);
    EXPECT_EQ(only_change().entry.kind, RouteKind::local);
    EXPECT_TRUE(table.set_route({.agent = id_of(1), .adjacency = 8}, 0).has_value());
    EXPECT_TRUE(table.take_changes().empty());
    EXPECT_TRUE(table.deregister_agent(id_of(1), nullptr).has_value());
    const FibChange uncovered = only_change();
    EXPECT_FALSE(uncovered.remove);
    EXPECT_EQ(uncovered.entry.kind, RouteKind::remote);
    EXPECT_EQ(uncovered.entry.endpoint.adjacency, 8);

    add(agent(1), 0);
    forget_changes();
    EXPECT_EQ(expire(30'000), 1U);  // the end of the lease does the same
    EXPECT_EQ(only_change().entry.kind, RouteKind::remote);

    add(agent(1), 40'000);
    forget_changes();
    EXPECT_TRUE(table.remove_route(id_of(1)).has_value());
    EXPECT_TRUE(table.take_changes().empty());  // the local one still wins
    EXPECT_EQ(expire(70'000), 1U);
    EXPECT_TRUE(only_change().remove);
}

TEST_F(rib, new_limits_hold_for_what_comes) {
    add(agent(1));
    add(agent(2));
    RibLimits tight = kLimits;
    tight.routes_max = 1;
    tight.lease_max_ms = 5'000;
    table.set_limits(tight);
    forget_changes();
    EXPECT_EQ(refused(agent(3)), ErrorCode::overloaded);
    add(agent(1), 100);
    EXPECT_EQ(table.find_agent(id_of(1))->registration.lease_ms, 5'000U);
    EXPECT_EQ(table.next_deadline_ms(), 5'100U);
}
