// SPDX-License-Identifier: BSD-3-Clause
#include "routing/provider_set.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "routing/conversations.h"
#include "routing/load_cells.h"
#include "routing/mix.h"
#include "tests/support/numbered_id.h"

namespace posthaste::routing {

namespace {

using support::numbered_id;

Provider provider_of(std::uint32_t number, std::uint16_t router = kNoRouter) {
    Provider provider;
    provider.agent = numbered_id(number);
    provider.cell = number;
    provider.router = router;
    return provider;
}

ProviderChange put(const Provider& provider) {
    return {.remove = false, .provider = provider};
}

ProviderChange gone(std::uint32_t number) {
    return {.remove = true, .provider = provider_of(number)};
}

std::unique_ptr<const ProviderSet> set_of(const std::vector<Provider>& providers) {
    std::vector<ProviderChange> changes;
    for (const Provider& provider : providers) {
        changes.push_back(put(provider));
    }
    return ProviderSet::make(nullptr, changes);
}

struct Lcore {
    RouterMask routers;
    std::vector<std::uint32_t> cells = std::vector<std::uint32_t>(200'000);
    LoadCells loads{cells.data(), static_cast<std::uint32_t>(cells.size())};
    Conversations conversations{1U << 16};
    ChoiceContext context{routers, loads, conversations};

    // The chosen one's number, or -1.
    int choose(const ProviderSet& set, const Ask& ask) {
        const Provider* chosen = set.choose(ask, context);
        return chosen == nullptr ? -1 : static_cast<int>(chosen->cell);
    }
};

constexpr Strategy kAll[] = {
    Strategy::sticky, Strategy::priority, Strategy::weighted, Strategy::least_loaded};

TEST(provider_set, an_empty_one_chooses_nobody) {
    const auto set = ProviderSet::make(nullptr, {});
    Lcore lcore;
    for (const Strategy strategy : kAll) {
        EXPECT_EQ(lcore.choose(*set, {.key = 1, .strategy = strategy}), -1);
    }
    EXPECT_TRUE(set->providers().empty());
    EXPECT_TRUE(set->routers().empty());
    EXPECT_GT(set->memory_bytes(), 0U);
    set->prefetch(5);
}

TEST(provider_set, the_only_one_is_chosen_and_never_by_himself) {
    const auto set = set_of({provider_of(3)});
    Lcore lcore;
    const AgentId self = numbered_id(3);
    const AgentId other = numbered_id(4);
    for (const Strategy strategy : kAll) {
        EXPECT_EQ(lcore.choose(*set, {.key = 1, .sender = &other, .strategy = strategy}), 3);
        EXPECT_EQ(lcore.choose(*set, {.key = 1, .sender = &self, .strategy = strategy}), -1);
    }
}

TEST(provider_set, rows_are_in_order) {
    Provider low = provider_of(1);
    low.priority = 1;
    Provider draining = provider_of(2);
    draining.state = AgentState::draining;
    Provider stopped = provider_of(3);
    stopped.state = AgentState::stopped;
    Provider far_draining = provider_of(7, 4);
    far_draining.state = AgentState::draining;
    const auto set = set_of({far_draining,
                             provider_of(6, 9),
                             provider_of(5, 2),
                             stopped,
                             draining,
                             low,
                             provider_of(4),
                             provider_of(0)});
    std::vector<std::uint32_t> cells;
    for (const Provider& provider : set->providers()) {
        cells.push_back(provider.cell);
    }
    EXPECT_EQ(cells, (std::vector<std::uint32_t>{0, 4, 1, 2, 3, 5, 6, 7}));
    EXPECT_EQ(set->local().size(), 3U);
    EXPECT_EQ(set->remote().size(), 2U);
    EXPECT_EQ(set->remote()[0].cell, 5U);
    EXPECT_EQ(std::vector<std::uint16_t>(set->routers().begin(), set->routers().end()),
              (std::vector<std::uint16_t>{2, 9}));
}

TEST(provider_set, the_last_change_of_an_agent_counts) {
    const auto first = set_of({provider_of(1), provider_of(2)});
    Provider heavy = provider_of(1);
    heavy.weight = 700;
    const std::vector<ProviderChange> changes = {
        gone(1), put(provider_of(3)), put(heavy), gone(3), gone(9)};
    const auto second = ProviderSet::make(first.get(), changes);
    ASSERT_EQ(second->providers().size(), 2U);
    EXPECT_EQ(second->providers()[0], heavy);
    EXPECT_EQ(second->providers()[1], provider_of(2));
}

TEST(provider_set, a_union_has_each_agent_once_with_its_highest_priority) {
    Provider high = provider_of(1);
    high.priority = 900;
    high.weight = 1;
    Provider low = provider_of(1);
    low.priority = 20;
    low.weight = 1'000;
    const auto a = set_of({low, provider_of(2)});
    const auto b = set_of({high, provider_of(3)});
    const std::vector<const ProviderSet*> sets = {a.get(), b.get()};
    const auto both = ProviderSet::make_union(sets);
    ASSERT_EQ(both->providers().size(), 3U);
    EXPECT_EQ(both->providers()[0], high);
}

TEST(provider_set, routers_that_are_out_are_passed_over_and_come_back) {
    const auto set = set_of({provider_of(1, 5), provider_of(2, 6)});
    for (const Strategy strategy : kAll) {
        Lcore lcore;
        std::uint64_t key = 0;
        while (lcore.choose(*set, {.key = mix(key), .strategy = strategy}) != 1) {
            ++key;
        }
        const Ask ask{.key = mix(key), .strategy = strategy};
        lcore.routers.set_out(5, true);
        EXPECT_EQ(lcore.choose(*set, ask), 2);
        lcore.routers.set_out(6, true);
        EXPECT_EQ(lcore.choose(*set, ask), -1);
        lcore.routers.set_out(5, false);
        EXPECT_EQ(lcore.choose(*set, ask), 1);
    }
}

TEST(provider_set, relayed_frames_stay_here_and_local_first_leaves_only_if_nobody_is_here) {
    const auto set = set_of({provider_of(1), provider_of(2, 6), provider_of(3, 6)});
    const AgentId here = numbered_id(1);
    for (const Strategy strategy : kAll) {
        Lcore lcore;
        for (std::uint64_t key = 0; key < 50; ++key) {
            EXPECT_EQ(
                lcore.choose(*set, {.key = mix(key), .strategy = strategy, .local_only = true}), 1);
            EXPECT_EQ(lcore.choose(
                          *set, {.key = mix(key + 99), .strategy = strategy, .local_first = true}),
                      1);
            EXPECT_GE(lcore.choose(*set,
                                   {.key = mix(key + 99),
                                    .sender = &here,
                                    .strategy = strategy,
                                    .local_first = true}),
                      2);
            EXPECT_EQ(
                lcore.choose(
                    *set,
                    {.key = mix(key), .sender = &here, .strategy = strategy, .local_only = true}),
                -1);
        }
    }
}

TEST(provider_set, draining_providers_keep_their_conversations_and_get_no_new_ones) {
    for (const Strategy strategy : kAll) {
        const auto before = set_of({provider_of(1), provider_of(2), provider_of(3)});
        Lcore lcore;
        std::vector<int> chosen;
        for (std::uint64_t key = 0; key < 200; ++key) {
            chosen.push_back(lcore.choose(*before, {.key = mix(key), .strategy = strategy}));
        }
        Provider draining = provider_of(2);
        draining.state = AgentState::draining;
        const std::vector<ProviderChange> change = {put(draining)};
        const auto after = ProviderSet::make(before.get(), change);
        int stayed = 0;
        for (std::uint64_t key = 0; key < 200; ++key) {
            EXPECT_EQ(lcore.choose(*after, {.key = mix(key), .strategy = strategy}), chosen[key]);
            stayed += chosen[key] == 2 ? 1 : 0;
            EXPECT_NE(lcore.choose(*after, {.key = mix(key + 1'000), .strategy = strategy}), 2);
        }
        EXPECT_GT(stayed, 10);
    }
}

TEST(provider_set, stopped_providers_get_nothing) {
    for (const Strategy strategy : kAll) {
        const auto before = set_of({provider_of(1), provider_of(2)});
        Lcore lcore;
        for (std::uint64_t key = 0; key < 50; ++key) {
            EXPECT_GT(lcore.choose(*before, {.key = mix(key), .strategy = strategy}), 0);
        }
        Provider stopped = provider_of(2);
        stopped.state = AgentState::stopped;
        const std::vector<ProviderChange> change = {put(stopped)};
        const auto after = ProviderSet::make(before.get(), change);
        for (std::uint64_t key = 0; key < 50; ++key) {
            EXPECT_EQ(lcore.choose(*after, {.key = mix(key), .strategy = strategy}), 1);
        }
    }
}

TEST(provider_set, the_highest_priority_that_is_available) {
    Provider best = provider_of(1, 1);
    best.priority = 900;
    Provider good = provider_of(2, 2);
    good.priority = 800;
    Provider here = provider_of(3);
    here.priority = 700;
    const auto set = set_of({best, good, here});
    Lcore lcore;
    const auto chosen = [&](std::uint64_t key) {
        return lcore.choose(*set, {.key = mix(key), .strategy = Strategy::priority});
    };
    EXPECT_EQ(chosen(1), 1);
    lcore.routers.set_out(1, true);
    EXPECT_EQ(chosen(1), 2);
    EXPECT_EQ(chosen(2), 2);
    lcore.routers.set_out(2, true);
    EXPECT_EQ(chosen(1), 3);
    lcore.routers.set_out(1, false);
    EXPECT_EQ(chosen(1), 3) << "a conversation stays where it can";
    EXPECT_EQ(chosen(4), 1) << "a new one goes to the best";
}

TEST(provider_set, the_less_loaded_of_two) {
    const auto set = set_of({provider_of(1), provider_of(2)});
    Lcore lcore;
    lcore.loads.set(1, {.per_mille = 500, .queue_depth = 0});
    lcore.loads.set(2, {.per_mille = 400, .queue_depth = 9});
    for (std::uint64_t key = 0; key < 1'000; ++key) {
        EXPECT_EQ(lcore.choose(*set, {.key = mix(key), .strategy = Strategy::least_loaded}), 2);
    }
    lcore.loads.set(2, {.per_mille = 501, .queue_depth = 0});
    EXPECT_EQ(lcore.choose(*set, {.key = mix(1), .strategy = Strategy::least_loaded}), 2)
        << "a conversation stays";
    EXPECT_EQ(lcore.choose(*set, {.key = mix(5'000), .strategy = Strategy::least_loaded}), 1);
}

TEST(provider_set, a_provider_that_sends_in_a_conversation_does_not_move_it) {
    for (const Strategy strategy : kAll) {
        const auto set = set_of({provider_of(1), provider_of(2), provider_of(3)});
        Lcore lcore;
        const AgentId client = numbered_id(9);
        const Ask ask{.key = mix(5), .sender = &client, .strategy = strategy};
        const int first = lcore.choose(*set, ask);
        const AgentId self = numbered_id(static_cast<std::uint32_t>(first));
        const Ask back{.key = mix(5), .sender = &self, .strategy = strategy};
        const int colleague = lcore.choose(*set, back);
        EXPECT_NE(colleague, first);
        EXPECT_EQ(lcore.choose(*set, ask), first);
        EXPECT_EQ(lcore.choose(*set, back), colleague);
        Provider draining = provider_of(static_cast<std::uint32_t>(first));
        draining.state = AgentState::draining;
        const std::vector<ProviderChange> change = {put(draining)};
        const auto after = ProviderSet::make(set.get(), change);
        EXPECT_EQ(lcore.choose(*after, ask), first);
    }
}

}  // namespace

}  // namespace posthaste::routing
