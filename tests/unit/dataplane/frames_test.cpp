// SPDX-License-Identifier: BSD-3-Clause
// Goal: what every kind of frame becomes, byte for byte. Method: tables of frame in and frame out,
// run through all stages on fake mbufs.
#include <gtest/gtest.h>

#include "tests/support/stage_run.h"

using namespace posthaste;
using namespace posthaste::test;
using routing::Type;

namespace {

using Change = void (*)(FrameSpec&);

struct Row {
    const char* what;
    std::uint16_t ingress;
    std::uint32_t destination;
    Change in;  // from the default frame to the one that arrives
    std::uint16_t egress;
    Change out;  // from the one that arrived to the one that leaves
};

void none(FrameSpec&) {}

void outer(FrameSpec& spec,
           std::uint8_t from_mac,
           std::uint8_t to_mac,
           std::string_view from,
           std::string_view to,
           std::uint16_t udp_port) {
    spec.source_mac = mac(from_mac);
    spec.destination_mac = mac(to_mac);
    spec.source_ip = ip(from);
    spec.destination_ip = ip(to);
    spec.destination_port = udp_port;
    spec.ipv4_options.clear();
    spec.ethernet_padding = 0;
    --spec.hop_limit;
}

void to_receiver(FrameSpec& spec) {
    outer(spec, 1, 20, "10.0.0.1", "10.0.0.20", 5020);
}

void to_receiver_ipv6(FrameSpec& spec) {
    outer(spec, 1, 21, "fd00::1", "fd00::21", 5021);
}

void to_tagged(FrameSpec& spec) {
    outer(spec, 2, 22, "10.1.0.1", "10.1.0.22", 5022);
    spec.tag = 100;
}

void to_tagged_ipv6(FrameSpec& spec) {
    outer(spec, 2, 23, "fd01::1", "fd01::23", 5023);
    spec.tag = 100;
}

void to_static(FrameSpec& spec) {
    outer(spec, 2, 55, "10.1.0.1", "10.1.0.55", 5055);
    spec.tag = 100;
}

void to_router(FrameSpec& spec) {
    outer(spec, 3, 77, "10.2.0.1", "10.2.0.7", 4750);
    spec.flags |= routing::flag::relayed;
}

void to_router_ipv6(FrameSpec& spec) {
    outer(spec, 3, 78, "fd02::1", "fd02::7", 4750);
    spec.flags |= routing::flag::relayed;
}

void redirected(FrameSpec& spec) {
    to_router(spec);
    spec.flags |= routing::flag::redirected;
}

const Row kRows[] = {
    {"to a local agent on the same port", kEdge, kReceiver, none, kEdge, to_receiver},
    {"to an agent that drains",
     kEdge,
     kDraining,
     none,
     kEdge,
     [](FrameSpec& spec) { outer(spec, 1, 24, "10.0.0.1", "10.0.0.24", 5024); }},
    {"untagged to tagged", kEdge, kReceiverTagged, none, kTagged, to_tagged},
    {"tagged to untagged",
     kTagged,
     kReceiver,
     [](FrameSpec& spec) {
         spec.destination_mac = mac(2);
         spec.source_mac = mac(22);
         spec.source_ip = ip("10.1.0.22");
         spec.destination_ip = ip("10.1.0.1");
         spec.source = agent(kReceiverTagged);
         spec.tag = 100;
     },
     kEdge,
     [](FrameSpec& spec) {
         to_receiver(spec);
         spec.tag.reset();
     }},
    {"IPv4 to IPv6", kEdge, kReceiverIpv6, none, kEdge, to_receiver_ipv6},
    {"IPv4 to IPv6 behind a tag: the longest growth",
     kEdge,
     kReceiverIpv6Tagged,
     none,
     kTagged,
     to_tagged_ipv6},
    {"IPv6 to IPv4", kEdge, kReceiver, over_ipv6, kEdge, to_receiver},
    {"IPv6 to IPv6", kEdge, kReceiverIpv6, over_ipv6, kEdge, to_receiver_ipv6},
    {"options of IPv4 stay behind",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.ipv4_options = std::vector<std::uint8_t>(40, 1); },
     kEdge,
     to_receiver},
    {"padding stays behind",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.ethernet_padding = 7; },
     kEdge,
     to_receiver},
    {"an absent checksum stays absent towards IPv4",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.udp_checksum = false; },
     kEdge,
     to_receiver},
    {"an absent checksum is made up for towards IPv6",
     kEdge,
     kReceiverIpv6,
     [](FrameSpec& spec) { spec.udp_checksum = false; },
     kEdge,
     [](FrameSpec& spec) {
         to_receiver_ipv6(spec);
         spec.udp_checksum = true;
     }},
    {"payload, TLVs, flags, lifetime and priority are kept",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) {
         spec.payload = {1, 2, 3, 4, 5};
         spec.tlvs = {1, 2, 'h', 'i'};
         spec.flags = routing::flag::want_error | routing::flag::trace;
         spec.lifetime_ms = 12'345;
         spec.priority = 0xa0;
         spec.performative = 7;
     },
     kEdge,
     to_receiver},
    {"jumbo to a port that takes it",
     kEdge,
     kReceiverTagged,
     [](FrameSpec& spec) { spec.payload.assign(8'900, 0x5a); },
     kTagged,
     to_tagged},
    {"exactly the MTU",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.payload.assign(1500 - 28 - 64, 0x5a); },
     kEdge,
     to_receiver},
    {"to a static agent, MAC from its next hop", kEdge, kStatic, none, kTagged, to_static},
    {"to another router, relayed", kEdge, kRemote, none, kFabric, to_router},
    {"to another router over IPv6", kEdge, kRemoteIpv6, none, kFabric, to_router_ipv6},
    {"from another router to a local agent", kFabric, kReceiver, from_fabric, kEdge, to_receiver},
    {"from another router, agent moved on: redirected once",
     kFabric,
     kRemote,
     from_fabric,
     kFabric,
     redirected},
    {"redirected to us and here", kFabric, kReceiver, from_fabric_redirected, kEdge, to_receiver},
    {"an error from another router to our agent",
     kFabric,
     kReceiver,
     [](FrameSpec& spec) {
         from_fabric(spec);
         spec.type = Type::error;
         spec.source = routing::kRouterId;
         spec.performative = 1;
     },
     kEdge,
     to_receiver},
    {"the last hop",
     kEdge,
     kReceiver,
     [](FrameSpec& spec) { spec.hop_limit = 1; },
     kEdge,
     to_receiver},
};

}  // namespace

