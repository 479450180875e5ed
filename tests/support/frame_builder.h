// SPDX-License-Identifier: BSD-3-Clause
// Builds frames for tests, byte by byte and without the code under test.
//
// A FrameSpec that is left alone is a valid message from agent 1 to agent 2; a test changes the
// fields it is about and calls build(). Lengths and checksums are right unless the spec says
// otherwise; corrupt the bytes afterwards, and seal() them where sums should be right again.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "routing/frame.h"

namespace posthaste::test {

using FrameBytes = std::vector<std::uint8_t>;

// Agents, MACs and addresses by number; numbers differ, so do the values.
[[nodiscard]] routing::AgentId agent(std::uint32_t number);
[[nodiscard]] routing::Mac mac(std::uint8_t number);         // 02:00:00:00:00:NN
[[nodiscard]] routing::IpAddress ipv4(std::uint8_t number);  // 10.0.0.NN
[[nodiscard]] routing::IpAddress ipv6(std::uint8_t number);  // fd00::NN
[[nodiscard]] routing::IpAddress ip(std::string_view text);

// The box's side in every spec made here.
inline constexpr std::uint8_t kBoxNumber = 1;
inline constexpr std::uint8_t kSenderNumber = 9;

struct FrameSpec {
    routing::Mac destination_mac = mac(kBoxNumber);
    routing::Mac source_mac = mac(kSenderNumber);
    std::optional<std::uint16_t> tag;  // the 16 bits after 0x8100
    routing::IpAddress source_ip = ipv4(kSenderNumber);
    routing::IpAddress destination_ip = ipv4(kBoxNumber);
    std::vector<std::uint8_t> ipv4_options;  // a multiple of four bytes
    std::uint16_t source_port = 40'000;
    std::uint16_t destination_port = routing::kUdpPortDefault;
    bool udp_checksum = true;  // false: sent as 0, absent

    routing::Type type = routing::Type::message;
    std::uint8_t performative = 0;
    std::uint8_t addressing_strategy = 0;
    std::uint8_t priority = 0x50;
    std::uint8_t hop_limit = routing::kHopLimitDefault;
    std::uint16_t flags = 0;
    std::uint32_t lifetime_ms = 0;
    routing::AgentId destination = agent(2);
    routing::AgentId source = agent(1);
    std::uint64_t conversation = 0x1111;
    std::uint64_t message = 0x2222;
    std::vector<std::uint8_t> tlvs;  // padded with zeros to a multiple of 16 bytes
    std::vector<std::uint8_t> payload;

    std::size_t ethernet_padding = 0;  // zero bytes after the IP datagram
};

[[nodiscard]] FrameSpec ipv6_spec();  // from fd00::9 to fd00::1
// Register, heartbeat or deregister of agent 1; `payload` are its TLVs.
[[nodiscard]] FrameSpec control_spec(routing::Type type, std::vector<std::uint8_t> payload = {});

[[nodiscard]] FrameBytes build(const FrameSpec& spec);

// Sets the IPv4 header checksum and, unless it is absent, the UDP checksum again.
void seal(FrameBytes& frame);

// Offsets in a built frame, for corruptions.
[[nodiscard]] std::size_t ip_offset(const FrameBytes& frame);
[[nodiscard]] std::size_t udp_offset(const FrameBytes& frame);
[[nodiscard]] std::size_t message_offset(const FrameBytes& frame);

// An untagged edge port with both families: mac(1), 10.0.0.1, fd00::1, UDP 4747.
[[nodiscard]] routing::PortRules edge_rules();
[[nodiscard]] routing::PortRules fabric_rules();

// parse_frame() over all of the frame in one segment, checksums verified in software.
struct Parsed {
    routing::Drop drop = routing::Drop::none;
    bool checksum_pending = false;
    routing::FrameView view;
};

[[nodiscard]] Parsed parse(const FrameBytes& frame, const routing::PortRules& rules = edge_rules());

// A next hop of the family; `vlan` 0 is untagged.
[[nodiscard]] routing::Hop hop_to(routing::Family family, std::uint16_t vlan = 0);

// The frame, parsed before, after read_outer() and rewrite_frame() in a buffer with as much room
// in front as a packet buffer has; ends at frame_end().
[[nodiscard]] FrameBytes rewritten(const FrameBytes& frame,
                                   const routing::FrameView& view,
                                   const routing::Hop& hop,
                                   const routing::HeaderChange& change);

// The ones-complement checksum, the plain way: 16-bit words, one after the other.
[[nodiscard]] std::uint16_t plain_checksum(const FrameBytes& bytes);
// What the UDP checksum of a built frame should be, computed in full.
[[nodiscard]] std::uint16_t full_udp_checksum(const FrameBytes& frame);
[[nodiscard]] std::uint16_t udp_checksum_field(const FrameBytes& frame);

}  // namespace posthaste::test
