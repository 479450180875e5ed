// SPDX-License-Identifier: BSD-3-Clause
// The plan's sums by hand. Whether the memory suffices is the component test's to show.
#include "controlplane/memory_plan.h"

#include <gtest/gtest.h>

#include "gossip/claims/claim_store.h"
#include "routing/conversations.h"
#include "routing/memory_estimate.h"
#include "tests/support/numbered_id.h"

namespace posthaste::controlplane {
namespace {

Config two_ports(const char* device) {
    Config config;
    config.dataplane.workers = 3;
    config.dataplane.rx_descriptors = 500;  // a ring is a power of two
    config.dataplane.tx_descriptors = 256;
    config.dataplane.tx_backlog = 100;
    config.dataplane.punt_ring = 256;  // holds 511: a power of two less one
    config.dataplane.inject_ring = 500;
    config.neighbours.held_max = 77;
    for (const char* name : {"a", "b"}) {
        PortConfig port;
        port.name = name;
        port.device = device;
        config.ports.push_back(port);
    }
    return config;
}

TEST(memory_plan, mbufs_are_the_sum_of_every_place_one_can_be) {
    const MemoryPlan plan = plan_memory(two_ports("0000:03:00.0"));
    EXPECT_EQ(plan.rx_rings, 2U * 512);
    EXPECT_EQ(plan.tx_rings, 2U * 3 * 256);  // a queue per worker
    EXPECT_EQ(plan.backlogs, 3U * 2 * 100);
    EXPECT_EQ(plan.handoff, 0U);
    EXPECT_EQ(plan.exchange, 3U * (4 * 511 + 511));
    EXPECT_EQ(plan.held, 77U);
    EXPECT_EQ(plan.caches, 4U * 384);
    EXPECT_EQ(plan.slack, 3U * 4 * 64);
    EXPECT_EQ(plan.frame_mbufs,
              plan.rx_rings + plan.tx_rings + plan.backlogs + plan.exchange + plan.held +
                  plan.caches + plan.slack);
}

TEST(memory_plan, a_port_with_one_queue_and_three_workers_needs_a_hand_over_ring) {
    const MemoryPlan plan = plan_memory(two_ports("net_af_packet0,iface=v0"));
    EXPECT_EQ(plan.tx_rings, 2U * 256);
    EXPECT_EQ(plan.handoff, 2U * 1024);
}

TEST(memory_plan, zero_copy_memif_lends_its_whole_ring) {
    const MemoryPlan plan = plan_memory(two_ports("net_memif0,zero-copy=yes,rsize=12"));
    EXPECT_EQ(plan.rx_rings, 2U * 4096);
    EXPECT_EQ(plan.tx_rings, 2U * 4096);
}

TEST(memory_plan, the_largest_mtu_sizes_every_mbuf) {
    Config config = two_ports("net_null0");
    const MemoryPlan small = plan_memory(config);
    config.ports[1].mtu = 9000;
    const MemoryPlan jumbo = plan_memory(config);
    EXPECT_EQ(jumbo.mtu, 9000);
    EXPECT_EQ(jumbo.frame_mbufs, small.frame_mbufs);
    EXPECT_GT(jumbo.frame_pool, 3 * small.frame_pool);
    EXPECT_GT(jumbo.control_pool, 3 * small.control_pool);
}

TEST(memory_plan, the_number_of_mbufs_can_be_set_but_not_below_what_the_rings_hold) {
    Config config = two_ports("0000:03:00.0");
    const MemoryPlan computed = plan_memory(config);
    config.dataplane.mbufs = 65'536;
    EXPECT_EQ(plan_memory(config).frame_mbufs, 65'536U);
    EXPECT_TRUE(check_plan(config, plan_memory(config)));
    config.dataplane.mbufs = 2'000;
    const auto refused = check_plan(config, plan_memory(config));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "[dataplane] mbufs = 2000: too few for the rings and queues configured; allowed: " +
                  std::to_string(computed.mbufs_needed - computed.backlogs) +
                  " or more, or 0 (computed: " + std::to_string(computed.mbufs_needed) + ")");
}

TEST(memory_plan, too_little_memory_is_refused_with_where_it_goes) {
    Config config = two_ports("net_null0");
    config.eal.memory_mb = 16;
    const MemoryPlan plan = plan_memory(config);
    const auto refused = check_plan(config, plan);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(),
              "[eal] memory_mb = 16: too little; needed: " + plan.to_text() + ", or 0 (computed)");
    config.eal.memory_mb = plan.total_mb();
    EXPECT_TRUE(check_plan(config, plan));
}

TEST(memory_plan, a_cache_is_the_power_of_two_below_what_is_asked_for) {
    Config config = two_ports("net_null0");
    const auto with_kb = [&config](std::uint32_t kilobytes) {
        config.lookup.cache_kb = kilobytes;
        return plan_memory(config);
    };
    EXPECT_EQ(with_kb(0).cache_lines, 0U);
    EXPECT_EQ(with_kb(0).stripes, 2U);
    EXPECT_EQ(with_kb(1).cache_lines, 16U);
    EXPECT_EQ(with_kb(1).stripes, 16U);
    EXPECT_EQ(with_kb(1'023).cache_lines, 8'192U);
    EXPECT_EQ(with_kb(1'024).cache_lines, 16'384U);
    EXPECT_EQ(with_kb(1'024).route_caches, 3U * 1'024 * 1'024);
    EXPECT_EQ(with_kb(1'048'576).cache_lines, 1U << 24);
}

TEST(memory_plan, automatic_caches_take_what_the_memory_leaves_and_no_more) {
    Config config = two_ports("net_null0");
    config.lookup.cache_kb = 0;
    const std::uint32_t bare_mb = plan_memory(config).total_mb();
    config.lookup.cache_kb = std::nullopt;
    std::uint32_t lines = 0;
    for (std::uint32_t mb = bare_mb; mb < 100'000; mb += mb / 3) {
        config.eal.memory_mb = mb;
        const MemoryPlan plan = plan_memory(config);
        EXPECT_LE(plan.total_mb(), mb);
        EXPECT_TRUE(check_plan(config, plan)) << mb;
        EXPECT_GE(plan.cache_lines, lines) << mb;
        EXPECT_LE(plan.stripes, std::max(plan.cache_lines, 2U));
        const std::uint64_t left = (std::uint64_t{mb} - bare_mb) << 20;
        EXPECT_LE(plan.capability_share + plan.route_caches, left + (2U << 20)) << mb;
        lines = plan.cache_lines;
    }
    EXPECT_EQ(lines, 1U << 24);
}

TEST(memory_plan, automatic_caches_with_too_little_memory_for_the_rest_are_refused) {
    Config config = two_ports("net_null0");
    config.lookup.cache_kb = std::nullopt;
    config.eal.memory_mb = 16;
    const MemoryPlan plan = plan_memory(config);
    EXPECT_EQ(plan.cache_lines, 0U);
    EXPECT_EQ(plan.capability_share, 0U);
    EXPECT_FALSE(check_plan(config, plan));
}

TEST(memory_plan, without_the_table_a_route_takes_108_bytes_less) {
    Config config = two_ports("net_null0");
    config.agents.agents_max = 1'000'000;
    const MemoryPlan with = plan_memory(config);
    config.lookup.table = false;
    const MemoryPlan without = plan_memory(config);
    const double routes = fib_capacity(config);
    EXPECT_NEAR(static_cast<double>(with.fib - without.fib), 130.0 * routes, 0.1 * routes);
    EXPECT_EQ(with.rekey - without.rekey, with.fib - without.fib);
}

TEST(memory_plan, where_there_are_routers_every_agent_may_have_a_route_as_well) {
    Config config = two_ports("net_null0");
    const MemoryPlan alone = plan_memory(config);
    config.routers.emplace_back().name = "east";
    const MemoryPlan plan = plan_memory(config);
    EXPECT_EQ(plan.total_bytes(), alone.total_bytes());
    EXPECT_EQ(plan.heap - alone.heap,
              routing::estimate_rib(0, config.agents.agents_max) - routing::estimate_rib(0, 0));
}

TEST(memory_plan, what_each_worker_remembers_of_frames_to_capabilities_is_in_the_heap) {
    Config config = two_ports("net_null0");
    const MemoryPlan one = plan_memory(config);
    EXPECT_EQ(one.conversations,
              config.dataplane.workers *
                  routing::Conversations(config.capabilities.conversations).memory_bytes());
    config.capabilities.conversations *= 4;
    const MemoryPlan more = plan_memory(config);
    EXPECT_EQ(more.conversations, 4 * one.conversations);
    EXPECT_EQ(more.heap - one.heap, 3 * one.conversations);
    EXPECT_EQ(more.total_bytes(), one.total_bytes());
    const unsigned workers = config.dataplane.workers;
    config.dataplane.workers = 2 * workers;
    const MemoryPlan twice = plan_memory(config);
    EXPECT_EQ(twice.conversations + twice.names_said, 2 * (more.conversations + more.names_said));
}

TEST(memory_plan, claims_of_the_cluster_are_what_their_table_takes) {
    Config config = two_ports("net_null0");
    const std::uint64_t alone = plan_memory(config).heap;
    EXPECT_EQ(plan_memory(config).claims, 0U);
    config.cluster.address = routing::IpAddress::from_text("10.9.0.1");
    config.cluster.claims_max = 300'000;
    const MemoryPlan plan = plan_memory(config);
    const std::uint64_t routes =
        routing::estimate_rib(0, config.agents.agents_max) - routing::estimate_rib(0, 0);
    EXPECT_EQ(plan.heap, alone + plan.claims + routes);
    // As many as a store may hold, with the copies it makes of other routers' claims.
    gossip::claims::StoreOptions options;
    options.limits.records_max = config.cluster.claims_max;
    const gossip::claims::ClaimStore store(options, gossip::claims::RouterId{1}, {1, 1}, {});
    gossip::claims::ClaimTable table(store.table().slots_max(), {});
    for (std::uint32_t i = 0; i < table.slots_max(); ++i) {
        static_cast<void>(table.insert(support::numbered_id(i), 0));
    }
    EXPECT_GE(plan.claims, table.bytes());
    EXPECT_LE(plan.claims, table.bytes() + table.bytes() / 5);
}

TEST(memory_plan, a_million_agents_fit_where_the_plan_says) {
    Config config = two_ports("net_null0");
    config.agents.agents_max = 1'000'000;
    const MemoryPlan plan = plan_memory(config);
    EXPECT_GT(plan.fib, 1'000'000U * 100);
    EXPECT_LT(plan.fib, 1'000'000U * 320);
    EXPECT_EQ(plan.total_mb() % 2, 0U);
    EXPECT_GE(std::uint64_t{plan.total_mb()} * 1024 * 1024, plan.total_bytes());
}

}  // namespace
}  // namespace posthaste::controlplane
