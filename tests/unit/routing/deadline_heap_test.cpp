// SPDX-License-Identifier: BSD-3-Clause
#include "routing/deadline_heap.h"

#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <random>
#include <vector>

using posthaste::routing::DeadlineHeap;
using posthaste::routing::kNotInHeap;

namespace {

struct Record {
    int number = 0;
    std::size_t heap_place = kNotInHeap;
};

}  // namespace

TEST(deadline_heap, gives_the_earliest_first_after_moves_and_removals) {
    std::mt19937 random(1);
    DeadlineHeap<Record> heap;
    std::vector<Record> records(60);
    std::map<Record*, std::uint64_t> model;
    for (int step = 0; step < 50'000; ++step) {
        Record& record = records[random() % records.size()];
        if (random() % 3 == 0) {
            heap.remove(record);
            model.erase(&record);
            EXPECT_EQ(record.heap_place, kNotInHeap);
        } else {
            const std::uint64_t at_ms = random() % 1000;
            heap.set(record, at_ms);
            model[&record] = at_ms;
            EXPECT_EQ(heap.at(record), at_ms);
        }
        ASSERT_EQ(heap.size(), model.size());
        ASSERT_EQ(heap.empty(), model.empty());
        if (!model.empty()) {
            std::uint64_t earliest = model.begin()->second;
            for (const auto& [key, at_ms] : model) {
                earliest = std::min(earliest, at_ms);
            }
            ASSERT_EQ(heap.first().at_ms, earliest);
            ASSERT_EQ(model.at(heap.first().record), earliest);
        }
    }
    std::uint64_t last = 0;
    while (!heap.empty()) {
        EXPECT_LE(last, heap.first().at_ms);
        last = heap.first().at_ms;
        heap.remove(*heap.first().record);
    }
    for (const Record& record : records) {
        EXPECT_EQ(record.heap_place, kNotInHeap);
    }
}
