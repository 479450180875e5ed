// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/query.h"

#include <algorithm>
#include <array>

#include "routing/capability_name.h"
#include "routing/message.h"

namespace posthaste::controlplane {

namespace {

using routing::Provider;
using routing::Tlv;

constexpr std::size_t kTlvHeadBytes = 2;
constexpr std::size_t kCursorBytes = kTlvHeadBytes + 4;
constexpr std::size_t kProviderFixedBytes = 16 + 2 + 2 + 2 + 1 + 1;
constexpr std::size_t kRouterNameMax = 32;
static_assert(kTlvHeadBytes + kProviderFixedBytes + kRouterNameMax + kCursorBytes == kQueryRoom);

void put_u16(std::uint8_t* at, std::uint16_t value) noexcept {
    at[0] = static_cast<std::uint8_t>(value >> 8);
    at[1] = static_cast<std::uint8_t>(value);
}

// The value of a provider TLV; wire-format.md has its fields.
std::size_t describe(const Provider& provider,
                     const Directory& directory,
                     std::span<std::uint8_t, kProviderFixedBytes + kRouterNameMax> value) {
    std::copy(provider.agent.bytes.begin(), provider.agent.bytes.end(), value.begin());
    put_u16(&value[16], provider.priority);
    put_u16(&value[18], provider.weight);
    put_u16(&value[20], directory.load(provider).per_mille);
    value[22] = static_cast<std::uint8_t>(provider.state);
    value[23] = provider.local() ? 0 : 1;
    if (provider.local()) {
        return kProviderFixedBytes;
    }
    const std::string_view router =
        directory.router_name(provider.router).substr(0, kRouterNameMax);
    std::copy(router.begin(), router.end(), value.begin() + kProviderFixedBytes);
    return kProviderFixedBytes + router.size();
}

}  // namespace

tl::expected<Query, std::string> parse_query(std::span<const std::uint8_t> payload) {
    Query query;
    bool named = false;
    routing::TlvReader tlvs(payload);
    while (tlvs.next()) {
        const std::span<const std::uint8_t> value = tlvs.value();
        switch (static_cast<Tlv>(tlvs.type())) {
            case Tlv::capability_name:
                if (named) {
                    return tl::unexpected(std::string("more than one name"));
                }
                named = true;
                query.name.assign(value.begin(), value.end());
                break;
            case Tlv::cursor:
                if (value.size() != 4) {
                    return tl::unexpected(std::string("a cursor has 4 bytes"));
                }
                query.cursor = std::uint32_t{value[0]} << 24 | std::uint32_t{value[1]} << 16 |
                               std::uint32_t{value[2]} << 8 | value[3];
                break;
            case Tlv::query_flags:
                if (value.size() != 1) {
                    return tl::unexpected(std::string("the flags of a query have 1 byte"));
                }
                query.flags = value[0];
                break;
            default:
                break;  // unknown types are skipped
        }
    }
    if (!tlvs.ok()) {
        return tl::unexpected(std::string("a TLV runs past the payload"));
    }
    if (!routing::is_capability_name(query.name)) {
        return tl::unexpected(std::string("a query names one capability"));
    }
    return query;
}

bool is_wanted(const Provider& provider,
               const routing::RouterMask& routers,
               std::uint8_t flags) noexcept {
    return ((flags & query_flag::all_states) != 0 ||
            (provider.state == routing::AgentState::running && !routers.out(provider.router))) &&
           ((flags & query_flag::local_only) == 0 || provider.local());
}

std::optional<std::size_t> write_reply(const Query& query,
                                       const routing::ProviderSet& set,
                                       const Directory& directory,
                                       std::span<std::uint8_t> room) {
    const std::span<const Provider> all = set.providers();
    std::array<std::uint8_t, kProviderFixedBytes + kRouterNameMax> value{};
    routing::TlvWriter tlvs(room);
    std::size_t at = std::min<std::size_t>(query.cursor, all.size());
    for (; at < all.size(); ++at) {
        if (!is_wanted(all[at], directory.routers(), query.flags)) {
            continue;
        }
        const std::size_t bytes = describe(all[at], directory, value);
        if (tlvs.size() + kTlvHeadBytes + bytes + kCursorBytes > room.size()) {
            break;
        }
        tlvs.put(Tlv::provider, std::span<const std::uint8_t>(value).first(bytes));
    }
    if (at < all.size()) {
        if (tlvs.size() == 0) {
            return std::nullopt;  // a cursor would lead back to here
        }
        tlvs.put_u32(Tlv::cursor, static_cast<std::uint32_t>(at));
    }
    return tlvs.size();
}

}  // namespace posthaste::controlplane
