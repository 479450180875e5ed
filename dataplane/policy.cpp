// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/policy.h"

#include <rte_mbuf.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "dataplane/segments.h"
#include "dataplane/transmit.h"
#include "routing/capability_name.h"
#include "routing/policy_set.h"
#include "routing/redirect.h"

namespace posthaste::dataplane {

using routing::Policy;
using routing::PolicyAction;
using routing::PolicyMask;
using routing::PolicySet;

namespace {

// Those among `at` that look at this frame; heartbeats and errors are nobody's business.
PolicyMask concerned(const PolicySet& set,
                     PolicyMask at,
                     const Burst& burst,
                     unsigned lane) noexcept {
    const routing::FrameView& view = burst.view[lane];
    const routing::WireHeader& header = header_in(burst, lane);
    if (view.kind != routing::FrameKind::message || view.payload_bytes == 0 ||
        header.type != static_cast<std::uint8_t>(routing::Type::message)) {
        return 0;
    }
    const bool to_agent =
        header.addressing() == static_cast<std::uint8_t>(routing::Addressing::agent);
    return set.about(at, to_agent ? nullptr : &header.destination);
}

// The payload as far as any policy looks: where it lies, or gathered from its segments.
std::span<const std::uint8_t> payload_of(const Burst& burst,
                                         unsigned lane,
                                         std::uint32_t depth,
                                         std::uint8_t* buffer) noexcept {
    const routing::FrameView& view = burst.view[lane];
    const rte_mbuf* segment = burst.frame[lane];
    std::uint32_t skip = std::uint32_t{view.message} + view.header_bytes;
    const std::uint32_t wanted = std::min<std::uint32_t>(view.payload_bytes, depth);
    if (skip + wanted <= segment->data_len) [[likely]] {
        return {rte_pktmbuf_mtod_offset(segment, const std::uint8_t*, skip), wanted};
    }
    std::uint32_t have = 0;
    for (; segment != nullptr && have < wanted; segment = segment->next) {
        const std::uint32_t from = std::min<std::uint32_t>(skip, segment->data_len);
        const std::uint32_t part = std::min<std::uint32_t>(segment->data_len - from, wanted - have);
        rte_memcpy(
            buffer + have, rte_pktmbuf_mtod_offset(segment, const std::uint8_t*, from), part);
        have += part;
        skip -= from;
    }
    return {buffer, have};
}

// A copy of the frame as it is now to that port. False: there is none.
bool mirror(const Burst& burst,
            unsigned lane,
            std::uint16_t to,
            const PolicyTables& tables) noexcept {
    rte_mbuf* const frame = burst.frame[lane];
    const PortView& port = tables.world.ports[to];
    const std::uint32_t ip_bytes = frame->pkt_len - burst.view[lane].l3;
    if (!port.up || ip_bytes > port.mtu || !tables.tx[to].has_room()) {
        return false;
    }
    rte_mbuf* const copy = rte_pktmbuf_copy(frame, frame->pool, 0, UINT32_MAX);
    if (copy == nullptr) {
        return false;
    }
    const bool queued = enqueue(copy, tables.tx[to]);
    DCHECK(queued);
    tables.counters.mirrored.add(1);
    tables.counters.port[to].queued.add(1);
    return queued;
}

// Lanes that have a new destination, and which.
struct Redirected {
    std::array<routing::AgentId, kBurstMax> key;
    std::array<std::uint8_t, kBurstMax> lane;
    unsigned count = 0;
};

void redirect(Burst& burst, unsigned lane, const routing::AgentId& id, Redirected& all) noexcept {
    redirect_to_capability(first_segment(burst.frame[lane]), burst.view[lane], id);
    all.key[all.count] = routing::capability_key(id);
    all.lane[all.count] = static_cast<std::uint8_t>(lane);
    burst.to_capability.set(lane);
    burst.to_any.clear(lane);
    burst.followed.clear(lane);
    ++all.count;
}

// What the strongest of the policies that matched wants.
void act(Burst& burst,
         unsigned lane,
         const Policy& policy,
         unsigned rank,
         const PolicyTables& tables,
         Redirected& redirected) noexcept {
    routing::PolicyCounters& counters = tables.world.policies->counters(tables.worker, rank);
    switch (policy.action) {
        case PolicyAction::count:
            return;
        case PolicyAction::drop:
            burst.drop(lane, routing::Drop::policy);
            break;
        case PolicyAction::mirror:
            if (!mirror(burst, lane, policy.mirror_port, tables)) {
                counters.lost.add(1);
                return;
            }
            break;
        case PolicyAction::redirect:
            redirect(burst, lane, policy.redirect, redirected);
            break;
    }
    counters.acted.add(1);
}

void police_lane(Burst& burst,
                 unsigned lane,
                 PolicyMask among,
                 const PolicyTables& tables,
                 Redirected& redirected) noexcept {
    const PolicySet& set = *tables.world.policies;
    const auto payload = payload_of(burst, lane, set.depth(), set.gather_buffer(tables.worker));
    PolicyMask matched = 0;
    if (!set.scan(tables.worker, among, payload, matched)) [[unlikely]] {
        // Nobody knows what is in it, so it does not pass.
        tables.counters.scans_failed.add(1);
        burst.drop(lane, routing::Drop::policy);
        return;
    }
    unsigned rank = 0;
    if (const Policy* const policy = set.decisive(matched, rank); policy != nullptr) [[unlikely]] {
        act(burst, lane, *policy, rank, tables, redirected);
    }
}

void look_up(Burst& burst, const Redirected& redirected, routing::Resolver& resolver) noexcept {
    std::array<const routing::AgentId*, kBurstMax> keys;
    std::array<const routing::FibEntry*, kBurstMax> found;
    for (unsigned i = 0; i < redirected.count; ++i) {
        keys[i] = &redirected.key[i];
    }
    resolver.resolve(std::span(keys.data(), redirected.count), found.data(), burst.now_ms);
    for (unsigned i = 0; i < redirected.count; ++i) {
        burst.aim(redirected.lane[i], found[i]);
    }
}

}  // namespace

void policy_in(Burst& burst, const PolicyTables& tables, routing::Resolver& resolver) noexcept {
    if (tables.world.policies == nullptr) [[likely]] {
        return;
    }
    const PolicySet& set = *tables.world.policies;
    const PolicyMask at = set.at(routing::PolicyDirection::in, burst.ingress);
    if (at == 0) {
        return;
    }
    std::array<PolicyMask, kBurstMax> among;
    LaneMask lanes;
    for (const unsigned lane : burst.live) {
        among[lane] = concerned(set, at, burst, lane);
        if (among[lane] != 0) {
            rte_prefetch0(&header_in(burst, lane) + 1);
            lanes.set(lane);
        }
    }
    Redirected redirected;
    for (const unsigned lane : lanes) {
        police_lane(burst, lane, among[lane], tables, redirected);
    }
    if (redirected.count > 0) {
        look_up(burst, redirected, resolver);
    }
}

void policy_out(Burst& burst, const PolicyTables& tables) noexcept {
    if (tables.world.policies == nullptr) [[likely]] {
        return;
    }
    const PolicySet& set = *tables.world.policies;
    Redirected none;  // no policy of this direction redirects: there is a next hop already
    for (const unsigned lane : burst.live) {
        const PolicyMask at = set.at(routing::PolicyDirection::out, burst.egress[lane]);
        const PolicyMask among = at == 0 ? 0 : concerned(set, at, burst, lane);
        if (among != 0) {
            police_lane(burst, lane, among, tables, none);
        }
    }
    DCHECK(none.count == 0);
}

}  // namespace posthaste::dataplane
