// SPDX-License-Identifier: BSD-3-Clause
// Names, addresses and numbers of the cluster as texts of answers.
#pragma once

#include <cstdint>
#include <string>

#include "gossip/membership/options.h"
#include "routing/address.h"

namespace posthaste::controlplane {

// "10.9.0.1:7946", "[2001:db8::1]:7946"
[[nodiscard]] std::string text_of(const routing::IpAddress& address, std::uint16_t port);
[[nodiscard]] std::string text_of(const gossip::membership::SocketAddress& address);
[[nodiscard]] gossip::membership::SocketAddress socket_address(const routing::IpAddress& address,
                                                               std::uint16_t port);
[[nodiscard]] routing::IpAddress ip_of(const gossip::membership::SocketAddress& address);
// 16 hexadecimal digits.
[[nodiscard]] std::string hex_text(std::uint64_t number);

}  // namespace posthaste::controlplane
