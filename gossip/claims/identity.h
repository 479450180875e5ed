// SPDX-License-Identifier: BSD-3-Clause
// Who wrote a claim, and how far somebody has read what that router wrote.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>

namespace posthaste::gossip::claims {

// A router of the cluster; chosen once, when it is installed.
enum class RouterId : std::uint64_t {};

[[nodiscard]] constexpr std::uint64_t number(RouterId router) noexcept {
    return static_cast<std::uint64_t>(router);
}

// One life of a keyspace. The counter outlives restarts where there is a disk; the boot nonce is
// random, so that (router, generation, version) never names two contents even where there is none.
struct Generation {
    std::uint64_t counter = 0;
    std::uint64_t boot = 0;

    friend auto operator<=>(const Generation&, const Generation&) = default;
};

// The least one we can reach that is greater than `seen`, with a fresh nonce. At the end of the
// counters only the nonce is left to grow: a counter like that was made up by somebody.
[[nodiscard]] constexpr Generation generation_above(const Generation& seen,
                                                    std::uint64_t nonce) noexcept {
    constexpr auto kLast = std::numeric_limits<std::uint64_t>::max();
    if (seen.counter < kLast) {
        return {seen.counter + 1, nonce};
    }
    return {kLast, seen.boot < kLast ? seen.boot + 1 : kLast};
}

// How far a keyspace has got, or has been read: every change of it adds one to the version.
struct Position {
    Generation generation;
    std::uint64_t version = 0;

    friend auto operator<=>(const Position&, const Position&) = default;
};

// What a router knows of a keyspace, in short. Below `floor` it has forgotten what was withdrawn.
struct DigestRow {
    RouterId router{};
    Position at;
    std::uint64_t floor = 0;
    std::uint64_t fingerprint = 0;  // of what is live; the same wherever the position is

    friend bool operator==(const DigestRow&, const DigestRow&) = default;
};

}  // namespace posthaste::gossip::claims
