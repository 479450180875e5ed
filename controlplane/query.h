// SPDX-License-Identifier: BSD-3-Clause
// Query: an agent asks, in band, who has a capability; page by page, no answer larger than its
// question. Pure; control thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "routing/load_cells.h"
#include "routing/provider_set.h"
#include "routing/router_mask.h"

namespace posthaste::controlplane {

namespace query_flag {
inline constexpr std::uint8_t all_states = 1;  // not only those that are available: draining and
                                               // stopped ones and those of dead routers, too
inline constexpr std::uint8_t local_only = 2;  // only those attached to this router
}  // namespace query_flag

// The payload of a query frame.
struct Query {
    std::string name;
    std::uint32_t cursor = 0;  // how many to leave out: of an earlier reply
    std::uint8_t flags = 0;
};

// What a query is answered from; valid for the one call.
class Directory {
  public:
    virtual ~Directory() = default;
    // By the name or by pattern, as for a frame. Null: nobody has the capability.
    [[nodiscard]] virtual const routing::ProviderSet* providers(std::string_view name,
                                                                std::uint64_t now_ms) = 0;
    // Somebody asked for what nobody has, for all that is known here: other routers may know more.
    // Bounded as discovery is.
    virtual void discover(std::string_view name, std::uint64_t now_ms) = 0;
    [[nodiscard]] virtual routing::Load load(const routing::Provider& provider) const = 0;
    // Those whose providers no frame reaches now are out.
    [[nodiscard]] virtual const routing::RouterMask& routers() const = 0;
    // Up to 32 bytes.
    [[nodiscard]] virtual std::string_view router_name(std::uint16_t router) const = 0;
};

// Total over any bytes. The error is one sentence for the sender.
[[nodiscard]] tl::expected<Query, std::string> parse_query(std::span<const std::uint8_t> payload);

// Whether a query with these flags is told of the provider.
[[nodiscard]] bool is_wanted(const routing::Provider& provider,
                             const routing::RouterMask& routers,
                             std::uint8_t flags) noexcept;

// Room for one provider, wherever it is, and a cursor: that of a query whose payload is as long.
inline constexpr std::size_t kQueryRoom = 64;

// As many providers as `room` holds, then a cursor if there are more. Gives the bytes written;
// none: that was all of them. Nothing: there are more and no room for the next one.
[[nodiscard]] std::optional<std::size_t> write_reply(const Query& query,
                                                     const routing::ProviderSet& set,
                                                     const Directory& directory,
                                                     std::span<std::uint8_t> room);

}  // namespace posthaste::controlplane
