// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/places.h"

#include <gtest/gtest.h>

#include "tests/support/numbered_id.h"

namespace posthaste::controlplane {
namespace {

using routing::Origin;
using routing::Rib;
using support::numbered_id;

void add_agent(Rib& rib, std::uint32_t number, Origin origin) {
    routing::Registration agent;
    agent.agent = numbered_id(number);
    agent.endpoint.ip = *routing::IpAddress::from_text("10.0.0.2");
    agent.endpoint.udp_port = 4'747;
    agent.origin = origin;
    ASSERT_TRUE(rib.register_agent(std::move(agent), 1));
}

void add_route(Rib& rib, std::uint32_t number, Origin origin) {
    routing::RouteRecord route;
    route.agent = numbered_id(number);
    route.origin = origin;
    ASSERT_TRUE(rib.set_route(route, 1));
}

Config config_of(std::initializer_list<std::uint32_t> agents,
                 std::initializer_list<std::uint32_t> routes) {
    Config config;
    for (const std::uint32_t number : agents) {
        config.static_agents.emplace_back().agent = numbered_id(number);
    }
    for (const std::uint32_t number : routes) {
        config.routes.emplace_back().agent = numbered_id(number);
    }
    return config;
}

TEST(places, after_a_reload_are_what_the_file_names_and_what_others_added) {
    Rib rib({.routes_max = 100});
    add_agent(rib, 1, Origin::configured);
    add_agent(rib, 2, Origin::registered);
    add_agent(rib, 3, Origin::operator_set);
    add_route(rib, 4, Origin::configured);
    add_route(rib, 5, Origin::operator_set);
    add_route(rib, 6, Origin::claimed);
    EXPECT_EQ(places_after(rib, config_of({}, {})), 3U);
    EXPECT_EQ(places_after(rib, config_of({1}, {4})), 5U);
    EXPECT_EQ(places_after(rib, config_of({7, 8}, {9})), 6U);
}

TEST(places, what_the_file_takes_over_is_there_already) {
    Rib rib({.routes_max = 100});
    add_agent(rib, 1, Origin::registered);
    add_route(rib, 2, Origin::operator_set);
    EXPECT_EQ(places_after(rib, config_of({1}, {2})), 2U);
    EXPECT_EQ(places_after(rib, config_of({2}, {1})), 2U);
}

TEST(places, an_agent_with_a_route_of_the_operator_is_one) {
    Rib rib({.routes_max = 100});
    add_agent(rib, 1, Origin::registered);
    add_route(rib, 1, Origin::operator_set);
    add_agent(rib, 2, Origin::configured);
    add_route(rib, 2, Origin::operator_set);
    EXPECT_EQ(rib.places(), 2U);
    // The second agent goes, its route stays.
    EXPECT_EQ(places_after(rib, config_of({}, {})), 2U);
    EXPECT_EQ(places_after(rib, config_of({1, 2}, {})), 2U);
}

}  // namespace
}  // namespace posthaste::controlplane
