// SPDX-License-Identifier: BSD-3-Clause
#include "routing/fib.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "routing/capability_name.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

using posthaste::routing::AgentId;
using posthaste::routing::capability_id;
using posthaste::routing::capability_key;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::FibOptions;
using posthaste::routing::Grace;
using posthaste::routing::RouteKind;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

namespace {

constexpr std::uint32_t kLookupMax = 64;

// `version` shows up in several fields, so that a mixture of two entries would be seen.
FibEntry entry_of(std::uint32_t number, std::uint32_t version) {
    FibEntry entry;
    entry.agent = numbered_id(number);
    entry.version = version;
    entry.kind = version % 2 == 0 ? RouteKind::local : RouteKind::remote;
    entry.endpoint.port = static_cast<std::uint16_t>(version);
    entry.endpoint.udp_port = static_cast<std::uint16_t>(version >> 8);
    return entry;
}

bool same(const FibEntry& a, const FibEntry& b) {
    return a.agent == b.agent && a.version == b.version && a.kind == b.kind &&
           a.endpoint == b.endpoint && a.state == b.state;
}

std::unique_ptr<Fib> make_fib(Grace& grace, std::uint32_t capacity, std::uint64_t seed = 1) {
    auto fib = Fib::create({.name = "test", .capacity = capacity, .key = hash_key(seed)}, grace);
    EXPECT_TRUE(fib.has_value()) << fib.error();
    return std::move(*fib);
}

std::vector<const FibEntry*> look_up(const Fib& fib, const std::vector<AgentId>& ids) {
    std::vector<const AgentId*> keys;
    for (const AgentId& id : ids) {
        keys.push_back(&id);
    }
    // Poisoned, so that an entry lookup() leaves alone is seen.
    static const FibEntry kPoison;
    std::vector<const FibEntry*> found(ids.size() + 1, &kPoison);
    fib.lookup(keys, found.data());
    EXPECT_EQ(found.back(), &kPoison);
    found.pop_back();
    return found;
}

}  // namespace

TEST(fib, every_burst_size_finds_what_is_there_and_nothing_else) {
    Grace grace(1);
    const auto fib = make_fib(grace, 1000);
    for (std::uint32_t i = 0; i < 100; ++i) {
        ASSERT_TRUE(fib->set(entry_of(i, i + 7), 0));
    }
    for (std::uint32_t count = 0; count <= kLookupMax; ++count) {
        for (const std::uint32_t first : {0U, 60U, 1000U}) {  // all, some, none
            std::vector<AgentId> ids;
            for (std::uint32_t i = 0; i < count; ++i) {
                ids.push_back(numbered_id(first + i));
            }
            const auto found = look_up(*fib, ids);
            for (std::uint32_t i = 0; i < count; ++i) {
                if (first + i < 100) {
                    ASSERT_NE(found[i], nullptr);
                    EXPECT_TRUE(same(*found[i], entry_of(first + i, first + i + 7)));
                } else {
                    EXPECT_EQ(found[i], nullptr);
                }
            }
        }
    }
}

TEST(fib, follows_a_map_through_random_changes) {
    Grace grace(1);
    grace.online(0);
    constexpr std::uint32_t kCapacity = 500;
    const auto fib = make_fib(grace, kCapacity, 2);
    std::map<std::uint32_t, FibEntry> model;
    std::mt19937 random(2);
    for (std::uint32_t step = 1; step <= 200'000; ++step) {
        const std::uint32_t number = random() % 700;
        if (random() % 5 < 3) {
            const FibEntry entry = entry_of(number, step);
            const bool fits = model.size() < kCapacity || model.contains(number);
            ASSERT_EQ(fib->set(entry, 0), fits) << step;
            if (fits) {
                model[number] = entry;
            }
        } else {
            ASSERT_EQ(fib->remove(numbered_id(number)), model.erase(number) == 1) << step;
        }
        ASSERT_EQ(fib->count(), model.size());
        if (step % 100 == 0) {
            grace.quiescent(0);
            std::vector<AgentId> ids;
            for (std::uint32_t i = 0; i < kLookupMax; ++i) {
                ids.push_back(numbered_id(random() % 700));
            }
            std::vector<const AgentId*> ahead;
            for (const AgentId& id : ids) {
                ahead.push_back(&id);
            }
            fib->prefetch(ahead);  // of any that are there and are not
            const auto found = look_up(*fib, ids);
            for (std::size_t i = 0; i < ids.size(); ++i) {
                std::uint32_t asked = 0;
                std::memcpy(&asked, ids[i].bytes.data() + 12, sizeof asked);
                const auto expected = model.find(asked);
                ASSERT_EQ(found[i] != nullptr, expected != model.end());
                ASSERT_EQ(found[i], fib->find(ids[i]));
                ASSERT_TRUE(found[i] == nullptr || same(*found[i], expected->second));
            }
        }
    }
    grace.offline(0);
}

