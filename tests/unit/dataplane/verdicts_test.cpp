// SPDX-License-Identifier: BSD-3-Clause
// Goal: every reason to go no further is reached, and answered as it should be. Method: a table of
// frames, worlds and outcomes, run through all stages on fake mbufs.
#include <gtest/gtest.h>

#include "tests/support/stage_run.h"

using namespace posthaste;
using namespace posthaste::test;
using routing::Type;

namespace {

using Change = void (*)(FrameSpec&);

struct DropRow {
    const char* what;
    std::uint16_t ingress;
    std::uint32_t destination;
    Change in;
    void (*set)(StageRun&);
    const char* outcome;
};

void none(FrameSpec&) {}

void nothing(StageRun&) {}

const DropRow kDrops[] = {
    {"nobody knows the agent", kEdge, kUnknown, none, nothing, "unknown_agent, answered"},
    {"the agent is stopped", kEdge, kStopped, none, nothing, "agent_stopped, answered"},
    {"the egress port is down", kEdge, kOnDownPort, none, nothing, "port_down, answered"},
    {"the next hop was removed", kEdge, kBehindGone, none, nothing, "port_down, answered"},
    {"the next hop is not of this world",
     kEdge,
     kBehindBeyond,
     none,
     nothing,
     "port_down, answered"},
    {"remote without a next hop", kEdge, kNowhere, none, nothing, "port_down, answered"},
    {"no address of the family", kEdge, kIpv6OnIpv4Port, none, nothing, "no_source_address"},
    {"one byte over the MTU",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.payload.assign(1500 - 28 - 64 + 1, 0); },
     nothing,
     "too_large, answered"},
    {"over the MTU of IPv6 only",
     kEdge,
     kReceiverIpv6,
     [](FrameSpec& spec) { spec.payload.assign(1500 - 48 - 64 + 1, 0); },
     nothing,
     "too_large, answered"},
    {"a relayed frame, redirected before, agent not here",
     kFabric,
     kRemote,
     from_fabric_redirected,
     nothing,
     "not_here, answered"},
    {"an error is not redirected",
     kFabric,
     kRemote,
     [](FrameSpec& spec) {
         from_fabric(spec);
         spec.type = Type::error;
         spec.source = routing::kRouterId;
     },
     nothing,
     "not_here"},
    {"an error to nobody is not answered",
     kFabric,
     kUnknown,
     [](FrameSpec& spec) {
         from_fabric(spec);
         spec.type = Type::error;
         spec.source = routing::kRouterId;
     },
     nothing,
     "unknown_agent"},
    {"sender not registered",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.source = agent(kUnknown); },
     nothing,
     "source_unknown, answered"},
    {"sender is of another router",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.source = agent(kRemote); },
     nothing,
     "source_unknown, answered"},
    {"sender registered on another port",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.source = agent(kReceiverTagged); },
     nothing,
     "source_spoofed, answered"},
    {"another IP than registered",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.source_ip = ip("10.0.0.10"); },
     nothing,
     "source_spoofed, answered"},
    {"another MAC than registered",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.source_mac = mac(10); },
     nothing,
     "source_spoofed, answered"},
    {"shutting down",
     kEdge,
     kReceiver,
     none,
     [](StageRun& run) { run.world.draining = true; },
     "draining, answered"},
    {"below the floor",
     kEdge,
     kReceiver,
     none,
     [](StageRun& run) { run.floor = 6; },
     "shed, answered"},
    {"egress backlog full",
     kEdge,
     kReceiverTagged,
     none,
     [](StageRun& run) {
         while (run.tx[kTagged].reserve()) {
         }
     },
     "tx_full, answered"},
    {"the next hop is unresolved and its ring full",
     kEdge,
     kRemoteUnresolved,
     none,
     [](StageRun& run) {
         while (run.punts[static_cast<unsigned>(dataplane::PuntClass::hold)].push({})) {
         }
     },
     "punt_full, answered"},
    {"no room for longer headers", kEdge, kReceiverIpv6, none, nothing, "no_headroom"},
    {"hop limit reached",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.hop_limit = 0; },
     nothing,
     "hop_limit, answered"},
    {"a type not taken here",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.type = static_cast<Type>(2); },
     nothing,
     "bad_type, answered"},
};

}  // namespace

