// SPDX-License-Identifier: BSD-3-Clause
// RouteCare over a real Fib and real rings: the test is the lcore at their other end.
#include "controlplane/route_care.h"

#include <gtest/gtest.h>

#include "routing/capability_name.h"
#include "tests/support/eal_fixture.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

using posthaste::controlplane::LcoreRings;
using posthaste::controlplane::Rekeying;
using posthaste::controlplane::RouteCare;
using posthaste::dataplane::Misrouted;
using posthaste::dataplane::RouteUse;
using posthaste::dataplane::SpscRing;
using posthaste::routing::AgentId;
using posthaste::routing::capability_id;
using posthaste::routing::capability_key;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::Grace;
using posthaste::routing::KeyHash;
using posthaste::routing::RouteKind;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

namespace {

struct Rig {
    Rig() : fib(std::move(*Fib::create({.capacity = 5'000, .key = hash_key(1)}, grace))) {
        grace.online(0);
    }

    ~Rig() { grace.offline(0); }

    Rig(const Rig&) = delete;
    Rig& operator=(const Rig&) = delete;

    void add(std::uint32_t number) {
        FibEntry entry;
        entry.agent = numbered_id(number);
        entry.version = number + 1;
        ASSERT_TRUE(fib->set(entry, 0));
        care.after_set(entry.agent, 0);
    }

    // One cycle of the control thread, and one turn of the lcore.
    void turn(std::uint64_t now_ms) {
        care.turn(now_ms);
        grace.quiescent(0);
        fib->reclaim();
    }

    Grace grace{1};
    std::unique_ptr<Fib> fib;
    SpscRing<AgentId> wanted{63};
    SpscRing<Misrouted> misrouted{63};
    SpscRing<RouteUse> uses{63};
    SpscRing<AgentId> expected{63};
    RouteCare care{*fib, {LcoreRings{&wanted, &misrouted, &uses, &expected}}};
};

}  // namespace

TEST(route_care, an_agent_nobody_knows_is_asked_for_once_and_one_that_came_is_not) {
    Rig rig;
    rig.add(1);
    for (const std::uint32_t number : {1U, 2U, 2U}) {
        ASSERT_TRUE(rig.wanted.push(numbered_id(number)));
    }
    rig.turn(10);
    EXPECT_EQ(rig.care.discovery().counts().requested, 1U);
    EXPECT_EQ(rig.care.discovery().counts().suppressed, 1U);
    EXPECT_EQ(rig.care.discovery().in_flight(), 1U);
    rig.add(2);  // the request ends with the registration
    EXPECT_EQ(rig.care.discovery().in_flight(), 0U);
}

TEST(route_care, an_agent_whose_route_is_stale_is_asked_for_like_one_nobody_knows) {
    Rig rig;
    FibEntry entry;
    entry.kind = RouteKind::remote;
    entry.fresh_until_ms = 1'000;
    for (const std::uint16_t router : {std::uint16_t{1}, std::uint16_t{2}}) {
        entry.router = router;
        entry.agent = numbered_id(router);
        ASSERT_TRUE(rig.fib->set(entry, 0));
    }
    const auto asked_at = [&](std::uint64_t now_ms) {
        EXPECT_TRUE(rig.wanted.push(numbered_id(1)));
        EXPECT_TRUE(rig.wanted.push(numbered_id(1)));
        EXPECT_TRUE(rig.wanted.push(numbered_id(2)));
        rig.turn(now_ms);
        return rig.care.discovery().take_requests();
    };
    EXPECT_TRUE(asked_at(10).empty()) << "good routes";
    rig.fib->routers().set_out(1, true);
    EXPECT_EQ(asked_at(20), std::vector{numbered_id(1)});
    EXPECT_EQ(rig.care.discovery().counts().suppressed, 1U);
    EXPECT_EQ(asked_at(1'000), std::vector{numbered_id(2)}) << "past its time; 1 is asked for";
}

TEST(route_care, a_capability_that_matches_no_pattern_here_is_asked_for_elsewhere) {
    Rig rig;
    FibEntry entry;
    entry.kind = RouteKind::capability;
    entry.agent = capability_key(capability_id("a/b"));
    ASSERT_TRUE(rig.fib->set(entry, 0));
    entry.agent = capability_key(capability_id("c/d"));
    entry.set_provider_set(1);
    ASSERT_TRUE(rig.fib->set(entry, 0));
    for (const char* const name : {"a/b", "a/b", "c/d"}) {
        ASSERT_TRUE(rig.wanted.push(capability_key(capability_id(name))));
    }
    rig.turn(10);
    EXPECT_EQ(rig.care.discovery().take_requests(),
              std::vector{capability_key(capability_id("a/b"))});
    EXPECT_EQ(rig.care.discovery().counts().suppressed, 1U);
}

TEST(route_care, what_other_routers_sent_here_in_error_is_there_to_be_taken_until_the_next_cycle) {
    Rig rig;
    for (std::uint32_t number = 0; number < 40; ++number) {
        ASSERT_TRUE(rig.misrouted.push({numbered_id(number), {}}));
    }
    rig.turn(10);
    const auto first = rig.care.take_misrouted();
    ASSERT_FALSE(first.empty());
    EXPECT_LT(first.size(), 40U) << "a cycle does so much and no more";
    EXPECT_EQ(first.front().destination, numbered_id(0));
    EXPECT_TRUE(rig.care.take_misrouted().empty());
    rig.turn(20);
    rig.turn(30);  // nobody took those of the second
    const auto last = rig.care.take_misrouted();
    ASSERT_FALSE(last.empty());
    EXPECT_EQ(last.front().destination, numbered_id(static_cast<std::uint32_t>(2 * first.size())));
}

TEST(route_care, the_most_used_come_first_and_a_gone_agent_not_at_all) {
    Rig rig;
    for (std::uint32_t number = 1; number <= 3; ++number) {
        rig.add(number);
        const FibEntry* const entry = rig.fib->find(numbered_id(number));
        for (std::uint32_t i = 0; i < number; ++i) {
            ASSERT_TRUE(rig.uses.push({entry->cell, 5, entry->version}));
        }
    }
    rig.turn(10);
    const auto top = rig.care.most_used_agents(10);
    EXPECT_EQ(top, (std::vector{numbered_id(3), numbered_id(2), numbered_id(1)}));
    rig.care.before_removal(numbered_id(3));
    ASSERT_TRUE(rig.fib->remove(numbered_id(3)));
    EXPECT_EQ(rig.care.most_used_agents(10), (std::vector{numbered_id(2), numbered_id(1)}));
}

TEST(route_care, expected_agents_reach_the_lcore_as_its_ring_has_room) {
    Rig rig;
    std::vector<AgentId> agents;
    for (std::uint32_t number = 0; number < 100; ++number) {
        agents.push_back(numbered_id(number));
    }
    rig.care.warm(agents);
    std::vector<AgentId> came;
    for (std::uint64_t cycle = 0; cycle < 10; ++cycle) {
        rig.turn(cycle);
        std::array<AgentId, 64> some;
        const unsigned count = rig.expected.pop(some);
        came.insert(came.end(), some.begin(), some.begin() + count);
    }
    EXPECT_EQ(came, agents);
    EXPECT_EQ(rig.care.still_to_warm(), 0U);
}

TEST(route_care, who_was_used_in_the_last_run_is_warmed_on_coming_back) {
    Rig rig;
    rig.add(1);
    rig.care.expect({numbered_id(2), numbered_id(1)});
    rig.turn(1);
    std::array<AgentId, 4> came;
    ASSERT_EQ(rig.expected.pop(came), 1U);
    EXPECT_EQ(came[0], numbered_id(1));
    rig.add(3);  // nobody expects it
    rig.add(2);
    rig.turn(2);
    ASSERT_EQ(rig.expected.pop(came), 1U);
    EXPECT_EQ(came[0], numbered_id(2));
    rig.add(2);  // moved: it is warmed once
    rig.turn(3);
    EXPECT_EQ(rig.expected.pop(came), 0U);
}

TEST(route_care, a_new_key_is_built_in_steps_and_the_caches_are_warmed_after_it) {
    Rig rig;
    for (std::uint32_t number = 0; number < 5'000; ++number) {
        rig.add(number);
    }
    const FibEntry* const used = rig.fib->find(numbered_id(7));
    ASSERT_TRUE(rig.uses.push({used->cell, 5, used->version}));
    rig.turn(10);
    Rekeying& rekeying = rig.care.rekeying();
    ASSERT_TRUE(rekeying.start("operator", 20).has_value());
    EXPECT_FALSE(rekeying.start("operator", 20).has_value());
    unsigned cycles = 0;
    while (rekeying.state() == Rekeying::State::running) {
        rig.turn(21 + cycles++);
        ASSERT_LT(cycles, 100U);
    }
    EXPECT_EQ(rekeying.state(), Rekeying::State::done);
    EXPECT_GE(cycles, 5'000 / Rekeying::kEntriesPerStep);
    EXPECT_EQ(rig.fib->rekeyed_count(), 1U);
    for (std::uint32_t number = 0; number < 5'000; ++number) {
        ASSERT_NE(rig.fib->find(numbered_id(number)), nullptr) << number;
    }
    AgentId warmed;
    EXPECT_EQ(rig.expected.pop(std::span(&warmed, 1)), 1U);
    EXPECT_EQ(warmed, numbered_id(7));
}

// Somebody knows the key, and has chosen ids that all have their home in the first line.
TEST(route_care, too_many_ids_without_a_place_change_the_key_once_and_are_placed) {
    Rig rig;
    const KeyHash known(hash_key(1));
    std::uint32_t chosen = 0;
    for (std::uint32_t number = 0; chosen < 150; ++number) {
        // Fewer than 2^13 lines: the first one's hashes begin with 13 zero bits.
        if (known.hash(numbered_id(number)) >> 51 == 0) {
            rig.add(number);
            ++chosen;
        }
    }
    ASSERT_GT(rig.fib->spilled_count(), rig.care.rekeying().spilled_bound());
    EXPECT_LT(rig.fib->spilled_by_chance(), 1);
    std::uint64_t now_ms = Rekeying::kWatchMs;
    rig.turn(now_ms);
    EXPECT_EQ(rig.care.rekeying().state(), Rekeying::State::running);
    EXPECT_EQ(rig.care.rekeying().reason(), "spilled");
    while (rig.care.rekeying().state() == Rekeying::State::running) {
        rig.turn(++now_ms);
        ASSERT_LT(now_ms, Rekeying::kWatchMs + 100);
    }
    EXPECT_EQ(rig.care.rekeying().state(), Rekeying::State::done);
    EXPECT_LE(rig.fib->spilled_count(), rig.care.rekeying().spilled_bound());
    rig.turn(now_ms + Rekeying::kWatchMs);
    EXPECT_EQ(rig.fib->rekeyed_count(), 1U);
}
