// SPDX-License-Identifier: BSD-3-Clause
// AgentId: the 16-byte UUID (RFC 4122 layout, any version) that names an agent or a capability.
//
// A plain value with the bytes in wire order; alignment 1, so it can be laid over a frame.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::routing {

struct AgentId {
    std::array<std::uint8_t, 16> bytes{};

    friend auto operator<=>(const AgentId&, const AgentId&) = default;

    // Two words at once: the default one calls memcmp(), which lcores would do for every frame.
    friend bool operator==(const AgentId& a, const AgentId& b) noexcept {
        std::uint64_t of_a[2];
        std::uint64_t of_b[2];
        std::memcpy(of_a, a.bytes.data(), sizeof of_a);
        std::memcpy(of_b, b.bytes.data(), sizeof of_b);
        return ((of_a[0] ^ of_b[0]) | (of_a[1] ^ of_b[1])) == 0;
    }

    // The nil UUID (all zero) names nobody and is refused wherever an agent is expected.
    [[nodiscard]] bool is_nil() const noexcept { return *this == AgentId{}; }

    // Accepts exactly the 36-character form 8-4-4-4-12, upper or lower case.
    [[nodiscard]] static std::optional<AgentId> from_text(std::string_view text) noexcept;

    // Lower-case 8-4-4-4-12.
    [[nodiscard]] std::string to_text() const;
};

static_assert(sizeof(AgentId) == 16 && alignof(AgentId) == 1);

// For containers of the control plane only: ids there come from registered agents, whose number
// is bounded. Tables a stranger can fill use the keyed hash of routing/key_hash.h.
struct AgentIdHash {
    [[nodiscard]] std::size_t operator()(const AgentId& id) const noexcept {
        std::uint64_t half[2];
        std::memcpy(half, id.bytes.data(), sizeof half);
        return (half[0] ^ (half[1] >> 7)) * 0x9e3779b97f4a7c15ULL;
    }
};

}  // namespace posthaste::routing
