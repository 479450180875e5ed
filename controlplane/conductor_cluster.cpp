// SPDX-License-Identifier: BSD-3-Clause
// Conductor: what the cluster found, into the tables.
#include <utility>

#include "controlplane/conductor.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kClaimsPerCycle = 256;  // half a millisecond, if each is a new route

}  // namespace

// What the cluster found since the last cycle.
bool Conductor::serve_cluster(std::uint64_t now_ms) {
    if (box_.cluster_routes == nullptr) {
        return false;
    }
    const auto routers = box_.cluster->take_router_changes();
    const auto events = box_.cluster->take_route_events();
    const auto misrouted = box_.care->take_misrouted();
    const ClusterRoutes::Done done =
        box_.cluster_routes->turn({.routers = routers,
                                   .events = events,
                                   .misrouted = misrouted,
                                   .now_ms = now_ms,
                                   .claims_ms = box_.cluster->claims_ms(now_ms),
                                   .budget = kClaimsPerCycle,
                                   .fib_behind = !waiting_changes_.empty()});
    box_.world_stale |= done.routers_changed;
    if (route_events_.size() < Cluster::kEventsMax) {
        route_events_.insert(route_events_.end(), events.begin(), events.end());
    }
    return done.more;
}

std::vector<gossip::claims::Event> Conductor::take_route_events() {
    return std::exchange(route_events_, {});
}

}  // namespace posthaste::controlplane
