// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/resolve.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

using routing::Drop;
using routing::FibEntry;
using routing::RouteKind;

namespace {

// What forbids this message to go to `target`, and the flags it gets there.
Drop verdict(const routing::WireHeader& header,
             const FibEntry* target,
             Role role,
             const World& world,
             std::uint16_t& flags) noexcept {
    const bool edge = role == Role::edge;
    if (edge && world.draining) [[unlikely]] {
        return Drop::draining;
    }
    if (target == nullptr) [[unlikely]] {
        return Drop::unknown_agent;
    }
    if (target->kind == RouteKind::local) [[likely]] {
        return target->state == routing::AgentState::stopped ? Drop::agent_stopped : Drop::none;
    }
    if (edge) {
        return Drop::none;
    }
    // The sender's router took the agent to be here. Once that may be corrected; an error is never
    // passed on.
    if ((header.flags & routing::flag::redirected) != 0 ||
        header.type == static_cast<std::uint8_t>(routing::Type::error)) {
        return Drop::not_here;
    }
    flags |= routing::flag::redirected;
    return Drop::none;
}

// Lanes whose target can be sent to.
LaneMask usable_targets(const Burst& burst,
                        const routing::RouterMask& routers,
                        routing::LookupCounters& counters) noexcept {
    LaneMask usable;
    unsigned local = 0;
    unsigned remote = 0;
    for (const unsigned lane : burst.live) {
        const FibEntry* const target = burst.target[lane];
        if (target == nullptr) [[unlikely]] {
            continue;
        }
        if (target->kind == RouteKind::local) {
            ++local;
            usable.set(lane);
        } else if (target->kind != RouteKind::remote) {
            continue;  // a capability's key, but the frame says it is an agent's
        } else if (target->fresh(burst.now_ms) && !routers.out(target->router)) {
            ++remote;
            usable.set(lane);
        } else {
            counters.stale.add(1);
        }
    }
    counters.local.add(local);
    counters.remote.add(remote);
    return usable;
}

}  // namespace

void resolve(Burst& burst,
             const World& world,
             const routing::RouterMask& routers,
             routing::LookupCounters& counters,
             std::span<TxBacklog> tx) noexcept {
    const Role role = world.ports[burst.ingress].role;
    const LaneMask usable = usable_targets(burst, routers, counters);
    for (const unsigned lane : burst.live) {
        const routing::WireHeader& header =
            header_of(bytes_of(burst.frame[lane]), burst.view[lane]);
        const FibEntry* const target = usable.has(lane) ? burst.target[lane] : nullptr;
        std::uint16_t flags = header.flags;
        if (const Drop why = verdict(header, target, role, world, flags); why != Drop::none)
            [[unlikely]] {
            burst.drop(lane, why);
            continue;
        }

        const std::uint16_t adjacency = target->endpoint.adjacency;
        std::uint16_t egress = target->endpoint.port;
        bool resolved = true;
        if (adjacency != routing::kNoAdjacency) {
            // The Fib may be newer than this World by one change; then there is no way yet.
            if (adjacency >= world.adjacencies.size() || !world.adjacencies[adjacency].used)
                [[unlikely]] {
                burst.drop(lane, Drop::port_down);
                continue;
            }
            egress = world.adjacencies[adjacency].port;
            resolved = world.adjacencies[adjacency].resolved;
        }
        if (egress >= world.ports.size() || !world.ports[egress].up ||
            (target->kind == RouteKind::remote && adjacency == routing::kNoAdjacency))
            [[unlikely]] {
            burst.drop(lane, Drop::port_down);
            continue;
        }
        burst.adjacency[lane] = adjacency;
        if (!resolved) [[unlikely]] {
            burst.punt(lane, PuntClass::hold);
            continue;
        }
        if (!tx[egress].reserve()) [[unlikely]] {
            burst.drop(lane, Drop::tx_full);
            continue;
        }
        burst.egress[lane] = egress;
        burst.flags[lane] = static_cast<std::uint16_t>(
            flags | (world.ports[egress].role == Role::fabric ? routing::flag::relayed : 0));
    }
}

}  // namespace posthaste::dataplane
