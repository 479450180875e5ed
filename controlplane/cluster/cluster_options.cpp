// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster_options.h"

#include <algorithm>

#include "routing/capability_name.h"

namespace posthaste::controlplane {

namespace {

using gossip::claims::PlaneOptions;
using gossip::membership::MembershipOptions;
using gossip::membership::Timing;

Timing timing_of(ClusterProfile profile) {
    switch (profile) {
        case ClusterProfile::lan:
            return gossip::membership::lan_timing();
        case ClusterProfile::wan:
            return gossip::membership::wan_timing();
        case ClusterProfile::local:
            return gossip::membership::local_timing();
        case ClusterProfile::fast:
            return gossip::membership::fast_timing();
    }
    return {};
}

// Alike in the whole cluster, whatever its keys are: they rotate.
std::uint64_t seed_of(const std::string& cluster) {
    const auto id = routing::capability_id("cluster/" + cluster);
    std::uint64_t seed = 0;
    for (const std::uint8_t octet : id.bytes) {
        seed = seed << 7 ^ seed >> 57 ^ octet;
    }
    return seed;
}

constexpr unsigned kOriginsMore = 64;
constexpr std::size_t kWithdrawnMax = 65'536;
constexpr std::size_t kWithdrawnOfOthers = 4;  // times our own

}  // namespace

tl::expected<MembershipOptions, std::string> membership_options(
    const ClusterConfig& config,
    const std::string& node,
    const SocketAddress& address,
    const gossip::membership::Tags& tags) {
    MembershipOptions options;
    options.name = node;
    options.address = address;
    options.label = config.label;
    options.tags = tags;
    options.timing = timing_of(config.profile);
    options.reap_ms = config.forget_ms;
    for (const std::string& text : config.seeds) {
        const auto seed = seed_address(text, config.port);
        if (!seed) {
            return tl::unexpected("[cluster] seeds: " + seed.error());
        }
        if (*seed != address) {
            options.seeds.push_back(*seed);
        }
    }
    return options;
}

PlaneOptions plane_options(const ClusterConfig& config) {
    PlaneOptions options;
    options.cluster = config.name;
    options.store.limits.records_max = config.claims_max;
    // With some whom others tell of before membership does.
    options.store.limits.origins_max = static_cast<std::uint16_t>(
        std::min<unsigned>(config.routers_max + kOriginsMore, gossip::claims::kOriginsMax));
    // What all routers withdrew takes half of the table at most. Whoever missed what is forgotten
    // early is told everything.
    options.own.withdrawn_max =
        std::clamp<std::size_t>(config.claims_max / (2U * config.routers_max), 1, kWithdrawnMax);
    // One that keeps more than it should does not take the others' room.
    options.store.limits.withdrawn_max =
        static_cast<std::uint32_t>(kWithdrawnOfOthers * options.own.withdrawn_max);
    // Every question goes to every router, and may be answered until it is forgotten.
    const std::uint64_t rate = config.discovery_rate;
    options.asked_max =
        std::max<std::size_t>(options.asked_max, (rate + 1) * (options.asked_ms / 1'000 + 1));
    options.discover_per_second = std::max(options.discover_per_second, config.discovery_rate);
    options.store.seed = seed_of(config.name);
    options.store.eligible_at_first = false;  // membership says who is alive
    options.sessions_max = 2U * config.routers_max;
    options.push_ms = config.push_ms;
    options.digest_ms = config.digest_ms;
    options.max_version_drift = config.max_version_drift;
    return options;
}

}  // namespace posthaste::controlplane
