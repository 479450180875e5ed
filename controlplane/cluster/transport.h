// SPDX-License-Identifier: BSD-3-Clause
// Cluster::Transport: what a Cluster is made of, and its turn. For cluster.cpp and transport.cpp
// alone.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlplane/cluster/cluster.h"
#include "controlplane/cluster/datagrams.h"
#include "controlplane/cluster/keyring_writer.h"
#include "controlplane/cluster/member_streams.h"

namespace posthaste::controlplane {

class Cluster::Transport {
  public:
    struct Parts {
        const ClusterConfig& config;
        gossip::claims::RouterId self;
        const ClusterStart& start;
        gossip::membership::MembershipOptions membership;
        gossip::seal::Keyring keyring;
        Watch watch;
        Descriptor datagrams;
        Descriptor member_listener;
        Descriptor route_listener;
        std::uint64_t now_ms;
    };

    explicit Transport(Parts parts);

    [[nodiscard]] bool watch_all();
    bool turn(std::uint64_t now_ms);
    [[nodiscard]] ClusterCounters counters() const;

    [[nodiscard]] std::uint64_t claims_ms(std::uint64_t now_ms) const noexcept {
        return now_ms + claims_ahead_ms;
    }

    // Before what uses them.
    gossip::claims::RouterId self;
    std::uint64_t claims_ahead_ms;  // of the box's clock
    SocketAddress address;
    SocketAddress route_address;
    Watch watch;
    Descriptor member_listener;
    Descriptor route_listener;
    gossip::membership::Membership membership;
    gossip::claims::RoutePlane plane;
    Routers routers;
    Datagrams datagrams;
    MemberStreams streams;
    RouteLinks links;
    std::vector<gossip::membership::MemberEvent> member_events;
    std::vector<gossip::claims::Event> route_events;

  private:
    // True: there is more to do.
    [[nodiscard]] bool serve(const TurnBudget& budget, std::uint64_t now_ms);
    [[nodiscard]] bool serve_one(Readiness what, const TurnBudget& budget, std::uint64_t now_ms);
    void send_of_members(std::uint64_t now_ms);
    void note_members(std::uint64_t now_ms);
    void note_routes();
    void note_keyring(std::uint64_t now_ms);

    ReadySockets ready_;
    const std::string keyring_path_;
    KeyringWriter keyring_writer_;
    std::uint64_t events_lost_ = 0;
    std::uint64_t keyring_failures_ = 0;
    std::uint64_t keyring_again_ms_ = 0;  // 0: they are on the disk, or on their way
    std::uint64_t turns_ = 0;
    std::uint64_t turn_us_max_ = 0;
};

}  // namespace posthaste::controlplane
