// SPDX-License-Identifier: BSD-3-Clause
#include "routing/cache_switch.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

using posthaste::routing::CacheSwitch;

namespace {

constexpr std::uint64_t kBatch = 64;
constexpr std::uint64_t kPlain = 30;  // cycles of a lookup without a cache

// An lcore's lookups, in batches; `with` is what one costs with the cache, in cycles.
class Lcore {
  public:
    // Runs `batches`, and gives what the lookups cost on average.
    double run(std::uint64_t batches, double with) {
        const std::uint64_t before = cycles_;
        for (std::uint64_t i = 0; i < batches; ++i) {
            const double each = cache_.with_cache() ? with : double{kPlain};
            auto cycles = static_cast<std::uint64_t>(each * kBatch);
            cycles_ += cycles;
            if (steal_one_in_ != 0 && random_() % steal_one_in_ == 0) {
                cycles += stolen_;  // not the switch's doing
            }
            cache_.observe(kBatch, cycles);
        }
        return static_cast<double>(cycles_ - before) / static_cast<double>(batches * kBatch);
    }

    void steal(std::uint32_t one_in, std::uint64_t cycles) {
        steal_one_in_ = one_in;
        stolen_ = cycles;
    }

    [[nodiscard]] const CacheSwitch& cache() const { return cache_; }

  private:
    CacheSwitch cache_;
    std::uint64_t cycles_ = 0;
    std::uint32_t steal_one_in_ = 0;
    std::uint64_t stolen_ = 0;
    std::minstd_rand random_{1};
};

constexpr std::uint64_t kPhase = CacheSwitch::kTrialEvery / kBatch;  // batches

}  // namespace

TEST(cache_switch, begins_off_with_a_trial_that_fills) {
    const CacheSwitch cache;
    EXPECT_FALSE(cache.on());
    EXPECT_TRUE(cache.with_cache());
    EXPECT_TRUE(cache.filling());
}

TEST(cache_switch, the_first_trial_ends_with_the_cache_off_since_nothing_is_known_to_compare) {
    Lcore lcore;
    lcore.run(CacheSwitch::kTrial / kBatch, kPlain / 2.0);
    EXPECT_FALSE(lcore.cache().on());
    EXPECT_FALSE(lcore.cache().with_cache());
    EXPECT_EQ(lcore.cache().turns(), 0U);
}

TEST(cache_switch, a_cache_that_pays_is_on_after_the_second_trial_and_stays_on) {
    Lcore lcore;
    lcore.run(kPhase + 3 * CacheSwitch::kTrial / kBatch, kPlain / 2.0);
    EXPECT_TRUE(lcore.cache().on());
    EXPECT_FALSE(lcore.cache().filling());
    EXPECT_LT(lcore.run(20 * kPhase, kPlain / 2.0), kPlain / 2.0 * 1.05);
    EXPECT_TRUE(lcore.cache().on());
    EXPECT_EQ(lcore.cache().turns(), 1U);
}

TEST(cache_switch, decides_for_the_first_time_when_it_says) {
    for (const std::uint64_t trial : {CacheSwitch::kTrial / 8, 5 * CacheSwitch::kTrial}) {
        CacheSwitch cache(trial);
        std::uint64_t lookups = 0;
        while (!cache.on()) {
            ASSERT_LT(lookups, CacheSwitch::lookups_to_decide(trial)) << trial;
            cache.observe(kBatch, kBatch * (cache.with_cache() ? kPlain / 2 : kPlain));
            lookups += kBatch;
        }
        EXPECT_EQ(lookups, CacheSwitch::lookups_to_decide(trial)) << trial;
    }
}

TEST(cache_switch, a_cache_that_never_pays_costs_less_than_a_twentieth) {
    for (const double factor : {1.0, 1.2, 2.0, 3.0}) {
        Lcore lcore;
        EXPECT_LT(lcore.run(20 * kPhase, kPlain * factor), kPlain * 1.05) << factor;
        EXPECT_FALSE(lcore.cache().on()) << factor;
        EXPECT_EQ(lcore.cache().turns(), 0U) << factor;
    }
}

TEST(cache_switch, a_gain_too_small_to_be_sure_of_does_not_turn_it_on) {
    Lcore lcore;
    lcore.run(20 * kPhase, kPlain * 0.98);
    EXPECT_EQ(lcore.cache().turns(), 0U);
    lcore.run(20 * kPhase, kPlain * 0.95);
    EXPECT_TRUE(lcore.cache().on());
    lcore.run(20 * kPhase, kPlain * 0.98);  // once on, the same gain keeps it on
    EXPECT_TRUE(lcore.cache().on());
    EXPECT_EQ(lcore.cache().turns(), 1U);
}

TEST(cache_switch, follows_traffic_that_turns_against_it_and_back_within_two_phases) {
    Lcore lcore;
    lcore.run(3 * kPhase, kPlain / 2.0);
    ASSERT_TRUE(lcore.cache().on());
    lcore.run(2 * kPhase + kPhase / 8, kPlain * 2.0);
    EXPECT_FALSE(lcore.cache().on());
    lcore.run(2 * kPhase + kPhase / 8, kPlain / 2.0);
    EXPECT_TRUE(lcore.cache().on());
    EXPECT_EQ(lcore.cache().turns(), 3U);
}

TEST(cache_switch, a_core_that_is_taken_away_for_long_changes_nothing) {
    for (const double factor : {0.5, 2.0}) {
        Lcore lcore;
        lcore.steal(200, 3'000'000);  // a millisecond, in one batch of 200
        lcore.run(20 * kPhase, kPlain * factor);
        EXPECT_EQ(lcore.cache().on(), factor < 1) << factor;
        EXPECT_EQ(lcore.cache().turns(), factor < 1 ? 1U : 0U) << factor;
    }
}

TEST(cache_switch, a_trial_of_which_all_was_stolen_decides_nothing) {
    Lcore lcore;
    lcore.steal(1, 3'000'000);
    lcore.run(10 * kPhase, kPlain / 2.0);
    EXPECT_FALSE(lcore.cache().on());
    EXPECT_EQ(lcore.cache().turns(), 0U);
}

TEST(cache_switch, thefts_too_short_to_be_told_from_lookups_do_not_make_it_useless_or_dear) {
    // 30 us in one batch of 32: more in all than the lookups themselves.
    Lcore pays;
    pays.steal(32, 90'000);
    EXPECT_LT(pays.run(40 * kPhase, kPlain / 4.0), kPlain * 0.75);
    Lcore does_not;
    does_not.steal(32, 90'000);
    EXPECT_LT(does_not.run(40 * kPhase, kPlain * 2.0), kPlain * 1.05);
}
