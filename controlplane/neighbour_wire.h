// SPDX-License-Identifier: BSD-3-Clause
// Constants of ARP, neighbour discovery and echo, for the two files that read and write them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/address.h"
#include "routing/frame.h"

namespace posthaste::controlplane::wire {

using Bytes = std::span<const std::uint8_t>;

inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kFrameBytesMin = 60;  // without the frame check sequence
inline constexpr std::size_t kArpBytes = 28;
inline constexpr std::size_t kIpv4BytesMin = 20;
inline constexpr std::size_t kIpv6Bytes = 40;
inline constexpr std::size_t kIcmpBytesMin = 8;
inline constexpr std::size_t kDiscoveryBytes = 24;  // NS and NA without options

inline constexpr std::uint16_t kTypeVlan = 0x8100;
inline constexpr std::uint16_t kTypeIpv4 = 0x0800;
inline constexpr std::uint16_t kTypeIpv6 = 0x86dd;
inline constexpr std::uint16_t kTypeArp = 0x0806;
inline constexpr std::uint16_t kVlanMask = 0x0fff;

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;
inline constexpr std::uint8_t kDiscoveryHopLimit = 255;

inline constexpr std::uint8_t kEchoRequest4 = 8;
inline constexpr std::uint8_t kEchoRequest6 = 128;
inline constexpr std::uint8_t kEchoReply6 = 129;
inline constexpr std::uint8_t kSolicitation = 135;
inline constexpr std::uint8_t kAdvertisement = 136;
inline constexpr std::uint8_t kOptionSourceLink = 1;
inline constexpr std::uint8_t kOptionTargetLink = 2;
inline constexpr std::uint8_t kFlagSolicited = 0x40;
inline constexpr std::uint8_t kFlagOverride = 0x20;

inline constexpr routing::IpAddress kAllNodes = {
    {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, routing::Family::ipv6};

[[nodiscard]] inline bool is_zero(const routing::IpAddress& ip) noexcept {
    return std::ranges::all_of(ip.bytes, [](std::uint8_t byte) { return byte == 0; });
}

[[nodiscard]] inline Bytes as_bytes(const routing::IpAddress& ip) noexcept {
    return Bytes(ip.bytes.data(), ip.size());
}

[[nodiscard]] inline std::uint64_t pseudo_sum6(const routing::IpAddress& source,
                                               const routing::IpAddress& destination,
                                               std::size_t bytes) noexcept {
    const std::uint64_t sum = routing::ones_sum(as_bytes(source));
    return routing::ones_sum(as_bytes(destination), sum) + bytes + kProtocolIcmpv6;
}

}  // namespace posthaste::controlplane::wire
