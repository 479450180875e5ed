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

void NextHops::show_mask(std::uint16_t router) {
    mask_.set_out(router, routers_[router].withdrawn || routers_[router].out);
}

void NextHops::set_withdrawn(std::uint16_t router, bool withdrawn) {
    routers_[router].withdrawn = withdrawn;
    show_mask(router);
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
    for (const AgentId& id : file_routes_) {
        const routing::RouteRecord* const route = rib_.find_route(id);
        if (route != nullptr && route->origin == Origin::configured && !routes.contains(id)) {
            static_cast<void>(rib_.remove_route(id));
        }
    }
    file_routes_.assign(routes.begin(), routes.end());
    remove_vanished_routers(next, now_ms);
}

// Their routes go first, whoever set them: nothing may point at the slot afterwards. A member stays
// where the cluster says it is, which apply_routers() looks to.
void NextHops::remove_vanished_routers(const Config& next, std::uint64_t now_ms) {
    for (std::size_t i = 0; i < routers_.size(); ++i) {
        RouterSlot& slot = routers_[i];
        if (!slot.used || !slot.configured ||
            std::ranges::find(next.routers, slot.config.name, &RouterConfig::name) !=
                next.routers.end()) {
            continue;
        }
        slot.configured = false;
        if (!slot.member.has_value()) {
            const auto index = static_cast<std::uint16_t>(i);
            rib_.remove_routes_to(index, rib_.routes_to(index));
            free_slot(index, now_ms);
        }
    }
}

tl::expected<void, std::string> NextHops::apply_routers(const Config& next, std::uint64_t now_ms) {
    for (const RouterConfig& router : next.routers) {
        const std::string section = "[router " + router.name + "]: ";
        const auto hop = acquire(next, router, now_ms);
        if (!hop.has_value()) {
            return tl::unexpected(section + hop.error());
        }
        const auto index = slot_for(router.name);
        if (!index.has_value()) {
            neighbours_.release(hop->adjacency, now_ms);
            return tl::unexpected(section + index.error());
        }
        put(*index, router, *hop, now_ms);
        routers_[*index].configured = true;
    }
    // Members whose section has gone, and those that other ports lead to now.
    for (std::size_t i = 0; i < routers_.size(); ++i) {
        if (!routers_[i].member.has_value() || routers_[i].configured) {
            continue;
        }
        const RouterConfig member = *routers_[i].member;
        if (const auto hop = acquire(next, member, now_ms); hop.has_value()) {
            put(static_cast<std::uint16_t>(i), member, *hop, now_ms);
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
