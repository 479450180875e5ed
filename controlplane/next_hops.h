// SPDX-License-Identifier: BSD-3-Clause
// NextHops: the static sections of the configuration as claims in the Rib, and the routers of the
// cluster as next hops beside the static ones, with the adjacencies they need. Control thread only.
//
// Routers keep their slot number while they exist, across reloads. A router is known by its name: a
// member of the cluster that has a section, too, is one router, and the section says where it is.
// Bounds: the Rib's and the neighbour plane's; RouterMask::kRoutersMax routers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <unordered_map>
#include <vector>

#include "controlplane/config.h"
#include "controlplane/neighbours.h"
#include "routing/rib.h"
#include "routing/router_mask.h"

namespace posthaste::controlplane {

struct RouterSlot {
    RouterConfig config;     // of its section; without one, as the cluster says
    std::uint16_t port = 0;  // egress
    std::uint16_t adjacency = routing::kNoAdjacency;
    bool used = false;
    bool withdrawn = false;                             // by the operator
    bool out = false;                                   // dead or gone, by the cluster
    bool configured = false;                            // has a section
    std::optional<RouterConfig> member = std::nullopt;  // as the cluster says
};

class NextHops {
  public:
    // `mask` is what lcores read.
    NextHops(routing::Rib& rib, Neighbours& neighbours, routing::RouterMask& mask)
        : rib_(rib), neighbours_(neighbours), mask_(mask) {}

    // Makes routers, routes and static agents of `next` those of the box; what `next` no longer
    // has goes. The error names the section that could not be applied; the caller checked with
    // check_room() that the bounds allow it, so that an error is a full neighbour table.
    [[nodiscard]] tl::expected<void, std::string> apply(const Config& next, std::uint64_t now_ms);

    // One agent at a fixed endpoint, from the ini or the operator.
    [[nodiscard]] tl::expected<routing::RegisterOutcome, routing::RibError> add_agent(
        routing::Registration registration, std::uint64_t now_ms);
    [[nodiscard]] tl::expected<void, routing::RibError> remove_agent(const routing::AgentId& agent,
                                                                     std::uint64_t now_ms);
    // `expires_at_ms` 0: never.
    [[nodiscard]] tl::expected<void, routing::RibError> add_route(
        const routing::AgentId& agent,
        std::uint16_t router,
        routing::Origin origin,
        std::uint64_t expires_at_ms,
        std::uint64_t now_ms,
        std::span<const routing::Offer> offers = {});

    // All routes to the router count for nothing, or do again; at once, whatever their number. It
    // stays so over reloads, until restored or the router is gone. They count if neither the
    // operator nor the cluster says otherwise.
    void set_withdrawn(std::uint16_t router, bool withdrawn);

    // --- routers of the cluster ---
    // The router is a member, at that address if no section names it. Gives its slot, which stays
    // the same; where the address is new, move_routes() takes the routes there. An error changes
    // nothing: no fabric port leads to it, or there is no room.
    [[nodiscard]] tl::expected<std::uint16_t, std::string> join(const RouterConfig& member,
                                                                const Config& config,
                                                                std::uint64_t now_ms);
    // What set_withdrawn() does, by the cluster.
    void set_out(std::uint16_t router, bool out);
    // The member is no more, once no claim leads to it. Without a section its slot goes, and what
    // routes others set to it, at most `budget` a call. False: not yet.
    [[nodiscard]] bool leave(std::uint16_t router, std::size_t budget, std::uint64_t now_ms);
    // True: there is more to move.
    bool move_routes(std::size_t budget, std::uint64_t now_ms);
    // Members that no section names.
    [[nodiscard]] std::size_t members_alone() const noexcept;

    [[nodiscard]] const std::vector<RouterSlot>& routers() const noexcept { return routers_; }

    [[nodiscard]] std::optional<std::uint16_t> find_router(const std::string& name) const;

    // What it keeps of the file's routes, beside the Rib's records of them.
    [[nodiscard]] std::uint64_t file_routes_bytes() const noexcept {
        return file_routes_.capacity() * sizeof(routing::AgentId);
    }

  private:
    [[nodiscard]] tl::expected<void, std::string> apply_routers(const Config& next,
                                                                std::uint64_t now_ms);
    void remove_vanished(const Config& next, std::uint64_t now_ms);
    void remove_vanished_routers(const Config& next, std::uint64_t now_ms);
    [[nodiscard]] tl::expected<void, std::string> apply_agents(const Config& next,
                                                               std::uint64_t now_ms);
    [[nodiscard]] tl::expected<void, std::string> apply_routes(const Config& next,
                                                               std::uint64_t now_ms);

    // The counted next hop of a router.
    struct Hop {
        std::uint16_t port = 0;
        std::uint16_t adjacency = routing::kNoAdjacency;
    };

    // Routes that may lead to the router by an adjacency it no longer has.
    struct Move {
        std::uint16_t router = 0;
        std::uint16_t left = routing::kNoAdjacency;
        std::size_t routes = 0;  // still, the first of them
    };

    [[nodiscard]] tl::expected<Hop, std::string> acquire(const Config& config,
                                                         const RouterConfig& router,
                                                         std::uint64_t now_ms);
    [[nodiscard]] tl::expected<std::uint16_t, std::string> slot_for(const std::string& name);
    void put(std::uint16_t router,
             const RouterConfig& config,
             const Hop& hop,
             std::uint64_t now_ms);
    void free_slot(std::uint16_t router, std::uint64_t now_ms);
    void show_mask(std::uint16_t router);

    routing::Rib& rib_;
    Neighbours& neighbours_;
    routing::RouterMask& mask_;
    std::vector<RouterSlot> routers_;
    std::deque<Move> moves_;
    std::vector<routing::AgentId> file_routes_;  // of the configuration that was applied last
    // Static agents without a MAC of their own, and the slot that resolves it.
    std::unordered_map<routing::AgentId, std::uint16_t, routing::AgentIdHash> agent_adjacency_;
};

}  // namespace posthaste::controlplane
