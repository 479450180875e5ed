// SPDX-License-Identifier: BSD-3-Clause
// Everything the route plane refuses, by name. A refusal changes nothing and is counted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace posthaste::gossip::claims {

enum class Refusal : std::uint8_t {
    // frames
    oversize,
    truncated,
    trailing_bytes,
    other_version,
    wrong_cluster,
    unknown_message,
    malformed,
    // sessions
    no_hello,
    second_hello,
    own_router_id,
    other_router_id,
    duplicate_session,
    too_many_sessions,
    slow_peer,
    // whose it is
    own_keyspace,
    foreign_keyspace,
    unknown_keyspace,
    forgotten,
    // ranges
    unasked_range,
    sequence_jump,
    out_of_order,
    incomplete_range,
    gap,
    not_newer,
    not_from_start,
    range_too_large,
    range_aborted,
    too_many_ranges,
    fingerprint_mismatch,
    // records
    bad_key,
    unknown_set,
    bad_set,
    // room
    store_full,
    origins_full,
    sets_full,
    provisional_full,
    // own claims
    frozen,
    rate_limited,
    // discovery
    unasked_answer,
};

inline constexpr std::array<std::string_view, 40> kRefusalNames = {
    "oversize",
    "truncated",
    "trailing-bytes",
    "other-version",
    "wrong-cluster",
    "unknown-message",
    "malformed",
    "no-hello",
    "second-hello",
    "own-router-id",
    "other-router-id",
    "duplicate-session",
    "too-many-sessions",
    "slow-peer",
    "own-keyspace",
    "foreign-keyspace",
    "unknown-keyspace",
    "forgotten",
    "unasked-range",
    "sequence-jump",
    "out-of-order",
    "incomplete-range",
    "gap",
    "not-newer",
    "not-from-start",
    "range-too-large",
    "range-aborted",
    "too-many-ranges",
    "fingerprint-mismatch",
    "bad-key",
    "unknown-set",
    "bad-set",
    "store-full",
    "origins-full",
    "sets-full",
    "provisional-full",
    "frozen",
    "rate-limited",
    "unasked-answer",
    "",
};

inline constexpr std::size_t kRefusals = static_cast<std::size_t>(Refusal::unasked_answer) + 1;
static_assert(kRefusals + 1 == kRefusalNames.size());

[[nodiscard]] constexpr std::string_view name_of(Refusal refusal) noexcept {
    return kRefusalNames[static_cast<std::size_t>(refusal)];
}

using RefusalCounts = std::array<std::uint64_t, kRefusals>;

}  // namespace posthaste::gossip::claims
