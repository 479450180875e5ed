// SPDX-License-Identifier: BSD-3-Clause
// Where the fields of the outer headers lie, and unaligned loads and stores for them.
//
// Private to the frame files of routing/ (parse, rewrite, answer, checksum). Nothing here checks
// a bound: callers have.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "routing/frame.h"

namespace posthaste::routing::outer {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::uint32_t kEthernetBytes = 14;
inline constexpr std::uint32_t kTagBytes = 4;
inline constexpr std::uint32_t kIpv4Bytes = 20;  // without options
inline constexpr std::uint32_t kIpv6Bytes = 40;
inline constexpr std::uint32_t kUdpBytes = 8;
inline constexpr std::uint32_t kArpBytes = 28;     // Ethernet and IPv4
inline constexpr std::uint32_t kIcmpBytesMin = 8;  // type, code, checksum, four bytes by type

inline constexpr std::uint32_t kMacSource = 6;  // from the start of the frame
inline constexpr std::uint32_t kEthertype = 12;
inline constexpr std::uint32_t kIpv4Source = 12;  // from the IP header
inline constexpr std::uint32_t kIpv4Destination = 16;
inline constexpr std::uint32_t kIpv6Source = 8;
inline constexpr std::uint32_t kIpv6Destination = 24;
inline constexpr std::uint32_t kUdpSource = 0;  // from the UDP header
inline constexpr std::uint32_t kUdpDestination = 2;
inline constexpr std::uint32_t kUdpLength = 4;
inline constexpr std::uint32_t kUdpChecksum = 6;

inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEthertypeArp = 0x0806;
inline constexpr std::uint16_t kEthertypeTag = 0x8100;
inline constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;

inline constexpr std::uint8_t kProtocolIcmp = 1;
inline constexpr std::uint8_t kProtocolUdp = 17;
inline constexpr std::uint8_t kProtocolIcmpv6 = 58;

// The bytes at `at` as an integer in memory order.
template <typename T>
[[nodiscard]] inline T load(const std::uint8_t* at) noexcept {
    T value;
    std::memcpy(&value, at, sizeof value);
    return value;
}

template <typename T>
inline void store(std::uint8_t* at, T value) noexcept {
    std::memcpy(at, &value, sizeof value);
}

[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* at) noexcept {
    return __builtin_bswap16(load<std::uint16_t>(at));
}

inline void store_be16(std::uint8_t* at, std::uint32_t value) noexcept {
    store(at, __builtin_bswap16(static_cast<std::uint16_t>(value)));
}

// Ones-complement sums here are in memory order (RFC 1071, 2.B: the sum does not care), so that
// nothing needs swapping. Wider words may be added as they are, since 2^16 = 1 modulo 0xffff.
[[nodiscard]] inline std::uint64_t halves(std::uint64_t word) noexcept {
    return (word & 0xffffffffU) + (word >> 32);
}

// Halves are added with the carry that comes out; of 32 bits both at once, to one half each.
[[nodiscard]] inline std::uint16_t fold(std::uint64_t sum) noexcept {
    const auto high = static_cast<std::uint32_t>(sum >> 32);
    std::uint32_t half = static_cast<std::uint32_t>(sum) + high;
    half += half < high ? 1 : 0;
    half += std::rotl(half, 16);
    return static_cast<std::uint16_t>(half >> 16);
}

// Both addresses lie side by side in either family.
[[nodiscard]] inline std::uint64_t address_pair_sum(const std::uint8_t* l3,
                                                    Family family) noexcept {
    if (family == Family::ipv4) {
        return halves(load<std::uint64_t>(l3 + kIpv4Source));
    }
    const std::uint8_t* const at = l3 + kIpv6Source;
    return halves(load<std::uint64_t>(at)) + halves(load<std::uint64_t>(at + 8)) +
           halves(load<std::uint64_t>(at + 16)) + halves(load<std::uint64_t>(at + 24));
}

// Length and protocol of the pseudo header; the same sum in both families.
[[nodiscard]] inline std::uint64_t pseudo_tail_sum(std::uint16_t udp_bytes) noexcept {
    return std::uint64_t{__builtin_bswap16(udp_bytes)} + (std::uint64_t{kProtocolUdp} << 8);
}

// A UDP checksum that comes out as zero is sent as all ones: zero means absent.
[[nodiscard]] inline std::uint16_t udp_checksum_of(std::uint64_t sum) noexcept {
    const auto checksum = static_cast<std::uint16_t>(~fold(sum));
    return checksum == 0 ? std::uint16_t{0xffff} : checksum;
}

// Sum over bytes in memory order, not folded; at most 2^32 bytes.
[[nodiscard]] std::uint64_t memory_sum(const std::uint8_t* bytes, std::size_t count) noexcept;

// Writes an IPv4 header without options, or an IPv6 header without extensions, around
// `udp_bytes` bytes of UDP.
void write_ipv4(std::uint8_t* l3,
                const std::uint8_t* source,
                const std::uint8_t* destination,
                std::uint32_t udp_bytes) noexcept;
void write_ipv6(std::uint8_t* l3,
                const std::uint8_t* source,
                const std::uint8_t* destination,
                std::uint32_t udp_bytes) noexcept;

}  // namespace posthaste::routing::outer
