// SPDX-License-Identifier: BSD-3-Clause
// A world with one of each kind: ports, next hops and agents for tests of the data plane.
#pragma once

#include <map>
#include <vector>

#include "dataplane/world.h"
#include "routing/fib.h"
#include "tests/support/frame_builder.h"

namespace posthaste::test {

// Ports by index.
inline constexpr std::uint16_t kEdge = 0;      // 10.0.0.1, fd00::1; mac 1; source check strict
inline constexpr std::uint16_t kTagged = 1;    // VLAN 100; 10.1.0.1, fd01::1; mac 2; MTU 9000
inline constexpr std::uint16_t kFabric = 2;    // 10.2.0.1, fd02::1; mac 3
inline constexpr std::uint16_t kIpv4Only = 3;  // edge; 10.3.0.1; mac 4; source check off
inline constexpr std::uint16_t kDown = 4;      // edge, not up; 10.4.0.1; mac 5
inline constexpr std::uint16_t kPortCount = 5;

// Next hops by index.
inline constexpr std::uint16_t kRouter = 0;            // fabric, 10.2.0.7 port 4750, mac 77
inline constexpr std::uint16_t kRouterUnresolved = 1;  // fabric, 10.2.0.8
inline constexpr std::uint16_t kHost = 2;              // on kTagged, mac 55
inline constexpr std::uint16_t kHostUnresolved = 3;    // on kTagged
inline constexpr std::uint16_t kGone = 4;              // a slot not in use
inline constexpr std::uint16_t kRouterIpv6 = 6;        // fabric, fd02::7, mac 78

// The routers with a next hop, by number.
inline constexpr std::uint16_t kRouterNumber = 0;
inline constexpr std::uint16_t kRouterUnresolvedNumber = 1;
inline constexpr std::uint16_t kRouterIpv6Number = 2;

// Agents by number. 1 sends, at mac 9, 10.0.0.9 port 40000, the defaults of FrameSpec.
enum AgentNumber : std::uint32_t {
    kSender = 1,
    kReceiver = 2,        // kEdge, mac 20, 10.0.0.20 port 5020
    kReceiverIpv6 = 3,    // kEdge, mac 21, fd00::21 port 5021
    kReceiverTagged = 4,  // kTagged, mac 22, 10.1.0.22 port 5022
    kReceiverIpv6Tagged = 5,
    kRemote = 6,            // behind kRouter
    kRemoteUnresolved = 7,  // behind kRouterUnresolved
    kDraining = 8,
    kStopped = 9,
    kStatic = 10,            // kTagged, its MAC from kHost
    kStaticUnresolved = 11,  // kTagged, its MAC from kHostUnresolved
    kOnDownPort = 12,
    kBehindGone = 13,
    kBehindBeyond = 14,
    kIpv6OnIpv4Port = 15,  // kIpv4Only has no IPv6 address to send from
    kNowhere = 16,         // remote without a next hop
    kSenderIpv6 = 17,      // kEdge, mac 9, fd00::9
    kRemoteIpv6 = 18,      // behind kRouterIpv6
    kUnknown = 99,
};

[[nodiscard]] dataplane::World small_world();
[[nodiscard]] std::vector<routing::FibEntry> small_world_routes();

// Turns a frame to kEdge into one from kRouter to kFabric, or from the sender over IPv6.
void from_fabric(FrameSpec& spec);
void from_fabric_redirected(FrameSpec& spec);
void over_ipv6(FrameSpec& spec);

// The bytes a router sends for `spec`: as built, but with the identification of an atomic datagram.
[[nodiscard]] FrameBytes as_sent(const FrameSpec& spec);

}  // namespace posthaste::test
