// SPDX-License-Identifier: BSD-3-Clause
#include "routing/fib.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <latch>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

using posthaste::routing::AgentId;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::Grace;
using posthaste::routing::RouteKind;
using posthaste::support::numbered_id;

namespace {

constexpr std::uint32_t kLookupMax = 64;

constexpr unsigned kReaders = 2;
// So near to the load at which buckets are doubled that inserts keep moving other keys about.
constexpr std::uint32_t kCapacity = 13'900;
constexpr std::uint32_t kLasting = 256;  // agents 0 .. 255 are replaced, never removed
constexpr std::uint32_t kAgents = kCapacity + 500;
constexpr std::uint32_t kSteps = 40'000;

std::uint32_t number_of(const AgentId& id) {
    std::uint32_t number = 0;
    std::memcpy(&number, id.bytes.data() + 12, sizeof number);
    return number;
}

FibEntry entry_of(std::uint32_t number, std::uint32_t version) {
    FibEntry entry;
    entry.agent = numbered_id(number);
    entry.version = version;
    entry.endpoint.port = static_cast<std::uint16_t>(version);
    entry.endpoint.udp_port = static_cast<std::uint16_t>(version >> 16);
    entry.endpoint.adjacency = static_cast<std::uint16_t>(number);
    return entry;
}

bool is_whole(const FibEntry& entry, std::uint32_t number) {
    const FibEntry expected = entry_of(number, entry.version);
    return entry.agent == expected.agent && entry.endpoint == expected.endpoint &&
           entry.kind == expected.kind && entry.state == expected.state;
}

// One reader's bursts and what was wrong with what they found.
class Reader {
  public:
    Reader(Fib& fib, unsigned id) : fib_(fib), id_(id), random_(id + 1) {
        for (std::size_t lane = 0; lane < ids_.size(); ++lane) {
            keys_[lane] = &ids_[lane];
        }
    }

    std::uint64_t bursts = 0;
    std::uint64_t torn = 0;       // another agent's entry, or a mixture
    std::uint64_t lost = 0;       // a lasting agent not found
    std::uint64_t invented = 0;   // an agent that never was, found
    std::uint64_t backwards = 0;  // an older entry after a newer one
    std::uint64_t recalled = 0;   // by its number, and still what it was
    std::array<std::uint32_t, kLasting> touched{};

    void run_once() {
        recall();
        // Most bursts are full; some have a single agent that exists among strangers.
        const std::uint32_t count = random_() % 4 == 0 ? 1 + random_() % 64 : 64;
        const bool lonely = random_() % 4 == 0;
        for (std::uint32_t lane = 0; lane < count; ++lane) {
            ids_[lane] = numbered_id(pick(lonely, lane));
        }
        fib_.lookup(std::span(keys_).first(count), found_.data());
        for (std::uint32_t lane = 0; lane < count; ++lane) {
            judge(number_of(ids_[lane]), found_[lane]);
        }
        remember(count);
        ++bursts;
    }

  private:
    struct Remembered {
        std::uint32_t entry = 0;
        std::uint32_t changes = 0;
        std::uint32_t version = 0;
        std::uint32_t number = 0;
    };

    // Kept beyond the quiescent state, as an lcore keeps where a conversation went.
    void remember(std::uint32_t count) {
        for (std::uint32_t lane = 0; lane < count; ++lane) {
            const FibEntry* const entry = found_[lane];
            if (entry == nullptr) {
                continue;
            }
            const std::uint32_t at = fib_.number_of(*entry);
            const std::uint32_t changes = fib_.changes_near(at);
            if (fib_.entry_of_cell(entry->cell) == entry) {
                remembered_[random_() % remembered_.size()] = {
                    at, changes, entry->version, number_of(ids_[lane])};
            }
        }
    }

    void recall() {
        for (const Remembered& one : remembered_) {
            if (one.entry != 0 && fib_.changes_near(one.entry) == one.changes) {
                const FibEntry& entry = *fib_.entry(one.entry);
                ++recalled;
                torn += is_whole(entry, one.number) && entry.version == one.version ? 0U : 1U;
            }
        }
    }

