// SPDX-License-Identifier: BSD-3-Clause
// NextHops: the static sections of the configuration as claims in the Rib, with the adjacencies
// they need. Control thread only.
//
// Routers keep their slot number while they exist, across reloads. Bounds: the Rib's and the
// neighbour plane's.
#pragma once

#include <cstdint>
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
    RouterConfig config;
    std::uint16_t port = 0;  // egress
    std::uint16_t adjacency = routing::kNoAdjacency;
    bool used = false;
    bool withdrawn = false;  // by the operator
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
    // stays so over reloads, until restored or the router's section is gone.
    void set_withdrawn(std::uint16_t router, bool withdrawn);

    [[nodiscard]] const std::vector<RouterSlot>& routers() const noexcept { return routers_; }

    [[nodiscard]] std::optional<std::uint16_t> find_router(const std::string& name) const;

  private:
    [[nodiscard]] tl::expected<void, std::string> apply_routers(const Config& next,
                                                                std::uint64_t now_ms);
    void remove_vanished(const Config& next, std::uint64_t now_ms);
    [[nodiscard]] tl::expected<void, std::string> apply_agents(const Config& next,
                                                               std::uint64_t now_ms);
    [[nodiscard]] tl::expected<void, std::string> apply_routes(const Config& next,
                                                               std::uint64_t now_ms);

    routing::Rib& rib_;
    Neighbours& neighbours_;
    routing::RouterMask& mask_;
    std::vector<RouterSlot> routers_;
    // Static agents without a MAC of their own, and the slot that resolves it.
    std::unordered_map<routing::AgentId, std::uint16_t, routing::AgentIdHash> agent_adjacency_;
};

}  // namespace posthaste::controlplane
