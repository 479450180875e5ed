// SPDX-License-Identifier: BSD-3-Clause
#include "routing/route_cache.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

using posthaste::routing::AgentId;
using posthaste::routing::RouteCache;

namespace {

constexpr std::uint32_t kTick = RouteCache::kTickMs;
constexpr std::uint32_t kVersion = 5;

AgentId agent(std::uint32_t number) {
    AgentId id;
    id.bytes.fill(0x40);
    std::memcpy(id.bytes.data() + 12, &number, sizeof number);
    return id;
}

// A hash that falls into this line of a cache of so many.
std::uint64_t hash_in(std::uint64_t line, std::uint64_t lines) {
    return line * (~std::uint64_t{0} / lines + 1);
}

class Cache {
  public:
    explicit Cache(std::size_t lines = 2) : lines_(lines), cache(lines_) {}

  private:
    std::vector<RouteCache::Line> lines_;

  public:
    RouteCache cache;

    void put(std::uint32_t number, std::uint32_t now, std::uint32_t ttl = 60'000) {
        cache.insert(agent(number), 0, number, kVersion, now, ttl);
    }

    void put_negative(std::uint32_t number, std::uint32_t now, std::uint32_t ttl = 60'000) {
        cache.insert_negative(agent(number), 0, kVersion, now, ttl);
    }

    std::uint32_t get(std::uint32_t number, std::uint32_t now, std::uint32_t version = kVersion) {
        return cache.find(agent(number), 0, version, now);
    }
};

// Times at which arithmetic modulo 2^32, or modulo 256 ticks, could go wrong.
const std::vector<std::uint32_t> kStarts{0,
                                         1,
                                         kTick - 1,
                                         kTick,
                                         255 * kTick,
                                         255 * kTick + 1'023,
                                         256 * kTick,
                                         0x7fff'ffff,
                                         0x8000'0000,
                                         0U - kTick,
                                         0U - 1,
                                         0U - 60'000,
                                         0U - RouteCache::kTtlMaxMs};

}  // namespace

TEST(route_cache, knows_nothing_at_first) {
    Cache one;
    for (const std::uint32_t version : {0U, 1U}) {
        EXPECT_EQ(one.get(1, 0, version), RouteCache::kMiss);
        EXPECT_EQ(one.cache.find(AgentId{}, 0, version, 0), RouteCache::kMiss);
    }
    EXPECT_EQ(one.cache.stats().invalidated, 0U);
}

TEST(route_cache, a_positive_copy_lives_no_longer_than_its_ttl_and_not_a_tick_less) {
    for (const std::uint32_t now : kStarts) {
        for (const std::uint32_t ttl :
             {2 * kTick, 2 * kTick + 1, 60'000U, 126 * kTick + 1'023, RouteCache::kTtlMaxMs}) {
            std::uint32_t life = 0;
            Cache one;
            one.put(1, now, ttl);
            for (std::uint32_t step = 1; one.get(1, now + life) == 1; life += step) {
                ASSERT_LE(life, ttl) << now << ' ' << ttl;
            }
            EXPECT_LE(life, ttl) << now << ' ' << ttl;  // the first at which it is gone
            EXPECT_GT(life, ttl - kTick) << now << ' ' << ttl;
        }
    }
}

TEST(route_cache, a_negative_copy_lives_exactly_its_ttl) {
    for (const std::uint32_t now : kStarts) {
        for (const std::uint32_t ttl : {1U, 2U, 2'000U, 60'000U}) {
            Cache one;
            one.put_negative(1, now, ttl);
            const bool zero = now + ttl == 0;  // the one value that means none: a ms less then
            EXPECT_EQ(one.get(1, now + ttl - 1) == RouteCache::kNegative, !zero)
                << now << ' ' << ttl;
            EXPECT_EQ(one.get(1, now + ttl), RouteCache::kMiss) << now << ' ' << ttl;
        }
    }
}