TEST(frames, leave_with_the_headers_of_the_next_hop_and_all_else_untouched) {
    for (const Row& row : kRows) {
        SCOPED_TRACE(row.what);
        FrameSpec spec;
        spec.destination = agent(row.destination);
        row.in(spec);
        FrameSpec out = spec;
        row.out(out);
        for (const bool with_hops : {true, false}) {
            StageRun run;
            run.with_hops = with_hops;
            EXPECT_TRUE(run.run(FakeFrame(build(spec)), row.ingress));
            EXPECT_EQ(run.outcome(), "sent to " + std::to_string(row.egress));
            EXPECT_EQ(run.only_frame(), as_sent(out));
            EXPECT_EQ(run.tx[row.egress].size(), 1U);
        }
    }
}

TEST(frames, do_not_depend_on_where_their_segments_end) {
    for (const Row& row : kRows) {
        FrameSpec spec;
        spec.destination = agent(row.destination);
        row.in(spec);
        const FrameBytes in = build(spec);
        const std::size_t headers = message_offset(in) + 64 + (spec.tlvs.empty() ? 0 : 16);
        row.out(spec);
        const FrameBytes out = as_sent(spec);
        for (std::size_t cut = headers; cut < in.size(); cut += 1 + in.size() / 40) {
            SCOPED_TRACE(std::string(row.what) + ", cut at " + std::to_string(cut));
            StageRun run;
            std::vector<std::size_t> cuts{cut};
            if (cut + 3 < in.size()) {
                cuts.push_back(cut + 3);
            }
            EXPECT_TRUE(run.run(FakeFrame(in, cuts), row.ingress));
            EXPECT_EQ(run.only_frame(), out);
        }
    }
}

