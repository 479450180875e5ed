// SPDX-License-Identifier: BSD-3-Clause
#include "routing/published.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

using posthaste::routing::Grace;
using posthaste::routing::Published;

namespace {

constexpr unsigned kReaders = 2;
constexpr std::uint64_t kVersions = 3'000;

// Every word of a value says its version; its end leaves other words behind.
struct Value {
    static inline std::atomic<int> alive = 0;
    std::array<std::uint64_t, 16> words;

    explicit Value(std::uint64_t version) {
        words.fill(version);
        ++alive;
    }

    ~Value() {
        words.fill(~0ULL);
        --alive;
    }

    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
};

struct Seen {
    std::uint64_t reads = 0;
    std::uint64_t torn = 0;
    std::uint64_t backwards = 0;
    std::uint64_t last = 0;
};

void read_once(const Published<Value>& published, Seen& seen) {
    const Value& value = published.read();
    const std::uint64_t version = value.words[0];
    for (const std::uint64_t word : value.words) {
        seen.torn += word != version ? 1U : 0U;
    }
    seen.backwards += version < seen.last ? 1U : 0U;
    seen.last = version;
    ++seen.reads;
}

}  // namespace

TEST(published, readers_of_a_storm_see_whole_values_in_order_and_none_is_leaked) {
    {
        Grace grace(kReaders);
        Published<Value> published(grace, std::make_unique<Value>(0));
        std::array<Seen, kReaders> seen;
        std::atomic<bool> stop = false;
        std::latch ready(kReaders + 1);
        std::vector<std::jthread> readers;
        for (unsigned id = 0; id < kReaders; ++id) {
            readers.emplace_back([&, id] {
                grace.online(id);
                read_once(published, seen[id]);
                ready.arrive_and_wait();
                while (!stop.load(std::memory_order_acquire)) {
                    read_once(published, seen[id]);
                    grace.quiescent(id);
                    // The second leaves now and then and comes back, as an idle worker does.
                    if (seen[id].reads % 16 == 0 && id == 1) {
                        grace.offline(id);
                        std::this_thread::yield();
                        grace.online(id);
                    } else if (seen[id].reads % 16 == 0) {
                        std::this_thread::yield();
                    }
                }
                read_once(published, seen[id]);
                grace.offline(id);
            });
        }
        ready.arrive_and_wait();
        int most_alive = 0;
        std::uint64_t refused = 0;
        for (std::uint64_t version = 1; version <= kVersions; ++version) {
            std::unique_ptr<const Value> next = std::make_unique<Value>(version);
            while (!published.publish(next)) {
                ASSERT_NE(next, nullptr);
                ++refused;
                std::this_thread::yield();
            }
            most_alive = std::max(most_alive, Value::alive.load());
        }
        stop.store(true, std::memory_order_release);
        readers.clear();
        for (const Seen& reader : seen) {
            EXPECT_EQ(reader.torn, 0U);
            EXPECT_EQ(reader.backwards, 0U);
            EXPECT_EQ(reader.last, kVersions);
        }
        EXPECT_LE(most_alive, static_cast<int>(Published<Value>::kRetiredMax) + 2);
        published.reclaim();
        EXPECT_EQ(published.retired_count(), 0U);
        EXPECT_EQ(Value::alive.load(), 1);
    }
    EXPECT_EQ(Value::alive.load(), 0);
}
