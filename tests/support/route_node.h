// SPDX-License-Identifier: BSD-3-Clause
// One router's route plane behind real sockets on the loopback, without membership: a test says who
// the members are.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/cluster/route_links.h"
#include "tests/support/hash_key.h"

namespace posthaste::support {

inline std::uint64_t steady_ms() {
    const auto since = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

inline gossip::seal::Keyring keyring_of(const std::string& key) {
    gossip::seal::Keyring ring;
    if (!key.empty()) {
        EXPECT_TRUE(ring.install(key));
    }
    return ring;
}

struct RouteNodeOptions {
    std::string key{};  // raw; empty: no sealing
    std::string cluster = "posthaste";
    std::string spoken = "posthaste";  // the cluster its messages are of
    controlplane::LinkLimits limits{};
    gossip::claims::PlaneOptions plane{};
};

class RouteNode {
  public:
    RouteNode(const std::string& name, RouteNodeOptions options)
        : name_(name),
          options_(std::move(options)),
          keyring_(keyring_of(options_.key)),
          watch_(controlplane::Watch::open().value()),
          listener_(controlplane::open_listener(loopback(0)).value()),
          id_(controlplane::router_id_of(options_.cluster, name)),
          plane_(plane_options(), id_, {1, number(id_)}, number(id_), hash_key(1)),
          routers_(options_.cluster, id_, 16),
          links_(watch_,
                 plane_,
                 routers_,
                 keyring_,
                 options_.spoken,
                 controlplane::ip_of(loopback(0)),
                 options_.limits,
                 number(id_)) {
        EXPECT_TRUE(watch_.add(listener_, {controlplane::Watched::route_listener}, false));
    }

    [[nodiscard]] static controlplane::SocketAddress loopback(std::uint16_t port) {
        return controlplane::seed_address("127.0.0.1", port).value();
    }

    void turn() {
        const std::uint64_t now_ms = steady_ms();
        const controlplane::TurnBudget budget(std::chrono::milliseconds(1));
        std::array<controlplane::Readiness, 16> room;
        for (const auto& what : watch_.ready(room)) {
            if (what.kind == controlplane::Watched::route_listener) {
                links_.accept(listener_, now_ms);
            } else {
                links_.serve(what.number, budget, now_ms);
            }
        }
        plane_.on_timer(now_ms);
        links_.care(now_ms);
        links_.send(budget, now_ms);
        for (const auto& event : plane_.take_events()) {
            routers_.set_connected(event.router, plane_.session_of(event.router) != nullptr);
        }
    }

    // What membership would say of the other.
    void meet(const RouteNode& other,
              gossip::membership::MemberEventKind kind,
              gossip::membership::MemberStatus status) {
        const gossip::membership::MemberView view{
            .name = other.name_,
            .address = loopback(7946),
            .tags = controlplane::router_tags(other.id_, other.port(), loopback(4747)),
            .status = status};
        if (const auto router = routers_.take({.kind = kind, .member = view})) {
            plane_.set_member(router->id, router->membership);
            if (router->membership != gossip::claims::Membership::alive) {
                links_.hang_up(router->id, steady_ms());
            }
        }
    }

    void meet(const RouteNode& other) {
        meet(other,
             gossip::membership::MemberEventKind::joined,
             gossip::membership::MemberStatus::alive);
    }

    [[nodiscard]] bool linked_to(const RouteNode& other) const {
        return plane_.session_of(other.id_) != nullptr;
    }

    [[nodiscard]] std::uint16_t port() const { return controlplane::bound_port(listener_); }

    [[nodiscard]] gossip::claims::RouterId id() const { return id_; }

    [[nodiscard]] gossip::claims::RoutePlane& plane() { return plane_; }

    [[nodiscard]] const controlplane::RouteLinks& links() const { return links_; }

    [[nodiscard]] const controlplane::Routers& routers() const { return routers_; }

    [[nodiscard]] gossip::seal::Keyring& keyring() { return keyring_; }

    [[nodiscard]] std::uint64_t refused(controlplane::LinkRefusal why) const {
        return links_.counters().refused[static_cast<std::size_t>(why)];
    }

    [[nodiscard]] std::uint64_t refused(gossip::seal::StreamRefusal why) const {
        return links_.counters().seal_refused[static_cast<std::size_t>(why)];
    }

    [[nodiscard]] std::uint64_t refused(gossip::claims::Refusal why) const {
        return plane_.counters().refused[static_cast<std::size_t>(why)];
    }

  private:
    [[nodiscard]] gossip::claims::PlaneOptions plane_options() const {
        gossip::claims::PlaneOptions plane = options_.plane;
        plane.cluster = options_.spoken;
        plane.store.eligible_at_first = false;
        return plane;
    }

    std::string name_;
    RouteNodeOptions options_;
    gossip::seal::Keyring keyring_;
    controlplane::Watch watch_;
    controlplane::Descriptor listener_;
    gossip::claims::RouterId id_;
    gossip::claims::RoutePlane plane_;
    controlplane::Routers routers_;
    controlplane::RouteLinks links_;
};

}  // namespace posthaste::support
