// SPDX-License-Identifier: BSD-3-Clause
// Building of ARP, neighbour discovery and echo frames.
#include <algorithm>
#include <utility>

#include "controlplane/neighbour_frames.h"
#include "controlplane/neighbour_wire.h"
#include "routing/frame.h"

namespace posthaste::controlplane {

namespace {

using namespace wire;
using routing::Family;
using routing::IpAddress;
using routing::Mac;

// Appends to a frame; sizes are known beforehand, so the vector grows once.
class FrameBuilder {
  public:
    FrameBuilder(const LinkSide& link, const Mac& to, std::uint16_t ethertype, std::size_t bytes) {
        frame_.reserve(std::max(kFrameBytesMin, kEthernetBytes + 4 + bytes));
        put(to.bytes);
        put(link.mac.bytes);
        if (link.vlan != 0) {
            put_u16(kTypeVlan);
            put_u16(link.vlan);
        }
        put_u16(ethertype);
    }

    void put(Bytes bytes) { frame_.insert(frame_.end(), bytes.begin(), bytes.end()); }

    void put_u8(std::uint8_t value) { frame_.push_back(value); }

    void put_u16(std::size_t value) {
        frame_.push_back(static_cast<std::uint8_t>(value >> 8));
        frame_.push_back(static_cast<std::uint8_t>(value));
    }

    void put_zeros(std::size_t count) { frame_.insert(frame_.end(), count, 0); }

    [[nodiscard]] std::size_t size() const noexcept { return frame_.size(); }

    // Writes the checksum of everything from `from` on, with `sum` of a pseudo header, at `at`.
    void checksum(std::size_t from, std::size_t at, std::uint64_t sum = 0) {
        const Bytes covered = Bytes(frame_).subspan(from);
        const std::uint16_t folded = routing::fold_checksum(routing::ones_sum(covered, sum));
        frame_[at] = static_cast<std::uint8_t>(folded >> 8);
        frame_[at + 1] = static_cast<std::uint8_t>(folded);
    }

    [[nodiscard]] FrameBytes finish() {
        if (frame_.size() < kFrameBytesMin) {
            frame_.resize(kFrameBytesMin);
        }
        return std::move(frame_);
    }

