// SPDX-License-Identifier: BSD-3-Clause
// parse_frame(): from bytes to a FrameView or a drop reason, one layer after the other.
#include <algorithm>

#include "routing/outer_layout.h"

namespace posthaste::routing {

using namespace outer;

namespace {

// The way of a frame that gets through is one function: what is read once stays in registers.
#define POSTHASTE_HOT [[nodiscard, gnu::always_inline]] inline

// The frame while it is read. `first` bytes are there to be read, `whole` exist.
struct Reading {
    const std::uint8_t* bytes;
    std::uint32_t first;
    std::uint32_t whole;
    const PortRules& rules;
    ChecksumHint hint;
    FrameView& view;
    bool group = false;    // destination MAC is a group
    bool pending = false;  // UDP checksum not verified here

    // Whether everything before `end` may be read.
    [[nodiscard]] Drop reach(std::uint32_t end) const noexcept {
        if (end <= first) [[likely]] {
            return Drop::none;
        }
        return end <= whole ? Drop::segmented : Drop::too_short;
    }
};

[[nodiscard]] bool same_ipv4(const IpAddress& ip, const std::uint8_t* at) noexcept {
    return load<std::uint32_t>(ip.bytes.data()) == load<std::uint32_t>(at);
}

[[nodiscard]] bool same_ipv6(const std::uint8_t* a, const std::uint8_t* b) noexcept {
    return ((load<std::uint64_t>(a) ^ load<std::uint64_t>(b)) |
            (load<std::uint64_t>(a + 8) ^ load<std::uint64_t>(b + 8))) == 0;
}

[[nodiscard]] bool is_port_ipv4(const PortRules& rules, const std::uint8_t* at) noexcept {
    for (unsigned i = 0; i < rules.ipv4_count; ++i) {
        if (same_ipv4(rules.ipv4[i], at)) [[likely]] {
            return true;
        }
    }
    return false;
}

[[nodiscard]] bool is_port_ipv6(const PortRules& rules, const std::uint8_t* at) noexcept {
    for (unsigned i = 0; i < rules.ipv6_count; ++i) {
        if (same_ipv6(rules.ipv6[i].bytes.data(), at)) [[likely]] {
            return true;
        }
    }
    return false;
}

// ff02::1, or ff02::1:ffXX:XXXX with the last 24 bits of an address of the port.
[[nodiscard]] bool is_neighbour_group(const PortRules& rules, const std::uint8_t* at) noexcept {
    constexpr std::uint8_t kAllNodes[16] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    constexpr std::uint8_t kSolicited[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
    if (std::equal(at, at + 16, kAllNodes)) {
        return true;
    }
    if (!std::equal(at, at + 13, kSolicited)) {
        return false;
    }
    return std::any_of(rules.ipv6.begin(), rules.ipv6.begin() + rules.ipv6_count, [&](auto& ip) {
        return std::equal(at + 13, at + 16, ip.bytes.begin() + 13);
    });
}

// Ours: IPv4 over Ethernet, asking for an address of the port or announcing the sender's own.
[[nodiscard]] Drop parse_arp(Reading& in) noexcept {
    const std::uint32_t at = in.view.l3;
    if (const Drop why = in.reach(at + kArpBytes); why != Drop::none) {
        return why;
    }
    constexpr std::uint8_t kEthernetIpv4[6] = {0, 1, 0x08, 0, 6, 4};
    const std::uint8_t* const arp = in.bytes + at;
    if (!std::equal(arp, arp + 6, kEthernetIpv4)) {
        return Drop::wrong_protocol;
    }
    const bool announces = load<std::uint32_t>(arp + 14) == load<std::uint32_t>(arp + 24);
    if (!announces && !is_port_ipv4(in.rules, arp + 24)) {
        return Drop::wrong_address;
    }
    in.view.kind = FrameKind::neighbour;
    return Drop::none;
}

// ICMP behind the IP header: `type` is the only one taken, beside ND's in `neighbours`.
[[nodiscard]] Drop parse_icmp(Reading& in,
                              std::uint32_t payload_bytes,
                              std::uint8_t echo_request,
                              bool to_port) noexcept {
    constexpr std::uint8_t kRouterSolicitation = 133;
    constexpr std::uint8_t kRedirect = 137;
    if (payload_bytes < kIcmpBytesMin) {
        return Drop::wrong_protocol;
    }
    if (const Drop why = in.reach(in.view.l4 + kIcmpBytesMin); why != Drop::none) {
        return why;
    }
    const std::uint8_t type = in.bytes[in.view.l4];
    const bool discovery =
        in.view.family == Family::ipv6 && type >= kRouterSolicitation && type <= kRedirect;
    if (!discovery && type != echo_request) {
        return Drop::wrong_protocol;
    }
    if (!discovery && !to_port) {
        return Drop::wrong_address;
    }
    if (!discovery && in.group) {
        return Drop::wrong_mac;
    }
    in.view.kind = FrameKind::neighbour;
    return Drop::none;
}

// An id as two words, to compare and test without a call.
struct IdWords {
    std::uint64_t low;
    std::uint64_t high;

    explicit IdWords(const AgentId& id) noexcept
        : low(load<std::uint64_t>(id.bytes.data())),
          high(load<std::uint64_t>(id.bytes.data() + 8)) {}

    [[nodiscard]] bool nil() const noexcept { return (low | high) == 0; }

    [[nodiscard]] bool operator==(const IdWords& other) const noexcept {
        return ((low ^ other.low) | (high ^ other.high)) == 0;
    }
};

[[nodiscard]] Drop check_other_type(const WireHeader& header, bool edge, FrameKind& kind) noexcept {
    switch (static_cast<Type>(header.type)) {
        case Type::error:
            return edge ? Drop::bad_type : Drop::none;  // kind: a message
        case Type::heartbeat:
            kind = FrameKind::heartbeat;
            return edge ? Drop::none : Drop::bad_type;
        case Type::register_agent:
        case Type::deregister:
        case Type::query:
            kind = FrameKind::control;
            return edge ? Drop::none : Drop::bad_type;
        default:
            return Drop::bad_type;
    }
}

[[nodiscard]] bool sound_tlvs(std::span<const std::uint8_t> tlvs) noexcept {
    TlvReader reader(tlvs);
    while (reader.next()) {
    }
    return reader.ok();
}

// Everything about a message header whose lengths are sound.
POSTHASTE_HOT Drop check_header(const WireHeader& header,
                                std::uint32_t header_bytes,
                                bool edge,
                                FrameKind& kind) noexcept {
    const bool message = header.type == static_cast<std::uint8_t>(Type::message);
    if (!message) [[unlikely]] {
        if (const Drop why = check_other_type(header, edge, kind); why != Drop::none) {
            return why;
        }
    }
    const IdWords source(header.source);
    const IdWords destination(header.destination);
    const IdWords router(kRouterId);
    const bool error = header.type == static_cast<std::uint8_t>(Type::error);
    if (destination.nil() || source.nil() || source == destination ||
        (source == router && !error)) {
        return Drop::bad_agent_id;
    }
    if (header.addressing() > kAddressingMax || header.strategy() > kStrategyMax) {
        return Drop::bad_addressing;
    }
    const bool request = !message && !error;
    if (request && (header.addressing() != 0 || destination != router)) {
        return Drop::bad_addressing;
    }
    if (header_bytes > kHeaderBytesMin) [[unlikely]] {
        const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&header);
        if (!sound_tlvs({bytes + kHeaderBytesMin, header_bytes - kHeaderBytesMin})) {
            return Drop::bad_tlv;
        }
    }
    const std::uint16_t flags = header.flags;
    const bool relayed = (flags & flag::relayed) != 0;
    if (edge ? (flags & (flag::relayed | flag::redirected)) != 0 : !relayed) {
        return Drop::bad_flags;
    }
    return header.hop_limit == 0 ? Drop::hop_limit : Drop::none;
}

// Somebody an answer can be sent to, about something that is no answer.
[[nodiscard]] bool answerable(const WireHeader& header) noexcept {
    const IdWords source(header.source);
    return !source.nil() && source != IdWords(kRouterId) &&
           header.type != static_cast<std::uint8_t>(Type::query_reply) &&
           header.type != static_cast<std::uint8_t>(Type::ack) &&
           header.type != static_cast<std::uint8_t>(Type::error);
}

// The Posthaste header: `bytes` bytes of UDP payload, checksum verified or pending.
POSTHASTE_HOT Drop parse_message(Reading& in, std::uint32_t bytes) noexcept {
    FrameView& view = in.view;
    const std::uint32_t at = view.l4 + kUdpBytes;
    if (bytes < kHeaderBytesMin) {
        return Drop::bad_length;
    }
    if (const Drop why = in.reach(at + kHeaderBytesMin); why != Drop::none) {
        return why;
    }
    const auto& header = *reinterpret_cast<const WireHeader*>(in.bytes + at);
    if (header.magic != kMagic) {
        return Drop::bad_magic;
    }
    view.header_bytes = kHeaderBytesMin;
    view.payload_bytes = static_cast<std::uint16_t>(bytes - kHeaderBytesMin);
    Drop why = Drop::bad_version;
    if (header.version() == kVersion) [[likely]] {
        const auto header_bytes = static_cast<std::uint32_t>(header.header_bytes());
        if (header_bytes < kHeaderBytesMin || header_bytes + header.payload_length != bytes) {
            return Drop::bad_length;
        }
        if (const Drop far = in.reach(at + header_bytes); far != Drop::none) {
            return far;
        }
        view.header_bytes = static_cast<std::uint16_t>(header_bytes);
        view.payload_bytes = header.payload_length;
        why = check_header(header, header_bytes, in.rules.edge, view.kind);
    }
    if (why == Drop::none || (!in.pending && answerable(header))) {
        view.message = static_cast<std::uint16_t>(at);
    }
    return why;
}

// `ip_payload` bytes behind the IP header, all of them in the frame.
POSTHASTE_HOT Drop parse_udp(Reading& in, std::uint32_t ip_payload) noexcept {
    const std::uint32_t at = in.view.l4;
    if (ip_payload < kUdpBytes) {
        return Drop::bad_udp_length;
    }
    if (const Drop why = in.reach(at + kUdpBytes); why != Drop::none) {
        return why;
    }
    const std::uint8_t* const udp = in.bytes + at;
    if (load_be16(udp + kUdpDestination) != in.rules.udp_port) {
        return Drop::wrong_udp_port;
    }
    if (load_be16(udp + kUdpLength) != ip_payload) {
        return Drop::bad_udp_length;
    }
    if (load<std::uint16_t>(udp + kUdpChecksum) == 0) {
        if (in.view.family == Family::ipv6) {
            return Drop::bad_checksum;
        }
    } else if (in.rules.verify_checksum && in.hint != ChecksumHint::good) {
        if (in.hint == ChecksumHint::bad) {
            return Drop::bad_checksum;
        }
        if (at + ip_payload > in.first) {
            in.pending = true;
        } else if (!udp_checksum_holds(in.bytes, in.view, static_cast<std::uint16_t>(ip_payload))) {
            return Drop::bad_checksum;
        }
    }
    return parse_message(in, ip_payload - kUdpBytes);
}

POSTHASTE_HOT Drop parse_ipv4(Reading& in) noexcept {
    FrameView& view = in.view;
    view.family = Family::ipv4;
    const std::uint32_t at = view.l3;
    if (const Drop why = in.reach(at + kIpv4Bytes); why != Drop::none) {
        return why;
    }
    const std::uint8_t* const ip = in.bytes + at;
    const std::uint32_t header_bytes = (ip[0] & 0x0fU) * 4;
    const std::uint32_t total = load_be16(ip + 2);
    if ((ip[0] >> 4) != 4 || header_bytes < kIpv4Bytes || total < header_bytes) {
        return Drop::bad_ip_header;
    }
    if (at + total > in.whole) {
        return Drop::too_short;
    }
    if (const Drop why = in.reach(at + header_bytes); why != Drop::none) {
        return why;
    }
    std::uint64_t sum = halves(load<std::uint64_t>(ip)) + halves(load<std::uint64_t>(ip + 8)) +
                        load<std::uint32_t>(ip + 16);
    for (std::uint32_t option = kIpv4Bytes; option < header_bytes; option += 4) {
        sum += load<std::uint32_t>(ip + option);
    }
    // Nobody can answer a sender that is no host: 0/8, 127/8, multicast, reserved.
    const std::uint8_t net = ip[kIpv4Source];
    if (fold(sum) != 0xffff || net == 0 || net == 127 || net >= 224) {
        return Drop::bad_ip_header;
    }
    constexpr std::uint16_t kMoreOrOffset = 0x3fff;
    if ((load_be16(ip + 6) & kMoreOrOffset) != 0) {
        return Drop::ip_fragment;
    }
    if (!is_port_ipv4(in.rules, ip + kIpv4Destination)) {
        return Drop::wrong_address;
    }
    view.l4 = static_cast<std::uint16_t>(at + header_bytes);
    if (ip[9] == kProtocolUdp) [[likely]] {
        return in.group ? Drop::wrong_mac : parse_udp(in, total - header_bytes);
    }
    constexpr std::uint8_t kEchoRequest = 8;
    return ip[9] == kProtocolIcmp ? parse_icmp(in, total - header_bytes, kEchoRequest, true)
                                  : Drop::wrong_protocol;
}

[[nodiscard]] bool is_ipv6_extension(std::uint8_t next_header) noexcept {
    switch (next_header) {
        case 0:    // hop-by-hop options
        case 43:   // routing
        case 44:   // fragment
        case 50:   // encapsulating security payload
        case 51:   // authentication
        case 60:   // destination options
        case 135:  // mobility
        case 139:  // host identity
        case 140:  // shim6
            return true;
        default:
            return false;
    }
}

// Neither multicast nor in ::/80, where the unspecified, loopback and mapped addresses are.
[[nodiscard]] bool is_ipv6_host(const std::uint8_t* at) noexcept {
    return at[0] != 0xff && (load<std::uint64_t>(at) | load<std::uint16_t>(at + 8)) != 0;
}

POSTHASTE_HOT Drop parse_ipv6(Reading& in) noexcept {
    FrameView& view = in.view;
    view.family = Family::ipv6;
    const std::uint32_t at = view.l3;
    if (const Drop why = in.reach(at + kIpv6Bytes); why != Drop::none) {
        return why;
    }
    const std::uint8_t* const ip = in.bytes + at;
    if ((ip[0] >> 4) != 6) {
        return Drop::bad_ip_header;
    }
    const std::uint32_t payload_bytes = load_be16(ip + 4);
    if (at + kIpv6Bytes + payload_bytes > in.whole) {
        return Drop::too_short;
    }
    const std::uint8_t next_header = ip[6];
    if (is_ipv6_extension(next_header)) {
        return Drop::ip_extension;
    }
    view.l4 = static_cast<std::uint16_t>(at + kIpv6Bytes);
    const bool to_port = is_port_ipv6(in.rules, ip + kIpv6Destination);
    if (next_header == kProtocolIcmpv6) {
        constexpr std::uint8_t kEchoRequest = 128;
        if (!to_port && !is_neighbour_group(in.rules, ip + kIpv6Destination)) {
            return Drop::wrong_address;
        }
        return parse_icmp(
            in, payload_bytes, kEchoRequest, to_port && is_ipv6_host(ip + kIpv6Source));
    }
    if (!to_port) {
        return Drop::wrong_address;
    }
    if (next_header != kProtocolUdp) {
        return Drop::wrong_protocol;
    }
    if (!is_ipv6_host(ip + kIpv6Source)) {
        return Drop::bad_ip_header;
    }
    return in.group ? Drop::wrong_mac : parse_udp(in, payload_bytes);
}

POSTHASTE_HOT Drop parse_ethernet(Reading& in) noexcept {
    if (const Drop why = in.reach(kEthernetBytes); why != Drop::none) {
        return why;
    }
    constexpr std::uint64_t kMacMask = 0xffff'ffff'ffff;
    const std::uint8_t* const bytes = in.bytes;
    const std::uint64_t destination = load<std::uint64_t>(bytes) & kMacMask;
    const std::uint8_t* const mac = in.rules.mac.bytes.data();
    const std::uint64_t own = load<std::uint32_t>(mac) | std::uint64_t{load<std::uint16_t>(mac + 4)}
                                                             << 32;
    in.group = (bytes[0] & 1) != 0;
    const bool sender_is_group = (bytes[kMacSource] & 1) != 0;
    if (sender_is_group || (destination != own && !in.group && !in.rules.accept_any_mac)) {
        return Drop::wrong_mac;
    }
    std::uint32_t l3 = kEthernetBytes;
    std::uint16_t ethertype = load_be16(bytes + kEthertype);
    std::uint16_t vlan = 0;
    if (ethertype == kEthertypeTag) {
        l3 += kTagBytes;
        if (const Drop why = in.reach(l3); why != Drop::none) {
            return why;
        }
        vlan = load_be16(bytes + kEthertype + 2) & 0x0fff;
        ethertype = load_be16(bytes + kEthertype + 4);
    }
    if (vlan != in.rules.vlan) {
        return Drop::wrong_vlan;
    }
    in.view.l3 = static_cast<std::uint16_t>(l3);
    switch (ethertype) {
        case kEthertypeIpv4:
            return parse_ipv4(in);
        case kEthertypeIpv6:
            return parse_ipv6(in);
        case kEthertypeArp:
            return parse_arp(in);
        default:
            return Drop::bad_ethertype;
    }
}

}  // namespace

ParseResult parse_frame(std::span<const std::uint8_t> first,
                        std::uint32_t frame_bytes,
                        const PortRules& rules,
                        ChecksumHint hint,
                        FrameView& view) noexcept {
    view = {};
    const auto readable =
        static_cast<std::uint32_t>(std::min<std::size_t>(first.size(), frame_bytes));
    Reading in{first.data(), readable, frame_bytes, rules, hint, view};
    const Drop drop = parse_ethernet(in);
    return {drop, drop == Drop::none && in.pending};
}

}  // namespace posthaste::routing
