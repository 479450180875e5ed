// SPDX-License-Identifier: BSD-3-Clause
// NextHops: the slots of routers, and the routers of the cluster among them.
#include <algorithm>
#include <limits>

#include "controlplane/next_hops.h"

namespace posthaste::controlplane {

tl::expected<NextHops::Hop, std::string> NextHops::acquire(const Config& config,
                                                           const RouterConfig& router,
                                                           std::uint64_t now_ms) {
    const auto port = fabric_port_of(config, router);
    if (!port.has_value()) {
        return tl::unexpected("no fabric port reaches " + router.address.to_text());
    }
    const auto egress = static_cast<std::uint16_t>(*port);
    const std::uint16_t udp_port =
        router.udp_port != 0 ? router.udp_port : config.dataplane.udp_port;
    const auto adjacency = neighbours_.acquire(egress, router.address, udp_port, now_ms);
    if (!adjacency.has_value()) {
        return tl::unexpected(adjacency.error());
    }
    return Hop{egress, *adjacency};
}

// The one it has, or a free one.
tl::expected<std::uint16_t, std::string> NextHops::slot_for(const std::string& name) {
    if (const auto known = find_router(name)) {
        return *known;
    }
    const auto free = std::ranges::find(routers_, false, &RouterSlot::used);
    if (free != routers_.end()) {
        return static_cast<std::uint16_t>(free - routers_.begin());
    }
    if (routers_.size() >= routing::RouterMask::kRoutersMax) {
        return tl::unexpected("there are " + std::to_string(routers_.size()) +
                              " routers, and no more can be");
    }
    routers_.emplace_back();
    return static_cast<std::uint16_t>(routers_.size() - 1);
}

// The same next hop gives the same adjacency, counted once more: the old count is given back. An
// old adjacency is given back when no route has it: at once, but for members with their many
// routes.
void NextHops::put(std::uint16_t router,
                   const RouterConfig& config,
                   const Hop& hop,
                   std::uint64_t now_ms) {
    RouterSlot& slot = routers_[router];
    const bool moved = slot.used && slot.adjacency != hop.adjacency;
    if (moved && slot.member.has_value()) {
        moves_.push_back({router, slot.adjacency, rib_.routes_to(router)});
    } else if (slot.used) {
        neighbours_.release(slot.adjacency, now_ms);
    }
    slot.config = config;
    slot.port = hop.port;
    slot.adjacency = hop.adjacency;
    slot.used = true;
    if (moved && !slot.member.has_value()) {
        rib_.readdress_routes_to(router, hop.adjacency, std::numeric_limits<std::size_t>::max());
    }
}

void NextHops::free_slot(std::uint16_t router, std::uint64_t now_ms) {
    std::erase_if(moves_, [&](const Move& move) {
        if (move.router == router) {
            neighbours_.release(move.left, now_ms);
        }
        return move.router == router;
    });
    neighbours_.release(routers_[router].adjacency, now_ms);
    routers_[router] = RouterSlot{};
    show_mask(router);
}

tl::expected<std::uint16_t, std::string> NextHops::join(const RouterConfig& member,
                                                        const Config& config,
                                                        std::uint64_t now_ms) {
    const auto known = find_router(member.name);
    if (known.has_value() && routers_[*known].configured) {
        routers_[*known].member = member;
        return *known;
    }
    const auto hop = acquire(config, member, now_ms);
    if (!hop.has_value()) {
        return tl::unexpected(hop.error());
    }
    const auto index = slot_for(member.name);
    if (!index.has_value()) {
        neighbours_.release(hop->adjacency, now_ms);
        return index;
    }
    put(*index, member, *hop, now_ms);
    routers_[*index].member = member;
    return *index;
}

void NextHops::set_out(std::uint16_t router, bool out) {
    routers_[router].out = out;
    show_mask(router);
}

bool NextHops::leave(std::uint16_t router, std::size_t budget, std::uint64_t now_ms) {
    if (rib_.claims_to(router) > 0) {
        return false;
    }
    RouterSlot& slot = routers_[router];
    if (slot.configured) {
        slot.member.reset();
        set_out(router, false);
        return true;
    }
    rib_.remove_routes_to(router, budget);
    if (rib_.routes_to(router) > 0) {
        return false;
    }
    free_slot(router, now_ms);
    return true;
}

// A router may move again, even back, before all of its routes have followed: each move goes over
// all routes there were at its time, whatever adjacency they have, to the one that counts now.
bool NextHops::move_routes(std::size_t budget, std::uint64_t now_ms) {
    while (!moves_.empty()) {
        Move& move = moves_.front();
        const std::size_t wanted = std::min(move.routes, budget);
        const std::size_t moved =
            rib_.readdress_routes_to(move.router, routers_[move.router].adjacency, wanted);
        budget -= moved;
        move.routes = moved < wanted ? 0 : move.routes - moved;
        if (move.routes > 0) {
            break;
        }
        neighbours_.release(move.left, now_ms);
        moves_.pop_front();
    }
    return !moves_.empty();
}

std::size_t NextHops::members_alone() const noexcept {
    return static_cast<std::size_t>(std::ranges::count_if(routers_, [](const RouterSlot& slot) {
        return slot.member.has_value() && !slot.configured;
    }));
}

}  // namespace posthaste::controlplane
