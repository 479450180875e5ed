// SPDX-License-Identifier: BSD-3-Clause
// Goal: sets of providers and the agents in them may change while an lcore chooses among them.
// Method: one thread turns a worker with frames to any and to all who have a capability; the other
// publishes sets, takes agents away, gives their places to others, and frees what it may.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/support/capability_router.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

constexpr unsigned kChanges = 4'000;
constexpr std::string_view kName = "summarise";
constexpr std::uint32_t kFirst = 60;  // members, by turns
constexpr std::uint32_t kMembers = 12;
constexpr std::uint32_t kStranger = 200;  // never members, in the cells of members that left
constexpr std::uint32_t kStrangers = 4;

struct Wire {
    std::uint64_t to_members = 0;
    std::uint64_t to_others = 0;
};

void look_at(CapabilityRouter& router, Wire& wire) {
    for (const FrameBytes& frame : router.leave(kEdge)) {
        const std::uint32_t number = frame[5];  // the last of the MAC
        const bool member = number >= kFirst && number < kFirst + kMembers &&
                            frame[ip_offset(frame) + 19] == number;
        ++(member ? wire.to_members : wire.to_others);
    }
}

Wire turn_until(CapabilityRouter& router, const std::atomic<bool>& stop) {
    Wire wire;
    router.grace().online(0);
    std::uint32_t now_ms = 0;
    std::uint64_t conversation = 0;
    while (!stop.load(std::memory_order_acquire)) {
        for (unsigned i = 0; i < 16; ++i) {
            const FrameSpec spec = to_capability(kName,
                                                 i % 4 == 0 ? To::all : To::any,
                                                 conversation++ % 64,
                                                 static_cast<routing::Strategy>(i % 4));
            router.arrive(kEdge, build(spec));
        }
        router.worker().run_once(++now_ms);
        look_at(router, wire);
    }
    router.worker().drain(++now_ms);
    look_at(router, wire);
    router.grace().offline(0);
    return wire;
}

}  // namespace

TEST(capability, is_chosen_from_sets_that_change) {
    CapabilityRouter router;
    for (std::uint32_t i = 0; i < kMembers; ++i) {
        ASSERT_TRUE(router.fib().set(edge_agent(kFirst + i), 0));
    }
    const std::uint32_t set = router.provide(kName, {kFirst, kFirst + 1, kFirst + 2});
    std::atomic<bool> stop = false;
    Wire wire;
    std::thread lcore([&] { wire = turn_until(router, stop); });

    for (unsigned change = 0; change < kChanges; ++change) {
        const std::uint32_t leaving = kFirst + change % kMembers;
        const std::uint32_t stranger = kStranger + change % kStrangers;
        router.fib().remove(agent(stranger));
        router.fib().remove(agent(leaving));  // the set does not know yet
        EXPECT_TRUE(router.fib().set(edge_agent(stranger), 0));
        EXPECT_TRUE(router.fib().set(edge_agent(leaving), 0));
        std::vector<routing::ProviderChange> changes;
        for (std::uint32_t i = 0; i < 4; ++i) {
            const std::uint32_t number = kFirst + (change + i) % kMembers;
            changes.push_back({false, router.provider(number)});
        }
        router.provider_sets().publish(set, routing::ProviderSet::make(nullptr, changes));
        router.fib().loads().set(changes[0].provider.cell,
                                 {static_cast<std::uint16_t>(change % 1'000), 0});
        router.provider_sets().reclaim();
        router.fib().reclaim();
        while (router.provider_sets().retired_count() > 64) {
            std::this_thread::yield();
            router.provider_sets().reclaim();
        }
    }
    stop.store(true, std::memory_order_release);
    lcore.join();
    EXPECT_GT(wire.to_members, 0U);
    EXPECT_EQ(wire.to_others, 0U);
    EXPECT_EQ(router.broken_law(), "");
}
