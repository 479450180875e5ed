// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/small_world.h"

#include <string>

namespace posthaste::test {

using dataplane::Adjacency;
using dataplane::PortView;
using dataplane::Role;
using dataplane::SourceCheck;
using dataplane::World;
using routing::AgentState;
using routing::FibEntry;
using routing::RouteKind;

namespace {

PortView port(std::uint8_t number, Role role) {
    PortView view;
    view.rules.mac = mac(static_cast<std::uint8_t>(number + 1));
    view.rules.edge = role == Role::edge;
    view.rules.ipv4_count = 1;
    view.rules.ipv4[0] = ip("10." + std::to_string(number) + ".0.1");
    view.rules.ipv6_count = 1;
    view.rules.ipv6[0] = ip("fd0" + std::to_string(number) + "::1");
    view.role = role;
    view.error_rate = 1'000'000;
    view.ethdev = number;
    view.up = true;
    return view;
}

Adjacency next_hop(std::uint16_t at_port, std::string_view address, std::uint8_t mac_number) {
    Adjacency adjacency;
    adjacency.used = true;
    adjacency.resolved = mac_number != 0;
    adjacency.port = at_port;
    adjacency.udp_port = 4750;
    adjacency.ip = ip(address);
    adjacency.mac = mac(mac_number);
    return adjacency;
}

FibEntry local(std::uint32_t number,
               std::uint16_t at_port,
               std::string_view address,
               std::uint8_t mac_number,
               std::uint16_t udp_port) {
    FibEntry entry;
    entry.agent = agent(number);
    entry.endpoint.ip = ip(address);
    entry.endpoint.udp_port = udp_port;
    entry.endpoint.mac = mac(mac_number);
    entry.endpoint.port = at_port;
    return entry;
}

FibEntry behind(const FibEntry& from, std::uint16_t adjacency) {
    FibEntry entry = from;
    entry.endpoint.adjacency = adjacency;
    return entry;
}

FibEntry in_state(const FibEntry& from, AgentState state) {
    FibEntry entry = from;
    entry.state = state;
    return entry;
}

FibEntry remote(std::uint32_t number,
                std::uint16_t adjacency,
                std::uint16_t router = routing::kNoRouter) {
    FibEntry entry;
    entry.router = router;
    entry.agent = agent(number);
    entry.kind = RouteKind::remote;
    entry.endpoint.adjacency = adjacency;
    return entry;
}

}  // namespace

World small_world() {
    World world;
    world.version = 1;
    world.ports = {port(0, Role::edge),
                   port(1, Role::edge),
                   port(2, Role::fabric),
                   port(3, Role::edge),
                   port(4, Role::edge)};
    world.ports[kTagged].rules.vlan = 100;
    world.ports[kTagged].mtu = 9000;
    world.ports[kIpv4Only].rules.ipv6_count = 0;
    world.ports[kIpv4Only].source_check = SourceCheck::off;
    world.ports[kDown].up = false;
    world.adjacencies = {next_hop(kFabric, "10.2.0.7", 77),
                         next_hop(kFabric, "10.2.0.8", 0),
                         next_hop(kTagged, "10.1.0.55", 55),
                         next_hop(kTagged, "10.1.0.56", 0),
                         Adjacency{},
                         Adjacency{},
                         next_hop(kFabric, "fd02::7", 78)};
    world.routers = {remote(0, kRouter, kRouterNumber),
                     remote(0, kRouterUnresolved, kRouterUnresolvedNumber),
                     remote(0, kRouterIpv6, kRouterIpv6Number)};
    return world;
}

std::vector<FibEntry> small_world_routes() {
    return {
        local(kSender, kEdge, "10.0.0.9", kSenderNumber, 40'000),
        local(kReceiver, kEdge, "10.0.0.20", 20, 5020),
        local(kReceiverIpv6, kEdge, "fd00::21", 21, 5021),
        local(kReceiverTagged, kTagged, "10.1.0.22", 22, 5022),
        local(kReceiverIpv6Tagged, kTagged, "fd01::23", 23, 5023),
        remote(kRemote, kRouter, kRouterNumber),
        remote(kRemoteUnresolved, kRouterUnresolved, kRouterUnresolvedNumber),
        in_state(local(kDraining, kEdge, "10.0.0.24", 24, 5024), AgentState::draining),
        in_state(local(kStopped, kEdge, "10.0.0.25", 25, 5025), AgentState::stopped),
        behind(local(kStatic, kTagged, "10.1.0.55", 0, 5055), kHost),
        behind(local(kStaticUnresolved, kTagged, "10.1.0.56", 0, 5056), kHostUnresolved),
        local(kOnDownPort, kDown, "10.4.0.26", 26, 5026),
        remote(kBehindGone, kGone),
        remote(kBehindBeyond, 1000),
        local(kIpv6OnIpv4Port, kIpv4Only, "fd03::27", 27, 5027),
        remote(kNowhere, routing::kNoAdjacency),
        local(kSenderIpv6, kEdge, "fd00::9", kSenderNumber, 40'000),
        remote(kRemoteIpv6, kRouterIpv6, kRouterIpv6Number),
    };
}

void from_fabric(FrameSpec& spec) {
    spec.destination_mac = mac(3);
    spec.source_mac = mac(77);
    spec.source_ip = ip("10.2.0.7");
    spec.destination_ip = ip("10.2.0.1");
    spec.flags |= routing::flag::relayed;
    spec.source = agent(500);
}

void from_fabric_redirected(FrameSpec& spec) {
    from_fabric(spec);
    spec.flags |= routing::flag::redirected;
}

void over_ipv6(FrameSpec& spec) {
    spec.source_ip = ip("fd00::9");
    spec.destination_ip = ip("fd00::1");
    spec.source = agent(kSenderIpv6);
}

FrameBytes as_sent(const FrameSpec& spec) {
    FrameBytes frame = build(spec);
    const std::size_t l3 = ip_offset(frame);
    if (frame[l3] >> 4 == 4) {
        frame[l3 + 4] = frame[l3 + 5] = 0;
        seal(frame);
    }
    return frame;
}

}  // namespace posthaste::test
