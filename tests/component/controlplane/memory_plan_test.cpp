// SPDX-License-Identifier: BSD-3-Clause
// The memory plan against reality: EAL gets exactly what the plan says, then everything the plan
// counts is made and filled in it.
#include "controlplane/memory_plan.h"

#include <gtest/gtest.h>
#include <rte_malloc.h>

#include <cstring>
#include <utility>
#include <vector>

#include "dataplane/pool.h"
#include "dataplane/port.h"
#include "routing/fib.h"
#include "routing/resolver.h"
#include "tests/support/eal_fixture.h"

namespace posthaste::controlplane {
namespace {

Config jumbo_config() {
    Config config;
    config.eal.hugepages = false;
    config.dataplane.workers = 3;
    config.agents.agents_max = 200'000;
    for (const char* device : {"net_null0", "net_null1"}) {
        PortConfig port;
        port.name = device;
        port.device = device;
        port.mtu = 9000;
        config.ports.push_back(port);
    }
    return config;
}

const bool kMemory =
    support::eal_argument("-m" + std::to_string(plan_memory(jumbo_config()).total_mb()));

std::size_t heap_in_use() {
    rte_malloc_socket_stats stats{};
    rte_malloc_get_socket_stats(0, &stats);
    return stats.heap_allocsz_bytes;
}

TEST(memory_plan, everything_it_counts_fits_the_memory_it_asks_for) {
    const Config config = jumbo_config();
    const MemoryPlan plan = plan_memory(config);
    std::size_t before = heap_in_use();
    const auto frames =
        dataplane::create_pool({.name = "frames", .mbufs = plan.frame_mbufs, .mtu = plan.mtu});
    ASSERT_TRUE(frames) << frames.error();
    const auto control = dataplane::create_pool(
        {.name = "control", .mbufs = plan.control_mbufs, .cache = 0, .mtu = plan.mtu});
    ASSERT_TRUE(control) << control.error();
    const auto pools = static_cast<double>(plan.frame_pool + plan.control_pool);
    EXPECT_NEAR(static_cast<double>(heap_in_use() - before), pools, 0.05 * pools);

    std::vector<std::unique_ptr<dataplane::Port>> ports;
    for (const PortConfig& port : config.ports) {
        dataplane::PortOptions options;
        options.name = port.name;
        options.device = port.device;
        options.mtu = port.mtu;
        options.tx_queues = static_cast<std::uint16_t>(config.dataplane.workers);
        options.pool = frames->get();
        auto opened = dataplane::Port::open(options);
        ASSERT_TRUE(opened) << opened.error();
        ports.push_back(std::move(*opened));
    }

    before = heap_in_use();
    routing::Grace grace(config.dataplane.workers);
    routing::FibOptions table;
    table.capacity = fib_capacity(config);
    table.key = routing::KeyHash::random_key();
    table.stripes = plan.stripes;
    table.table = config.lookup.table;
    const auto fib = routing::Fib::create(table, grace);
    ASSERT_TRUE(fib) << fib.error();
    for (std::uint64_t i = 0; i < config.agents.agents_max; ++i) {
        routing::FibEntry entry;
        const std::uint64_t words[2] = {i + 1, ~i};
        std::memcpy(&entry.agent, words, sizeof(words));
        ASSERT_TRUE((*fib)->set(entry, 0)) << "route " << i;
    }
    const auto taken_since = [&before] {
        const std::size_t now = heap_in_use();
        return static_cast<double>(now - std::exchange(before, now));
    };
    EXPECT_NEAR(taken_since(), static_cast<double>(plan.fib), 0.05 * static_cast<double>(plan.fib));

    std::vector<std::unique_ptr<routing::Resolver>> resolvers;
    routing::ResolverOptions cached;
    cached.cache_lines = plan.cache_lines;
    for (unsigned worker = 0; worker < config.dataplane.workers; ++worker) {
        resolvers.push_back(routing::Resolver::create(**fib, cached));
        ASSERT_NE(resolvers.back(), nullptr);
    }
    const auto caches = static_cast<double>(plan.route_caches);
    EXPECT_NEAR(taken_since(), caches, 0.05 * caches);

    ASSERT_TRUE((*fib)->rekey_start(routing::KeyHash::random_key()));
    const auto rekey = static_cast<double>(plan.rekey);
    EXPECT_NEAR(taken_since(), rekey, 0.05 * rekey);
}

}  // namespace
}  // namespace posthaste::controlplane
