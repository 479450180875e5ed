// SPDX-License-Identifier: BSD-3-Clause
// Fib with the key of its hash changed while it is in use.
#include <gtest/gtest.h>
#include <rte_malloc.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "routing/fib.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

using posthaste::routing::AgentId;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::FibIndex;
using posthaste::routing::FibOptions;
using posthaste::routing::Grace;
using posthaste::routing::RouteTable;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

namespace {

FibEntry entry_of(std::uint32_t number, std::uint32_t version) {
    FibEntry entry;
    entry.agent = numbered_id(number);
    entry.version = version;
    return entry;
}

std::size_t heap_allocated() {
    std::size_t bytes = 0;
    for (int socket = 0; socket < RTE_MAX_NUMA_NODES; ++socket) {
        rte_malloc_socket_stats stats;
        bytes += rte_malloc_get_socket_stats(socket, &stats) == 0 ? stats.heap_allocsz_bytes : 0;
    }
    return bytes;
}

// A Fib and what it ought to hold, with one reader that is quiet when it is told to be.
class Rekeyed {
  public:
    explicit Rekeyed(std::uint32_t capacity, bool table = true) : grace(1) {
        FibOptions options;
        options.name = "rekey";
        options.capacity = capacity;
        options.key = hash_key(1);
        options.table = table;
        auto created = Fib::create(options, grace);
        EXPECT_TRUE(created.has_value()) << created.error();
        fib = std::move(*created);
        grace.online(0);
    }

    ~Rekeyed() { grace.offline(0); }

    Rekeyed(const Rekeyed&) = delete;
    Rekeyed& operator=(const Rekeyed&) = delete;

    void set(std::uint32_t number) {
        const FibEntry entry = entry_of(number, ++version_);
        const bool fits = model.contains(number) || model.size() < fib->capacity();
        ASSERT_EQ(fib->set(entry, 0), fits);
        if (fits) {
            model[number] = entry.version;
        }
    }

    void remove(std::uint32_t number) {
        ASSERT_EQ(fib->remove(numbered_id(number)), model.erase(number) == 1);
    }

    // One by one, by the table and by the authority: all of them, and no stranger.
    void check(std::uint32_t numbers) {
        ASSERT_EQ(fib->count(), model.size());
        std::vector<AgentId> ids;
        std::vector<const AgentId*> keys;
        for (std::uint32_t number = 0; number < numbers; ++number) {
            ids.push_back(numbered_id(number));
        }
        for (const AgentId& id : ids) {
            keys.push_back(&id);
        }
        std::vector<const FibEntry*> found(numbers);
        std::vector<std::uint64_t> hashes(numbers);
        std::vector<std::uint32_t> position(numbers);
        fib->lookup(keys, found.data());
        fib->index().lookup_authority(
            keys, hashes.data(), RouteTable::Hashes::wanted, position.data());
        for (std::uint32_t number = 0; number < numbers; ++number) {
            const auto in = model.find(number);
            ASSERT_EQ(found[number] != nullptr, in != model.end()) << number;
            ASSERT_EQ(found[number], fib->find(ids[number]));
            ASSERT_EQ(found[number], fib->entry(position[number]));
            if (found[number] != nullptr) {
                ASSERT_EQ(found[number]->agent, ids[number]);
                ASSERT_EQ(found[number]->version, in->second);
            }
        }
    }

    void turn() {
        grace.quiescent(0);
        fib->reclaim();
    }

    Grace grace;
    std::unique_ptr<Fib> fib;
    std::map<std::uint32_t, std::uint32_t> model;

  private:
    std::uint32_t version_ = 0;
};

}  // namespace