TEST(route_cache, a_ttl_of_zero_keeps_nothing_and_an_absurd_one_is_cut) {
    Cache one;
    one.put(1, 0, 0);
    one.put_negative(2, 0, 0);
    EXPECT_EQ(one.get(1, 0), RouteCache::kMiss);
    EXPECT_EQ(one.get(2, 0), RouteCache::kMiss);
    EXPECT_EQ(one.cache.stats().inserted_positive, 0U);
    EXPECT_EQ(one.cache.stats().inserted_negative, 0U);
    one.put(1, 0, ~0U);
    one.put_negative(2, 0, ~0U);
    EXPECT_EQ(one.get(1, RouteCache::kTtlMaxMs - kTick), 1U);
    EXPECT_EQ(one.get(2, RouteCache::kTtlMaxMs - 1), RouteCache::kNegative);
    EXPECT_EQ(one.get(1, RouteCache::kTtlMaxMs), RouteCache::kMiss);
    EXPECT_EQ(one.get(2, RouteCache::kTtlMaxMs), RouteCache::kMiss);
}

TEST(route_cache, a_line_expires_with_the_first_of_its_ids_and_then_takes_new_ones) {
    Cache one;
    one.put(1, 0, 60 * kTick);
    one.put(2, 10 * kTick, 5 * kTick);
    EXPECT_EQ(one.get(1, 15 * kTick - 1), 1U);
    EXPECT_EQ(one.get(1, 15 * kTick), RouteCache::kMiss);
    one.put(1, 15 * kTick, 60 * kTick);
    EXPECT_EQ(one.get(1, 74 * kTick), 1U);
    EXPECT_EQ(one.get(2, 74 * kTick), RouteCache::kMiss);
}

TEST(route_cache, an_expired_copy_never_looks_new_again_whatever_the_rhythm_of_age) {
    std::mt19937 random(3);
    for (unsigned round = 0; round < 300; ++round) {
        Cache one(1U << (1 + random() % 6));
        const std::uint32_t start = random();
        const std::uint32_t ttl = kTick + random() % RouteCache::kTtlMaxMs;
        const std::uint32_t rhythm = 1 + random() % (round % 3 == 0 ? 60'000 : 2'000);
        one.cache.age(start - random() % rhythm);
        for (std::uint64_t line = 0; line < one.cache.line_count(); ++line) {
            one.cache.insert(
                agent(7), hash_in(line, one.cache.line_count()), 7, kVersion, start, ttl);
        }
        // A copy looks new from 129 to 256 ticks after its end; each time another line is asked.
        std::uint32_t passed = 0;
        std::uint64_t line = 0;
        while (passed < 600 * kTick) {
            passed += 1 + random() % rhythm;
            one.cache.age(start + passed);
            const std::uint64_t hash =
                hash_in(line++ % one.cache.line_count(), one.cache.line_count());
            if (passed > ttl && passed % 3 == 0) {
                ASSERT_EQ(one.cache.find(agent(7), hash, kVersion, start + passed),
                          RouteCache::kMiss)
                    << passed << ' ' << ttl << ' ' << rhythm;
            }
        }
    }
}

