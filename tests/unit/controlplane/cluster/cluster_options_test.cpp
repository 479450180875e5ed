// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster_options.h"

#include <gtest/gtest.h>

namespace posthaste::controlplane {
namespace {

const SocketAddress kOurs = seed_address("10.0.0.1", 7946).value();

TEST(cluster_options, the_configuration_reaches_membership) {
    ClusterConfig config;
    config.profile = ClusterProfile::fast;
    config.label = "lab";
    config.forget_ms = 60'000;
    config.seeds = {"10.0.0.1", "10.0.0.2", "10.0.0.3:99"};
    const auto options = membership_options(config, "box", kOurs, {{"role", "posthaste"}});
    ASSERT_TRUE(options);
    EXPECT_EQ(options->name, "box");
    EXPECT_EQ(options->label, "lab");
    EXPECT_EQ(options->reap_ms, 60'000U);
    EXPECT_EQ(options->timing.probe_interval_ms,
              gossip::membership::fast_timing().probe_interval_ms);
    EXPECT_EQ(options->tags.at("role"), "posthaste");
    // Not ourselves.
    EXPECT_EQ(options->seeds,
              (std::vector{*seed_address("10.0.0.2", 7946), *seed_address("10.0.0.3", 99)}));
}

TEST(cluster_options, a_seed_that_is_no_address_is_an_error) {
    ClusterConfig config;
    config.seeds = {"here"};
    EXPECT_EQ(membership_options(config, "box", kOurs, {}).error(),
              "[cluster] seeds: 'here' is not ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.");
}

TEST(cluster_options, the_configuration_reaches_the_route_plane) {
    ClusterConfig config;
    config.name = "lab";
    config.claims_max = 1'234;
    config.routers_max = 10;
    config.push_ms = 7;
    config.digest_ms = 77;
    config.max_version_drift = 777;
    const auto options = plane_options(config);
    EXPECT_EQ(options.cluster, "lab");
    EXPECT_EQ(options.store.limits.records_max, 1'234U);
    EXPECT_GE(options.store.limits.origins_max, 10U);
    EXPECT_EQ(options.push_ms, 7U);
    EXPECT_EQ(options.digest_ms, 77U);
    EXPECT_EQ(options.max_version_drift, 777U);
    EXPECT_FALSE(options.store.eligible_at_first);
}

TEST(cluster_options, what_all_routers_withdrew_leaves_room_for_claims) {
    for (const auto& [claims, routers] :
         {std::pair{1'048'576U, 256}, {1'024U, 1'000}, {16'777'216U, 2}}) {
        ClusterConfig config;
        config.claims_max = claims;
        config.routers_max = static_cast<std::uint16_t>(routers);
        const auto most = plane_options(config).own.withdrawn_max;
        EXPECT_GE(most, 1U);
        EXPECT_TRUE(most == 1 || most * config.routers_max <= claims / 2) << claims;
        EXPECT_LE(most, 65'536U);
    }
}

TEST(cluster_options, agents_are_asked_about_as_often_as_the_configuration_says) {
    ClusterConfig config;
    const gossip::claims::PlaneOptions defaults;
    EXPECT_EQ(plane_options(config).asked_max, defaults.asked_max);
    config.discovery_rate = 10'000;
    const auto options = plane_options(config);
    EXPECT_GE(options.asked_max * 1'000, 10'000 * options.asked_ms) << "all that are open at once";
    EXPECT_EQ(options.discover_per_second, 10'000U) << "of one peer";
}

TEST(cluster_options, hashes_are_alike_in_a_cluster_and_in_no_other) {
    ClusterConfig one;
    ClusterConfig same;
    same.keyring = "elsewhere";
    ClusterConfig another;
    another.name = "another";
    EXPECT_EQ(plane_options(one).store.seed, plane_options(same).store.seed);
    EXPECT_NE(plane_options(one).store.seed, plane_options(another).store.seed);
}

}  // namespace
}  // namespace posthaste::controlplane
