// SPDX-License-Identifier: BSD-3-Clause
#include "tests/support/frame_builder.h"

#include <algorithm>

namespace posthaste::test {

using namespace routing;

namespace {

void put8(FrameBytes& out, std::uint64_t value) {
    out.push_back(static_cast<std::uint8_t>(value));
}

void put16(FrameBytes& out, std::uint64_t value) {
    put8(out, value >> 8);
    put8(out, value);
}

void put32(FrameBytes& out, std::uint64_t value) {
    put16(out, value >> 16);
    put16(out, value);
}

void put64(FrameBytes& out, std::uint64_t value) {
    put32(out, value >> 32);
    put32(out, value);
}

template <typename Bytes>
void put(FrameBytes& out, const Bytes& bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_ip(FrameBytes& out, const IpAddress& address) {
    out.insert(out.end(), address.bytes.begin(), address.bytes.begin() + address.size());
}

std::uint16_t get16(const FrameBytes& frame, std::size_t at) {
    return static_cast<std::uint16_t>(frame[at] << 8 | frame[at + 1]);
}

void set16(FrameBytes& frame, std::size_t at, std::uint16_t value) {
    frame[at] = static_cast<std::uint8_t>(value >> 8);
    frame[at + 1] = static_cast<std::uint8_t>(value);
}

FrameBytes message_bytes(const FrameSpec& spec) {
    std::vector<std::uint8_t> tlvs = spec.tlvs;
    tlvs.resize((tlvs.size() + 15) / 16 * 16);
    FrameBytes out;
    put16(out, 0x5048);
    put8(out, 0x10 | (4 + tlvs.size() / 16));
    put8(out, static_cast<std::uint8_t>(spec.type));
    put8(out, spec.performative);
    put8(out, spec.addressing_strategy);
    put8(out, spec.priority);
    put8(out, spec.hop_limit);
    put16(out, spec.flags);
    put16(out, spec.payload.size());
    put32(out, spec.lifetime_ms);
    put(out, spec.destination.bytes);
    put(out, spec.source.bytes);
    put64(out, spec.conversation);
    put64(out, spec.message);
    put(out, tlvs);
    put(out, spec.payload);
    return out;
}

}  // namespace

AgentId agent(std::uint32_t number) {
    AgentId id{{0xa6, 0xe4, 0, 0, 0, 0, 0x40, 0, 0x80}};
    for (unsigned i = 0; i < 4; ++i) {
        id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
    }
    return id;
}

Mac mac(std::uint8_t number) {
    return Mac{{2, 0, 0, 0, 0, number}};
}

IpAddress ip(std::string_view text) {
    return IpAddress::from_text(text).value();
}

IpAddress ipv4(std::uint8_t number) {
    IpAddress address{{10, 0, 0, number}, Family::ipv4};
    return address;
}

IpAddress ipv6(std::uint8_t number) {
    IpAddress address{{0xfd}, Family::ipv6};
    address.bytes[15] = number;
    return address;
}

FrameSpec ipv6_spec() {
    FrameSpec spec;
    spec.source_ip = ipv6(kSenderNumber);
    spec.destination_ip = ipv6(kBoxNumber);
    return spec;
}

FrameSpec control_spec(Type type, std::vector<std::uint8_t> payload) {
    FrameSpec spec;
    spec.type = type;
    spec.destination = kRouterId;
    spec.payload = std::move(payload);
    return spec;
}

FrameBytes build(const FrameSpec& spec) {
    const FrameBytes message = message_bytes(spec);
    FrameBytes out;
    put(out, spec.destination_mac.bytes);
    put(out, spec.source_mac.bytes);
    if (spec.tag) {
        put16(out, 0x8100);
        put16(out, *spec.tag);
    }
    const std::size_t udp_bytes = 8 + message.size();
    if (spec.source_ip.family == Family::ipv4) {
        const std::size_t header_bytes = 20 + spec.ipv4_options.size();
        put16(out, 0x0800);
        put8(out, 0x40 | header_bytes / 4);
        put8(out, 0);
        put16(out, header_bytes + udp_bytes);
        put32(out, 0x12344000);  // identification, don't fragment
        put16(out, 0x4011);      // 64 hops, UDP
        put16(out, 0);
        put_ip(out, spec.source_ip);
        put_ip(out, spec.destination_ip);
        put(out, spec.ipv4_options);
    } else {
        put16(out, 0x86dd);
        put32(out, 0x60000000);
        put16(out, udp_bytes);
        put16(out, 0x1140);  // UDP, 64 hops
        put_ip(out, spec.source_ip);
        put_ip(out, spec.destination_ip);
    }
    put16(out, spec.source_port);
    put16(out, spec.destination_port);
    put16(out, udp_bytes);
    put16(out, spec.udp_checksum ? 1 : 0);
    put(out, message);
    seal(out);
    out.resize(out.size() + spec.ethernet_padding);
    return out;
}

std::size_t ip_offset(const FrameBytes& frame) {
    return get16(frame, 12) == 0x8100 ? 18 : 14;
}

std::size_t udp_offset(const FrameBytes& frame) {
    const std::size_t ip = ip_offset(frame);
    return ip + (frame[ip] >> 4 == 4 ? (frame[ip] & 0x0fU) * 4 : 40);
}

std::size_t message_offset(const FrameBytes& frame) {
    return udp_offset(frame) + 8;
}

std::uint16_t plain_checksum(const FrameBytes& bytes) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        sum +=
            static_cast<std::uint32_t>(bytes[i] << 8 | (i + 1 < bytes.size() ? bytes[i + 1] : 0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return static_cast<std::uint16_t>(~sum);
}

std::uint16_t udp_checksum_field(const FrameBytes& frame) {
    return get16(frame, udp_offset(frame) + 6);
}

std::uint16_t full_udp_checksum(const FrameBytes& frame) {
    const std::size_t l3 = ip_offset(frame);
    const std::size_t l4 = udp_offset(frame);
    const bool is_ipv4 = frame[l3] >> 4 == 4;
    const std::size_t addresses = l3 + (is_ipv4 ? 12 : 8);
    const std::size_t udp_bytes = std::min<std::size_t>(get16(frame, l4 + 4), frame.size() - l4);
    const auto at = [&](std::size_t offset) {
        return frame.begin() + static_cast<std::ptrdiff_t>(offset);
    };
    FrameBytes covered(at(addresses), at(addresses + (is_ipv4 ? 8 : 32)));
    put32(covered, udp_bytes);
    put32(covered, 17);
    covered.insert(covered.end(), at(l4), at(l4 + 6));
    covered.insert(covered.end(), 2, 0);
    covered.insert(covered.end(), at(l4 + 8), at(l4 + udp_bytes));
    const std::uint16_t checksum = plain_checksum(covered);
    return checksum == 0 ? std::uint16_t{0xffff} : checksum;
}

void seal(FrameBytes& frame) {
    const std::size_t l3 = ip_offset(frame);
    const std::size_t l4 = udp_offset(frame);
    if (frame[l3] >> 4 == 4) {
        set16(frame, l3 + 10, 0);
        const auto begin = frame.begin() + static_cast<std::ptrdiff_t>(l3);
        set16(frame,
              l3 + 10,
              plain_checksum(FrameBytes(begin, begin + static_cast<std::ptrdiff_t>(l4 - l3))));
    }
    if (udp_checksum_field(frame) != 0) {
        set16(frame, l4 + 6, full_udp_checksum(frame));
    }
}

PortRules edge_rules() {
    PortRules rules;
    rules.mac = mac(kBoxNumber);
    rules.ipv4_count = 1;
    rules.ipv4[0] = ipv4(kBoxNumber);
    rules.ipv6_count = 1;
    rules.ipv6[0] = ipv6(kBoxNumber);
    return rules;
}

PortRules fabric_rules() {
    PortRules rules = edge_rules();
    rules.edge = false;
    return rules;
}

Parsed parse(const FrameBytes& frame, const PortRules& rules) {
    Parsed parsed;
    const ParseResult result = parse_frame(
        frame, static_cast<std::uint32_t>(frame.size()), rules, ChecksumHint::unknown, parsed.view);
    parsed.drop = result.drop;
    parsed.checksum_pending = result.checksum_pending;
    return parsed;
}

Hop hop_to(Family family, std::uint16_t vlan) {
    const bool four = family == Family::ipv4;
    Hop hop;
    hop.source_mac = mac(0x51);
    hop.destination_mac = mac(0x52);
    hop.vlan = vlan;
    hop.source_ip = four ? ipv4(0x51) : ipv6(0x51);
    hop.destination_ip = four ? ipv4(0x52) : ipv6(0x52);
    hop.udp_port = 5151;
    return hop;
}

FrameBytes rewritten(const FrameBytes& frame,
                     const FrameView& view,
                     const Hop& hop,
                     const HeaderChange& change) {
    constexpr std::size_t kRoom = 128;
    FrameBytes buffer(kRoom);
    buffer.insert(buffer.end(), frame.begin(), frame.begin() + frame_end(view));
    const std::uint16_t message_bytes = view.header_bytes + view.payload_bytes;
    const std::size_t message = kRoom + view.message;
    const std::size_t out = message - outer_bytes(hop.destination_ip.family, hop.vlan != 0);
    const OldOuter old = read_outer(buffer.data() + kRoom, view);
    if (!rewrite_frame(
            &buffer[out], std::span(buffer).subspan(message), message_bytes, old, hop, change)) {
        return {};
    }
    return {buffer.begin() + static_cast<std::ptrdiff_t>(out), buffer.end()};
}

}  // namespace posthaste::test
