// SPDX-License-Identifier: BSD-3-Clause
// LiveCluster: the ClusterSource of the running Box, and the commands over it. Control thread only.
#pragma once

#include <span>

#include "controlplane/box.h"
#include "controlplane/cluster/cluster_commands.h"

namespace posthaste::controlplane {

class LiveCluster final : public ClusterSource {
  public:
    // The box has a cluster, and outlives this.
    explicit LiveCluster(Box& box) : box_(box), commands_(*this, box.events) {}

    [[nodiscard]] ClusterCommands& commands() noexcept { return commands_; }

    // What happened since the last call goes into the log of events; to routes: `events`.
    void follow(std::span<const gossip::claims::Event> events);

    [[nodiscard]] std::string node() const override { return cluster_node(box_.config); }

    [[nodiscard]] std::string name() const override { return box_.config.cluster.name; }

    [[nodiscard]] std::uint16_t port() const override { return box_.config.cluster.port; }

    [[nodiscard]] std::vector<gossip::membership::MemberView> members() const override {
        return box_.cluster->membership().members();
    }

    [[nodiscard]] std::vector<RouterMember> routers() const override {
        return box_.cluster->routers();
    }

    [[nodiscard]] const RouterMember* router(gossip::claims::RouterId id) const override {
        return box_.cluster->router(id);
    }

    [[nodiscard]] const gossip::membership::MembershipCounters& counters() const override {
        return box_.cluster->membership().counters();
    }

    [[nodiscard]] ClusterCounters sockets() const override { return box_.cluster->counters(); }

    [[nodiscard]] ClusterRoutesCounts feed() const override {
        return box_.cluster_routes->counts();
    }

    [[nodiscard]] unsigned health_score() const override {
        return box_.cluster->membership().health_score();
    }

    [[nodiscard]] std::size_t keys() const override {
        return box_.cluster->membership().keyring().keys().size();
    }

    [[nodiscard]] gossip::claims::RoutePlane& routes() override { return box_.cluster->routes(); }

    [[nodiscard]] std::uint64_t now_ms() const override { return box_.now_ms(); }

    [[nodiscard]] std::uint64_t claims_ms() const override {
        return box_.cluster->claims_ms(box_.now_ms());
    }

    void join(const std::vector<gossip::membership::SocketAddress>& seeds) override {
        box_.cluster->membership().join(seeds, box_.now_ms());
    }

    void leave() override { box_.cluster->membership().leave(box_.now_ms()); }

    [[nodiscard]] bool leaving() const override {
        return box_.cluster->membership().leaving() || box_.cluster->membership().left();
    }

    [[nodiscard]] tl::expected<void, std::string> force_leave(std::string_view member,
                                                              bool prune) override {
        return box_.cluster->membership().force_leave(member, prune, box_.now_ms());
    }

    [[nodiscard]] tl::expected<std::uint32_t, std::string> ask_keys(
        gossip::membership::KeyAction action, std::string_view key) override {
        return box_.cluster->membership().ask_keys(action, key, box_.now_ms());
    }

  private:
    Box& box_;
    ClusterCommands commands_;
};

}  // namespace posthaste::controlplane
