// SPDX-License-Identifier: BSD-3-Clause
// Routers of one cluster without sockets: route planes joined by hand, each with a Rib, next hops
// and what stands between them.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/cluster/cluster_routes.h"
#include "routing/capability_name.h"
#include "tests/support/plane_pair.h"

namespace posthaste::support {

namespace claims = gossip::claims;

inline constexpr std::uint32_t kAgent = 7;        // the one a test is about
inline constexpr std::uint64_t kGraceMs = 2'000;  // until a session that is outranked ends

class FakeLoads final : public controlplane::AgentLoads {
  public:
    std::map<routing::AgentId, routing::Load> here;
    std::map<routing::AgentId, routing::Load> elsewhere;
    std::vector<Moved> moved;

    [[nodiscard]] std::optional<routing::Load> local(const routing::AgentId& agent) const override {
        const auto found = here.find(agent);
        return found == here.end() ? std::nullopt : std::optional(found->second);
    }

    bool set_remote(const routing::AgentId& agent, routing::Load load) override {
        elsewhere[agent] = load;
        return true;
    }

    [[nodiscard]] bool take_moved(std::size_t /*cells*/, std::vector<Moved>& out) override {
        out = std::exchange(moved, {});
        return true;
    }
};

inline routing::IpAddress address(const std::string& text) {
    return *routing::IpAddress::from_text(text);
}

// Two ports: 0 for agents, 1 to the routers.
inline controlplane::Config route_box_config() {
    controlplane::Config config;
    config.ports.resize(2);
    config.ports[0].name = "edge";
    config.ports[0].addresses = {*routing::Prefix::from_text("10.0.0.254/24")};
    config.ports[1].name = "fabric";
    config.ports[1].role = dataplane::Role::fabric;
    config.ports[1].addresses = {*routing::Prefix::from_text("10.2.0.254/24")};
    return config;
}

inline std::vector<controlplane::NeighbourPort> links_of(const controlplane::Config& config) {
    std::vector<controlplane::NeighbourPort> links;
    for (const controlplane::PortConfig& port : config.ports) {
        controlplane::NeighbourPort link;
        link.mac = {{2, 0, 0, 0, 1, static_cast<std::uint8_t>(links.size())}};
        link.addresses = port.addresses;
        links.push_back(std::move(link));
    }
    return links;
}

// Router n of the cluster, at 10.2.0.n.
inline controlplane::RouterMember member(
    std::size_t n, claims::Membership membership = claims::Membership::alive) {
    controlplane::RouterMember router;
    router.name = "r" + std::to_string(n);
    router.id = PlaneGroup::id(n);
    router.fabric = address("10.2.0." + std::to_string(n));
    router.fabric_port = 4747;
    router.membership = membership;
    return router;
}

inline routing::Registration local_agent(std::uint32_t number, std::uint8_t host = 1) {
    routing::Registration registration;
    registration.agent = numbered_id(number);
    registration.endpoint.ip = address("10.0.0." + std::to_string(host));
    registration.endpoint.udp_port = 5000;
    registration.endpoint.mac = {{2, 0, 0, 0, 0, host}};
    return registration;
}

// Who has a capability, as the Rib of a box says.
class RibProviders final : public controlplane::ProvidersHere {
  public:
    explicit RibProviders(const routing::Rib& rib) : rib_(rib) {}

    [[nodiscard]] std::vector<routing::AgentId> providers_here(const routing::AgentId& key,
                                                               std::size_t count) const override {
        std::vector<routing::AgentId> agents;
        for (const auto& [agent, record] : rib_.agents()) {
            for (const routing::Offer& offer : rib_.offers_of(record.offers)) {
                if (offer.kind == routing::OfferKind::name && agents.size() < count &&
                    routing::capability_key(routing::capability_id(offer.text)) == key) {
                    agents.push_back(agent);
                }
            }
        }
        return agents;
    }

  private:
    const routing::Rib& rib_;
};

struct RouteBox {
    RouteBox(claims::RoutePlane& plane,
             std::uint32_t routes_max,
             const controlplane::ClusterRoutes::Options& options = {})
        : rib({.routes_max = routes_max}, hash_key(1)),
          routes({plane, rib, next_hops, loads, discovery, providers, config}, options) {
        static_cast<void>(next_hops.apply(config, 0));
    }

    // What the lcores would see.
    void publish() {
        for (const routing::FibChange& change : rib.take_changes()) {
            if (change.remove) {
                fib.erase(change.entry.agent);
            } else {
                fib[change.entry.agent] = change.entry;
            }
        }
        for (const routing::OfferChange& change : rib.take_offer_changes()) {
            offers.push_back(change);
        }
    }

