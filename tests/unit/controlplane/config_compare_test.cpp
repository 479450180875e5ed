// SPDX-License-Identifier: BSD-3-Clause
// What a reload changes, and what it refuses.
#include <gtest/gtest.h>

#include "controlplane/config.h"

namespace {

using namespace posthaste;
using namespace posthaste::controlplane;
using Lines = std::vector<std::string>;

constexpr const char* kUuid = "11111111-1111-4111-8111-111111111111";

Config base() {
    const auto config = parse_config(
        "[port edge0]\ndevice = net_null0\naddresses = 10.0.0.1/24\n"
        "[port fabric0]\ndevice = net_null1\nrole = fabric\naddresses = 172.16.0.1/24\n"
        "[router west]\naddress = 172.16.0.2\n"
        "[route 11111111-1111-4111-8111-111111111111]\nrouter = west\n"
        "[agent 22222222-2222-4222-8222-222222222222]\nport = edge0\naddress = 10.0.0.2\n",
        "base.ini");
    if (!config) {
        ADD_FAILURE() << config.error().text;
        return {};
    }
    return *config;
}

TEST(compare_configs, an_unchanged_file_changes_nothing) {
    Config next = base();
    next.path = "elsewhere.ini";
    next.ports[0].line.number += 7;
    const ConfigDifference difference = compare_configs(base(), next);
    EXPECT_EQ(difference.changes, Lines{});
    EXPECT_EQ(difference.refused, Lines{});
}

TEST(compare_configs, reloadable_keys_are_changes_with_both_values) {
    Config next = base();
    next.system.log_level = LogLevel::debug;
    next.agents.lease_max_ms = 60'000;
    next.lookup.negative_ttl_ms = 0;
    next.ports[0].gateway = routing::IpAddress::from_text("10.0.0.254");
    const ConfigDifference difference = compare_configs(base(), next);
    EXPECT_EQ(difference.refused, Lines{});
    EXPECT_EQ(difference.changes,
              (Lines{
                  "[system] log_level: info -> debug",
                  "[agents] lease_max_ms: 3600000 -> 60000",
                  "[lookup] negative_ttl_ms: 2000 -> 0",
                  "[port edge0] gateway: (not set) -> 10.0.0.254",
              }));
}

TEST(compare_configs, other_keys_need_a_restart) {
    Config next = base();
    next.lookup.table = false;
    next.lookup.cache_kb = std::nullopt;
    next.dataplane.workers = 2;
    next.agents.agents_max = 7;
    next.ports[1].mtu = 9'000;
    const ConfigDifference difference = compare_configs(base(), next);
    EXPECT_EQ(difference.changes, Lines{});
    EXPECT_EQ(difference.refused,
              (Lines{
                  "[dataplane] workers: 1 -> 2: needs a restart",
                  "[agents] agents_max: 100000 -> 7: needs a restart",
                  "[lookup] table: yes -> no: needs a restart",
                  "[lookup] cache_kb: 1024 -> auto: needs a restart",
                  "[port fabric0] mtu: 1500 -> 9000: needs a restart",
              }));
}

TEST(compare_configs, of_the_cluster_seeds_and_rates_change_while_it_runs) {
    Config next = base();
    next.cluster.seeds = {"10.9.0.2"};
    next.cluster.max_version_drift = 7;
    next.cluster.push_ms = 20;
    next.cluster.digest_ms = 500;
    next.cluster.forget_ms = 60'000;
    ConfigDifference difference = compare_configs(base(), next);
    EXPECT_EQ(difference.refused, Lines{});
    EXPECT_EQ(difference.changes,
              (Lines{
                  "[cluster] seeds: (not set) -> 10.9.0.2",
                  "[cluster] max_version_drift: 1000 -> 7",
                  "[cluster] push_ms: 10 -> 20",
                  "[cluster] digest_ms: 1000 -> 500",
                  "[cluster] forget_ms: 86400000 -> 60000",
              }));
    next = base();
    next.cluster.address = routing::IpAddress::from_text("10.9.0.1");
    next.cluster.profile = ClusterProfile::fast;
    next.cluster.claims_max = 2'048;
    next.cluster.discovery_rate = 7;
    next.store.path = "/var/lib/posthaste.db";
    next.store.commit_ms = 5;
    difference = compare_configs(base(), next);
    EXPECT_EQ(difference.changes, Lines{});
    EXPECT_EQ(difference.refused,
              (Lines{
                  "[cluster] address: (not set) -> 10.9.0.1: needs a restart",
                  "[cluster] profile: lan -> fast: needs a restart",
                  "[cluster] claims_max: 1048576 -> 2048: needs a restart",
                  "[cluster] discovery_rate: 1000 -> 7: needs a restart",
                  "[store] path: (not set) -> /var/lib/posthaste.db: needs a restart",
                  "[store] commit_ms: 2 -> 5: needs a restart",
              }));
}

TEST(compare_configs, ports_neither_come_nor_go_nor_change_places) {
    Config swapped = base();
    std::swap(swapped.ports[0], swapped.ports[1]);
    EXPECT_EQ(compare_configs(base(), swapped).refused,
              Lines{"ports: edge0, fabric0 -> fabric0, edge0: needs a restart"});
    Config fewer = base();
    fewer.ports.pop_back();
    EXPECT_EQ(compare_configs(base(), fewer).refused,
              Lines{"ports: edge0, fabric0 -> edge0: needs a restart"});
}

TEST(compare_configs, routers_routes_and_agents_come_go_and_change) {
    Config next = base();
    next.routers[0].udp_port = 4'800;
    next.routers.push_back({"east", *routing::IpAddress::from_text("172.16.0.3"), "", 0, {}});
    next.routes.clear();
    next.static_agents[0].capabilities = {"ocr"};
    const ConfigDifference difference = compare_configs(base(), next);
    EXPECT_EQ(difference.refused, Lines{});
    EXPECT_EQ(difference.changes,
              (Lines{
                  "[router west] udp_port: 0 -> 4800",
                  "[router east] added",
                  std::string("[route ") + kUuid + "] removed",
                  "[agent 22222222-2222-4222-8222-222222222222] capabilities: (not set) -> ocr",
              }));
}

TEST(compare_configs, the_order_of_routes_does_not_matter) {
    Config running = base();
    running.routes.push_back(
        {*routing::AgentId::from_text("33333333-3333-4333-8333-333333333333"), "west", {}, {}});
    Config next = running;
    std::swap(next.routes[0], next.routes[1]);
    EXPECT_EQ(compare_configs(running, next).changes, Lines{});
}

}  // namespace
