// SPDX-License-Identifier: BSD-3-Clause
// ClusterSource: what the operator's commands need of a cluster; ClusterCommands asks it.
//
// Stands between the commands and the sockets, so that the commands run in tests over a route plane
// without any. Control thread only; every call returns at once.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/cluster/cluster.h"
#include "controlplane/cluster/cluster_routes.h"

namespace posthaste::controlplane {

class ClusterSource {
  public:
    ClusterSource() = default;
    ClusterSource(const ClusterSource&) = delete;
    ClusterSource& operator=(const ClusterSource&) = delete;
    virtual ~ClusterSource() = default;

    // Names, ports: as the configuration has them.
    [[nodiscard]] virtual std::string node() const = 0;
    [[nodiscard]] virtual std::string name() const = 0;
    [[nodiscard]] virtual std::uint16_t port() const = 0;

    // All of them, this router included, in no particular order.
    [[nodiscard]] virtual std::vector<gossip::membership::MemberView> members() const = 0;
    // Those that are routers; this one may be missing.
    [[nodiscard]] virtual std::vector<RouterMember> routers() const = 0;
    // Of those, until the cluster changes; null: none of them.
    [[nodiscard]] virtual const RouterMember* router(gossip::claims::RouterId id) const = 0;
    [[nodiscard]] virtual const gossip::membership::MembershipCounters& counters() const = 0;
    [[nodiscard]] virtual ClusterCounters sockets() const = 0;
    [[nodiscard]] virtual ClusterRoutesCounts feed() const = 0;
    [[nodiscard]] virtual unsigned health_score() const = 0;
    // Of the keyring; 0: nothing is sealed.
    [[nodiscard]] virtual std::size_t keys() const = 0;
    [[nodiscard]] virtual gossip::claims::RoutePlane& routes() = 0;
    // The clocks of membership, and of claims.
    [[nodiscard]] virtual std::uint64_t now_ms() const = 0;
    [[nodiscard]] virtual std::uint64_t claims_ms() const = 0;

    virtual void join(const std::vector<gossip::membership::SocketAddress>& seeds) = 0;
    virtual void leave() = 0;
    [[nodiscard]] virtual bool leaving() const = 0;
    [[nodiscard]] virtual tl::expected<void, std::string> force_leave(std::string_view member,
                                                                      bool prune) = 0;
    // `key` as text, in base64; its answers come as a MemberEvent with the number.
    [[nodiscard]] virtual tl::expected<std::uint32_t, std::string> ask_keys(
        gossip::membership::KeyAction action, std::string_view key) = 0;
};

}  // namespace posthaste::controlplane
