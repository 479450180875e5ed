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
    std::uint16_t l3 = 0;             // offsets from the start of the frame, in bytes
    std::uint16_t l4 = 0;             // UDP header
    std::uint16_t message = 0;        // Posthaste header; 0 until the header was found sound enough
    std::uint16_t header_bytes = 0;   // fixed header and TLVs
    std::uint16_t payload_bytes = 0;  // after them
};

// Hardware's word on checksums, where the port gives one.
enum class ChecksumHint : std::uint8_t { unknown, good, bad };

// `first` is the first segment of a frame of `frame_bytes` bytes (first.size() <= frame_bytes).
// Checks everything the wire format asks for short of looking agents up, in the order of
// enum Drop; the first failure is the verdict. Bytes after the IP datagram (Ethernet padding) are
// ignored: the frame proper ends at frame_end(view).
//
// All headers must lie in `first` (else Drop::segmented). A UDP checksum over a datagram that
// does not lie in `first` as a whole is the caller's to verify (checksum_pending); see ones_sum().
//
// With Drop::none, and a kind other than neighbour, view is complete. With a drop, view.message is
// set only if the sender may be answered: the frame reached the box as it was sent (lengths, magic
// and checksum hold), names a source, and is no answer itself. It is 0 otherwise. Whether the
// sender wants to be told is another question: wants_error().
struct ParseResult {
    Drop drop = Drop::none;
    bool checksum_pending = false;  // caller must verify over the segment chain
};

[[nodiscard]] ParseResult parse_frame(std::span<const std::uint8_t> first,
                                      std::uint32_t frame_bytes,
                                      const PortRules& rules,
                                      ChecksumHint hint,
                                      FrameView& view) noexcept;

// Bytes of the frame up to the end of the payload.
[[nodiscard]] constexpr std::uint32_t frame_end(const FrameView& view) noexcept {
    return std::uint32_t{view.l4} + 8U + view.header_bytes + view.payload_bytes;
}

// The message header of a frame whose view.message is set.
[[nodiscard]] inline const WireHeader& header_of(const std::uint8_t* frame,
                                                 const FrameView& view) noexcept {
    return *reinterpret_cast<const WireHeader*>(frame + view.message);
}

// Whether the sender of a dropped frame is to get an error: requests always, messages with the
// flag, answers (errors above all) never.
[[nodiscard]] inline bool wants_error(const WireHeader& header) noexcept {
    switch (static_cast<Type>(header.type)) {
        case Type::register_agent:
        case Type::heartbeat:
        case Type::deregister:
        case Type::query:
            return true;
        case Type::query_reply:
        case Type::ack:
        case Type::error:
        case Type::hello:
        case Type::cookie:
            return false;
        default:
            return (header.flags & flag::want_error) != 0;
    }
}

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

// What rewriting needs of the old outer header. In memory order, so no number to look at.
struct OldOuter {
    std::uint64_t sum = 0;  // ones-complement sum of the old addresses and destination port
    std::uint16_t udp_source = 0;
    std::uint16_t checksum = 0;
};

[[nodiscard]] OldOuter read_outer(const std::uint8_t* frame, const FrameView& view) noexcept;

// Rewrites for the next hop: writes the new outer header, outer_bytes(family, hop.vlan != 0) bytes
// at `out`, and changes the message header. The caller has made room so that `out` ends where
// `message` begins; it may lie over the old outer header, of which nothing is read here. `message`
// is what is contiguous of the UDP payload, the fixed header at least; `message_bytes` is all of
// it (view.header_bytes + view.payload_bytes).
//
// The UDP source port is kept (it carries the conversation's hash). An absent IPv4 UDP checksum
// stays absent towards IPv4 and is computed in full towards IPv6; others are updated (RFC 1624).
// False, with nothing written: the full checksum is needed but `message` is not all of it.
[[nodiscard]] bool rewrite_frame(std::uint8_t* out,
                                 std::span<std::uint8_t> message,
                                 std::uint16_t message_bytes,
                                 const OldOuter& old,
                                 const Hop& hop,
                                 const HeaderChange& change) noexcept;

// Turns a received frame, in place, into the answer to it: MACs and IPs swapped (IPv4 options left
// out), UDP ports swapped unless it was relayed (a router listens on one port), source kRouterId,
// destination the old source, conversation, message id and priority kept, the relayed flag kept
// (back over the fabric), payload dropped. An ack names the type it acknowledges, everything else
// `code`, in the performative byte. Gives the answer's
// length in bytes, never more than the frame's. Needs a view with message set and the fixed header
// in `frame` (the first segment). `tlvs` (may be empty, not part of the frame) become the payload
// where they fit in full.
[[nodiscard]] std::size_t answer_in_place(std::span<std::uint8_t> frame,
                                          const FrameView& view,
                                          Type type,
                                          ErrorCode code,
                                          std::span<const std::uint8_t> tlvs) noexcept;

// RFC 1071 sum over bytes (big-endian 16-bit words, a last odd byte padded), added to `sum`. For
// a datagram in pieces, `odd_offset` says that a piece begins at an odd offset of it.
[[nodiscard]] std::uint64_t ones_sum(std::span<const std::uint8_t> bytes,
                                     std::uint64_t sum = 0,
                                     bool odd_offset = false) noexcept;
[[nodiscard]] std::uint16_t fold_checksum(std::uint64_t sum) noexcept;  // complemented
// The sum over the pseudo header: a datagram holds if fold_checksum() over it and all bytes from
// view.l4 on gives 0.
[[nodiscard]] std::uint64_t pseudo_sum(const std::uint8_t* frame,
                                       const FrameView& view,
                                       std::uint16_t udp_bytes) noexcept;
// The same for a contiguous datagram.
[[nodiscard]] bool udp_checksum_holds(const std::uint8_t* frame,
                                      const FrameView& view,
                                      std::uint16_t udp_bytes) noexcept;

}  // namespace posthaste::routing
