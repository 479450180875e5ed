// SPDX-License-Identifier: BSD-3-Clause
#include "routing/resolver.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

using posthaste::routing::AgentId;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::FibOptions;
using posthaste::routing::Grace;
using posthaste::routing::LookupCounters;
using posthaste::routing::NextHop;
using posthaste::routing::Outcome;
using posthaste::routing::Resolver;
using posthaste::routing::ResolverOptions;
using posthaste::routing::RouteCache;
using posthaste::routing::RouteKind;
using posthaste::routing::Stability;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

namespace {

constexpr std::uint32_t kTick = RouteCache::kTickMs;

FibEntry entry_of(std::uint32_t number, std::uint32_t version = 1) {
    FibEntry entry;
    entry.agent = numbered_id(number);
    entry.version = version;
    return entry;
}

// A cache that takes every answer.
ResolverOptions always(std::uint32_t lines = 1024) {
    ResolverOptions options;
    options.cache_lines = lines;
    options.cache_always = true;
    return options;
}

class Lcore {
  public:
    explicit Lcore(const ResolverOptions& options = always(),
                   std::uint32_t stripes = 0,
                   bool table = true)
        : grace(1) {
        FibOptions of_fib;
        of_fib.name = "resolver";
        of_fib.capacity = 1'000;
        of_fib.key = hash_key(1);
        of_fib.stripes = stripes;
        of_fib.table = table;
        auto created = Fib::create(of_fib, grace);
        EXPECT_TRUE(created.has_value()) << created.error();
        fib = std::move(*created);
        resolver = Resolver::create(*fib, options);
        EXPECT_NE(resolver, nullptr);
        grace.online(0);
    }

    ~Lcore() { grace.offline(0); }

    Lcore(const Lcore&) = delete;
    Lcore& operator=(const Lcore&) = delete;

    Outcome ask(std::uint32_t number, std::uint32_t now = 0) {
        Outcome outcome{};
        const FibEntry* const found = resolver->resolve(numbered_id(number), now, outcome);
        EXPECT_EQ(found, fib->find(numbered_id(number))) << number;
        EXPECT_EQ(found != nullptr, outcome == Outcome::found || outcome == Outcome::hit_positive);
        return outcome;
    }

    // Checks every answer against the authority.
    void ask_all(const std::vector<std::uint32_t>& numbers, std::uint32_t now = 0) {
        std::vector<AgentId> ids;
        std::vector<const AgentId*> keys;
        for (const std::uint32_t number : numbers) {
            ids.push_back(numbered_id(number));
        }
        for (const AgentId& id : ids) {
            keys.push_back(&id);
        }
        static const FibEntry kPoison;
        std::vector<const FibEntry*> found(numbers.size() + 1, &kPoison);
        resolver->resolve(keys, found.data(), now);
        ASSERT_EQ(found.back(), &kPoison);
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            ASSERT_EQ(found[i], fib->find(ids[i])) << i << " of " << numbers.size();
        }
    }

    void expect_counters_add_up() const {
        const LookupCounters& counters = resolver->counters();
        EXPECT_EQ(counters.hit_positive.read() + counters.hit_negative.read() +
                      counters.found.read() + counters.unknown.read(),
                  counters.lookups.read());
        std::uint64_t batches = 0;
        for (const auto& bucket : counters.batch_sizes.bucket) {
            batches += bucket.read();
        }
        EXPECT_EQ(batches, counters.batches.read());
    }

    Grace grace;
    std::unique_ptr<Fib> fib;
    std::unique_ptr<Resolver> resolver;
};

std::vector<std::uint32_t> news(const Resolver& resolver) {
    return {resolver.news().begin(), resolver.news().end()};
}

std::vector<std::uint32_t> range(std::uint32_t first, std::uint32_t count) {
    std::vector<std::uint32_t> numbers(count);
    std::iota(numbers.begin(), numbers.end(), first);
    return numbers;
}

// A clock of which nothing can be learnt.
std::uint64_t even_clock() noexcept {
    static std::uint64_t cycles = 0;
    return cycles += 640;
}

struct Way {
    const char* name;
    ResolverOptions options;
    std::uint32_t stripes;
    bool table;
};