TEST(fib, a_full_table_refuses_the_next_agent_and_changes_nothing) {
    Grace grace(1);
    for (const std::uint32_t capacity : {1U, 7U, 64U, 1000U, 1024U, 8192U, 16'000U}) {
        for (std::uint64_t seed = 0; seed < 3; ++seed) {
            const auto fib = make_fib(grace, capacity, seed);
            for (std::uint32_t i = 0; i < capacity; ++i) {
                ASSERT_TRUE(fib->set(entry_of(i, 1), 0)) << i << " of " << capacity;
            }
            EXPECT_FALSE(fib->set(entry_of(capacity, 1), 0));
            EXPECT_EQ(fib->count(), capacity);
            EXPECT_EQ(fib->find(numbered_id(capacity)), nullptr);
            EXPECT_TRUE(fib->set(entry_of(0, 2), 0));  // a replacement still fits
            EXPECT_TRUE(fib->remove(numbered_id(0)));
            EXPECT_TRUE(fib->set(entry_of(capacity, 1), 0));
            EXPECT_EQ(fib->find(numbered_id(0)), nullptr);
        }
    }
}

TEST(fib, whoever_remembers_an_entry_learns_that_it_is_not_the_agents_any_more) {
    Grace grace(1);
    const auto fib = make_fib(grace, 8);
    const auto number_of = [&fib](std::uint32_t agent) {
        return fib->number_of(*fib->find(numbered_id(agent)));
    };
    ASSERT_TRUE(fib->set(entry_of(1, 10), 0));
    const std::uint32_t first = number_of(1);
    const std::uint32_t before = fib->changes_near(first);
    ASSERT_TRUE(fib->set(entry_of(2, 20), 0));
    EXPECT_EQ(fib->changes_near(first), before) << "another agent came";
    ASSERT_TRUE(fib->set(entry_of(1, 11), 0));
    EXPECT_NE(fib->changes_near(first), before) << "replaced";
    const std::uint32_t second = number_of(1);
    const std::uint32_t then = fib->changes_near(second);
    ASSERT_TRUE(fib->remove(numbered_id(1)));
    EXPECT_NE(fib->changes_near(second), then) << "removed";
    EXPECT_EQ(fib->entry_of_cell(fib->find(numbered_id(2))->cell), fib->find(numbered_id(2)));
}

TEST(fib, whoever_remembers_what_a_capability_led_to_learns_that_it_does_not_any_more) {
    Grace grace(1);
    const auto fib = make_fib(grace, 8);
    const AgentId id = capability_id("vision/ocr");
    FibEntry entry;
    entry.agent = capability_key(id);
    entry.kind = RouteKind::capability;
    entry.set_provider_set(3);
    ASSERT_TRUE(fib->set(entry, 0));
    std::uint32_t before = fib->changes_of_capability(id);
    EXPECT_EQ(before, fib->changes_of_capability(entry.agent));
    ASSERT_TRUE(fib->set(entry_of(1, 10), 0));
    ASSERT_TRUE(fib->set(entry_of(1, 11), 0));
    EXPECT_EQ(fib->changes_of_capability(id), before) << "an agent changed";
    entry.set_provider_set(4);
    ASSERT_TRUE(fib->set(entry, 0));
    EXPECT_NE(fib->changes_of_capability(id), before) << "replaced";
    before = fib->changes_of_capability(id);
    ASSERT_TRUE(fib->remove(entry.agent));
    EXPECT_NE(fib->changes_of_capability(id), before) << "removed";
}

TEST(fib, an_entry_a_reader_may_hold_is_neither_changed_nor_reused) {
    Grace grace(2);
    grace.online(0);
    grace.online(1);
    const auto fib = make_fib(grace, 8);
    ASSERT_TRUE(fib->set(entry_of(1, 10), 0));
    ASSERT_TRUE(fib->set(entry_of(2, 20), 0));
    const FibEntry* const replaced = fib->find(numbered_id(1));
    const FibEntry* const removed = fib->find(numbered_id(2));
    ASSERT_TRUE(fib->set(entry_of(1, 11), 0));
    ASSERT_TRUE(fib->remove(numbered_id(2)));

    // Every free entry is used up, and neither of the two is among them.
    std::uint32_t version = 100;
    std::set<const FibEntry*> used;
    while (fib->set(entry_of(3, version), 0)) {
        used.insert(fib->find(numbered_id(3)));
        ++version;
    }
    EXPECT_EQ(used.size(), 8U + fib->slack_count() - 3);
    EXPECT_FALSE(used.contains(replaced));
    EXPECT_FALSE(used.contains(removed));
    EXPECT_TRUE(same(*replaced, entry_of(1, 10)));
    EXPECT_TRUE(same(*removed, entry_of(2, 20)));

    // The refusal changed nothing.
    EXPECT_TRUE(same(*fib->find(numbered_id(3)), entry_of(3, version - 1)));
    EXPECT_TRUE(same(*fib->find(numbered_id(1)), entry_of(1, 11)));

    // One reader is not enough; both are, and then all but the living is free again.
    grace.quiescent(0);
    EXPECT_FALSE(fib->set(entry_of(3, version), 0));
    grace.quiescent(1);
    EXPECT_TRUE(fib->set(entry_of(3, version), 0));
    EXPECT_LE(fib->retired_count(), 1U);
    grace.offline(0);
    grace.offline(1);
}

TEST(fib, slots_of_removed_agents_come_back_after_the_grace_period) {
    Grace grace(1);
    grace.online(0);
    constexpr std::uint32_t kCapacity = 100;
    const auto fib = make_fib(grace, kCapacity);
    std::uint32_t number = 0;
    for (; number < kCapacity; ++number) {
        ASSERT_TRUE(fib->set(entry_of(number, 1), 0));
    }
    for (int round = 0; round < 100; ++round) {
        // One out, one in, until the slack is used up by what the reader may still hold.
        std::uint32_t changes = 0;
        for (;; ++changes, ++number) {
            ASSERT_TRUE(fib->remove(numbered_id(number - kCapacity)));
            if (!fib->set(entry_of(number, 1), 0)) {
                break;
            }
        }
        EXPECT_GE(changes, fib->slack_count() - 1);
        grace.quiescent(0);
        ASSERT_TRUE(fib->set(entry_of(number, 1), 0));
        ++number;
        EXPECT_EQ(fib->count(), kCapacity);
    }
    grace.offline(0);
}

TEST(fib, a_lease_cell_stays_with_its_agent) {
    Grace grace(1);
    grace.online(0);
    const auto fib = make_fib(grace, 10);
    ASSERT_TRUE(fib->set(entry_of(1, 2), 1000));
    const FibEntry* const first = fib->find(numbered_id(1));
    EXPECT_EQ(fib->last_heard_ms(*first), 1000U);
    ASSERT_TRUE(fib->set(entry_of(1, 4), 1500));
    const FibEntry* const second = fib->find(numbered_id(1));
    ASSERT_NE(first, second);
    EXPECT_EQ(fib->last_heard_ms(*second), 1500U);

    // A heartbeat through the entry a reader still holds counts for the new one.
    fib->touch(*first, 2000);
    EXPECT_EQ(fib->last_heard_ms(*second), 2000U);

    // A replacement does not take a later heartbeat back, also across the wrap of the clock.
    ASSERT_TRUE(fib->set(entry_of(1, 6), 1800));
    EXPECT_EQ(fib->last_heard_ms(*fib->find(numbered_id(1))), 2000U);
    fib->touch(*second, 0xfffffff0);
    ASSERT_TRUE(fib->set(entry_of(1, 8), 5));
    EXPECT_EQ(fib->last_heard_ms(*fib->find(numbered_id(1))), 5U);

    // A route in between is not heard at all, so the agent that comes after it starts anew.
    fib->touch(*second, 20);
    ASSERT_TRUE(fib->set(entry_of(1, 9), 0));
    EXPECT_EQ(fib->last_heard_ms(*fib->find(numbered_id(1))), 0U);
    ASSERT_TRUE(fib->set(entry_of(1, 10), 0xf0000000));
    EXPECT_EQ(fib->last_heard_ms(*fib->find(numbered_id(1))), 0xf0000000U);

    // Removed and back: what is heard through an old entry does not reach the new agent.
    const FibEntry* const old = fib->find(numbered_id(1));
    ASSERT_TRUE(fib->remove(numbered_id(1)));
    ASSERT_TRUE(fib->set(entry_of(1, 12), 10));
    fib->touch(*old, 99);
    EXPECT_EQ(fib->last_heard_ms(*fib->find(numbered_id(1))), 10U);
    grace.offline(0);
}

TEST(fib, several_live_side_by_side_and_give_their_memory_back) {
    Grace grace(1);
    for (int round = 0; round < 50; ++round) {
        const auto one = make_fib(grace, 20'000);
        const auto two = make_fib(grace, 20'000);
        ASSERT_TRUE(one->set(entry_of(1, 1), 0));
        ASSERT_TRUE(two->set(entry_of(1, 2), 0));
        EXPECT_EQ(one->find(numbered_id(1))->version, 1U);
        EXPECT_EQ(two->find(numbered_id(1))->version, 2U);
        // But for what a table's alignment to 128 bytes leaves.
        EXPECT_NEAR(static_cast<double>(one->memory_bytes()),
                    static_cast<double>(two->memory_bytes()),
                    128);
    }
}

TEST(fib, memory_is_counted_and_grows_with_the_capacity) {
    Grace grace(1);
    const auto small = make_fib(grace, 10'000);
    const auto large = make_fib(grace, 60'000);
    // Entry 64, cell 4, key 32, two lists 8, and at least 8 for a place in a bucket.
    EXPECT_GE(large->memory_bytes() - small->memory_bytes(), 50'000U * (64 + 4 + 32 + 8 + 8));
    EXPECT_LE(large->memory_bytes(), 60'000U * 320);
}

TEST(fib, the_plan_of_its_memory_holds_and_is_close) {
    Grace grace(1);
    for (const std::uint32_t capacity : {1U, 1000U, 7000U, 14'000U, 30'000U, 60'000U, 100'000U}) {
        const auto fib = make_fib(grace, capacity);
        EXPECT_LE(fib->heap_bytes(), Fib::planned_heap_bytes(capacity, 0, true)) << capacity;
        EXPECT_GE(fib->heap_bytes() + 16 * 1024, Fib::planned_heap_bytes(capacity, 0, true))
            << capacity;
    }
}

TEST(fib, a_table_that_cannot_be_had_is_an_error_with_its_name) {
    Grace grace(1);
    const auto none = Fib::create({.name = "agents", .capacity = 0, .key = {}}, grace);
    ASSERT_FALSE(none.has_value());
    EXPECT_EQ(none.error(), "table agents: capacity 0 is not in 1..67108864");
    const auto huge =
        Fib::create({.name = "agents", .capacity = Fib::kCapacityMax, .key = {}}, grace);
    ASSERT_FALSE(huge.has_value());
    EXPECT_NE(huge.error().find("table agents: no memory for 67108864 routes"), std::string::npos)
        << huge.error();
}
