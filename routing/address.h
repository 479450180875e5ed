// SPDX-License-Identifier: BSD-3-Clause
// Link and network addresses as plain values in wire order.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::routing {

struct Mac {
    std::array<std::uint8_t, 6> bytes{};

    friend auto operator<=>(const Mac&, const Mac&) = default;

    [[nodiscard]] bool is_group() const noexcept { return (bytes[0] & 1) != 0; }

    [[nodiscard]] bool is_zero() const noexcept { return *this == Mac{}; }

    // aa:bb:cc:dd:ee:ff, either case.
    [[nodiscard]] static std::optional<Mac> from_text(std::string_view text) noexcept;
    [[nodiscard]] std::string to_text() const;
};

enum class Family : std::uint8_t { none = 0, ipv4 = 4, ipv6 = 6 };

// IPv4 uses the first four bytes and leaves the rest zero, so equality is bytewise.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};
    Family family = Family::none;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

    [[nodiscard]] bool is_none() const noexcept { return family == Family::none; }

    // Loopback, unspecified, broadcast, multicast: never a host one can send a frame to.
    [[nodiscard]] bool is_unicast_host() const noexcept;

    [[nodiscard]] std::size_t size() const noexcept { return family == Family::ipv4 ? 4 : 16; }

    // Dotted quad or any RFC 4291 text form; no zone.
    [[nodiscard]] static std::optional<IpAddress> from_text(std::string_view text) noexcept;
    [[nodiscard]] std::string to_text() const;
};

// An interface address with its on-link prefix length, as in 10.0.0.1/24.
struct Prefix {
    IpAddress address;
    std::uint8_t length = 0;

    friend bool operator==(const Prefix&, const Prefix&) = default;

    [[nodiscard]] bool contains(const IpAddress& other) const noexcept;
    [[nodiscard]] static std::optional<Prefix> from_text(std::string_view text) noexcept;
    [[nodiscard]] std::string to_text() const;
};

struct IpAddressHash {
    [[nodiscard]] std::size_t operator()(const IpAddress& ip) const noexcept;
};

}  // namespace posthaste::routing
