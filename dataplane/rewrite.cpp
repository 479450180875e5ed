// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/rewrite.h"

#include <cstring>

#include "dataplane/segments.h"
#include "routing/check.h"
#include "routing/plain_frame.h"

namespace posthaste::dataplane {

using routing::Drop;
using routing::Endpoint;
using routing::Family;
using routing::outer::load;

namespace {

constexpr std::uint32_t kUdpBytes = 8;
constexpr std::uint32_t kUdpChecksumOffset = 6;

// The next hop without its source IP; the adjacency decides where there is one.
routing::Hop hop_of(const Burst& burst, unsigned lane, const World& world) noexcept {
    const Endpoint& endpoint = burst.target[lane]->endpoint;
    const bool local = burst.target[lane]->kind == routing::RouteKind::local;
    const routing::PortRules& rules = world.ports[burst.egress[lane]].rules;
    routing::Hop hop;
    hop.source_mac = rules.mac;
    hop.vlan = rules.vlan;
    hop.destination_mac = endpoint.mac;
    hop.destination_ip = endpoint.ip;
    hop.udp_port = endpoint.udp_port;
    if (burst.adjacency[lane] != routing::kNoAdjacency) {
        const Adjacency& adjacency = world.adjacencies[burst.adjacency[lane]];
        hop.destination_mac = adjacency.mac;
        if (!local) {
            hop.destination_ip = adjacency.ip;
            hop.udp_port = adjacency.udp_port;
        }
    }
    return hop;
}

// False: the port has no address of the family.
bool set_source(routing::Hop& hop, const routing::PortRules& rules) noexcept {
    if (hop.destination_ip.family == Family::ipv6) {
        hop.source_ip = rules.ipv6[0];
        return rules.ipv6_count != 0;
    }
    hop.source_ip = rules.ipv4[0];
    return rules.ipv4_count != 0;
}

// A checksum that is absent and must not be, over a chain no function sees as a whole: computed
// for the old headers, so that it can be updated like any other.
void fill_checksum_of_chain(rte_mbuf* frame, const routing::FrameView& view) noexcept {
    std::uint8_t* const field = bytes_of(frame) + view.l4 + kUdpChecksumOffset;
    const std::uint16_t computed = udp_checksum_over_chain(frame, view);
    const routing::Be16 wire(computed == 0 ? std::uint16_t{0xffff} : computed);
    std::memcpy(field, wire.bytes.data(), wire.bytes.size());
}

Drop rewrite_lane(Burst& burst, unsigned lane, const World& world) noexcept {
    rte_mbuf* const frame = burst.frame[lane];
    const routing::FrameView& view = burst.view[lane];
    const PortView& port = world.ports[burst.egress[lane]];
    DCHECK(rte_mbuf_refcnt_read(frame) == 1);

    routing::Hop hop = hop_of(burst, lane, world);
    if (!set_source(hop, port.rules)) {
        return Drop::no_source_address;
    }
    const std::uint32_t message_bytes = std::uint32_t{view.header_bytes} + view.payload_bytes;
    const bool ipv6 = hop.destination_ip.family == Family::ipv6;
    if ((ipv6 ? 40U : 20U) + kUdpBytes + message_bytes > port.mtu) {
        return Drop::too_large;
    }
    const auto outer =
        static_cast<std::uint16_t>(routing::outer_bytes(hop.destination_ip.family, hop.vlan != 0));
    if (outer > view.message + rte_pktmbuf_headroom(frame)) {
        return Drop::no_headroom;
    }

    routing::OldOuter old = routing::read_outer(bytes_of(frame), view);
    if (old.checksum == 0 && ipv6 && frame->nb_segs > 1) [[unlikely]] {
        fill_checksum_of_chain(frame, view);
        old = routing::read_outer(bytes_of(frame), view);
    }
    const routing::WireHeader& header = header_of(bytes_of(frame), view);
    DCHECK(header.hop_limit > 0);
    const routing::HeaderChange change{
        static_cast<std::uint8_t>(header.hop_limit - 1), burst.flags[lane], header.lifetime_ms};
    shorten(burst, lane, routing::frame_end(view));
    if (outer > view.message) {
        rte_pktmbuf_prepend(frame, static_cast<std::uint16_t>(outer - view.message));
    } else {
        rte_pktmbuf_adj(frame, static_cast<std::uint16_t>(view.message - outer));
    }
    const bool written = routing::rewrite_frame(bytes_of(frame),
                                                first_segment(frame).subspan(outer),
                                                static_cast<std::uint16_t>(message_bytes),
                                                old,
                                                hop,
                                                change);
    CHECK(written);
    return Drop::none;
}

// The port that a lane leaves on, and what is written into plain frames there.
struct Egress {
    std::uint16_t index = 0xffff;  // no port yet
    bool plain = false;            // it takes them: untagged, over IPv4
    std::uint32_t mtu = 0;
    routing::PlainSource source;