std::vector<Way> ways() {
    std::vector<Way> ways;
    for (const bool table : {true, false}) {
        for (const bool authority_only : {false, true}) {
            ResolverOptions plain;
            plain.authority_only = authority_only;
            ways.push_back({"no cache", plain, 0, table});
            ResolverOptions sampled = plain;
            sampled.cache_lines = 1024;
            ways.push_back({"sampled", sampled, 0, table});
            ResolverOptions smallest = always(2);
            smallest.authority_only = authority_only;
            ways.push_back({"smallest cache", smallest, 2, table});
            ResolverOptions every = always(4096);
            every.authority_only = authority_only;
            ways.push_back({"cache", every, 0, table});
            ResolverOptions timed = sampled;
            timed.cycles = even_clock;
            ways.push_back({"trials", timed, 0, table});
        }
    }
    return ways;
}

}  // namespace

TEST(resolver, all_ways_give_the_answers_of_the_fib_whatever_changes) {
    for (const Way& way : ways()) {
        SCOPED_TRACE(std::string(way.name) + (way.table ? ", table" : ""));
        Lcore lcore(way.options, way.stripes, way.table);
        std::mt19937 random(1);
        std::uint32_t now = 0xffff'0000;  // wraps on the way
        for (unsigned step = 1; step <= 3'000; ++step) {
            const std::uint32_t number = random() % 300;
            if (random() % 3 == 0) {
                lcore.fib->remove(numbered_id(number));
            } else {
                ASSERT_TRUE(lcore.fib->set(entry_of(number, step), 0));
            }
            std::vector<std::uint32_t> asked(step % 5 == 0 ? random() % 301 : random() % 8);
            for (std::uint32_t& one : asked) {
                one = random() % (step % 2 == 0 ? 16 : 320);  // duplicates as well
            }
            asked.push_back(number);
            ASSERT_NO_FATAL_FAILURE(lcore.ask_all(asked, now)) << step;
            lcore.ask(random() % 320, now);
            now += random() % 300;
            lcore.resolver->turn(now);
            lcore.grace.quiescent(0);
            lcore.fib->reclaim();
        }
        lcore.expect_counters_add_up();
        const LookupCounters& counters = lcore.resolver->counters();
        EXPECT_EQ(counters.hit_positive.read() > 0, way.options.cache_lines != 0);
        EXPECT_EQ(counters.hit_negative.read() > 0, way.options.cache_lines != 0);
    }
}

TEST(resolver, every_batch_size_is_answered_in_full) {
    for (const Way& way : ways()) {
        Lcore lcore(way.options, way.stripes, way.table);
        for (std::uint32_t number = 0; number < 200; ++number) {
            ASSERT_TRUE(lcore.fib->set(entry_of(number), 0));
        }
        std::uint64_t asked = 0;
        for (std::uint32_t count = 0; count <= 300; ++count) {
            ASSERT_NO_FATAL_FAILURE(lcore.ask_all(range(count, count)));
            asked += count;
        }
        EXPECT_EQ(lcore.resolver->counters().lookups.read(), asked);
        EXPECT_EQ(lcore.resolver->counters().batches.read(), 301U);
        lcore.expect_counters_add_up();
    }
}

TEST(resolver, an_answer_comes_from_the_cache_until_the_route_changes) {
    Lcore lcore;
    EXPECT_EQ(lcore.ask(1), Outcome::unknown);
    EXPECT_EQ(lcore.ask(1), Outcome::hit_negative);
    ASSERT_TRUE(lcore.fib->set(entry_of(1, 1), 0));
    EXPECT_EQ(lcore.ask(1), Outcome::found);
    EXPECT_EQ(lcore.ask(1), Outcome::hit_positive);
    ASSERT_TRUE(lcore.fib->set(entry_of(1, 2), 0));
    EXPECT_EQ(lcore.ask(1), Outcome::found);
    EXPECT_EQ(lcore.ask(1), Outcome::hit_positive);
    ASSERT_TRUE(lcore.fib->remove(numbered_id(1)));
    EXPECT_EQ(lcore.ask(1), Outcome::unknown);
    EXPECT_EQ(lcore.ask(1), Outcome::hit_negative);
    lcore.expect_counters_add_up();
}

TEST(resolver, nil_is_unknown_like_any_stranger) {
    for (const Way& way : ways()) {
        Lcore lcore(way.options, way.stripes, way.table);
        for (unsigned i = 0; i < 40; ++i) {
            Outcome outcome{};
            EXPECT_EQ(lcore.resolver->resolve(AgentId{}, 0, outcome), nullptr);
        }
    }
}

