// SPDX-License-Identifier: BSD-3-Clause
// Goal: no lane is lost or counted twice, whatever arrives. Method: bursts of valid and damaged
// frames in random segments through all stages; the law is checked after each stage, then the
// counters against the masks.
#include <gtest/gtest.h>

#include <random>

#include "tests/support/stage_run.h"

using namespace posthaste;
using namespace posthaste::test;

namespace {

class RandomFrames {
  public:
    explicit RandomFrames(std::uint32_t seed) : random_(seed) {}

    std::uint32_t below(std::uint32_t limit) {
        return static_cast<std::uint32_t>(random_() % limit);
    }

    FakeFrame next() {
        FrameSpec spec;
        if (below(4) == 0) {
            spec = ipv6_spec();
            spec.source = agent(kSenderIpv6);
        }
        spec.destination = agent(1 + below(20));
        if (below(8) == 0) {
            spec.source = agent(1 + below(20));
        }
        if (below(10) == 0) {
            constexpr routing::Type kTypes[] = {routing::Type::register_agent,
                                                routing::Type::deregister,
                                                routing::Type::error,
                                                routing::Type::hello};
            spec = control_spec(kTypes[below(4)]);
        }
        spec.flags = static_cast<std::uint16_t>(below(4) == 0 ? below(32) : below(2));
        spec.priority = static_cast<std::uint8_t>(below(16) << 4);
        spec.hop_limit = static_cast<std::uint8_t>(below(9));
        spec.payload.assign(below(10) == 0 ? below(4000) : below(200), 0x11);
        spec.udp_checksum = below(5) != 0;
        spec.ethernet_padding = below(3) == 0 ? below(60) : 0;
        FrameBytes frame = build(spec);
        if (below(4) == 0) {
            frame[below(static_cast<std::uint32_t>(frame.size()))] ^= 1 << below(8);
            if (below(2) == 0) {
                frame.resize(1 + below(static_cast<std::uint32_t>(frame.size())));
            }
        }
        std::vector<std::size_t> cuts;
        if (below(3) == 0) {
            for (std::size_t at = below(200); at < frame.size(); at += 1 + below(900)) {
                cuts.push_back(at);
            }
        }
        return FakeFrame(frame, cuts, below(10) == 0 ? 8 : 128);
    }

  private:
    std::mt19937 random_;
};

}  // namespace

TEST(conservation, every_received_lane_is_sent_punted_or_dropped_once) {
    dataplane::WorkerCounters counters(kPortCount);
    std::uint64_t frames_in = 0;
    std::array<std::uint64_t, 4> seen{};  // sent, punted, dropped, answered
    for (std::uint32_t seed = 1; seed <= 400; ++seed) {
        SCOPED_TRACE(seed);
        RandomFrames source(seed);
        StageRun run;
        run.errors = routing::TokenBucket(source.below(64));
        run.floor = static_cast<std::uint8_t>(source.below(4) == 0 ? source.below(12) : 0);
        for (std::uint32_t taken = source.below(64); taken > 0; --taken) {
            run.tx[kEdge].push(nullptr);
        }
        std::vector<FakeFrame> frames;
        for (std::uint32_t count = source.below(65); count > 0; --count) {
            frames.push_back(source.next());
        }
        const auto ingress = static_cast<std::uint16_t>(source.below(3));
        ASSERT_TRUE(run.run(frames, ingress));
        run.burst.origin = static_cast<dataplane::Origin>(seed % 3);
        count(run.burst, counters);
        frames_in += frames.size();
        seen[0] += run.burst.sent.count();
        seen[1] += run.burst.punted.count();
        seen[2] += run.burst.dropped.count();
        seen[3] += run.burst.answered.count();
    }
    std::uint64_t came = 0;
    std::uint64_t sent = 0;
    std::uint64_t punted = 0;
    std::uint64_t dropped = 0;
    std::uint64_t answered = 0;
    std::uint64_t queued = 0;
    for (const dataplane::PortCounters& port : counters.port) {
        EXPECT_EQ(port.received.read() + port.resubmitted.read() + port.copied.read(),
                  port.sent.read() + port.punted.read() + port.dropped.read());
        std::uint64_t reasons = 0;
        for (const dataplane::Counter& reason : port.drops) {
            reasons += reason.read();
        }
        EXPECT_EQ(reasons, port.dropped.read());
        came += port.received.read() + port.resubmitted.read() + port.copied.read();
        sent += port.sent.read();
        punted += port.punted.read();
        dropped += port.dropped.read();
        answered += port.answered.read();
        queued += port.queued.read();
    }
    EXPECT_EQ(came, frames_in);
    EXPECT_EQ(queued, sent + answered);
    EXPECT_EQ((std::array{sent, punted, dropped, answered}), seen);
    for (const std::uint64_t kind : seen) {
        EXPECT_GT(kind, 100U);  // none of them is rare
    }
}