TEST(frames, a_wrong_checksum_over_segments_is_found) {
    FrameSpec spec;
    spec.flags = routing::flag::want_error;
    spec.payload.assign(100, 3);
    FrameBytes frame = build(spec);
    frame.back() ^= 1;
    StageRun run;
    EXPECT_TRUE(run.run(FakeFrame(frame, {110, 151}), kEdge));
    EXPECT_EQ(run.outcome(), "bad_checksum");
}

TEST(frames, that_wait_for_a_neighbour_go_up_with_their_next_hop) {
    for (const auto& [destination, adjacency] : {std::pair{kRemoteUnresolved, kRouterUnresolved},
                                                 std::pair{kStaticUnresolved, kHostUnresolved}}) {
        FrameSpec spec;
        spec.destination = agent(destination);
        StageRun run;
        EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
        EXPECT_EQ(run.outcome(), "punted as 2");
        dataplane::Punted item;
        ASSERT_EQ(run.punts[2].pop(std::span(&item, 1)), 1U);
        EXPECT_EQ(item.ingress, kEdge);
        EXPECT_EQ(item.adjacency, adjacency);
        EXPECT_EQ(bytes_of_chain(item.frame), build(spec));  // untouched
    }
}

TEST(frames, control_frames_go_up_even_when_messages_are_shed) {
    StageRun run;
    run.floor = 9;
    const FrameSpec spec = control_spec(Type::register_agent);
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
    EXPECT_EQ(run.outcome(), "punted as 1");
}

TEST(frames, the_source_check_of_a_port_may_be_lighter) {
    FrameSpec spec;
    spec.source_ip = ip("10.0.0.10");
    spec.source_mac = mac(10);
    StageRun run;
    run.world.ports[kEdge].source_check = dataplane::SourceCheck::port;
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
    EXPECT_EQ(run.outcome(), "sent to 0");

    StageRun off;
    off.world.ports[kEdge].source_check = dataplane::SourceCheck::off;
    spec.source = agent(kUnknown);
    EXPECT_TRUE(off.run(FakeFrame(build(spec)), kEdge));
    EXPECT_EQ(off.outcome(), "sent to 0");
}

TEST(frames, a_static_sender_is_known_by_the_mac_of_its_next_hop) {
    FrameSpec spec;
    spec.destination_mac = mac(2);
    spec.source_mac = mac(55);
    spec.source_ip = ip("10.1.0.55");
    spec.destination_ip = ip("10.1.0.1");
    spec.source = agent(kStatic);
    spec.tag = 100;
    StageRun run;
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kTagged));
    EXPECT_EQ(run.outcome(), "sent to 0");

    spec.source_mac = mac(56);
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kTagged));
    EXPECT_EQ(run.outcome(), "source_spoofed");

    spec.source = agent(kStaticUnresolved);  // any MAC, as long as it is not known
    spec.source_ip = ip("10.1.0.56");
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kTagged));
    EXPECT_EQ(run.outcome(), "sent to 0");
}

TEST(frames, hardware_may_have_checked_the_checksum) {
    FrameSpec spec;
    FrameBytes frame = build(spec);
    frame[udp_offset(frame) + 7] ^= 1;
    FakeFrame good(frame);
    good.mbuf()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
    StageRun run;
    EXPECT_TRUE(run.run(std::move(good), kEdge));
    EXPECT_EQ(run.outcome(), "sent to 0");
    EXPECT_EQ(run.burst.frame[0]->ol_flags, 0U);

    FakeFrame bad(build(spec));
    bad.mbuf()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
    EXPECT_TRUE(run.run(std::move(bad), kEdge));
    EXPECT_EQ(run.outcome(), "bad_checksum");

    FakeFrame partial(frame);
    partial.mbuf()->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_NONE;
    EXPECT_TRUE(run.run(std::move(partial), kEdge));
    EXPECT_EQ(run.outcome(), "bad_checksum");
}

TEST(frames, count_as_messages_with_their_performative_only_when_sent) {
    FrameSpec spec;
    spec.performative = 9;
    StageRun run;
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
    EXPECT_TRUE(run.burst.messages.has(0));
    EXPECT_EQ(run.burst.performative[0], 9);
    spec.destination = agent(kUnknown);
    EXPECT_TRUE(run.run(FakeFrame(build(spec)), kEdge));
    EXPECT_FALSE(run.burst.messages.any());
}
