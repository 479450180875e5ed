// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/cluster/cluster_text.h"

#include <algorithm>

#include "gossip/membership/address.h"

namespace posthaste::controlplane {

using gossip::membership::SocketAddress;
using routing::Family;
using routing::IpAddress;

namespace {

constexpr std::size_t kMappedAt = gossip::membership::kMappedPrefixBytes;

}  // namespace

std::string text_of(const IpAddress& address, std::uint16_t port) {
    const std::string host = address.to_text();
    return (address.family == Family::ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

IpAddress ip_of(const SocketAddress& address) {
    IpAddress ip;
    if (gossip::membership::is_ipv4(address)) {
        ip.family = Family::ipv4;
        std::copy(address.ip.begin() + kMappedAt, address.ip.end(), ip.bytes.begin());
    } else {
        ip.family = Family::ipv6;
        ip.bytes = address.ip;
    }
    return ip;
}

std::string text_of(const SocketAddress& address) {
    return text_of(ip_of(address), address.port);
}

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
    SocketAddress socket{.port = port};
    if (address.family == Family::ipv4) {
        socket.ip[10] = 0xff;
        socket.ip[11] = 0xff;
        std::copy_n(address.bytes.begin(), 4, socket.ip.begin() + kMappedAt);
    } else {
        socket.ip = address.bytes;
    }
    return socket;
}

std::string hex_text(std::uint64_t number) {
    static constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text(16, '0');
    for (std::size_t i = text.size(); i-- > 0; number >>= 4) {
        text[i] = kDigits[number & 0xf];
    }
    return text;
}

}  // namespace posthaste::controlplane
