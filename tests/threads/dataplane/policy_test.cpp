// SPDX-License-Identifier: BSD-3-Clause
// Goal: policies that change under a worker are each whole, and no hit is lost. Method: one thread
// turns the worker with frames that every set drops; the other compiles sets and publishes them.
#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "routing/policy_set.h"
#include "tests/support/ring_router.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;
using Set = std::shared_ptr<const routing::PolicySet>;

namespace {

constexpr unsigned kSets = 200;

// Each drops what says "stop" and counts what says "word", by rules of different numbers.
Set compile(unsigned number) {
    routing::Policy dropping;
    dropping.name = "dropping";
    dropping.ports = {kEdge};
    dropping.action = routing::PolicyAction::drop;
    for (unsigned i = 0; i < number % 5; ++i) {
        dropping.rules.push_back({{"never" + std::to_string(i), {}}, {}});
    }
    dropping.rules.push_back({{"stop", {}}, {}});
    routing::Policy counting = dropping;
    counting.name = "counting";
    counting.action = routing::PolicyAction::count;
    counting.rules.back().expression.text = "word";
    counting.priority = static_cast<std::uint16_t>(number % 3 * 100);
    auto set = routing::PolicySet::compile(
        {dropping, counting}, {.workers = 1, .ports = kPortCount, .database_bytes_max = 1U << 20});
    return set.has_value() ? Set(std::move(*set)) : nullptr;
}

std::uint64_t matched(const routing::PolicySet& set, const char* name) {
    for (std::size_t rank = 0; rank < set.policies().size(); ++rank) {
        if (set.policies()[rank].name == name) {
            return set.sums(rank).matched;
        }
    }
    return 0;
}

}  // namespace

TEST(policy_sets, change_under_a_worker_and_no_hit_is_lost) {
    RingRouter router;
    FrameSpec spec;
    const std::string text = "a word, then stop";
    spec.payload.assign(text.begin(), text.end());
    const FrameBytes bytes = build(spec);
    World world = small_world();
    world.policies = compile(0);
    ASSERT_NE(world.policies, nullptr);
    std::vector<Set> all = {world.policies};
    router.publish(world);

    std::atomic<bool> stop = false;
    std::uint64_t sent = 0;
    std::thread worker([&] {
        router.grace().online(0);
        std::uint32_t now_ms = 0;
        while (!stop.load(std::memory_order_acquire)) {
            router.arrive(kEdge, bytes);
            ++sent;
            router.worker().run_once(++now_ms);
        }
        router.grace().offline(0);
    });
    for (unsigned number = 1; number < kSets; ++number) {
        world.policies = compile(number);
        ASSERT_NE(world.policies, nullptr);
        all.push_back(world.policies);
        while (!router.try_publish(world)) {
            std::this_thread::yield();
        }
    }
    stop.store(true, std::memory_order_release);
    worker.join();

    std::uint64_t counted = 0;
    std::uint64_t dropped = 0;
    for (const Set& set : all) {
        counted += matched(*set, "counting");
        dropped += matched(*set, "dropping");
    }
    EXPECT_GT(sent, 0U);
    EXPECT_EQ(counted, sent);
    EXPECT_EQ(dropped, sent);
    EXPECT_EQ(router.drops(kEdge, routing::Drop::policy), sent);
    EXPECT_EQ(router.broken_law(), "");
    EXPECT_EQ(router.in_use(), 0U);
}
