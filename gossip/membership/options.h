// SPDX-License-Identifier: BSD-3-Clause
// How membership behaves: memberlist's profiles, limits, and who we are.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "gossip/membership/serf_message.h"

namespace posthaste::gossip::membership {

// In the order of the wire; IPv4 is ::ffff:a.b.c.d.
struct SocketAddress {
    std::array<std::uint8_t, 16> ip{};
    std::uint16_t port = 0;

    friend auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

struct Timing {
    std::uint32_t probe_interval_ms = 1'000;
    std::uint32_t probe_timeout_ms = 500;
    std::uint32_t probes_at_once = 2;  // begun evenly over an interval; memberlist's is 1
    std::uint32_t gossip_interval_ms = 200;
    std::uint32_t gossip_nodes = 3;
    std::uint32_t gossip_to_dead_ms = 30'000;
    std::uint32_t push_pull_interval_ms = 30'000;
    std::uint32_t stream_timeout_ms = 10'000;
    std::uint32_t suspicion_multiplier = 4;
    std::uint32_t suspicion_max_multiplier = 6;
    std::uint32_t retransmit_multiplier = 4;
    std::uint32_t indirect_checks = 3;
};

// How far things have to spread: the digits of the number of members, which is at least 1.
[[nodiscard]] inline unsigned magnitude_of(std::size_t members) noexcept {
    return static_cast<unsigned>(std::ceil(std::log10(static_cast<double>(members + 1))));
}

[[nodiscard]] constexpr Timing lan_timing() noexcept {
    return {};
}

[[nodiscard]] constexpr Timing wan_timing() noexcept {
    return {.probe_interval_ms = 5'000,
            .probe_timeout_ms = 3'000,
            .gossip_interval_ms = 500,
            .gossip_nodes = 4,
            .gossip_to_dead_ms = 60'000,
            .push_pull_interval_ms = 60'000,
            .stream_timeout_ms = 30'000,
            .suspicion_multiplier = 6};
}

[[nodiscard]] constexpr Timing local_timing() noexcept {
    return {.probe_timeout_ms = 200,
            .gossip_interval_ms = 100,
            .gossip_to_dead_ms = 15'000,
            .push_pull_interval_ms = 15'000,
            .stream_timeout_ms = 1'000,
            .suspicion_multiplier = 3,
            .retransmit_multiplier = 2,
            .indirect_checks = 1};
}

// Between routers in one rack: a crash is known to all in under 1.5 s.
[[nodiscard]] constexpr Timing fast_timing() noexcept {
    return {.probe_interval_ms = 150,
            .probe_timeout_ms = 75,
            .gossip_interval_ms = 50,
            .gossip_nodes = 4,
            .gossip_to_dead_ms = 15'000,
            .push_pull_interval_ms = 15'000,
            .stream_timeout_ms = 2'000,
            .suspicion_multiplier = 2};
}

struct MembershipLimits {
    std::uint32_t members_max = 4'096;
    std::uint32_t streams_max = 128;
    std::size_t accepted_bytes_max = 64U << 20;  // held by all accepted streams, before a message
    std::uint32_t broadcasts_max = 4'096;
    std::size_t user_state_max = 20U << 20;
    std::size_t decompressed_max = 40U << 20;
    std::size_t packet_bytes = 1'400;  // of a datagram we send

    // Rows of a push/pull: others may know members that we have no room for, or forgot.
    [[nodiscard]] constexpr std::uint32_t push_nodes_max() const noexcept {
        constexpr std::uint32_t kTimesMembers = 4;
        return members_max <= UINT32_MAX / kTimesMembers ? members_max * kTimesMembers : UINT32_MAX;
    }

    // Of the streams, what others may open: the rest is for ours.
    [[nodiscard]] constexpr std::uint32_t accepted_max() const noexcept {
        return streams_max - streams_max / 4;
    }

    // Of those, what one address may open.
    [[nodiscard]] constexpr std::uint32_t accepted_of_one_max() const noexcept {
        return accepted_max() < 4 ? 1 : accepted_max() / 4;
    }
};

// What Lifeguard, and we, add to SWIM besides the suspects' time (Timing). Off only where a
// simulation shows what it is worth.
struct Lifeguard {
    bool awareness = true;       // a slow member gives others more time
    bool asked_suspects = true;  // a suspect hears of it from all, and answers whoever accuses it
};

struct MembershipOptions {
    std::string name;       // [A-Za-z0-9.-]{1,128}, of this router for ever
    SocketAddress address;  // others reach us there
    std::string label{};    // of the cluster, in clear text; empty: none
    Tags tags{};
    std::vector<SocketAddress> seeds{};
    Timing timing = lan_timing();
    MembershipLimits limits{};
    Lifeguard lifeguard{};
    bool refuse_plaintext = true;                   // where there are keys
    std::uint64_t reconnect_ms = 30'000;            // to a failed member, by chance
    std::uint64_t reconnect_soon_ms = 1'000;        // to one that failed lately
    std::uint64_t lately_ms = 600'000;              // how long that is
    std::uint64_t seed_retry_ms = 5'000;            // while alone; less at first
    std::uint64_t reap_ms = 24ULL * 3'600 * 1'000;  // failed and left members are forgotten
    std::uint64_t leave_ms = 5'000;                 // at most, for the word to spread
};

}  // namespace posthaste::gossip::membership
