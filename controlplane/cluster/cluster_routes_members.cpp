// SPDX-License-Identifier: BSD-3-Clause
// ClusterRoutes: routers of the cluster as next hops.
#include "controlplane/cluster/cluster_routes.h"
#include "controlplane/log.h"

namespace posthaste::controlplane {

namespace claims = gossip::claims;

using claims::Membership;
using claims::RouterId;

RouterConfig ClusterRoutes::next_hop_of(const RouterMember& member) const {
    RouterConfig router;
    router.name = member.name;
    router.address = member.fabric;
    router.udp_port = member.fabric_port;
    return router;
}

tl::expected<std::uint16_t, std::string> ClusterRoutes::place(const RouterMember& member) {
    const auto named = parts_.next_hops.find_router(member.name);
    if (named && router_at(*named).value_or(member.id) != member.id) {
        return tl::unexpected(std::string("another router has that name"));
    }
    const bool has_section = named && parts_.next_hops.routers()[*named].configured;
    if (!has_section && (!member.fabric.is_unicast_host() || member.fabric_port == 0)) {
        return tl::unexpected(std::string("it does not say where its frames go"));
    }
    return parts_.next_hops.join(next_hop_of(member), parts_.config, now_ms_);
}

void ClusterRoutes::serve_router(const RouterMember& member) {
    const std::uint64_t id = claims::number(member.id);
    if (member.id == parts_.plane.store().self()) {
        return;
    }
    const auto known = peers_.find(id);
    const bool waits = refused_routers_.erase(id) > 0;
    if (member.membership == Membership::forgotten) {
        if (known != peers_.end()) {
            known->second.leaving = true;
            parts_.next_hops.set_out(known->second.slot, true);
        }
        return;
    }
    const bool out = member.membership == Membership::out;
    const auto slot = place(member);
    if (known != peers_.end()) {
        // At once, and also while it cannot be reached where it is now: it is no more where it was.
        parts_.next_hops.set_out(known->second.slot, out || !slot);
        known->second.leaving = false;
    }
    if (!slot) {
        if (!waits) {
            log_warning("router " + member.name + " of the cluster: " + slot.error());
        }
        refused_routers_.emplace(id, member);
        return;
    }
    routers_changed_ = true;
    if (known != peers_.end()) {
        return;
    }
    if (*slot >= routers_at_.size()) {
        routers_at_.resize(*slot + 1U);
    }
    routers_at_[*slot] = member.id;
    peers_.emplace(id, Peer{.slot = *slot});
    parts_.next_hops.set_out(*slot, out);
    parts_.plane.tell_again(member.id);  // what it claims may be known already
}

// The claims of a router that is forgotten go with the winners that change; then it goes.
void ClusterRoutes::drop_leaving(std::size_t budget) {
    for (auto at = peers_.begin(); at != peers_.end();) {
        const Peer peer = at->second;
        if (peer.leaving && parts_.next_hops.leave(peer.slot, budget, now_ms_)) {
            routers_at_[peer.slot].reset();
            routers_changed_ = true;
            at = peers_.erase(at);
        } else {
            ++at;
        }
    }
}

void ClusterRoutes::retry_routers() {
    const auto refused = refused_routers_;
    for (const auto& [id, member] : refused) {
        serve_router(member);
    }
}

std::optional<RouterId> ClusterRoutes::router_at(std::uint16_t slot) const {
    return slot < routers_at_.size() ? routers_at_[slot] : std::nullopt;
}

}  // namespace posthaste::controlplane
