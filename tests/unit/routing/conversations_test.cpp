// SPDX-License-Identifier: BSD-3-Clause
#include "routing/conversations.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "routing/mix.h"

namespace posthaste::routing {

namespace {

// The entry that the way of the key leads to; 0: there is none.
std::uint32_t entry_of(Conversations& table, std::uint64_t key) {
    const Conversations::PackedWay* const way = table.recall(table.hash(key));
    return way == nullptr ? 0 : way->entry();
}

TEST(conversations, what_was_kept_is_found) {
    Conversations table(1'024);
    EXPECT_EQ(table.find(7), Conversations::kNone);
    table.keep(7, 70);
    table.keep(8, 80);
    EXPECT_EQ(table.find(7), 70U);
    EXPECT_EQ(table.find(8), 80U);
    EXPECT_EQ(table.stats().kept, 2U);
    EXPECT_EQ(table.stats().hit, 2U);
    EXPECT_EQ(table.stats().displaced, 0U);
}

TEST(conversations, the_last_provider_counts) {
    Conversations table(8);
    table.keep(7, 70);
    table.keep(7, 71);
    table.keep(7, 71);
    EXPECT_EQ(table.find(7), 71U);
    EXPECT_EQ(table.stats().kept, 2U);
    EXPECT_EQ(table.stats().displaced, 0U);
}

TEST(conversations, cell_0_is_a_cell) {
    Conversations table(8);
    table.keep(0, 0);
    EXPECT_EQ(table.find(0), 0U);
}

TEST(conversations, as_many_as_there_is_room_for_rounded_up) {
    EXPECT_EQ(Conversations(1).capacity(), 4U);
    EXPECT_EQ(Conversations(5).capacity(), 8U);
    EXPECT_EQ(Conversations(1'000).capacity(), 1'024U);
    EXPECT_EQ(Conversations(1'000).memory_bytes(), 32U * 1'024);
    EXPECT_EQ(Conversations::planned_bytes(1'000), 32U * 1'024);
}

// One set: four have room.
TEST(conversations, the_fifth_of_a_set_displaces_one_that_was_not_used_of_late) {
    Conversations table(4);
    for (std::uint32_t i = 0; i < 4; ++i) {
        table.keep(i, i);
    }
    EXPECT_EQ(table.stats().displaced, 0U);
    EXPECT_EQ(table.find(2), 2U);  // the next to go is used again
    table.keep(4, 4);
    EXPECT_EQ(table.stats().displaced, 1U);
    EXPECT_EQ(table.find(3), Conversations::kNone);
    EXPECT_EQ(table.find(2), 2U);
    EXPECT_EQ(table.find(4), 4U);
    EXPECT_EQ(table.stats().held, 4U);
}

TEST(conversations, those_of_a_single_frame_displace_each_other_and_not_those_that_go_on) {
    Conversations table(4);
    table.keep(1, 1);
    table.keep(2, 2);
    for (std::uint32_t i = 100; i < 10'000; ++i) {
        table.keep(i, i);
    }
    EXPECT_EQ(table.find(1), 1U);
    EXPECT_EQ(table.find(2), 2U);
    EXPECT_EQ(table.find(9'999), 9'999U);  // goes on from here: one of the first two makes room
    for (std::uint32_t i = 10'000; i < 20'000; ++i) {
        table.keep(i, i);
    }
    EXPECT_EQ(table.find(9'999), 9'999U);
    EXPECT_EQ(table.find(1), 1U);
    EXPECT_EQ(table.find(2), Conversations::kNone);
}

TEST(conversations, keeping_is_using) {
    Conversations table(4);
    for (std::uint32_t i = 0; i < 4; ++i) {
        table.keep(i, i);
    }
    table.keep(2, 2);
    table.keep(4, 4);
    EXPECT_EQ(table.find(2), 2U);
    EXPECT_EQ(table.find(3), Conversations::kNone);
}

TEST(conversations, recalling_is_using) {
    Conversations table(4);
    for (std::uint32_t i = 0; i < 4; ++i) {
        table.keep(i, i);
        table.note(table.hash(i), i, {.entry = 10 + i, .reasons = 20 + i});
    }
    EXPECT_EQ(entry_of(table, 2), 12U);
    table.keep(4, 4);
    EXPECT_EQ(entry_of(table, 2), 12U);
    EXPECT_EQ(table.recall(table.hash(2))->reasons(), 22U);
    EXPECT_EQ(entry_of(table, 3), 0U);
    EXPECT_EQ(table.find(3), Conversations::kNone);
}

TEST(conversations, one_in_use_outlives_any_number_of_others) {
    for (const bool by_recall : {false, true}) {
        Conversations table(4);
        table.keep(0, 5);
        table.note(table.hash(0), 5, {.entry = 6, .reasons = 7});
        for (std::uint32_t i = 1; i < 10'000; ++i) {
            table.keep(i, i);
            table.keep(i + 100'000, i);
            if (by_recall) {
                ASSERT_EQ(entry_of(table, 0), 6U) << i;
            } else {
                ASSERT_EQ(table.find(0), 5U) << i;
            }
        }
        EXPECT_EQ(table.recall(table.hash(0))->reasons(), 7U);
        EXPECT_EQ(table.find(0), 5U);
    }
}

TEST(conversations, a_way_is_noted_with_the_provider_it_leads_to_and_goes_with_him) {
    Conversations table(8);
    table.note(table.hash(7), 70, {.entry = 1, .reasons = 2});  // nothing is kept yet
    EXPECT_EQ(entry_of(table, 7), 0U);
    table.keep(7, 70);
    EXPECT_EQ(entry_of(table, 7), 0U);
    table.note(table.hash(7), 71, {.entry = 1, .reasons = 2});  // of another provider
    EXPECT_EQ(entry_of(table, 7), 0U);
    table.note(table.hash(7), 70, {.entry = 1, .reasons = 2});
    table.keep(7, 70);
    EXPECT_EQ(entry_of(table, 7), 1U);
    EXPECT_EQ(table.recall(table.hash(7))->reasons(), 2U);
    table.keep(7, 71);
    EXPECT_EQ(entry_of(table, 7), 0U);
    EXPECT_EQ(table.stats().hit, 0U);
    table.confirm(3);
    EXPECT_EQ(table.stats().hit, 3U);
}

TEST(conversations, a_way_is_given_back_as_it_was_noted) {
    const std::array<std::uint32_t, NextHop::kWords> words = {0xc0000201, 0xdeadbeef, 0xffff0001};
    for (std::uint32_t where = 0; where <= NextHop::kElsewhere; ++where) {
        for (const std::uint32_t number : {1U, 77U, Conversations::kNumberMax}) {
            Conversations table(64);
            table.keep(5, 0xfffffffe);
            const Conversations::Way way{.entry = number,
                                         .set = Conversations::kNumberMax - number + 1,
                                         .reasons = ~number,
                                         .mark = Conversations::kMarks - 1 - where,
                                         .to = NextHop::of(words, where)};
            table.note(table.hash(5), 0xfffffffe, way);
            const Conversations::PackedWay* const kept = table.recall(table.hash(5));
            ASSERT_NE(kept, nullptr);
            EXPECT_EQ(kept->entry(), way.entry);
            EXPECT_EQ(kept->set(), way.set);
            EXPECT_EQ(kept->reasons(), way.reasons);
            EXPECT_EQ(kept->mark(), way.mark);
            EXPECT_EQ(kept->where(), where);
            EXPECT_EQ(kept->to(), way.to);
            EXPECT_EQ(table.find(5), 0xfffffffeU);
        }
    }
}

// Whoever takes a place has no way of who had it before.
TEST(conversations, a_new_one_has_no_way) {
    Conversations table(4);
    for (std::uint32_t i = 0; i < 100; ++i) {
        table.keep(i, i);
        EXPECT_EQ(entry_of(table, i), 0U);
        table.note(table.hash(i), i, {.entry = i + 1, .reasons = i});
    }
    for (std::uint32_t i = 0; i < 100; ++i) {
        EXPECT_EQ(entry_of(table, i), i < 2 || i >= 98 ? i + 1 : 0U);
    }
}

TEST(conversations, a_full_load_is_kept_but_for_what_falls_together) {
    Conversations table(1U << 16);
    constexpr std::uint32_t kHalf = 1U << 15;
    for (std::uint32_t i = 0; i < kHalf; ++i) {
        table.keep(mix(i), i);
    }
    std::uint32_t found = 0;
    for (std::uint32_t i = 0; i < kHalf; ++i) {
        const std::uint32_t cell = table.find(mix(i));
        ASSERT_TRUE(cell == i || cell == Conversations::kNone);
        found += cell == i ? 1 : 0;
    }
    // Poisson: of sets with 2 on average 5.3 % have more than 4; 3.7 % of the keys find no room.
    EXPECT_GT(found, kHalf * 95 / 100);
    EXPECT_EQ(found + table.stats().displaced, kHalf);
    EXPECT_EQ(table.stats().held, found);
}

TEST(conversations, who_shares_a_set_depends_on_the_seed) {
    std::vector<std::uint64_t> keys;  // of one set of 256 under seed 0
    const Conversations under_0(1'024);
    for (std::uint64_t key = 0; keys.size() < 5; ++key) {
        if ((under_0.hash(key) >> 32 & 255) == 0) {
            keys.push_back(key);
        }
    }
    const auto displaced = [&keys](std::uint64_t seed) {
        Conversations table(1'024, seed);
        for (const std::uint64_t key : keys) {
            table.keep(key, 1);
        }
        return table.stats().displaced;
    };
    EXPECT_EQ(displaced(0), 1U);
    EXPECT_EQ(displaced(1), 0U);
    EXPECT_EQ(displaced(0x123456789), 0U);
}

}  // namespace

}  // namespace posthaste::routing
