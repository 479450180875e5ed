// SPDX-License-Identifier: BSD-3-Clause
// ProviderRing: multi-probe consistent hashing (Appleton and O'Reilly 2015) with kPoints points a
// provider on a ring of 2^32 places.
//
// A key is looked for at kProbes places; the provider with the point that follows one of them most
// closely is the key's, and the lower id where two are as close. So each provider has a distance
// to the key that depends on the two alone, and the least wins: who joins takes keys only for
// himself, who leaves gives up only his own, and the winner among all is the winner among any of
// them that he belongs to. The functions that give places are a contract between boxes.
//
// A view: points in ascending order, and for each bucket of the ring the first point in it, so that
// a successor is found in one step. The memory is its owner's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/agent_id.h"
#include "routing/mix.h"

namespace posthaste::routing {

struct RingPoint {
    std::uint32_t position = 0;
    std::uint32_t provider = 0;  // its number in the set
};

class ProviderRing {
  public:
    static constexpr std::size_t kPoints = 8;
    static constexpr std::size_t kProbes = 3;
    // Behind the points lie as many that are no points, read but never chosen.
    static constexpr std::size_t kSentinels = 8;

    [[nodiscard]] static std::array<std::uint32_t, kPoints> positions(
        const AgentId& agent) noexcept;

    [[nodiscard]] static std::array<std::uint32_t, kProbes> probes(std::uint64_t key) noexcept {
        return {static_cast<std::uint32_t>(key),
                static_cast<std::uint32_t>(key >> 32),
                static_cast<std::uint32_t>(key * kMixStep >> 32)};
    }

    // How many buckets a ring of so many points has; a power of two.
    [[nodiscard]] static std::uint32_t buckets_for(std::uint32_t points) noexcept;

    ProviderRing() = default;

    // `points`: in ascending order, kSentinels behind them; `starts`: buckets_for() and one.
    ProviderRing(const RingPoint* points,
                 std::uint32_t count,
                 const std::uint32_t* starts) noexcept;

    // Writes what the constructor's `starts` has to be, and the sentinels.
    static void index(RingPoint* points, std::uint32_t count, std::uint32_t* starts) noexcept;

    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }

    [[nodiscard]] const RingPoint& point(std::uint32_t at) const noexcept { return points_[at]; }

    [[nodiscard]] std::span<const RingPoint> points() const noexcept { return {points_, count_}; }

    // The number of the first point at the position or after it, or 0 where there is none: the ring
    // is round. Not of an empty ring.
    [[nodiscard]] std::uint32_t successor(std::uint32_t position) const noexcept {
        const std::uint32_t* start = starts_ + (std::uint64_t{position} >> shift_);
        const std::uint32_t first = start[0];
        const std::uint32_t end = start[1];
        // As many comparisons for each, since how many are needed is not to be foretold. Points of
        // the next bucket lie behind the position.
        std::uint32_t at = first;
        for (std::uint32_t i = 0; i < kSentinels; ++i) {
            at += points_[first + i].position < position ? 1 : 0;
        }
        if (end - first > kSentinels) [[unlikely]] {
            at = crowded(position, first, end);
        }
        return at == count_ ? 0 : at;
    }

    void prefetch_starts(std::uint64_t key) const noexcept {
        for (const std::uint32_t probe : probes(key)) {
            __builtin_prefetch(starts_ + (std::uint64_t{probe} >> shift_));
        }
    }

    // Reads what prefetch_starts() brought.
    void prefetch_points(std::uint64_t key) const noexcept {
        for (const std::uint32_t probe : probes(key)) {
            const RingPoint* first = points_ + starts_[std::uint64_t{probe} >> shift_];
            __builtin_prefetch(first);
            __builtin_prefetch(first + kSentinels - 1);
        }
    }

  private:
    [[nodiscard]] std::uint32_t crowded(std::uint32_t position,
                                        std::uint32_t first,
                                        std::uint32_t end) const noexcept;

    const RingPoint* points_ = nullptr;
    const std::uint32_t* starts_ = nullptr;
    std::uint32_t count_ = 0;
    std::uint32_t shift_ = 32;  // from a position to its bucket
};

}  // namespace posthaste::routing
