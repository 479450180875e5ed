// SPDX-License-Identifier: BSD-3-Clause
// Goal: a message that one router relays for another to choose again gets each provider his share,
// by every strategy. Method: providers spread over routers, each router with its own view of them;
// many conversations go from the first router to the one it chose; against shares worked out by
// looking at every pair of draws.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "routing/conversations.h"
#include "routing/load_cells.h"
#include "routing/mix.h"
#include "routing/provider_set.h"
#include "tests/support/providers.h"

using namespace posthaste::routing;
using posthaste::support::provider_of;
using posthaste::support::set_of;

namespace {

constexpr std::uint32_t kProvidersMax = 8;
constexpr std::uint16_t kRouters = 3;
constexpr std::uint32_t kConversations = 3'000;

using Shares = std::array<double, kProvidersMax>;

// All providers with their routers by name, 0 to kRouters - 1, and each one's load.
struct Cluster {
    std::vector<Provider> providers;
    mutable std::array<std::uint32_t, kProvidersMax> cells{};

    [[nodiscard]] LoadCells loads() const { return {cells.data(), kProvidersMax}; }

    // As the router sees it: its own are here.
    [[nodiscard]] std::unique_ptr<const ProviderSet> seen_by(std::uint16_t router) const {
        std::vector<Provider> view = providers;
        for (Provider& provider : view) {
            provider.router = provider.router == router ? kNoRouter : provider.router;
        }
        return set_of(view);
    }

    [[nodiscard]] std::vector<Provider> at(std::uint16_t router) const {
        std::vector<Provider> all;
        std::copy_if(
            providers.begin(), providers.end(), std::back_inserter(all), [&](const Provider& one) {
                return one.router == router;
            });
        return all;
    }
};

Cluster any_cluster() {
    Cluster cluster;
    const auto count = *rc::gen::inRange(2U, kProvidersMax + 1);
    for (std::uint32_t i = 0; i < count; ++i) {
        Provider provider = provider_of(i, *rc::gen::inRange<std::uint16_t>(0, kRouters));
        provider.priority = *rc::gen::element<std::uint16_t>(10, 50);
        provider.weight = *rc::gen::element<std::uint16_t>(50, 100, 400);
        cluster.providers.push_back(provider);
        cluster.loads().set(i, {*rc::gen::inRange<std::uint16_t>(0, 3), 0});
    }
    return cluster;
}

// Of one router that chooses among these.
Shares shares(const std::vector<Provider>& pool, Strategy strategy, const LoadCells& loads) {
    Shares share{};
    double all = 0;
    const auto add = [&](const Provider& provider, double much) {
        share[provider.cell] += much;
        all += much;
    };
    std::uint16_t highest = 0;
    for (const Provider& one : pool) {
        highest = std::max(highest, one.priority);
    }
    for (const Provider& one : pool) {
        if (strategy == Strategy::priority) {
            add(one, one.priority == highest ? 1 : 0);
        } else if (strategy == Strategy::weighted) {
            add(one, one.weight);
        } else if (pool.size() == 1) {
            add(one, 1);
        } else {
            for (const Provider& other : pool) {
                if (other.cell != one.cell) {
                    add(loads.rank(other.cell) < loads.rank(one.cell) ? other : one, 1);
                }
            }
        }
    }
    for (double& each : share) {
        each /= std::max(all, 1.0);
    }
    return share;
}

// Of router 0, and those it relays to, which choose among their own.
Shares shares_of_chain(const Cluster& cluster, Strategy strategy) {
    Shares first = shares(cluster.providers, strategy, cluster.loads());
    for (std::uint16_t router = 1; router < kRouters; ++router) {
        const std::vector<Provider> theirs = cluster.at(router);
        const Shares own = shares(theirs, strategy, cluster.loads());
        double relayed = 0;
        for (const Provider& provider : theirs) {
            relayed += std::exchange(first[provider.cell], 0);
        }
        for (const Provider& provider : theirs) {
            first[provider.cell] = relayed * own[provider.cell];
        }
    }
    return first;
}

// Routers that choose one after the other.
class Chain {
  public:
    explicit Chain(const Cluster& cluster) : loads_(cluster.loads()) {
        for (std::uint16_t router = 0; router < kRouters; ++router) {
            sets_[router] = cluster.seen_by(router);
        }
    }

    // The chosen one's cell.
    std::uint32_t send(std::uint64_t conversation, Strategy strategy) {
        Ask ask{.key = mix(conversation), .strategy = strategy};
        const Provider* chosen = choose(0, ask);
        RC_ASSERT(chosen != nullptr);
        if (!chosen->local()) {
            ask.local_only = true;
            ask.chosen_before = 1;
            chosen = choose(chosen->router, ask);
            RC_ASSERT(chosen != nullptr);
        }
        return chosen->cell;
    }

