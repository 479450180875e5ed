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
// A view: lines of kPlaces points in ascending order. A point's home is one of the lines by its
// position; it lies there, or, if that was full, behind the one before it. The places of a line
// that no point has repeat the next point, so that a successor is nearly always found in one line,
// the home of what is asked for. The memory is its owner's.
#pragma once

#include <emmintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "routing/agent_id.h"
#include "routing/mix.h"
#include "routing/prefetch.h"

namespace posthaste::routing {

struct RingPoint {
    // Of `provider`: the point is a repetition. All bits: it is none, and the last one is passed.
    static constexpr std::uint32_t kRepeated = 1U << 31;
    static constexpr std::uint32_t kEnd = 0xffffffff;

    std::uint32_t position = 0;
    std::uint32_t provider = 0;  // its number in the set

    [[nodiscard]] bool repeated() const noexcept { return (provider & kRepeated) != 0; }

    [[nodiscard]] std::uint32_t number() const noexcept { return provider & ~kRepeated; }
};

class ProviderRing {
  public:
    static constexpr std::size_t kPoints = 8;
    static constexpr std::size_t kProbes = 3;
    static constexpr std::size_t kPlaces = 8;

    struct alignas(64) Line {
        std::array<RingPoint, kPlaces> place;
    };

    static_assert(sizeof(Line) == 64);

    // Puts points into lines, in ascending order.
    class Writer {
      public:
        // `lines`: homes_for() and one or more behind them.
        Writer(Line* lines, std::uint32_t homes, std::uint32_t line_count) noexcept
            : first_(lines->place.data()),
              at_(first_),
              end_(first_ + std::size_t{line_count} * kPlaces),
              homes_(homes) {}

        // `times` 0: a repetition; what comes next is another one, or the point itself.
        void put(const RingPoint& point, std::uint32_t times = 1) noexcept {
            RingPoint* const home = first_ + kPlaces * scaled(point.position, homes_);
            if (at_ < home) {
                // A line at a time, for how many places it is cannot be foretold; behind a home
                // there is a whole line.
                const RingPoint repeated{point.position, point.number() | RingPoint::kRepeated};
                for (; at_ < home; at_ += kPlaces) {
                    std::fill_n(at_, kPlaces, repeated);
                }
                at_ = home;
            }
            *at_ = point;
            at_ += at_ + 1 < end_ ? times : 0;
            put_ += times;
        }

        // What is written some lines later is asked for.
        void prefetch(std::size_t lines) const noexcept {
            __builtin_prefetch(at_ + kPlaces * lines, 1);
        }

        // Line `number` of a ring with as many homes, as it lies there, where nothing reaches into
        // it, here or there, and none of its points has gone. moved[n]: the new number of
        // provider n, kEnd: gone. Nothing new comes before what its last places repeat. False: it
        // is not so, and nothing is done.
        [[nodiscard]] bool keep_line(std::uint32_t number,
                                     const RingPoint* line,
                                     const std::uint32_t* moved) noexcept {
            RingPoint* const home = first_ + kPlaces * number;
            if (at_ > home || scaled(line->position, homes_) != number) {
                return false;
            }
            std::uint32_t repeated = 0;
            std::uint32_t gone = 0;
            std::array<RingPoint, kPlaces> places;
#pragma GCC unroll 1
            for (std::size_t i = 0; i < kPlaces; ++i) {
                const std::uint32_t now = moved[line[i].number()];
                gone += now == RingPoint::kEnd ? 1 : 0;
                repeated += line[i].repeated() ? 1 : 0;
                places[i] = {line[i].position, now | (line[i].provider & RingPoint::kRepeated)};
            }
            if (gone != 0) {
                return false;
            }
            const RingPoint& next = places.front();
            std::fill(at_, home, RingPoint{next.position, next.number() | RingPoint::kRepeated});
            std::copy(places.begin(), places.end(), home);
            at_ = home + kPlaces;
            put_ += static_cast<std::uint32_t>(kPlaces) - repeated;
            return true;
        }

        // How many lie there; fewer than were put, if there was no room for them all.
        [[nodiscard]] std::uint32_t finish() noexcept;

      private:
        RingPoint* first_;
        RingPoint* at_;
        RingPoint* end_;
        std::uint32_t homes_;
        std::uint32_t put_ = 0;
    };

