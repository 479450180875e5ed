// SPDX-License-Identifier: BSD-3-Clause
#include "routing/provider_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "routing/mix.h"

namespace posthaste::routing {

namespace {

constexpr std::uint32_t kBucketPoints = 4;  // at most, on average

std::uint32_t shift_for(std::uint32_t points) noexcept {
    return 32U - static_cast<std::uint32_t>(std::countr_zero(ProviderRing::buckets_for(points)));
}

}  // namespace

// The id as two little-endian words a and b, s = mix(mix(a) ^ b), and of mix(s + i * kMixStep),
// i = 1 .. 4, the lower and the upper half.
std::array<std::uint32_t, ProviderRing::kPoints> ProviderRing::positions(
    const AgentId& agent) noexcept {
    std::uint64_t word[2];
    std::memcpy(word, agent.bytes.data(), sizeof word);
    std::uint64_t state = mix(mix(word[0]) ^ word[1]);
    std::array<std::uint32_t, kPoints> all{};
    for (std::size_t i = 0; i < kPoints; i += 2) {
        state += kMixStep;
        const std::uint64_t two = mix(state);
        all[i] = static_cast<std::uint32_t>(two);
        all[i + 1] = static_cast<std::uint32_t>(two >> 32);
    }
    return all;
}

std::uint32_t ProviderRing::buckets_for(std::uint32_t points) noexcept {
    return std::bit_ceil(std::max(1U, (points + kBucketPoints - 1) / kBucketPoints));
}

ProviderRing::ProviderRing(const RingPoint* points,
                           std::uint32_t count,
                           const std::uint32_t* starts) noexcept
    : points_(points), starts_(starts), count_(count), shift_(shift_for(count)) {}

void ProviderRing::index(RingPoint* points, std::uint32_t count, std::uint32_t* starts) noexcept {
    std::fill_n(points + count, kSentinels, RingPoint{.position = 0xffffffff, .provider = 0});
    const std::uint32_t shift = shift_for(count);
    std::uint64_t bucket = 0;
    for (std::uint32_t at = 0; at < count; ++at) {
        const std::uint64_t of = std::uint64_t{points[at].position} >> shift;
        for (; bucket <= of; ++bucket) {
            starts[bucket] = at;
        }
    }
    for (; bucket <= buckets_for(count); ++bucket) {
        starts[bucket] = count;
    }
}

// Somebody may have chosen ids whose points fall together: no longer than this.
std::uint32_t ProviderRing::crowded(std::uint32_t position,
                                    std::uint32_t first,
                                    std::uint32_t end) const noexcept {
    while (first < end) {
        const std::uint32_t middle = first + (end - first) / 2;
        if (points_[middle].position < position) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return first;
}

}  // namespace posthaste::routing
