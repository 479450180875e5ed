// SPDX-License-Identifier: BSD-3-Clause
// Goal: the router asks around for the agents frames are for, and for nobody else. Method: bursts
// of one frame through parse, ask and lookup on a real Fib; what came up the ring is read.
#include "dataplane/lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "dataplane/parse.h"
#include "dataplane/receive.h"
#include "routing/capability_name.h"
#include "tests/support/fake_mbuf.h"
#include "tests/support/small_fib.h"

using namespace posthaste;
using namespace posthaste::test;
using dataplane::LaneMask;
using routing::AgentId;
using routing::Type;

namespace {

class lookup : public testing::Test {
  protected:
    void TearDown() override { small_.grace.offline(0); }

    // Whom the router would ask around for after a burst of these bytes.
    std::vector<AgentId> wanted_after(const FrameBytes& bytes) {
        FakeFrame frame(bytes);
        rte_mbuf* const mbuf = frame.mbuf();
        const dataplane::PortView& port = world_.ports[kEdge];
        begin(burst_, kEdge, 1);
        take(burst_, std::span(&mbuf, 1));
        const LaneMask lanes = LaneMask::range(0, 8);
        parse(burst_, lanes, port, routing::PlainRules(port.rules));
        const dataplane::CapabilityTables tables{
            world_, *small_.fib, sets_, conversations_, names_, counters_};
        ask(burst_, lanes, port, asked_, conversing_, *small_.resolver, tables);
        dataplane::lookup(burst_, asked_, conversing_, *small_.resolver, tables, wanted_);
        small_.grace.quiescent(0);
        // A frame's memory is another frame's after the burst.
        std::fill_n(rte_pktmbuf_mtod(mbuf, std::uint8_t*), mbuf->data_len, std::uint8_t{0xEE});
        std::vector<AgentId> wanted(8);
        wanted.resize(wanted_.pop(wanted));
        return wanted;
    }

    const dataplane::Conversing& conversing() const { return conversing_; }

    const routing::LookupCounters& counters() const { return small_.resolver->counters(); }

  private:
    SmallFib small_;
    const dataplane::World world_ = small_world();
    const routing::ProviderSets sets_{small_.grace, 8};
    routing::Conversations conversations_{64};
    dataplane::NameCheck names_;
    dataplane::CapabilityCounters counters_;
    dataplane::Asked asked_;
    dataplane::Conversing conversing_{1};
    dataplane::Burst burst_;
    dataplane::SpscRing<AgentId> wanted_{63};
};

FrameBytes to(std::uint32_t number) {
    FrameSpec spec;
    spec.destination = agent(number);
    return build(spec);
}

}  // namespace

TEST_F(lookup, a_frame_to_nobody_known_asks_for_its_agent) {
    EXPECT_EQ(wanted_after(to(kUnknown)), std::vector{agent(kUnknown)});
    EXPECT_TRUE(wanted_after(to(kReceiver)).empty());
    EXPECT_EQ(counters().discovery_wanted.read(), 1U);
}

// Whether conversations mostly go on, so that the capability is asked for late, or not.
TEST_F(lookup, a_frame_to_any_with_a_capability_nobody_has_asks_for_that) {
    FrameSpec spec;
    spec.destination = routing::capability_id("vision/ocr");
    spec.addressing_strategy = static_cast<std::uint8_t>(routing::Addressing::capability_any);
    const AgentId key = routing::capability_key(spec.destination);
    ASSERT_FALSE(conversing().mostly_new);
    EXPECT_EQ(wanted_after(build(spec)), std::vector{key});
    ASSERT_TRUE(conversing().mostly_new);
    EXPECT_EQ(wanted_after(build(spec)), std::vector{key});
    EXPECT_EQ(counters().lookups.read(), 4U) << "each time the sender, too";
}

TEST_F(lookup, a_burst_that_looks_nobody_up_asks_for_nobody) {
    ASSERT_EQ(wanted_after(to(kUnknown)).size(), 1U);
    EXPECT_TRUE(wanted_after(FrameBytes(200, 0xAB)).empty()) << "no frame of ours";
    EXPECT_TRUE(wanted_after(build(control_spec(Type::register_agent))).empty()) << "punted";
    EXPECT_EQ(counters().discovery_wanted.read(), 1U);
}