TEST(route_cache, a_copy_made_long_before_age_is_first_called_is_not_new_then) {
    Cache one(1024);
    const std::uint64_t last = hash_in(1023, 1024);
    one.cache.insert(agent(7), last, 7, kVersion, 0, 60'000);
    one.cache.age(200'000);
    EXPECT_EQ(one.cache.find(agent(7), last, kVersion, 200'000), RouteCache::kMiss);
}

TEST(route_cache, age_called_too_late_or_with_a_clock_gone_back_forgets_everything) {
    for (const std::uint32_t late : {RouteCache::kAgeEveryMs, 1'000'000U, 0U - 1, 0U - 500'000}) {
        Cache one;
        one.cache.age(1'000'000);
        one.put(1, 1'000'000);
        one.put_negative(2, 1'000'000);
        const std::uint64_t cleared = one.cache.stats().cleared;
        one.cache.age(1'000'000 + late);
        EXPECT_EQ(one.get(1, 1'000'000), RouteCache::kMiss) << late;
        EXPECT_EQ(one.get(2, 1'000'000), RouteCache::kMiss) << late;
        EXPECT_EQ(one.cache.stats().cleared, cleared + 1) << late;
    }
}

TEST(route_cache, a_clock_that_stands_still_ends_no_life_and_starts_none) {
    Cache one;
    for (unsigned i = 0; i < 1'000; ++i) {
        one.cache.age(77);
        if (i == 0) {
            one.put(1, 77, 2 * kTick);
            one.put_negative(2, 77, 1);
        }
        ASSERT_EQ(one.get(1, 77), 1U);
        ASSERT_EQ(one.get(2, 77), RouteCache::kNegative);
    }
    EXPECT_EQ(one.cache.stats().cleared, 0U);
    EXPECT_EQ(one.cache.stats().expired, 0U);
}

TEST(route_cache, a_flood_of_unknown_ids_takes_no_place_of_a_known_one) {
    Cache one;
    one.put(1, 0);
    one.put(2, 0);
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        one.put_negative(1'000 + i, 0);
        ASSERT_EQ(one.get(1'000 + i, 0), RouteCache::kNegative);
    }
    EXPECT_EQ(one.get(1, 0), 1U);
    EXPECT_EQ(one.get(2, 0), 2U);
    EXPECT_EQ(one.get(1'000, 0), RouteCache::kMiss);
    EXPECT_EQ(one.cache.stats().inserted_negative, 10'000U);
}

TEST(route_cache, a_crowd_of_known_ids_takes_no_place_of_an_unknown_one) {
    Cache one;
    one.put_negative(1, 0);
    for (std::uint32_t i = 2; i < 1'000; ++i) {
        one.put(i, 0);
    }
    EXPECT_EQ(one.get(1, 0), RouteCache::kNegative);
}

TEST(route_cache, an_id_is_never_both_there_and_not_there) {
    Cache one;
    one.put_negative(1, 0);
    one.put(1, 0);
    EXPECT_EQ(one.get(1, 0), 1U);
    one.put(2, 0);
    one.put_negative(1, 0);
    EXPECT_EQ(one.get(1, 0), RouteCache::kNegative);
    EXPECT_EQ(one.get(2, 0), 2U);
    one.put(2, 0);  // its own place, or the one that came free: one answer
    one.put_negative(2, 0);
    EXPECT_EQ(one.get(2, 0), RouteCache::kNegative);
    one.put(1, 0);
    EXPECT_EQ(one.get(1, 0), 1U);
}

TEST(route_cache, an_id_put_in_again_has_its_new_number) {
    Cache one;
    one.put(1, 0);
    one.put(2, 0);
    for (const std::uint32_t number : {100U, 101U}) {
        one.cache.insert(agent(1), 0, number, kVersion, 0, 60'000);
        one.cache.insert(agent(2), 0, number + 50, kVersion, 0, 60'000);
        EXPECT_EQ(one.get(1, 0), number);
        EXPECT_EQ(one.get(2, 0), number + 50);
    }
    EXPECT_EQ(one.cache.stats().replaced, 0U);
}

TEST(route_cache, the_place_that_was_used_since_the_hand_passed_is_spared) {
    for (const std::uint32_t used : {1U, 2U}) {
        Cache one;
        one.put(1, 0);
        one.put(2, 0);
        EXPECT_EQ(one.get(used, 0), used);
        one.put(3, 0);
        EXPECT_EQ(one.get(3, 0), 3U);
        EXPECT_EQ(one.get(used, 0), used);
        EXPECT_EQ(one.get(3 - used, 0), RouteCache::kMiss);
        EXPECT_EQ(one.cache.stats().replaced, 1U);
    }
}

TEST(route_cache, use_is_forgotten_when_the_hand_passes) {
    Cache one;
    one.put(1, 0);
    one.put(2, 0);
    EXPECT_EQ(one.get(1, 0), 1U);
    one.put(3, 0);  // in the place of 2, and 1 loses its mark
    one.put(4, 0);
    EXPECT_EQ(one.get(1, 0), RouteCache::kMiss);
    EXPECT_EQ(one.get(3, 0), 3U);
    EXPECT_EQ(one.get(4, 0), 4U);
}

TEST(route_cache, another_version_of_the_stripe_makes_the_whole_line_forgotten) {
    for (const std::uint32_t other : {kVersion + 1, kVersion - 1, 0U, ~0U}) {
        Cache one;
        one.put(1, 0);
        one.put_negative(2, 0);
        EXPECT_EQ(one.get(3, 0, other), RouteCache::kMiss);
        EXPECT_EQ(one.get(1, 0), RouteCache::kMiss);  // for good, not only for that reader
        EXPECT_EQ(one.get(2, 0), RouteCache::kMiss);
        EXPECT_EQ(one.cache.stats().invalidated, 1U);
    }
}

TEST(route_cache, a_copy_of_another_version_puts_out_what_the_line_had) {
    Cache one;
    one.put(1, 0);
    one.put_negative(2, 0);
    one.cache.insert(agent(3), 0, 3, kVersion + 1, 0, 60'000);
    EXPECT_EQ(one.get(3, 0, kVersion + 1), 3U);
    EXPECT_EQ(one.get(1, 0, kVersion + 1), RouteCache::kMiss);
    EXPECT_EQ(one.get(2, 0, kVersion + 1), RouteCache::kMiss);
    one.cache.insert_negative(agent(4), 0, kVersion, 0, 60'000);  // an older one as well
    EXPECT_EQ(one.get(3, 0, kVersion), RouteCache::kMiss);
}

TEST(route_cache, clear_forgets_everything) {
    Cache one(8);
    for (std::uint64_t line = 0; line < 8; ++line) {
        one.cache.insert(agent(1), hash_in(line, 8), 1, kVersion, 0, 60'000);
        one.cache.insert_negative(agent(2), hash_in(line, 8), kVersion, 0, 60'000);
    }
    one.cache.clear();
    for (std::uint64_t line = 0; line < 8; ++line) {
        EXPECT_EQ(one.cache.find(agent(1), hash_in(line, 8), kVersion, 0), RouteCache::kMiss);
        EXPECT_EQ(one.cache.find(agent(2), hash_in(line, 8), kVersion, 0), RouteCache::kMiss);
    }
}

TEST(route_cache, the_smallest_has_two_lines_by_the_top_bit_of_the_hash) {
    Cache one(RouteCache::kLinesMin);
    one.cache.insert(agent(1), ~std::uint64_t{0} >> 1, 1, kVersion, 0, 60'000);
    EXPECT_EQ(one.cache.find(agent(1), 0, kVersion, 0), 1U);
    EXPECT_EQ(one.cache.find(agent(1), std::uint64_t{1} << 63, kVersion, 0), RouteCache::kMiss);
}

TEST(route_cache, one_without_lines_is_not_enabled_and_bears_its_housekeeping) {
    RouteCache none({});
    EXPECT_FALSE(none.enabled());
    EXPECT_EQ(none.line_count(), 0U);
    none.age(0);
    none.age(1'000'000);
    none.clear();
    EXPECT_EQ(none.stats().cleared, 0U);
}

TEST(route_cache, refuses_a_count_of_lines_that_is_no_power_of_two_or_too_small) {
    std::vector<RouteCache::Line> lines(8);
    EXPECT_DEATH(RouteCache(std::span(lines).first(6)), "check failed");
    EXPECT_DEATH(RouteCache(std::span(lines).first(1)), "check failed");
}

TEST(route_cache, numbers_up_to_the_largest_come_back_whole) {
    Cache one;
    one.cache.insert(agent(1), 0, RouteCache::kNumberMax, kVersion, 0, RouteCache::kTtlMaxMs);
    one.cache.insert(agent(2), 0, RouteCache::kNumberMax - 1, kVersion, 0, RouteCache::kTtlMaxMs);
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_EQ(one.get(1, 1'000 * i), RouteCache::kNumberMax);
        EXPECT_EQ(one.get(2, 1'000 * i), RouteCache::kNumberMax - 1);
    }
}
