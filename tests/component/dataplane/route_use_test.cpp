// SPDX-License-Identifier: BSD-3-Clause
// Goal: what is told of the routes frames take names the agents they go to, and about as often as
// it should. Method: a worker between rings; the test is the control thread at the end of the ring.
#include "dataplane/route_use.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/capability_router.h"
#include "tests/support/eal_fixture.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;

namespace {

constexpr std::string_view kName = "vision/detect:2";
constexpr unsigned kSamples = 20;  // of so many frames, on average

// What came up the ring of kSamples times as many frames as are sampled by one.
std::vector<RouteUse> uses_of(CapabilityRouter& router, FrameSpec (*frame)(unsigned number)) {
    std::vector<RouteUse> uses;
    for (unsigned i = 0; i < kSamples * kUseSampling; ++i) {
        router.arrive(kEdge, build(frame(i)));
        router.turn();
        router.discard(kEdge);
        router.discard(kFabric);
        RouteUse use;
        if (router.worker().uses().pop(std::span(&use, 1)) == 1) {
            uses.push_back(use);
        }
    }
    return uses;
}

FrameSpec to_agent(std::uint32_t number) {
    FrameSpec spec;
    spec.destination = agent(number);
    return spec;
}

// Gaps are between half and one and a half times kUseSampling.
void expect_as_many(std::size_t count) {
    EXPECT_GE(count, kSamples / 2);
    EXPECT_LE(count, kSamples * 2);
}

}  // namespace

TEST(route_use, the_agent_a_frame_is_for) {
    CapabilityRouter router;
    const auto uses = uses_of(router, [](unsigned) { return to_agent(kReceiver); });
    expect_as_many(uses.size());
    for (const RouteUse& use : uses) {
        EXPECT_EQ(use.cell, router.provider(kReceiver).cell);
        EXPECT_EQ(use.version, router.fib().find(agent(kReceiver))->version);
        EXPECT_EQ(use.at_ms, 1U);
    }
}

TEST(route_use, whom_a_frame_to_any_goes_to) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kReceiverIpv6});
    const auto uses = uses_of(router, [](unsigned i) { return to_capability(kName, To::any, i); });
    expect_as_many(uses.size());
    std::size_t first = 0;
    for (const RouteUse& use : uses) {
        first += use.cell == router.provider(kReceiver).cell ? 1 : 0;
        EXPECT_TRUE(use.cell == router.provider(kReceiver).cell ||
                    use.cell == router.provider(kReceiverIpv6).cell)
            << use.cell;
    }
    EXPECT_GT(first, 0U);
    EXPECT_LT(first, uses.size());
}

TEST(route_use, nobody_unknown_none_of_all_and_no_capability) {
    CapabilityRouter router;
    router.provide(kName, {kReceiver, kReceiverIpv6});
    EXPECT_TRUE(uses_of(router, [](unsigned) { return to_agent(kUnknown); }).empty());
    EXPECT_TRUE(
        uses_of(router, [](unsigned i) { return to_capability(kName, To::all, i); }).empty());
    World world = small_world();
    world.draining = true;  // nobody is chosen
    router.publish(world);
    EXPECT_TRUE(
        uses_of(router, [](unsigned i) { return to_capability(kName, To::any, i); }).empty());
}