  private:
    FrameBytes frame_;
};

void put_ipv4(FrameBuilder& frame,
              const IpAddress& source,
              const IpAddress& destination,
              std::size_t payload_bytes) {
    const std::size_t start = frame.size();
    frame.put_u8(0x45);
    frame.put_u8(0);
    frame.put_u16(kIpv4BytesMin + payload_bytes);
    frame.put_u16(0);       // identification: never fragmented (RFC 6864)
    frame.put_u16(0x4000);  // do not fragment
    frame.put_u8(routing::kOuterHopLimit);
    frame.put_u8(kProtocolIcmp);
    frame.put_u16(0);
    frame.put(as_bytes(source));
    frame.put(as_bytes(destination));
    frame.checksum(start, start + 10);
}

void put_ipv6(FrameBuilder& frame,
              const IpAddress& source,
              const IpAddress& destination,
              std::size_t payload_bytes,
              std::uint8_t hop_limit) {
    frame.put_u8(0x60);
    frame.put_zeros(3);
    frame.put_u16(payload_bytes);
    frame.put_u8(kProtocolIcmpv6);
    frame.put_u8(hop_limit);
    frame.put(as_bytes(source));
    frame.put(as_bytes(destination));
}

struct ArpFields {
    std::uint16_t operation = 1;
    IpAddress sender;
    Mac target_mac;  // zero where it is what one asks for
    IpAddress target;
};

FrameBytes make_arp(const LinkSide& link, const Mac& to, const ArpFields& fields) {
    FrameBuilder frame(link, to, kTypeArp, kArpBytes);
    frame.put_u16(1);
    frame.put_u16(kTypeIpv4);
    frame.put_u8(6);
    frame.put_u8(4);
    frame.put_u16(fields.operation);
    frame.put(link.mac.bytes);
    frame.put(as_bytes(fields.sender));
    frame.put(fields.target_mac.bytes);
    frame.put(as_bytes(fields.target));
    return frame.finish();
}

struct DiscoveryFields {
    std::uint8_t type = kSolicitation;
    std::uint8_t flags = 0;
    IpAddress source;
    IpAddress destination;
    IpAddress target;
    bool with_link_address = true;
};

FrameBytes make_discovery(const LinkSide& link, const Mac& to, const DiscoveryFields& fields) {
    const std::size_t bytes = kDiscoveryBytes + (fields.with_link_address ? 8 : 0);
    FrameBuilder frame(link, to, kTypeIpv6, kIpv6Bytes + bytes);
    put_ipv6(frame, fields.source, fields.destination, bytes, kDiscoveryHopLimit);
    const std::size_t start = frame.size();
    frame.put_u8(fields.type);
    frame.put_zeros(3);
    frame.put_u8(fields.flags);
    frame.put_zeros(3);
    frame.put(as_bytes(fields.target));
    if (fields.with_link_address) {
        frame.put_u8(fields.type == kSolicitation ? kOptionSourceLink : kOptionTargetLink);
        frame.put_u8(1);
        frame.put(link.mac.bytes);
    }
    frame.checksum(start, start + 2, pseudo_sum6(fields.source, fields.destination, bytes));
    return frame.finish();
}

}  // namespace

IpAddress solicited_node_address(const IpAddress& ip) noexcept {
    IpAddress group = {{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0}, Family::ipv6};
    std::copy(ip.bytes.begin() + 13, ip.bytes.end(), group.bytes.begin() + 13);
    return group;
}

Mac multicast_mac(const IpAddress& group) noexcept {
    Mac mac{{0x33, 0x33, 0, 0, 0, 0}};
    std::copy(group.bytes.begin() + 12, group.bytes.end(), mac.bytes.begin() + 2);
    return mac;
}

FrameBytes make_request(const LinkSide& link,
                        const IpAddress& source,
                        const IpAddress& target,
                        const Mac* known) {
    if (target.family == Family::ipv4) {
        return make_arp(link, known != nullptr ? *known : kBroadcastMac, {1, source, {}, target});
    }
    const IpAddress group = solicited_node_address(target);
    return make_discovery(link,
                          known != nullptr ? *known : multicast_mac(group),
                          {.type = kSolicitation,
                           .flags = 0,
                           .source = source,
                           .destination = known != nullptr ? target : group,
                           .target = target,
                           .with_link_address = !is_zero(source)});
}

FrameBytes make_reply(const LinkSide& link, const IpAddress& own, const NeighbourMessage& request) {
    const Mac to = request.link_address.value_or(request.frame_source);
    if (own.family == Family::ipv4) {
        return make_arp(link, to, {2, own, to, request.source});
    }
    // A host that checks for duplicates has no address yet: all nodes are told (RFC 4861, 7.2.4).
    const bool nobody = is_zero(request.source);
    return make_discovery(
        link,
        nobody ? multicast_mac(kAllNodes) : to,
        {.type = kAdvertisement,
         .flags = static_cast<std::uint8_t>(kFlagOverride | (nobody ? 0 : kFlagSolicited)),
         .source = own,
         .destination = nobody ? kAllNodes : request.source,
         .target = own});
}

FrameBytes make_announcement(const LinkSide& link, const IpAddress& own) {
    if (own.family == Family::ipv4) {
        return make_arp(link, kBroadcastMac, {1, own, {}, own});
    }
    return make_discovery(link,
                          multicast_mac(kAllNodes),
                          {.type = kAdvertisement,
                           .flags = kFlagOverride,
                           .source = own,
                           .destination = kAllNodes,
                           .target = own});
}

FrameBytes make_echo_reply(const LinkSide& link, const NeighbourMessage& request) {
    const bool ipv4 = request.family == Family::ipv4;
    const std::size_t bytes = request.icmp.size();
    FrameBuilder frame(link,
                       request.frame_source,
                       ipv4 ? kTypeIpv4 : kTypeIpv6,
                       bytes + (ipv4 ? kIpv4BytesMin : kIpv6Bytes));
    if (ipv4) {
        put_ipv4(frame, request.target, request.source, bytes);
    } else {
        put_ipv6(frame, request.target, request.source, bytes, routing::kOuterHopLimit);
    }
    const std::size_t start = frame.size();
    frame.put_u8(ipv4 ? 0 : kEchoReply6);
    frame.put_zeros(3);
    frame.put(request.icmp.subspan(4));
    frame.checksum(start, start + 2, ipv4 ? 0 : pseudo_sum6(request.target, request.source, bytes));
    return frame.finish();
}

}  // namespace posthaste::controlplane
