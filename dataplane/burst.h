// SPDX-License-Identifier: BSD-3-Clause
// Burst: up to 64 frames of one ingress port in flight on one lcore, structure of arrays.
//
// Every received lane starts in `live`. Rewriting, or answering a heartbeat in place, makes it
// `finished`; transmit makes it `sent`. Or it leaves on the way: `punted` (ring to the control
// thread) or `dropped` (with a reason). A dropped lane whose sender is to be told is also in
// `answered`: its mbuf holds the answer now, and is sent instead of freed. At the end sent, punted
// and dropped share out what was received.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/lane_mask.h"
#include "routing/drop.h"
#include "routing/fib.h"
#include "routing/frame.h"

struct rte_mbuf;

namespace posthaste::dataplane {

// Why a frame goes to the control thread; each class has its own ring, so that none starves
// another. The order is the order of service.
enum class PuntClass : std::uint8_t { neighbour, registration, hold, capability, count };

inline constexpr unsigned kPuntClassCount = static_cast<unsigned>(PuntClass::count);

// How the frames of a burst came to be in it.
enum class Origin : std::uint8_t {
    received,
    resubmitted,  // were with the control thread meanwhile
    copied,       // of others, for further recipients
};

struct Burst {
    std::array<rte_mbuf*, kBurstMax> frame;
    std::array<routing::FrameView, kBurstMax> view;
    // After lookup; null: unknown. What is asked of a target or sender is in the NextHop beside it,
    // unless that says elsewhere: the entry's line may still be far away.
    std::array<const routing::FibEntry*, kBurstMax> target;
    std::array<routing::NextHop, kBurstMax> to;
    std::array<const routing::FibEntry*, kBurstMax> sender;  // edge ports only
    std::array<routing::NextHop, kBurstMax> from;
    std::array<std::uint16_t, kBurstMax> adjacency;    // after resolve; kNoAdjacency: none
    std::array<std::uint16_t, kBurstMax> egress;       // port index, after resolve
    std::array<std::uint16_t, kBurstMax> flags;        // message flags to set on rewrite
    std::array<std::uint8_t, kBurstMax> performative;  // of lanes in `messages`
    std::array<routing::Drop, kBurstMax> reason;       // of dropped lanes
    std::array<PuntClass, kBurstMax> punt_class;

    LaneMask received;
    LaneMask live;
    LaneMask heartbeats;  // by kind; they are answered on the lcore
    LaneMask finished;
    LaneMask sent;
    LaneMask punted;
    LaneMask dropped;
    LaneMask answered;        // subset of dropped
    LaneMask messages;        // rewritten, and of type message
    LaneMask answer_refused;  // subset of dropped: rate limit or full backlog
    LaneMask to_capability;   // messages addressed to one, set by ask
    LaneMask to_any;          // of these, whose conversation was begun by ask
    LaneMask followed;        // of these, with the target of their conversation
    LaneMask to_all;          // of to_capability, to all who have it, set by capability
    LaneMask misrouted;       // relayed to here for somebody who is not here
    LaneMask stale;           // subset of dropped: its agent's route is stale
    LaneMask surplus_of;      // lanes whose mbuf lost segments, now in `surplus`
    std::array<rte_mbuf*, kBurstMax> surplus;  // chains that settle frees

    std::uint16_t ingress = 0;  // port index
    Origin origin = Origin::received;
    std::uint32_t now_ms = 0;          // coarse monotonic milliseconds, modulo 2^32
    std::uint32_t received_bytes = 0;  // sum over received lanes, after parse

    void aim(unsigned lane, const routing::FibEntry* at) noexcept {
        target[lane] = at;
        to[lane] = routing::NextHop::elsewhere();
    }

    void drop(unsigned lane, routing::Drop why) noexcept {
        live.clear(lane);
        dropped.set(lane);
        reason[lane] = why;
    }

    // Nothing left to do but to send it on `port`.
    void finish(unsigned lane, std::uint16_t port) noexcept {
        live.clear(lane);
        finished.set(lane);
        egress[lane] = port;
    }

    void punt(unsigned lane, PuntClass of) noexcept {
        live.clear(lane);
        punted.set(lane);
        punt_class[lane] = of;
    }
};

}  // namespace posthaste::dataplane
