// SPDX-License-Identifier: BSD-3-Clause
// Goal: the worker as a whole does what the stages promise. Method: one worker, turned by hand,
// between rings that play the wire; ~RingRouter aborts if an mbuf is missing.
#include "dataplane/worker.h"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include "tests/support/eal_fixture.h"
#include "tests/support/ring_router.h"

using namespace posthaste;
using namespace posthaste::dataplane;
using namespace posthaste::test;
using routing::Drop;
using routing::Type;
using Frames = std::vector<FrameBytes>;

namespace {

const bool kMemory = support::eal_argument("-m128");

FrameSpec to(std::uint32_t number, std::uint16_t flags = 0) {
    FrameSpec spec;
    spec.destination = agent(number);
    spec.flags = flags;
    return spec;
}

FrameSpec to_receiver_as_sent(const FrameSpec& in) {
    FrameSpec out = in;
    out.source_mac = mac(1);
    out.destination_mac = mac(20);
    out.source_ip = ip("10.0.0.1");
    out.destination_ip = ip("10.0.0.20");
    out.destination_port = 5020;
    --out.hop_limit;
    return out;
}

FrameSpec answer_to(const FrameSpec& request, Type type, std::uint8_t performative) {
    FrameSpec answer = request;
    answer.type = type;
    answer.performative = performative;
    std::swap(answer.source_mac, answer.destination_mac);
    std::swap(answer.source_ip, answer.destination_ip);
    if ((request.flags & routing::flag::relayed) == 0) {  // a router listens on one port only
        std::swap(answer.source_port, answer.destination_port);
    }
    answer.destination = request.source;
    answer.source = routing::kRouterId;
    answer.hop_limit = routing::kHopLimitDefault;
    answer.flags &= routing::flag::relayed;
    answer.payload.clear();
    return answer;
}

}  // namespace

TEST(worker, forwards_between_ports_in_order) {
    RingRouter router;
    std::vector<FrameBytes> expected;
    for (std::uint64_t i = 0; i < 200; ++i) {
        FrameSpec spec = to(kReceiver);
        spec.message = i;
        spec.payload.assign(i, 7);
        router.arrive(kEdge, build(spec));
        expected.push_back(as_sent(to_receiver_as_sent(spec)));
    }
    router.turn();
    EXPECT_EQ(router.leave(kEdge), expected);
    EXPECT_EQ(router.port(kEdge).received.read(), 200U);
    EXPECT_EQ(router.port(kEdge).sent.read(), 200U);
    EXPECT_EQ(router.port(kEdge).transmitted.read(), 200U);
    EXPECT_EQ(router.port(kEdge).transmitted_bytes.read(),
              router.port(kEdge).received_bytes.read());
    EXPECT_EQ(router.worker().counters().performatives[0].read(), 200U);
    EXPECT_EQ(router.in_use(), 0U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, keeps_ports_apart_and_sends_each_frame_where_it_belongs) {
    RingRouter router;
    for (int i = 0; i < 50; ++i) {
        router.arrive(kEdge, build(to(kReceiverTagged)));
        router.arrive(kEdge, build(to(kRemote)));
        router.arrive(kEdge, build(to(kReceiver)));
    }
    router.turn();
    EXPECT_EQ(router.discard(kTagged), 50U);
    EXPECT_EQ(router.discard(kFabric), 50U);
    EXPECT_EQ(router.discard(kEdge), 50U);
    EXPECT_EQ(router.broken_law(), "");
}

// A sender of several frames in a row is looked up once, and each of its frames checked.
TEST(worker, frames_in_a_row_are_each_judged_by_their_own_sender) {
    RingRouter router;
    FrameSpec spoofed = to(kReceiver);
    spoofed.source_ip = ip("10.0.0.77");
    FrameSpec stranger = to(kReceiver);
    stranger.source = agent(kUnknown);
    for (const FrameSpec& spec : {to(kReceiver),
                                  to(kReceiver),
                                  spoofed,
                                  to(kReceiver),
                                  stranger,
                                  stranger,
                                  to(kReceiver)}) {
        router.arrive(kEdge, build(spec));
    }
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 4U);
    EXPECT_EQ(router.drops(kEdge, Drop::source_spoofed), 1U);
    EXPECT_EQ(router.drops(kEdge, Drop::source_unknown), 2U);
    EXPECT_EQ(router.broken_law(), "");
}

