// SPDX-License-Identifier: BSD-3-Clause
// New outer headers for the next hop, and answers in the place of their request.
#include <algorithm>

#include "routing/outer_layout.h"

namespace posthaste::routing {

using namespace outer;

namespace outer {

void write_ipv4(std::uint8_t* l3,
                const std::uint8_t* source,
                const std::uint8_t* destination,
                std::uint32_t udp_bytes) noexcept {
    // Version, header length, no service class; identification 0 with "don't fragment" makes it
    // an atomic datagram (RFC 6864).
    constexpr std::uint32_t kFirst = 0x00000045;
    constexpr std::uint32_t kFragment = 0x00400000;
    constexpr std::uint32_t kHopsProtocol = kOuterHopLimit | std::uint32_t{kProtocolUdp} << 8;
    const std::uint32_t total =
        __builtin_bswap16(static_cast<std::uint16_t>(kIpv4Bytes + udp_bytes));
    const auto from = load<std::uint32_t>(source);
    const auto to = load<std::uint32_t>(destination);
    const std::uint64_t sum = std::uint64_t{kFirst} + total + kFragment + kHopsProtocol + from + to;
    store(l3, kFirst | total << 16);
    store(l3 + 4, kFragment);
    store(l3 + 8, kHopsProtocol | std::uint32_t{static_cast<std::uint16_t>(~fold(sum))} << 16);
    store(l3 + kIpv4Source, from);
    store(l3 + kIpv4Destination, to);
}

void write_ipv6(std::uint8_t* l3,
                const std::uint8_t* source,
                const std::uint8_t* destination,
                std::uint32_t udp_bytes) noexcept {
    const std::uint64_t length = __builtin_bswap16(static_cast<std::uint16_t>(udp_bytes));
    store(l3,
          std::uint64_t{0x60} | length << 32 | std::uint64_t{kProtocolUdp} << 48 |
              std::uint64_t{kOuterHopLimit} << 56);
    std::memmove(l3 + kIpv6Source, source, 16);
    std::memmove(l3 + kIpv6Destination, destination, 16);
}

}  // namespace outer

OuterSource outer_source(const std::uint8_t* frame, const FrameView& view) noexcept {
    OuterSource source;
    std::memcpy(source.mac.bytes.data(), frame + kMacSource, source.mac.bytes.size());
    source.ip.family = view.family;
    if (view.family == Family::ipv4) {
        std::memcpy(source.ip.bytes.data(), frame + view.l3 + kIpv4Source, 4);
    } else {
        std::memcpy(source.ip.bytes.data(), frame + view.l3 + kIpv6Source, 16);
    }
    source.udp_port = load_be16(frame + view.l4 + kUdpSource);
    return source;
}

OldOuter read_outer(const std::uint8_t* frame, const FrameView& view) noexcept {
    const std::uint8_t* const l4 = frame + view.l4;
    OldOuter old;
    old.sum =
        address_pair_sum(frame + view.l3, view.family) + load<std::uint16_t>(l4 + kUdpDestination);
    old.udp_source = load<std::uint16_t>(l4 + kUdpSource);
    old.checksum = load<std::uint16_t>(l4 + kUdpChecksum);
    return old;
}

bool rewrite_frame(std::uint8_t* out,
                   std::span<std::uint8_t> message,
                   std::uint16_t message_bytes,
                   const OldOuter& old,
                   const Hop& hop,
                   const HeaderChange& change) noexcept {
    const bool to_ipv6 = hop.destination_ip.family == Family::ipv6;
    const bool in_full = old.checksum == 0 && to_ipv6;
    if (in_full && message.size() < message_bytes) {
        return false;
    }
    const std::uint32_t udp_bytes = kUdpBytes + std::uint32_t{message_bytes};

    std::memcpy(out, hop.destination_mac.bytes.data(), 6);
    std::memcpy(out + kMacSource, hop.source_mac.bytes.data(), 6);
    std::uint8_t* l3 = out + kEthernetBytes;
    if (hop.vlan != 0) {
        store_be16(out + kEthertype, kEthertypeTag);
        store_be16(out + kEthertype + 2, hop.vlan);
        l3 += kTagBytes;
    }
    store_be16(l3 - 2, to_ipv6 ? kEthertypeIpv6 : kEthertypeIpv4);
    const std::uint8_t* const from = hop.source_ip.bytes.data();
    const std::uint8_t* const to = hop.destination_ip.bytes.data();
    std::uint8_t* l4 = nullptr;
    std::uint64_t new_sum = 0;
    if (to_ipv6) {
        write_ipv6(l3, from, to, udp_bytes);
        l4 = l3 + kIpv6Bytes;
        new_sum = halves(load<std::uint64_t>(from)) + halves(load<std::uint64_t>(from + 8)) +
                  halves(load<std::uint64_t>(to)) + halves(load<std::uint64_t>(to + 8));
    } else {
        write_ipv4(l3, from, to, udp_bytes);
        l4 = l3 + kIpv4Bytes;
        new_sum = std::uint64_t{load<std::uint32_t>(from)} + load<std::uint32_t>(to);
    }

    // Words of the message header that change: hop limit with its neighbour, flags, lifetime.
    std::uint8_t* const header = message.data();
    const std::uint32_t port = __builtin_bswap16(hop.udp_port);
    const std::uint64_t old_sum = old.sum + load<std::uint16_t>(header + 6) +
                                  load<std::uint16_t>(header + 8) +
                                  load<std::uint32_t>(header + 12);
    const std::uint32_t hops = header[6] | std::uint32_t{change.hop_limit} << 8;  // in memory order
    const std::uint32_t flags = __builtin_bswap16(change.flags);
    const std::uint32_t lifetime = __builtin_bswap32(change.lifetime_ms);
    header[7] = change.hop_limit;
    store(header + 8, static_cast<std::uint16_t>(flags));
    store(header + 12, lifetime);
    new_sum += std::uint64_t{port} + hops + flags + lifetime;

    std::uint16_t checksum = 0;
    if (old.checksum != 0) {
        // RFC 1624, equation 3; the complement of a 64-bit sum is its negative modulo 0xffff.
        checksum =
            udp_checksum_of(new_sum + halves(~old_sum) + static_cast<std::uint16_t>(~old.checksum));
    }
    const std::uint64_t length = __builtin_bswap16(static_cast<std::uint16_t>(udp_bytes));
    store(l4,
          std::uint64_t{old.udp_source} | std::uint64_t{port} << 16 | length << 32 |
              std::uint64_t{checksum} << 48);
    if (in_full) {
        // The ports and both lengths are not in the message.
        const std::uint64_t rest = address_pair_sum(l3, Family::ipv6) + old.udp_source + port +
                                   length + pseudo_tail_sum(static_cast<std::uint16_t>(udp_bytes));
        store(l4 + kUdpChecksum, udp_checksum_of(rest + memory_sum(header, message_bytes)));
    }
    return true;
}

namespace {

// Swaps two fields of `Bytes` bytes.
template <std::size_t Bytes>
void exchange(std::uint8_t* a, std::uint8_t* b) noexcept {
    std::uint8_t kept[Bytes];
    std::memcpy(kept, a, Bytes);
    std::memcpy(a, b, Bytes);
    std::memcpy(b, kept, Bytes);
}

// The header of the answer to `request`, but for the payload length.
WireHeader answer_header(const WireHeader& request, Type type, ErrorCode code) noexcept {
    WireHeader answer{};
    answer.magic = kMagic;
    answer.version_length = kVersion << 4 | kHeaderBytesMin / 16;
    answer.type = static_cast<std::uint8_t>(type);
    answer.performative = type == Type::ack ? request.type : static_cast<std::uint8_t>(code);
    answer.priority = request.priority & 0xf0;
    answer.hop_limit = kHopLimitDefault;
    answer.flags = static_cast<std::uint16_t>(request.flags & flag::relayed);
    answer.destination = request.source;
    answer.source = kRouterId;
    answer.conversation = request.conversation;
    answer.message = request.message;
    return answer;
}

}  // namespace

std::size_t answer_in_place(std::span<std::uint8_t> frame,
                            const FrameView& view,
                            Type type,
                            ErrorCode code,
                            std::span<const std::uint8_t> tlvs) noexcept {
    const bool ipv6 = view.family == Family::ipv6;
    std::uint8_t* const l3 = frame.data() + view.l3;
    // IPv4 options are not sent back: they end where the answer's UDP header begins.
    const std::uint32_t l4_offset = view.l3 + (ipv6 ? kIpv6Bytes : kIpv4Bytes);
    const std::size_t bare = l4_offset + kUdpBytes + kHeaderBytesMin;
    const std::size_t limit = std::min<std::size_t>(frame.size(), frame_end(view));
    if (tlvs.size() > limit - bare) {
        tlvs = {};
    }
    const auto udp_bytes = static_cast<std::uint16_t>(kUdpBytes + kHeaderBytesMin + tlvs.size());

    WireHeader request;
    std::memcpy(&request, frame.data() + view.message, sizeof request);
    const std::uint32_t ports = load<std::uint32_t>(frame.data() + view.l4);

    exchange<6>(frame.data(), frame.data() + kMacSource);
    std::uint8_t addresses[32];
    if (ipv6) {
        std::memcpy(addresses, l3 + kIpv6Source, 32);
        write_ipv6(l3, addresses + 16, addresses, udp_bytes);
    } else {
        std::memcpy(addresses, l3 + kIpv4Source, 8);
        write_ipv4(l3, addresses + 4, addresses, udp_bytes);
    }

    WireHeader answer = answer_header(request, type, code);
    answer.payload_length = static_cast<std::uint16_t>(tlvs.size());
    std::uint8_t* const l4 = frame.data() + l4_offset;
    std::memcpy(l4 + kUdpBytes, &answer, sizeof answer);
    std::copy(tlvs.begin(), tlvs.end(), l4 + kUdpBytes + kHeaderBytesMin);
    // An agent listens where it sends from; a router where the request came to, and the source port
    // of a relayed frame stays its conversation's.
    const bool to_router = (answer.flags & flag::relayed) != 0;
    store(l4, to_router ? ports : ports << 16 | ports >> 16);
    store_be16(l4 + kUdpLength, udp_bytes);
    store_be16(l4 + kUdpChecksum, 0);
    const std::uint64_t sum =
        address_pair_sum(l3, view.family) + pseudo_tail_sum(udp_bytes) + memory_sum(l4, udp_bytes);
    store(l4 + kUdpChecksum, udp_checksum_of(sum));
    return bare + tlvs.size();
}

}  // namespace posthaste::routing
