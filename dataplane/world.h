// SPDX-License-Identifier: BSD-3-Clause
// World: everything an lcore may know besides the Fib, published as one immutable value (RCU).
//
// Built by the control thread on every change of a port, router or neighbour; a few hundred
// entries, so a rebuild is cheap. The Fib names adjacencies by index; an index keeps its meaning
// for the life of the program (slots are reused only after every route to them is gone).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "routing/address.h"
#include "routing/fib.h"
#include "routing/frame.h"

namespace posthaste::routing {
class PolicySet;
}

namespace posthaste::dataplane {

enum class Role : std::uint8_t { edge, fabric };

enum class SourceCheck : std::uint8_t { strict, port, off };  // MAC+IP and port; port only; none

struct PortView {
    routing::PortRules rules;
    Role role = Role::edge;
    SourceCheck source_check = SourceCheck::strict;
    std::uint32_t error_rate = 0;  // answers a second, one worker's share
    std::uint16_t ethdev = 0;      // DPDK port id
    std::uint16_t mtu = 1500;      // of the IP packet
    bool up = false;               // lcores neither poll nor send while false
};

// A next hop on a link: a router's fabric address, or a static agent whose MAC was resolved.
struct Adjacency {
    bool used = false;
    bool resolved = false;
    std::uint16_t port = 0;
    std::uint16_t udp_port = 0;  // routers: where they listen
    routing::IpAddress ip;       // routers: their fabric address
    routing::Mac mac;            // next hop on the link: the host, or the gateway towards it
};

struct World {
    static constexpr std::uint16_t kFanOutMax = 1'023;

    std::uint64_t version = 0;
    bool draining = false;     // shutting down: messages from edge ports are refused
    bool patterns = false;     // unknown capabilities go to the control thread, which matches names
    bool local_first = false;  // of a capability's providers, those here
    std::uint16_t fan_out_max = 64;  // recipients of one frame, at most kFanOutMax
    std::vector<PortView> ports;
    std::vector<Adjacency> adjacencies;
    // Null: none. Shared by the Worlds that have them; only the control thread makes and frees
    // Worlds, so that lcores never count references.
    std::shared_ptr<const routing::PolicySet> policies;
    // By router: how its agents are reached, whoever they are. A copy for a router takes it.
    std::vector<routing::FibEntry> routers;
};

}  // namespace posthaste::dataplane
