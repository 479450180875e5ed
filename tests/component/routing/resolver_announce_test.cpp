// SPDX-License-Identifier: BSD-3-Clause
// Goal: lookups in two steps give the answers of those in one and of the Fib, whatever happens to
// the table in between. Method: a Fib that changes at random, of whose agents random lists are
// announced in pieces and resolved, by every kind of resolver; answers, next hops and news are
// compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "routing/resolver.h"
#include "tests/support/hash_key.h"
#include "tests/support/numbered_id.h"

namespace posthaste::routing {
namespace {

using support::hash_key;
using support::numbered_id;

constexpr std::uint32_t kSteps = 2'000;
constexpr std::uint32_t kMany = 600;  // ids in a call, at most: several chunks
constexpr std::uint32_t kStrangers = 100'000;

struct Way {
    const char* name;
    ResolverOptions options;
    bool table = true;
    bool hops = true;  // whether some are given
};

std::uint64_t even_clock() noexcept {
    static std::uint64_t cycles = 0;
    return cycles += 640;
}

std::vector<Way> ways() {
    ResolverOptions cached;
    cached.cache_lines = 1'024;
    cached.cache_always = true;
    ResolverOptions sampled = cached;
    sampled.cache_always = false;
    ResolverOptions trials = sampled;
    trials.cycles = even_clock;
    ResolverOptions authority;
    authority.authority_only = true;
    ResolverOptions cached_authority = cached;
    cached_authority.authority_only = true;
    return {{"plain", {}},
            {"cached", cached, true, true},
            {"sampled", sampled, true, true},
            {"trials", trials, true, true},
            {"authority only", authority, true, false},
            {"authority and cache", cached_authority, true, false},
            {"no table", {}, false, false}};
}

class Announcing {
  public:
    explicit Announcing(const Way& way) : way_(way), random_(7) {
        FibOptions of_fib;
        of_fib.name = way.name;
        of_fib.capacity = 1'000;
        of_fib.key = hash_key(1);
        of_fib.table = way.table;
        fib_ = std::move(*Fib::create(of_fib, grace_));
        resolver_ = Resolver::create(*fib_, way.options);
        at_once_ = Resolver::create(*fib_, way.options);
        grace_.online(0);
    }

    ~Announcing() { grace_.offline(0); }

    Announcing(const Announcing&) = delete;
    Announcing& operator=(const Announcing&) = delete;

    void run() {
        for (std::uint32_t step = 1; step <= kSteps && !testing::Test::HasFailure(); ++step) {
            change(step);
            // For a while most ids are strange.
            draw(step / 500 % 2 == 1);
            announce_and_resolve();
            compare();
            now_ms_ += random_() % 300;
            resolver_->turn(now_ms_);
            at_once_->turn(now_ms_);
            grace_.quiescent(0);
            fib_->reclaim();
        }
        EXPECT_GT(fib_->rekeyed_count(), 2U);
        EXPECT_EQ(hops_ > 0, way_.hops);
        EXPECT_GT(strange_, kSteps);
        EXPECT_EQ(resolver_->counters().lookups.read(), at_once_->counters().lookups.read());
    }

  private:
    // Of all kinds, with and without a place beside the id.
    FibEntry entry_of(std::uint32_t number, std::uint32_t version) {
        FibEntry entry;
        entry.agent = numbered_id(number);
        entry.version = version;
        entry.endpoint.ip.family = random_() % 8 == 0 ? Family::ipv6 : Family::ipv4;
        entry.endpoint.ip.bytes[3] = static_cast<std::uint8_t>(random_());
        entry.endpoint.mac.bytes[5] = static_cast<std::uint8_t>(random_());
        entry.endpoint.udp_port = static_cast<std::uint16_t>(random_());
        entry.endpoint.port = static_cast<std::uint16_t>(random_() % 20);
        if (random_() % 4 == 0) {
            entry.kind = RouteKind::remote;
            entry.router = static_cast<std::uint16_t>(random_() % 9);
            entry.endpoint.adjacency = static_cast<std::uint16_t>(random_() % 100);
            entry.fresh_until_ms = random_() % 2 == 0 ? now_ms_ + 500 : 0;
        } else if (random_() % 8 == 0) {
            entry.state = AgentState::stopped;
        }
        return entry;
    }

