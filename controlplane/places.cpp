// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/places.h"

#include <unordered_set>

namespace posthaste::controlplane {

namespace {

using routing::AgentId;
using routing::Origin;

using AgentSet = std::unordered_set<AgentId, routing::AgentIdHash>;

AgentSet named_in(const Config& config) {
    AgentSet named;
    named.reserve(config.static_agents.size() + config.routes.size());
    for (const AgentConfig& agent : config.static_agents) {
        named.insert(agent.agent);
    }
    for (const RouteConfig& route : config.routes) {
        named.insert(route.agent);
    }
    return named;
}

}  // namespace

std::size_t places_after(const routing::Rib& rib, const Config& next) {
    const AgentSet named = named_in(next);
    // Those the next file does not name stay if this one did not either.
    const auto stays = [&named](const routing::AgentRecord& agent) {
        return agent.registration.origin != Origin::configured &&
               !named.contains(agent.registration.agent);
    };
    std::size_t count = named.size();
    for (const auto& [id, agent] : rib.agents()) {
        count += stays(agent) ? 1 : 0;
    }
    for (const auto& [id, route] : rib.routes()) {
        if (route.origin != Origin::operator_set || named.contains(id)) {
            continue;
        }
        const routing::AgentRecord* const agent = rib.find_agent(id);
        count += agent == nullptr || !stays(*agent) ? 1 : 0;
    }
    return count;
}

}  // namespace posthaste::controlplane
