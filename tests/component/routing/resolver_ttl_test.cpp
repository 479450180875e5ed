// SPDX-License-Identifier: BSD-3-Clause
// How long copies are kept can be changed while lookups go on.
#include <gtest/gtest.h>

#include "routing/resolver.h"
#include "tests/support/hash_key.h"

namespace posthaste::routing {
namespace {

constexpr std::uint32_t kTick = RouteCache::kTickMs;

class resolver_ttl : public ::testing::Test {
  protected:
    resolver_ttl() {
        FibOptions table;
        table.capacity = 16;
        table.key = support::hash_key(7);
        table.stripes = 16;
        fib = *Fib::create(table, grace);
        FibEntry entry;
        entry.agent = here;
        EXPECT_TRUE(fib->set(entry, 0));
        entry.agent = away;
        entry.kind = RouteKind::remote;
        EXPECT_TRUE(fib->set(entry, 0));
        ResolverOptions options;
        options.cache_lines = 1'024;
        options.cache_always = true;
        options.local_ttl_ms = options.remote_ttl_ms = options.negative_ttl_ms = 2 * kTick;
        resolver = Resolver::create(*fib, options);
    }

    // Asks twice at that time; whether the second answer came from a copy.
    bool kept(const AgentId& agent, std::uint32_t now_ms) {
        Outcome outcome{};
        static_cast<void>(resolver->resolve(agent, now_ms, outcome));
        static_cast<void>(resolver->resolve(agent, now_ms, outcome));
        return outcome == Outcome::hit_positive || outcome == Outcome::hit_negative;
    }

    const AgentId here = *AgentId::from_text("40000000-0000-4000-8000-000000000001");
    const AgentId away = *AgentId::from_text("40000000-0000-4000-8000-000000000002");
    const AgentId nobody = *AgentId::from_text("40000000-0000-4000-8000-000000000003");
    Grace grace{1};
    std::unique_ptr<Fib> fib;
    std::unique_ptr<Resolver> resolver;
};

TEST_F(resolver_ttl, each_kind_of_answer_has_its_own) {
    for (const AgentId& agent : {here, away, nobody}) {
        EXPECT_TRUE(kept(agent, kTick));
    }
    resolver->set_ttls(0, 2 * kTick, 2 * kTick);
    EXPECT_FALSE(kept(here, 9 * kTick));
    EXPECT_TRUE(kept(away, 9 * kTick));
    EXPECT_TRUE(kept(nobody, 9 * kTick));
    resolver->set_ttls(2 * kTick, 0, 0);
    EXPECT_TRUE(kept(here, 19 * kTick));
    EXPECT_FALSE(kept(away, 19 * kTick));
    EXPECT_FALSE(kept(nobody, 19 * kTick));
}

TEST_F(resolver_ttl, a_change_leaves_the_copies_that_are_there) {
    EXPECT_TRUE(kept(here, 10 * kTick));
    resolver->set_ttls(0, 0, 0);
    Outcome outcome{};
    EXPECT_NE(resolver->resolve(here, 10 * kTick + 1, outcome), nullptr);
    EXPECT_EQ(outcome, Outcome::hit_positive);
    EXPECT_FALSE(kept(here, 13 * kTick)) << "its own time is up";
}

}  // namespace
}  // namespace posthaste::routing
