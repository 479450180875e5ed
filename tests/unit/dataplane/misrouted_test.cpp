// SPDX-License-Identifier: BSD-3-Clause
// Goal: what another router sends here for somebody else is reported: whom it was for and whose it
// was, once in a while, however much of it comes. Method: frames through the stages; the test is
// the control thread at the end of the ring.
#include "dataplane/misrouted.h"

#include <gtest/gtest.h>

#include "routing/capability_name.h"
#include "tests/support/stage_run.h"

using namespace posthaste;
using namespace posthaste::test;
using dataplane::Misrouted;

namespace {

std::vector<Misrouted> reported(StageRun& run) {
    std::array<Misrouted, 64> frames;
    const unsigned count = run.misrouted.pop(frames);
    return {frames.begin(), frames.begin() + count};
}

FakeFrame relayed(std::uint32_t destination, const char* from = "10.2.0.7") {
    FrameSpec spec;
    from_fabric(spec);
    spec.source_ip = ip(from);
    spec.destination = agent(destination);
    return FakeFrame(build(spec));
}

void expect_sums(const StageRun& run) {
    const routing::LookupCounters& counters = run.lookups;
    EXPECT_EQ(counters.misrouted.read(),
              counters.misrouted_told.read() + counters.misrouted_repeated.read() +
                  counters.misrouted_limited.read() + counters.misrouted_dropped.read());
}

}  // namespace

TEST(misrouted, what_came_for_an_agent_that_moved_or_is_gone_is_reported_with_its_router) {
    const Misrouted moved{agent(kRemote), ip("10.2.0.7")};
    StageRun run;
    EXPECT_TRUE(run.run(relayed(kRemote), kFabric));
    EXPECT_EQ(run.outcome(), "sent to " + std::to_string(kFabric)) << "redirected all the same";
    EXPECT_EQ(reported(run), std::vector{moved});
    EXPECT_TRUE(run.run(relayed(kUnknown), kFabric));
    EXPECT_EQ(run.outcome(), "unknown_agent");
    EXPECT_EQ(reported(run), (std::vector{Misrouted{agent(kUnknown), ip("10.2.0.7")}}));

    FrameSpec spec;
    from_fabric_redirected(spec);
    spec.destination = agent(kRemoteIpv6);
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kFabric));
    EXPECT_EQ(run.outcome(), "not_here");
    EXPECT_EQ(reported(run), (std::vector{Misrouted{agent(kRemoteIpv6), ip("10.2.0.7")}}));
    expect_sums(run);
}

TEST(misrouted, what_is_here_or_comes_from_an_agent_is_not_reported) {
    StageRun run;
    EXPECT_TRUE(run.run(relayed(kReceiver), kFabric));
    EXPECT_TRUE(run.run(relayed(kStopped), kFabric));
    EXPECT_EQ(run.outcome(), "agent_stopped");
    for (const std::uint32_t destination : {std::uint32_t{kRemote}, std::uint32_t{kUnknown}}) {
        FrameSpec spec;
        spec.destination = agent(destination);
        EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
    }
    EXPECT_TRUE(reported(run).empty());
    EXPECT_EQ(run.lookups.misrouted.read(), 0U);
}

TEST(misrouted, the_same_from_the_same_router_is_reported_once_in_a_while) {
    StageRun run;
    std::vector<FakeFrame> frames;
    for (int i = 0; i < 20; ++i) {
        frames.push_back(relayed(kRemote));
    }
    frames.push_back(relayed(kRemote, "10.2.0.8"));
    frames.push_back(relayed(kUnknown));
    EXPECT_TRUE(run.run(frames, kFabric));
    EXPECT_EQ(reported(run),
              (std::vector{Misrouted{agent(kRemote), ip("10.2.0.7")},
                           Misrouted{agent(kRemote), ip("10.2.0.8")},
                           Misrouted{agent(kUnknown), ip("10.2.0.7")}}));
    EXPECT_EQ(run.lookups.misrouted_repeated.read(), 19U);

    run.now_ms += dataplane::MisroutedReports::kRepeatMs - 1;
    EXPECT_TRUE(run.run(relayed(kRemote), kFabric));
    EXPECT_TRUE(reported(run).empty());
    ++run.now_ms;
    EXPECT_TRUE(run.run(relayed(kRemote), kFabric));
    EXPECT_EQ(reported(run).size(), 1U);
    expect_sums(run);
}

TEST(misrouted, a_flood_for_strange_agents_keeps_to_the_rate_and_to_the_ring) {
    StageRun run;
    std::uint32_t number = 1'000;
    std::uint64_t taken = 0;
    for (int burst = 0; burst < 100; ++burst) {  // all in one millisecond
        std::vector<FakeFrame> frames;
        for (int i = 0; i < 60; ++i) {
            frames.push_back(relayed(number++));
        }
        EXPECT_TRUE(run.run(frames, kFabric));
        taken += burst < 10 ? reported(run).size() : 0;
    }
    EXPECT_EQ(taken, 600U);
    EXPECT_EQ(run.lookups.misrouted_told.read(), 600U + run.misrouted.capacity());
    EXPECT_EQ(run.lookups.misrouted_told.read() + run.lookups.misrouted_dropped.read(),
              dataplane::MisroutedReports::kPerSecond);
    EXPECT_EQ(run.lookups.misrouted_limited.read(), 5'000U);
    expect_sums(run);
}
