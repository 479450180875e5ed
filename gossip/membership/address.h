// SPDX-License-Identifier: BSD-3-Clause
// Addresses of members: the bytes of messages, 4 or 16 of them, and where datagrams are sent.
#pragma once

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "gossip/membership/options.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kMappedPrefixBytes = 12;  // of ::ffff:a.b.c.d

// ::ffff:a.b.c.d.
[[nodiscard]] constexpr bool is_ipv4(const SocketAddress& address) noexcept {
    constexpr std::array<std::uint8_t, kMappedPrefixBytes> kMapped = {
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(kMapped.begin(), kMapped.end(), address.ip.begin());
}

// Nothing if it is no address, the one of nobody, or of many.
[[nodiscard]] inline std::optional<SocketAddress> socket_address_of(std::string_view bytes,
                                                                    std::uint16_t port) {
    constexpr std::uint8_t kMany6 = 0xff;
    constexpr std::uint8_t kMany4 = 0xe0;
    SocketAddress address{.port = port};
    if (bytes.size() == 4) {
        address.ip[10] = 0xff;
        address.ip[11] = 0xff;
        std::copy(bytes.begin(), bytes.end(), address.ip.begin() + kMappedPrefixBytes);
    } else if (bytes.size() == address.ip.size()) {
        std::copy(bytes.begin(), bytes.end(), address.ip.begin());
    } else {
        return std::nullopt;
    }
    const bool mapped = is_ipv4(address);
    const auto first = address.ip.cbegin() + (mapped ? kMappedPrefixBytes : 0);
    const bool nobody =
        std::all_of(first, address.ip.cend(), [](std::uint8_t octet) { return octet == 0; });
    const bool many = mapped ? *first >= kMany4 : *first == kMany6;
    if (port == 0 || nobody || many) {
        return std::nullopt;
    }
    return address;
}

// As we write our own: 4 bytes of IPv4.
[[nodiscard]] inline AddressBytes address_bytes_of(const SocketAddress& address) {
    return {address.ip.begin() + (is_ipv4(address) ? kMappedPrefixBytes : 0), address.ip.end()};
}

}  // namespace posthaste::gossip::membership