TEST(resolver, without_a_cache_every_answer_is_the_fibs) {
    Lcore lcore(ResolverOptions{});
    ASSERT_TRUE(lcore.fib->set(entry_of(1), 0));
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_EQ(lcore.ask(1), Outcome::found);
        EXPECT_EQ(lcore.ask(2), Outcome::unknown);
        lcore.resolver->turn(i * 100'000);
    }
    lcore.resolver->warm(std::vector{numbered_id(1)}, 0);
    EXPECT_EQ(lcore.ask(1), Outcome::found);
    EXPECT_EQ(lcore.resolver->cache_bytes(), 0U);
}

TEST(resolver, news_are_the_positions_of_those_the_fib_does_not_know) {
    Lcore lcore;
    ASSERT_TRUE(lcore.fib->set(entry_of(1), 0));
    lcore.ask_all({1, 50, 1, 51, 52, 1});
    EXPECT_EQ(news(*lcore.resolver), (std::vector<std::uint32_t>{1, 3, 4}));
    lcore.ask_all({1, 50, 53, 52});  // two of them are negative copies by now
    EXPECT_EQ(news(*lcore.resolver), std::vector<std::uint32_t>{2});
    lcore.ask_all({1});
    EXPECT_TRUE(lcore.resolver->news().empty());
    lcore.ask_all({});
    EXPECT_TRUE(lcore.resolver->news().empty());
}

TEST(resolver, no_news_come_of_announcing_nobody) {
    Lcore lcore;
    const AgentId stranger = numbered_id(7);
    const AgentId* const key = &stranger;
    std::uint64_t hash = 0;
    const FibEntry* found = nullptr;
    NextHop hop;
    lcore.resolver->announce(std::span(&key, 1), &hash);
    lcore.resolver->resolve_announced(std::span(&key, 1), &hash, &found, &hop, 0);
    EXPECT_EQ(lcore.resolver->news().size(), 1U);
    lcore.resolver->resolve_announced({}, &hash, &found, &hop, 0);
    EXPECT_EQ(lcore.resolver->news().size(), 0U);
    EXPECT_EQ(lcore.resolver->counters().lookups.read(), 1U);
}

