// SPDX-License-Identifier: BSD-3-Clause
// Cluster: this router's part in the cluster: membership and route plane behind kernel sockets on
// the management address.
//
// Owns the sockets, the sealing of route plane connections and the two state machines, and keeps
// them together: members whose tags say that they are routers get a connection, the others none.
// Nothing blocks; one turn takes a millisecond at most. Control thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/config.h"
#include "gossip/claims/route_plane.h"
#include "gossip/membership/membership.h"

namespace posthaste::controlplane {

// What a member's tags say of it as a router: role=posthaste, rid, rp, dp.
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

struct ClusterStart {
    gossip::claims::Generation generation{};
    std::uint16_t fabric_port = 0;    // UDP port of frames
    routing::IpAddress fabric{};      // where others send frames for our agents
    std::vector<std::string> keys{};  // raw; the primary first
    std::uint64_t random_seed = 0;
};

class Cluster {
  public:
    // The sockets are bound; the error is one sentence. `now_ms` here and below is the box's.
    [[nodiscard]] static tl::expected<std::unique_ptr<Cluster>, std::string> open(
        const ClusterConfig& config,
        const std::string& node,
        const ClusterStart& start,
        std::uint64_t now_ms);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    // Readable when turn() has something to do at once.
    [[nodiscard]] int epoll_fd() const noexcept;
    // True: there is more to do.
    bool turn(std::uint64_t now_ms);

    // What turn() found, since the last call.
    [[nodiscard]] std::vector<gossip::membership::MemberEvent> take_member_events();
    [[nodiscard]] std::vector<gossip::claims::Event> take_route_events();
    // Routers that came, went, moved or were forgotten.
    [[nodiscard]] std::vector<RouterMember> take_router_changes();

    [[nodiscard]] gossip::membership::Membership& membership() noexcept;
    [[nodiscard]] gossip::claims::RoutePlane& routes() noexcept;
    [[nodiscard]] std::vector<RouterMember> routers() const;
    [[nodiscard]] gossip::claims::RouterId self() const noexcept;
    // The clock of claims: wall clock at start, steady from then on, of the instant `now_ms`.
    [[nodiscard]] std::uint64_t claims_ms(std::uint64_t now_ms) const noexcept;

  private:
    class Transport;
    Cluster();
    std::unique_ptr<Transport> transport_;
};

// The same for a name wherever and whenever: first 64 bits of a UUIDv5 of cluster and node.
[[nodiscard]] gossip::claims::RouterId router_id_of(std::string_view cluster,
                                                    std::string_view node);

}  // namespace posthaste::controlplane
