// SPDX-License-Identifier: BSD-3-Clause
// Cluster: this router's part in the cluster: membership and route plane behind kernel sockets on
// the management address.
//
// Owns the sockets, the sealing of route plane connections and the two state machines, and keeps
// them together: members whose tags say that they are routers get a connection, the others none.
// Nothing blocks; one turn takes about a millisecond at most. Control thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "controlplane/cluster/route_links.h"
#include "controlplane/cluster/router_member.h"
#include "controlplane/config.h"
#include "gossip/claims/route_plane.h"
#include "gossip/membership/membership.h"

namespace posthaste::controlplane {

struct ClusterStart {
    gossip::claims::Generation generation{};
    std::uint16_t fabric_port = 0;    // UDP port of frames
    routing::IpAddress fabric{};      // where others send frames for our agents
    std::vector<std::string> keys{};  // raw; the primary first
    std::uint64_t random_seed = 0;
};

struct ClusterCounters {
    LinkCounters links;
    MemberRefusalCounts members_refused{};
    std::uint64_t datagrams_dropped = 0;  // more waited than there is room for
    std::uint64_t datagrams_refused = 0;  // by the kernel: no route, another family
    std::uint64_t streams_refused = 0;    // of membership
    std::uint64_t events_lost = 0;        // nobody took them
    std::uint64_t keyring_failures = 0;   // keys changed, and could not be kept
    std::uint64_t turns = 0;
    std::uint64_t turn_us_max = 0;
};

class Cluster {
  public:
    static constexpr std::size_t kEventsMax = 4'096;  // that wait to be taken

    // The sockets are bound; the error is one sentence. `now_ms` here and below is the box's.
    // A port of 0 is any that is free.
    [[nodiscard]] static tl::expected<std::unique_ptr<Cluster>, std::string> open(
        const ClusterConfig& config,
        const std::string& node,
        const ClusterStart& start,
        std::uint64_t now_ms);
    ~Cluster();
    Cluster(const Cluster&) = delete;
    Cluster& operator=(const Cluster&) = delete;

    // What a reload changed of it; keys that need a restart are as they were.
    void set_config(const ClusterConfig& config);

    // Readable when turn() has something to do at once.
    [[nodiscard]] int epoll_fd() const noexcept;
    // True: there is more to do. To be called every few milliseconds, readable or not.
    bool turn(std::uint64_t now_ms);

    // What turn() found, since the last call.
    [[nodiscard]] std::vector<gossip::membership::MemberEvent> take_member_events();
    [[nodiscard]] std::vector<gossip::claims::Event> take_route_events();
    // Routers that came, went, moved or were forgotten; the last state of each.
    [[nodiscard]] std::vector<RouterMember> take_router_changes();

    [[nodiscard]] gossip::membership::Membership& membership() noexcept;
    [[nodiscard]] gossip::claims::RoutePlane& routes() noexcept;
    [[nodiscard]] std::vector<RouterMember> routers() const;
    // Until the next turn(); null: there is none.
    [[nodiscard]] const RouterMember* router(gossip::claims::RouterId id) const;
    [[nodiscard]] gossip::claims::RouterId self() const noexcept;
    // The clock of claims: wall clock at start, steady from then on, of the instant `now_ms`. All
    // times that the route plane is given are of this clock.
    [[nodiscard]] std::uint64_t claims_ms(std::uint64_t now_ms) const noexcept;

    // Where membership and the route plane are reached.
    [[nodiscard]] SocketAddress address() const noexcept;
    [[nodiscard]] SocketAddress route_address() const noexcept;
    [[nodiscard]] ClusterCounters counters() const;

  private:
    class Transport;
    explicit Cluster(std::unique_ptr<Transport> transport);
    std::unique_ptr<Transport> transport_;
};

}  // namespace posthaste::controlplane
