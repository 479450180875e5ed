// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/world_builder.h"

#include <utility>

namespace posthaste::controlplane {

dataplane::PortView view_of(const PortConfig& config,
                            const dataplane::Port& port,
                            const DataplaneConfig& dataplane,
                            bool up) {
    dataplane::PortView view;
    view.role = config.role;
    view.source_check = config.source_check;
    view.ethdev = port.ethdev();
    view.error_rate = error_share(config, dataplane.workers);
    view.mtu = config.mtu;
    view.up = up;
    routing::PortRules& rules = view.rules;
    rules.mac = port.mac();
    rules.vlan = config.vlan;
    rules.udp_port = dataplane.udp_port;
    rules.edge = config.role == dataplane::Role::edge;
    rules.verify_checksum = config.verify_checksum;
    for (const routing::Prefix& prefix : config.addresses) {
        const routing::IpAddress& ip = prefix.address;
        if (ip.family == routing::Family::ipv4 && rules.ipv4_count < routing::kPortAddressesMax) {
            rules.ipv4[rules.ipv4_count++] = ip;
        } else if (ip.family == routing::Family::ipv6 &&
                   rules.ipv6_count < routing::kPortAddressesMax) {
            rules.ipv6[rules.ipv6_count++] = ip;
        }
    }
    return view;
}

std::unique_ptr<const dataplane::World> build_world(const Box& box) {
    auto world = std::make_unique<dataplane::World>();
    world->version = box.world_version + 1;
    world->draining = box.draining;
    world->patterns = box.patterns->any();
    world->local_first = box.config.capabilities.local_first;
    world->fan_out_max = box.config.capabilities.fan_out_max;
    world->ports.reserve(box.ports.size());
    for (std::size_t i = 0; i < box.ports.size(); ++i) {
        const PortSlot& slot = box.ports[i];
        world->ports.push_back(
            view_of(box.config.ports[i], *slot.device, box.config.dataplane, slot.up));
    }
    world->adjacencies = box.neighbours->adjacencies();
    for (const RouterSlot& slot : box.next_hops->routers()) {
        routing::FibEntry route;
        route.kind = routing::RouteKind::remote;
        route.router = static_cast<std::uint16_t>(world->routers.size());
        route.endpoint.adjacency = slot.used ? slot.adjacency : routing::kNoAdjacency;
        world->routers.push_back(route);
    }
    world->policies = box.policies.current();
    return world;
}

}  // namespace posthaste::controlplane