    const Provider* choose(std::uint16_t router, const Ask& ask) {
        ChoiceContext context{mask_, loads_, memory_[router]};
        return sets_[router]->choose(ask, context);
    }

  private:
    RouterMask mask_;
    LoadCells loads_;
    std::array<std::unique_ptr<const ProviderSet>, kRouters> sets_;
    std::array<Conversations, kRouters> memory_{
        Conversations(8'192), Conversations(8'192), Conversations(8'192)};
};

}  // namespace

TEST(provider_routers_property, each_gets_his_share_of_what_is_relayed) {
    EXPECT_TRUE(rc::check("shares", [] {
        const Cluster cluster = any_cluster();
        const auto strategy =
            *rc::gen::element(Strategy::priority, Strategy::weighted, Strategy::least_loaded);
        const auto from = *rc::gen::arbitrary<std::uint64_t>();
        Chain chain(cluster);
        std::array<double, kProvidersMax> counted{};
        for (std::uint64_t i = 0; i < kConversations; ++i) {
            counted[chain.send(from + i, strategy)] += 1;
        }
        const Shares expected = shares_of_chain(cluster, strategy);
        for (std::size_t i = 0; i < counted.size(); ++i) {
            const double mean = kConversations * expected[i];
            const double deviation = std::sqrt(mean * std::max(0.0, 1 - expected[i]));
            // By chance 2 of 10^9; the half is for rounding where nothing is left to chance.
            RC_ASSERT(std::abs(counted[i] - mean) <= 6 * deviation + 0.5);
        }
    }));
}

TEST(provider_routers_property, a_conversation_stays_at_every_router) {
    EXPECT_TRUE(rc::check("determinism", [] {
        const Cluster cluster = any_cluster();
        const auto strategy = *rc::gen::element(
            Strategy::sticky, Strategy::priority, Strategy::weighted, Strategy::least_loaded);
        const auto conversation = *rc::gen::arbitrary<std::uint64_t>();
        Chain chain(cluster);
        const std::uint32_t cell = chain.send(conversation, strategy);
        RC_ASSERT(chain.send(conversation, strategy) == cell);
        RC_ASSERT(Chain(cluster).send(conversation, strategy) == cell);
    }));
}

// As if one router had all of them.
TEST(provider_routers_property, sticky_is_the_same_whoever_chooses) {
    EXPECT_TRUE(rc::check("sticky", [] {
        const Cluster cluster = any_cluster();
        Chain chain(cluster);
        for (std::uint64_t i = 0; i < 50; ++i) {
            const std::uint32_t cell = chain.send(i, Strategy::sticky);
            for (std::uint16_t router = 0; router < kRouters; ++router) {
                RC_ASSERT(chain.choose(router, {.key = mix(i)})->cell == cell);
                RC_ASSERT(chain.choose(router, {.key = mix(i), .chosen_before = 2})->cell == cell);
            }
        }
    }));
}

// The first router does not know yet that nobody is left at router 1, which chooses again among the
// others'; where that leads, the third choice is made.
TEST(provider_routers_property, each_gets_his_share_of_what_is_redirected) {
    Cluster before;
    for (std::uint32_t i = 0; i < kProvidersMax; ++i) {
        before.providers.push_back(provider_of(i, static_cast<std::uint16_t>(i < 4 ? 1 : 2)));
    }
    Cluster now;
    now.providers.assign(before.providers.begin() + 4, before.providers.end());
    now.providers[0].router = now.providers[1].router = 0;
    for (const Strategy strategy :
         {Strategy::priority, Strategy::weighted, Strategy::least_loaded}) {
        Chain late(before);
        Chain chain(now);
        std::array<unsigned, kProvidersMax> counted{};
        unsigned redirected = 0;
        for (std::uint64_t i = 0; i < kConversations; ++i) {
            Ask ask{.key = mix(i), .strategy = strategy};
            if (late.choose(0, ask)->router != 1) {
                continue;
            }
            ++redirected;
            ask.chosen_before = 1;
            const std::uint16_t next = chain.choose(1, ask)->router;
            ask.local_only = true;
            ask.chosen_before = 2;
            ++counted[chain.choose(next, ask)->cell];
        }
        for (std::size_t i = 4; i < counted.size(); ++i) {
            EXPECT_NEAR(counted[i], redirected / 4.0, 6 * std::sqrt(redirected * 0.1875)) << i;
        }
    }
}
