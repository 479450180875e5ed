// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/resolve.h"

#include "dataplane/segments.h"

namespace posthaste::dataplane {

using routing::Drop;
using routing::FibEntry;
using routing::RouteKind;

namespace {

// What is asked of a target, out of its next hop, or of its Fib entry where there is none.
struct Way {
    RouteKind kind = RouteKind::capability;  // what no message to an agent can be sent to
    bool stopped = false;
    bool fresh = true;
    std::uint16_t router = routing::kNoRouter;
    std::uint16_t adjacency = routing::kNoAdjacency;
    std::uint16_t port = 0;
};

Way way_to(const Burst& burst, unsigned lane) noexcept {
    Way way;
    const routing::NextHop& hop = burst.to[lane];
    if (hop.is_local()) [[likely]] {
        way.kind = RouteKind::local;
        way.port = hop.port();
    } else if (hop.is_remote()) {
        way.kind = RouteKind::remote;
        way.fresh = hop.fresh(burst.now_ms);
        way.router = hop.router();
        way.adjacency = hop.adjacency();
    } else if (const FibEntry* const target = burst.target[lane]; target != nullptr) {
        way.kind = target->kind;
        way.stopped = target->state == routing::AgentState::stopped;
        way.fresh = target->fresh(burst.now_ms);
        way.router = target->router;
        way.adjacency = target->endpoint.adjacency;
        way.port = target->endpoint.port;
    }
    return way;
}

// Lookups by what they found.
struct Found {
    unsigned local = 0;
    unsigned remote = 0;
    unsigned stale = 0;
};

// What forbids this message to go there, and the flags it gets on the way.
Drop verdict(const routing::WireHeader& header,
             const Way& way,
             Role role,
             const routing::RouterMask& routers,
             Found& found,
             std::uint16_t& flags) noexcept {
    if (way.kind == RouteKind::local) [[likely]] {
        ++found.local;
        return way.stopped ? Drop::agent_stopped : Drop::none;
    }
    if (way.kind != RouteKind::remote) {
        return Drop::unknown_agent;
    }
    if (!way.fresh || routers.out(way.router)) {
        ++found.stale;
        return Drop::unknown_agent;
    }
    ++found.remote;
    if (role == Role::edge) {
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

// Where a lane leaves.
struct Exit {
    std::uint16_t adjacency = routing::kNoAdjacency;
    std::uint16_t egress = 0;
    bool resolved = true;
    std::uint16_t flags = 0;
};

// Lanes to elsewhere than an agent here whose next hop is known. False: the lane has left.
bool find_exit(Burst& burst,
               unsigned lane,
               const World& world,
               const routing::RouterMask& routers,
               Found& found,
               Exit& exit) noexcept {
    const Role role = world.ports[burst.ingress].role;
    const bool refusing = role == Role::edge && world.draining;
    const routing::WireHeader& header = header_in(burst, lane);
    const Way way = way_to(burst, lane);
    exit.flags = header.flags;
    const Drop why = verdict(header, way, role, routers, found, exit.flags);
    if (way.kind != RouteKind::local && role == Role::fabric) [[unlikely]] {
        burst.misrouted.set(lane);  // another router sent it here for somebody who is not
    }
    if (why != Drop::none || refusing) [[unlikely]] {
        if (why == Drop::unknown_agent && way.kind == RouteKind::remote && !refusing &&
            !burst.to_capability.has(lane)) {
            burst.stale.set(lane);
        }
        burst.drop(lane, refusing ? Drop::draining : why);
        return false;
    }
    exit.egress = way.port;
    exit.adjacency = way.adjacency;
    if (way.adjacency != routing::kNoAdjacency) {
        // The Fib may be newer than this World by one change; then there is no way yet.
        if (way.adjacency >= world.adjacencies.size() || !world.adjacencies[way.adjacency].used)
            [[unlikely]] {
            burst.drop(lane, Drop::port_down);
            return false;
        }
        exit.egress = world.adjacencies[way.adjacency].port;
        exit.resolved = world.adjacencies[way.adjacency].resolved;
    } else if (way.kind == RouteKind::remote) [[unlikely]] {
        burst.drop(lane, Drop::port_down);
        return false;
    }
    return true;
}

// The port that one lane after the other leaves on, mostly the same; its slots are reserved when
// another one's turn comes.
class Outlet {
  public:
    Outlet(const World& world, std::span<TxBacklog> tx) noexcept : world_(world), tx_(tx) {}

    ~Outlet() { settle(); }

    Outlet(const Outlet&) = delete;
    Outlet& operator=(const Outlet&) = delete;

    void turn_to(std::uint16_t egress) noexcept {
        if (egress == egress_) [[likely]] {
            return;
        }
        settle();
        egress_ = egress;
        up_ = egress < world_.ports.size() && world_.ports[egress].up;
        if (up_) {
            room_ = tx_[egress].room();
            relayed_ = world_.ports[egress].role == Role::fabric ? routing::flag::relayed : 0;
        }
    }

    [[nodiscard]] bool up() const noexcept { return up_; }

    // Message flags of what leaves there.
    [[nodiscard]] std::uint16_t flags() const noexcept { return relayed_; }

    // False: its backlog is full.
    [[nodiscard]] bool reserve() noexcept {
        if (reserved_ == room_) [[unlikely]] {
            return false;
        }
        ++reserved_;
        return true;
    }

  private:
    void settle() noexcept {
        if (reserved_ != 0) {
            tx_[egress_].reserve(reserved_);
            reserved_ = 0;
        }
    }

    const World& world_;
    std::span<TxBacklog> tx_;
    std::uint32_t egress_ = ~0U;  // none yet
    std::uint32_t room_ = 0;
    std::uint32_t reserved_ = 0;
    bool up_ = false;
    std::uint16_t relayed_ = 0;
};

}  // namespace

void resolve(Burst& burst,
             const World& world,
             const routing::RouterMask& routers,
             routing::LookupCounters& counters,
             std::span<TxBacklog> tx) noexcept {
    const bool refusing = world.ports[burst.ingress].role == Role::edge && world.draining;
    Found found;
    Outlet outlet(world, tx);
    for (const unsigned lane : burst.live) {
        Exit exit;
        if (const routing::NextHop& hop = burst.to[lane]; hop.is_local() && !refusing) [[likely]] {
            ++found.local;
            exit.egress = hop.port();
            exit.flags = header_in(burst, lane).flags;
        } else if (!find_exit(burst, lane, world, routers, found, exit)) {
            continue;
        }
        outlet.turn_to(exit.egress);
        if (!outlet.up()) [[unlikely]] {
            burst.drop(lane, Drop::port_down);
            continue;
        }
        burst.adjacency[lane] = exit.adjacency;
        if (!exit.resolved) [[unlikely]] {
            burst.punt(lane, PuntClass::hold);
            continue;
        }
        if (!outlet.reserve()) [[unlikely]] {
            burst.drop(lane, Drop::tx_full);
            continue;
        }
        burst.egress[lane] = exit.egress;
        burst.flags[lane] = static_cast<std::uint16_t>(exit.flags | outlet.flags());
    }
    counters.local.add(found.local);
    counters.remote.add(found.remote);
    counters.stale.add(found.stale);
}

}  // namespace posthaste::dataplane
