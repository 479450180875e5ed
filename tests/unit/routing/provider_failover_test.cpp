// SPDX-License-Identifier: BSD-3-Clause
// What choose() does where the usual way does not lead to anybody: nearly all are out, draining or
// the sender; and where two are equally near.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "routing/conversations.h"
#include "routing/load_cells.h"
#include "routing/mix.h"
#include "routing/provider_set.h"
#include "tests/support/numbered_id.h"
#include "tests/support/providers.h"

namespace posthaste::routing {

namespace {

using support::numbered_id;
using support::provider_of;
using support::set_of;

constexpr Strategy kAll[] = {
    Strategy::sticky, Strategy::priority, Strategy::weighted, Strategy::least_loaded};

struct Lcore {
    RouterMask routers;
    LoadCells loads;
    Conversations conversations{1U << 16};
    ChoiceContext context{routers, loads, conversations};

    // The chosen one's number, or -1.
    int choose(const ProviderSet& set, const Ask& ask) {
        const Provider* chosen = set.choose(ask, context);
        return chosen == nullptr ? -1 : static_cast<int>(chosen->cell);
    }
};

TEST(provider_failover, the_only_two_whose_router_is_not_out_are_found_among_thousands) {
    std::vector<Provider> providers;
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        providers.push_back(provider_of(i, static_cast<std::uint16_t>(i % 40)));
        providers.back().priority = static_cast<std::uint16_t>(i % 3);
        providers.back().weight = static_cast<std::uint16_t>(1 + i % 5);
    }
    providers.push_back(provider_of(6'000, 1'023));
    providers.push_back(provider_of(6'001, 1'023));
    const auto set = set_of(providers);
    const AgentId one = numbered_id(6'000);
    for (const Strategy strategy : kAll) {
        Lcore lcore;
        for (std::uint16_t router = 0; router < 40; ++router) {
            lcore.routers.set_out(router, true);
        }
        std::set<int> chosen;
        for (std::uint64_t key = 0; key < 200; ++key) {
            chosen.insert(lcore.choose(*set, {.key = mix(key), .strategy = strategy}));
            EXPECT_EQ(
                lcore.choose(*set, {.key = mix(key + 1'000), .sender = &one, .strategy = strategy}),
                6'001);
        }
        EXPECT_EQ(chosen, (std::set{6'000, 6'001}));
        lcore.routers.set_out(1'023, true);
        EXPECT_EQ(lcore.choose(*set, {.key = 1, .strategy = strategy}), -1);
    }
}

TEST(provider_failover, a_router_where_only_the_sender_is_does_not_count) {
    std::vector<Provider> providers;
    for (std::uint32_t i = 0; i < 2'000; ++i) {
        providers.push_back(provider_of(i, 1));
    }
    providers.push_back(provider_of(5'000, 2));
    providers.push_back(provider_of(5'001, 3));
    const auto set = set_of(providers);
    const AgentId sender = numbered_id(5'000);
    for (const Strategy strategy : kAll) {
        Lcore lcore;
        lcore.routers.set_out(1, true);
        for (std::uint64_t key = 0; key < 100; ++key) {
            ASSERT_EQ(
                lcore.choose(*set, {.key = mix(key), .sender = &sender, .strategy = strategy}),
                5'001);
        }
        lcore.routers.set_out(3, true);
        EXPECT_EQ(lcore.choose(*set, {.key = 7, .sender = &sender, .strategy = strategy}), -1);
    }
}

TEST(provider_failover, two_who_run_among_many_who_drain) {
    std::vector<Provider> providers;
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        providers.push_back(provider_of(i, i % 2 == 0 ? kNoRouter : std::uint16_t{4}));
        providers.back().state = AgentState::draining;
    }
    providers.push_back(provider_of(2'000));
    providers.push_back(provider_of(2'001));
    const auto set = set_of(providers);
    for (const bool local : {false, true}) {
        Lcore lcore;
        const AgentId sender = numbered_id(2'000);
        std::set<int> chosen;
        for (std::uint64_t key = 0; key < 200; ++key) {
            chosen.insert(lcore.choose(*set, {.key = mix(key), .local_only = local}));
            ASSERT_EQ(
                lcore.choose(*set, {.key = mix(key + 500), .sender = &sender, .local_only = local}),
                2'001);
        }
        EXPECT_EQ(chosen, (std::set{2'000, 2'001}));
    }
}

// Half of the routers out: who is chosen is still the nearest of the others.
TEST(provider_failover, the_nearest_of_those_that_are_not_out) {
    std::vector<Provider> providers;
    std::vector<Provider> reachable;
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        providers.push_back(provider_of(i, static_cast<std::uint16_t>(i % 10)));
        if (i % 10 >= 5) {
            reachable.push_back(providers.back());
        }
    }
    const auto set = set_of(providers);
    const auto others = set_of(reachable);
    Lcore lcore;
    Lcore lcore_of_others;
    for (std::uint16_t router = 0; router < 5; ++router) {
        lcore.routers.set_out(router, true);
    }
    for (std::uint64_t key = 0; key < 20'000; ++key) {
        ASSERT_EQ(lcore.choose(*set, {.key = mix(key)}),
                  lcore_of_others.choose(*others, {.key = mix(key)}));
    }
}

// As far as the key from one of the agent's points, by what the contract says.
std::uint32_t distance(const AgentId& agent, std::uint64_t key) {
    std::uint32_t least = 0xffffffff;
    for (const std::uint32_t position : ProviderRing::positions(agent)) {
        for (const std::uint32_t probe : ProviderRing::probes(key)) {
            least = std::min(least, position - probe);
        }
    }
    return least;
}

// Ids may be chosen so that their points fall together; most awkward where the ring closes.
TEST(provider_failover, agents_whose_points_fall_together_are_found_as_others_are) {
    for (const std::uint32_t from : {0xfff80000U, 0U, 0x40000000U}) {
        std::vector<Provider> providers;
        for (std::uint32_t i = 0; providers.size() < 60; ++i) {
            const auto positions = ProviderRing::positions(numbered_id(i));
            if (std::any_of(positions.begin(), positions.end(), [from](std::uint32_t position) {
                    return position - from < 0x80000;
                })) {
                providers.push_back(provider_of(i));
            }
        }
        const auto set = set_of(providers);
        Lcore lcore;
        for (std::uint64_t i = 0; i < 3'000; ++i) {
            const std::uint64_t key =
                i % 2 == 0 ? mix(i) : (mix(i) & ~std::uint64_t{0xffffffff}) | (from + i * 256);
            const auto nearest = std::min_element(
                providers.begin(), providers.end(), [key](const Provider& a, const Provider& b) {
                    return distance(a.agent, key) < distance(b.agent, key);
                });
            ASSERT_EQ(lcore.choose(*set, {.key = key}), static_cast<int>(nearest->cell)) << i;
        }
    }
}

// Numbers of agents that have a point at one place, and the place.
struct Meeting {
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    std::uint32_t position = 0;
};

std::optional<Meeting> meeting() {
    std::map<std::uint32_t, std::uint32_t> taken;
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        for (const std::uint32_t position : ProviderRing::positions(numbered_id(i))) {
            const auto [at, added] = taken.try_emplace(position, i);
            if (!added && at->second != i) {
                return Meeting{at->second, i, position};
            }
        }
    }
    return std::nullopt;
}

TEST(provider_failover, of_two_at_one_place_the_lower_id) {
    const auto two = meeting();
    ASSERT_TRUE(two.has_value());
    const int lower = static_cast<int>(
        numbered_id(two->first) < numbered_id(two->second) ? two->first : two->second);
    for (const std::uint16_t router : {kNoRouter, std::uint16_t{3}}) {
        for (const bool swapped : {false, true}) {
            const Provider a = provider_of(swapped ? two->second : two->first);
            const Provider b = provider_of(swapped ? two->first : two->second, router);
            const auto first = set_of({a});
            const std::vector<ProviderChange> join = {{.remove = false, .provider = b}};
            const auto both = ProviderSet::make(first.get(), join);
            Lcore lcore;
            EXPECT_EQ(lcore.choose(*both, {.key = two->position}), lower);
            EXPECT_EQ(lcore.choose(*set_of({b, a}), {.key = two->position}), lower);
        }
    }
}

TEST(provider_failover, of_two_equally_near_to_two_places_the_lower_id) {
    const std::uint64_t low = ProviderRing::positions(numbered_id(1))[0];
    const std::uint64_t high = ProviderRing::positions(numbered_id(2))[0];
    ASSERT_LT(numbered_id(1), numbered_id(2));
    for (const std::uint64_t key : {low | high << 32, high | low << 32}) {
        for (const std::uint16_t router : {kNoRouter, std::uint16_t{3}}) {
            Lcore lcore;
            const auto set = set_of({provider_of(1, router), provider_of(2)});
            EXPECT_EQ(lcore.choose(*set, {.key = key}), 1);
        }
    }
}

// The sender led to by his own conversation, whom it is remembered for besides.
TEST(provider_failover, the_colleague_of_a_provider_does_not_get_his_own_frames) {
    const auto set = set_of({provider_of(1), provider_of(2)});
    for (const Strategy strategy :
         {Strategy::priority, Strategy::weighted, Strategy::least_loaded}) {
        Lcore lcore;
        const AgentId one = numbered_id(1);
        const AgentId two = numbered_id(2);
        const auto ask = [&](const AgentId* sender) {
            return lcore.choose(*set, {.key = 77, .sender = sender, .strategy = strategy});
        };
        const int first = ask(nullptr);
        const AgentId& self = first == 1 ? one : two;
        const AgentId& colleague = first == 1 ? two : one;
        EXPECT_EQ(ask(&self), 3 - first);
        lcore.conversations.keep(77, static_cast<std::uint32_t>(3 - first));
        EXPECT_EQ(ask(&colleague), first);
    }
}

TEST(provider_failover, a_conversation_that_found_nobody_here_is_remembered_as_any_other) {
    const auto set = set_of({provider_of(1), provider_of(2, 5), provider_of(3, 6)});
    const AgentId here = numbered_id(1);
    int seen = 0;
    for (std::uint64_t key = 0; key < 50; ++key) {
        Lcore lcore;
        const int chosen =
            lcore.choose(*set, {.key = mix(key), .sender = &here, .local_first = true});
        Lcore fresh;
        if (fresh.choose(*set, {.key = mix(key)}) != chosen) {
            continue;  // it leads to the sender
        }
        Provider draining = provider_of(static_cast<std::uint32_t>(chosen), chosen == 2 ? 5 : 6);
        draining.state = AgentState::draining;
        const std::vector<ProviderChange> change = {{.remove = false, .provider = draining}};
        const auto after = ProviderSet::make(set.get(), change);
        EXPECT_EQ(lcore.choose(*after, {.key = mix(key)}), chosen);
        EXPECT_NE(fresh.choose(*after, {.key = mix(key + 1'000)}), chosen);
        ++seen;
    }
    EXPECT_GT(seen, 10);
}

}  // namespace

}  // namespace posthaste::routing