TEST(fib_rekey, every_agent_is_found_before_during_and_after) {
    for (const bool table : {true, false}) {
        Rekeyed one(1'000, table);
        for (std::uint32_t number = 0; number < 1'000; ++number) {
            one.set(number);
        }
        one.check(1'200);
        ASSERT_TRUE(one.fib->rekey_start(hash_key(2)));
        unsigned steps = 0;
        do {
            ASSERT_TRUE(one.fib->rekeying());
            ASSERT_NO_FATAL_FAILURE(one.check(1'200)) << steps;
            ++steps;
        } while (!one.fib->rekey_step(100));
        EXPECT_EQ(steps, (one.fib->capacity() + one.fib->slack_count() + 99) / 100);
        EXPECT_FALSE(one.fib->rekeying());
        EXPECT_EQ(one.fib->rekeyed_count(), 1U);
        one.check(1'200);
        EXPECT_TRUE(one.fib->rekey_step(100));  // nothing to do
    }
}

TEST(fib_rekey, changes_while_it_is_built_are_all_in_it) {
    for (const bool table : {true, false}) {
        Rekeyed one(300, table);
        std::mt19937 random(3);
        for (std::uint64_t key = 2; key < 40; ++key) {
            ASSERT_TRUE(one.fib->rekey_start(hash_key(key)));
            bool over = false;
            while (!over) {
                for (unsigned change = random() % 8; change > 0; --change) {
                    const std::uint32_t number = random() % 400;
                    ASSERT_NO_FATAL_FAILURE(random() % 3 == 0 ? one.remove(number)
                                                              : one.set(number));
                }
                if (random() % 8 == 0) {
                    one.turn();
                }
                over = one.fib->rekey_step(random() % 60);
            }
            ASSERT_NO_FATAL_FAILURE(one.check(400)) << key;
            one.turn();
        }
        EXPECT_EQ(one.fib->rekeyed_count(), 38U);
    }
}

TEST(fib_rekey, an_agent_set_moved_or_removed_behind_and_before_the_builder_is_as_it_was_last) {
    Rekeyed one(100);
    for (std::uint32_t number = 0; number < 50; ++number) {
        one.set(number);
    }
    ASSERT_TRUE(one.fib->rekey_start(hash_key(2)));
    ASSERT_FALSE(one.fib->rekey_step(25));  // entries 0 .. 24 were copied
    one.set(3);
    one.set(40);
    one.remove(4);
    one.remove(41);
    one.remove(5);
    one.set(5);
    one.remove(42);
    one.set(42);
    one.set(60);
    one.set(61);
    one.remove(61);
    ASSERT_TRUE(one.fib->rekey_step(1'000'000));
    one.check(100);
    // And what comes after goes into the new one alone, however long the old one is kept.
    one.remove(3);
    one.set(4);
    one.set(40);
    one.check(100);
}

TEST(fib_rekey, a_second_one_has_to_wait_until_the_first_is_over_and_its_old_index_gone) {
    Rekeyed one(100);
    one.set(1);
    ASSERT_TRUE(one.fib->rekey_start(hash_key(2)));
    EXPECT_FALSE(one.fib->rekey_start(hash_key(3)));
    ASSERT_TRUE(one.fib->rekey_step(1'000'000));
    EXPECT_FALSE(one.fib->rekey_start(hash_key(3)));  // a reader may still use the old index
    one.fib->reclaim();
    EXPECT_FALSE(one.fib->rekey_start(hash_key(3)));
    one.turn();
    EXPECT_TRUE(one.fib->rekey_start(hash_key(3)));
    ASSERT_TRUE(one.fib->rekey_step(1'000'000));
    one.check(10);
    EXPECT_EQ(one.fib->rekeyed_count(), 2U);
}

TEST(fib_rekey, no_two_indexes_bear_the_same_generation) {
    Rekeyed one(100);
    std::set<std::uint64_t> seen{0, one.fib->index().generation()};  // 0: what nobody has
    ASSERT_EQ(seen.size(), 2U);
    for (std::uint64_t key = 2; key < 6; ++key) {
        ASSERT_TRUE(one.fib->rekey_start(hash_key(key)));
        ASSERT_TRUE(one.fib->rekey_step(1'000'000));
        EXPECT_TRUE(seen.insert(one.fib->index().generation()).second) << key;
        one.turn();
    }
}

TEST(fib_rekey, a_reader_that_has_the_old_index_finds_by_it_until_it_moves_on) {
    Rekeyed one(1'000);
    for (std::uint32_t number = 0; number < 500; ++number) {
        one.set(number);
    }
    const FibIndex& old = one.fib->index();
    ASSERT_TRUE(one.fib->rekey_start(hash_key(2)));
    ASSERT_TRUE(one.fib->rekey_step(1'000'000));
    EXPECT_NE(&one.fib->index(), &old);
    for (std::uint32_t number = 0; number < 500; ++number) {
        number % 2 == 0 ? one.set(number) : one.remove(number);
        one.fib->reclaim();
    }
    for (std::uint32_t number = 0; number < 500; ++number) {
        const AgentId id = numbered_id(number);
        const AgentId* const key = &id;
        std::uint64_t hash = 0;
        std::uint32_t position = 0;
        old.lookup(std::span(&key, 1),
                   &hash,
                   RouteTable::Hashes::wanted,
                   RouteTable::Mostly::known,
                   &position,
                   nullptr);
        ASSERT_NE(position, 0U);
        ASSERT_EQ(one.fib->entry(position)->agent, id);
        ASSERT_EQ(one.fib->entry(position)->version, number + 1);
    }
    one.check(600);
}

TEST(fib_rekey, its_memory_is_as_planned_and_comes_back) {
    for (const bool table : {true, false}) {
        const std::size_t at_first = heap_allocated();
        {
            Rekeyed one(5'000, table);
            for (std::uint32_t number = 0; number < 5'000; ++number) {
                one.set(number);
            }
            for (std::uint64_t key = 2; key < 6; ++key) {
                const std::size_t before = heap_allocated();
                ASSERT_TRUE(one.fib->rekey_start(hash_key(key)));
                EXPECT_LE(heap_allocated() - before, Fib::rekey_heap_bytes(5'000, 0, table));
                one.remove(7);
                one.set(7);
                ASSERT_TRUE(one.fib->rekey_step(1'000'000));
                EXPECT_GT(heap_allocated(), before);
                one.turn();
                EXPECT_EQ(heap_allocated(), before);
            }
            ASSERT_TRUE(one.fib->rekey_start(hash_key(9)));  // and is left so
            one.fib->rekey_step(100);
            one.remove(1);
        }
        EXPECT_EQ(heap_allocated(), at_first);
    }
}

TEST(fib_rekey, without_memory_for_it_nothing_changes) {
    Rekeyed one(100'000);
    for (std::uint32_t number = 0; number < 1'000; ++number) {
        one.set(number);
    }
    // What is left of the heap but for one megabyte.
    std::vector<void*> rest;
    for (std::size_t bytes = 32U << 20; bytes >= 1U << 20; bytes /= 2) {
        while (void* const block = rte_malloc("rest", bytes, 0)) {
            rest.push_back(block);
        }
    }
    const std::size_t before = heap_allocated();
    EXPECT_FALSE(one.fib->rekey_start(hash_key(2)));
    EXPECT_FALSE(one.fib->rekeying());
    EXPECT_TRUE(one.fib->rekey_step(100));
    EXPECT_EQ(heap_allocated(), before);
    EXPECT_EQ(one.fib->rekeyed_count(), 0U);
    for (void* const block : rest) {
        rte_free(block);
    }
    one.set(7);
    one.check(1'100);
}
