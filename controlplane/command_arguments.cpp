// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/command_arguments.h"

#include <algorithm>
#include <charconv>

#include "controlplane/endpoint_text.h"
#include "controlplane/event_log.h"
#include "controlplane/protocol.h"
#include "routing/offer.h"

namespace posthaste::controlplane {

namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr std::size_t kSectionNameBytesMax = 64;
constexpr std::size_t kCursorBytesMax = 128;

// Control characters could not be typed back and would play tricks on terminals.
bool is_text(std::string_view value, std::size_t bytes_max) noexcept {
    return !value.empty() && value.size() <= bytes_max && std::ranges::none_of(value, [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f;
    });
}

bool is_hex_digit(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Base64 with padding (RFC 4648) of 16, 24 or 32 bytes, by its form.
bool is_key(std::string_view value) noexcept {
    const std::size_t padding = value.ends_with("==") ? 2 : value.ends_with('=') ? 1 : 0;
    const std::string_view digits = value.substr(0, value.size() - padding);
    const std::size_t bytes = value.size() / 4 * 3 - padding;
    return value.size() % 4 == 0 && (bytes == 16 || bytes == 24 || bytes == 32) &&
           std::ranges::all_of(digits, [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '+' || c == '/';
           });
}

template <typename T>
std::optional<T> to_number(std::string_view text) noexcept {
    T value{};
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end || text.empty()) {
        return std::nullopt;
    }
    return value;
}

}  // namespace

std::string_view name_of(ValueKind kind) noexcept {
    switch (kind) {
        case ValueKind::agent:
            return "uuid";
        case ValueKind::port:
            return "port";
        case ValueKind::router:
            return "router";
        case ValueKind::policy:
            return "policy";
        case ValueKind::payload:
            return "payload";
        case ValueKind::number:
            return "number";
        case ValueKind::endpoint:
            return "endpoint";
        case ValueKind::mac:
            return "mac";
        case ValueKind::name:
        case ValueKind::capability:
            return "text";
        case ValueKind::cursor:
            return "cursor";
        case ValueKind::key:
            return "key";
        case ValueKind::topic:
            return "topic";
        case ValueKind::word:
            return "word";
        case ValueKind::flag:
            return "flag";
    }
    return "text";
}

std::string_view allowed(ValueKind kind) noexcept {
    switch (kind) {
        case ValueKind::agent:
            return "a UUID of the form 8-4-4-4-12 hexadecimal digits, not all zero";
        case ValueKind::port:
            return "the name of a port";
        case ValueKind::router:
            return "the name of a router";
        case ValueKind::policy:
            return "the name of a policy";
        case ValueKind::payload:
            return "1 to 9000 bytes as hexadecimal digits; posthastectl takes a file, too";
        case ValueKind::number:
            return "a number from 1 to 1000";
        case ValueKind::endpoint:
            return "a host's address: IP, IPv4:PORT or [IPv6]:PORT";
        case ValueKind::mac:
            return "the MAC address of one station, as in 02:00:00:00:00:01";
        case ValueKind::name:
            return "1 to 255 bytes of text without control characters";
        case ValueKind::capability:
            return "NAME[@PRIORITY][*WEIGHT], as in vision/ocr@800*20";
        case ValueKind::cursor:
            return "the cursor an earlier answer gave as next";
        case ValueKind::key:
            return "a key of 16, 24 or 32 bytes in base64";
        case ValueKind::topic:
            return "agents, ports, members or routes";
        case ValueKind::word:
            return "words of a command";
        case ValueKind::flag:
            return "no value";
    }
    return "";
}

static_assert(kPageMax == 1'000, "allowed(number) says so in words");
static_assert(kPayloadBytesMax == 9'000, "allowed(payload) says so in words");

bool is_valid(ValueKind kind, std::string_view value) noexcept {
    switch (kind) {
        case ValueKind::agent: {
            const auto agent = routing::AgentId::from_text(value);
            return agent && !agent->is_nil();
        }
        case ValueKind::number: {
            const auto number = to_number<unsigned>(value);
            return number && *number >= 1 && *number <= kPageMax;
        }
        case ValueKind::endpoint:
            return host_endpoint_from_text(value).has_value();
        case ValueKind::mac: {
            const auto mac = routing::Mac::from_text(value);
            return mac && !mac->is_group() && !mac->is_zero();
        }
        case ValueKind::name:
            return is_text(value, kNameBytesMax);
        case ValueKind::capability:
            return routing::offer_from_text(value).has_value();
        case ValueKind::cursor:
            return is_text(value, kCursorBytesMax);
        case ValueKind::payload:
            return !value.empty() && value.size() % 2 == 0 &&
                   value.size() / 2 <= kPayloadBytesMax && std::ranges::all_of(value, is_hex_digit);
        case ValueKind::key:
            return is_key(value);
        case ValueKind::topic:
            return topic_from_text(value).has_value();
        case ValueKind::port:
        case ValueKind::router:
        case ValueKind::policy:
        case ValueKind::word:
            return is_text(value, kSectionNameBytesMax);
        case ValueKind::flag:
            return value.empty();
    }
    return false;
}

void Arguments::add(std::string_view name, std::string_view value) {
    values_[std::string(name)].emplace_back(value);
}

bool Arguments::has(std::string_view name) const {
    return values_.find(name) != values_.end();
}

const std::string& Arguments::text(std::string_view name) const {
    static const std::string none;
    const std::vector<std::string>& values = texts(name);
    return values.empty() ? none : values.front();
}

const std::vector<std::string>& Arguments::texts(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = values_.find(name);
    return found == values_.end() ? none : found->second;
}

routing::AgentId Arguments::agent(std::string_view name) const {
    return routing::AgentId::from_text(text(name)).value_or(routing::AgentId{});
}

std::vector<std::uint8_t> Arguments::bytes(std::string_view name) const {
    const std::string& digits = text(name);
    std::vector<std::uint8_t> bytes(digits.size() / 2);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const char* const at = digits.data() + 2 * i;
        std::from_chars(at, at + 2, bytes[i], 16);
    }
    return bytes;
}

unsigned Arguments::number(std::string_view name, unsigned otherwise) const {
    return to_number<unsigned>(text(name)).value_or(otherwise);
}

}  // namespace posthaste::controlplane