    // "local", "r2", "out" (a route that counts for nothing) or "nothing".
    [[nodiscard]] std::string way_to(std::uint32_t agent) const {
        const auto found = fib.find(numbered_id(agent));
        if (found == fib.end()) {
            return "nothing";
        }
        if (found->second.kind == routing::RouteKind::local) {
            return "local";
        }
        return mask.out(found->second.router)
                   ? "out"
                   : next_hops.routers()[found->second.router].config.name;
    }

    controlplane::Config config = route_box_config();
    routing::Rib rib;
    controlplane::Neighbours neighbours{{}, links_of(config)};
    routing::RouterMask mask;
    controlplane::NextHops next_hops{rib, neighbours, mask};
    FakeLoads loads;
    routing::Discovery discovery{{}, hash_key(2)};
    RibProviders providers{rib};
    controlplane::ClusterRoutes routes;
    std::map<routing::AgentId, routing::FibEntry> fib;
    std::vector<routing::OfferChange> offers;
    std::vector<claims::Event> events;  // all there were
};

class RouteCluster {
  public:
    explicit RouteCluster(std::size_t count,
                          std::uint32_t routes_max = 1'000,
                          const claims::PlaneOptions& options = PlaneGroup::small_options())
        : planes(count, options) {
        for (std::size_t n = 1; n <= count; ++n) {
            boxes_.push_back(std::make_unique<RouteBox>(planes[n], routes_max));
        }
    }

    // All connected and all members.
    void join_all() {
        planes.connect_all();
        for (std::size_t box = 1; box <= boxes_.size(); ++box) {
            for (std::size_t n = 1; n <= boxes_.size(); ++n) {
                tell(box, member(n));
            }
        }
        pass(200);
    }

    // The same, but the first box is the test's own.
    void join_others() {
        planes.connect_all();
        for (std::size_t box = 2; box <= boxes_.size(); ++box) {
            for (std::size_t n = 1; n <= boxes_.size(); ++n) {
                tell(box, member(n));
            }
        }
    }

    RouteBox& operator[](std::size_t number) { return *boxes_[number - 1]; }

    // What membership says to a box, as the cluster would pass it on.
    void tell(std::size_t box, const controlplane::RouterMember& router) {
        planes[box].set_member(router.id, router.membership);
        turn(box, {router});
    }

    controlplane::ClusterRoutes::Done turn(
        std::size_t box,
        const std::vector<controlplane::RouterMember>& routers = {},
        std::size_t budget = 10'000,
        const std::vector<dataplane::Misrouted>& misrouted = {}) {
        const auto events = planes[box].take_events();
        (*this)[box].events.insert((*this)[box].events.end(), events.begin(), events.end());
        const auto done = (*this)[box].routes.turn({.routers = routers,
                                                    .events = events,
                                                    .misrouted = misrouted,
                                                    .now_ms = planes.now_ms,
                                                    .claims_ms = planes.now_ms,
                                                    .budget = budget});
        (*this)[box].publish();
        return done;
    }

    void pass(std::uint64_t ms) { pass_from(1, ms); }

    // All boxes but the first; its plane's time passes, too.
    void pass_others(std::uint64_t ms) { pass_from(2, ms); }

    // As a registration in band is served.
    tl::expected<routing::RegisterOutcome, routing::RibError> enrol(
        std::size_t box, const routing::Registration& registration) {
        RouteBox& at = (*this)[box];
        if (auto allowed = at.routes.may_attach(registration, planes.now_ms); !allowed) {
            return tl::unexpected(allowed.error());
        }
        auto outcome = at.rib.register_agent(registration, planes.now_ms);
        at.routes.settle_agent(registration.agent);
        at.publish();
        return outcome;
    }

    [[nodiscard]] std::size_t events(std::size_t box, claims::EventKind kind) {
        const auto& all = (*this)[box].events;
        return static_cast<std::size_t>(std::count_if(
            all.begin(), all.end(), [kind](const auto& event) { return event.kind == kind; }));
    }

    PlaneGroup planes;

  private:
    void pass_from(std::size_t first, std::uint64_t ms) {
        for (const std::uint64_t until = planes.now_ms + ms; planes.now_ms < until;) {
            planes.pass(10);
            for (std::size_t box = first; box <= boxes_.size(); ++box) {
                turn(box);
            }
        }
    }

    std::vector<std::unique_ptr<RouteBox>> boxes_;
};

}  // namespace posthaste::support
