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
