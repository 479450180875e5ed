// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/endpoint_text.h"

#include <charconv>

namespace posthaste::controlplane {

namespace {

// ":PORT"; nullopt: it is not.
std::optional<std::uint16_t> port_of(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 1, end, port);
    if (text.front() != ':' || error != std::errc() || stop != end || port == 0) {
        return std::nullopt;
    }
    return port;
}

}  // namespace

std::optional<EndpointText> endpoint_from_text(std::string_view text) noexcept {
    const bool bracketed = text.starts_with('[');
    std::string_view host = text;
    std::string_view port;
    if (bracketed) {
        const std::size_t bracket = text.find(']');
        if (bracket == std::string_view::npos) {
            return std::nullopt;
        }
        host = text.substr(1, bracket - 1);
        port = text.substr(bracket + 1);
    } else if (const std::size_t colon = text.find(':');
               colon != std::string_view::npos && colon == text.rfind(':')) {
        host = text.substr(0, colon);
        port = text.substr(colon);
    }
    const std::optional<routing::IpAddress> address = routing::IpAddress::from_text(host);
    if (!address || (bracketed && address->family != routing::Family::ipv6)) {
        return std::nullopt;
    }
    EndpointText endpoint{*address, std::nullopt};
    if (!port.empty()) {
        endpoint.port = port_of(port);
        if (!endpoint.port) {
            return std::nullopt;
        }
    }
    return endpoint;
}

std::optional<EndpointText> host_endpoint_from_text(std::string_view text) noexcept {
    const auto endpoint = endpoint_from_text(text);
    return endpoint && endpoint->address.is_unicast_host() ? endpoint : std::nullopt;
}

}  // namespace posthaste::controlplane
