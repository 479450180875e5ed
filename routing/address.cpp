// SPDX-License-Identifier: BSD-3-Clause
#include "routing/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace posthaste::routing {

namespace {

constexpr std::size_t kMacTextBytes = 17;
constexpr std::size_t kIpTextBytesMax = INET6_ADDRSTRLEN;  // with the terminating zero
constexpr std::string_view kHexDigits = "0123456789abcdef";

int hex_value(char digit) noexcept {
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

}  // namespace

std::optional<Mac> Mac::from_text(std::string_view text) noexcept {
    if (text.size() != kMacTextBytes) {
        return std::nullopt;
    }
    Mac mac;
    for (std::size_t i = 0; i < mac.bytes.size(); ++i) {
        const int high = hex_value(text[i * 3]);
        const int low = hex_value(text[i * 3 + 1]);
        const bool last = i + 1 == mac.bytes.size();
        if (high < 0 || low < 0 || (!last && text[i * 3 + 2] != ':')) {
            return std::nullopt;
        }
        mac.bytes[i] = static_cast<std::uint8_t>(high * 16 + low);
    }
    return mac;
}

std::string Mac::to_text() const {
    std::string text(kMacTextBytes, ':');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        text[i * 3] = kHexDigits[bytes[i] >> 4];
        text[i * 3 + 1] = kHexDigits[bytes[i] & 0x0f];
    }
    return text;
}

bool IpAddress::is_unicast_host() const noexcept {
    if (family == Family::ipv4) {
        // 0/8 and 127/8 never leave a host; 224/4 is multicast, 240/4 reserved and broadcast.
        return bytes[0] != 0 && bytes[0] != 127 && bytes[0] < 224;
    }
    if (family == Family::ipv6) {
        // ::, ::1 and IPv4 mapped into IPv6 lie in the first 80 zero bits; ff00::/8 is multicast.
        const bool zeros =
            std::all_of(bytes.begin(), bytes.begin() + 10, [](auto byte) { return byte == 0; });
        return !zeros && bytes[0] != 0xff;
    }
    return false;
}

std::optional<IpAddress> IpAddress::from_text(std::string_view text) noexcept {
    std::array<char, kIpTextBytesMax> zero_ended{};
    if (text.size() >= zero_ended.size() || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::ranges::copy(text, zero_ended.begin());
    IpAddress ip;
    if (inet_pton(AF_INET, zero_ended.data(), ip.bytes.data()) == 1) {
        ip.family = Family::ipv4;
        return ip;
    }
    if (inet_pton(AF_INET6, zero_ended.data(), ip.bytes.data()) == 1) {
        ip.family = Family::ipv6;
        return ip;
    }
    return std::nullopt;
}

std::string IpAddress::to_text() const {
    std::array<char, kIpTextBytesMax> text{};
    if (is_none()) {
        return "none";
    }
    const int family_of_system = family == Family::ipv4 ? AF_INET : AF_INET6;
    inet_ntop(family_of_system, bytes.data(), text.data(), text.size());
    return text.data();
}

bool Prefix::contains(const IpAddress& other) const noexcept {
    if (address.is_none() || address.family != other.family || length > address.size() * 8) {
        return false;
    }
    const std::size_t whole = length / 8;
    if (!std::equal(other.bytes.begin(),
                    other.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    address.bytes.begin())) {
        return false;
    }
    const unsigned rest = length % 8;
    if (rest == 0) {
        return true;
    }
    return ((address.bytes[whole] ^ other.bytes[whole]) >> (8 - rest)) == 0;
}

std::optional<Prefix> Prefix::from_text(std::string_view text) noexcept {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto address = IpAddress::from_text(text.substr(0, slash));
    const std::string_view digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (!address || error != std::errc{} || end != digits.data() + digits.size() ||
        (digits.size() > 1 && digits.front() == '0') || length > address->size() * 8) {
        return std::nullopt;
    }
    return Prefix{*address, static_cast<std::uint8_t>(length)};
}

std::string Prefix::to_text() const {
    return address.to_text() + "/" + std::to_string(length);
}

std::size_t IpAddressHash::operator()(const IpAddress& ip) const noexcept {
    std::uint64_t half[2];
    std::memcpy(half, ip.bytes.data(), sizeof half);
    std::uint64_t mixed = half[0] * 0x9e3779b97f4a7c15ULL;
    mixed ^= mixed >> 32;
    mixed = (mixed ^ half[1]) * 0xc2b2ae3d27d4eb4fULL;
    mixed ^= mixed >> 29;
    return mixed + static_cast<std::size_t>(ip.family);
}

}  // namespace posthaste::routing
