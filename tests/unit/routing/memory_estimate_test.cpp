// SPDX-License-Identifier: BSD-3-Clause
// The estimate's arithmetic at its edges. Whether it is right is the component tests' to show.
#include "routing/memory_estimate.h"

#include <gtest/gtest.h>

#include "routing/fib.h"
#include "routing/rib.h"
#include "routing/route_cache.h"

namespace posthaste::routing {
namespace {

constexpr std::uint64_t kGigabyte = 1024 * 1024 * 1024;

TEST(memory_estimate, an_agent_is_counted_once_wherever_it_is_attached) {
    const MemoryEstimate local = estimate_memory({.local = 100'000});
    const MemoryEstimate mixed = estimate_memory({.local = 40'000, .remote = 60'000});
    EXPECT_EQ(mixed.dpdk_bytes(), local.dpdk_bytes());
    EXPECT_EQ(mixed.lists, local.lists);
    EXPECT_LT(mixed.rib, local.rib);
    EXPECT_LT(mixed.rib, estimate_rib(40'000, 0) + estimate_rib(0, 60'000) + 1'000);
}

TEST(memory_estimate, an_agent_with_a_route_has_one_place_and_two_records) {
    const MemoryEstimate alone = estimate_memory({.local = 100'000});
    const MemoryEstimate both = estimate_memory({.local = 100'000, .both = 100'000});
    EXPECT_EQ(both.dpdk_bytes(), alone.dpdk_bytes());
    EXPECT_EQ(both.lists, alone.lists);
    EXPECT_EQ(both.providers, alone.providers);
    EXPECT_EQ(both.rib, estimate_rib(100'000, 100'000));
    EXPECT_GT(both.rib, alone.rib + 100'000 * sizeof(RouteRecord));
}

TEST(memory_estimate, its_parts_are_what_the_fib_itself_says) {
    const MemoryEstimate estimate = estimate_memory({.local = 1'000'000, .cache_lines = 1'024});
    EXPECT_EQ(estimate.fib_bytes(), Fib::planned_heap_bytes(1'000'000, 1'024, true));
    EXPECT_EQ(estimate.rekey, Fib::rekey_heap_bytes(1'000'000, 1'024, true));
    EXPECT_NEAR(static_cast<double>(estimate.table), 130.0e6, 0.1e6);
    EXPECT_EQ(estimate.stripes, 4U * 1'024);
}

TEST(memory_estimate, without_the_table_or_a_cache_there_is_nothing_for_them) {
    const MemoryEstimate estimate = estimate_memory({.local = 1'000'000, .table = false});
    EXPECT_EQ(estimate.table, 0U);
    EXPECT_EQ(estimate.caches, 0U);
    EXPECT_EQ(estimate.stripes, 2U * sizeof(std::uint32_t));
}

TEST(memory_estimate, every_worker_has_a_cache_of_its_own) {
    EXPECT_EQ(estimate_memory({.local = 1, .workers = 3, .cache_lines = 16}).caches, 3U * 16 * 64);
}

TEST(memory_estimate, no_agents_at_all_take_what_the_smallest_table_takes) {
    EXPECT_EQ(estimate_memory({}).fib_bytes(), estimate_memory({.local = 1}).fib_bytes());
    EXPECT_LT(estimate_rib(0, 0), 4'096U);
}

TEST(memory_estimate, ten_million_agents_are_reached_in_24_gigabytes) {
    const MemoryEstimate estimate =
        estimate_memory({.local = 10'000'000, .workers = 8, .cache_lines = 1U << 20});
    EXPECT_LT(estimate.dpdk_bytes() + estimate.heap_bytes(), 24 * kGigabyte);
    EXPECT_GT(estimate.dpdk_bytes() + estimate.heap_bytes(), 8 * kGigabyte);
}

TEST(memory_estimate, more_agents_never_take_less) {
    MemoryEstimate before;
    for (std::uint32_t agents = 1; agents < 60'000'000; agents += agents / 7 + 1) {
        const MemoryEstimate estimate = estimate_memory({.local = agents});
        EXPECT_GE(estimate.dpdk_bytes(), before.dpdk_bytes()) << agents;
        EXPECT_GE(estimate.heap_bytes(), before.heap_bytes()) << agents;
        before = estimate;
    }
}

TEST(stripes_beside, are_no_more_than_the_cache_has_lines) {
    EXPECT_EQ(stripes_beside(1'000'000, 0), 2U);
    EXPECT_EQ(stripes_beside(1'000'000, 16), 16U);
    EXPECT_EQ(stripes_beside(1'000'000, 1U << 24), Fib::stripes_for(1'000'000));
    EXPECT_EQ(stripes_beside(1, 1U << 24), Fib::stripes_for(1));
}

TEST(split_budget, gives_60_25_and_15_of_what_the_base_leaves) {
    const auto shares = split_budget(3'000, 2'000);
    ASSERT_TRUE(shares);
    EXPECT_EQ(shares->positive, 600U);
    EXPECT_EQ(shares->negative, 250U);
    EXPECT_EQ(shares->capability, 150U);
}

TEST(split_budget, never_gives_more_than_there_is) {
    for (std::uint64_t rest = 0; rest < 1'000; ++rest) {
        const auto shares = split_budget(rest + 7, 7);
        ASSERT_TRUE(shares);
        EXPECT_LE(shares->positive + shares->negative + shares->capability, rest);
    }
    const auto all = split_budget(~std::uint64_t{0}, 0);
    ASSERT_TRUE(all);
    EXPECT_GT(all->positive, all->negative);
    EXPECT_LT(all->positive, ~std::uint64_t{0} / 100 * 61);
}

TEST(split_budget, a_budget_below_the_base_says_what_is_missing) {
    const auto refused = split_budget(1'999, 2'000);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), 1U);
    EXPECT_EQ(split_budget(0, ~std::uint64_t{0}).error(), ~std::uint64_t{0});
    EXPECT_EQ(split_budget(2'000, 2'000)->positive, 0U);
}

TEST(cache_lines_within, neither_share_is_exceeded_and_half_of_the_scarcer_is_used) {
    for (const unsigned workers : {1U, 3U, 128U}) {
        for (std::uint64_t rest = 1'000'000; rest < kGigabyte; rest = rest * 3 / 2) {
            const CacheShares shares = *split_budget(rest, 0);
            const std::uint64_t lines =
                std::uint64_t{cache_lines_within(shares, workers)} * workers;
            EXPECT_LE(lines * 2 * 21, shares.positive);
            EXPECT_LE(lines * 21, shares.negative);
            EXPECT_GT(2 * (lines + workers) * 22, shares.negative);
        }
    }
}

TEST(cache_lines_within, too_little_for_a_cache_is_none) {
    EXPECT_EQ(cache_lines_within({}, 1), 0U);
    EXPECT_EQ(cache_lines_within({.positive = 10'000, .negative = 10'000}, 128), 0U);
    EXPECT_EQ(cache_lines_within(*split_budget(1'000, 0), 0), 8U);
    EXPECT_EQ(cache_lines_within(*split_budget(~std::uint64_t{0}, 0), 1), 1U << 24);
}

TEST(malloc_bytes, are_the_classes_of_jemalloc) {
    EXPECT_EQ(malloc_bytes(0), 0U);
    EXPECT_EQ(malloc_bytes(1), 8U);
    EXPECT_EQ(malloc_bytes(9), 16U);
    EXPECT_EQ(malloc_bytes(128), 128U);
    EXPECT_EQ(malloc_bytes(129), 160U);
    EXPECT_EQ(malloc_bytes(193), 224U);
    EXPECT_EQ(malloc_bytes(257), 320U);
    EXPECT_EQ(malloc_bytes(1'000'000), 1'048'576U);
}

}  // namespace
}  // namespace posthaste::routing
