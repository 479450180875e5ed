// SPDX-License-Identifier: BSD-3-Clause
// Serf's messages as bytes: the payload of a user message, the user state of a push/pull, tags.
//
// A type and a msgpack map; a relay has another message behind its map. The user state of a
// push/pull may have keys we do not know, empty places among its events, and bytes behind it.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

inline constexpr std::size_t kEventBytesMax = 9U << 10;  // of a name or a payload
inline constexpr std::size_t kSerfPayloadMax = 64U << 10;
inline constexpr std::size_t kFiltersMax = 64;
inline constexpr std::size_t kKeysListedMax = 1'024;
inline constexpr std::size_t kPushMembersMax = 65'536;

[[nodiscard]] tl::expected<SerfMessage, Refusal> decode_serf(std::string_view payload);
[[nodiscard]] std::string encode_serf(const SerfMessage& message);
[[nodiscard]] SerfType type_of(const SerfMessage& message) noexcept;

// 0xff and a map; anything else is old and means the role.
[[nodiscard]] tl::expected<Tags, Refusal> tags_of_meta(std::string_view meta);
// Oversize beyond kMetaBytesMax.
[[nodiscard]] tl::expected<std::string, Refusal> meta_of_tags(const Tags& tags);

// The payload of an ack by which Serf reckons round trips: a coordinate that stays at the origin.
[[nodiscard]] const std::string& resting_coordinate();

}  // namespace posthaste::gossip::membership