    std::uint32_t pick(bool lonely, std::uint32_t lane) {
        if (lonely) {
            return lane == 0 ? random_() % kLasting : kAgents + random_() % 100'000;
        }
        return random_() % 2 == 0 ? random_() % kLasting : random_() % (kAgents + 100);
    }

    void judge(std::uint32_t number, const FibEntry* entry) {
        if (entry == nullptr) {
            lost += number < kLasting ? 1U : 0U;
            return;
        }
        torn += is_whole(*entry, number) ? 0U : 1U;
        invented += number >= kAgents ? 1U : 0U;
        if (number < kLasting) {
            backwards += entry->version < newest_[number] ? 1U : 0U;
            newest_[number] = entry->version;
            if (number % kReaders == id_) {
                fib_.touch(*entry, ++touched[number]);
            }
        }
    }

    Fib& fib_;
    unsigned id_;
    std::minstd_rand random_;
    std::array<AgentId, kLookupMax> ids_;
    std::array<const AgentId*, kLookupMax> keys_{};
    std::array<const FibEntry*, kLookupMax> found_{};
    std::array<std::uint32_t, kLasting> newest_{};
    std::array<Remembered, 256> remembered_{};
};

// Adds, replaces and removes until `steps` changes were made; gives how often it had to wait.
std::uint64_t churn(Fib& fib, std::uint32_t steps) {
    std::mt19937 random(99);
    std::uint64_t waits = 0;
    for (std::uint32_t version = 1; version <= steps; ++version) {
        const std::uint32_t number =
            version % 3 == 0 ? random() % kLasting : kLasting + random() % (kAgents - kLasting);
        if (number >= kLasting && fib.find(numbered_id(number)) != nullptr && random() % 2 == 0) {
            fib.remove(numbered_id(number));
            continue;
        }
        while (!fib.set(entry_of(number, version), 0)) {
            if (fib.count() == fib.capacity() && fib.find(numbered_id(number)) == nullptr) {
                break;  // full, as it should be now and then
            }
            ++waits;
            std::this_thread::yield();
        }
    }
    return waits;
}

}  // namespace

TEST(fib_threads, readers_of_a_churned_table_find_whole_entries_and_miss_none_that_lasts) {
    Grace grace(kReaders);
    auto created = Fib::create(
        {.name = "churn", .capacity = kCapacity, .key = posthaste::support::hash_key(1)}, grace);
    ASSERT_TRUE(created.has_value()) << created.error();
    Fib& fib = **created;
    for (std::uint32_t number = 0; number < kCapacity - 200; ++number) {
        ASSERT_TRUE(fib.set(entry_of(number, 0), 0));
    }
    std::vector<std::unique_ptr<Reader>> readers;
    std::vector<std::jthread> threads;
    std::atomic<bool> stop = false;
    std::latch ready(kReaders + 1);
    for (unsigned id = 0; id < kReaders; ++id) {
        readers.push_back(std::make_unique<Reader>(fib, id));
        threads.emplace_back([&grace, &stop, &ready, &reader = *readers.back(), id] {
            grace.online(id);
            ready.arrive_and_wait();
            do {
                reader.run_once();
                grace.quiescent(id);
            } while (!stop.load(std::memory_order_acquire));
            grace.offline(id);
        });
    }
    ready.arrive_and_wait();
    churn(fib, kSteps);
    stop.store(true, std::memory_order_release);
    threads.clear();

    for (const auto& reader : readers) {
        EXPECT_GT(reader->bursts, 0U);
        EXPECT_EQ(reader->torn, 0U);
        EXPECT_EQ(reader->lost, 0U);
        EXPECT_EQ(reader->invented, 0U);
        EXPECT_EQ(reader->backwards, 0U);
        EXPECT_GT(reader->recalled, 0U);
    }
    // No replacement took a heartbeat back: each cell holds the last touch of its one reader.
    for (std::uint32_t number = 0; number < kLasting; ++number) {
        const FibEntry* const entry = fib.find(numbered_id(number));
        ASSERT_NE(entry, nullptr);
        EXPECT_EQ(fib.last_heard_ms(*entry), readers[number % kReaders]->touched[number]);
    }
    fib.reclaim();
    EXPECT_EQ(fib.retired_count(), 0U);
}