    void turn_to(std::uint16_t port, const World& world) noexcept {
        const PortView& view = world.ports[port];
        index = port;
        plain = view.rules.vlan == 0 && view.rules.ipv4_count != 0;
        mtu = view.mtu;
        source = routing::PlainSource(view.rules.mac, view.rules.ipv4[0]);
    }
};

// False: it is not over IPv4.
bool set_target(const Burst& burst,
                unsigned lane,
                const World& world,
                routing::PlainTarget& target) noexcept {
    if (const routing::NextHop& to = burst.to[lane]; to.is_local()) [[likely]] {
        target = {to.mac(), to.ip(), to.udp_port()};
        return true;
    }
    const Endpoint* const endpoint =
        burst.to[lane].is_remote() || burst.target[lane]->kind == routing::RouteKind::remote
            ? nullptr
            : &burst.target[lane]->endpoint;
    const Adjacency* const adjacency = burst.adjacency[lane] == routing::kNoAdjacency
                                           ? nullptr
                                           : &world.adjacencies[burst.adjacency[lane]];
    const routing::IpAddress& ip = endpoint != nullptr ? endpoint->ip : adjacency->ip;
    target.mac = adjacency != nullptr ? adjacency->mac.bytes.data() : endpoint->mac.bytes.data();
    target.ip = load<std::uint32_t>(ip.bytes.data());
    target.udp_port =
        __builtin_bswap16(endpoint != nullptr ? endpoint->udp_port : adjacency->udp_port);
    return ip.family == Family::ipv4;
}

// A plain frame to a next hop over untagged IPv4, where it is. False: it is none, or it does not
// fit; nothing is changed.
bool rewrite_plain_lane(Burst& burst,
                        unsigned lane,
                        const World& world,
                        const Egress& egress) noexcept {
    rte_mbuf* const frame = burst.frame[lane];
    const routing::FrameView& view = burst.view[lane];
    const std::uint32_t end = routing::frame_end(view);
    routing::PlainTarget target;
    if (!egress.plain || !routing::is_plain(view) || frame->nb_segs != 1 ||
        end - view.l3 > egress.mtu || !set_target(burst, lane, world, target)) [[unlikely]] {
        return false;
    }
    DCHECK(rte_mbuf_refcnt_read(frame) == 1);
    shorten(burst, lane, end);
    routing::rewrite_plain(bytes_of(frame), egress.source, target, burst.flags[lane]);
    return true;
}

}  // namespace

void rewrite(Burst& burst, const World& world) noexcept {
    LaneMask messages;
    LaneMask done;
    Egress egress;
    for (const unsigned lane : burst.live) {
        const routing::WireHeader& header = header_in(burst, lane);
        burst.performative[lane] = header.performative;
        if (header.type == static_cast<std::uint8_t>(routing::Type::message)) [[likely]] {
            messages.set(lane);
        }
        if (burst.egress[lane] != egress.index) [[unlikely]] {
            egress.turn_to(burst.egress[lane], world);
        }
        if (rewrite_plain_lane(burst, lane, world, egress)) [[likely]] {
            done.set(lane);
        } else if (const Drop why = rewrite_lane(burst, lane, world); why != Drop::none) {
            burst.drop(lane, why);
        } else {
            done.set(lane);
        }
    }
    burst.messages = messages & done;
    burst.finished |= done;
    burst.live = burst.live - done;
}

}  // namespace posthaste::dataplane
