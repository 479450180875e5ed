// SPDX-License-Identifier: BSD-3-Clause
// Parsing of ARP, neighbour discovery and echo frames.
#include "controlplane/neighbour_frames.h"

#include <algorithm>
#include <cstddef>

#include "controlplane/neighbour_wire.h"
#include "routing/frame.h"

namespace posthaste::controlplane {

namespace {

using namespace wire;
using routing::Drop;
using routing::Family;
using routing::IpAddress;
using routing::Mac;
using Parsed = tl::expected<NeighbourMessage, Drop>;

// --- reading; callers have checked the bounds ---

std::uint16_t read_u16(Bytes bytes, std::size_t at) noexcept {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

Mac read_mac(Bytes bytes, std::size_t at) noexcept {
    Mac mac;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), 6, mac.bytes.begin());
    return mac;
}

IpAddress read_ip(Bytes bytes, std::size_t at, Family family) noexcept {
    IpAddress ip;
    ip.family = family;
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), ip.size(), ip.bytes.begin());
    return ip;
}

bool is_multicast6(const IpAddress& ip) noexcept {
    return ip.family == Family::ipv6 && ip.bytes[0] == 0xff;
}

bool usable(const Mac& mac) noexcept {
    return !mac.is_group() && !mac.is_zero();
}

Parsed parse_arp(Bytes arp, NeighbourMessage message) noexcept {
    if (arp.size() < kArpBytes) {
        return tl::unexpected(Drop::too_short);
    }
    // Ethernet and IPv4 only: hardware type 1, protocol type 0x0800, lengths 6 and 4.
    if (read_u16(arp, 0) != 1 || read_u16(arp, 2) != kTypeIpv4 || arp[4] != 6 || arp[5] != 4) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    message.family = Family::ipv4;
    const Mac sender = read_mac(arp, 8);
    message.source = read_ip(arp, 14, Family::ipv4);
    message.target = read_ip(arp, 24, Family::ipv4);
    if (!usable(sender) || (!is_zero(message.source) && !message.source.is_unicast_host())) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    message.link_address = sender;
    switch (read_u16(arp, 6)) {
        case 1:
            message.kind = NeighbourMessageKind::arp_request;
            return message;
        case 2:
            // An answer from nobody says nothing.
            if (is_zero(message.source)) {
                return tl::unexpected(Drop::bad_neighbour);
            }
            message.kind = NeighbourMessageKind::arp_reply;
            return message;
        default:
            return message;  // reverse ARP and its kin
    }
}

// The link-layer address option of `wanted` type; false: the option list is unsound.
bool read_options(Bytes options, std::uint8_t wanted, std::optional<Mac>& found) noexcept {
    while (!options.empty()) {
        if (options.size() < 2 || options[1] == 0) {
            return false;
        }
        const std::size_t bytes = std::size_t{options[1]} * 8;
        if (bytes > options.size()) {
            return false;
        }
        if (options[0] == wanted && !found) {
            const Mac mac = read_mac(options, 2);
            if (bytes != 8 || !usable(mac)) {
                return false;
            }
            found = mac;
        }
        options = options.subspan(bytes);
    }
    return true;
}

// RFC 4861, 7.1.1 and 7.1.2.
Parsed parse_discovery(Bytes icmp, std::uint8_t hop_limit, NeighbourMessage message) noexcept {
    const bool solicitation = icmp[0] == kSolicitation;
    if (icmp.size() < kDiscoveryBytes) {
        return tl::unexpected(Drop::too_short);
    }
    message.target = read_ip(icmp, 8, Family::ipv6);
    if (!is_zero(message.source) && !message.source.is_unicast_host()) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    if (hop_limit != kDiscoveryHopLimit || icmp[1] != 0 || !message.target.is_unicast_host()) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    const std::uint8_t wanted = solicitation ? kOptionSourceLink : kOptionTargetLink;
    if (!read_options(icmp.subspan(kDiscoveryBytes), wanted, message.link_address)) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    if (solicitation) {
        // Duplicate address detection: from nobody, to the solicited-node group, no option.
        if (is_zero(message.source) &&
            (message.destination != solicited_node_address(message.target) ||
             message.link_address)) {
            return tl::unexpected(Drop::bad_neighbour);
        }
        message.kind = NeighbourMessageKind::solicitation;
        return message;
    }
    message.solicited = (icmp[4] & kFlagSolicited) != 0;
    message.override_known = (icmp[4] & kFlagOverride) != 0;
    if (is_zero(message.source) || (message.solicited && is_multicast6(message.destination))) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    message.kind = NeighbourMessageKind::advertisement;
    return message;
}

Parsed parse_echo(Bytes icmp, NeighbourMessage message) noexcept {
    // Only hosts are answered: not a group, not nobody.
    if (icmp[1] != 0 || !message.source.is_unicast_host()) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    message.kind = NeighbourMessageKind::echo_request;
    message.target = message.destination;
    message.icmp = icmp;
    return message;
}

