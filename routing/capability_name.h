// SPDX-License-Identifier: BSD-3-Clause
// Names of capabilities, and the ids that stand for them on the wire. Pure; any thread.
//
// A name is 1 to 100 bytes: words of [a-z0-9], joined by single - _ . or /, then perhaps
// ":version", which is of the same form without "/". There is one way to write a name, so that its
// id, UUIDv5 (RFC 4122, 4.3) of its bytes in kNamespace, is the same everywhere.
//
// Capabilities and agents share one table. What stands for a capability there is not its id but its
// key: the id with its variant bits set to 111, which RFC 4122 keeps for the future. No agent may
// have such an id, so that none can take a capability's place by choosing its own.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "routing/agent_id.h"

namespace posthaste::routing {

inline constexpr std::size_t kCapabilityNameMax = 100;  // bytes

[[nodiscard]] bool is_capability_name(std::string_view name) noexcept;

// UUIDv5 of the name in Posthaste's namespace, whether or not it is a good name. About half a
// microsecond; allocates nothing.
[[nodiscard]] AgentId capability_id(std::string_view name) noexcept;

// Whether this can be the id of a capability: version 5, variant 10.
[[nodiscard]] inline bool is_capability_id(const AgentId& id) noexcept {
    return (id.bytes[6] & 0xf0U) == 0x50 && (id.bytes[8] & 0xc0U) == 0x80;
}

// Whether this is the key of a capability, and so no agent's id.
[[nodiscard]] inline bool is_capability_key(const AgentId& id) noexcept {
    return (id.bytes[8] & 0xe0U) == 0xe0;
}

// What stands in the Fib for the capability of that id, which is_capability_id(). One to one: the
// bit that 111 covers moves to the version, which is always 5.
[[nodiscard]] inline AgentId capability_key(const AgentId& id) noexcept {
    AgentId key = id;
    key.bytes[6] = static_cast<std::uint8_t>(key.bytes[6] | (id.bytes[8] & 0x20U) << 2);
    key.bytes[8] |= 0xe0U;
    return key;
}

}  // namespace posthaste::routing
