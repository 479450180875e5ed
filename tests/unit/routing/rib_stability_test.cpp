// SPDX-License-Identifier: BSD-3-Clause
// What the Rib makes of an agent's moves.
#include <gtest/gtest.h>

#include "routing/rib.h"
#include "tests/support/rib_fixture.h"

using posthaste::routing::MoveRate;
using posthaste::routing::RegisterOutcome;
using posthaste::routing::Registration;
using posthaste::routing::Stability;
using namespace posthaste::support;

namespace {

class rib_stability : public RibFixture {
  protected:
    // Heartbeats keep agent 1 until then; gives how many changes that made.
    std::size_t keep(std::uint64_t from_ms, std::uint64_t until_ms) {
        std::size_t count = 0;
        for (std::uint64_t now = from_ms; now <= until_ms; now += 20'000) {
            cells.heard[id_of(1)] = static_cast<std::uint32_t>(now);
            EXPECT_EQ(expire(now), 0U);
            last = table.take_changes();
            count += last.size();
            if (!last.empty()) {
                changed = last.back();
            }
        }
        return count;
    }

    Registration at(std::uint8_t host) {
        Registration registration = agent(1);
        registration.endpoint = endpoint(0, host);
        return registration;
    }

    std::vector<FibChange> last;
    FibChange changed;
};

}  // namespace

TEST_F(rib_stability, a_registered_agent_starts_as_normal_and_is_published_once_as_stable) {
    add(agent(1), 0);
    EXPECT_EQ(only_change().entry.stability, Stability::normal);
    EXPECT_EQ(keep(20'000, 1'000'000), 1U);
    EXPECT_EQ(changed.entry.stability, Stability::stable);
    EXPECT_EQ(changed.entry.agent, id_of(1));
    EXPECT_EQ(table.find_agent(id_of(1))->stability, Stability::stable);
}

TEST_F(rib_stability, moves_make_it_unstable_and_each_is_published_with_its_class) {
    add(at(1), 0);
    forget_changes();
    EXPECT_EQ(add(at(2), 100), RegisterOutcome::moved);
    EXPECT_EQ(only_change().entry.stability, Stability::normal);
    EXPECT_EQ(add(at(3), 200), RegisterOutcome::moved);
    EXPECT_EQ(only_change().entry.stability, Stability::normal);
    EXPECT_EQ(add(at(4), 200), RegisterOutcome::moved);
    EXPECT_EQ(add(at(5), 200), RegisterOutcome::moved);
    EXPECT_EQ(table.take_changes().back().entry.stability, Stability::unstable);
    EXPECT_EQ(keep(20'000, MoveRate::kHalfLifeMs), 0U);
    EXPECT_EQ(keep(MoveRate::kHalfLifeMs + 20'000, 6 * MoveRate::kHalfLifeMs), 2U)
        << "normal, then stable";
    EXPECT_EQ(changed.entry.stability, Stability::stable);
}

TEST_F(rib_stability, what_people_configure_is_stable_until_they_move_it) {
    add(agent_of(Origin::operator_set, 1), 0);
    EXPECT_EQ(only_change().entry.stability, Stability::stable);
    Registration elsewhere = at(7);
    elsewhere.origin = Origin::operator_set;
    add(elsewhere, 10);
    EXPECT_EQ(only_change().entry.stability, Stability::normal);
}

TEST_F(rib_stability, a_route_that_changes_its_router_often_is_unstable) {
    for (std::uint16_t router = 0; router < 4; ++router) {
        ASSERT_TRUE(table.set_route({.agent = id_of(1), .router = router}, 0).has_value());
    }
    EXPECT_EQ(table.find_route(id_of(1))->stability, Stability::unstable);
    EXPECT_EQ(table.take_changes().back().entry.stability, Stability::unstable);
}
