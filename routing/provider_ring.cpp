// SPDX-License-Identifier: BSD-3-Clause
#include "routing/provider_ring.h"

#include <algorithm>
#include <cstring>

namespace posthaste::routing {

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

std::uint32_t ProviderRing::Writer::finish() noexcept {
    // put() stays on the last place, which is to be no point.
    const bool full = at_ + 1 == end_ && put_ > 0;
    std::fill(at_, end_, RingPoint{.position = 0xffffffff, .provider = RingPoint::kEnd});
    return full ? 0 : put_;
}

// The first line that does not end before the position: lines in between are full. Somebody may
// have chosen ids whose points fall together, so they are not gone through one by one.
const RingPoint* ProviderRing::crowded(const RingPoint* line,
                                       std::uint32_t position) const noexcept {
    std::size_t first = static_cast<std::size_t>(line - places_) / kPlaces + 1;
    if (places_[first * kPlaces + kPlaces - 1].position >= position) [[likely]] {
        return places_ + first * kPlaces;
    }
    std::size_t end = lines_;
    while (first < end) {
        const std::size_t middle = first + (end - first) / 2;
        if (places_[middle * kPlaces + kPlaces - 1].position < position) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return places_ + first * kPlaces;
}

}  // namespace posthaste::routing
