// SPDX-License-Identifier: BSD-3-Clause
// The estimate against reality: what is really taken for so many agents differs by 5 % at most.
#include "routing/memory_estimate.h"

#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>
#include <rte_malloc.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <string>

#include "routing/access_log.h"
#include "routing/fib.h"
#include "routing/provider_sets.h"
#include "routing/resolver.h"
#include "routing/rib.h"
#include "tests/support/eal_fixture.h"

namespace posthaste::routing {
namespace {

constexpr double kErrorMax = 5;  // percent

const bool kMemory = support::eal_argument("-m900");

std::uint64_t dpdk_taken() {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
}

// What lies ready for the next request of this thread does not count.
std::uint64_t heap_taken() {
    mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
    std::uint64_t epoch = 1;
    std::size_t size = sizeof epoch;
    mallctl("epoch", &epoch, &size, &epoch, size);
    std::size_t bytes = 0;
    size = sizeof bytes;
    EXPECT_EQ(mallctl("stats.allocated", &bytes, &size, nullptr, 0), 0);
    return bytes;
}

void expect_near(const char* what, std::uint64_t planned, std::uint64_t taken) {
    ASSERT_GT(taken, 0U) << what;
    const double error = 100.0 * (static_cast<double>(planned) - static_cast<double>(taken)) /
                         static_cast<double>(taken);
    EXPECT_LE(std::abs(error), kErrorMax) << what << ": planned " << planned << ", taken " << taken;
    ::testing::Test::RecordProperty(what, std::to_string(error));
}

AgentId numbered(std::uint64_t number) {
    const std::uint64_t words[2] = {number + 1, ~number};
    AgentId id;
    std::memcpy(&id, words, sizeof words);
    id.bytes[8] &= 0x7fU;  // variant bits of 111 are no agent's
    return id;
}

struct Size {
    std::uint32_t agents;
    bool table;
    std::uint32_t cache_lines;
};

class memory_estimate : public ::testing::TestWithParam<Size> {};

TEST_P(memory_estimate, is_within_five_percent_of_what_the_tables_take) {
    const Size size = GetParam();
    const MemoryEstimate estimate = estimate_memory(
        {.local = size.agents, .table = size.table, .workers = 2, .cache_lines = size.cache_lines});
    Grace grace(2);
    FibOptions options;
    options.capacity = size.agents;
    options.key = KeyHash::random_key();
    options.stripes = stripes_beside(size.agents, size.cache_lines);
    options.table = size.table;
    const std::uint64_t heap = heap_taken();
    std::uint64_t before = dpdk_taken();
    auto fib = Fib::create(options, grace);
    ASSERT_TRUE(fib) << fib.error();
    for (std::uint64_t i = 0; i < size.agents; ++i) {
        FibEntry entry;
        entry.agent = numbered(i);
        ASSERT_TRUE((*fib)->set(entry, 0)) << "route " << i;
    }
    expect_near("routes", estimate.fib_bytes(), dpdk_taken() - before);
    EXPECT_EQ(dpdk_taken() - before, (*fib)->heap_bytes()) << "filling it takes nothing more";
    expect_near("lists", estimate.lists, heap_taken() - heap);

    before = dpdk_taken();
    ASSERT_TRUE((*fib)->rekey_start(KeyHash::random_key()));
    expect_near("second index", estimate.rekey, dpdk_taken() - before);
    EXPECT_TRUE((*fib)->rekey_step(~0U));

    if (size.cache_lines != 0) {
        before = dpdk_taken();
        ResolverOptions cached;
        cached.cache_lines = size.cache_lines;
        const auto first = Resolver::create(**fib, cached);
        const auto second = Resolver::create(**fib, cached);
        ASSERT_TRUE(first && second);
        expect_near("route caches", estimate.caches, dpdk_taken() - before);
    }
}

INSTANTIATE_TEST_SUITE_P(sizes,
                         memory_estimate,
                         ::testing::Values(Size{1'000, true, 64},
                                           Size{10'000, true, 1'024},
                                           Size{100'000, true, 16'384},
                                           Size{100'000, false, 0},
                                           Size{1'000'000, true, 0},
                                           Size{1'000'000, false, 1U << 20},
                                           Size{1'048'577, true, 16'384}));

// Copied from the bytes of a frame or a claim, as those who register and claim do.
std::vector<Offer> offers_of(const AgentShape& shape) {
    const std::string text(256, 'n');
    std::vector<Offer> offers;
    for (std::size_t c = 0; c < shape.capabilities; ++c) {
        const std::string name = std::to_string(10 + c) + text;
        offers.emplace_back().text = std::string_view(name).substr(0, 24);
    }
    return offers;
}

void add_route(Rib& rib, std::uint32_t number, const AgentShape& shape) {
    RouteRecord route;
    route.agent = numbered(number);
    ASSERT_TRUE(rib.set_route(route, number, offers_of(shape)));
    static_cast<void>(rib.take_changes());
    static_cast<void>(rib.take_offer_changes());
}

class rib_estimate : public ::testing::TestWithParam<AgentShape> {};

TEST_P(rib_estimate, is_within_five_percent_of_what_a_hundred_thousand_agents_take) {
    const AgentShape shape = GetParam();
    constexpr std::uint32_t kLocal = 100'000;
    constexpr std::uint32_t kRemote = 50'000;
    constexpr std::uint32_t kBoth = 20'000;
    const std::uint64_t before = heap_taken();
    RibLimits limits;
    limits.routes_max = kLocal + kRemote;
    limits.providers_max = (kLocal + kRemote + kBoth) * 64ULL;
    const auto rib = std::make_unique<Rib>(limits);
    for (std::uint32_t i = 0; i < kLocal; ++i) {
        Registration agent;
        agent.agent = numbered(i);
        agent.endpoint.ip = *IpAddress::from_text("10.0.0.2");
        agent.endpoint.udp_port = 4'747;
        const std::string text(256, 'n');
        agent.name = std::string_view(text).substr(0, shape.name_bytes);
        agent.offers = offers_of(shape);
        ASSERT_TRUE(rib->register_agent(std::move(agent), i));
        static_cast<void>(rib->take_changes());
        static_cast<void>(rib->take_offer_changes());
    }
    expect_near("agents", estimate_rib(kLocal, 0, shape), heap_taken() - before);
    for (std::uint32_t i = 0; i < kRemote; ++i) {
        add_route(*rib, kLocal + i, shape);
    }
    expect_near("agents and routes", estimate_rib(kLocal, kRemote, shape), heap_taken() - before);
    for (std::uint32_t i = 0; i < kBoth; ++i) {
        add_route(*rib, i, shape);
    }
    EXPECT_EQ(rib->places(), kLocal + kRemote);
    expect_near("agents, routes and both",
                estimate_rib(kLocal, kRemote + kBoth, shape),
                heap_taken() - before);
}

INSTANTIATE_TEST_SUITE_P(shapes,
                         rib_estimate,
                         ::testing::Values(AgentShape{},
                                           AgentShape{0, 0},
                                           AgentShape{12, 1},
                                           AgentShape{255, 7},
                                           AgentShape{40, 64}));

TEST(access_estimate, is_within_five_percent_of_what_a_log_of_agents_in_use_takes) {
    for (const std::uint32_t agents : {10'000U, 1'000'000U}) {
        const MemoryEstimate estimate = estimate_memory({.local = agents});
        const std::uint64_t before = heap_taken();
        AccessLog log(agents + Fib::slack_for(agents));
        for (std::uint32_t cell = 0; cell < agents; ++cell) {
            log.route_changed(cell, 1, 0);
            log.used(cell, 1, 0, 0);
        }
        expect_near("access", estimate.access, heap_taken() - before);
    }
}

// 100 000 agents that offer four names each, of so many.
class providers_estimate : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(providers_estimate, is_within_five_percent_of_what_a_hundred_thousand_agents_take) {
    constexpr std::uint32_t kAgents = 100'000;
    const std::uint32_t names = GetParam();
    const MemoryEstimate estimate = estimate_memory({.local = kAgents, .names = names});
    const std::uint64_t before = heap_taken();
    {
        Grace grace(1);
        ProviderSets sets(grace, names);
        const std::uint64_t empty = heap_taken();
        const std::uint32_t each = kAgents * 4 / names;
        for (std::uint32_t name = 0; name < names; ++name) {
            std::vector<ProviderChange> changes(each);
            for (std::uint32_t i = 0; i < each; ++i) {
                changes[i].provider.agent = numbered((std::uint64_t{name} * each + i) % kAgents);
                changes[i].provider.cell = i;
            }
            sets.publish(sets.take_number(), ProviderSet::make(nullptr, changes));
        }
        expect_near("providers", estimate.providers, heap_taken() - empty);
        expect_near("what show memory says of them", sets.planned_bytes(), sets.memory_bytes());
    }
    EXPECT_NEAR(static_cast<double>(heap_taken()), static_cast<double>(before), 65'536);
}

INSTANTIATE_TEST_SUITE_P(names,
                         providers_estimate,
                         ::testing::Values(4U, 100U, 10'000U, 100'000U, 400'000U));

}  // namespace
}  // namespace posthaste::routing
