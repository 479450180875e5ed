// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/source_check.h"

#include "dataplane/segments.h"
#include "routing/plain_frame.h"

namespace posthaste::dataplane {

using routing::Drop;
using routing::Endpoint;
using routing::FrameKind;

namespace {

// The MAC frames of this agent come from, as far as it is known: an agent whose adjacency is not
// resolved is known by its address alone.
const routing::Mac* mac_of(const Endpoint& endpoint, const World& world) noexcept {
    if (endpoint.adjacency == routing::kNoAdjacency) {
        return &endpoint.mac;
    }
    if (endpoint.adjacency >= world.adjacencies.size()) {
        return nullptr;
    }
    const Adjacency& adjacency = world.adjacencies[endpoint.adjacency];
    return adjacency.used && adjacency.resolved ? &adjacency.mac : nullptr;
}

// The UDP source port is not compared: it is a hash of the conversation. Compared where it lies:
// a copy, written in parts and read whole, would cost more than the comparison.
bool comes_from(const Endpoint& endpoint,
                const World& world,
                const std::uint8_t* frame,
                const routing::FrameView& view) noexcept {
    const routing::Mac* const mac = mac_of(endpoint, world);
    return endpoint.ip.family == view.family && routing::same_source_ip(frame, view, endpoint.ip) &&
           (mac == nullptr || routing::same_source_mac(frame, *mac));
}

// Whether the lane's sender may send it here. Where the next hop towards it is known, that tells
// where it is.
Drop verdict(const Burst& burst, unsigned lane, SourceCheck check, const World& world) noexcept {
    const routing::FrameView& view = burst.view[lane];
    const std::uint8_t* const frame = bytes_of(burst.frame[lane]);
    if (const routing::NextHop& hop = burst.from[lane]; hop.is_local()) [[likely]] {
        const bool right = hop.port() == burst.ingress &&
                           (check == SourceCheck::port || (view.family == routing::Family::ipv4 &&
                                                           routing::comes_from(frame, view, hop)));
        return right ? Drop::none : Drop::source_spoofed;
    }
    const routing::FibEntry* const sender = burst.sender[lane];
    if (sender == nullptr || sender->kind != routing::RouteKind::local) {
        return Drop::source_unknown;
    }
    const bool right =
        sender->endpoint.port == burst.ingress &&
        (check == SourceCheck::port || comes_from(sender->endpoint, world, frame, view));
    return right ? Drop::none : Drop::source_spoofed;
}

}  // namespace

void source_check(Burst& burst, const World& world) noexcept {
    const PortView& port = world.ports[burst.ingress];
    if (port.role != Role::edge) {
        return;
    }
    for (const unsigned lane : burst.live) {
        const routing::FrameView& view = burst.view[lane];
        const SourceCheck check =
            view.kind == FrameKind::heartbeat ? SourceCheck::strict : port.source_check;
        if (check == SourceCheck::off) {
            continue;
        }
        if (const Drop why = verdict(burst, lane, check, world); why != Drop::none) [[unlikely]] {
            burst.drop(lane, why);
        }
    }
}

}  // namespace posthaste::dataplane
