// SPDX-License-Identifier: BSD-3-Clause
// Resolvers, with caches and without, beside a writer that changes routes and the key of the hash.
// More agents come and go than fit, so that places are other agents' soon.
#include "routing/resolver.h"

#include <gtest/gtest.h>

#include <algorithm>
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
using posthaste::routing::Family;
using posthaste::routing::Fib;
using posthaste::routing::FibEntry;
using posthaste::routing::FibOptions;
using posthaste::routing::Grace;
using posthaste::routing::LookupCounters;
using posthaste::routing::NextHop;
using posthaste::routing::Resolver;
using posthaste::routing::ResolverOptions;
using posthaste::routing::RouteKind;
using posthaste::support::hash_key;
using posthaste::support::numbered_id;

namespace {

constexpr unsigned kReaders = 2;
constexpr std::uint32_t kAgents = 600;  // more than fit: some sets are refused
constexpr std::uint32_t kCapacity = 500;
constexpr std::uint32_t kChanges = 100'000;
constexpr std::uint32_t kBatchMax = 64;
// The writer waits for a batch of somebody's every so many changes, or it would be through before
// readers came to see a tenth of them; and changes the key so rarely that caches fill in between.
constexpr std::uint32_t kChangesPerBatch = 16;
constexpr std::uint32_t kChangesPerKey = 10'000;

FibEntry entry_of(std::uint32_t number, std::uint32_t version) {
    FibEntry entry;
    entry.agent = numbered_id(number);
    entry.version = version;
    if (number % 4 == 0) {
        entry.kind = RouteKind::remote;
        entry.router = static_cast<std::uint16_t>(version % 1'000);
        entry.endpoint.adjacency = static_cast<std::uint16_t>(number);
        entry.fresh_until_ms = version;
        return entry;
    }
    entry.endpoint.ip.family = Family::ipv4;
    std::memcpy(entry.endpoint.ip.bytes.data(), &version, sizeof version);
    std::memcpy(entry.endpoint.mac.bytes.data(), &number, sizeof number);
    entry.endpoint.port = static_cast<std::uint16_t>(version % 4);
    entry.endpoint.udp_port = static_cast<std::uint16_t>(version);
    return entry;
}

// What the entry's version was when it was written, whatever became of it.
std::uint32_t written(const FibEntry& entry) {
    if (entry.kind == RouteKind::remote) {
        return entry.fresh_until_ms;
    }
    std::uint32_t version = 0;
    std::memcpy(&version, entry.endpoint.ip.bytes.data(), sizeof version);
    return version;
}

// What the writer says of an agent, in one word: the last change that began and the last that is
// over, and whether each left the agent there. A change is over when set() or remove() is.
struct Word {
    std::uint32_t version = 0;
    bool there = false;

    [[nodiscard]] std::uint32_t packed() const { return version << 1 | (there ? 1U : 0U); }

    static Word of(std::uint32_t packed) { return {packed >> 1, (packed & 1) != 0}; }
};

struct Announced {
    std::atomic<std::uint32_t> begun{0};
    std::atomic<std::uint32_t> over{0};
};

using Board = std::array<Announced, kAgents>;

struct Faults {
    std::uint64_t batches = 0;
    std::uint64_t torn = 0;       // another agent's entry, or a mixture
    std::uint64_t hops = 0;       // given
    std::uint64_t astray = 0;     // of these, not the entry's
    std::uint64_t stale = 0;      // older than what was over before the lookup
    std::uint64_t early = 0;      // newer than what had begun when the lookup was done
    std::uint64_t hidden = 0;     // there all the time, and not found
    std::uint64_t lingering = 0;  // gone all the time, and found
};

// How lookups are made.
struct Way {
    bool table = true;  // else by rte_hash alone
    bool cache = true;  // which keeps every answer
    bool in_two_steps = false;
};

// One lcore: a resolver, and what was wrong with the answers.
class Lcore {
  public:
    Lcore(const Fib& fib, const Board& board, std::uint32_t seed, const Way& way)
        : way_(way), board_(board), random_(seed) {
        ResolverOptions options;
        options.cache_lines = way.cache ? 1024 : 0;
        options.cache_always = true;
        options.authority_only = !way.table;
        resolver_ = Resolver::create(fib, options);
        for (std::size_t i = 0; i < kBatchMax; ++i) {
            keys_[i] = &ids_[i];
        }
    }

    void run_once(std::uint32_t now_ms) {
        resolver_->turn(now_ms);
        const std::uint32_t count = 1 + random_() % kBatchMax;
        for (std::uint32_t i = 0; i < count; ++i) {
            // A few agents often, so that they are in the cache; the others now and then.
            numbers_[i] = random_() % 4 == 0 ? random_() % kAgents : random_() % 40;
            ids_[i] = numbered_id(numbers_[i]);
            over_[i] = board_[numbers_[i]].over.load(std::memory_order_acquire);
        }
        look_up(count, now_ms);
        for (std::uint32_t i = 0; i < count; ++i) {
            judge(numbers_[i], Word::of(over_[i]), found_[i]);
            if (way_.in_two_steps && !hops_[i].is_elsewhere()) {
                ++faults.hops;
                faults.astray +=
                    found_[i] != nullptr && hops_[i] == NextHop::of(*found_[i]) ? 0 : 1;
            }
        }
        ++faults.batches;
    }

    [[nodiscard]] const Resolver& resolver() const { return *resolver_; }

    Faults faults;

  private:
    void look_up(std::uint32_t count, std::uint32_t now_ms) {
        const std::span<const AgentId* const> keys = std::span(keys_).first(count);
        if (!way_.in_two_steps) {
            resolver_->resolve(keys, found_.data(), now_ms);
            return;
        }
        for (std::uint32_t first = 0; first < count; first += kAnnounced) {
            resolver_->announce(keys.subspan(first, std::min(kAnnounced, count - first)),
                                hashes_.data() + first);
        }
        resolver_->resolve_announced(keys, hashes_.data(), found_.data(), hops_.data(), now_ms);
    }

    void judge(std::uint32_t number, Word over, const FibEntry* found) {
        const Word begun = Word::of(board_[number].begun.load(std::memory_order_acquire));
        const bool unchanged = begun.version == over.version;
        if (found == nullptr) {
            faults.hidden += unchanged && over.there ? 1 : 0;
            return;
        }
        const std::uint32_t version = written(*found);
        const FibEntry expected = entry_of(number, version);
        faults.torn += found->agent == expected.agent && found->endpoint == expected.endpoint &&
                               found->kind == expected.kind && found->router == expected.router
                           ? 0
                           : 1;
        faults.stale += version < over.version ? 1 : 0;
        faults.early += version > begun.version ? 1 : 0;
        faults.lingering += unchanged && !over.there ? 1 : 0;
    }

    static constexpr std::uint32_t kAnnounced = 8;  // at a time

    const Way way_;
    const Board& board_;
    std::minstd_rand random_;
    std::unique_ptr<Resolver> resolver_;
    std::array<std::uint32_t, kBatchMax> numbers_{};
    std::array<std::uint32_t, kBatchMax> over_{};
    std::array<AgentId, kBatchMax> ids_;
    std::array<const AgentId*, kBatchMax> keys_{};
    std::array<const FibEntry*, kBatchMax> found_{};
    std::array<std::uint64_t, kBatchMax> hashes_{};
    std::array<NextHop, kBatchMax> hops_;
};

class Writer {
  public:
    Writer(Fib& fib, Board& board, const std::atomic<std::uint64_t>& batches)
        : fib_(fib), board_(board), batches_(batches), random_(77) {}

    void run() {
        std::vector<bool> there(kAgents);
        std::uint64_t key = 100;
        for (std::uint32_t version = 1; version <= kChanges; ++version) {
            const std::uint32_t number = random_() % 2 == 0 ? random_() % 40 : random_() % kAgents;
            if (there[number] && random_() % 3 == 0) {
                begin(number, {version, false});
                ASSERT_TRUE(fib_.remove(numbered_id(number)));
                there[number] = false;
                end(number, {version, false});
            } else if (there[number] || fib_.count() < fib_.capacity()) {
                begin(number, {version, true});
                while (!fib_.set(entry_of(number, version), 0)) {
                    std::this_thread::yield();  // all the slack awaits the readers
                }
                there[number] = true;
                end(number, {version, true});
            }
            if (version % kChangesPerKey == 0) {
                fib_.reclaim();
                started += fib_.rekey_start(hash_key(++key)) ? 1 : 0;
            }
            if (version % kChangesPerBatch == 0) {
                static_cast<void>(fib_.rekey_step(40));
                wait_for_a_batch();
            }
        }
    }

    std::uint64_t started = 0;

  private:
    void wait_for_a_batch() {
        const std::uint64_t seen = batches_.load(std::memory_order_relaxed);
        while (batches_.load(std::memory_order_relaxed) == seen) {
            std::this_thread::yield();
        }
    }

    void begin(std::uint32_t number, Word word) {
        board_[number].begun.store(word.packed(), std::memory_order_seq_cst);
    }

    void end(std::uint32_t number, Word word) {
        board_[number].over.store(word.packed(), std::memory_order_release);
    }

    Fib& fib_;
    Board& board_;
    const std::atomic<std::uint64_t>& batches_;
    std::mt19937 random_;
};

void run(const Way& way) {
    Grace grace(kReaders);
    FibOptions options;
    options.name = "resolvers";
    options.capacity = kCapacity;
    options.key = hash_key(1);
    options.stripes = 64;  // few, so that changes of others touch what is kept
    options.table = way.table;
    auto created = Fib::create(options, grace);
    ASSERT_TRUE(created.has_value()) << created.error();
    Fib& fib = **created;
    Board board;
    std::atomic<std::uint64_t> batches = 0;
    Writer writer(fib, board, batches);
    std::vector<std::unique_ptr<Lcore>> lcores;
    std::vector<std::jthread> threads;
    std::atomic<bool> stop = false;
    std::latch ready(kReaders + 1);
    for (unsigned id = 0; id < kReaders; ++id) {
        lcores.push_back(std::make_unique<Lcore>(fib, board, id + 1, way));
        threads.emplace_back([&, &lcore = *lcores.back(), id] {
            grace.online(id);
            ready.arrive_and_wait();
            std::uint32_t now_ms = 0;
            do {
                lcore.run_once(++now_ms);
                grace.quiescent(id);
                if (batches.fetch_add(1, std::memory_order_relaxed) % 4 == 0) {
                    std::this_thread::yield();  // there may be fewer cores than threads
                }
            } while (!stop.load(std::memory_order_acquire));
            grace.offline(id);
        });
    }
    ready.arrive_and_wait();
    writer.run();
    stop.store(true, std::memory_order_release);
    threads.clear();

    EXPECT_GT(writer.started, 1U);
    EXPECT_GT(fib.rekeyed_count(), 1U);
    for (const auto& lcore : lcores) {
        const Faults& faults = lcore->faults;
        EXPECT_GT(faults.batches, 0U);
        EXPECT_EQ(faults.torn, 0U);
        EXPECT_EQ(faults.stale, 0U);
        EXPECT_EQ(faults.early, 0U);
        EXPECT_EQ(faults.hidden, 0U);
        EXPECT_EQ(faults.lingering, 0U);
        EXPECT_EQ(faults.astray, 0U);
        EXPECT_EQ(faults.hops > 0, way.table && way.in_two_steps);
        const LookupCounters& counters = lcore->resolver().counters();
        EXPECT_EQ(counters.hit_positive.read() > 0, way.cache);
        EXPECT_EQ(counters.hit_negative.read() > 0, way.cache);
        EXPECT_EQ(counters.cache_cleared.read() > 1, way.cache);
    }
    fib.reclaim();
    EXPECT_EQ(fib.retired_count(), 0U);
}

}  // namespace

TEST(resolver_threads, no_answer_is_older_than_what_was_over_before_the_question) {
    run({});
}

TEST(resolver_threads, the_same_in_two_steps) {
    run({.in_two_steps = true});
}

TEST(resolver_threads, the_same_without_a_cache_and_next_hops_are_those_of_the_entries) {
    run({.cache = false, .in_two_steps = true});
}

TEST(resolver_threads, the_same_by_rte_hash_alone) {
    run({.table = false});
}