    void change(std::uint32_t step) {
        const auto number = static_cast<std::uint32_t>(random_() % 1'200);
        if (random_() % 3 == 0) {
            fib_->remove(numbered_id(number));
        } else {
            static_cast<void>(fib_->set(entry_of(number, step), 0));  // or it is full
        }
        if (step % 300 == 0) {
            EXPECT_TRUE(fib_->rekey_start(hash_key(step)));
        }
        if (step % 7 == 0) {
            static_cast<void>(fib_->rekey_step(100));
        }
    }

    void draw(bool mostly_strange) {
        ids_.clear();
        const std::size_t count = random_() % (kMany + 1);
        for (std::size_t i = 0; i < count; ++i) {
            const bool strange = mostly_strange && random_() % 4 != 0;
            ids_.push_back(numbered_id(static_cast<std::uint32_t>(
                strange ? kStrangers + random_() % 9'999 : random_() % 1'300)));
        }
        keys_.clear();
        for (const AgentId& id : ids_) {
            keys_.push_back(&id);
        }
    }

    // In pieces, between which the key may change.
    void announce_and_resolve() {
        const std::span<const AgentId* const> keys(keys_);
        std::vector<std::uint64_t> hashes(keys.size() + 1);
        found_.assign(keys.size() + 1, &poison_);
        poison_.endpoint.ip.family = Family::ipv4;
        hops_of_.assign(keys.size() + 1, NextHop::of(poison_));
        for (std::size_t first = 0; first < keys.size();) {
            const std::size_t count =
                std::min<std::size_t>(1 + random_() % 16, keys.size() - first);
            resolver_->announce(keys.subspan(first, count), hashes.data() + first);
            first += count;
            if (random_() % 4 == 0) {
                static_cast<void>(fib_->rekey_step(300));
            }
        }
        resolver_->resolve_announced(keys, hashes.data(), found_.data(), hops_of_.data(), now_ms_);
    }

    void compare() {
        ASSERT_EQ(found_.back(), &poison_);
        ASSERT_EQ(hops_of_.back(), NextHop::of(poison_));
        std::vector<const FibEntry*> at_once(keys_.size() + 1);
        at_once_->resolve(keys_, at_once.data(), now_ms_);
        std::size_t unknown = 0;
        for (std::size_t i = 0; i < keys_.size(); ++i) {
            ASSERT_EQ(found_[i], fib_->find(ids_[i])) << way_.name << ", " << i;
            ASSERT_EQ(found_[i], at_once[i]) << way_.name << ", " << i;
            unknown += found_[i] == nullptr ? 1 : 0;
            if (!hops_of_[i].is_elsewhere()) {
                ASSERT_NE(found_[i], nullptr);
                ASSERT_EQ(hops_of_[i], NextHop::of(*found_[i])) << way_.name << ", " << i;
                ++hops_;
            }
        }
        strange_ += unknown;
        ASSERT_LE(resolver_->news().size(), unknown);
        for (const std::uint32_t at : resolver_->news()) {
            ASSERT_LT(at, keys_.size());
            ASSERT_EQ(found_[at], nullptr) << way_.name;
        }
        if (way_.options.cache_lines == 0) {
            // Where there are no negative copies all that fit are news.
            ASSERT_GE(resolver_->news().size(), std::min(unknown, Resolver::kNewsOfFlood));
        }
    }

    const Way& way_;
    std::mt19937 random_;
    Grace grace_{1};
    std::unique_ptr<Fib> fib_;
    std::unique_ptr<Resolver> resolver_;
    std::unique_ptr<Resolver> at_once_;
    std::uint32_t now_ms_ = 0xfffe0000;  // goes round on the way
    std::vector<AgentId> ids_;
    std::vector<const AgentId*> keys_;
    FibEntry poison_;
    std::vector<const FibEntry*> found_;
    std::vector<NextHop> hops_of_;
    std::uint64_t hops_ = 0;
    std::uint64_t strange_ = 0;
};

TEST(resolver_announce, gives_the_answers_of_one_step_and_of_the_fib) {
    for (const Way& way : ways()) {
        SCOPED_TRACE(way.name);
        Announcing(way).run();
    }
}

}  // namespace
}  // namespace posthaste::routing
