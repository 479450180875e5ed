// SPDX-License-Identifier: BSD-3-Clause
// Routes to other routers: their end, and all those of one router.
#include <gtest/gtest.h>

#include <limits>

#include "routing/rib.h"
#include "tests/support/rib_fixture.h"

using posthaste::routing::RouteKind;
using posthaste::routing::RouteRecord;
using namespace posthaste::support;

namespace {

class rib_routes : public RibFixture {
  protected:
    void route(std::uint8_t number, std::uint64_t expires_at_ms, std::uint64_t now_ms) {
        ASSERT_TRUE(
            table.set_route({.agent = id_of(number), .expires_at_ms = expires_at_ms}, now_ms)
                .has_value());
    }

    std::uint32_t published_end() { return only_change().entry.fresh_until_ms; }
};

}  // namespace

TEST_F(rib_routes, a_route_ends_when_due_and_not_before) {
    route(1, 5'000, 1'000);
    EXPECT_EQ(published_end(), 5'000U);
    EXPECT_EQ(table.next_deadline_ms(), 5'000U);
    EXPECT_EQ(table.expire_routes(4'999, 100), 0U);
    EXPECT_EQ(table.expire_routes(5'000, 100), 1U);
    EXPECT_TRUE(only_change().remove);
    EXPECT_EQ(table.find_route(id_of(1)), nullptr);
    EXPECT_EQ(table.next_deadline_ms(), std::nullopt);
}

TEST_F(rib_routes, setting_it_again_moves_its_end) {
    route(1, 5'000, 0);
    route(1, 9'000, 0);
    EXPECT_EQ(table.take_changes().back().entry.fresh_until_ms, 9'000U);
    EXPECT_EQ(table.expire_routes(8'999, 100), 0U);
    route(1, 0, 8'999);
    EXPECT_EQ(published_end(), 0U);
    EXPECT_EQ(table.expire_routes(1'000'000, 100), 0U);
    EXPECT_NE(table.find_route(id_of(1)), nullptr);
}

TEST_F(rib_routes, an_end_is_never_published_as_none) {
    route(1, 1ULL << 32, (1ULL << 32) - 10);
    EXPECT_EQ(published_end(), 1U);
}

TEST_F(rib_routes, an_end_beyond_the_clock_of_the_lcores_is_kept_by_the_rib_alone) {
    constexpr std::uint64_t kFar = 1ULL << 40;
    route(1, kFar, 0);
    EXPECT_EQ(published_end(), 0U);
    route(2, std::numeric_limits<std::uint64_t>::max(), 0);
    EXPECT_EQ(published_end(), 0U);
    EXPECT_EQ(table.expire_routes(kFar - 1, 100), 0U);
    EXPECT_EQ(table.expire_routes(kFar, 100), 1U);
    EXPECT_NE(table.find_route(id_of(2)), nullptr);
}

TEST_F(rib_routes, one_whose_end_is_past_is_stale_from_the_start) {
    constexpr std::uint64_t kNow = 1ULL << 33;
    route(1, 5, kNow);
    FibEntry entry = only_change().entry;
    EXPECT_FALSE(entry.fresh(static_cast<std::uint32_t>(kNow + 1)));
    EXPECT_EQ(table.expire_routes(kNow, 100), 1U);
}

TEST_F(rib_routes, a_local_agent_stays_when_the_route_behind_it_ends) {
    add(agent(1), 0);
    route(1, 5'000, 0);
    forget_changes();
    EXPECT_EQ(table.expire_routes(5'000, 100), 1U);
    EXPECT_TRUE(table.take_changes().empty());
    EXPECT_NE(table.find_agent(id_of(1)), nullptr);
}

TEST_F(rib_routes, the_budget_bounds_what_ends_in_a_call) {
    for (std::uint8_t number = 1; number <= 4; ++number) {
        route(number, 1'000, 0);
    }
    EXPECT_EQ(table.expire_routes(2'000, 3), 3U);
    EXPECT_EQ(table.expire_routes(2'000, 3), 1U);
}

TEST_F(rib_routes, routes_are_counted_and_removed_by_router) {
    for (std::uint8_t number = 1; number <= 4; ++number) {
        const RouteRecord wanted{.agent = id_of(number),
                                 .router = static_cast<std::uint16_t>(number % 2)};
        ASSERT_TRUE(table.set_route(wanted, 0).has_value());
    }
    EXPECT_EQ(table.routes_to(0), 2U);
    EXPECT_EQ(table.routes_to(1), 2U);
    EXPECT_EQ(table.routes_to(7), 0U);
    ASSERT_TRUE(table.set_route({.agent = id_of(1), .router = 0}, 0).has_value());
    EXPECT_EQ(table.routes_to(0), 3U);
    EXPECT_EQ(table.agents_behind(0), (std::vector{id_of(2), id_of(4), id_of(1)}));
    forget_changes();
    EXPECT_EQ(table.remove_routes_to(0, 2), 2U);
    EXPECT_EQ(table.take_changes().size(), 2U);
    EXPECT_EQ(table.agents_behind(0), std::vector{id_of(1)});
    EXPECT_EQ(table.remove_routes_to(0, 2), 1U);
    EXPECT_EQ(table.remove_routes_to(0, 2), 0U);
    EXPECT_EQ(table.remove_routes_to(9, 2), 0U);
    EXPECT_EQ(table.routes().size(), 1U);
}
