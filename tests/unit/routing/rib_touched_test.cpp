// SPDX-License-Identifier: BSD-3-Clause
// What the Rib tells of registrations to whoever keeps them on a disk.
#include <gtest/gtest.h>

#include <vector>

#include "tests/support/rib_fixture.h"

namespace posthaste::routing {

namespace {

using support::agent;
using support::agent_of;
using support::endpoint;
using support::id_of;

class rib_touched : public support::RibFixture {
  protected:
    rib_touched() { table.note_touched(); }

    std::vector<AgentId> touched() { return table.take_touched(); }
};

const std::vector<AgentId> kNobody;
const std::vector<AgentId> kFirst = {id_of(1)};

TEST_F(rib_touched, whoever_registers_changes_or_goes_is_touched) {
    add(agent(1));
    EXPECT_EQ(touched(), kFirst);
    add(agent(1));
    EXPECT_EQ(touched(), kNobody) << "refreshed";
    Registration wanted = agent(1);
    wanted.lease_ms = 2'000;
    add(wanted);
    EXPECT_EQ(touched(), kFirst);
    wanted.name = "Ada";
    add(wanted);
    EXPECT_EQ(touched(), kFirst);
    wanted.offers = {{.text = "sum"}};
    add(wanted);
    EXPECT_EQ(touched(), kFirst);
    wanted.endpoint = endpoint(1, 9);
    add(wanted);
    EXPECT_EQ(touched(), kFirst);
    EXPECT_TRUE(table.set_state(id_of(1), AgentState::draining).has_value());
    EXPECT_EQ(touched(), kFirst);
    EXPECT_TRUE(table.deregister_agent(id_of(1), nullptr).has_value());
    EXPECT_EQ(touched(), kFirst);
}

TEST_F(rib_touched, the_end_of_a_lease_touches) {
    add(agent(1));
    forget_changes();
    static_cast<void>(touched());
    EXPECT_EQ(expire(30'000), 1U);
    EXPECT_EQ(touched(), kFirst);
}

TEST_F(rib_touched, a_refused_registration_touches_nobody) {
    add(agent(1));
    add(agent(2));
    add(agent(3));
    forget_changes();
    static_cast<void>(touched());
    EXPECT_EQ(refused(agent(4)), ErrorCode::overloaded);
    EXPECT_EQ(touched(), kNobody);
}

TEST_F(rib_touched, agents_of_the_ini_and_the_operator_are_touched_only_if_they_were_in_band) {
    add(agent_of(Origin::operator_set, 1));
    add(agent_of(Origin::configured, 2));
    EXPECT_TRUE(table.deregister_agent(id_of(1), nullptr).has_value());
    EXPECT_EQ(touched(), kNobody);
    add(agent(1));
    EXPECT_EQ(touched(), kFirst);
    add(agent_of(Origin::configured, 1));
    EXPECT_EQ(touched(), kFirst);
}

TEST(rib_untouched, notes_nobody_unless_it_is_told_to) {
    Rib table{support::kLimits, support::hash_key(1)};
    ASSERT_TRUE(table.register_agent(agent(1), 0).has_value());
    EXPECT_TRUE(table.take_touched().empty());
}

TEST_F(rib_touched, holds_tells_a_refresh_from_a_change) {
    Registration wanted = agent(1);
    wanted.name = "Ada";
    wanted.offers = {{.text = "sum"}, {.kind = OfferKind::glob, .text = "a/*"}};
    EXPECT_FALSE(table.holds(wanted));
    add(wanted);
    EXPECT_TRUE(table.holds(wanted));
    std::swap(wanted.offers[0], wanted.offers[1]);
    EXPECT_TRUE(table.holds(wanted)) << "in any order";
    const auto changed = [&](auto change) {
        Registration other = wanted;
        change(other);
        return !table.holds(other);
    };
    EXPECT_TRUE(changed([](Registration& r) { r.name = "Bob"; }));
    EXPECT_TRUE(changed([](Registration& r) { r.offers.pop_back(); }));
    EXPECT_TRUE(changed([](Registration& r) { r.offers[0].weight = 7; }));
    EXPECT_TRUE(changed([](Registration& r) { r.state = AgentState::stopped; }));
    EXPECT_TRUE(changed([](Registration& r) { r.lease_ms = 5'000; }));
    EXPECT_TRUE(changed([](Registration& r) { r.epoch = 1; }));
    EXPECT_TRUE(changed([](Registration& r) { r.multi = true; }));
    EXPECT_TRUE(changed([](Registration& r) { r.endpoint.udp_port = 1; }));
    EXPECT_TRUE(changed([](Registration& r) { r.origin = Origin::configured; }));
    EXPECT_FALSE(changed([](Registration& r) { r.lease_ms = 30'000; })) << "the default";
    add(agent_of(Origin::configured, 2));
    EXPECT_TRUE(table.holds(agent(2))) << "nothing of it would change";
}

TEST_F(rib_touched, restarted_leases_are_whole_again) {
    add(agent(1), 0);
    add(agent_of(Origin::configured, 2), 0);
    forget_changes();
    table.restart_leases(29'000);
    EXPECT_EQ(expire(30'000), 0U) << "looked at when it was due";
    EXPECT_EQ(table.find_agent(id_of(1))->deadline_ms, 59'000U);
    EXPECT_EQ(table.find_agent(id_of(2))->deadline_ms, 0U);
    EXPECT_EQ(expire(58'999), 0U);
    EXPECT_EQ(expire(59'000), 1U);
}

}  // namespace

}  // namespace posthaste::routing
