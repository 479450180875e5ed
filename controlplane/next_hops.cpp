// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/next_hops.h"

#include <algorithm>
#include <unordered_set>

namespace posthaste::controlplane {

namespace {

using routing::AgentId;
using routing::Origin;

using AgentSet = std::unordered_set<AgentId, routing::AgentIdHash>;

std::uint16_t index_of_port(const Config& config, const std::string& name) {
    const auto at = std::ranges::find(config.ports, name, &PortConfig::name);
    return static_cast<std::uint16_t>(at - config.ports.begin());
}

routing::Registration registration_of(const Config& config, const AgentConfig& agent) {
    routing::Registration registration;
    registration.agent = agent.agent;
    registration.origin = Origin::configured;
    registration.endpoint.ip = agent.address;
    registration.endpoint.udp_port = agent.udp_port;
    registration.endpoint.port = index_of_port(config, agent.port);
    if (agent.mac.has_value()) {
        registration.endpoint.mac = *agent.mac;
    }
    registration.name = agent.name;
    registration.offers = routing::offers_from_texts(agent.capabilities);
    return registration;
}

}  // namespace

std::optional<std::uint16_t> NextHops::find_router(const std::string& name) const {
    for (std::size_t i = 0; i < routers_.size(); ++i) {
        if (routers_[i].used && routers_[i].config.name == name) {
            return static_cast<std::uint16_t>(i);
        }
    }
    return std::nullopt;
}

tl::expected<routing::RegisterOutcome, routing::RibError> NextHops::add_agent(
    routing::Registration registration, std::uint64_t now_ms) {
    const AgentId agent = registration.agent;
    routing::Endpoint& endpoint = registration.endpoint;
    std::optional<std::uint16_t> acquired;
    if (endpoint.mac.is_zero()) {
        const auto slot = neighbours_.acquire(endpoint.port, endpoint.ip, 0, now_ms);
        if (!slot.has_value()) {
            return tl::unexpected(routing::RibError{routing::ErrorCode::overloaded, slot.error()});
        }
        acquired = *slot;
        endpoint.adjacency = *slot;
    }
    auto outcome = rib_.register_agent(std::move(registration), now_ms);
    if (!outcome.has_value()) {
        if (acquired.has_value()) {
            neighbours_.release(*acquired, now_ms);
        }
        return outcome;
    }
    if (const auto old = agent_adjacency_.find(agent); old != agent_adjacency_.end()) {
        neighbours_.release(old->second, now_ms);
        agent_adjacency_.erase(old);
    }
    if (acquired.has_value()) {
        agent_adjacency_.emplace(agent, *acquired);
    }
    return outcome;
}

tl::expected<void, routing::RibError> NextHops::remove_agent(const AgentId& agent,
                                                             std::uint64_t now_ms) {
    auto removed = rib_.deregister_agent(agent, nullptr);
    if (removed.has_value()) {
        if (const auto old = agent_adjacency_.find(agent); old != agent_adjacency_.end()) {
            neighbours_.release(old->second, now_ms);
            agent_adjacency_.erase(old);
        }
    }
    return removed;
}

tl::expected<void, routing::RibError> NextHops::add_route(const AgentId& agent,
                                                          std::uint16_t router,
                                                          Origin origin,
                                                          std::uint64_t expires_at_ms,
                                                          std::uint64_t now_ms,
                                                          std::span<const routing::Offer> offers) {
    routing::RouteRecord route;
    route.agent = agent;
    route.router = router;
    route.adjacency = routers_[router].adjacency;
    route.origin = origin;
    route.expires_at_ms = expires_at_ms;
    return rib_.set_route(route, now_ms, offers);
}

void NextHops::set_withdrawn(std::uint16_t router, bool withdrawn) {
    routers_[router].withdrawn = withdrawn;
    mask_.set_out(router, withdrawn);
}

tl::expected<void, std::string> NextHops::apply(const Config& next, std::uint64_t now_ms) {
    remove_vanished(next, now_ms);
    if (auto done = apply_routers(next, now_ms); !done.has_value()) {
        return done;
    }
    if (auto done = apply_agents(next, now_ms); !done.has_value()) {
        return done;
    }
    return apply_routes(next, now_ms);
}

void NextHops::remove_vanished(const Config& next, std::uint64_t now_ms) {
    AgentSet agents;
    for (const AgentConfig& agent : next.static_agents) {
        agents.insert(agent.agent);
    }
    AgentSet routes;
    for (const RouteConfig& route : next.routes) {
        routes.insert(route.agent);
    }
    std::vector<AgentId> gone;
    for (const auto& [id, record] : rib_.agents()) {
        if (record.registration.origin == Origin::configured && !agents.contains(id)) {
            gone.push_back(id);
        }
    }
    for (const AgentId& id : gone) {
        static_cast<void>(remove_agent(id, now_ms));
    }
    // Routes go, too, if their router does: nothing may point at its slot afterwards.
    gone.clear();
    for (const auto& [id, route] : rib_.routes()) {
        const RouterConfig& router = routers_[route.router].config;
        const bool router_stays =
            std::ranges::find(next.routers, router.name, &RouterConfig::name) != next.routers.end();
        if (!router_stays || (route.origin == Origin::configured && !routes.contains(id))) {
            gone.push_back(id);
        }
    }
    for (const AgentId& id : gone) {
        static_cast<void>(rib_.remove_route(id));
    }
    for (RouterSlot& slot : routers_) {
        if (slot.used && std::ranges::find(next.routers, slot.config.name, &RouterConfig::name) ==
                             next.routers.end()) {
            neighbours_.release(slot.adjacency, now_ms);
            set_withdrawn(static_cast<std::uint16_t>(&slot - routers_.data()), false);
            slot = RouterSlot{};
        }
    }
}

tl::expected<void, std::string> NextHops::apply_routers(const Config& next, std::uint64_t now_ms) {
    for (const RouterConfig& router : next.routers) {
        const auto port = fabric_port_of(next, router);
        if (!port.has_value()) {
            return tl::unexpected("[router " + router.name + "]: no fabric port reaches " +
                                  router.address.to_text());
        }
        const auto egress = static_cast<std::uint16_t>(*port);
        const std::uint16_t udp_port =
            router.udp_port != 0 ? router.udp_port : next.dataplane.udp_port;
        const auto adjacency = neighbours_.acquire(egress, router.address, udp_port, now_ms);
        if (!adjacency.has_value()) {
            return tl::unexpected("[router " + router.name + "]: " + adjacency.error());
        }
        const auto known = find_router(router.name);
        std::size_t index = known.value_or(0);
        if (known.has_value()) {
            // The same next hop gives the same slot, counted once more: give the old count back.
            neighbours_.release(routers_[index].adjacency, now_ms);
        } else {
            index = static_cast<std::size_t>(std::ranges::find(routers_, false, &RouterSlot::used) -
                                             routers_.begin());
            if (index == routers_.size()) {
                routers_.emplace_back();
            }
        }
        const bool moved = known.has_value() && routers_[index].adjacency != *adjacency;
        const bool withdrawn = routers_[index].withdrawn;
        routers_[index] = RouterSlot{router, egress, *adjacency, true, withdrawn};
        if (moved) {
            for (const AgentId& agent : rib_.agents_behind(static_cast<std::uint16_t>(index))) {
                routing::RouteRecord route = *rib_.find_route(agent);
                route.adjacency = *adjacency;
                static_cast<void>(rib_.set_route(route, now_ms, rib_.offers_of(route.offers)));
            }
        }
    }
    return {};
}

tl::expected<void, std::string> NextHops::apply_agents(const Config& next, std::uint64_t now_ms) {
    for (const AgentConfig& agent : next.static_agents) {
        const auto added = add_agent(registration_of(next, agent), now_ms);
        if (!added.has_value()) {
            return tl::unexpected("[agent " + agent.agent.to_text() + "]: " + added.error().detail);
        }
    }
    return {};
}

tl::expected<void, std::string> NextHops::apply_routes(const Config& next, std::uint64_t now_ms) {
    for (const RouteConfig& route : next.routes) {
        const auto router = find_router(route.router);
        if (!router.has_value()) {
            return tl::unexpected("[route " + route.agent.to_text() + "]: no router " +
                                  route.router);
        }
        const auto set = add_route(route.agent,
                                   *router,
                                   Origin::configured,
                                   0,
                                   now_ms,
                                   routing::offers_from_texts(route.capabilities));
        if (!set.has_value()) {
            return tl::unexpected("[route " + route.agent.to_text() + "]: " + set.error().detail);
        }
    }
    return {};
}

}  // namespace posthaste::controlplane
