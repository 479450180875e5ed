// SPDX-License-Identifier: BSD-3-Clause
// Goal: an agent whose route cannot be used any more is asked for, once in a while, however many
// frames are for it. Method: frames through the stages; the test is the control thread at the end
// of the ring.
#include "dataplane/stale_routes.h"

#include <gtest/gtest.h>

#include "tests/support/stage_run.h"

using namespace posthaste;
using namespace posthaste::test;
using dataplane::StaleRoutes;
using routing::AgentId;

namespace {

std::vector<AgentId> asked(StageRun& run) {
    std::vector<AgentId> agents(64);
    agents.resize(run.wanted.pop(agents));
    return agents;
}

void send(StageRun& run, std::uint32_t destination, unsigned count = 1) {
    FrameSpec spec;
    spec.destination = agent(destination);
    std::vector<FakeFrame> frames;
    for (unsigned i = 0; i < count; ++i) {
        frames.emplace_back(build(spec));
    }
    EXPECT_TRUE(run.run(frames, kEdge));
}

}  // namespace

TEST(stale_routes, an_agent_of_a_router_that_is_out_is_asked_for_and_its_frame_is_dropped) {
    for (const bool with_hops : {true, false}) {
        StageRun run;
        run.with_hops = with_hops;
        send(run, kRemote);
        EXPECT_EQ(run.outcome(), "sent to " + std::to_string(kFabric));
        EXPECT_TRUE(asked(run).empty());
        EXPECT_EQ(run.lookups.remote.read(), 1U);
        EXPECT_EQ(run.lookups.stale.read(), 0U);
        run.routers.set_out(kRouterNumber, true);
        send(run, kRemote);
        EXPECT_EQ(run.outcome(), "unknown_agent");
        EXPECT_EQ(asked(run), std::vector{agent(kRemote)});
        EXPECT_EQ(run.lookups.remote.read(), 1U);
        EXPECT_EQ(run.lookups.stale.read(), 1U);
        EXPECT_EQ(run.lookups.discovery_wanted.read(), 1U);
    }
}

TEST(stale_routes, a_route_past_its_time_is_asked_for_one_in_time_is_not) {
    for (const bool with_hops : {true, false}) {
        StageRun run;
        run.with_hops = with_hops;
        run.routes[agent(kRemote)].fresh_until_ms = 1'000;
        run.now_ms = 999;
        send(run, kRemote);
        EXPECT_TRUE(asked(run).empty());
        run.now_ms = 1'000;
        send(run, kRemote);
        EXPECT_EQ(run.outcome(), "unknown_agent");
        EXPECT_EQ(asked(run), std::vector{agent(kRemote)});
        EXPECT_EQ(run.lookups.stale.read(), 1U);
    }
}

TEST(stale_routes, however_many_frames_an_agent_is_asked_for_once_in_a_while) {
    StageRun run;
    run.routers.set_out(kRouterNumber, true);
    send(run, kRemote, 20);
    EXPECT_EQ(asked(run), std::vector{agent(kRemote)});
    run.now_ms += StaleRoutes::kRepeatMs - 1;
    send(run, kRemote, 20);
    EXPECT_TRUE(asked(run).empty());
    run.now_ms += 1;
    send(run, kRemote, 20);
    EXPECT_EQ(asked(run), std::vector{agent(kRemote)});
    ++run.routes[agent(kRemote)].version;  // another claim, stale as well
    send(run, kRemote);
    EXPECT_EQ(asked(run), std::vector{agent(kRemote)});
    EXPECT_EQ(run.lookups.stale.read(), 61U);
    EXPECT_EQ(run.lookups.discovery_wanted.read(), 3U);
}

TEST(stale_routes, a_full_ring_loses_them_and_counts) {
    StageRun run;
    run.routers.set_out(kRouterNumber, true);
    while (run.wanted.push(agent(kUnknown))) {
    }
    send(run, kRemote);
    EXPECT_EQ(run.lookups.discovery_dropped.read(), 1U);
    EXPECT_EQ(run.lookups.discovery_wanted.read(), 0U);
}

TEST(stale_routes, agents_here_and_frames_refused_for_other_reasons_ask_for_nobody) {
    StageRun run;
    run.routes[agent(kReceiver)].fresh_until_ms = 1;  // means nothing of agents here
    run.now_ms = 2;
    send(run, kReceiver);
    send(run, kStopped);
    send(run, kNowhere);
    EXPECT_EQ(run.outcome(), "port_down");
    run.world.draining = true;
    run.routers.set_out(kRouterNumber, true);
    send(run, kRemote);
    EXPECT_EQ(run.outcome(), "draining");
    EXPECT_TRUE(asked(run).empty());
}
