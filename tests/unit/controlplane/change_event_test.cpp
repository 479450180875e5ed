// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/change_event.h"

#include <gtest/gtest.h>

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;
using routing::FibChange;
using routing::FibEntry;
using routing::RouteKind;

Config two_ports() {
    Config config;
    config.ports.resize(2);
    config.ports[0].name = "edge0";
    config.ports[1].name = "edge1";
    return config;
}

FibChange local(std::uint16_t port) {
    FibChange change;
    change.entry.agent = *routing::AgentId::from_text("6f1d2c3b-0a4e-4d55-9e0f-111111111111");
    change.entry.endpoint.ip = *routing::IpAddress::from_text("10.0.0.5");
    change.entry.endpoint.udp_port = 4'747;
    change.entry.endpoint.port = port;
    return change;
}

TEST(change_event, an_agent_comes_changes_moves_and_goes) {
    const Config config = two_ports();
    const auto came = event_of(nullptr, local(0), config, 7);
    ASSERT_TRUE(came);
    EXPECT_EQ(came->kind, NotedKind::agent_attached);
    EXPECT_EQ(came->at_ms, 7U);
    EXPECT_EQ(came->name, "edge0");
    EXPECT_EQ(came->detail, "10.0.0.5:4747");
    const FibEntry before = local(0).entry;
    FibChange drained = local(0);
    drained.entry.state = routing::AgentState::draining;
    EXPECT_EQ(event_of(&before, drained, config, 7)->kind, NotedKind::agent_changed);
    EXPECT_EQ(event_of(&before, local(1), config, 7)->kind, NotedKind::agent_moved);
    FibChange gone;
    gone.remove = true;
    gone.entry.agent = before.agent;
    const auto went = event_of(&before, gone, config, 7);
    ASSERT_TRUE(went);
    EXPECT_EQ(went->kind, NotedKind::agent_gone);
    EXPECT_EQ(went->name, "edge0");
    EXPECT_EQ(went->agent, before.agent);
}

TEST(change_event, an_agent_elsewhere_has_no_port_of_ours) {
    const FibEntry before = local(0).entry;
    FibChange away = local(0);
    away.entry.kind = RouteKind::remote;
    away.entry.endpoint.port = 0xffff;
    away.entry.router = 3;
    const auto moved = event_of(&before, away, two_ports(), 7);
    ASSERT_TRUE(moved);
    EXPECT_EQ(moved->kind, NotedKind::agent_moved);
    EXPECT_TRUE(moved->name.empty());
}

TEST(change_event, capabilities_and_what_was_never_there_are_none) {
    FibChange capability = local(0);
    capability.entry.kind = RouteKind::capability;
    EXPECT_FALSE(event_of(nullptr, capability, two_ports(), 7));
    FibChange gone = local(0);
    gone.remove = true;
    EXPECT_FALSE(event_of(nullptr, gone, two_ports(), 7));
}

}  // namespace
