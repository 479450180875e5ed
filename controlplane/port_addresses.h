// SPDX-License-Identifier: BSD-3-Clause
// What the addresses of a port mean for another address: shared by the checks.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "controlplane/config.h"
#include "routing/address.h"

namespace posthaste::controlplane {

[[nodiscard]] bool is_link_local(const routing::IpAddress& address);
[[nodiscard]] bool has_family(const PortConfig& port, routing::Family family);
[[nodiscard]] bool is_on_link(const PortConfig& port, const routing::IpAddress& address);
[[nodiscard]] bool is_own(const PortConfig& port, const routing::IpAddress& address);
[[nodiscard]] const std::optional<routing::IpAddress>& gateway_of(const PortConfig& port,
                                                                  routing::Family family);
// All host bits zero or all one: the IPv4 network itself, or everybody in it.
[[nodiscard]] bool is_network_or_broadcast(const routing::Prefix& prefix,
                                           const routing::IpAddress& address);
// "10.0.0.1/24, 2001:db8::1/64"
[[nodiscard]] std::string prefixes_text(const PortConfig& port);

}  // namespace posthaste::controlplane
