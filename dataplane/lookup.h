// SPDX-License-Identifier: BSD-3-Clause
// Stages: ids become routes. ask() for a few lanes at a time, between parsing them and the next,
// so that the tables' lines travel meanwhile; lookup() for the whole burst at once.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/burst.h"
#include "dataplane/capability_tables.h"
#include "dataplane/follow.h"
#include "dataplane/punt.h"
#include "dataplane/world.h"
#include "routing/resolver.h"

namespace posthaste::dataplane {

// Whom the frames of a burst are for and from, in the order they were asked for. A sender of
// several frames in a row is asked for once. A worker's; empty between bursts.
struct Asked {
    static constexpr unsigned kMax = 2 * kBurstMax;

    // By position.
    std::array<const routing::AgentId*, kMax> agent;
    std::array<std::uint64_t, kMax> hash;
    std::array<bool, kMax> is_sender;
    std::array<const routing::FibEntry*, kMax> found;
    std::array<routing::NextHop, kMax> hop;
    unsigned count = 0;

    // By lane.
    std::array<std::uint8_t, kBurstMax> destination;  // its position
    std::array<std::uint8_t, kBurstMax> sender;
    std::array<routing::AgentId, kBurstMax> capability;  // keys made here
    LaneMask with_destination;
    LaneMask with_sender;
    unsigned last_sender = kMax;  // its position; kMax: none yet
};

// Makes known whom the live ones of these lanes are for, and on ports that check sources, and for
// heartbeats, from. Sets to_capability and to_any of messages addressed to one, and begins the
// conversations of the latter: as long as those mostly go on, the capabilities of these lanes are
// not asked for before follow() has left some.
void ask(Burst& burst,
         LaneMask lanes,
         const PortView& port,
         Asked& asked,
         Conversing& conversing,
         routing::Resolver& resolver,
         const CapabilityTables& tables) noexcept;

// Follows conversations. Sets target and to, sender and from, of whatever else was asked for, and
// ends that; null: unknown. For those in to_capability and not followed the target is the
// capability's entry. Destinations nobody knows go to `wanted`, as far as there is room, for the
// control thread to ask around.
void lookup(Burst& burst,
            Asked& asked,
            Conversing& conversing,
            routing::Resolver& resolver,
            const CapabilityTables& tables,
            SpscRing<routing::AgentId>& wanted) noexcept;

}  // namespace posthaste::dataplane
