// SPDX-License-Identifier: BSD-3-Clause
// Addresses with or without a port, as people and routers write them. There is no other reader of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "routing/address.h"

namespace posthaste::controlplane {

struct EndpointText {
    routing::IpAddress address;
    std::optional<std::uint16_t> port;  // not 0
};

// IPv4, IPv4:PORT, IPv6, [IPv6] or [IPv6]:PORT; any address.
[[nodiscard]] std::optional<EndpointText> endpoint_from_text(std::string_view text) noexcept;
// The same, of a host one can send to.
[[nodiscard]] std::optional<EndpointText> host_endpoint_from_text(std::string_view text) noexcept;

}  // namespace posthaste::controlplane
