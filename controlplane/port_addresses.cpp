// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/port_addresses.h"

#include <algorithm>

namespace posthaste::controlplane {

using routing::Family;
using routing::IpAddress;
using routing::Prefix;

bool is_link_local(const IpAddress& address) {
    return address.family == Family::ipv6 && address.bytes[0] == 0xfe &&
           (address.bytes[1] & 0xc0) == 0x80;
}

bool has_family(const PortConfig& port, Family family) {
    return std::ranges::any_of(port.addresses,
                               [&](const Prefix& own) { return own.address.family == family; });
}

bool is_on_link(const PortConfig& port, const IpAddress& address) {
    return std::ranges::any_of(port.addresses,
                               [&](const Prefix& own) { return own.contains(address); });
}

bool is_own(const PortConfig& port, const IpAddress& address) {
    return std::ranges::any_of(port.addresses,
                               [&](const Prefix& own) { return own.address == address; });
}

const std::optional<IpAddress>& gateway_of(const PortConfig& port, Family family) {
    return family == Family::ipv4 ? port.gateway : port.gateway6;
}

bool is_network_or_broadcast(const Prefix& prefix, const IpAddress& address) {
    if (address.family != Family::ipv4 || prefix.length >= 31 || !prefix.contains(address)) {
        return false;
    }
    bool zeros = true;
    bool ones = true;
    for (unsigned bit = prefix.length; bit < 32; ++bit) {
        const bool set = (address.bytes[bit / 8] >> (7 - bit % 8) & 1) != 0;
        zeros = zeros && !set;
        ones = ones && set;
    }
    return zeros || ones;
}

std::string prefixes_text(const PortConfig& port) {
    std::string text;
    for (const Prefix& prefix : port.addresses) {
        text += (text.empty() ? "" : ", ") + prefix.to_text();
    }
    return text;
}

}  // namespace posthaste::controlplane
