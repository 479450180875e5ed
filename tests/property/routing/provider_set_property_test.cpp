// SPDX-License-Identifier: BSD-3-Clause
// ProviderSet against a map of agents that is searched from end to end: who may be chosen, what a
// conversation keeps, and that neither depends on how the set came about.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "routing/conversations.h"
#include "routing/load_cells.h"
#include "routing/mix.h"
#include "routing/provider_set.h"
#include "tests/support/numbered_id.h"

using namespace posthaste::routing;
using posthaste::support::numbered_id;

namespace {

constexpr std::uint32_t kAgents = 14;
constexpr std::uint16_t kRouters = 4;
constexpr std::uint64_t kKeys = 6;

using Agents = std::map<AgentId, Provider>;

Provider any_provider(std::uint32_t number) {
    Provider provider;
    provider.agent = numbered_id(number * 7'919);
    provider.cell = number * 3;
    provider.router =
        *rc::gen::weightedElement<std::uint16_t>({{4, kNoRouter}, {1, 0}, {1, 1}, {1, 2}, {1, 3}});
    provider.priority = *rc::gen::element<std::uint16_t>(0, 50, 50, 1'000);
    provider.weight = *rc::gen::element<std::uint16_t>(1, 100, 100, 1'000);
    provider.state = *rc::gen::weightedElement<AgentState>(
        {{4, AgentState::running}, {2, AgentState::draining}, {1, AgentState::stopped}});
    return provider;
}

// The distance of the provider to the key, worked out from what the contract says.
std::uint32_t distance(const AgentId& agent, std::uint64_t key) {
    std::uint32_t least = 0xffffffff;
    for (const std::uint32_t position : ProviderRing::positions(agent)) {
        for (const std::uint32_t probe : ProviderRing::probes(key)) {
            least = std::min(least, position - probe);
        }
    }
    return least;
}

// What an lcore has: the masks, the loads, the memory; and beside it what that memory should be.
struct Trial {
    RouterMask routers;
    std::array<std::uint32_t, kAgents * 3> cells{};
    LoadCells loads{cells.data(), kAgents * 3};
    Conversations conversations{1'024};
    ChoiceContext context{routers, loads, conversations};
    Agents agents;
    std::unique_ptr<const ProviderSet> set = ProviderSet::make(nullptr, {});
    std::map<std::pair<std::uint64_t, bool>, AgentId> memory;

    void change(std::uint32_t number) {
        const bool remove = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
        const Provider provider = any_provider(number);
        const std::vector<ProviderChange> changes = {{remove, provider}};
        set = ProviderSet::make(set.get(), changes);
        if (remove) {
            agents.erase(provider.agent);
        } else {
            agents[provider.agent] = provider;
        }
        RC_ASSERT(set->providers().size() == agents.size());
    }

    [[nodiscard]] bool reachable(const Provider& provider, const Ask& ask, bool local) const {
        return (!local || provider.local()) && !routers.out(provider.router) &&
               provider.agent != *ask.sender;
    }

    [[nodiscard]] std::vector<Provider> running(const Ask& ask, bool local) const {
        std::vector<Provider> all;
        for (const auto& [agent, provider] : agents) {
            if (provider.state == AgentState::running && reachable(provider, ask, local)) {
                all.push_back(provider);
            }
        }
        return all;
    }

    void act() {
        const auto number = *rc::gen::inRange(0U, kAgents);
        switch (*rc::gen::inRange(0, 8)) {
            case 0:
            case 1:
                change(number);
                break;
            case 2: {
                const auto router = *rc::gen::inRange<std::uint16_t>(0, kRouters);
                routers.set_out(router, !routers.out(router));
                break;
            }
            case 3:
                loads.set(number * 3, {*rc::gen::inRange<std::uint16_t>(0, 4), 0});
                break;
            default:
                ask();
                break;
        }
    }

    void ask();
    void check_sticky(const Ask& question, const Provider* chosen);
    void check_others(const Ask& question, const Provider* chosen);
    [[nodiscard]] std::pair<std::optional<AgentId>, bool> sticky_in(const Ask& question,
                                                                    bool local);
    [[nodiscard]] bool exact(const Ask& question) const;
    [[nodiscard]] std::vector<AgentId> allowed(const Ask& question, bool local) const;
    [[nodiscard]] const Provider* known(const Ask& question, bool* by_sender) const;
};

// Whether the walk is sure to see all that is left: it gives up only behind kWalk points of those
// that may not be chosen.
bool Trial::exact(const Ask& question) const {
    std::size_t passed_over = 0;
    for (const auto& [agent, provider] : agents) {
        passed_over +=
            provider.state == AgentState::draining ||
                    (provider.state == AgentState::running && !reachable(provider, question, false))
                ? ProviderRing::kPoints
                : 0;
    }
    return passed_over < ProviderSet::kWalk;
}

// Who, and whether the key led to the sender.
std::pair<std::optional<AgentId>, bool> Trial::sticky_in(const Ask& question, bool local) {
    using Place = std::tuple<std::uint32_t, AgentId>;
    std::optional<Place> nearest;
    std::optional<Place> open;
    std::optional<Place> runs;
    for (const auto& [agent, provider] : agents) {
        if (provider.state == AgentState::stopped || (local && !provider.local())) {
            continue;
        }
        const Place place{distance(agent, question.key), agent};
        nearest = nearest ? std::min(*nearest, place) : place;
        if (!reachable(provider, question, local)) {
            continue;
        }
        open = open ? std::min(*open, place) : place;
        if (provider.state == AgentState::running) {
            runs = runs ? std::min(*runs, place) : place;
        }
    }
    if (!open) {
        return {std::nullopt, false};
    }
    const bool by_sender = std::get<1>(*nearest) == *question.sender;
    const auto told = memory.find({question.key, by_sender});
    const AgentId& first = std::get<1>(*open);
    if (agents[first].state == AgentState::running ||
        (told != memory.end() && told->second == first)) {
        return {first, by_sender};
    }
    return {runs ? std::optional(std::get<1>(*runs)) : std::nullopt, by_sender};
}

void Trial::check_sticky(const Ask& question, const Provider* chosen) {
    std::pair<std::optional<AgentId>, bool> expected;
    if (question.local_only || question.local_first) {
        expected = sticky_in(question, true);
    }
    if (!expected.first && !question.local_only) {
        expected = sticky_in(question, false);
    }
    RC_ASSERT((chosen != nullptr) == expected.first.has_value());
    if (chosen == nullptr) {
        return;
    }
    RC_ASSERT(chosen->agent == *expected.first);
    memory[{question.key, expected.second}] = chosen->agent;
}

const Provider* Trial::known(const Ask& question, bool* by_sender) const {
    const auto look = [&](bool sender) -> const Provider* {
        const auto told = memory.find({question.key, sender});
        if (told == memory.end()) {
            return nullptr;
        }
        const auto agent = agents.find(told->second);
        return agent == agents.end() ? nullptr : &agent->second;
    };
    const Provider* provider = look(false);
    *by_sender = provider != nullptr && provider->agent == *question.sender;
    if (*by_sender) {
        provider = look(true);
    }
    return provider != nullptr && provider->state != AgentState::stopped &&
                   reachable(*provider, question, question.local_only)
               ? provider
               : nullptr;
}

// Who may be chosen for a conversation that nobody has.
std::vector<AgentId> Trial::allowed(const Ask& question, bool local) const {
    const std::vector<Provider> all = running(question, local);
    std::vector<AgentId> may;
    for (const Provider& one : all) {
        const bool good = std::all_of(all.begin(), all.end(), [&](const Provider& other) {
            return question.strategy != Strategy::priority || other.priority <= one.priority;
        });
        // Of two that are drawn the busier one is left.
        const bool busiest = std::all_of(all.begin(), all.end(), [&](const Provider& other) {
            return other == one || loads.rank(other.cell) < loads.rank(one.cell);
        });
        if (good && !(question.strategy == Strategy::least_loaded && busiest && all.size() > 1)) {
            may.push_back(one.agent);
        }
    }
    return may;
}

void Trial::check_others(const Ask& question, const Provider* chosen) {
    bool by_sender = false;
    if (const Provider* provider = known(question, &by_sender)) {
        RC_ASSERT(chosen != nullptr);
        RC_ASSERT(chosen->agent == provider->agent);
        return;
    }
    std::vector<AgentId> may;
    if (question.local_only || question.local_first) {
        may = allowed(question, true);
    }
    if (may.empty() && !question.local_only) {
        may = allowed(question, false);
    }
    RC_ASSERT((chosen != nullptr) == !may.empty());
    if (chosen != nullptr) {
        RC_ASSERT(std::count(may.begin(), may.end(), chosen->agent) == 1);
        memory[{question.key, by_sender}] = chosen->agent;
    }
}

void Trial::ask() {
    const AgentId sender = numbered_id(*rc::gen::inRange(0U, kAgents + 3) * 7'919);
    const Ask question{
        .key = mix(*rc::gen::inRange<std::uint64_t>(0, kKeys)),
        .sender = &sender,
        .strategy = *rc::gen::element(
            Strategy::sticky, Strategy::priority, Strategy::weighted, Strategy::least_loaded),
        .local_only = *rc::gen::arbitrary<bool>(),
        .local_first = *rc::gen::arbitrary<bool>(),
    };
    if (question.strategy == Strategy::sticky && !exact(question)) {
        return;
    }
    const Provider* chosen = set->choose(question, context);
    if (question.strategy == Strategy::sticky) {
        check_sticky(question, chosen);
    } else {
        check_others(question, chosen);
    }
}

TEST(provider_set_property, it_chooses_as_one_who_looks_at_everybody) {
    EXPECT_TRUE(rc::check("as the model", [] {
        Trial trial;
        const auto steps = *rc::gen::inRange(1, 60);
        for (int i = 0; i < steps; ++i) {
            trial.act();
        }
    }));
}

// Even where so many are out that the walk gives up, somebody is chosen if anybody is available.
TEST(provider_set_property, somebody_is_chosen_while_anybody_is_available) {
    EXPECT_TRUE(rc::check("availability", [] {
        Trial trial;
        const auto count = *rc::gen::inRange(0U, kAgents);
        for (std::uint32_t i = 0; i < count; ++i) {
            trial.change(i);
        }
        for (std::uint16_t router = 0; router < kRouters; ++router) {
            trial.routers.set_out(router, *rc::gen::weightedElement<bool>({{1, false}, {2, true}}));
        }
        const AgentId sender = numbered_id(*rc::gen::inRange(0U, kAgents) * 7'919);
        const Ask question{
            .key = mix(*rc::gen::inRange<std::uint64_t>(0, 1'000)),
            .sender = &sender,
            .strategy = *rc::gen::element(
                Strategy::sticky, Strategy::priority, Strategy::weighted, Strategy::least_loaded),
            .local_only = *rc::gen::arbitrary<bool>(),
            .local_first = *rc::gen::arbitrary<bool>()};
        const auto all = trial.running(question, question.local_only);
        const AgentId nobody{};
        RC_ASSERT(trial.set->available(trial.routers) ==
                  trial.running({.sender = &nobody}, false).size());
        const Provider* chosen = trial.set->choose(question, trial.context);
        RC_ASSERT((chosen != nullptr) == !all.empty());
        if (chosen != nullptr) {
            RC_ASSERT(std::count(all.begin(), all.end(), *chosen) == 1);
        }
    }));
}

std::vector<AgentId> choices(const ProviderSet& set, const AgentId& sender) {
    std::vector<AgentId> all;
    RouterMask routers;
    const LoadCells loads;
    for (const Strategy strategy :
         {Strategy::sticky, Strategy::priority, Strategy::weighted, Strategy::least_loaded}) {
        Conversations conversations(8);
        ChoiceContext context{routers, loads, conversations};
        for (std::uint64_t key = 0; key < 8; ++key) {
            for (const bool local : {false, true}) {
                const Provider* chosen = set.choose({.key = mix(key * 2 + (local ? 1 : 0)),
                                                     .sender = &sender,
                                                     .strategy = strategy,
                                                     .local_only = local},
                                                    context);
                all.push_back(chosen == nullptr ? AgentId{} : chosen->agent);
            }
        }
    }
    return all;
}

TEST(provider_set_property, only_what_is_in_counts_and_not_how_it_came_there) {
    EXPECT_TRUE(rc::check("history", [] {
        std::vector<ProviderChange> changes;
        const auto count = *rc::gen::inRange(0, 40);
        Agents agents;
        for (int i = 0; i < count; ++i) {
            const bool remove = *rc::gen::weightedElement<bool>({{3, false}, {1, true}});
            changes.push_back({remove, any_provider(*rc::gen::inRange(0U, kAgents))});
            if (remove) {
                agents.erase(changes.back().provider.agent);
            } else {
                agents[changes.back().provider.agent] = changes.back().provider;
            }
        }
        std::unique_ptr<const ProviderSet> by_steps = ProviderSet::make(nullptr, {});
        for (std::size_t at = 0; at < changes.size();) {
            const auto step = *rc::gen::inRange<std::size_t>(1, 6);
            const std::size_t end = std::min(changes.size(), at + step);
            by_steps = ProviderSet::make(by_steps.get(), std::span(changes).subspan(at, end - at));
            at = end;
        }
        std::vector<ProviderChange> rest;
        for (const auto& [agent, provider] : agents) {
            rest.push_back({false, provider});
        }
        std::reverse(rest.begin(), rest.end());
        const auto at_once = ProviderSet::make(nullptr, rest);
        const auto rows = by_steps->providers();
        const auto rows_at_once = at_once->providers();
        RC_ASSERT(std::equal(rows.begin(), rows.end(), rows_at_once.begin(), rows_at_once.end()));
        RC_ASSERT(by_steps->memory_bytes() == at_once->memory_bytes());
        const AgentId sender = numbered_id(7'919);
        RC_ASSERT(choices(*by_steps, sender) == choices(*at_once, sender));
    }));
}

TEST(provider_set_property, a_union_has_everybody_of_all_and_nobody_twice) {
    EXPECT_TRUE(rc::check("union", [] {
        std::map<AgentId, std::pair<std::uint16_t, std::uint16_t>> best;
        std::vector<std::unique_ptr<const ProviderSet>> sets;
        const auto count = *rc::gen::inRange(0, 5);
        for (int i = 0; i < count; ++i) {
            std::vector<ProviderChange> changes;
            for (std::uint32_t number = 0; number < kAgents; ++number) {
                if (*rc::gen::arbitrary<bool>()) {
                    changes.push_back({false, any_provider(number)});
                    const Provider& provider = changes.back().provider;
                    auto& held = best.try_emplace(provider.agent, 0, 0).first->second;
                    held = std::max(held, std::pair(provider.priority, provider.weight));
                }
            }
            sets.push_back(ProviderSet::make(nullptr, changes));
        }
        std::vector<const ProviderSet*> all;
        for (const auto& set : sets) {
            all.push_back(set.get());
        }
        const auto together = ProviderSet::make_union(all);
        RC_ASSERT(together->providers().size() == best.size());
        for (const Provider& provider : together->providers()) {
            RC_ASSERT(best[provider.agent] == std::pair(provider.priority, provider.weight));
        }
    }));
}

}  // namespace
