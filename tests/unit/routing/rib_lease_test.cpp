// SPDX-License-Identifier: BSD-3-Clause
// Leases of the Rib: heartbeats, deadlines and a clock of 32 bits.
#include <gtest/gtest.h>

#include <map>

#include "routing/rib.h"
#include "tests/support/rib_fixture.h"

using posthaste::routing::RegisterOutcome;
using posthaste::routing::Registration;
using posthaste::routing::Rib;
using posthaste::support::agent;
using posthaste::support::id_of;
using posthaste::support::RibFixture;

namespace {

class rib_lease : public RibFixture {};

}  // namespace

TEST_F(rib_lease, the_same_again_refreshes_and_changes_nothing_in_the_fib) {
    add(agent(1), 0);
    forget_changes();
    EXPECT_EQ(add(agent(1), 20'000), RegisterOutcome::refreshed);
    EXPECT_TRUE(table.take_changes().empty());
    EXPECT_EQ(table.version(), 1U);
    EXPECT_EQ(expire(30'000), 0U);
    EXPECT_EQ(expire(49'999), 0U);
    EXPECT_EQ(expire(50'000), 1U);
}

TEST_F(rib_lease, the_lease_is_clamped_and_zero_is_the_default) {
    for (const auto& [wanted, granted] : std::map<std::uint32_t, std::uint32_t>{
             {0, 30'000}, {1, 1'000}, {1'000, 1'000}, {60'000, 60'000}, {0xffffffff, 60'000}}) {
        Registration registration = agent(1);
        registration.lease_ms = wanted;
        add(registration, 7);
        EXPECT_EQ(table.find_agent(id_of(1))->registration.lease_ms, granted);
        EXPECT_EQ(table.find_agent(id_of(1))->deadline_ms, 7U + granted);
    }
}

TEST_F(rib_lease, a_lease_ends_at_its_deadline_and_not_before) {
    add(agent(1), 1'000);
    EXPECT_EQ(table.next_deadline_ms(), 31'000U);
    EXPECT_EQ(expire(30'999), 0U);
    EXPECT_EQ(expire(31'000), 1U);
    EXPECT_EQ(table.find_agent(id_of(1)), nullptr);
    EXPECT_EQ(table.next_deadline_ms(), std::nullopt);
}

TEST_F(rib_lease, heartbeats_keep_an_agent) {
    add(agent(1), 0);
    for (std::uint32_t now = 20'000; now < 1'000'000; now += 20'000) {
        cells.heard[id_of(1)] = now;
        ASSERT_EQ(expire(now + 9'999), 0U);
    }
    EXPECT_EQ(expire(980'000 + 29'999), 0U);
    EXPECT_EQ(table.find_agent(id_of(1))->heard_ms, 980'000U);
    EXPECT_EQ(expire(980'000 + 30'000), 1U);
}

TEST_F(rib_lease, heartbeats_keep_an_agent_across_the_wrap_of_the_clock) {
    constexpr std::uint64_t kWrap = 1ULL << 32;
    add(agent(1), kWrap - 40'000);
    for (std::uint64_t now = kWrap - 20'000; now < kWrap + 100'000; now += 20'000) {
        cells.heard[id_of(1)] = static_cast<std::uint32_t>(now);
        ASSERT_EQ(expire(now + 15'000), 0U) << now;
        ASSERT_NE(table.find_agent(id_of(1)), nullptr);
    }
    EXPECT_EQ(expire(kWrap + 80'000 + 30'000), 1U);
}

TEST_F(rib_lease, a_heartbeat_in_the_very_millisecond_of_the_wrap_counts) {
    constexpr std::uint64_t kWrap = 1ULL << 32;
    add(agent(1), kWrap - 10'000);
    cells.heard[id_of(1)] = 0;
    EXPECT_EQ(expire(kWrap + 20'000), 0U);
    EXPECT_EQ(expire(kWrap + 29'999), 0U);
    EXPECT_EQ(expire(kWrap + 30'000), 1U);
}

TEST_F(rib_lease, a_heartbeat_ahead_of_the_control_thread_counts_as_now) {
    add(agent(1), 0);
    cells.heard[id_of(1)] = 30'005;
    ASSERT_EQ(expire(30'000), 0U);
    EXPECT_EQ(table.find_agent(id_of(1))->heard_ms, 30'000U);
    EXPECT_EQ(expire(60'000), 1U);
}

TEST_F(rib_lease, an_old_heartbeat_is_not_taken_for_a_new_one_when_the_clock_comes_round) {
    // The agent refreshes by registering alone for 2^32 ms; its one heartbeat stays in the cell.
    cells.heard[id_of(1)] = 10;
    std::uint64_t now = 0;
    add(agent(1), now);
    for (; now < (1ULL << 32) - 30'000; now += 30'000 - 1) {
        ASSERT_EQ(add(agent(1), now), RegisterOutcome::refreshed);
        ASSERT_EQ(expire(now), 0U);
    }
    const std::uint64_t last = table.find_agent(id_of(1))->heard_ms;
    EXPECT_EQ(expire(last + 29'999), 0U);
    EXPECT_EQ(expire(last + 30'000), 1U);
}

TEST_F(rib_lease, a_shorter_lease_is_due_earlier) {
    Registration registration = agent(1);
    registration.lease_ms = 60'000;
    add(registration, 0);
    registration.lease_ms = 2'000;
    add(registration, 1'000);
    EXPECT_EQ(table.next_deadline_ms(), 3'000U);
    EXPECT_EQ(expire(3'000), 1U);
}

TEST_F(rib_lease, the_budget_bounds_the_checks_and_the_rest_follows) {
    Rib wide({.routes_max = 100});
    for (std::uint8_t number = 1; number <= 100; ++number) {
        ASSERT_TRUE(wide.register_agent(agent(number), number).has_value());
    }
    static_cast<void>(wide.take_changes());
    EXPECT_EQ(wide.expire(100'000, cells.reader(), 30), 30U);
    EXPECT_EQ(wide.find_agent(id_of(30)), nullptr);
    EXPECT_NE(wide.find_agent(id_of(31)), nullptr);  // the longest overdue went first
    EXPECT_EQ(wide.take_changes().size(), 30U);
    EXPECT_EQ(wide.expire(100'000, cells.reader(), 0), 0U);
    EXPECT_EQ(wide.expire(100'000, cells.reader(), 1000), 70U);
    EXPECT_TRUE(wide.agents().empty());
}
