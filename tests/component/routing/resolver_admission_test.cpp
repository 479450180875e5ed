// SPDX-License-Identifier: BSD-3-Clause
// Goal: a cache is filled by samples, or it would lose to none at all; but for its first trial,
// which fills it at once. Method: agents asked for twice, in turn: the second time tells which were
// kept.
#include <gtest/gtest.h>

#include <memory>

#include "routing/resolver.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace posthaste::routing {
namespace {

using support::numbered_id;

constexpr std::uint32_t kAgents = 800;  // all of them have room in the cache
constexpr std::uint32_t kAsked = kAgents / 2;

class resolver_admission : public ::testing::Test {
  protected:
    void SetUp() override {
        FibOptions table;
        table.name = "admission";
        table.capacity = kAgents;
        table.key = support::hash_key(1);
        fib_ = std::move(*Fib::create(table, grace_));
        for (std::uint32_t number = 0; number < kAgents; ++number) {
            FibEntry entry;
            entry.agent = numbered_id(number);
            ASSERT_TRUE(fib_->set(entry, 0));
        }
        ResolverOptions options;
        options.cache_lines = 1'024;
        resolver_ = Resolver::create(*fib_, options);
        grace_.online(0);
    }

    void TearDown() override { grace_.offline(0); }

    Outcome ask(std::uint32_t number) {
        Outcome outcome{};
        static_cast<void>(resolver_->resolve(numbered_id(number), 0, outcome));
        return outcome;
    }

    // Of kAsked agents from `first` on, none of them asked for before.
    std::uint32_t kept(std::uint32_t first) {
        for (std::uint32_t i = 0; i < kAsked; ++i) {
            EXPECT_EQ(ask(first + i), Outcome::found);
        }
        std::uint32_t hits = 0;
        for (std::uint32_t i = 0; i < kAsked; ++i) {
            hits += ask(first + i) == Outcome::hit_positive ? 1 : 0;
        }
        return hits;
    }

    void end_the_trial() {
        for (std::uint64_t i = 0; i < CacheSwitch::kTrial; ++i) {
            static_cast<void>(ask(0));
        }
    }

  private:
    Grace grace_{1};
    std::unique_ptr<Fib> fib_;
    std::unique_ptr<Resolver> resolver_;
};

TEST_F(resolver_admission, one_answer_in_sixteen_is_kept) {
    end_the_trial();
    constexpr std::uint32_t kExpected = kAsked / Resolver::kAdmitOne;
    const std::uint32_t hits = kept(kAsked);
    EXPECT_GE(hits, kExpected - 3);  // one place may have been another's
    EXPECT_LE(hits, kExpected + 1);
}

TEST_F(resolver_admission, the_first_trial_keeps_all) {
    EXPECT_GE(kept(0), kAsked * 9 / 10);
}

}  // namespace
}  // namespace posthaste::routing
