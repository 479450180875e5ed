// SPDX-License-Identifier: BSD-3-Clause
// A whole frame as bytes: outer Ethernet/802.1Q/IPv4|IPv6/UDP and the Posthaste header.
//
// Pure functions over byte ranges: no DPDK, no clock, no allocation. parse_frame() is total: any
// bytes give either a view whose offsets are inside the first segment, or a drop reason.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "routing/address.h"
#include "routing/drop.h"
#include "routing/message.h"

namespace posthaste::routing {

inline constexpr std::size_t kPortAddressesMax = 8;  // of each family

// What a port takes; built by the control thread, read by lcores, immutable once published.
struct PortRules {
    Mac mac;
    std::uint16_t vlan = 0;  // 0: untagged (a tag with VLAN 0 is taken, too)
    std::uint16_t udp_port = kUdpPortDefault;
    bool edge = true;
    bool verify_checksum = true;
    bool accept_any_mac = false;
    std::uint8_t ipv4_count = 0;
    std::uint8_t ipv6_count = 0;
    std::array<IpAddress, kPortAddressesMax> ipv4{};
    std::array<IpAddress, kPortAddressesMax> ipv6{};
};

// What a frame turned out to be.
enum class FrameKind : std::uint8_t {
    message,    // to be resolved (also: an error frame on a fabric port, addressed to an agent)
    heartbeat,  // answered on the lcore
    control,    // register, deregister: for the control thread
    neighbour,  // ARP, ND, ping: for the control thread
};

struct FrameView {
    FrameKind kind = FrameKind::message;
    Family family = Family::none;
    std::uint16_t l3 = 0;       // offsets from the start of the frame, in bytes
    std::uint16_t l4 = 0;       // UDP header
    std::uint16_t message = 0;  // Posthaste header; 0 until the header was found sound enough
    std::uint16_t header_bytes = 0;   // fixed header and TLVs
    std::uint16_t payload_bytes = 0;  // after them
};

// Hardware's word on checksums, where the port gives one.
enum class ChecksumHint : std::uint8_t { unknown, good, bad };

// `first` is the first segment of a frame of `frame_bytes` bytes (first.size() <= frame_bytes).
// Checks everything section 3 of the wire format asks for short of looking agents up, in its
// order. The UDP checksum is verified here only if the whole datagram is in `first`; otherwise
// view.kind is still set and the caller verifies (see udp_checksum_needed).
// When a drop is returned but the Posthaste header itself was sound enough to be answered
// (magic, lengths, checksum), view.message is set; otherwise it is 0.
struct ParseResult {
    Drop drop = Drop::none;
    bool checksum_pending = false;  // caller must verify over the segment chain
};

[[nodiscard]] ParseResult parse_frame(std::span<const std::uint8_t> first,
                                      std::uint32_t frame_bytes,
                                      const PortRules& rules,
                                      ChecksumHint hint,
                                      FrameView& view) noexcept;

// Addresses of the sender as the outer headers give them.
struct OuterSource {
    Mac mac;
    IpAddress ip;
    std::uint16_t udp_port = 0;
};

[[nodiscard]] OuterSource outer_source(const std::uint8_t* frame, const FrameView& view) noexcept;

// Where a frame goes next; everything a new outer header needs.
struct Hop {
    Mac source_mac;
    Mac destination_mac;
    std::uint16_t vlan = 0;  // 0: untagged
    IpAddress source_ip;     // same family as destination_ip
    IpAddress destination_ip;
    std::uint16_t udp_port = 0;  // destination
};

inline constexpr std::size_t kOuterBytesMax = 14 + 4 + 40 + 8;
inline constexpr std::uint8_t kOuterHopLimit = 64;  // IPv4 TTL, IPv6 hop limit of what we send

[[nodiscard]] constexpr std::size_t outer_bytes(Family family, bool tagged) noexcept {
    return 14 + (tagged ? 4U : 0U) + (family == Family::ipv6 ? 40U : 20U) + 8U;
}

// Changes to the Posthaste header on the way through one router.
struct HeaderChange {
    std::uint8_t hop_limit = 0;
    std::uint16_t flags = 0;
    std::uint32_t lifetime_ms = 0;
};

// Rewrites for the next hop. The caller has made room: `out` points at outer_bytes(hop) bytes
// directly before the Posthaste header `header`, and may overlap the old outer header, which the
// caller describes by `old` (a copy of the old addresses, ports and checksum taken by
// read_outer()). The UDP source port is kept (it carries the conversation's hash); a zero IPv4
// UDP checksum stays zero towards IPv4 and is computed in full towards IPv6, for which the whole
// UDP payload must be contiguous at `header` (payload.size() bytes); other checksums are updated
// incrementally (RFC 1624).
struct OldOuter {
    std::uint64_t pseudo_sum = 0;  // ones-complement sum of the old addresses and ports
    std::uint16_t checksum = 0;
    std::uint16_t udp_source_port = 0;
};

[[nodiscard]] OldOuter read_outer(const std::uint8_t* frame, const FrameView& view) noexcept;

void rewrite_frame(std::uint8_t* out,
                   std::span<std::uint8_t> datagram,
                   std::uint16_t datagram_bytes,
                   const OldOuter& old,
                   const Hop& hop,
                   const HeaderChange& change) noexcept;

// Turns a received frame, in place, into the answer to it: MACs, IPs and UDP ports swapped,
// source kRouterId, destination the old source, conversation and message ids kept, payload
// dropped. Gives the answer's length in bytes, never more than the frame's. Needs a view whose
// message offset is set. `tlvs` (may be empty) go into the payload where they fit in full.
[[nodiscard]] std::size_t answer_in_place(std::span<std::uint8_t> frame,
                                          const FrameView& view,
                                          Type type,
                                          ErrorCode code,
                                          std::span<const std::uint8_t> tlvs) noexcept;

// RFC 1071 sum over bytes (big-endian 16-bit words), not folded; `odd` tails are padded.
[[nodiscard]] std::uint64_t ones_sum(std::span<const std::uint8_t> bytes,
                                     std::uint64_t sum = 0) noexcept;
[[nodiscard]] std::uint16_t fold_checksum(std::uint64_t sum) noexcept;  // complemented
// True if the checksum over pseudo header and the datagram at view.l4 holds.
[[nodiscard]] bool udp_checksum_holds(const std::uint8_t* frame,
                                      const FrameView& view,
                                      std::uint16_t udp_bytes) noexcept;

}  // namespace posthaste::routing