    [[nodiscard]] static std::array<std::uint32_t, kPoints> positions(
        const AgentId& agent) noexcept;

    [[nodiscard]] static std::array<std::uint32_t, kProbes> probes(std::uint64_t key) noexcept {
        return {static_cast<std::uint32_t>(key),
                static_cast<std::uint32_t>(key >> 32),
                static_cast<std::uint32_t>(key * kMixStep >> 32)};
    }

    // How many lines are homes where there are so many points. In steps of 1/32 to 1/64, so that
    // most rings have as many as those they are made from, and most of their lines are alike.
    [[nodiscard]] static std::uint32_t homes_for(std::uint32_t points) noexcept {
        const std::uint64_t step = std::max<std::uint32_t>(std::bit_floor(points) / 32, kPoints);
        return static_cast<std::uint32_t>((points + step - 1) / step * step * 2 / 11) + 1;
    }

    ProviderRing() = default;

    // What a Writer has filled with `count` points; at least one.
    ProviderRing(const Line* lines,
                 std::uint32_t homes,
                 std::uint32_t line_count,
                 std::uint32_t count) noexcept
        : places_(lines->place.data()), homes_(homes), lines_(line_count), count_(count) {}

    [[nodiscard]] std::uint32_t count() const noexcept {
        return count_;
    }

    [[nodiscard]] std::uint32_t homes() const noexcept {
        return homes_;
    }

    // All places, repetitions among them.
    [[nodiscard]] std::span<const RingPoint> places() const noexcept {
        return {places_, std::size_t{lines_} * kPlaces};
    }

    // The first point at the position or after it, perhaps its repetition; the ring is round. Not
    // of an empty ring.
    [[nodiscard]] const RingPoint* successor(std::uint32_t position) const noexcept {
        const RingPoint* line = places_ + kPlaces * scaled(position, homes_);
        std::uint32_t at = before(line, position);
        if (at == kPlaces) [[unlikely]] {
            line = crowded(line, position);
            at = before(line, position);
        }
        return line[at].provider == RingPoint::kEnd ? places_ : line + at;
    }

    // The point after it, perhaps its repetition.
    [[nodiscard]] const RingPoint* next(const RingPoint* point) const noexcept {
        if (point->repeated()) {
            // Only the first of a line is repeated before it, and it lies at home.
            point = places_ + kPlaces * scaled(point->position, homes_);
        }
        ++point;
        return point->provider == RingPoint::kEnd ? places_ : point;
    }

    void prefetch(std::uint64_t key) const noexcept {
        for (const std::uint32_t probe : probes(key)) {
            prefetch_line(places_ + kPlaces * scaled(probe, homes_));
        }
    }

  private:
    // As many comparisons each time, since how many are needed is not to be foretold.
    [[nodiscard]] static std::uint32_t before(const RingPoint* line,
                                              std::uint32_t position) noexcept {
        const auto four = [line](std::size_t at) {
            const auto* two = reinterpret_cast<const __m128i*>(line + at);
            return _mm_castps_si128(_mm_shuffle_ps(_mm_castsi128_ps(_mm_load_si128(two)),
                                                   _mm_castsi128_ps(_mm_load_si128(two + 1)),
                                                   0x88));
        };
        // There is no comparison of unsigned numbers: their order without the top bit's weight.
        const __m128i top = _mm_set1_epi32(static_cast<int>(0x80000000));
        const __m128i asked = _mm_xor_si128(_mm_set1_epi32(static_cast<int>(position)), top);
        const __m128i low = _mm_cmpgt_epi32(asked, _mm_xor_si128(four(0), top));
        const __m128i high = _mm_cmpgt_epi32(asked, _mm_xor_si128(four(4), top));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi32(low, high)));
        return static_cast<std::uint32_t>(std::popcount(mask)) / 2;
    }

    [[nodiscard]] const RingPoint* crowded(const RingPoint* line,
                                           std::uint32_t position) const noexcept;

    const RingPoint* places_ = nullptr;
    std::uint32_t homes_ = 0;
    std::uint32_t lines_ = 0;
    std::uint32_t count_ = 0;
};

}  // namespace posthaste::routing
