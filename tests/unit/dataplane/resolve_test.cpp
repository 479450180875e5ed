// SPDX-License-Identifier: BSD-3-Clause
// Goal: routers that contradict each other about where an agent is send no frame round and round.
// Method: worlds in a row, each of which takes the agent to be at the next one; what leaves one
// over the fabric is what arrives at the next, until one of them does not send it on.
#include "dataplane/resolve.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/support/stage_run.h"

using namespace posthaste;
using namespace posthaste::test;

namespace {

// The frame that left over the fabric, as it arrives at the router it was sent to.
FrameSpec arriving(StageRun& sender) {
    const FrameBytes bytes = sender.only_frame();
    routing::WireHeader header;
    std::memcpy(&header, bytes.data() + message_offset(bytes), sizeof header);
    FrameSpec spec;
    from_fabric(spec);
    spec.destination = header.destination;
    spec.flags = header.flags;
    spec.hop_limit = header.hop_limit;
    return spec;
}

// Routers a frame passes until it is delivered or dropped, and what became of it in the end.
struct Journey {
    std::size_t fabric = 0;  // times it was on the fabric
    std::string end;
};

Journey send_round(std::uint32_t destination) {
    Journey journey;
    FrameSpec spec;
    spec.destination = agent(destination);
    spec.flags = routing::flag::want_error;
    std::uint16_t ingress = kEdge;
    for (std::size_t at = 0; at < 20; ++at) {
        StageRun run;  // all of them believe alike: the agent is at the next one
        EXPECT_TRUE(run.run(FakeFrame(build(spec)), ingress)) << at;
        journey.end = run.outcome();
        if (journey.end != "sent to " + std::to_string(kFabric)) {
            return journey;
        }
        ++journey.fabric;
        spec = arriving(run);
        ingress = kFabric;
    }
    return journey;
}

}  // namespace

TEST(resolve, a_frame_among_routers_that_contradict_each_other_is_redirected_once_and_dropped) {
    const Journey journey = send_round(kRemote);
    EXPECT_EQ(journey.fabric, 2U) << "from its router, and once corrected";
    EXPECT_EQ(journey.end, "not_here, answered");
}