// Next hops lie beside the ids, and are replaced there.
TEST(worker, agents_expected_are_in_its_cache_before_the_first_frame) {
    RingRouterOptions options;
    options.resolver.cache_lines = 1'024;
    options.resolver.cache_always = true;
    RingRouter router(options);
    const std::uint32_t expected[] = {kSender, kReceiver, kReceiverTagged, kUnknown};
    for (const std::uint32_t number : expected) {
        ASSERT_TRUE(router.worker().expected().push(agent(number)));
    }
    router.turn();
    EXPECT_EQ(router.worker().expected().size(), 0U);
    const routing::LookupCounters& lookups = router.worker().lookups();
    EXPECT_EQ(lookups.cache_warmed.read(), 3U) << "the unknown one is not there";
    EXPECT_EQ(lookups.lookups.read(), 0U);
    router.arrive(kEdge, build(to(kReceiver)));
    router.turn();
    EXPECT_EQ(router.leave(kEdge).size(), 1U);
    EXPECT_EQ(lookups.hit_positive.read(), 2U) << "sender and receiver";
    EXPECT_EQ(lookups.found.read(), 0U);
}

TEST(worker, frames_follow_an_agent_that_moves_changes_or_stops) {
    RingRouter router;
    const auto sent_to = [&router](std::uint16_t port) {
        router.arrive(kEdge, build(to(kReceiver)));
        router.turn();
        return router.leave(port);
    };
    EXPECT_EQ(sent_to(kEdge), Frames{as_sent(to_receiver_as_sent(to(kReceiver)))});
    routing::FibEntry entry = *router.fib().find(agent(kReceiver));
    FrameSpec moved = to_receiver_as_sent(to(kReceiver));
    entry.endpoint.mac = moved.destination_mac = mac(99);
    entry.endpoint.ip = moved.destination_ip = ip("10.0.0.99");
    entry.endpoint.udp_port = moved.destination_port = 6'099;
    ASSERT_TRUE(router.fib().set(entry, 0));
    EXPECT_EQ(sent_to(kEdge), Frames{as_sent(moved)});
    const routing::FibEntry elsewhere = *router.fib().find(agent(kRemote));
    routing::FibEntry remote = elsewhere;
    remote.agent = agent(kReceiver);
    ASSERT_TRUE(router.fib().set(remote, 0));
    EXPECT_EQ(sent_to(kFabric).size(), 1U);
    remote.fresh_until_ms = 1;
    router.set_ms(2);
    ASSERT_TRUE(router.fib().set(remote, 0));
    EXPECT_TRUE(sent_to(kFabric).empty());
    EXPECT_EQ(router.drops(kEdge, Drop::unknown_agent), 1U);
    entry.state = routing::AgentState::stopped;
    ASSERT_TRUE(router.fib().set(entry, 0));
    EXPECT_TRUE(sent_to(kEdge).empty());
    EXPECT_EQ(router.drops(kEdge, Drop::agent_stopped), 1U);
    entry.state = routing::AgentState::running;
    ASSERT_TRUE(router.fib().set(entry, 0));
    EXPECT_EQ(sent_to(kEdge), Frames{as_sent(moved)});
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, answers_heartbeats_and_renews_the_lease) {
    RingRouter router;
    const routing::FibEntry* const entry = router.fib().find(agent(kSender));
    ASSERT_NE(entry, nullptr);
    router.set_ms(4'711);
    const FrameSpec beat = control_spec(Type::heartbeat);
    router.arrive(kEdge, build(beat));
    router.turn();
    EXPECT_EQ(router.fib().last_heard_ms(*entry), 4'711U);
    ASSERT_EQ(router.leave(kEdge), Frames{as_sent(answer_to(beat, Type::ack, 17))});
    EXPECT_EQ(router.port(kEdge).sent.read(), 1U);
    EXPECT_EQ(router.worker().counters().performatives[0].read(), 0U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, refuses_heartbeats_of_strangers_and_from_elsewhere) {
    RingRouter router;
    router.set_ms(4'711);
    FrameSpec stranger = control_spec(Type::heartbeat);
    stranger.source = agent(kUnknown);
    FrameSpec elsewhere = control_spec(Type::heartbeat);
    elsewhere.source_ip = ip("10.0.0.77");
    router.arrive(kEdge, build(stranger));
    router.arrive(kEdge, build(elsewhere));
    router.turn();
    const auto unauthorised = static_cast<std::uint8_t>(routing::ErrorCode::unauthorised);
    EXPECT_EQ(router.leave(kEdge),
              (Frames{as_sent(answer_to(stranger, Type::error, unauthorised)),
                      as_sent(answer_to(elsewhere, Type::error, unauthorised))}));
    EXPECT_EQ(router.drops(kEdge, Drop::source_unknown), 1U);
    EXPECT_EQ(router.drops(kEdge, Drop::source_spoofed), 1U);
    EXPECT_EQ(router.fib().last_heard_ms(*router.fib().find(agent(kSender))), 0U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, a_heartbeat_is_strict_even_where_messages_are_not_checked) {
    RingRouter router;
    FrameSpec beat = control_spec(Type::heartbeat);
    beat.source = agent(kUnknown);
    beat.destination_mac = mac(4);
    beat.destination_ip = ip("10.3.0.1");
    router.arrive(kIpv4Only, build(beat));
    FrameSpec message = beat;
    message.type = Type::message;
    message.destination = agent(kReceiver);
    router.arrive(kIpv4Only, build(message));
    router.turn();
    EXPECT_EQ(router.drops(kIpv4Only, Drop::source_unknown), 1U);
    EXPECT_EQ(router.discard(kEdge), 1U);
    router.discard(kIpv4Only);
}

TEST(worker, errors_go_back_over_the_fabric_with_the_relayed_flag) {
    RingRouter router;
    FrameSpec spec = to(kUnknown, routing::flag::want_error | routing::flag::relayed);
    spec.destination_mac = mac(3);
    spec.source_mac = mac(77);
    spec.source_ip = ip("10.2.0.7");
    spec.destination_ip = ip("10.2.0.1");
    router.arrive(kFabric, build(spec));
    router.turn();
    EXPECT_EQ(router.leave(kFabric), Frames{as_sent(answer_to(spec, Type::error, 1))});
    EXPECT_EQ(router.drops(kFabric, Drop::unknown_agent), 1U);
    EXPECT_EQ(router.port(kFabric).answered.read(), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, holds_for_a_neighbour_and_sends_what_is_resubmitted) {
    RingRouter router;
    const FrameSpec spec = to(kStaticUnresolved);
    router.arrive(kEdge, build(spec));
    router.turn();
    EXPECT_TRUE(router.leave(kTagged).empty());
    Punted held;
    ASSERT_EQ(router.worker().punts(PuntClass::hold).pop(std::span(&held, 1)), 1U);
    EXPECT_EQ(held.adjacency, kHostUnresolved);
    EXPECT_EQ(held.ingress, kEdge);

    World world = small_world();
    world.adjacencies[kHostUnresolved].resolved = true;
    world.adjacencies[kHostUnresolved].mac = mac(56);
    router.publish(world);
    ASSERT_TRUE(router.worker().inject().push({held.frame, held.ingress, InjectKind::resubmit}));
    router.turn();
    FrameSpec out = spec;
    out.source_mac = mac(2);
    out.destination_mac = mac(56);
    out.tag = 100;
    out.source_ip = ip("10.1.0.1");
    out.destination_ip = ip("10.1.0.56");
    out.destination_port = 5056;
    --out.hop_limit;
    EXPECT_EQ(router.leave(kTagged), Frames{as_sent(out)});
    EXPECT_EQ(router.port(kEdge).received.read(), 1U);
    EXPECT_EQ(router.port(kEdge).resubmitted.read(), 1U);
    EXPECT_EQ(router.port(kEdge).punted.read(), 1U);
    EXPECT_EQ(router.port(kEdge).sent.read(), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, resubmits_frames_of_several_ports_in_order) {
    RingRouter router;
    for (std::uint64_t i = 0; i < 10; ++i) {
        FrameSpec spec = to(kReceiver);
        spec.message = i;
        std::uint16_t port = kEdge;
        if (i % 2 == 1) {
            port = kIpv4Only;
            spec.destination_mac = mac(4);
            spec.destination_ip = ip("10.3.0.1");
        }
        const FrameBytes bytes = build(spec);
        ASSERT_TRUE(
            router.worker().inject().push({router.make(bytes), port, InjectKind::resubmit}));
    }
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 10U);
    EXPECT_EQ(router.port(kEdge).resubmitted.read(), 5U);
    EXPECT_EQ(router.port(kIpv4Only).resubmitted.read(), 5U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, transmits_what_the_control_thread_finished) {
    RingRouter router;
    const FrameBytes bytes(60, 0xab);
    ASSERT_TRUE(router.worker().inject().push({router.make(bytes), kFabric, InjectKind::transmit}));
    router.turn();
    EXPECT_EQ(router.leave(kFabric), Frames{bytes});
    EXPECT_EQ(router.worker().counters().injected.read(), 1U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, punts_control_and_neighbour_frames_by_class) {
    RingRouter router;
    router.arrive(kEdge, build(control_spec(Type::register_agent)));
    FrameBytes arp(60, 0);
    const FrameBytes head = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,  9, 8, 6,
                             0,    1,    8,    0,    6,    4,    0, 1, 2, 0, 0,  0, 0, 9,
                             10,   0,    0,    9,    0,    0,    0, 0, 0, 0, 10, 0, 0, 1};
    std::copy(head.begin(), head.end(), arp.begin());
    router.arrive(kEdge, arp);
    router.turn();
    EXPECT_EQ(router.worker().punts(PuntClass::registration).size(), 1U);
    EXPECT_EQ(router.worker().punts(PuntClass::neighbour).size(), 1U);
    EXPECT_EQ(router.port(kEdge).punted.read(), 2U);
    EXPECT_EQ(router.in_use(), 2U);  // the worker frees them when it goes
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, a_port_that_takes_nothing_takes_nothing_from_another) {
    RingRouterOptions options;
    options.tx_ring = 64;
    options.worker.tx_backlog = 128;
    RingRouter router(options);
    // Far more for the fabric than its ring and backlog hold; nobody empties it.
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 32; ++i) {
            router.arrive(kEdge, build(to(kRemote)));
            router.arrive(kEdge, build(to(kReceiver)));
        }
        router.turn();
        EXPECT_EQ(router.discard(kEdge), 32U);
    }
    EXPECT_EQ(router.port(kFabric).transmitted.read(), 63U);
    EXPECT_EQ(router.port(kFabric).backlog.read(), 128U);
    EXPECT_EQ(router.drops(kEdge, Drop::tx_full), 320U - 63U - 128U);
    EXPECT_EQ(router.broken_law(), "");
    // It wakes up: what waited goes first.
    router.discard(kFabric);
    router.turn();
    EXPECT_EQ(router.port(kFabric).transmitted.read(), 63U + 63U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, the_first_errors_of_a_port_are_sent_and_its_rate_may_change) {
    RingRouter router;
    World world = small_world();
    world.ports[kEdge].error_rate = 3;
    router.publish(world);
    const FrameBytes bytes = build(to(kUnknown, routing::flag::want_error));
    for (int i = 0; i < 10; ++i) {
        router.arrive(kEdge, bytes);
    }
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 3U);
    EXPECT_EQ(router.port(kEdge).answers_suppressed.read(), 7U);
    world.ports[kEdge].error_rate = 0;
    router.publish(world);
    router.set_ms(60'000);
    router.arrive(kEdge, bytes);
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 0U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, a_full_egress_is_answered_as_overload) {
    RingRouterOptions options;
    options.tx_ring = 2;
    options.worker.tx_backlog = 1;
    RingRouter router(options);
    const FrameSpec spec = to(kRemote, routing::flag::want_error);
    for (int i = 0; i < 3; ++i) {
        router.arrive(kEdge, build(spec));
        router.turn();
    }
    const auto overloaded = static_cast<std::uint8_t>(routing::ErrorCode::overloaded);
    EXPECT_EQ(router.leave(kEdge), Frames{as_sent(answer_to(spec, Type::error, overloaded))});
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, neither_polls_nor_sends_on_a_port_that_is_not_up) {
    RingRouterOptions options;
    options.tx_ring = 2;
    RingRouter router(options);
    for (int i = 0; i < 5; ++i) {
        router.arrive(kEdge, build(to(kRemote)));
    }
    router.turn();
    EXPECT_EQ(router.port(kFabric).backlog.read(), 4U);
    World world = small_world();
    world.ports[kFabric].up = false;
    router.publish(world);
    FrameSpec relayed = to(kReceiver, routing::flag::relayed);
    relayed.destination_mac = mac(3);
    relayed.destination_ip = ip("10.2.0.1");
    router.arrive(kFabric, build(relayed));
    router.arrive(kEdge, build(to(kRemote)));
    router.turn();
    EXPECT_EQ(router.port(kFabric).tx_discarded.read(), 4U);
    EXPECT_EQ(router.port(kFabric).backlog.read(), 0U);
    EXPECT_EQ(router.port(kFabric).received.read(), 0U);
    EXPECT_EQ(router.drops(kEdge, Drop::port_down), 1U);
    EXPECT_EQ(router.broken_law(), "");
    router.publish(small_world());
    router.turn();
    EXPECT_EQ(router.port(kFabric).received.read(), 1U);
    EXPECT_EQ(router.discard(kEdge), 1U);
    EXPECT_EQ(router.discard(kFabric), 1U);
}

TEST(worker, drains_and_leaves_nothing_behind) {
    RingRouterOptions options;
    options.tx_ring = 8;
    RingRouter router(options);
    for (int i = 0; i < 20; ++i) {
        router.arrive(kEdge, build(to(kRemote)));
    }
    router.turn();
    const FrameBytes bytes(60, 0xab);
    ASSERT_TRUE(router.worker().inject().push({router.make(bytes), kEdge, InjectKind::transmit}));
    router.worker().drain(2);
    EXPECT_EQ(router.port(kFabric).transmitted.read(), 7U);
    EXPECT_EQ(router.port(kFabric).tx_discarded.read(), 13U);
    EXPECT_EQ(router.leave(kEdge), Frames{bytes});
    router.discard(kFabric);
    EXPECT_EQ(router.in_use(), 0U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, without_a_queue_hands_its_frames_to_the_one_that_has_it) {
    RingRouterOptions options;
    options.workers = 2;
    options.tx_ring = 16;
    RingRouter router(options);
    const FrameBytes bytes(60, 0xab);
    for (int i = 0; i < 10; ++i) {
        ASSERT_TRUE(
            router.worker(1).inject().push({router.make(bytes), kEdge, InjectKind::transmit}));
    }
    router.turn();
    EXPECT_EQ(router.discard(kEdge), 10U);
    EXPECT_EQ(router.worker(1).counters().port[kEdge].handed_over.read(), 10U);
    EXPECT_EQ(router.worker(0).counters().port[kEdge].taken_over.read(), 10U);
    EXPECT_EQ(router.worker(0).counters().port[kEdge].transmitted.read(), 10U);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, sheds_low_priorities_once_a_queue_stays_full) {
    RingRouterOptions options;
    options.mbufs = 8191;
    options.rx_ring = 8192;
    options.tx_ring = 8192;
    options.worker.tx_backlog = 8192;
    RingRouter router(options);
    FrameSpec low = to(kReceiver);
    low.priority = 0x10;
    const FrameBytes bytes = build(low);
    for (unsigned i = 0; i < (Overload::kRaiseAfter + 1) * kBurstMax; ++i) {
        router.arrive(kEdge, bytes);
    }
    router.turn();
    EXPECT_EQ(router.drops(kEdge, Drop::shed), 2U * kBurstMax);  // the burst that raised it, too
    EXPECT_EQ(router.discard(kEdge), (Overload::kRaiseAfter - 1) * kBurstMax);
    EXPECT_EQ(router.broken_law(), "");
}

TEST(worker, samples_the_time_of_every_sixteenth_burst) {
    RingRouter router;
    for (int i = 0; i < 32; ++i) {
        router.arrive(kEdge, build(to(kReceiver)));
        router.turn();
        router.discard(kEdge);
    }
    for (const StageCounters& stage : router.worker().counters().stage) {
        EXPECT_EQ(stage.calls.read(), 2U);
        EXPECT_EQ(stage.frames.read(), 2U);
        EXPECT_GT(stage.cycles.read(), 0U);
    }
}
