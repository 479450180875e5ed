// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "controlplane/cluster/cluster_options.h"
#include "controlplane/cluster/transport.h"

namespace posthaste::controlplane {

namespace {

using gossip::membership::MemberEvent;

constexpr unsigned kBindAttempts = 16;

struct MemberSockets {
    Descriptor datagrams;
    Descriptor listener;
    SocketAddress address;
};

// UDP and TCP on one port. Where any will do, one may be free for the one and not for the other.
tl::expected<MemberSockets, std::string> open_member_sockets(const SocketAddress& wanted) {
    for (unsigned attempt = 1;; ++attempt) {
        auto listener = open_listener(wanted);
        if (!listener) {
            return tl::unexpected(listener.error());
        }
        SocketAddress address = wanted;
        address.port = bound_port(*listener);
        auto datagrams = open_datagrams(address);
        if (datagrams) {
            return MemberSockets{std::move(*datagrams), std::move(*listener), address};
        }
        if (wanted.port != 0 || attempt == kBindAttempts) {
            return tl::unexpected(datagrams.error());
        }
    }
}

tl::expected<gossip::seal::Keyring, std::string> keyring_of(const std::vector<std::string>& keys) {
    gossip::seal::Keyring keyring;
    for (const std::string& key : keys) {
        if (const auto installed = keyring.install(key); !installed) {
            return tl::unexpected("cluster keys: " + installed.error());
        }
    }
    return keyring;
}

}  // namespace

Cluster::Cluster(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}

Cluster::~Cluster() = default;

tl::expected<std::unique_ptr<Cluster>, std::string> Cluster::open(const ClusterConfig& config,
                                                                  const std::string& node,
                                                                  const ClusterStart& start,
                                                                  std::uint64_t now_ms) {
    if (!config.address) {
        return tl::unexpected(std::string("cluster: there is no address of its own to use"));
    }
    auto members = open_member_sockets(socket_address(*config.address, config.port));
    if (!members) {
        return tl::unexpected(members.error());
    }
    auto routes = open_listener(socket_address(*config.address, config.route_port));
    if (!routes) {
        return tl::unexpected(routes.error());
    }
    auto watch = Watch::open();
    if (!watch) {
        return tl::unexpected(watch.error());
    }
    auto keyring = keyring_of(start.keys);
    if (!keyring) {
        return tl::unexpected(keyring.error());
    }
    const gossip::claims::RouterId self = router_id_of(config.name, node);
    const auto tags =
        router_tags(self, bound_port(*routes), socket_address(start.fabric, start.fabric_port));
    auto options = membership_options(config, node, members->address, tags);
    if (!options) {
        return tl::unexpected(options.error());
    }
    auto transport = std::make_unique<Transport>(Transport::Parts{
        .config = config,
        .self = self,
        .start = start,
        .membership = std::move(*options),
        .keyring = std::move(*keyring),
        .watch = std::move(*watch),
        .datagrams = std::move(members->datagrams),
        .member_listener = std::move(members->listener),
        .route_listener = std::move(*routes),
        .now_ms = now_ms,
    });
    if (!transport->watch_all()) {
        return tl::unexpected(std::string("cluster: its sockets cannot be watched"));
    }
    return std::unique_ptr<Cluster>(new Cluster(std::move(transport)));
}

void Cluster::set_config(const ClusterConfig& config) {
    // The seeds are sound: whoever read them from a file has looked at each.
    if (const auto options = membership_options(config, {}, transport_->address, {})) {
        transport_->membership.set_options(*options);
    }
    transport_->plane.set_options(plane_options(config));
}

int Cluster::epoll_fd() const noexcept {
    return transport_->watch.fd();
}

bool Cluster::turn(std::uint64_t now_ms) {
    return transport_->turn(now_ms);
}

std::vector<MemberEvent> Cluster::take_member_events() {
    return std::exchange(transport_->member_events, {});
}

std::vector<gossip::claims::Event> Cluster::take_route_events() {
    return std::exchange(transport_->route_events, {});
}

std::vector<RouterMember> Cluster::take_router_changes() {
    return transport_->routers.take_changes();
}

gossip::membership::Membership& Cluster::membership() noexcept {
    return transport_->membership;
}

gossip::claims::RoutePlane& Cluster::routes() noexcept {
    return transport_->plane;
}

const RouterMember* Cluster::router(gossip::claims::RouterId id) const {
    return transport_->routers.find(id);
}

std::vector<RouterMember> Cluster::routers() const {
    std::vector<RouterMember> routers;
    for (const auto& [id, router] : transport_->routers.all()) {
        routers.push_back(router);
    }
    return routers;
}

gossip::claims::RouterId Cluster::self() const noexcept {
    return transport_->self;
}

std::uint64_t Cluster::claims_ms(std::uint64_t now_ms) const noexcept {
    return transport_->claims_ms(now_ms);
}

SocketAddress Cluster::address() const noexcept {
    return transport_->address;
}

SocketAddress Cluster::route_address() const noexcept {
    return transport_->route_address;
}

ClusterCounters Cluster::counters() const {
    return transport_->counters();
}

}  // namespace posthaste::controlplane
