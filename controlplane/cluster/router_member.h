// SPDX-License-Identifier: BSD-3-Clause
// What a member's tags say of it as a router: role=posthaste, rid (16 hex digits), rp (port of the
// route plane), dp (ADDRESS:PORT of the fabric).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gossip/claims/route_plane.h"
#include "routing/address.h"

namespace posthaste::controlplane {

struct RouterMember {
    std::string name;
    gossip::claims::RouterId id{};
    routing::IpAddress management{};
    std::uint16_t route_port = 0;
    routing::IpAddress fabric{};  // where its frames go
    std::uint16_t fabric_port = 0;
    gossip::claims::Membership membership = gossip::claims::Membership::alive;
    bool connected = false;  // its session of the route plane is up
};

// The same for a name wherever and whenever: first 64 bits of a UUIDv5 of cluster and node. Never
// 0.
[[nodiscard]] gossip::claims::RouterId router_id_of(std::string_view cluster,
                                                    std::string_view node);

}  // namespace posthaste::controlplane
