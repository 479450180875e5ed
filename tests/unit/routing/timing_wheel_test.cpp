// SPDX-License-Identifier: BSD-3-Clause
#include "routing/timing_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

using posthaste::routing::TimingWheel;
using posthaste::routing::WheelPlace;

namespace {

struct Record {
    int number = 0;
    WheelPlace<Record> due{};
};

using Wheel = TimingWheel<Record, &Record::due>;

// Takes all that is due.
std::vector<Record*> due_by(Wheel& wheel, std::uint64_t now_ms) {
    std::vector<Record*> due;
    std::size_t moves = 1'000'000;
    while (Record* const record = wheel.next_due(now_ms, moves)) {
        due.push_back(record);
    }
    return due;
}

}  // namespace

TEST(timing_wheel, gives_the_earliest_first_after_moves_and_removals) {
    std::mt19937 random(1);
    Wheel wheel;
    std::vector<Record> records(60);
    std::map<Record*, std::uint64_t> model;
    for (int step = 0; step < 50'000; ++step) {
        Record& record = records[random() % records.size()];
        if (random() % 3 == 0) {
            wheel.remove(record);
            model.erase(&record);
            EXPECT_FALSE(record.due.in());
        } else {
            const std::uint64_t at_ms = random() % 1000;
            wheel.set(record, at_ms);
            model[&record] = at_ms;
            EXPECT_EQ(record.due.at_ms, at_ms);
        }
        ASSERT_EQ(wheel.size(), model.size());
        ASSERT_EQ(wheel.earliest_ms().has_value(), !model.empty());
        for (const auto& [key, at_ms] : model) {
            ASSERT_LE(*wheel.earliest_ms(), at_ms);
        }
    }
    std::uint64_t last = 0;
    for (const Record* record : due_by(wheel, 1000)) {
        EXPECT_LE(last, record->due.at_ms);
        last = record->due.at_ms;
        EXPECT_EQ(model.at(const_cast<Record*>(record)), last);
    }
    EXPECT_EQ(wheel.size(), 0U);
    EXPECT_EQ(wheel.earliest_ms(), std::nullopt);
}

// Against a sorted model, with deadlines and steps of every size, also past ones and the last.
TEST(timing_wheel, does_what_a_sorted_list_does) {
    for (unsigned seed = 0; seed < 20; ++seed) {
        std::mt19937_64 random(seed);
        Wheel wheel;
        std::vector<Record> records(40);
        std::set<std::pair<std::uint64_t, Record*>> model;
        std::uint64_t now_ms = seed % 2 == 0 ? 0 : (1ULL << 32) - 1000;
        for (int step = 0; step < 3'000; ++step) {
            Record& record = records[random() % records.size()];
            const std::uint64_t size = random() >> random() % 64;
            if (record.due.in() && random() % 2 == 0) {
                model.erase({record.due.at_ms, &record});
                wheel.remove(record);
            } else {
                model.erase({record.due.at_ms, &record});
                const bool past = random() % 8 == 0;
                const std::uint64_t at_ms = past ? now_ms / 2 : std::max(now_ms + size, now_ms);
                wheel.set(record, at_ms);
                model.insert({at_ms, &record});
            }
            if (random() % 4 == 0) {
                now_ms += random() % (1ULL << random() % 34);
            }
            std::size_t expected = 0;
            for (const auto& [at_ms, due] : model) {
                expected += at_ms <= now_ms ? 1U : 0U;
            }
            const auto due = due_by(wheel, now_ms);
            ASSERT_EQ(due.size(), expected) << seed << " at " << now_ms;
            for (Record* const taken : due) {
                ASSERT_EQ(model.erase({taken->due.at_ms, taken}), 1U);
            }
            ASSERT_EQ(wheel.size(), model.size());
            if (!model.empty()) {
                ASSERT_LE(*wheel.earliest_ms(), model.begin()->first);
            }
        }
    }
}

TEST(timing_wheel, what_is_long_overdue_comes_in_the_order_of_the_deadlines) {
    Wheel wheel;
    std::vector<Record> records(500);
    for (int i = 0; i < 500; ++i) {
        records[static_cast<std::size_t>(i)].number = i;
        wheel.set(records[static_cast<std::size_t>(i)], 1'000U + 37U * (499U - i));
    }
    const auto due = due_by(wheel, 1'000'000);
    ASSERT_EQ(due.size(), 500U);
    for (int i = 0; i < 500; ++i) {
        EXPECT_EQ(due[static_cast<std::size_t>(i)]->number, 499 - i);
    }
}

TEST(timing_wheel, the_moves_bound_a_call_and_the_next_one_goes_on) {
    Wheel wheel;
    std::vector<Record> records(1'000);
    for (Record& record : records) {
        wheel.set(record, 1'000'000);
    }
    std::size_t calls = 0;
    std::size_t due = 0;
    for (; due < records.size() && calls < 2'000; ++calls) {
        std::size_t moves = 10;
        due += wheel.next_due(1'000'000, moves) != nullptr ? 1U : 0U;
    }
    EXPECT_EQ(due, records.size());
    EXPECT_GE(calls, 1'290U);  // three moves each, from the fourth wheel, and being taken
}

TEST(timing_wheel, a_clock_that_stands_still_or_goes_back_changes_nothing) {
    Wheel wheel;
    Record record;
    wheel.set(record, 500);
    EXPECT_TRUE(due_by(wheel, 499).empty());
    EXPECT_TRUE(due_by(wheel, 499).empty());
    EXPECT_TRUE(due_by(wheel, 3).empty());
    EXPECT_EQ(wheel.earliest_ms(), 500U);
    EXPECT_EQ(due_by(wheel, 500).size(), 1U);
    wheel.set(record, 200);  // past: due at once
    EXPECT_EQ(due_by(wheel, 500).size(), 1U);
}

TEST(timing_wheel, a_copy_of_a_record_is_not_in_the_wheel) {
    Wheel wheel;
    Record record;
    wheel.set(record, 5);
    Record copy = record;
    EXPECT_FALSE(copy.due.in());
    copy.number = 7;
    record = copy;
    EXPECT_TRUE(record.due.in());
    EXPECT_EQ(due_by(wheel, 5).size(), 1U);
    EXPECT_EQ(record.number, 7);
}
