// SPDX-License-Identifier: BSD-3-Clause
// ARP, IPv6 neighbour discovery and echo as bytes: what the box answers and asks on a link.
//
// Pure functions. parse_neighbour_frame() is total: any bytes give a message or a drop reason, and
// nothing outside the frame is read. What is emitted is a whole frame, tagged if the port has a
// VLAN, checksums filled in, padded to Ethernet's minimum of 60 bytes. RFC 826, 5227 (ARP probes),
// 4861 and 4862 (neighbour discovery, duplicate address detection), 792 and 4443 (echo).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "routing/address.h"
#include "routing/drop.h"

namespace posthaste::controlplane {

enum class NeighbourMessageKind : std::uint8_t {
    arp_request,
    arp_reply,
    solicitation,   // NS
    advertisement,  // NA
    echo_request,
    ignored,  // sound, but nothing the box acts on: RS, RA, redirect, echo reply, other ICMP
};

struct NeighbourMessage {
    NeighbourMessageKind kind = NeighbourMessageKind::ignored;
    routing::Family family = routing::Family::none;
    routing::Mac frame_source;
    routing::Mac frame_destination;
    routing::IpAddress source;       // ARP: sender; all zero in a probe or duplicate detection
    routing::IpAddress destination;  // of the IP packet; none for ARP
    routing::IpAddress target;       // ARP and ND: who is asked for or answers; echo: destination
    std::optional<routing::Mac> link_address;  // ARP: sender's; ND: link-layer address option
    bool solicited = false;                    // NA only
    bool override_known = false;               // NA only
    std::span<const std::uint8_t> icmp;        // echo only: the ICMP message, into the frame
};

// `vlan` as in PortRules: 0 takes untagged frames and tag 0, otherwise exactly that tag.
[[nodiscard]] tl::expected<NeighbourMessage, routing::Drop> parse_neighbour_frame(
    std::span<const std::uint8_t> frame, std::uint16_t vlan) noexcept;

// The sending side of a link.
struct LinkSide {
    routing::Mac mac;
    std::uint16_t vlan = 0;  // 0: untagged
};

using FrameBytes = std::vector<std::uint8_t>;

inline constexpr routing::Mac kBroadcastMac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

[[nodiscard]] routing::IpAddress solicited_node_address(const routing::IpAddress& ip) noexcept;
[[nodiscard]] routing::Mac multicast_mac(const routing::IpAddress& group) noexcept;

// Who has `target`? To everybody, or as a unicast probe to `known`. `family` of both is the same;
// IPv4 gives ARP, IPv6 a solicitation. An all-zero source makes a probe (RFC 5227, RFC 4862).
[[nodiscard]] FrameBytes make_request(const LinkSide& link,
                                      const routing::IpAddress& source,
                                      const routing::IpAddress& target,
                                      const routing::Mac* known);
// The answer to an ARP request or a solicitation for `own`, an address of this link side.
[[nodiscard]] FrameBytes make_reply(const LinkSide& link,
                                    const routing::IpAddress& own,
                                    const NeighbourMessage& request);
// Gratuitous ARP or unsolicited advertisement: tells the whole link where `own` is.
[[nodiscard]] FrameBytes make_announcement(const LinkSide& link, const routing::IpAddress& own);
// The request's payload back to where it came from; options of the request are left out.
[[nodiscard]] FrameBytes make_echo_reply(const LinkSide& link, const NeighbourMessage& request);

}  // namespace posthaste::controlplane
