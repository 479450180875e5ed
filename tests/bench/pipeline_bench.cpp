// SPDX-License-Identifier: BSD-3-Clause
// What one frame costs a worker, stage by stage: bursts from one ring port to another, for several
// numbers of agents. The clock runs only while the worker turns, not while the test refills rings.
#include <gtest/gtest.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstdio>
#include <random>

#include "tests/support/eal_fixture.h"
#include "tests/support/ring_router.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

const bool kMemory = support::eal_argument("-m1200");

constexpr std::uint32_t kFirstAgent = 1000;
constexpr unsigned kTurns = 20'000;

void add_agents(RingRouter& router, std::uint32_t count) {
    routing::FibEntry entry = *router.fib().find(agent(kReceiver));
    for (std::uint32_t i = 0; i < count; ++i) {
        entry.agent = agent(kFirstAgent + i);
        ASSERT_TRUE(router.fib().set(entry, 0));
    }
}

// Frames from agent 1 to random agents; source and destination are looked up.
void measure(std::uint32_t agents, bool checked) {
    RingRouterOptions options;
    options.mbufs = 8191;
    options.fib_capacity = agents + 100;
    options.worker.shed = false;
    RingRouter router(options);
    add_agents(router, agents);
    World world = small_world();
    world.ports[kEdge].source_check = checked ? SourceCheck::strict : SourceCheck::off;
    router.publish(world);
    FrameBytes bytes = build(FrameSpec{});
    const std::size_t destination = message_offset(bytes) + 16;
    std::mt19937 random(1);
    std::vector<std::uint64_t> cycles;  // per turn: the median is blind to preemption
    for (unsigned turn = 0; turn < kTurns; ++turn) {
        for (unsigned i = 0; i < kBurstMax; ++i) {
            const routing::AgentId to =
                agent(kFirstAgent + static_cast<std::uint32_t>(random() % agents));
            std::copy(to.bytes.begin(), to.bytes.end(), bytes.begin() + destination);
            bytes[udp_offset(bytes) + 6] = bytes[udp_offset(bytes) + 7] = 0;
            router.arrive(kEdge, bytes);
        }
        const std::uint64_t before = rte_rdtsc();
        router.worker().run_once(turn);
        cycles.push_back(rte_rdtsc() - before);
        ASSERT_EQ(router.discard(kEdge), kBurstMax);
    }
    const double ns = 1e9 / static_cast<double>(rte_get_tsc_hz());
    std::ranges::nth_element(cycles, cycles.begin() + kTurns / 2);
    std::printf("%7u agents, source check %s: %.1f ns a frame; by stage:",
                agents,
                checked ? "strict" : "off",
                static_cast<double>(cycles[kTurns / 2]) * ns / kBurstMax);
    for (unsigned stage = 0; stage < kStageCount; ++stage) {
        const StageCounters& cell = router.worker().counters().stage[stage];
        std::printf(
            " %s %.1f",
            kStageNames[stage].data(),
            static_cast<double>(cell.cycles.read()) * ns / static_cast<double>(cell.frames.read()));
    }
    std::printf("\n");
}

}  // namespace

TEST(pipeline, cost_of_a_frame) {
    for (const std::uint32_t agents : {1'000U, 100'000U, 1'000'000U}) {
        measure(agents, true);
        measure(agents, false);
    }
}