TEST(verdicts, have_their_reason) {
    for (const DropRow& row : kDrops) {
        SCOPED_TRACE(row.what);
        FrameSpec spec;
        spec.destination = agent(row.destination);
        spec.flags = routing::flag::want_error;
        row.in(spec);
        const std::uint16_t headroom =
            std::string_view(row.outcome) == "no_headroom" ? 16 : RTE_PKTMBUF_HEADROOM;
        for (const bool with_hops : {true, false}) {
            StageRun run;
            run.with_hops = with_hops;
            row.set(run);
            EXPECT_TRUE(run.run(FakeFrame(build(spec), {}, headroom), row.ingress));
            EXPECT_EQ(run.outcome(), row.outcome);
        }
    }
}

TEST(verdicts, are_not_answered_unless_the_sender_asked) {
    for (const DropRow& row : kDrops) {
        SCOPED_TRACE(row.what);
        FrameSpec spec;
        spec.destination = agent(row.destination);
        row.in(spec);
        StageRun run;
        row.set(run);
        EXPECT_TRUE(run.run(FakeFrame(build(spec), {}, 16), row.ingress));
        EXPECT_FALSE(run.burst.answered.any());
        EXPECT_FALSE(run.burst.answer_refused.any());
        EXPECT_EQ(run.tx[row.ingress].size(), 0U);
    }
}

TEST(verdicts, an_error_goes_back_where_the_frame_came_from) {
    for (const bool ipv6 : {false, true}) {
        for (const std::vector<std::size_t>& cuts :
             {std::vector<std::size_t>{}, {130}, {126, 140}}) {
            FrameSpec spec;
            if (ipv6) {
                over_ipv6(spec);
            }
            spec.destination = agent(kUnknown);
            spec.flags = routing::flag::want_error;
            spec.payload.assign(50, 0x33);
            StageRun run;
            EXPECT_TRUE(run.run(FakeFrame(build(spec), cuts), kEdge));
            EXPECT_EQ(run.outcome(), "unknown_agent, answered");

            FrameSpec error = spec;
            error.type = Type::error;
            error.performative = static_cast<std::uint8_t>(routing::ErrorCode::unknown_agent);
            std::swap(error.source_mac, error.destination_mac);
            std::swap(error.source_ip, error.destination_ip);
            std::swap(error.source_port, error.destination_port);
            error.destination = spec.source;
            error.source = routing::kRouterId;
            error.flags = 0;
            error.payload.clear();
            EXPECT_EQ(run.only_frame(), as_sent(error));
            EXPECT_EQ(run.burst.surplus_of.any(), !cuts.empty());
        }
    }
}

TEST(verdicts, errors_stay_within_the_ports_rate) {
    FrameSpec spec;
    spec.destination = agent(kUnknown);
    spec.flags = routing::flag::want_error;
    StageRun run;
    run.errors = routing::TokenBucket(3);
    std::vector<FakeFrame> frames;
    for (int i = 0; i < 10; ++i) {
        frames.emplace_back(build(spec));
    }
    EXPECT_TRUE(run.run(frames, kEdge));
    EXPECT_EQ(run.burst.dropped.count(), 10U);
    EXPECT_EQ(run.burst.answered.count(), 3U);
    EXPECT_EQ(run.burst.answer_refused.count(), 7U);
}

TEST(verdicts, an_error_that_finds_the_backlog_full_is_given_up) {
    FrameSpec spec;
    spec.destination = agent(kUnknown);
    spec.flags = routing::flag::want_error;
    StageRun run;
    while (run.tx[kEdge].reserve()) {
    }
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
    EXPECT_EQ(run.outcome(), "unknown_agent");
    EXPECT_TRUE(run.burst.answer_refused.has(0));
}