TEST(resolver, news_are_the_first_of_many_and_go_on_behind_the_first_chunk) {
    for (const Way& way : ways()) {
        Lcore lcore(way.options, way.stripes, way.table);
        lcore.ask_all(range(5'000, 300));
        EXPECT_EQ(news(*lcore.resolver), range(0, Resolver::kNewsMax));
        for (std::uint32_t number = 0; number < 295; ++number) {
            ASSERT_TRUE(lcore.fib->set(entry_of(number), 0));
        }
        lcore.ask_all(range(0, 300));
        EXPECT_EQ(news(*lcore.resolver), range(295, 5));
    }
}

TEST(resolver, a_change_of_the_key_empties_the_cache_and_changes_no_answer) {
    for (const std::uint32_t lines : {2U, 1024U}) {
        Lcore lcore(always(lines), lines);
        for (std::uint32_t number = 0; number < 300; ++number) {
            ASSERT_TRUE(lcore.fib->set(entry_of(number), 0));
        }
        lcore.ask_all(range(0, 400));
        for (std::uint64_t key = 2; key < 6; ++key) {
            lcore.ask(5);
            ASSERT_EQ(lcore.ask(5), Outcome::hit_positive);
            lcore.ask(350);
            ASSERT_EQ(lcore.ask(350), Outcome::hit_negative);
            ASSERT_TRUE(lcore.fib->rekey_start(hash_key(key)));
            do {
                lcore.ask_all(range(0, 400));
            } while (!lcore.fib->rekey_step(500));
            EXPECT_EQ(lcore.ask(5), Outcome::found) << key;
            EXPECT_EQ(lcore.ask(350), Outcome::unknown) << key;
            lcore.ask_all(range(0, 400));
            // An agent that moves now is not hidden by what was kept under the old key.
            for (std::uint32_t number = 0; number < 400; ++number) {
                ASSERT_TRUE(lcore.fib->set(entry_of(number, 100 + number), 0));
                ASSERT_NO_FATAL_FAILURE(lcore.ask_all(range(0, 400)));
            }
            for (std::uint32_t number = 300; number < 400; ++number) {
                ASSERT_TRUE(lcore.fib->remove(numbered_id(number)));
            }
            lcore.grace.quiescent(0);
            lcore.fib->reclaim();
        }
        lcore.expect_counters_add_up();
    }
}

TEST(resolver, a_copy_made_under_the_old_key_is_not_believed_when_its_version_comes_round) {
    for (std::uint64_t key = 2; key < 20; ++key) {
        Lcore lcore(always(2), 2);
        ASSERT_TRUE(lcore.fib->set(entry_of(1, 1), 0));
        ASSERT_TRUE(lcore.fib->set(entry_of(1, 2), 0));
        lcore.ask(1);  // kept with the second version of its stripe
        ASSERT_TRUE(lcore.fib->rekey_start(hash_key(key)));
        ASSERT_TRUE(lcore.fib->rekey_step(1'000'000));
        ASSERT_TRUE(lcore.fib->set(entry_of(1, 3), 0));  // the new stripe's second
        EXPECT_EQ(lcore.ask(1), Outcome::found) << key;
    }
}

TEST(resolver, expected_agents_are_in_the_cache_before_they_are_asked_for) {
    for (const bool asked_before : {false, true}) {
        Lcore lcore;
        ASSERT_TRUE(lcore.fib->set(entry_of(1), 0));
        ASSERT_TRUE(lcore.fib->set(entry_of(2), 0));
        if (asked_before) {
            lcore.ask(9);
        }
        lcore.resolver->warm(std::vector{numbered_id(1), numbered_id(7)}, 0);
        EXPECT_EQ(lcore.resolver->counters().cache_warmed.read(), 1U);
        EXPECT_EQ(lcore.ask(1), Outcome::hit_positive);
        EXPECT_EQ(lcore.ask(2), Outcome::found);
        EXPECT_EQ(lcore.ask(7), Outcome::unknown);  // of strangers nothing is kept beforehand
        lcore.expect_counters_add_up();
    }
}

TEST(resolver, an_expected_agent_that_goes_is_gone) {
    Lcore lcore;
    ASSERT_TRUE(lcore.fib->set(entry_of(1), 0));
    lcore.resolver->warm(std::vector{numbered_id(1)}, 0);
    ASSERT_TRUE(lcore.fib->remove(numbered_id(1)));
    EXPECT_EQ(lcore.ask(1), Outcome::unknown);
}

TEST(resolver, copies_live_by_kind_and_stability) {
    ResolverOptions options = always();
    options.local_ttl_ms = 20 * kTick;
    options.remote_ttl_ms = 10 * kTick;
    options.negative_ttl_ms = 700;

    struct Case {
        RouteKind kind;
        Stability stability;
        std::uint32_t ticks;
    };

    for (const Case& one : {Case{RouteKind::local, Stability::normal, 20},
                            Case{RouteKind::local, Stability::stable, 40},
                            Case{RouteKind::local, Stability::unstable, 10},
                            Case{RouteKind::remote, Stability::normal, 10},
                            Case{RouteKind::remote, Stability::stable, 20},
                            Case{RouteKind::remote, Stability::unstable, 5}}) {
        Lcore lcore(options);
        FibEntry entry = entry_of(1);
        entry.kind = one.kind;
        entry.stability = one.stability;
        ASSERT_TRUE(lcore.fib->set(entry, 0));
        EXPECT_EQ(lcore.ask(1, 0), Outcome::found);
        EXPECT_EQ(lcore.ask(1, one.ticks * kTick - 1), Outcome::hit_positive) << one.ticks;
        EXPECT_EQ(lcore.ask(1, one.ticks * kTick), Outcome::found) << one.ticks;
    }
    Lcore lcore(options);
    EXPECT_EQ(lcore.ask(1, 0), Outcome::unknown);
    EXPECT_EQ(lcore.ask(1, 699), Outcome::hit_negative);
    EXPECT_EQ(lcore.ask(1, 700), Outcome::unknown);
}

TEST(resolver, a_ttl_of_zero_keeps_nothing_and_an_absurd_one_is_cut) {
    for (const Stability stability : {Stability::normal, Stability::stable, Stability::unstable}) {
        ResolverOptions options = always();
        options.local_ttl_ms = 0;
        options.negative_ttl_ms = 0;
        FibEntry entry = entry_of(1);
        entry.stability = stability;
        Lcore none(options);
        ASSERT_TRUE(none.fib->set(entry, 0));
        for (unsigned i = 0; i < 3; ++i) {
            EXPECT_EQ(none.ask(1), Outcome::found);
            EXPECT_EQ(none.ask(2), Outcome::unknown);
        }
        options.local_ttl_ms = ~0U;
        options.negative_ttl_ms = ~0U;
        Lcore absurd(options);
        ASSERT_TRUE(absurd.fib->set(entry, 0));
        absurd.ask(1);
        absurd.ask(2);
        EXPECT_EQ(absurd.ask(1, RouteCache::kTtlMaxMs - 1), Outcome::hit_positive);
        EXPECT_EQ(absurd.ask(2, RouteCache::kTtlMaxMs - 1), Outcome::hit_negative);
        EXPECT_EQ(absurd.ask(1, RouteCache::kTtlMaxMs), Outcome::found);
        EXPECT_EQ(absurd.ask(2, RouteCache::kTtlMaxMs), Outcome::unknown);
    }
}

TEST(resolver, no_copy_outlives_the_time_its_route_is_fresh) {
    Lcore lcore;
    FibEntry entry = entry_of(1);
    entry.kind = RouteKind::remote;
    const std::uint32_t now = 0U - 3 * kTick;  // its time is up after the clock wraps
    entry.fresh_until_ms = now + 5 * kTick + 10;
    ASSERT_TRUE(lcore.fib->set(entry, 0));
    EXPECT_EQ(lcore.ask(1, now), Outcome::found);
    EXPECT_EQ(lcore.ask(1, now + 5 * kTick - 1), Outcome::hit_positive);
    EXPECT_EQ(lcore.ask(1, now + 5 * kTick + 10), Outcome::found);
    EXPECT_EQ(lcore.ask(1, now + 5 * kTick + 11), Outcome::found);  // and none is made any more
    EXPECT_EQ(lcore.ask(1, now + 500 * kTick), Outcome::found);
}

TEST(resolver, a_clock_that_stands_still_hides_no_change) {
    Lcore lcore;
    for (std::uint32_t version = 1; version < 200; ++version) {
        lcore.resolver->turn(7);
        ASSERT_TRUE(lcore.fib->set(entry_of(version % 3, version), 0));
        lcore.ask_all({0, 1, 2, 3}, 7);
        lcore.ask_all({0, 1, 2, 3}, 7);
        if (version % 5 == 0) {
            lcore.fib->remove(numbered_id(version % 3));
        }
        lcore.ask_all({0, 1, 2, 3}, 7);
    }
    EXPECT_GT(lcore.resolver->counters().hit_positive.read(), 0U);
}

TEST(resolver, a_cache_that_does_not_pay_is_tried_and_left_off) {
    ResolverOptions options;
    options.cache_lines = 1024;
    options.cycles = even_clock;  // each batch costs the same, however it is answered
    Lcore lcore(options);
    for (std::uint32_t number = 0; number < 128; ++number) {
        ASSERT_TRUE(lcore.fib->set(entry_of(number), 0));
    }
    const std::vector<std::uint32_t> numbers = range(0, 128);
    std::vector<AgentId> ids;
    std::vector<const AgentId*> keys;
    for (const std::uint32_t number : numbers) {
        ids.push_back(numbered_id(number));
    }
    for (const AgentId& id : ids) {
        keys.push_back(&id);
    }
    std::vector<const FibEntry*> found(keys.size());
    for (unsigned batch = 0; batch < 60'000; ++batch) {
        lcore.resolver->resolve(keys, found.data(), 0);
    }
    const LookupCounters& counters = lcore.resolver->counters();
    EXPECT_EQ(counters.cache_on.read(), 0U);
    EXPECT_EQ(counters.cache_turns.read(), 0U);
    EXPECT_GT(counters.hit_positive.read(), 0U);                            // it was tried
    EXPECT_LT(counters.hit_positive.read(), counters.lookups.read() / 20);  // and no more
    lcore.expect_counters_add_up();
}

TEST(resolver, is_not_made_without_memory_for_its_cache) {
    Lcore lcore;
    EXPECT_EQ(Resolver::create(*lcore.fib, always(1U << 24)), nullptr);
}
