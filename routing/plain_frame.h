// SPDX-License-Identifier: BSD-3-Clause
// The plain frame, which most are: untagged Ethernet, IPv4 without options, one segment, a sound
// message without TLVs. Parsed and rewritten in a few wide loads and stores, all tests at once.
//
// Nothing here decides anything new: parse_plain() takes a frame only if parse_frame() would, with
// the same view, and leaves every other frame to it; rewrite_plain() writes what rewrite_frame()
// would. Property tests hold both to that. Inline, since the loop around them is the hot path.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/frame.h"
#include "routing/next_hop.h"
#include "routing/outer_layout.h"

namespace posthaste::routing {

inline constexpr std::uint16_t kPlainMessage = 42;  // offset of the message header

namespace plain {

inline constexpr std::uint32_t kIp = 14;
inline constexpr std::uint32_t kUdp = 34;

// Sum in memory order over `words` times 8 bytes (see outer_layout.h), by 64-bit words with their
// carries: 2^64 = 1 modulo 0xffff.
[[nodiscard]] inline std::uint64_t sum_words(const std::uint8_t* at, std::size_t words) noexcept {
    std::uint64_t sum = 0;
    std::uint64_t carries = 0;
#pragma GCC unroll 9
    for (std::size_t i = 0; i < words; ++i) {
        const auto word = outer::load<std::uint64_t>(at + i * 8);
        sum += word;
        carries += sum < word ? 1 : 0;
    }
    return outer::halves(sum) + carries;
}

// The UDP datagram with its pseudo header.
[[nodiscard]] inline std::uint64_t datagram_sum(const std::uint8_t* frame,
                                                std::uint32_t udp_bytes) noexcept {
    constexpr std::uint32_t kSmall = 512;  // beyond, memory_sum() is faster
    const std::uint32_t whole = udp_bytes <= kSmall ? udp_bytes / 8 : 0;
    const std::uint32_t rest = udp_bytes - whole * 8;
    std::uint64_t sum = outer::halves(outer::load<std::uint64_t>(frame + kIp + 12)) +
                        outer::pseudo_tail_sum(static_cast<std::uint16_t>(udp_bytes)) +
                        sum_words(frame + kUdp, whole);
    if (rest != 0) {
        sum += outer::memory_sum(frame + kUdp + whole * 8, rest);
    }
    return sum;
}

// Not 0: the ids are not those of a message between two agents.
[[nodiscard]] inline std::uint64_t bad_ids(const std::uint8_t* message) noexcept {
    using outer::load;
    const auto to_low = load<std::uint64_t>(message + 16);
    const auto to_high = load<std::uint64_t>(message + 24);
    const auto from_low = load<std::uint64_t>(message + 32);
    const auto from_high = load<std::uint64_t>(message + 40);
    const auto router_low = load<std::uint64_t>(kRouterId.bytes.data());
    const auto router_high = load<std::uint64_t>(kRouterId.bytes.data() + 8);
    const bool nil = (to_low | to_high) == 0 || (from_low | from_high) == 0;
    const bool self = ((to_low ^ from_low) | (to_high ^ from_high)) == 0;
    const bool router = ((from_low ^ router_low) | (from_high ^ router_high)) == 0;
    return static_cast<std::uint64_t>(nil) | static_cast<std::uint64_t>(self) |
           static_cast<std::uint64_t>(router);
}

}  // namespace plain

// True: a plain frame that gets through, and `view` is complete. False: ask parse_frame(). `first`
// is all of the frame; `first.size()` is what there is to read.
[[nodiscard]] inline bool parse_plain(std::span<const std::uint8_t> first,
                                      const PortRules& rules,
                                      ChecksumHint hint,
                                      FrameView& view) noexcept {
    using outer::load;
    using outer::load_be16;
    constexpr std::uint32_t kBytesMin = kPlainMessage + kHeaderBytesMin;
    if (first.size() < kBytesMin) [[unlikely]] {
        return false;
    }
    const std::uint8_t* const frame = first.data();
    const std::uint8_t* const mac = rules.mac.bytes.data();
    const std::uint64_t own = load<std::uint32_t>(mac) | std::uint64_t{load<std::uint16_t>(mac + 4)}
                                                             << 32;
    // To us, not from a group; IPv4 without options; no fragment; UDP; to our first address.
    constexpr std::uint64_t kOwnAndGroup = 0x0001'ffff'ffff'ffff;
    constexpr std::uint32_t kIpv4NoOptions = 0x0045'0008;
    std::uint64_t bad = (load<std::uint64_t>(frame) ^ own) & kOwnAndGroup;
    bad |= (load<std::uint32_t>(frame + 12) & 0x00ff'ffff) ^ kIpv4NoOptions;
    bad |= load<std::uint16_t>(frame + 20) & 0xff3fU;
    bad |= frame[23] ^ std::uint32_t{outer::kProtocolUdp};
    bad |= load<std::uint32_t>(frame + 30) ^ load<std::uint32_t>(rules.ipv4[0].bytes.data());
    bad |= rules.vlan | static_cast<unsigned>(rules.ipv4_count == 0);
    const std::uint32_t net = frame[26];
    bad |= static_cast<unsigned>(net == 0) | static_cast<unsigned>(net == 127) |
           static_cast<unsigned>(net >= 224);
    const std::uint64_t ip_sum = outer::halves(load<std::uint64_t>(frame + 14)) +
                                 outer::halves(load<std::uint64_t>(frame + 22)) +
                                 load<std::uint32_t>(frame + 30);
    bad |= outer::fold(ip_sum) ^ 0xffffU;

    // Lengths, the whole datagram being there.
    const std::uint32_t ip_bytes = load_be16(frame + 16);
    const std::uint32_t udp_bytes = load_be16(frame + 38);
    const std::uint32_t payload = load_be16(frame + kPlainMessage + 10);
    bad |= (udp_bytes + 20) ^ ip_bytes;
    bad |= (payload + 8 + kHeaderBytesMin) ^ udp_bytes;
    bad |= static_cast<unsigned>(ip_bytes + plain::kIp > first.size());
    bad |= load_be16(frame + 36) ^ std::uint32_t{rules.udp_port};

    // The message header: magic, version and length, type; addressing and strategy; flags; hops.
    constexpr std::uint32_t kStart = 0x50 | 0x48 << 8 | (kVersion << 4 | 4) << 16 | 1 << 24;
    const std::uint8_t* const message = frame + kPlainMessage;
    bad |= load<std::uint32_t>(message) ^ kStart;
    bad |= static_cast<unsigned>((message[5] & 0x0f) > kAddressingMax) |
           static_cast<unsigned>(message[5] >> 4 > kStrategyMax);
    const std::uint32_t flags = load_be16(message + 8);
    const std::uint32_t router_flags = flag::relayed | (rules.edge ? flag::redirected : 0U);
    bad |= (flags & router_flags) ^ (rules.edge ? 0U : flag::relayed);
    bad |= static_cast<unsigned>(message[7] == 0);
    bad |= plain::bad_ids(message);
    if (bad != 0) [[unlikely]] {
        return false;
    }
    const bool checked =
        rules.verify_checksum && hint != ChecksumHint::good && load<std::uint16_t>(frame + 40) != 0;
    if (checked && (hint == ChecksumHint::bad ||
                    outer::fold(plain::datagram_sum(frame, udp_bytes)) != 0xffff)) [[unlikely]] {
        return false;
    }
    view.kind = FrameKind::message;
    view.family = Family::ipv4;
    view.l3 = plain::kIp;
    view.l4 = plain::kUdp;
    view.message = kPlainMessage;
    view.header_bytes = kHeaderBytesMin;
    view.payload_bytes = static_cast<std::uint16_t>(payload);
    return true;
}

// Whether the frame's outer source is this one; the address is of the frame's family.
[[nodiscard]] inline bool same_source_ip(const std::uint8_t* frame,
                                         const FrameView& view,
                                         const IpAddress& ip) noexcept {
    using outer::load;
    const std::uint8_t* const known = ip.bytes.data();
    if (view.family == Family::ipv4) {
        const std::uint8_t* const seen = frame + view.l3 + outer::kIpv4Source;
        return load<std::uint32_t>(seen) == load<std::uint32_t>(known);
    }
    const std::uint8_t* const seen = frame + view.l3 + outer::kIpv6Source;
    return ((load<std::uint64_t>(seen) ^ load<std::uint64_t>(known)) |
            (load<std::uint64_t>(seen + 8) ^ load<std::uint64_t>(known + 8))) == 0;
}

[[nodiscard]] inline bool same_source_mac(const std::uint8_t* frame, const Mac& mac) noexcept {
    using outer::load;
    const std::uint8_t* const seen = frame + outer::kMacSource;
    const std::uint8_t* const known = mac.bytes.data();
    return ((load<std::uint32_t>(seen) ^ load<std::uint32_t>(known)) |
            static_cast<std::uint32_t>(load<std::uint16_t>(seen + 4) ^
                                       load<std::uint16_t>(known + 4))) == 0;
}

// Whether an IPv4 frame comes from where the next hop, a local one, leads.
[[nodiscard]] inline bool comes_from(const std::uint8_t* frame,
                                     const FrameView& view,
                                     const NextHop& hop) noexcept {
    using outer::load;
    const std::uint8_t* const mac = frame + outer::kMacSource;
    const std::uint32_t ip = load<std::uint32_t>(frame + view.l3 + outer::kIpv4Source) ^ hop.ip();
    const std::uint32_t head = load<std::uint32_t>(mac) ^ load<std::uint32_t>(hop.mac());
    const std::uint32_t tail = load<std::uint16_t>(mac + 4) ^ load<std::uint16_t>(hop.mac() + 4);
    return (ip | head | tail) == 0;
}

// Whether a parsed frame can be rewritten where it is: its outer header is as long as the new one.
[[nodiscard]] inline bool is_plain(const FrameView& view) noexcept {
    return view.family == Family::ipv4 && view.message == kPlainMessage;
}

// Where a plain frame goes, over IPv4 and untagged; all in wire order.
struct PlainHop {
    const std::uint8_t* source_mac;
    const std::uint8_t* destination_mac;
    std::uint32_t source_ip;
    std::uint32_t destination_ip;
    std::uint16_t udp_port;
};

// As rewrite_frame() with the lifetime as it is; the header's flags become `flags`, its hop limit
// one less.
inline void rewrite_plain(std::uint8_t* frame, const PlainHop& hop, std::uint16_t flags) noexcept {
    using outer::load;
    using outer::store;
    const auto ports = load<std::uint32_t>(frame + 34);
    const auto udp_length = load<std::uint16_t>(frame + 38);
    const auto checksum = load<std::uint16_t>(frame + 40);
    const auto old_ips = load<std::uint64_t>(frame + 26);
    const std::uint32_t total = load<std::uint16_t>(frame + 16);
    std::uint8_t* const message = frame + kPlainMessage;
    const auto old_hops = load<std::uint16_t>(message + 6);  // the hop limit is the high byte
    const auto old_flags = load<std::uint16_t>(message + 8);

    const std::uint16_t new_hops = static_cast<std::uint16_t>(old_hops - 0x100);
    const std::uint16_t new_flags = __builtin_bswap16(flags);
    const std::uint64_t new_ips = std::uint64_t{hop.source_ip} | std::uint64_t{hop.destination_ip}
                                                                     << 32;
    const std::uint32_t new_port = hop.udp_port;

    std::uint16_t new_checksum = 0;
    if (checksum != 0) {
        // RFC 1624, equation 3; the complement of a 16-bit word is its negative modulo 0xffff.
        const std::uint64_t old_sum =
            outer::halves(~old_ips) + (~ports >> 16) + static_cast<std::uint16_t>(~old_hops) +
            static_cast<std::uint16_t>(~old_flags) + static_cast<std::uint16_t>(~checksum);
        const std::uint64_t new_sum = outer::halves(new_ips) + new_port + new_hops + new_flags;
        new_checksum = outer::udp_checksum_of(old_sum + new_sum);
    }
    store(message + 6, new_hops);
    store(message + 8, new_flags);
    store(frame + 34,
          std::uint64_t{ports & 0xffff} | std::uint64_t{new_port} << 16 |
              std::uint64_t{udp_length} << 32 | std::uint64_t{new_checksum} << 48);
    store(frame + 26, new_ips);
    constexpr std::uint32_t kHopsProtocol = kOuterHopLimit | std::uint32_t{outer::kProtocolUdp}
                                                                 << 8;
    const std::uint64_t ip_sum =
        std::uint64_t{0x45} + total + 0x40 + kHopsProtocol + outer::halves(new_ips);
    store(frame + 22,
          kHopsProtocol | std::uint32_t{static_cast<std::uint16_t>(~outer::fold(ip_sum))} << 16);
    // Version and length, no service class; identification 0, do not fragment (RFC 6864).
    store(frame + 14, std::uint64_t{0x45} | std::uint64_t{total} << 16 | std::uint64_t{0x40} << 48);
    store(frame, load<std::uint32_t>(hop.destination_mac));
    store(frame + 4, load<std::uint16_t>(hop.destination_mac + 4));
    store(frame + 6, load<std::uint32_t>(hop.source_mac));
    store(frame + 10, load<std::uint16_t>(hop.source_mac + 4));
}

}  // namespace posthaste::routing
