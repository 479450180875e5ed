// SPDX-License-Identifier: BSD-3-Clause
// ClusterRoutes: what routers ask each other, and what they tell whose view is out of date.
#include "controlplane/cluster/cluster_routes.h"
#include "routing/capability_name.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::RouterId;
using routing::AgentId;

namespace {

constexpr std::size_t kQuestionsPerTurn = 16;

}  // namespace

void ClusterRoutes::take_answer(const claims::Event& event) {
    if (event.number != 0) {
        ++counts_.discoveries_found;
        parts_.discovery.answered(event.agent);
    } else if (parts_.discovery.denied(event.agent)) {
        ++counts_.discoveries_unknown;
    }
}

void ClusterRoutes::discover() {
    for (const AgentId& wanted : parts_.discovery.take_requests()) {
        const std::size_t routers = parts_.plane.peer_count();
        if (routers == 0) {
            ++counts_.not_discovered;
            continue;
        }
        ++counts_.discoveries;
        parts_.discovery.asked(wanted, routers);
        parts_.plane.discover(wanted);
    }
}

// Those beyond wait in the plane, as many as it has room for.
void ClusterRoutes::answer_questions() {
    for (const claims::ProviderQuestion& question :
         parts_.plane.take_questions(kQuestionsPerTurn)) {
        ++counts_.questions_answered;
        parts_.plane.answer(question,
                            parts_.providers.providers_here(question.key, claims::kProvidersMax));
    }
}

void ClusterRoutes::tell_misrouted(std::span<const dataplane::Misrouted> frames) {
    for (const dataplane::Misrouted& frame : frames) {
        const AgentId& agent = frame.destination;
        const auto router = router_from(frame.from);
        if (parts_.rib.find_agent(agent) != nullptr && !parts_.rib.is_claimed_away(agent)) {
            ++counts_.hints_void;
        } else if (!router) {
            ++counts_.hints_strangers;
        } else if (parts_.plane.tell_not_here(*router, agent)) {
            ++counts_.hints_told;
        } else {
            ++counts_.hints_unsent;
        }
    }
}

// By the address its frames have: that of the fabric port they leave by, which is the one it says
// unless it has several. A reload may give it another, so none is remembered.
std::optional<RouterId> ClusterRoutes::router_from(const routing::IpAddress& fabric) const {
    const std::vector<RouterSlot>& slots = parts_.next_hops.routers();
    for (std::size_t slot = 0; slot < slots.size(); ++slot) {
        if (slots[slot].used && slots[slot].config.address == fabric) {
            return router_at(static_cast<std::uint16_t>(slot));
        }
    }
    return std::nullopt;
}

}  // namespace posthaste::controlplane