Parsed parse_ipv4(Bytes packet, NeighbourMessage message) noexcept {
    if (packet.size() < kIpv4BytesMin) {
        return tl::unexpected(Drop::too_short);
    }
    const std::size_t header_bytes = std::size_t{packet[0] & 0x0fU} * 4;
    const std::size_t total_bytes = read_u16(packet, 2);
    if ((packet[0] >> 4) != 4 || header_bytes < kIpv4BytesMin || total_bytes < header_bytes) {
        return tl::unexpected(Drop::bad_ip_header);
    }
    if (total_bytes > packet.size()) {
        return tl::unexpected(Drop::too_short);
    }
    if (routing::fold_checksum(routing::ones_sum(packet.first(header_bytes))) != 0) {
        return tl::unexpected(Drop::bad_ip_header);
    }
    if ((read_u16(packet, 6) & 0x3fff) != 0) {  // more fragments, or an offset
        return tl::unexpected(Drop::ip_fragment);
    }
    if (packet[9] != kProtocolIcmp) {
        return tl::unexpected(Drop::wrong_protocol);
    }
    const Bytes icmp = packet.subspan(header_bytes, total_bytes - header_bytes);
    if (icmp.size() < kIcmpBytesMin) {
        return tl::unexpected(Drop::too_short);
    }
    if (routing::fold_checksum(routing::ones_sum(icmp)) != 0) {
        return tl::unexpected(Drop::bad_checksum);
    }
    message.family = Family::ipv4;
    message.source = read_ip(packet, 12, Family::ipv4);
    message.destination = read_ip(packet, 16, Family::ipv4);
    return icmp[0] == kEchoRequest4 ? parse_echo(icmp, message) : Parsed(message);
}

Parsed parse_ipv6(Bytes packet, NeighbourMessage message) noexcept {
    if (packet.size() < kIpv6Bytes) {
        return tl::unexpected(Drop::too_short);
    }
    if ((packet[0] >> 4) != 6) {
        return tl::unexpected(Drop::bad_ip_header);
    }
    if (packet[6] != kProtocolIcmpv6) {
        return tl::unexpected(Drop::wrong_protocol);
    }
    const std::size_t icmp_bytes = read_u16(packet, 4);
    if (icmp_bytes < kIcmpBytesMin || icmp_bytes > packet.size() - kIpv6Bytes) {
        return tl::unexpected(Drop::too_short);
    }
    message.family = Family::ipv6;
    message.source = read_ip(packet, 8, Family::ipv6);
    message.destination = read_ip(packet, 24, Family::ipv6);
    if (is_multicast6(message.source)) {
        return tl::unexpected(Drop::bad_ip_header);
    }
    const Bytes icmp = packet.subspan(kIpv6Bytes, icmp_bytes);
    const std::uint64_t pseudo = pseudo_sum6(message.source, message.destination, icmp_bytes);
    if (routing::fold_checksum(routing::ones_sum(icmp, pseudo)) != 0) {
        return tl::unexpected(Drop::bad_checksum);
    }
    switch (icmp[0]) {
        case kEchoRequest6:
            return parse_echo(icmp, message);
        case kSolicitation:
        case kAdvertisement:
            return parse_discovery(icmp, packet[7], message);
        default:
            return message;
    }
}

}  // namespace

Parsed parse_neighbour_frame(Bytes frame, std::uint16_t vlan) noexcept {
    if (frame.size() < kEthernetBytes) {
        return tl::unexpected(Drop::too_short);
    }
    NeighbourMessage message;
    message.frame_destination = read_mac(frame, 0);
    message.frame_source = read_mac(frame, 6);
    std::uint16_t ethertype = read_u16(frame, 12);
    std::size_t l3 = kEthernetBytes;
    std::uint16_t tag = 0;
    if (ethertype == kTypeVlan) {
        if (frame.size() < kEthernetBytes + 4) {
            return tl::unexpected(Drop::too_short);
        }
        tag = read_u16(frame, 14) & kVlanMask;
        ethertype = read_u16(frame, 16);
        l3 += 4;
    }
    if (tag != vlan) {
        return tl::unexpected(Drop::wrong_vlan);
    }
    if (!usable(message.frame_source)) {
        return tl::unexpected(Drop::bad_neighbour);
    }
    const Bytes packet = frame.subspan(l3);
    switch (ethertype) {
        case kTypeArp:
            return parse_arp(packet, message);
        case kTypeIpv4:
            return parse_ipv4(packet, message);
        case kTypeIpv6:
            return parse_ipv6(packet, message);
        default:
            return tl::unexpected(Drop::bad_ethertype);
    }
}

}  // namespace posthaste::controlplane
