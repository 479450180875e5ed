// SPDX-License-Identifier: BSD-3-Clause
// ClusterRoutes: the claims that hold as routes of the Rib.
//
// Of several claims that hold together (multi) the one here is shown, else the best of them: one
// route for an agent, as the Fib has it.
#include <algorithm>
#include <utility>

#include "controlplane/cluster/cluster_routes.h"
#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::CapabilitySets;
using claims::Winner;
using routing::AgentId;
using routing::ErrorCode;
using routing::Origin;

namespace {

constexpr std::size_t kOffersKept = 1'024;  // sets whose offers need not be read again
constexpr std::size_t kWaitingPerTurn = 64;
constexpr std::size_t kOffersPerTurn = 64;

}  // namespace

void ClusterRoutes::winner_changed(const AgentId& agent) {
    if (!pending_.push(agent)) {
        show(pending_.pop()->agent);
        pending_.push(agent);
    }
}

void ClusterRoutes::show_pending(std::size_t budget) {
    for (; !pending_.empty() && budget > 0; --budget) {
        show(pending_.pop()->agent);
    }
}

void ClusterRoutes::show(const AgentId& agent) {
    ++counts_.looked_at;
    const auto best = parts_.plane.store().best(agent);
    if (!best || holds_here(agent, *best)) {
        const routing::RouteRecord* const held = parts_.rib.find_route(agent);
        if (held != nullptr && (best || !stays_masked(*held))) {
            remove_claim(agent);
        }
        waiting_.take(agent);
        return;
    }
    const auto peer = peers_.find(claims::number(best->router));
    if (peer == peers_.end()) {
        ++counts_.unreachable;
        remove_claim(agent);
        return;  // its router is told of again when it has a slot
    }
    set_claim(agent, *best, peer->second.slot);
}

bool ClusterRoutes::holds_here(const AgentId& agent, const Winner& best) const {
    if (best.router == parts_.plane.store().self()) {
        return true;
    }
    if (!best.body.multi) {
        return false;
    }
    const auto own = parts_.plane.store().own(agent);
    return own && !own->gone && own->body.multi;
}

// The claim is still there, and nothing but its router is out: it is masked, and is back with it.
bool ClusterRoutes::stays_masked(const routing::RouteRecord& route) const {
    const auto router = router_at(route.router);
    if (!router || !parts_.next_hops.routers()[route.router].out) {
        return false;
    }
    const auto claim = parts_.plane.store().find(*router, route.agent);
    return claim && !claim->gone;
}

void ClusterRoutes::remove_claim(const AgentId& agent) {
    const routing::RouteRecord* const held = parts_.rib.find_route(agent);
    if (held != nullptr && held->origin == Origin::claimed) {
        ++counts_.routes_removed;
        static_cast<void>(parts_.rib.remove_route(agent));
    }
}

void ClusterRoutes::set_claim(const AgentId& agent, const Winner& best, std::uint16_t slot) {
    const routing::RouteRecord* const held = parts_.rib.find_route(agent);
    const std::uint16_t adjacency = parts_.next_hops.routers()[slot].adjacency;
    if (held != nullptr && best.set == CapabilitySets::kNone && held->offers.empty() &&
        held->origin == Origin::claimed && held->router == slot && held->adjacency == adjacency &&
        held->state == best.body.state) {
        return;
    }
    routing::RouteRecord route;
    route.agent = agent;
    route.router = slot;
    route.adjacency = adjacency;
    route.origin = Origin::claimed;
    route.state = best.body.state;
    const auto& offers = offers_of(best.set);
    auto set = parts_.rib.set_route(route, now_ms_, offers);
    if (!set && !offers.empty() && set.error().code != ErrorCode::unauthorised) {
        // The agent is reached, even if it is not found by what it offers.
        const bool full = set.error().code == ErrorCode::overloaded;
        set = parts_.rib.set_route(route, now_ms_, {});
        counts_.offers_left_out += set ? 1 : 0;
        more_without_offers_ =
            (set && full && !without_offers_.push(agent)) || more_without_offers_;
    }
    if (set) {
        ++counts_.routes_set;
        waiting_.take(agent);
        if (best.set != CapabilitySets::kNone) {
            load_is_due(agent);
        }
    } else if (set.error().code == ErrorCode::unauthorised) {
        ++counts_.outranked;
    } else {
        ++counts_.refused_full;
        wait_for_room(agent);
    }
}

const std::vector<routing::Offer>& ClusterRoutes::offers_of(std::uint32_t set) {
    static const std::vector<routing::Offer> kNothing;
    if (set == CapabilitySets::kNone) {
        return kNothing;
    }
    const CapabilitySets& sets = parts_.plane.store().sets();
    const auto known = offers_.find(sets.hash(set));
    if (known != offers_.end()) {
        return known->second;
    }
    if (offers_.size() >= kOffersKept) {
        offers_.clear();
    }
    return offers_.emplace(sets.hash(set), claims::offers_of(sets.text(set)).value_or(kNothing))
        .first->second;
}

void ClusterRoutes::wait_for_room(const AgentId& agent) {
    if (waiting_.empty() && !more_wait_) {
        log_warning("claims of other routers wait: the table of agents and routes is full");
    }
    more_wait_ = !waiting_.push(agent) || more_wait_;
}

// All claims of other routers are looked at once more, in slices.
void ClusterRoutes::walk() {
    ++counts_.walks;
    for (const auto& [router, peer] : peers_) {
        parts_.plane.tell_again(claims::RouterId{router});
    }
}

// In turn, so that one that never finds room is in nobody's way. Another walk only when half of
// them found some since the last one.
void ClusterRoutes::retry_offers() {
    if (!std::exchange(offers_go_on_, false)) {
        return;
    }
    for (std::size_t left = std::min(without_offers_.size(), kOffersPerTurn); left > 0; --left) {
        const AgentId agent = without_offers_.pop()->agent;
        const auto best = parts_.plane.store().best(agent);
        const bool shown = best && !holds_here(agent, *best);
        if (shown && !parts_.rib.has_room_for_claimed(offers_of(best->set))) {
            without_offers_.push(agent);
            continue;
        }
        offers_go_on_ = true;
        if (shown) {
            show(agent);
        }
    }
    if (more_without_offers_ && without_offers_.size() <= kWithoutOffersMax / 2) {
        more_without_offers_ = false;
        walk();
    }
}

// One that still finds no room waits on.
void ClusterRoutes::retry_waiting() {
    if (waiting_.empty()) {
        if (std::exchange(more_wait_, false)) {
            walk();
        }
        return;
    }
    for (std::size_t i = 0; i < kWaitingPerTurn && !waiting_.empty() && parts_.rib.has_room();
         ++i) {
        show(waiting_.pop()->agent);
    }
}

}  // namespace posthaste::controlplane
