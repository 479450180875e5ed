// SPDX-License-Identifier: BSD-3-Clause
// Who gets how much, and what moves when the set changes, from one provider to 100 000.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "routing/conversations.h"
#include "routing/load_cells.h"
#include "routing/memory_estimate.h"
#include "routing/mix.h"
#include "routing/provider_set.h"
#include "tests/support/numbered_id.h"
#include "tests/support/providers.h"

namespace posthaste::routing {

namespace {

using support::numbered_id;
using support::provider_of;
using support::set_of;

constexpr std::uint32_t kSizes[] = {1, 2, 10, 1'000, 100'000};

std::vector<Provider> here(std::uint32_t count) {
    std::vector<Provider> providers;
    for (std::uint32_t i = 0; i < count; ++i) {
        providers.push_back(provider_of(i));
    }
    return providers;
}

// The chosen one's cell for mix(0), mix(1) and so on, each a new conversation.
std::vector<std::uint32_t> choices(const ProviderSet& set,
                                   std::uint32_t keys,
                                   Strategy strategy,
                                   bool local_only = false,
                                   const RouterMask& routers = {}) {
    const LoadCells loads;
    Conversations conversations(1'024);
    ChoiceContext context{routers, loads, conversations};
    std::vector<std::uint32_t> cells;
    for (std::uint64_t key = 0; key < keys; ++key) {
        const Provider* chosen =
            set.choose({.key = mix(key), .strategy = strategy, .local_only = local_only}, context);
        cells.push_back(chosen == nullptr ? Conversations::kNone : chosen->cell);
    }
    return cells;
}

std::vector<std::uint32_t> counts(const std::vector<std::uint32_t>& chosen, std::uint32_t among) {
    std::vector<std::uint32_t> each(among);
    for (const std::uint32_t cell : chosen) {
        ++each.at(cell);
    }
    return each;
}

// Of shares in those proportions; in standard deviations from what chance gives.
double chi_square(const std::vector<std::uint32_t>& counted, const std::vector<double>& share) {
    double keys = 0;
    double all = 0;
    for (std::size_t i = 0; i < counted.size(); ++i) {
        keys += counted[i];
        all += share[i];
    }
    double sum = 0;
    for (std::size_t i = 0; i < counted.size(); ++i) {
        const double expected = keys * share[i] / all;
        sum += (counted[i] - expected) * (counted[i] - expected) / expected;
    }
    const double freedom = static_cast<double>(counted.size()) - 1;
    return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(provider_shares, priority_and_least_loaded_spread_evenly_over_equals) {
    for (const Strategy strategy : {Strategy::priority, Strategy::least_loaded}) {
        for (const std::uint32_t size : {2U, 10U, 1'000U}) {
            const auto set = set_of(here(size));
            const auto each = counts(choices(*set, 100 * size, strategy), size);
            EXPECT_LT(chi_square(each, std::vector<double>(size, 1)), 4) << size;
        }
    }
}

TEST(provider_shares, weighted_gives_each_its_share) {
    for (const std::uint32_t size : {2U, 10U, 1'000U}) {
        std::vector<Provider> providers = here(size);
        std::vector<double> share;
        for (Provider& provider : providers) {
            provider.weight = static_cast<std::uint16_t>(10 + mix(provider.cell) % 991);
            share.push_back(provider.weight);
        }
        const auto set = set_of(providers);
        const auto each = counts(choices(*set, 1'000 * size, Strategy::weighted), size);
        EXPECT_LT(chi_square(each, share), 4) << size;
    }
}

TEST(provider_shares, weights_count_among_those_here_too) {
    std::vector<Provider> providers = here(20);
    std::vector<double> share;
    for (Provider& provider : providers) {
        provider.weight = static_cast<std::uint16_t>(1 + provider.cell % 10 * 50);
        provider.router = provider.cell < 10 ? kNoRouter : 3;
        share.push_back(provider.weight);
    }
    const auto set = set_of(providers);
    EXPECT_LT(chi_square(counts(choices(*set, 40'000, Strategy::weighted), 20), share), 4);
    auto local = counts(choices(*set, 40'000, Strategy::weighted, true), 20);
    EXPECT_TRUE(std::all_of(local.begin() + 10, local.end(), [](auto n) { return n == 0; }));
    local.resize(10);
    share.resize(10);
    EXPECT_LT(chi_square(local, share), 4);
}

// Of 8 points and 3 probes: the deviation of a share is 0.16 of the mean, and the greatest of 1 000
// about 1.5 times the mean. Counting 500 keys each adds 0.045.
TEST(provider_shares, sticky_is_balanced) {
    for (const auto& [size, most, deviation] :
         {std::tuple(2U, 1.5, 0.3), std::tuple(10U, 1.5, 0.25), std::tuple(1'000U, 1.7, 0.2)}) {
        const auto set = set_of(here(size));
        const auto each = counts(choices(*set, 500 * size, Strategy::sticky), size);
        double squares = 0;
        for (const std::uint32_t count : each) {
            squares += (count / 500.0 - 1) * (count / 500.0 - 1);
        }
        EXPECT_LT(*std::max_element(each.begin(), each.end()) / 500.0, most) << size;
        EXPECT_LT(std::sqrt(squares / size), deviation) << size;
    }
}

TEST(provider_shares, who_joins_takes_his_share_and_nobody_elses_keys_move) {
    for (const std::uint32_t size : kSizes) {
        const auto before = set_of(here(size));
        const std::vector<ProviderChange> join = {{.remove = false, .provider = provider_of(size)}};
        const auto after = ProviderSet::make(before.get(), join);
        const std::uint32_t keys = std::min(400'000U, size * 200 + 1'000);
        const auto was = choices(*before, keys, Strategy::sticky);
        const auto is = choices(*after, keys, Strategy::sticky);
        double moved = 0;
        for (std::uint32_t key = 0; key < keys; ++key) {
            ASSERT_TRUE(is[key] == was[key] || is[key] == size) << key;
            moved += is[key] == size ? 1 : 0;
        }
        const double fair = static_cast<double>(keys) / (size + 1);
        EXPECT_LT(moved, 2 * fair + 5 * std::sqrt(fair)) << size;
        if (fair > 50) {
            EXPECT_GT(moved, 0.3 * fair) << size;
        }
        const std::vector<ProviderChange> leave = {{.remove = true, .provider = provider_of(size)}};
        EXPECT_EQ(choices(*ProviderSet::make(after.get(), leave), keys, Strategy::sticky), was);
    }
}

TEST(provider_shares, the_winner_of_all_is_the_winner_where_he_is) {
    for (const std::uint32_t size : kSizes) {
        std::vector<Provider> providers = here(size);
        for (Provider& provider : providers) {
            provider.router = provider.cell % 3 == 0 ? kNoRouter : provider.cell % 3;
        }
        const auto set = set_of(providers);
        for (Provider& provider : providers) {  // as the router 1 has it
            provider.router = provider.cell % 3 == 1 ? kNoRouter : 0;
        }
        const auto theirs = set_of(providers);
        const auto all = choices(*set, 20'000, Strategy::sticky);
        const auto local = choices(*set, 20'000, Strategy::sticky, true);
        const auto relayed = choices(*theirs, 20'000, Strategy::sticky, true);
        for (std::uint32_t key = 0; key < all.size(); ++key) {
            ASSERT_TRUE(all[key] % 3 != 0 || local[key] == all[key]);
            ASSERT_TRUE(all[key] % 3 != 1 || relayed[key] == all[key]);
            ASSERT_EQ(local[key] % 3, 0U);
        }
    }
}

TEST(provider_shares, the_same_from_one_change_or_from_many) {
    std::vector<Provider> providers = here(1'000);
    for (Provider& provider : providers) {
        provider.router = provider.cell % 2 == 0 ? kNoRouter : 7;
    }
    const auto at_once = set_of(providers);
    std::unique_ptr<const ProviderSet> grown = ProviderSet::make(nullptr, {});
    for (std::uint32_t i = 0; i < 1'000; ++i) {
        const std::uint32_t next = (i * 617 + 5) % 1'000;
        const std::vector<ProviderChange> change = {
            {.remove = false, .provider = providers[next]},
            {.remove = false, .provider = provider_of(1'000 + i)},
            {.remove = true, .provider = provider_of(999 + i)}};
        // The one before last goes; those below 1 000 stay, however often they are named.
        grown = ProviderSet::make(grown.get(), std::span(change).first(i == 0 ? 2 : 3));
    }
    const std::vector<ProviderChange> last = {{.remove = true, .provider = provider_of(1'999)}};
    grown = ProviderSet::make(grown.get(), last);
    ASSERT_EQ(grown->providers().size(), 1'000U);
    for (const bool local : {false, true}) {
        EXPECT_EQ(choices(*grown, 10'000, Strategy::sticky, local),
                  choices(*at_once, 10'000, Strategy::sticky, local));
    }
}

// Lines of a ring are kept where nothing in them changes: at every step of a long history each
// choice is what it is among the same providers, put in at once.
TEST(provider_shares, at_every_step_of_a_history_the_same_as_from_one_change) {
    const RouterMask none_out;
    RouterMask one_out;  // from those there the way goes on along the ring
    one_out.set_out(3, true);
    std::mt19937 random(7);
    std::map<std::uint32_t, Provider> in;
    std::unique_ptr<const ProviderSet> grown = ProviderSet::make(nullptr, {});
    for (std::uint32_t step = 0; step < 200; ++step) {
        std::vector<ProviderChange> changes;
        const std::uint32_t count = step % 5 == 0 ? 1 + random() % 100 : 1 + random() % 3;
        for (std::uint32_t i = 0; i < count; ++i) {
            Provider provider = provider_of(random() % 700, random() % 2 == 0 ? kNoRouter : 3);
            provider.state = random() % 8 == 0 ? AgentState::stopped : AgentState::running;
            const bool remove = random() % 3 == 0;
            changes.push_back({.remove = remove, .provider = provider});
            in.erase(provider.cell);
            if (!remove) {
                in.emplace(provider.cell, provider);
            }
        }
        grown = ProviderSet::make(grown.get(), changes);
        std::vector<Provider> providers;
        for (const auto& [cell, provider] : in) {
            providers.push_back(provider);
        }
        const auto at_once = set_of(providers);
        for (const bool local : {false, true}) {
            for (const RouterMask* routers :
                 std::initializer_list<const RouterMask*>{&none_out, &one_out}) {
                ASSERT_EQ(choices(*grown, 2'000, Strategy::sticky, local, *routers),
                          choices(*at_once, 2'000, Strategy::sticky, local, *routers))
                    << "step " << step;
            }
        }
    }
}

// About 130 bytes a provider; where some are here and some are not, 93 more for those here.
TEST(provider_shares, what_a_provider_takes) {
    for (const std::uint32_t size : {1'000U, 4'095U, 4'097U, 100'000U}) {
        EXPECT_LT(set_of(here(size))->memory_bytes() / static_cast<double>(size), 135) << size;
        std::vector<Provider> providers = here(size);
        for (Provider& provider : providers) {
            provider.router = provider.cell % 2 == 0 ? kNoRouter : 1;
        }
        EXPECT_LT(set_of(providers)->memory_bytes() / static_cast<double>(size), 185) << size;
    }
}

TEST(provider_shares, what_a_set_takes_is_as_estimated) {
    const auto expect_near = [](const ProviderSet& set, std::uint32_t here, std::uint32_t there) {
        const auto taken = static_cast<double>(set.memory_bytes());
        EXPECT_NEAR(static_cast<double>(estimate_providers(here, there)), taken, 0.02 * taken)
            << here << " here, " << there << " elsewhere";
    };
    for (const std::uint32_t size : {1U, 2U, 4U, 10U, 32U, 100U, 1'000U, 10'000U, 100'000U}) {
        std::vector<Provider> providers = here(size);
        expect_near(*set_of(providers), size, 0);
        for (Provider& provider : providers) {
            provider.router = 1;
        }
        expect_near(*set_of(providers), 0, size);
        for (Provider& provider : providers) {
            provider.router = provider.cell % 4 == 0 ? kNoRouter : 1;
        }
        const auto some = set_of(providers);
        const auto local = static_cast<std::uint32_t>(some->local().size());
        expect_near(*some, local, size - local);
    }
}

}  // namespace

}  // namespace posthaste::routing
