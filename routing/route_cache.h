// SPDX-License-Identifier: BSD-3-Clause
// RouteCache: what one lcore found out of late about agent ids, positive and negative.
//
// Owned by one lcore, in memory it is given. A line of 64 bytes holds two ids that are there, with
// the number of their Fib entry, and one that is not: so negative answers have a third of the
// places, and a flood of unknown ids takes no other. A copy is believed only while the version of
// its stripe (routing/version_stripes.h) is what it was before the route was read, and until its
// time is up; stripes are at most as many as lines, so that one version serves a line.
//
// Times are coarse milliseconds modulo 2^32. Positive life is counted in ticks of 1024 ms, eight
// bits of them: TTLs up to kTtlMaxMs, and age() must come round at least every kAgeEveryMs, or an
// old tick would look new; it clears everything where it came too late.
// Replacement is CLOCK (Corbato 1968) over the two places of a line.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "routing/agent_id.h"

namespace posthaste::routing {

// Counted by the cache, for its owner to publish.
struct RouteCacheStats {
    std::uint64_t inserted_positive = 0;
    std::uint64_t inserted_negative = 0;
    std::uint64_t replaced = 0;     // a place was taken from an id that was still good
    std::uint64_t invalidated = 0;  // lines disbelieved because of their stripe
    std::uint64_t expired = 0;      // lines, or negative places, whose time was up
    std::uint64_t cleared = 0;      // times that everything was forgotten
};

class RouteCache {
  public:
    static constexpr std::uint32_t kMiss = 0;        // nothing known
    static constexpr std::uint32_t kNegative = ~0U;  // known not to be there
    static constexpr std::uint32_t kNumberMax = (1U << 27) - 1;
    static constexpr std::uint32_t kTickMs = 1024;
    static constexpr std::uint32_t kTtlMaxMs = 127 * kTickMs;
    static constexpr std::uint32_t kAgeEveryMs = 120 * kTickMs;
    static constexpr std::uint32_t kLinesMin = 2;
    static constexpr std::uint32_t kPositive = 2;  // ids that are there, in a line

    struct alignas(64) Line {
        std::array<AgentId, 3> id;  // [2]: the one that is not there
        // number, bit 27: used since the clock hand passed, from bit 28: half of the expiry tick
        std::array<std::uint32_t, 2> word;
        std::uint32_t negative_until;  // 0: none
        std::uint32_t version;         // of the stripe, for all three
    };

    static_assert(sizeof(Line) == 64);

    // All zero; as many as a power of two, at least kLinesMin. Empty: a cache that knows nothing.
    explicit RouteCache(std::span<Line> lines) noexcept;

    [[nodiscard]] bool enabled() const noexcept { return !lines_.empty(); }

    [[nodiscard]] std::uint32_t line_count() const noexcept {
        return static_cast<std::uint32_t>(lines_.size());
    }

    void prefetch(std::uint64_t hash) const noexcept;

    // The number put in for this id, kNegative, or kMiss. `version`: of the id's stripe, read just
    // before the call. Marks the place as used.
    [[nodiscard]] std::uint32_t find(const AgentId& id,
                                     std::uint64_t hash,
                                     std::uint32_t version,
                                     std::uint32_t now_ms) noexcept;

    // `version` was read before the route was. Longer lives are cut to kTtlMaxMs. A positive copy
    // lives until the last tick that begins within its life, and is not kept where none does; a
    // negative one lives as long as it is told.
    void insert(const AgentId& id,
                std::uint64_t hash,
                std::uint32_t number,  // 1 .. kNumberMax
                std::uint32_t version,
                std::uint32_t now_ms,
                std::uint32_t ttl_ms) noexcept;
    void insert_negative(const AgentId& id,
                         std::uint64_t hash,
                         std::uint32_t version,
                         std::uint32_t now_ms,
                         std::uint32_t ttl_ms) noexcept;

    // Forgets expired entries, a part of the lines each call in proportion to the time since the
    // last. Once per loop of the lcore, whether or not anything is looked up.
    void age(std::uint32_t now_ms) noexcept;
    void clear() noexcept;

    [[nodiscard]] const RouteCacheStats& stats() const noexcept { return stats_; }

  private:
    [[nodiscard]] Line& line_of(std::uint64_t hash) const noexcept {
        return lines_[hash >> shift_];
    }

    [[nodiscard]] unsigned place_for(Line& line, const AgentId& id) noexcept;
    // Drops what is out of date in the line; says whether anything is left to look at.
    bool freshen(Line& line, std::uint32_t version, std::uint32_t now_ms) noexcept;

    std::span<Line> lines_;
    unsigned shift_;
    std::uint32_t aged_ms_ = 0;   // when age() was last called, or insert() before it
    std::uint32_t age_next_ = 0;  // the line it goes on with
    bool aged_ = false;           // there is such a time
    RouteCacheStats stats_;
};

}  // namespace posthaste::routing
